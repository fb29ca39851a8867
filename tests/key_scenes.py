"""For every key of the config that has a function: a run, and the same run with that one key changed.

What must differ is named for each key, and an echo of the config does not count: `weight` must change the
released table, not only the manifest that tells it. A change that ends in a refusal names the exit code.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from mii import codesystems
from tests import tiny_export
from tests.schema_cases import OWN_GROUP

Data = dict[str, Any]
Aspect = Literal["data", "statement", "place", "modes", "analysis", "figures", "report"]
"""Where two runs differ: in the data files, what the manifest states, where files lie, who may read them, in
the figures of utility, in those of risk, and in the release report."""

DROPPED: Data = {"role": "identifier"}
KEPT: Data = {"role": "sensitive"}
PROTECTED: Data = {"role": "quasi-identifier"}
SEX: Data = {**PROTECTED, "hierarchy": "suppression"}
AT_THE_TOP: Data = {**SEX, "min_level": 1, "max_level": 1}
AGE: Data = {**PROTECTED, "hierarchy": {"bands": [5, 10, 20], "top": 90}}
ZIP: Data = {**PROTECTED, "hierarchy": {"prefix": [3, 2, 1]}}
BORN: Data = {**PROTECTED, "hierarchy": {"date": ["year", "decade"]}}
WARD: Data = {**PROTECTED, "hierarchy": {"file": "ward.csv"}, "min_level": 1, "max_level": 1}
CODE: Data = {
    **PROTECTED,
    "hierarchy": {"icd-10-gm": {"ranges": "icd.csv"}},
    "min_level": 3,
    "max_level": 3,
}
STAGE: Data = {**KEPT, "hierarchy": "ops", "release_level": 1}
ADMITTED: Data = {**PROTECTED, "hierarchy": {"date": ["year"]}, "max_level": 1}
DATE: Data = {**KEPT, "type": "date"}
DAYS: Data = {"from": date(1900, 1, 1), "to": date(2026, 11, 22)}
CRP: Data = {"loinc": "1988-5", "unit": "mg/L"}

NAMES = (
    *("id", "person", "sex", "age", "zip", "born", "ward", "code", "lab", "comma", "city", "stage", "twin"),
    "codes",
)


@dataclass(frozen=True)
class Change:
    """The key ``at`` of ``base`` gets another ``value``.

    The runs end with ``codes``. Where both are published they differ in ``aspect``; one that is not ``says``
    why.
    """

    value: Any
    base: Data
    at: str = ""
    aspect: Aspect = "data"
    codes: tuple[int, int] = (0, 0)
    says: str = ""


def table(columns: Mapping[str, Data] | None = None, **sections: Any) -> Data:
    """A plain table's config, where every column that is not named is dropped."""
    chosen = {"sex": SEX, "age": AGE, "lab": KEPT} if columns is None else columns
    return {
        "name": "patients",
        "reference_date": date(2026, 11, 22),
        "input": {"table": {"path": "people.csv", "delimiter": ";"}},
        "subject": "id",
        "columns": {**dict.fromkeys(NAMES, DROPPED), **chosen},
        "privacy": {"k_anonymity": 3, "suppression_limit": 0.2},
        "output": {"directory": "out", "formats": ["csv", "parquet"]},
        **sections,
    }


def export(columns: Mapping[str, Data] | None = None, **mii: Any) -> Data:
    """An export's config, with more keys of ``input.mii``; the day of the run decides about no consent."""
    chosen = {"lab_crp_*": KEPT} if columns is None else columns
    day = {} if "consent" in mii else {"consent_date": date(2026, 11, 22)}
    return {
        **table(),
        "input": {"mii": {"path": "export", "observations": {"crp": CRP}, **day, **mii}},
        "subject": "patient_id",
        "columns": {"patient_id": DROPPED, "gender": SEX, **chosen},
        "privacy": {"k_anonymity": 2, "suppression_limit": 0.5},
    }


def diverse(column: str, columns: Mapping[str, Data]) -> Data:
    """A plain table's config that asks for three values of ``column`` in every class."""
    demand = {"column": column, "kind": "distinct", "l": 3}
    return table(columns, privacy={"k_anonymity": 2, "suppression_limit": 0.2, "l_diversity": (demand,)})


def close(distance: str, t: float) -> Data:
    """A plain table's config that asks for the number ``lab`` in every class to be distributed as in all."""
    demand = {"column": "lab", "distance": distance, "t": t}
    columns = {**_LABS, "lab": {**KEPT, "type": "number"}}
    return table(columns, privacy={"k_anonymity": 2, "suppression_limit": 0.2, "t_closeness": (demand,)})


