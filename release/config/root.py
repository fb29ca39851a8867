"""The config of a run: one YAML file, checked whole before anything else happens.

Everything wrong with a file is reported at once, each finding with its line and its key. A key whose function
this version does not have is refused with 69 and is never parsed and then ignored; see ``Later``.

Relative paths start at the config file's folder and may not leave it; see ``FilePath``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from anonymizer.criteria import Criterion, in_every_class, plainest
from anonymizer.errors import AnonError, Problem
from anonymizer.metrics import Metric
from mii import TABLES
from release.config.columns import ColumnRule
from release.config.document import Location, read_document
from release.config.guarantees import Averaged
from release.config.keys import (
    BROKEN_RULES,
    ColumnName,
    Day,
    Finding,
    Findings,
    Setting,
    Strict,
    Text,
    setting_of,
)
from release.config.metric import spelled_out
from release.config.privacy import Privacy
from release.config.rules import root_rules
from release.config.search import Search
from release.config.sections import Input, Output, Report, Risk
from release.config.synthesis import Synthesis
from release.config.tables import Tables
from release.config.time import Time
from release.config.utility import Utility


def _folder_name(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    name = value.replace("{run_date}", setting_of(info).run_date.isoformat())
    if not re.fullmatch(r"[^\W_][\w .+-]{0,199}", name) or name != name.strip() or name.endswith("."):
        raise PydanticCustomError(
            "name", "must be a plain folder name of letters, digits, spaces and _ . + - (and {run_date})"
        )
    return name


class Config(Strict):
    """One run, resolved: paths are absolute, `today` and `{run_date}` are dates."""

    name: Annotated[str, BeforeValidator(_folder_name), WithJsonSchema({"type": "string"})] = Field(
        description="the release's folder; {run_date} becomes the day of the run"
    )
    reference_date: Day = Field(
        default="today", validate_default=True, description="the day ages and consent refer to, or `today`"
    )
    reviewed_by: Text | None = Field(
        default=None,
        description="who has reviewed the columns' roles; null: nobody, as the manifest and reports then say",
    )
    require_review: bool = Field(default=False, description="refuse to run unless reviewed_by names somebody")
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        description="the seed of synthesis and of who is held out; without it no run can be repeated",
    )
    input: Input = Field(description="the data")
    subject: ColumnName = Field(
        description="the column that names the person, or `row`: every row is one person"
    )
    columns: Mapping[ColumnName, ColumnRule] = Field(
        min_length=1, description="every column's rule, by name or by a pattern such as lab_*"
    )
    tables: Annotated[Tables, Field(min_length=1)] = Field(
        default_factory=dict,
        description="tables of events that are released beside the patients, linked to them by a random key: "
        "their columns' rules, by table and name",
        json_schema_extra={"propertyNames": {"enum": list(TABLES)}},
    )
    privacy: Privacy = Field(description="the criteria")
    microaggregation: tuple[Averaged, ...] = Field(
        default=(), description="columns of numbers that are released as means over groups of people"
    )
    time: Time | None = Field(default=None, description="dates that are shifted or told since an event")
    search: Search = Field(default_factory=Search, description="how the transformation is chosen")
    synthesis: Synthesis | None = Field(default=None, description="a synthetic table")
    risk: Risk = Field(default_factory=Risk, description="limits on the risk")
    utility: Utility = Field(default_factory=Utility, description="what the utility report analyses")
    report: Report = Field(default_factory=Report, description="the reports")
    output: Output = Field(description="where the release goes")

    _run_date: date = PrivateAttr()
    _lines: Mapping[Location, int] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        self._run_date = context.run_date
        self._lines = context.lines

    def broken_rules(self) -> Findings:
        return root_rules({**dict(self), "stated": frozenset(self.model_fields_set)})

    @property
    def run_date(self) -> date:
        """The day of the run, at which consent must hold too unless `consent_date` says otherwise."""
        return self._run_date

    @property
    def reviewed(self) -> bool | None:
        """Whether a person has reviewed the roles; ``None`` where the config does not say."""
        return self.reviewed_by is not None if "reviewed_by" in self.model_fields_set else None

    @property
    def person_column(self) -> str | None:
        """The column that names the person; ``None`` where every row is one person."""
        return None if self.subject == "row" else self.subject

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The input, its views and, where one is counted, the population."""
        population = self.privacy.population
        views = () if self.input.mii is None else self.input.mii.views
        return (self.input.source.path, *views, *(() if population is None else (population,)))

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria of this run."""
        return self.privacy.criteria

    @property
    def criteria_of_classes(self) -> tuple[Criterion, ...]:
        """The criteria as the search looks at them; for a recoding, each in every class."""
        asked = self.criteria
        if self.search.recoding != "global":
            asked = tuple(map(in_every_class, asked))
        return tuple(map(plainest, asked))

    @property
    def metric(self) -> Metric:
        """What the search keeps small."""
        return spelled_out(self.search.metric).metric

    @property
    def predicted(self) -> tuple[str, ...]:
        """The columns that the metric counts beside the quasi-identifiers."""
        target = spelled_out(self.search.metric).target
        return () if target is None else (target,)

    @property
    def averaged(self) -> frozenset[str]:
        """The columns whose numbers are released as means."""
        return frozenset(name for entry in self.microaggregation for name in entry.columns)

    def problem(self, at: Location, message: str, suggestion: str | None = None) -> Problem:
        """A finding about the key ``at``, with its line (or that of the closest key around it)."""
        from release.config.problems import as_problem

        return as_problem(Finding(at, message, suggestion), self._lines)


def load(path: Path, *, run_date: date | None = None) -> Config:
    """The config in ``path``; ``run_date`` is the day of the run, by default today by the system's clock.

    Raises:
        InputMissing: there is no such file.
        BadConfig: with every finding.
        ComponentMissing: nothing is wrong, but a key asks for what this version does not have.
    """
    document = read_document(path)
    setting = Setting(path.absolute().parent, run_date or date.today(), document.lines)
    return parse(document.data, setting, found=document.problems)


def parse(data: Mapping[str, object], setting: Setting, *, found: Sequence[Problem] = ()) -> Config:
    """The config that ``data`` describes, where sequences are tuples; raises as ``load`` does.

    ``found`` are findings made before.
    """
    try:
        config = Config.model_validate(data, context=setting)
    except ValidationError as error:
        invalid: ValidationError | None = error
    else:
        invalid = None
    if invalid is None and not found:
        return config
    raise _refusal(invalid, data, setting, found)


def _refusal(
    invalid: ValidationError | None,
    data: Mapping[str, object],
    setting: Setting,
    found: Sequence[Problem],
) -> AnonError:
    from release.config.problems import explain, refusal, valid_sections

    findings = list(explain(invalid, Config, data)) if invalid else []
    errors = invalid.errors() if invalid else []
    if errors and not any(error["type"] == BROKEN_RULES and not error["loc"] for error in errors):
        findings += root_rules(valid_sections(errors, Config, data, setting))
    return refusal(found, findings, setting.lines)


def schema() -> dict[str, Any]:
    """The JSON Schema of the config (draft 2020-12), for editors; keys of later versions match nothing."""
    return Config.model_json_schema(by_alias=True)
