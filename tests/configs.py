"""Two complete configs, an export's and a plain table's, for tests that change one thing in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from release.config.keys import Setting
from release.config.root import Config, load, parse

TODAY = date(2026, 11, 22)

EXPORT = """\
name: heart-failure-2026-11
reference_date: 2026-11-22
input:
  mii:
    path: export/
    consent: required
    retrospective: false
    row: patient
    index_encounter: first
    observations:
      crp: {loinc: 1988-5, unit: mg/L}
subject: patient_id
columns:
  patient_id: {role: identifier}
  gender: {role: quasi-identifier, hierarchy: suppression}
  age_years: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}}
  admission_date: {role: quasi-identifier, hierarchy: {date: [month, quarter, year]}}
  plz: {role: quasi-identifier, hierarchy: {prefix: [3, 2, 1]}, weight: 2.0, min_level: 1}
  main_diagnosis: {role: quasi-identifier, sensitive: true, hierarchy: icd-10-gm}
  lab_crp_last: {role: sensitive, clip: [0, 300]}
  encounter_id: {role: identifier}
privacy:
  k_anonymity: 5
  l_diversity: [{column: main_diagnosis, kind: distinct, l: 3}]
  suppression_limit: 0.05
search: {metric: loss, strategy: optimal}
output: {directory: releases, formats: [parquet, csv]}
"""

TABLE = """\
name: patients
input:
  table: {path: patients.csv, delimiter: ";"}
subject: id
columns:
  id: {role: identifier}
  age: {role: quasi-identifier, hierarchy: {bands: [5, 10], top: 90}}
  sex: {role: quasi-identifier, hierarchy: suppression}
  diagnosis: {role: sensitive}
  "lab_*": {role: insensitive}
privacy:
  k_anonymity: 2
  l_diversity: [{column: diagnosis, kind: distinct, l: 2}]
output: {directory: releases}
"""

TABLE_COLUMNS = ("id", "age", "sex", "diagnosis", "lab_a", "lab_b")


def write(folder: Path, text: str) -> Path:
    """The path of a config file with this text."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> Config:
    """The config that a file with this text is, run on a fixed day."""
    return load(write(folder, text), run_date=TODAY)


def parsed(folder: Path, data: Mapping[str, object]) -> Config:
    """The config that ``data`` is, run on a fixed day."""
    return parse(data, Setting(folder, TODAY))
