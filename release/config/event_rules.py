"""Rules about tables of events: what they can hold, and what else a release of several tables can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anonymizer.criteria import KAnonymity, MaxRisk
from anonymizer.tables.table import EVENTS
from mii import TABLES
from release.config.columns import BandsSpec, DatesSpec
from release.config.guarantees import Averaged
from release.config.keys import Finding, Findings
from release.config.privacy import Privacy
from release.config.search import Search
from release.config.sections import Input, MiiInput, Output
from release.config.tables import EventColumn, Tables, event_kind
from release.config.time import is_for_codes

_DEMAND = f"{{column: {EVENTS}, k: 5, m: 2}}"
_LATER = "is not possible with `tables` in this version; leave it out, or release the patients alone"


def tables_are_known(tables: Tables) -> Findings:
    """Tables and columns are those of the core dataset, and each rule fits its column."""
    for table, rules in tables.items():
        if table not in TABLES:
            known = ", ".join(TABLES)
            yield Finding(("tables", table), f"is none of the tables {known}", _near(table, TABLES))
            continue
        for name, rule in rules.items():
            if name not in TABLES[table]:
                yield Finding(
                    ("tables", table, name),
                    f"is no column of {table}, which has {', '.join(TABLES[table])}",
                    _near(name, TABLES[table]),
                )
            else:
                for key, message in _misfits(name, rule):
                    yield Finding(("tables", table, name, key), message)


def tables_are_of_patients(tables: Tables, source: Input, subject: str) -> Findings:
    """Events belong to the patients of an export, who have one row each."""
    if not tables:
        return
    if source.mii is None:
        yield Finding(("tables",), "needs `input.mii`: a plain table has no events; leave this section out")
        return
    if source.mii.row != "patient":
        yield Finding(("input", "mii", "row"), "must be patient beside `tables`: events belong to patients")
    if subject != "patient_id":
        yield Finding(("subject",), "must be patient_id beside `tables`, whose events are linked by it")
    if "labs" in tables:
        yield from _values_are_of_one_unit(source.mii)


def _values_are_of_one_unit(export: MiiInput) -> Findings:
    units: dict[str, str] = {}
    for name, asked in export.observations.items():
        if units.setdefault(asked.loinc, asked.unit) != asked.unit:
            at = ("input", "mii", "observations", name, "unit")
            yield Finding(at, "must be the unit that tables.labs already has for this LOINC code")
    if not units:
        yield Finding(
            ("tables", "labs"), "needs `input.mii.observations`: the values it is to hold, by LOINC"
        )


def known_events_are_bounded(tables: Tables, privacy: Privacy) -> Findings:
    """With events there is one demand about code sets, which is theirs."""
    if not tables or privacy.differential_privacy is not None:
        return
    if all(demand.column != EVENTS for demand in privacy.km_anonymity):
        yield Finding(
            ("tables",),
            f"needs `privacy: {{km_anonymity: {_DEMAND}}}`: how many people share any m events of somebody",
        )
    for index, demand in enumerate(privacy.km_anonymity):
        at = ("privacy", "km_anonymity", index)
        if demand.column != EVENTS:
            meant = _near(demand.column, (EVENTS,))
            remedy = "" if meant else ": leave this one out"
            told = f"must be {EVENTS}, and that once, beside `tables`{remedy}"
            yield Finding((*at, "column"), told, meant)
        elif demand.repair != "suppress-codes":
            yield Finding((*at, "repair"), f"must be suppress-codes for {EVENTS}: the rarest leave a class")
        elif demand.k < (least := _fewest_people(privacy)):
            yield Finding(
                (*at, "k"), f"must be {least} or more, as is asked of whoever knows no event of a person"
            )


def _fewest_people(privacy: Privacy) -> int:
    """How many people must look alike to whoever knows their quasi-identifiers."""
    asked = (c.k for c in privacy.criteria if isinstance(c, KAnonymity | MaxRisk))
    return max(asked, default=0)


def events_are_dropped_whole(tables: Tables, output: Output) -> Findings:
    """A starred patient's events would still tell how many there are."""
    if tables and output.suppressed != "drop":
        at = ("output", "suppressed")
        yield Finding(at, "must be drop beside `tables`: a suppressed patient leaves with all events")


def only_what_can_be_linked(
    tables: Tables, privacy: Privacy, search: Search, microaggregation: tuple[Averaged, ...]
) -> Findings:
    """What this version does not have with several tables (69)."""
    if not tables:
        return
    for key in _UNLINKED:
        if getattr(privacy, key) not in (None, ()):
            yield Finding(("privacy", key), _LATER, later=True)
    for index, demand in enumerate(privacy.l_diversity):
        if demand.kind != "distinct":
            yield Finding(("privacy", "l_diversity", index, "kind"), f"{demand.kind} {_LATER}", later=True)
    if search.recoding != "global":
        yield Finding(("search", "recoding"), f"{search.recoding} {_LATER}", later=True)
    if microaggregation:
        yield Finding(("microaggregation",), _LATER, later=True)


_UNLINKED = (
    "t_closeness average_risk sample_uniqueness population_uniqueness k_map delta_disclosure beta_likeness "
    "delta_presence differential_privacy"
).split()


def _misfits(name: str, rule: EventColumn) -> Iterator[tuple[str, str]]:
    kind = event_kind(name)
    if isinstance(rule.hierarchy, BandsSpec) and kind != "integer":
        yield "hierarchy", "bands are for whole numbers"
    if isinstance(rule.hierarchy, DatesSpec) and kind != "date":
        yield "hierarchy", "date units are for dates"
    if rule.clip is not None and kind not in ("integer", "number"):
        yield "clip", "only numbers can be clipped"
    if rule.given("invalid") and kind != "date" and not is_for_codes(rule.hierarchy):
        yield "invalid", "is for dates, and for codes with a hierarchy that is released"


def _near(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str | None:
    from release.config.problems import closest

    return closest(word, known)
