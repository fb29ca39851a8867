"""The small sections of the config; columns, privacy and search have modules of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from mii.age_codes import AGE_CODES
from release.config.declared import AGE_TOLD, DeclaredColumn, Loinc, check_digit_holds
from release.config.keys import (
    Day,
    FilePath,
    Finding,
    Findings,
    Later,
    Separator,
    Strict,
    Text,
    later,
)


class Ignore(Strict):
    """The decision to use data without asking for consent."""

    ignore: Text = Field(description="why this is lawful; stated in the manifest")


class Observation(Strict):
    """One laboratory value by its LOINC code."""

    loinc: Loinc = Field(description="LOINC code, e.g. 1988-5")
    unit: Text = Field(description="UCUM unit of the released values, e.g. mg/L")

    def broken_rules(self) -> Findings:
        if not check_digit_holds(self.loinc):
            yield Finding(("loinc",), "the check digit does not fit: the code is mistyped")
        if self.loinc in AGE_CODES:
            yield Finding(("loinc",), AGE_TOLD)


Consent = Annotated[
    Annotated[Literal["required"], Tag("required")] | Annotated[Ignore, Tag("Ignore")],
    Discriminator(lambda value: "Ignore" if isinstance(value, dict | Ignore) else "required"),
]


class MiiInput(Strict):
    """An MII core-dataset export."""

    path: FilePath = Field(description="the export's folder, file or archive, in any form")
    consent: Consent = Field(default="required", description="`required`, or {ignore: why this is lawful}")
    consent_date: Day | None = Field(
        default=None, description="the day on which consent must still hold; default: the day of the run"
    )
    retrospective: bool = Field(
        default=False, description="honour consent to the use of earlier data (X.45, X.46)"
    )
    row: Literal["patient", "encounter"] = Field(default="patient", description="what one row is")
    index_encounter: Literal["first", "last"] = Field(
        default="first", description="which encounter describes a patient, for `row: patient`"
    )
    observations: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Observation] = Field(
        default_factory=dict, description="laboratory values by the name their columns get"
    )
    columns: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], DeclaredColumn] = Field(
        default_factory=dict, description="further columns of coded resources, by their names"
    )
    views: tuple[FilePath, ...] = Field(
        default=(), description="SQL on FHIR v2 ViewDefinitions (JSON) with one row for each patient"
    )

    @property
    def consent_ignored(self) -> str | None:
        """Why consent is not asked for, or ``None`` where it is required."""
        return self.consent.ignore if isinstance(self.consent, Ignore) else None

    def broken_rules(self) -> Findings:
        if self.consent_ignored is not None:
            for key in (*self.given("consent_date"), *(("retrospective",) if self.retrospective else ())):
                yield Finding((key,), "has no effect where consent is ignored")
        if self.row == "encounter" and self.given("index_encounter"):
            yield Finding(("index_encounter",), "has no effect where a row is an encounter")


class TableInput(Strict):
    """A plain table in CSV or Parquet."""

    path: FilePath = Field(description="the file; .parquet is Parquet, anything else is CSV")
    delimiter: Separator = Field(default=",", description="what separates the cells")
    encoding: Literal["utf-8", "cp1252", "latin-1", "iso-8859-15"] = Field(
        default="utf-8", description="how text is written"
    )
    decimal: Literal[".", ","] = Field(default=".", description="the mark before a number's fraction")
    missing: tuple[str, ...] = Field(default=("",), description="cells that mean missing; nothing else does")

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() == ".parquet"

    def broken_rules(self) -> Findings:
        if self.is_parquet:
            for key in self.given("delimiter", "encoding", "decimal"):
                yield Finding((key,), "has no effect on a Parquet file")
        if self.delimiter == self.decimal and self.decimal == ",":
            yield Finding(("decimal",), "is also the delimiter")


class Input(Strict):
    """Where the data come from."""

    mii: MiiInput | None = Field(default=None, description="an MII core-dataset export")
    table: TableInput | None = Field(default=None, description="a plain table")

    @property
    def source(self) -> MiiInput | TableInput:
        """The one that is given."""
        chosen = self.mii or self.table
        assert chosen is not None  # broken_rules sees to it
        return chosen

    def broken_rules(self) -> Findings:
        if (self.mii is None) == (self.table is None):
            yield Finding((), "must be either `mii` or `table`")


class Surroundings(Strict):
    """The people whom those in the data come from."""

    size: int = Field(ge=1, le=10_000_000_000, description="how many there are, those in the data among them")


class Risk(Strict):
    """How the output is attacked, and limits that the published data must keep."""

    thresholds: Mapping[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="the highest value allowed, by figure: {anonymised.prosecutor_max: 0.2}",
    )
    attacks: Literal["none", "quick", "full"] = Field(
        default="quick",
        description="which attacks are run on the output; quick: combinations of up to three columns, no "
        "refits; none: utility is not measured either",
    )
    holdout: Annotated[float, Field(gt=0, le=0.5)] | Literal["twin"] | None = Field(
        default=None,
        description="a share of the people, who are in no release: attacks on a synthetic table are compared "
        "with them; twin: everybody is released, and a second model is attacked that lacks a fifth of them",
    )
    population: Surroundings | None = Field(
        default=None, description="the population that the journalist's risk and uniqueness refer to"
    )


class Report(Strict):
    """How the reports are written."""

    language: Literal["en", "de"] = Field(default="en", description="the reports' language")


class Output(Strict):
    """Where the release goes and what it is made of."""

    directory: FilePath = Field(description="the folder in which the release's folder is made")
    formats: tuple[Literal["parquet", "csv", "fhir"], ...] = Field(
        default=("parquet", "csv"),
        min_length=1,
        description="the files to write; fhir: of an export's tables, beside another format",
    )
    publish: Literal["anonymised", "synthetic", "both"] | None = Field(
        default=None,
        description="which tables leave the house; default: synthetic where there is `synthesis`",
    )
    suppressed: Literal["drop", "star"] = Field(
        default="drop", description="suppressed rows are left out, or starred"
    )
    group: Text | None = Field(default=None, description="the group that may read the release")
    internal_directory: Later = later("another place for internal/")
    link_rows: Later = later("a random person column that links a person's rows")
    bounds: Later = later("numeric bounds beside interval labels")
    accept_composition: bool = Field(
        default=False,
        description="publish an anonymised table and a synthetic one fitted on the original: what they tell "
        "of a person adds up",
    )

    def published(self, synthesis: object | None) -> Literal["anonymised", "synthetic", "both"]:
        """Which tables leave the house in a run with this ``synthesis``."""
        return self.publish or ("anonymised" if synthesis is None else "synthetic")

    def broken_rules(self) -> Findings:
        if len(set(self.formats)) < len(self.formats):
            yield Finding(("formats",), "names a format twice")
        if self.formats == ("fhir",):
            yield Finding(("formats",), "needs parquet or csv beside fhir, which is checked against it")
