"""The sections of the config, except its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from release.config_keys import (
    LATER,
    NOT_YET,
    ColumnName,
    Day,
    FilePath,
    Finding,
    Later,
    Separator,
    Strict,
    Text,
    later,
    refused_choices,
)


class Ignore(Strict):
    """The decision to use data without asking for consent."""

    ignore: Text = Field(description="why this is lawful; stated in the manifest")


class Observation(Strict):
    """One laboratory value by its LOINC code."""

    loinc: str = Field(pattern=r"^[0-9]{1,7}-[0-9]$", description="LOINC code, e.g. 1988-5")
    unit: Text = Field(description="UCUM unit of the released values, e.g. mg/L")

    def broken_rules(self) -> Iterator[Finding]:
        if not _check_digit_holds(self.loinc):
            yield Finding(("loinc",), "the check digit does not fit: the code is mistyped")


def _check_digit_holds(loinc: str) -> bool:
    """Luhn's modulus 10, as LOINC's users' guide (appendix B) defines the digit after the hyphen."""
    body, _, check = loinc.partition("-")
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return -sum(sum(divmod(number, 10)) for number in doubled) % 10 == int(check)


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

    @property
    def consent_ignored(self) -> str | None:
        """Why consent is not asked for, or ``None`` where it is required."""
        return self.consent.ignore if isinstance(self.consent, Ignore) else None

    def broken_rules(self) -> Iterator[Finding]:
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

    def broken_rules(self) -> Iterator[Finding]:
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

    def broken_rules(self) -> Iterator[Finding]:
        if (self.mii is None) == (self.table is None):
            yield Finding((), "must be either `mii` or `table`")


class LDiversity(Strict):
    """One demand for diverse sensitive values."""

    column: ColumnName = Field(description="a sensitive column")
    kind: Annotated[Literal["distinct"], refused_choices("entropy", "recursive")] = Field(
        description="distinct: at least l different values in every class"
    )
    l: int = Field(  # noqa: E741 - the literature's name
        ge=2, description="how many different values; 2 or more, since 1 protects nobody"
    )
    c: Later = later("the constant of recursive (c, l)-diversity")


class Privacy(Strict):
    """What must hold for every class of the release."""

    k_anonymity: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="the least number of people in a class; 2 or more, since 1 protects nobody"
    )
    l_diversity: tuple[LDiversity, ...] = Field(
        default=(), description="different values of sensitive columns per class"
    )
    suppression_limit: float = Field(
        default=0.0, ge=0, le=1, description="the share of rows that may be suppressed"
    )
    t_closeness: Later = later("closeness of a class's distribution to the table's")
    average_risk: Later = later("a limit on the average risk")
    max_risk: Later = later("a limit on the highest risk")
    k_map: Later = later("k-anonymity in a population")
    km_anonymity: Later = later("k-anonymity against m known list items")
    delta_disclosure: Later = later("delta-disclosure privacy")
    beta_likeness: Later = later("beta-likeness")
    delta_presence: Later = later("delta-presence")
    differential_privacy: Later = later("an (epsilon, delta) guarantee")

    @property
    def suppression_share(self) -> Fraction:
        """The suppression limit as the file's decimal says it, exactly."""
        return Fraction(repr(self.suppression_limit))

    def broken_rules(self) -> Iterator[Finding]:
        if self.k_anonymity is None and not self.l_diversity:
            yield Finding((), "needs at least one criterion: k_anonymity or l_diversity")
        columns = [demand.column for demand in self.l_diversity]
        for index, column in enumerate(columns):
            if column in columns[:index]:
                yield Finding(("l_diversity", index, "column"), "has a demand already")


_LATER_METRICS = (
    "entropy",
    "discernibility",
    "average-class-size",
    "precision",
    "height",
    "ambiguity",
    "kl",
    "normalised-entropy",
    "predictive",
)


def _only_half(value: object) -> object:
    if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1 and value != 0.5:
        raise PydanticCustomError(LATER, NOT_YET)
    return value


class MetricSpec(Strict):
    """A metric with its parameters."""

    name: Annotated[Literal["loss"], refused_choices(*_LATER_METRICS)] = Field(description="the metric")
    aggregate: Annotated[Literal["geometric"], refused_choices("arithmetic", "sum", "max")] = Field(
        default="geometric", description="how the columns' losses become one number"
    )
    gs: Annotated[float, BeforeValidator(_only_half)] = Field(
        default=0.5,
        ge=0,
        le=1,
        description="balance between suppression (0) and generalisation (1); 0.5 in this version",
    )
    monotonic: Later = later("the monotonic form of a metric")
    target: Later = later("the column that is to be predicted")


Metric = Annotated[
    Annotated[Literal["loss"], refused_choices(*_LATER_METRICS), Tag("metric")]
    | Annotated[MetricSpec, Tag("MetricSpec")],
    Discriminator(lambda value: "MetricSpec" if isinstance(value, dict | MetricSpec) else "metric"),
]


class Search(Strict):
    """How the transformation is chosen."""

    metric: Metric = Field(default="loss", description="what the search keeps as small as it can")
    strategy: Annotated[Literal["optimal"], refused_choices("anytime")] = Field(
        default="optimal", description="optimal: the proven optimum"
    )
    max_nodes: Later = later("the most nodes of the lattice to look at")
    time_limit_s: Later = later("the most seconds to search")
    require_optimal: Later = later("whether an unproven answer is refused")


class Risk(Strict):
    """Limits that the published data must keep."""

    thresholds: Mapping[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="the highest value allowed, by figure: {anonymised.prosecutor_max: 0.2}",
    )
    attacks: Later = later("which attacks are run on the output")
    holdout: Later = later("the share of people kept out for calibration")
    population: Later = later("the population that figures refer to")


class Report(Strict):
    """How the reports are written."""

    language: Annotated[Literal["en"], refused_choices("de")] = Field(
        default="en", description="the reports' language"
    )


class Output(Strict):
    """Where the release goes and what it is made of."""

    directory: FilePath = Field(description="the folder in which the release's folder is made")
    formats: tuple[Literal["parquet", "csv"], ...] = Field(
        default=("parquet", "csv"), min_length=1, description="the files to write"
    )
    publish: Annotated[Literal["anonymised"], refused_choices("synthetic", "both")] = Field(
        default="anonymised", description="which tables leave the house"
    )
    suppressed: Literal["drop", "star"] = Field(
        default="drop", description="suppressed rows are left out, or starred"
    )
    group: Text | None = Field(default=None, description="the group that may read the release")
    internal_directory: Later = later("another place for internal/")
    link_rows: Later = later("a random person column that links a person's rows")
    bounds: Later = later("numeric bounds beside interval labels")
    accept_composition: Later = later("publish anonymised and synthetic data of the same people")

    def broken_rules(self) -> Iterator[Finding]:
        if len(set(self.formats)) < len(self.formats):
            yield Finding(("formats",), "names a format twice")
