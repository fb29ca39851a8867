"""The verifier of a synthetic table: it believes nothing but the staged bytes and what was promised.

That no row is a person's cannot be verified: a model may draw by chance what somebody has. What can be
counted: no value that fewer than k people have, no number beyond those that k people reach, every condition
and constraint in every row. A differentially private table is held against its declared domain instead, as a
count of what people have would be none of the private kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Literal

import polars as pl

from anonymizer.errors import SynthesisFailed, VerificationFailed
from anonymizer.tables.table import PERSON, Column
from release.files import tables
from release.files.staging import Staging
from release.verifying.people import check_keys
from release.verifying.rows import is_sorted
from synth.recipe import Declared, Recipe
from synth.rewriting import checking
from synth.variables import Training

NO_GUARANTEE = "none: empirical only"
PRIVATE = "dp-marginals"
_PROOF = object()
_ROW = "\0row"


@dataclass(frozen=True, slots=True)
class DrawnEvents:
    """A table of drawn people's events: what was learned from, its columns, and what was drawn.

    ``times`` are columns whose values are sums of drawn gaps, of which no count says how many people reach.
    """

    training: Training
    columns: tuple[Column, ...]
    frame: pl.DataFrame
    times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyntheticPromise:
    """What the files ``<name>.<format>`` must hold: ``rows`` made by a recipe of what was learned from.

    ``events`` are further tables by the names of their files; all are then linked by the column ``person``.
    """

    name: str
    formats: tuple[str, ...]
    rows: int
    recipe: Recipe
    training: Training
    columns: tuple[Column, ...]
    fit_on: Literal["anonymised", "original"]
    frame: pl.DataFrame
    is_filtered: bool = False
    is_distilled: bool = False
    events: Mapping[str, DrawnEvents] = field(default_factory=dict)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """Every table by the name of its files."""
        return {self.name: self.frame, **{name: each.frame for name, each in self.events.items()}}

    @property
    def privacy_loss(self) -> dict[str, int | float] | None:
        """What a differentially private method may tell of one person; None of any other method."""
        if self.recipe.method != PRIVATE:
            return None
        options = self.recipe.options
        return {
            "epsilon": float(options["epsilon"]),
            "delta": float(options["delta"]),
            "rows_per_person": int(options.get("rows_per_person", 1)),
        }

    @property
    def guarantee(self) -> str:
        """What is proven of the table, as the manifest says it."""
        return NO_GUARANTEE if (loss := self.privacy_loss) is None else in_words(loss)


def in_words(loss: Mapping[str, int | float]) -> str:
    """A proven privacy loss, as the manifest says it."""
    return f"differential privacy (epsilon = {loss['epsilon']:g}, delta = {loss['delta']:g})"


@dataclass(frozen=True, slots=True)
class VerifiedSynthetic:
    """A staged synthetic table that is what was promised. Only ``verify_synthetic`` constructs one.

    ``frames`` are what the staged bytes hold by table, ``digests`` their SHA-256 by path below ``release/``.
    """

    promise: SyntheticPromise
    frames: Mapping[str, pl.DataFrame]
    proof: InitVar[object]
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def frame(self) -> pl.DataFrame:
        """The rows of drawn people, without the key that links them to others."""
        return self.frames[self.promise.name].drop(PERSON, strict=False)

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verify_synthetic() constructs a VerifiedSynthetic")


def verify_synthetic(staging: Staging, promise: SyntheticPromise) -> VerifiedSynthetic:
    """The verified table, from re-reading what ``staging`` holds on disk.

    Raises:
        VerificationFailed: the staged bytes are not what was promised (rule, column and count).
    """
    frames: dict[str, pl.DataFrame] = {}
    digests: dict[str, str] = {}
    for name, drawn in promise.frames.items():
        frames[name], own = _reread(staging, name, promise.formats, drawn)
        digests |= own
    check_synthetic(frames, promise)
    return VerifiedSynthetic(promise, frames, _PROOF, digests)


def _reread(
    staging: Staging, name: str, formats: tuple[str, ...], drawn: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, str]]:
    """A table as it was staged, the same in every format, and the files' digests."""
    frames, digests = [], {}
    for format_ in formats:
        content = (staging.data / f"{name}.{format_}").read_bytes()
        digests[f"data/{name}.{format_}"] = hashlib.sha256(content).hexdigest()
        frames.append(tables.canonical(tables.decode(content, format_, tables.types(drawn))))
    if not all(each.equals(frames[0]) for each in frames):
        raise VerificationFailed("the formats do not hold the same rows")
    if not frames[0].equals(tables.canonical(drawn)):
        raise VerificationFailed("the staged synthetic rows are not those that were drawn")
    return frames[0], digests