def informing(**criterion: Any) -> Data:
    """A plain table's config with a criterion on what a class may tell about ``city``."""
    return table(_LABS, privacy={"k_anonymity": 2, "suppression_limit": 0.2, **criterion})


def searching(**limits: Any) -> Data:
    """A plain table's config over more transformations than a first look evaluates."""
    return table(_WIDE, search=limits)


def measured(metric: Any) -> Data:
    """A plain table's config where every metric has another optimum."""
    half = {"k_anonymity": 2, "suppression_limit": 0.5}
    return table({**_WIDE, "city": KEPT}, privacy=half, search={"metric": metric})


def private(**budget: float) -> Data:
    """A plain table's config that releases how many people were drawn, where sixty are enough for it."""
    return table({"sex": AT_THE_TOP}, privacy={"differential_privacy": budget})


def averaging(*columns: str, k: int) -> Data:
    """A plain table's config that releases numbers as means."""
    numbers = {name: {**KEPT, "type": "number"} for name in columns}
    return table({"sex": SEX, **numbers}, microaggregation=({"columns": columns, "k": k},))


def shifting(**shift: Any) -> Data:
    """A plain table's config that shifts a date by the moves that a secret of the house decides."""
    section = {"columns": ("born",), "secret_file": "shift.key", **shift}
    return table({"sex": SEX, "born": DATE}, time={"shift": section})


def counting_from(to: str, *columns: str) -> Data:
    """An export's config that tells dates as days since a person's first day in ``to``."""
    dates = {"admission_date": KEPT, "discharge_date": KEPT}
    section = {"relative": {"columns": columns, "to": to}}
    return {**export({"lab_crp_last": KEPT, **dates}, row="encounter"), "time": section}


def refused(change: Change, code: int, says: str) -> Change:
    """``change``, where the second run ends with ``code``."""
    return replace(change, codes=(0, code), says=says)


def admitted(change: Change, code: int, says: str) -> Change:
    """``change``, where the first run ends with ``code`` and the second one is published."""
    return replace(change, codes=(code, 0), says=says)


_LABS: Data = {"sex": SEX, "age": AGE, "lab": KEPT, "city": KEPT}
_WIDE: Data = {"sex": SEX, "age": AGE, "zip": ZIP, "born": BORN, "lab": KEPT}
_ADULTS: Data = {**AGE, "hierarchy": {"bands": [5, 10, 20], "top": 90, "bottom": 30}}
_LIMITED: Data = {"thresholds": {"anonymised.prosecutor_max": 0.01}}
_NINETIES: Data = {"from": date(1990, 1, 1), "to": date(1999, 12, 31)}
_BORN_IN_DOMAIN: Data = {"born": {**PROTECTED, "hierarchy": {"date": ["year", "decade"], "domain": DAYS}}}

_BORN_IN_THE_NINETIES: Data = {**PROTECTED, "hierarchy": {"date": ["year", "decade"], "domain": _NINETIES}}
_TWO_SHIFTED: Data = {
    **export({"admission_date": KEPT, "discharge_date": KEPT}),
    "time": {"shift": {"columns": ("admission_date", "discharge_date"), "secret_file": "shift.key"}},
}

