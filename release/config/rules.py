"""Rules between the sections of a config; each is asked as soon as its sections are right by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from pathlib import Path

from anonymizer.errors import BadConfig
from anonymizer.tables.table import EVENTS
from release.config.columns import DatesSpec, Rules, matching_keys
from release.config.event_rules import (
    events_are_dropped_whole,
    known_events_are_bounded,
    only_what_can_be_linked,
    tables_are_known,
    tables_are_of_patients,
)
from release.config.guarantee_rules import (
    averages_are_of_numbers,
    levels_are_paid_for,
    nothing_else_depends_on_the_data,
    releases_quasi_identifiers_alone,
)
from release.config.keys import Finding, Findings
from release.config.metric import spelled_out, target_is_released, weights_have_an_effect
from release.config.privacy import Privacy
from release.config.recoding import classes_can_be_recoded
from release.config.search import Search
from release.config.sections import Input, Output, Risk
from release.config.synthesis import Synthesis
from release.config.synthesis_rules import (
    holdout_can_be_told,
    limits_can_be_compared,
    rows_of_a_person_count,
    seed_has_an_effect,
    synthesis_fits,
)
from release.config.tables import Tables
from release.config.time import (
    Time,
    dates_can_be_told_otherwise,
    event_dates_can_be_told_otherwise,
    invalid_has_an_effect,
    times_are_no_numbers_to_average,
)
from release.config.utility import analysed_columns_are_released, one_table_is_analysed
from release.files.permissions import group_number


def root_rules(sections: Mapping[str, object]) -> Findings:
    """The broken rules between ``sections``; those whose sections are not all there are not asked.

    The section ``stated`` is the set of top-level keys that the file gives.
    """
    for needed, rule in _RULES:
        if all(name in sections for name in needed):
            yield from rule(*(sections[name] for name in needed))


def _somebody_has_reviewed(reviewer: str | None, is_required: bool) -> Findings:
    if is_required and reviewer is None:
        yield Finding(("require_review",), "no person has reviewed the roles: reviewed_by names nobody")


def _something_to_protect(columns: Rules) -> Findings:
    if not any(rule.role == "quasi-identifier" for rule in columns.values()):
        yield Finding(("columns",), "needs at least one quasi-identifier")


def _person_is_dropped(columns: Rules, subject: str) -> Findings:
    if subject == "row":
        return
    keys = matching_keys(columns, subject)
    if not keys:
        yield Finding(("subject",), "names a column that has no rule", _near(subject, columns))
    for key in keys:
        if columns[key].role != "identifier":
            yield Finding(("columns", key, "role"), "the column that names the person must be an identifier")


def _person_of_an_export(subject: str, source: Input) -> Findings:
    if source.mii is None or subject == "patient_id":
        return
    if subject != "row":
        yield Finding(("subject",), "must be patient_id (or row, where a row is a patient)")
    elif source.mii.row == "encounter":
        # counting rows would let one patient's encounters hide one another
        yield Finding(("subject",), "must be patient_id where a row is an encounter")


def _demands_name_sensitive_columns(columns: Rules, privacy: Privacy) -> Findings:
    for name, index, demand in privacy.demands:
        at = ("privacy", name, index, "column")
        keys = matching_keys(columns, demand.column)
        if not keys:
            yield Finding(at, "names a column that has no rule", _near(demand.column, columns))
        elif not all(columns[key].is_sensitive for key in keys):
            yield Finding(at, "must be a sensitive column (`role: sensitive`, or `sensitive: true`)")


def _code_lists_are_released(columns: Rules, privacy: Privacy, source: Input, tables: Tables) -> Findings:
    """Where there are tables of events, their own rule says which demand they need."""
    is_csv = source.table is not None and not source.table.is_parquet
    for index, demand in enumerate(() if tables else privacy.km_anonymity):
        at = ("privacy", "km_anonymity", index, "column")
        keys = matching_keys(columns, demand.column)
        if not keys and demand.column == EVENTS:
            yield Finding(at, "is about the events of `tables`: add that section, or name a list of codes")
        elif not keys:
            yield Finding(at, "names a column that has no rule", _near(demand.column, columns))
        elif not all(columns[key].role in ("sensitive", "insensitive") for key in keys):
            yield Finding(at, "must be sensitive or insensitive: a list of codes that is released")
        elif is_csv and not all(columns[key].type == "codes" for key in keys):
            yield Finding(at, "holds no lists of codes: give the column `type: codes`")


def _hierarchies_have_an_effect(columns: Rules, privacy: Privacy) -> Findings:
    """A sensitive column's hierarchy coarsens its release or measures a distance; that distance needs one."""
    measured = set()
    for index, demand in enumerate(privacy.t_closeness):
        for key in matching_keys(columns, demand.column) if demand.distance == "hierarchical" else ():
            measured.add(key)
            if columns[key].hierarchy is None:
                yield Finding(
                    ("privacy", "t_closeness", index, "distance"),
                    f"needs a hierarchy: give columns.{key} one, or choose equal or ordered",
                )
    for key, rule in columns.items():
        is_idle = rule.role == "sensitive" and rule.release_level is None and key not in measured
        if is_idle and rule.hierarchy is not None:
            yield Finding(
                ("columns", key, "hierarchy"),
                "has no effect on this role without release_level or a hierarchical t_closeness",
            )