def check_synthetic(frames: Mapping[str, pl.DataFrame], promise: SyntheticPromise) -> None:
    """Raise ``VerificationFailed`` unless the rows of every table are as promised."""
    people = frames[promise.name]
    if not all(map(is_sorted, frames.values())):
        raise VerificationFailed("the synthetic rows are not sorted")
    if people.height != promise.rows:
        raise VerificationFailed("the synthetic table has another number of rows than was asked for")
    if promise.events:
        check_keys(people[PERSON], {name: frames[name] for name in promise.events})
        people = people.drop(PERSON)
    _check_columns(people, promise.training)
    _check_asked(people, promise)
    for cells in people:
        if promise.recipe.domain:
            _check_declared(cells, promise.recipe.domain[cells.name])
        else:
            _check_shared(cells, promise.training)
    for name, events in promise.events.items():
        told = frames[name].drop(PERSON)
        _check_columns(told, events.training)
        for cells in told.drop(events.times):
            _check_shared(cells, events.training)


def _check_columns(frame: pl.DataFrame, training: Training) -> None:
    if frame.columns != [each.name for each in training.variables]:
        raise VerificationFailed("the columns of the synthetic table are not the released ones")


def _check_asked(frame: pl.DataFrame, promise: SyntheticPromise) -> None:
    asked = checking.promise(promise.training, promise.recipe.given, promise.recipe.constraints)
    try:
        checking.check(frame, asked)
    except SynthesisFailed as failed:
        raise VerificationFailed(failed.rule, count=failed.count) from None


def _check_declared(cells: pl.Series, domain: Declared) -> None:
    told = _single(cells)
    if domain.span is None:
        outside = ~told.cast(pl.String).is_in(list(domain.values))
    else:
        outside = (told < domain.span.low) | (told > domain.span.high)
    if count := int(outside.sum()):
        raise VerificationFailed(
            "synthetic values lie outside of what is declared", column=cells.name, count=count
        )


def _check_shared(cells: pl.Series, training: Training) -> None:
    """No value may be rarer than k people, and no number further out than k of them reach."""
    people = pl.Series("person", training.people)
    real = pl.DataFrame({"person": people, "value": training.frame[cells.name]})
    if isinstance(cells.dtype, pl.List):
        real = real.explode("value")
    real = real.drop_nulls("value").unique()
    told = _single(cells)
    if real["value"].dtype in (pl.String, pl.Boolean):
        rare = _rare(real, training, cells.name)
        if count := int(told.is_in(rare).sum()):
            raise VerificationFailed(
                f"synthetic values are those of fewer than {training.k} people",
                column=cells.name,
                count=count,
            )
        return
    if not len(told):
        return
    for descending in (False, True):
        end = _reached(real, training.k, descending=descending)
        beyond = pl.Series([True] * len(told)) if end is None else (told > end if descending else told < end)
        if count := int(beyond.sum()):
            raise VerificationFailed(
                f"synthetic values lie beyond those that {training.k} people reach",
                column=cells.name,
                count=count,
            )


def _rare(real: pl.DataFrame, training: Training, name: str) -> list[object]:
    """The values and labels that fewer than k people have; a label is had by all whose values it covers."""
    coarser = next(each.coarser for each in training.variables if each.name == name)
    covering = pl.DataFrame(
        [(value, label) for value, labels in coarser.items() for label in labels],
        schema={"value": pl.String, "label": pl.String},
        orient="row",
    )
    had = real
    if covering.height:
        labels = real.join(covering, on="value").select("person", value="label")
        had = pl.concat([real, labels]).unique()
    counts = had.group_by("value").len("people")
    return counts.filter(pl.col("people") < training.k)["value"].to_list()


def _reached(real: pl.DataFrame, k: int, *, descending: bool) -> object:
    """The value that k people reach from one end; None where there are not so many."""
    of_people = real.group_by("person").agg(pl.col("value").max() if descending else pl.col("value").min())
    ends = of_people["value"].sort(descending=descending)
    return ends[k - 1] if len(ends) >= k else None


def _single(cells: pl.Series) -> pl.Series:
    told = cells.drop_nulls()
    return told.explode(empty_as_null=False).drop_nulls() if isinstance(told.dtype, pl.List) else told