CHANGES: dict[str, Change] = {
    "name": Change("others", table(), aspect="place"),
    "reference_date": Change(date(2025, 1, 1), export({"age_years": {**AGE, "max_level": 1}})),
    "reviewed_by": Change(None, table(reviewed_by="Ada"), aspect="statement"),
    "require_review": refused(Change(True, table()), 78, "no person has reviewed the roles"),
    # a class of four rows may be two people
    "subject": Change("person", table(privacy={"k_anonymity": 4, "suppression_limit": 0.2})),
    "input": Change({"table": {"path": "others.csv", "delimiter": ";"}}, table()),
    "input.table": Change({"path": "others.csv", "delimiter": ";"}, table()),
    "input.table.path": Change("others.csv", table()),
    "input.table.delimiter": refused(Change("|", table()), 65, "lacks columns"),
    "input.table.encoding": Change("cp1252", table(_LABS)),
    "input.table.decimal": admitted(
        Change(",", table({"sex": SEX, "comma": {**KEPT, "type": "number"}})), 65, "'comma'"
    ),
    "input.table.missing": Change(("", "?"), table(_LABS)),
    "input.mii": Change({"path": "other", "consent_date": date(2026, 11, 22)}, export({"age_years": AGE})),
    "input.mii.path": Change("other", export()),
    "input.mii.consent": Change({"ignore": "a law"}, export(consent="required")),
    "input.mii.consent.ignore": Change(
        "another law", export(consent={"ignore": "a law"}), aspect="statement"
    ),
    "input.mii.consent_date": Change(date(2031, 1, 1), export()),
    "input.mii.retrospective": Change(True, export()),
    "input.mii.row": Change("encounter", export()),
    "input.mii.index_encounter": Change("last", export({"admission_date": ADMITTED})),
    "input.mii.observations": Change(
        {"crp": CRP, "hb": {"loinc": "718-7", "unit": "g/dL"}}, export({"lab_*": KEPT})
    ),
    "input.mii.observations.*.loinc": Change("718-7", export(), at="input.mii.observations.crp.loinc"),
    "input.mii.observations.*.unit": Change("g/L", export(), at="input.mii.observations.crp.unit"),
    "columns": Change({**table()["columns"], "lab": DROPPED}, table()),
    "columns.*.role": Change("identifier", table(), at="columns.lab.role"),
    "columns.*.sensitive": admitted(
        Change(True, diverse("zip", {"sex": SEX, "zip": ZIP}), at="columns.zip.sensitive"), 78, "sensitive"
    ),
    "columns.*.weight": Change(20.0, table({"age": AGE, "zip": ZIP}), at="columns.age.weight"),
    "columns.*.min_level": Change(1, table(), at="columns.sex.min_level"),
    "columns.*.max_level": Change(0, table({"age": AGE, "zip": ZIP}), at="columns.zip.max_level"),
    "columns.*.release_level": Change(
        4, table({"sex": SEX, "stage": STAGE}), at="columns.stage.release_level"
    ),
    "columns.*.clip": Change(
        (0.0, 9.0), table({"sex": SEX, "lab": {**KEPT, "clip": (0.0, 300.0)}}), at="columns.lab.clip"
    ),
    "columns.*.invalid": admitted(
        Change("missing", table({"sex": SEX, "born": _BORN_IN_THE_NINETIES}), at="columns.born.invalid"),
        65,
        "'born'",
    ),
    "columns.*.accept_dependency": admitted(
        Change(True, table({"zip": ZIP, "twin": KEPT}), at="columns.twin.accept_dependency"), 78, "twin"
    ),
    "columns.*.type": Change("number", table(), at="columns.lab.type"),
    "columns.*.hierarchy": Change("suppression", table({"zip": ZIP}), at="columns.zip.hierarchy"),
    "columns.*.hierarchy.bands": Change((2, 4), table(), at="columns.age.hierarchy.bands"),
    "columns.*.hierarchy.top": Change(40, table(), at="columns.age.hierarchy.top"),
    "columns.*.hierarchy.bottom": Change(23, table(), at="columns.age.hierarchy.bottom"),
    "columns.*.hierarchy.bottom_group": admitted(
        Change(True, table({"sex": SEX, "age": _ADULTS}), at="columns.age.hierarchy.bottom_group"),
        65,
        "'age'",
    ),
    "columns.*.hierarchy.prefix": Change((2, 1), table({"zip": ZIP}), at="columns.zip.hierarchy.prefix"),
    "columns.*.hierarchy.length": refused(
        Change(4, table({"zip": ZIP}), at="columns.zip.hierarchy.length"), 65, "'zip'"
    ),
    "columns.*.hierarchy.date": Change(("month",), table({"born": BORN}), at="columns.born.hierarchy.date"),
    "columns.*.hierarchy.domain": refused(
        Change(_NINETIES, table({"born": BORN}), at="columns.born.hierarchy.domain"), 65, "'born'"
    ),
    "columns.*.hierarchy.domain.from": refused(
        Change(date(1990, 1, 1), table(_BORN_IN_DOMAIN), at="columns.born.hierarchy.domain.from"),
        65,
        "'born'",
    ),
    "columns.*.hierarchy.domain.to": refused(
        Change(date(1990, 1, 1), table(_BORN_IN_DOMAIN), at="columns.born.hierarchy.domain.to"), 65, "'born'"
    ),
    "columns.*.hierarchy.file": Change("ward2.csv", table({"ward": WARD}), at="columns.ward.hierarchy.file"),
    "columns.*.hierarchy.delimiter": refused(
        Change("|", table({"ward": WARD}), at="columns.ward.hierarchy.delimiter"), 78, "ward.csv"
    ),
    "columns.*.hierarchy.icd-10-gm": Change(
        {"ranges": "icd2.csv"}, table({"code": CODE}), at="columns.code.hierarchy.icd-10-gm"
    ),
    "columns.*.hierarchy.icd-10-gm.ranges": Change(
        "icd2.csv", table({"code": CODE}), at="columns.code.hierarchy.icd-10-gm.ranges"
    ),
    "privacy": Change({"k_anonymity": 9, "suppression_limit": 0.2}, table()),
    "privacy.k_anonymity": Change(9, table()),
    "privacy.suppression_limit": Change(0.0, table()),
    "privacy.l_diversity": Change((), diverse("city", _LABS)),
    "privacy.l_diversity.column": Change("lab", diverse("city", _LABS), at="privacy.l_diversity.0.column"),
    "privacy.l_diversity.l": Change(2, diverse("city", _LABS), at="privacy.l_diversity.0.l"),
    "privacy.l_diversity.kind": Change(
        "entropy",
        informing(l_diversity=({"column": "city", "kind": "distinct", "l": 2},)),
        at="privacy.l_diversity.0.kind",
    ),
    "privacy.l_diversity.c": Change(
        0.9,
        informing(l_diversity=({"column": "city", "kind": "recursive", "l": 2, "c": 4.0},)),
        at="privacy.l_diversity.0.c",
    ),
    "privacy.t_closeness": Change((), close("equal", 0.2)),
    "privacy.t_closeness.column": Change("city", close("equal", 0.2), at="privacy.t_closeness.0.column"),
    "privacy.t_closeness.distance": Change(
        "ordered", close("equal", 0.2), at="privacy.t_closeness.0.distance"
    ),
    "privacy.t_closeness.t": Change(0.4, close("equal", 0.2), at="privacy.t_closeness.0.t"),
    "privacy.delta_disclosure": Change((), informing(delta_disclosure={"column": "city", "delta": 0.9})),
    "privacy.delta_disclosure.column": Change(
        "lab", informing(delta_disclosure={"column": "city", "delta": 0.9})
    ),
    "privacy.delta_disclosure.delta": Change(2, informing(delta_disclosure={"column": "city", "delta": 0.9})),
    "privacy.beta_likeness": Change((), informing(beta_likeness={"column": "city", "beta": 0.5})),
    "privacy.beta_likeness.column": Change("lab", informing(beta_likeness={"column": "city", "beta": 1.0})),
    "privacy.beta_likeness.beta": Change(1.5, informing(beta_likeness={"column": "city", "beta": 0.5})),
    "privacy.beta_likeness.enhanced": Change(False, informing(beta_likeness={"column": "city", "beta": 3.0})),
    "time": Change({"relative": {"columns": ("born",), "to": "born"}}, shifting()),
    "time.shift": Change({"columns": ("born",), "secret_file": "shift2.key"}, shifting()),
    "time.shift.columns": refused(Change(("admission_date",), _TWO_SHIFTED), 78, "by the calendar"),
    "time.shift.days": Change(90, shifting()),
    "time.shift.keep_weekday": Change(True, shifting()),
    "time.shift.secret_file": Change("shift2.key", shifting()),
    "time.relative": Change(
        {"columns": ("discharge_date",), "to": "discharge_date"},
        counting_from("admission_date", "discharge_date"),
    ),
    "time.relative.columns": Change(
        ("admission_date", "discharge_date"), counting_from("admission_date", "discharge_date")
    ),
    "time.relative.to": Change("discharge_date", counting_from("admission_date", "discharge_date")),
    "search": Change({"metric": "kl"}, measured("loss")),
    "search.metric": Change("discernibility", measured("loss")),
    "search.metric.name": Change("precision", measured({"name": "loss"})),
    "search.metric.aggregate": Change("max", measured({"name": "loss"})),
    "search.metric.gs": Change(0.9, measured({"name": "loss"})),
    "search.metric.monotonic": Change(True, measured({"name": "entropy"})),
    "search.metric.target": Change("lab", measured({"name": "predictive", "target": "city"})),
    "search.recoding": Change("local", table()),
    "search.strategy": Change("anytime", searching(max_nodes=9)),
    "search.max_nodes": refused(Change(1, searching(max_nodes=10**6)), 10, "within the search's limits"),
    "search.time_limit_s": refused(
        Change(1e-9, searching(time_limit_s=600.0, require_optimal=True)), 10, "within the search's limits"
    ),
    "search.require_optimal": refused(Change(True, searching(max_nodes=9)), 10, "not proven"),
    # What is drawn at random differs from run to run, so these runs differ in their exit codes.
    "privacy.differential_privacy": refused(
        Change({"epsilon": 1.0, "delta": 0.01}, table({"sex": AT_THE_TOP})), 78, "cannot be combined"
    ),
    "privacy.differential_privacy.epsilon": admitted(
        Change(1.0, private(epsilon=10.0, delta=0.01)), 10, "random sample"
    ),
    "privacy.differential_privacy.delta": admitted(
        Change(0.01, private(epsilon=1.0, delta=1e-6)), 10, "random sample"
    ),
    "privacy.differential_privacy.epsilon_search": Change(
        0.5,
        private(epsilon=10.0, delta=0.01),
        codes=(10, 78),
        says="has no effect where every level is fixed",
    ),
    "microaggregation": Change((), averaging("lab", "age", k=4)),
    "microaggregation.columns": Change(
        ("lab",), averaging("lab", "age", k=4), at="microaggregation.0.columns"
    ),
    "microaggregation.k": Change(9, averaging("lab", "age", k=4), at="microaggregation.0.k"),
    "risk": refused(Change(_LIMITED, table()), 13, "anonymised.prosecutor_max"),
    "risk.attacks": Change("quick", table(risk={"attacks": "none"}), aspect="figures"),
    "risk.population": Change({"size": 7_000}, table(risk={"attacks": "none"}), aspect="figures"),
    "risk.population.size": Change(70_000, table(risk={"population": {"size": 7_000}}), aspect="figures"),
    "report": Change({"language": "de"}, table(), aspect="report"),
    "report.language": Change("de", table(), aspect="report"),
    "risk.thresholds": refused(Change(_LIMITED["thresholds"], table()), 13, "anonymised.prosecutor_max"),
    "output": Change({"directory": "elsewhere"}, table(), aspect="place"),
    "output.directory": Change("elsewhere", table(), aspect="place"),
    "output.formats": Change(("csv",), table()),
    "output.suppressed": Change("star", table()),
    "output.group": Change(OWN_GROUP, table(), aspect="modes"),
}


