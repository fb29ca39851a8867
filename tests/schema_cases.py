"""A case for every key of the config's schema: a config, another value for the key, and what comes of it.

`tests.spec.test_schema_keys` asks whether the plan of a run changes, and `tests.cli.test_keys_change_runs`
whether a run does.
"""

from __future__ import annotations

import grp
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.event_scenes import VALUES, all_told

Data = dict[str, Any]

TABLE: Data = {
    "name": "patients",
    "reference_date": date(2026, 11, 22),
    "input": {"table": {"path": "patients.csv", "delimiter": ";"}},
    "subject": "id",
    "columns": {
        "id": {"role": "identifier"},
        "other_id": {"role": "identifier"},
        "sex": {"role": "quasi-identifier", "hierarchy": "suppression"},
        "age": {"role": "quasi-identifier", "hierarchy": {"bands": (5, 10), "top": 90}},
        "zip": {"role": "quasi-identifier", "hierarchy": {"prefix": (3, 1)}},
        "born": {"role": "quasi-identifier", "hierarchy": {"date": ("year",)}},
        "died": {
            "role": "quasi-identifier",
            "hierarchy": {"date": ("year",), "domain": {"from": date(1980, 1, 1), "to": date(2020, 1, 1)}},
        },
        "ward": {"role": "quasi-identifier", "hierarchy": {"file": "ward.csv"}},
        "code": {"role": "quasi-identifier", "hierarchy": {"icd-10-gm": {"ranges": "icd.csv"}}},
        "lab": {"role": "sensitive"},
        "stage": {"role": "sensitive", "hierarchy": "ops", "release_level": 1},
    },
    "privacy": {
        "k_anonymity": 5,
        "l_diversity": ({"column": "lab", "kind": "distinct", "l": 2},),
        "suppression_limit": 0.05,
    },
    "search": {"metric": {"name": "loss"}},
    "output": {"directory": "releases"},
}
EXPORT: Data = {
    **TABLE,
    "input": {"mii": {"path": "export", "observations": {"crp": {"loinc": "1988-5", "unit": "mg/L"}}}},
    "subject": "patient_id",
    "columns": {
        "patient_id": {"role": "identifier"},
        "gender": {"role": "quasi-identifier", "hierarchy": "suppression"},
        "lab_crp_last": {"role": "sensitive"},
    },
    "privacy": {"k_anonymity": 5},
}
REFUSED, CHANGES, NEEDED = object(), object(), object()
STAGES, GRADES = "urn:example:stages", "urn:example:grades"


def declaring(**changes: Any) -> Data:
    """An export's config with one declared column, ``told``."""
    declared = {"resource": "Observation", "where": {"loinc": "1988-5"}, "value": "code", **changes}
    return {**EXPORT, "input": {"mii": {"path": "export", "columns": {"told": declared}}}} | {
        "columns": {name: rule for name, rule in EXPORT["columns"].items() if name != "lab_crp_last"}
    }


OF_SYSTEM: Data = declaring(where={"code": {"system": STAGES, "code": "a"}})


def asking(**criteria: Any) -> Data:
    """A plain table's config that asks for these criteria and nothing else."""
    return TABLE | {"privacy": criteria}


def measured(**metric: Any) -> Data:
    """A plain table's config with this metric."""
    return TABLE | {"search": {"metric": metric}}