def _metric_fits_the_columns(columns: Rules, search: Search) -> Findings:
    metric = spelled_out(search.metric)
    yield from target_is_released(columns, metric)
    yield from weights_have_an_effect(columns, metric)


def _resources_hold_the_columns(source: Input, time: Time | None, output: Output) -> Findings:
    if "fhir" not in output.formats:
        return
    at = ("output", "formats", output.formats.index("fhir"))
    if source.mii is None or source.mii.row == "encounter":
        yield Finding(at, "fhir is for the patients of an export and their further `tables`")
    if time is not None and time.relative is not None:
        yield Finding(at, "days since an event have no element in FHIR: shift the dates, or leave out fhir")


def _days_have_a_reference(columns: Rules, source: Input, stated: Set[str]) -> Findings:
    open_ended = (
        isinstance(rule.hierarchy, DatesSpec) and rule.hierarchy.domain is None for rule in columns.values()
    )
    if "reference_date" not in stated and (source.mii is not None or any(open_ended)):
        yield Finding(("reference_date",), "is required here: a date, or `today`")


def _types_are_of_csv_columns(columns: Rules, source: Input) -> Findings:
    without_effect = ("type", "accept_dependency") if source.mii else ("type",)
    if source.table is not None and not source.table.is_parquet:
        return
    for key, rule in columns.items():
        for name in rule.given(*without_effect):
            yield Finding(("columns", key, name), "has no effect on this input, whose columns have types")


def _output_spares_input(name: str, source: Input, output: Output) -> Findings:
    given: Path = source.source.path
    target = output.directory / name
    if target == given or target.is_relative_to(given) or given.is_relative_to(target):
        yield Finding(
            ("output", "directory"), "the release would lie inside the input, or the input inside it"
        )


def _thresholds_name_figures(risk: Risk, tables: Tables, synthesis: Synthesis | None) -> Findings:
    if not risk.thresholds:
        return
    from risk.assessment import ATTACK_FIGURES, FIGURES, LINKED_FIGURES, SYNTHETIC_FIGURES

    of_attacks = ATTACK_FIGURES | SYNTHETIC_FIGURES
    known = FIGURES | of_attacks | LINKED_FIGURES
    for figure in risk.thresholds:
        at = ("risk", "thresholds", figure)
        is_part = any(figure.startswith(f"{each}.") for each in of_attacks)
        if figure in LINKED_FIGURES and not tables:
            yield Finding(at, "is a figure of a release with `tables`")
        elif figure not in known and not is_part:
            yield Finding(at, "is no known figure", _near(figure, known))
        elif figure.startswith("synthetic.") and synthesis is None:
            yield Finding(at, "is a figure of a synthetic table, and there is no `synthesis`")
        elif (figure in of_attacks or is_part) and risk.attacks == "none":
            yield Finding(at, "is a figure of attacks, which are switched off")


def _group_exists(output: Output) -> Findings:
    if output.group is None:
        return
    try:
        group_number(output.group)
    except BadConfig:
        yield Finding(("output", "group"), "this machine has no such group")


def _near(word: str, known: Mapping[str, object] | Set[str]) -> str | None:
    from release.config.problems import closest

    return closest(word, known)


_RULES: tuple[tuple[tuple[str, ...], Callable[..., Findings]], ...] = (
    (("reviewed_by", "require_review"), _somebody_has_reviewed),
    (("columns",), _something_to_protect),
    (("columns", "subject"), _person_is_dropped),
    (("subject", "input"), _person_of_an_export),
    (("columns", "privacy"), _demands_name_sensitive_columns),
    (("columns", "privacy", "input", "tables"), _code_lists_are_released),
    (("tables",), tables_are_known),
    (("tables", "input", "subject"), tables_are_of_patients),
    (("tables", "privacy"), known_events_are_bounded),
    (("tables", "output"), events_are_dropped_whole),
    (("tables", "privacy", "search", "microaggregation"), only_what_can_be_linked),
    (("columns", "privacy"), _hierarchies_have_an_effect),
    (("columns", "search"), _metric_fits_the_columns),
    (("privacy", "search"), classes_can_be_recoded),
    (("columns", "privacy"), releases_quasi_identifiers_alone),
    (("columns", "privacy"), levels_are_paid_for),
    (("privacy", "output", "risk", "stated"), nothing_else_depends_on_the_data),
    (("columns", "input", "microaggregation"), averages_are_of_numbers),
    (("columns", "subject", "input", "time"), dates_can_be_told_otherwise),
    (("tables", "input", "time"), event_dates_can_be_told_otherwise),
    (("time", "microaggregation"), times_are_no_numbers_to_average),
    (("columns", "input", "time"), invalid_has_an_effect),
    (("columns", "input", "stated"), _days_have_a_reference),
    (("columns", "input"), _types_are_of_csv_columns),
    (("name", "input", "output"), _output_spares_input),
    (("output",), _group_exists),
    (("input", "time", "output"), _resources_hold_the_columns),
    (("risk", "tables", "synthesis"), _thresholds_name_figures),
    (("columns", "synthesis", "risk", "output", "tables"), synthesis_fits),
    (("seed", "synthesis"), seed_has_an_effect),
    (("subject", "synthesis"), rows_of_a_person_count),
    (("risk", "synthesis", "search"), holdout_can_be_told),
    (("risk", "synthesis"), limits_can_be_compared),
    (("columns", "utility"), analysed_columns_are_released),
    (("utility", "tables", "stated"), one_table_is_analysed),
)
