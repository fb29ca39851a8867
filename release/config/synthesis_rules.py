"""Rules about synthetic tables: what they need of the other sections, and what these are without them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from release.config.columns import Rules, matching_keys
from release.config.keys import Finding, Findings
from release.config.search import Search
from release.config.sections import Output, Risk
from release.config.synthesis import Synthesis
from release.config.tables import Tables

_NEEDS_OTHERS = re.compile(
    r"synthetic\.(membership_(tpr_1|tpr_1_isolated|auc)|attribute_inference(\..*)?|linkage\.right_claims)$"
)


def synthesis_fits(
    columns: Rules, synthesis: Synthesis | None, risk: Risk, output: Output, tables: Tables
) -> Findings:
    """The rules between `synthesis` and the other sections."""
    if synthesis is None:
        yield from _nothing_to_publish(risk, output)
        return
    for at, name in _named(synthesis):
        keys = matching_keys(columns, name)
        if not keys:
            yield Finding(("synthesis", *at), "names a column that has no rule")
        elif any(columns[key].role == "identifier" for key in keys):
            yield Finding(("synthesis", *at), "names a column that is not released")
    yield from _is_measured(synthesis, risk, output)
    yield from _can_be_published(synthesis, output)
    if tables:
        yield from _tables_can_be_drawn(synthesis)


def _tables_can_be_drawn(synthesis: Synthesis) -> Findings:
    """What this version does not have with several tables (69)."""
    later = "this version does not have this with `tables` yet"
    if synthesis.fit_on == "original":
        yield Finding(("synthesis", "fit_on"), later, later=True)
    if synthesis.distil:
        yield Finding(("synthesis", "distil"), later, later=True)


def _nothing_to_publish(risk: Risk, output: Output) -> Findings:
    if output.publish in ("synthetic", "both"):
        yield Finding(("output", "publish"), "needs `synthesis`: there is no synthetic table")
    if risk.holdout is not None:
        yield Finding(
            ("risk", "holdout"),
            "needs `synthesis`: an anonymised table is compared with itself less each person",
        )


def _named(synthesis: Synthesis) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, names in (("given", synthesis.conditions), ("domain", synthesis.domain)):
        for name in names:
            yield (key, name), name
    for index, constraint in enumerate(synthesis.constraints):
        for name in constraint.columns:
            yield ("constraints", index), name


def _is_measured(synthesis: Synthesis, risk: Risk, output: Output) -> Findings:
    if risk.holdout is not None and risk.attacks == "none":
        yield Finding(("risk", "holdout"), "has no effect where attacks are switched off")
    is_released = output.published(synthesis) != "anonymised"
    if synthesis.fit_on == "anonymised" or synthesis.is_private or not is_released:
        return
    if risk.attacks == "none":
        yield Finding(
            ("risk", "attacks"), "must not be none: nothing else protects what is fitted on the original"
        )
    if not any(name.startswith("synthetic.") for name in risk.thresholds):
        yield Finding(
            ("risk", "thresholds"),
            "needs a limit on a synthetic figure: nothing else protects what is fitted on the original",
            "synthetic.linkage",
        )


def _can_be_published(synthesis: Synthesis, output: Output) -> Findings:
    if output.publish == "anonymised":
        yield Finding(("output", "publish"), "leaves nothing for `synthesis` to do: synthetic or both")
    composes = output.published(synthesis) == "both" and synthesis.fit_on == "original"
    if composes and not output.accept_composition:
        yield Finding(
            ("output", "accept_composition"),
            "must be true to publish an anonymised table and a synthetic one that was fitted on the original",
        )
    if output.accept_composition and not composes:
        yield Finding(
            ("output", "accept_composition"), "has an effect only on `publish: both` with `fit_on: original`"
        )
    if "fhir" in output.formats and output.published(synthesis) != "anonymised":
        at = ("output", "formats", output.formats.index("fhir"))
        yield Finding(at, "fhir is for anonymised tables alone")


def limits_can_be_compared(risk: Risk, synthesis: Synthesis | None) -> Findings:
    """Figures that compare with people who were held out are not estimated without any, and keep no limit."""
    if synthesis is None or risk.holdout is not None:
        return
    for figure in filter(_NEEDS_OTHERS.match, risk.thresholds):
        yield Finding(
            ("risk", "thresholds", figure),
            "is not estimated without people held out: set risk.holdout to a share of them, or to twin",
        )


def rows_of_a_person_count(subject: str, synthesis: Synthesis | None) -> Findings:
    """A person with one row alone cannot have several that count."""
    if subject == "row" and synthesis is not None and synthesis.rows_per_person not in (None, 1):
        yield Finding(("synthesis", "rows_per_person"), "has no effect where every row is one person")


def seed_has_an_effect(seed: int | None, synthesis: Synthesis | None) -> Findings:
    """An anonymised table is the same whatever the seed."""
    if seed is not None and synthesis is None:
        yield Finding(("seed",), "has no effect without `synthesis`")


def holdout_can_be_told(risk: Risk, synthesis: Synthesis | None, search: Search) -> Findings:
    """Whoever is held out must be told in the words of the table that is learned from.

    Who is held out depends on how many people there are, so one person more would change the rows of many.
    """
    if isinstance(risk.holdout, float) and synthesis is not None and synthesis.is_private:
        yield Finding(
            ("risk", "holdout"),
            "must be twin with dp-marginals: epsilon is of one person, and a holdout moves others",
            "twin",
        )
        return
    is_split = isinstance(risk.holdout, float) and synthesis is not None
    if (
        is_split
        and synthesis is not None
        and synthesis.fit_on == "anonymised"
        and search.recoding != "global"
    ):
        yield Finding(
            ("risk", "holdout"),
            "must be twin with such a recoding: it says nothing of people who were held out",
            "twin",
        )