UNIQUE: Data = {"limit": 0.05, "sampling_fraction": 0.1}
MAP: Data = {"k": 5, "population": "population.csv"}
PRESENCE: Data = {"lower": 0.0, "upper": 0.5, "population": "population.csv"}
KNOWN: Data = {"column": "lab", "k": 5, "m": 2}
CODES: Data = {
    **asking(km_anonymity={**KNOWN, "k": 4}),
    "columns": {
        "sex": {"role": "quasi-identifier", "hierarchy": "suppression"},
        "lab": {"role": "sensitive", "type": "codes"},
        "stage": {"role": "sensitive", "type": "codes"},
    },
    "subject": "row",
}
CLOSE: Data = {"column": "stage", "distance": "equal", "t": 0.2}
RECURSIVE: Data = {"column": "lab", "kind": "recursive", "l": 2, "c": 3.0}
PRIVATE: Data = {
    **{key: value for key, value in TABLE.items() if key != "search"},
    "columns": {
        "id": {"role": "identifier"},
        "sex": {
            "role": "quasi-identifier",
            "hierarchy": "suppression",
            "min_level": 1,
            "max_level": 1,
        },
    },
    "privacy": {"differential_privacy": {"epsilon": 2.0, "delta": 1e-6}},
}
PRIVATE_LEVELS: Data = {
    **PRIVATE,
    "columns": {**PRIVATE["columns"], "sex": {"role": "quasi-identifier", "hierarchy": "suppression"}},
    "privacy": {"differential_privacy": {"epsilon": 2.0, "delta": 1e-6, "epsilon_search": 1.0}},
}
AVERAGED: Data = {
    **asking(k_anonymity=5),
    "columns": {
        **{key: rule for key, rule in TABLE["columns"].items() if key != "stage"},
        "lab": {"role": "sensitive", "type": "number"},
        "dose": {"role": "sensitive", "type": "integer"},
    },
    "microaggregation": ({"columns": ("lab", "dose"), "k": 3},),
}
TIMED: Data = {
    **asking(k_anonymity=5),
    "columns": {
        **TABLE["columns"],
        "lab": {"role": "sensitive", "type": "date"},
        "stage": {"role": "sensitive", "type": "date"},
        "born": {"role": "identifier"},
    },
    "time": {
        "shift": {"columns": ("lab",), "days": 100},
        "relative": {"columns": ("stage",), "to": "lab"},
    },
}
LIMITED: Data = TABLE | {"search": {"max_nodes": 10}}
MODEL: Data = {
    "name": "m1",
    "kind": "logistic",
    "outcome": "lab",
    "positive": "high",
    "terms": ("age", "sex"),
}
CURVES: Data = {"time": "age", "event": "sex", "by": "ward", "positive": "f"}
ANALYSED: Data = TABLE | {"utility": {"target": "lab", "models": (MODEL,), "survival": (CURVES,)}}
LINEAR: Data = TABLE | {"utility": {"models": ({k: v for k, v in MODEL.items() if k != "positive"},)}}
COX: Data = TABLE | {"utility": {"models": ({**MODEL, "kind": "cox", "time": "born"},)}}


@dataclass(frozen=True)
class Case:
    """Another value for a key (where ``at`` stands, for a key with ``*``), and what comes of it."""

    value: Any
    expected: object
    base: Data
    at: str


def changes(value: Any, *, at: str = "", base: Data = TABLE) -> Case:
    return Case(value, CHANGES, base, at)


def refused(value: Any, *, at: str = "", base: Data = TABLE) -> Case:
    return Case(value, REFUSED, base, at)


OWN_GROUP = grp.getgrgid(os.getgid()).gr_name