def write_inputs(folder: Path) -> Path:
    """The tables, exports and hierarchy files that the configs name; the folder."""
    for name, seed in (("people.csv", 20261122), ("others.csv", 7)):
        rows = [NAMES, *_people(random.Random(seed))]
        (folder / name).write_text("".join(";".join(row) + "\n" for row in rows), encoding="utf-8")
    # Everybody twice or three times over, in another order.
    everybody = [NAMES, *(row for seed in (20261122, 20261122, 5) for row in _people(random.Random(seed)))]
    for name, rows in (("population.csv", everybody), ("population2.csv", everybody[:-30])):
        lines = [";".join(row[2:5]) + "\n" for row in rows]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    tiny_export.ndjson(folder / "export", tiny_export.resources())
    tiny_export.ndjson(folder / "other", tiny_export.resources(tiny_export.PATIENTS - 4))
    blocks = codesystems.BLOCKS.read_text(encoding="utf-8")
    (folder / "icd.csv").write_text(blocks, encoding="utf-8")
    split = blocks.replace("I30,I52,IX", "I30,I49,IX\nI50,I52,IX")
    (folder / "icd2.csv").write_text(split, encoding="utf-8")
    (folder / "ward.csv").write_text("a;medicine;*\nb;medicine;*\nc;surgery;*\n", encoding="utf-8")
    for name, byte in (("shift.key", 1), ("shift2.key", 2)):
        (folder / name).write_bytes(bytes(range(byte, byte + 32)))
        (folder / name).chmod(0o600)
    (folder / "ward2.csv").write_text("a;north;*\nb;south;*\nc;south;*\n", encoding="utf-8")
    return folder


def _people(draw: random.Random, count: int = 60) -> Iterator[Sequence[str]]:
    """Rows of ``NAMES``: two rows are one ``person``, the last four are old, ``twin`` is the postal code."""
    for n in range(count):
        code = draw.choice(("101", "201", "012")) + f"{draw.randint(0, 5):02}"
        yield [
            f"P{n:04}",
            f"Q{n // 2:04}",
            "mf"[n % 2] if n >= count - 4 else draw.choice("mf"),
            "85" if n >= count - 4 else str(draw.randint(23, 59)),
            code,
            f"{draw.randint(1960, 2019)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            draw.choice("abc"),
            draw.choice(("I50.13", "I49.0", "E11.90", "I21.4")),
            f"{draw.choice((3, 12, 100))}.50",
            f"{draw.randint(1, 9)},5",
            draw.choice(("Köln", "Ulm", "?")),
            draw.choice(("5-323.51", "5-323.53", "8-800.c0")),
            f"area {code}",
            " ".join(letter for letter, every in zip("ABCD", (1, 2, 3, 7), strict=True) if n % every == 0),
        ]