CASES: dict[str, Case] = {
    "name": changes("others"),
    "reference_date": changes(date(2025, 1, 1)),
    "reviewed_by": changes("Ada"),
    "require_review": changes(True, base=TABLE | {"reviewed_by": "Ada"}),
    "subject": changes("other_id"),
    "input": changes({"table": {"path": "others.csv"}}),
    "input.table": changes({"path": "others.csv"}),
    "input.table.path": changes("others.csv"),
    "input.table.delimiter": changes("|"),
    "input.table.encoding": changes("cp1252"),
    "input.table.decimal": changes(","),
    "input.table.missing": changes(("?",)),
    "input.mii": changes(
        {"path": "other"},
        base=EXPORT
        | {
            "columns": {
                "patient_id": {"role": "identifier"},
                "gender": {"role": "quasi-identifier", "hierarchy": "suppression"},
            }
        },
    ),
    "input.mii.path": changes("other", base=EXPORT),
    "input.mii.consent": changes({"ignore": "lawful"}, base=EXPORT),
    "input.mii.consent.ignore": changes("lawful", base=EXPORT),
    "input.mii.consent_date": changes(date(2026, 1, 1), base=EXPORT),
    "input.mii.retrospective": changes(True, base=EXPORT),
    "input.mii.row": changes("encounter", base=EXPORT),
    "input.mii.index_encounter": changes("last", base=EXPORT),
    "input.mii.observations": changes(
        {"crp": {"loinc": "1988-5", "unit": "mg/L"}, "hb": {"loinc": "718-7", "unit": "g/dL"}}, base=EXPORT
    ),
    "input.mii.observations.*.loinc": changes("718-7", at="input.mii.observations.crp.loinc", base=EXPORT),
    "input.mii.observations.*.unit": changes("g/L", at="input.mii.observations.crp.unit", base=EXPORT),
    "input.mii.columns": changes(declaring(value="date")["input"]["mii"]["columns"], base=declaring()),
    "input.mii.columns.*.resource": changes(
        "Condition", at="input.mii.columns.told.resource", base=declaring()
    ),
    "input.mii.columns.*.where": changes(
        {"ops": "5-323"}, at="input.mii.columns.told.where", base=declaring()
    ),
    "input.mii.columns.*.where.loinc": changes(
        "718-7", at="input.mii.columns.told.where.loinc", base=declaring()
    ),
    **{
        f"input.mii.columns.*.where.{system}": changes(
            second, at=f"input.mii.columns.told.where.{system}", base=declaring(where={system: first})
        )
        for system, first, second in (
            ("snomed", "371469007", "371494008"),
            ("icd10gm", "C50.1", "C50.2"),
            ("ops", "5-323", "5-324"),
            ("atc", "L01XC03", "L01AA01"),
        )
    },
    "input.mii.columns.*.where.code": changes(
        {"system": STAGES, "code": "b"}, at="input.mii.columns.told.where.code", base=OF_SYSTEM
    ),
    "input.mii.columns.*.where.code.system": changes(
        GRADES, at="input.mii.columns.told.where.code.system", base=OF_SYSTEM
    ),
    "input.mii.columns.*.where.code.code": changes(
        "b", at="input.mii.columns.told.where.code.code", base=OF_SYSTEM
    ),
    "input.mii.columns.*.value": changes("date", at="input.mii.columns.told.value", base=declaring()),
    "input.mii.columns.*.system": changes(
        GRADES, at="input.mii.columns.told.system", base=declaring(system=STAGES)
    ),
    "input.mii.columns.*.unit": changes(
        "g/L", at="input.mii.columns.told.unit", base=declaring(value="quantity", unit="mg/L")
    ),
    "input.mii.views": changes(("here.json",), base=EXPORT),
    "columns": changes({**TABLE["columns"], "sex": {"role": "quasi-identifier", "hierarchy": "ops"}}),
    "columns.*.role": changes(
        "insensitive", at="columns.lab.role", base=TABLE | {"privacy": {"k_anonymity": 5}}
    ),
    "columns.*.sensitive": changes(True, at="columns.sex.sensitive"),
    "columns.*.weight": changes(2.0, at="columns.sex.weight"),
    "columns.*.min_level": changes(1, at="columns.sex.min_level"),
    "columns.*.max_level": changes(0, at="columns.sex.max_level"),
    "columns.*.release_level": changes(2, at="columns.stage.release_level"),
    "columns.*.clip": changes((0.0, 9.0), at="columns.lab.clip"),
    "columns.*.invalid": changes("missing", at="columns.code.invalid"),
    "columns.*.accept_dependency": changes(True, at="columns.lab.accept_dependency"),
    "columns.*.type": changes("date", at="columns.lab.type"),
    "columns.*.hierarchy": changes("plz", at="columns.sex.hierarchy"),
    "columns.*.hierarchy.bands": changes((2, 4), at="columns.age.hierarchy.bands"),
    "columns.*.hierarchy.top": changes(80, at="columns.age.hierarchy.top"),
    "columns.*.hierarchy.bottom": changes(18, at="columns.age.hierarchy.bottom"),
    "columns.*.hierarchy.bottom_group": changes(True, at="columns.age.hierarchy.bottom_group"),
    "columns.*.hierarchy.prefix": changes((2, 1), at="columns.zip.hierarchy.prefix"),
    "columns.*.hierarchy.length": changes(8, at="columns.zip.hierarchy.length"),
    "columns.*.hierarchy.date": changes(("month",), at="columns.born.hierarchy.date"),
    "columns.*.hierarchy.domain": changes(
        {"from": date(1990, 1, 1), "to": date(1999, 1, 1)}, at="columns.born.hierarchy.domain"
    ),
    "columns.*.hierarchy.domain.from": changes(date(1990, 1, 1), at="columns.died.hierarchy.domain.from"),
    "columns.*.hierarchy.domain.to": changes(date(1999, 1, 1), at="columns.died.hierarchy.domain.to"),
    "columns.*.hierarchy.file": changes("ward2.csv", at="columns.ward.hierarchy.file"),
    "columns.*.hierarchy.delimiter": changes("|", at="columns.ward.hierarchy.delimiter"),
    "columns.*.hierarchy.icd-10-gm": changes({"ranges": "icd2.csv"}, at="columns.code.hierarchy.icd-10-gm"),
    "columns.*.hierarchy.icd-10-gm.ranges": changes("icd2.csv", at="columns.code.hierarchy.icd-10-gm.ranges"),
    **{key: changes(value, at=at, base=all_told(EXPORT)) for key, (at, value) in VALUES.items()},
    "privacy": changes({"k_anonymity": 9}),
    "privacy.k_anonymity": changes(9),
    "privacy.suppression_limit": changes(0.1),
    "privacy.l_diversity": changes(()),
    "privacy.l_diversity.column": changes("stage", at="privacy.l_diversity.0.column"),
    "privacy.l_diversity.kind": changes("entropy", at="privacy.l_diversity.0.kind"),
    "privacy.l_diversity.l": changes(3, at="privacy.l_diversity.0.l"),
    "privacy.l_diversity.c": changes(
        2.0, at="privacy.l_diversity.0.c", base=asking(l_diversity=(RECURSIVE,))
    ),
    "privacy.t_closeness": changes((CLOSE,)),
    "privacy.t_closeness.column": changes(
        "lab", at="privacy.t_closeness.0.column", base=asking(t_closeness=(CLOSE,))
    ),
    "privacy.t_closeness.distance": changes(
        "ordered", at="privacy.t_closeness.0.distance", base=asking(t_closeness=(CLOSE,))
    ),
    "privacy.t_closeness.t": changes(0.3, at="privacy.t_closeness.0.t", base=asking(t_closeness=(CLOSE,))),
    "privacy.average_risk": changes(0.1),
    "privacy.max_risk": changes(0.09),
    "privacy.sample_uniqueness": changes(0.05),
    "privacy.population_uniqueness": changes(UNIQUE),
    "privacy.population_uniqueness.limit": changes(0.1, base=asking(population_uniqueness=UNIQUE)),
    "privacy.population_uniqueness.sampling_fraction": changes(
        0.2, base=asking(population_uniqueness=UNIQUE)
    ),
    "privacy.k_map": changes(MAP),
    "privacy.k_map.k": changes(6, base=asking(k_map=MAP)),
    "privacy.k_map.population": changes("other.csv", base=asking(k_map=MAP)),
    "privacy.k_map.sampling_fraction": changes(0.2, base=asking(k_map={"k": 5, "sampling_fraction": 0.1})),
    "privacy.km_anonymity": changes(KNOWN, base=CODES),
    "privacy.km_anonymity.column": changes("stage", base=CODES),
    "privacy.km_anonymity.k": changes(6, base=CODES),
    "privacy.km_anonymity.m": changes(3, base=CODES),
    "privacy.km_anonymity.repair": changes("suppress-class", base=CODES),
    "privacy.delta_disclosure": changes({"column": "lab", "delta": 2.0}),
    "privacy.delta_disclosure.column": changes(
        "stage", base=asking(delta_disclosure={"column": "lab", "delta": 2.0})
    ),
    "privacy.delta_disclosure.delta": changes(
        1.5, base=asking(delta_disclosure={"column": "lab", "delta": 2.0})
    ),
    "privacy.beta_likeness": changes({"column": "lab", "beta": 2.0}),
    "privacy.beta_likeness.column": changes(
        "stage", base=asking(beta_likeness={"column": "lab", "beta": 2.0})
    ),
    "privacy.beta_likeness.beta": changes(1.5, base=asking(beta_likeness={"column": "lab", "beta": 2.0})),
    "privacy.beta_likeness.enhanced": changes(
        False, base=asking(beta_likeness={"column": "lab", "beta": 2.0})
    ),
    "privacy.delta_presence": changes(PRESENCE),
    "privacy.delta_presence.lower": changes(0.1, base=asking(delta_presence=PRESENCE)),
    "privacy.delta_presence.upper": changes(0.6, base=asking(delta_presence=PRESENCE)),
    "privacy.delta_presence.population": changes("other.csv", base=asking(delta_presence=PRESENCE)),
    "privacy.differential_privacy": changes({"epsilon": 1.0, "delta": 1e-5}, base=PRIVATE),
    "privacy.differential_privacy.epsilon": changes(1.0, base=PRIVATE),
    "privacy.differential_privacy.delta": changes(1e-5, base=PRIVATE),
    "privacy.differential_privacy.epsilon_search": changes(0.5, base=PRIVATE_LEVELS),
    "microaggregation": changes((), base=AVERAGED),
    "microaggregation.columns": changes(("lab",), at="microaggregation.0.columns", base=AVERAGED),
    "microaggregation.k": changes(4, at="microaggregation.0.k", base=AVERAGED),
    "time": changes({"shift": {"columns": ("lab",)}}, base=TIMED),
    "time.shift": changes({"columns": ("lab",)}, base=TIMED),
    "time.shift.columns": changes(
        ("stage",), base=TIMED | {"time": {"shift": {"columns": ("lab",), "days": 100}}}
    ),
    "time.shift.days": changes(50, base=TIMED),
    "time.shift.keep_weekday": changes(True, base=TIMED),
    "time.shift.secret_file": changes("shift.key", base=TIMED),
    "time.relative": changes({"columns": ("stage",), "to": "born"}, base=TIMED),
    "time.relative.columns": changes(
        ("stage", "lab"), base=TIMED | {"time": {"relative": {"columns": ("stage",), "to": "lab"}}}
    ),
    "time.relative.to": changes("born", base=TIMED),
    "search": changes({"metric": "entropy"}),
    "search.metric": changes("kl"),
    "search.metric.name": changes("precision"),
    "search.metric.aggregate": changes("max"),
    "search.metric.gs": changes(0.25),
    "search.metric.monotonic": changes(True, base=measured(name="entropy")),
    "search.metric.target": changes("stage", base=measured(name="predictive", target="lab")),
    "search.recoding": changes("local"),
    "search.strategy": changes("anytime", base=LIMITED),
    "search.max_nodes": changes(20),
    "search.time_limit_s": changes(10),
    "search.require_optimal": changes(True, base=LIMITED),
    "risk": changes({"thresholds": {"anonymised.prosecutor_max": 0.2}}),
    "risk.thresholds": changes({"anonymised.prosecutor_max": 0.2}),
    "risk.attacks": changes("none"),
    "risk.population": changes({"size": 7_000}),
    "risk.population.size": changes(9, base=TABLE | {"risk": {"population": {"size": 7_000}}}),
    "utility": changes({"target": "stage"}, base=ANALYSED),
    "utility.target": changes(("lab", "stage"), base=ANALYSED),
    "utility.models": changes((), base=ANALYSED),
    "utility.models.name": changes("m2", at="utility.models.0.name", base=ANALYSED),
    "utility.models.kind": changes("linear", at="utility.models.0.kind", base=LINEAR),
    "utility.models.outcome": changes("stage", at="utility.models.0.outcome", base=ANALYSED),
    "utility.models.time": changes("died", at="utility.models.0.time", base=COX),
    "utility.models.positive": changes("low", at="utility.models.0.positive", base=ANALYSED),
    "utility.models.terms": changes(("age",), at="utility.models.0.terms", base=ANALYSED),
    "utility.survival": changes((), base=ANALYSED),
    "utility.survival.time": changes("born", at="utility.survival.0.time", base=ANALYSED),
    "utility.survival.event": changes("lab", at="utility.survival.0.event", base=ANALYSED),
    "utility.survival.by": changes("zip", at="utility.survival.0.by", base=ANALYSED),
    "utility.survival.positive": changes("m", at="utility.survival.0.positive", base=ANALYSED),
    "report": changes({"language": "de"}),
    "report.language": changes("de"),
    "output": changes({"directory": "elsewhere"}),
    "output.directory": changes("elsewhere"),
    "output.formats": changes(("csv",)),
    "output.suppressed": changes("star"),
    "output.group": changes(OWN_GROUP),
    "output.internal_directory": refused("internal"),
    "output.link_rows": refused(True),
    "output.bounds": refused(True),
}


def with_value(data: Any, path: list[str], value: Any) -> Any:
    """A copy of ``data`` where the value at ``path`` is another one."""
    if not path:
        return value
    step, *rest = path
    if isinstance(data, tuple):
        return tuple(with_value(x, rest, value) if i == int(step) else x for i, x in enumerate(data))
    inner = data if isinstance(data, Mapping) else {}
    return {**inner, step: with_value(inner.get(step), rest, value)}
