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
from anonymizer.tables.table import Column
from release.files import tables
from release.files.staging import Staging
from release.verifying.rows import is_sorted
from synth.recipe import Declared, Recipe
from synth.rewriting import checking
from synth.variables import Training

_PROOF = object()
_ROW = "\0row"


@dataclass(frozen=True, slots=True)
class SyntheticPromise:
    """What the files ``<name>.<format>`` must hold: ``rows`` made by a recipe of what was learned from."""

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

    @property
    def privacy_loss(self) -> dict[str, int | float] | None:
        """What a differentially private method may tell of one person; None of any other method."""
        if self.recipe.method != "dp-marginals":
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
        if (loss := self.privacy_loss) is None:
            return "none: empirical only"
        return f"differential privacy (epsilon = {loss['epsilon']:g}, delta = {loss['delta']:g})"


@dataclass(frozen=True, slots=True)
class VerifiedSynthetic:
    """A staged synthetic table that is what was promised. Only ``verify_synthetic`` constructs one.

    ``frame`` is what the staged bytes hold, ``digests`` their SHA-256 by path below ``release/``.
    """

    promise: SyntheticPromise
    frame: pl.DataFrame
    proof: InitVar[object]
    digests: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verify_synthetic() constructs a VerifiedSynthetic")


def verify_synthetic(staging: Staging, promise: SyntheticPromise) -> VerifiedSynthetic:
    """The verified table, from re-reading what ``staging`` holds on disk.

    Raises:
        VerificationFailed: the staged bytes are not what was promised (rule, column and count).
    """
    schema = tables.types(promise.frame)
    frames, digests = [], {}
    for format_ in promise.formats:
        content = (staging.data / f"{promise.name}.{format_}").read_bytes()
        digests[f"data/{promise.name}.{format_}"] = hashlib.sha256(content).hexdigest()
        frames.append(tables.canonical(tables.decode(content, format_, schema)))
    frame = frames[0]
    if not all(each.equals(frame) for each in frames):
        raise VerificationFailed("the formats do not hold the same rows")
    if not frame.equals(tables.canonical(promise.frame)):
        raise VerificationFailed("the staged synthetic rows are not those that were drawn")
    check_synthetic(frame, promise)
    return VerifiedSynthetic(promise, frame, _PROOF, digests)


def check_synthetic(frame: pl.DataFrame, promise: SyntheticPromise) -> None:
    """Raise ``VerificationFailed`` unless the rows are as promised."""
    if frame.columns != [each.name for each in promise.training.variables]:
        raise VerificationFailed("the columns of the synthetic table are not the released ones")
    if frame.height != promise.rows:
        raise VerificationFailed("the synthetic table has another number of rows than was asked for")
    if not is_sorted(frame):
        raise VerificationFailed("the synthetic rows are not sorted")
    _check_asked(frame, promise)
    for name in frame.columns:
        if promise.recipe.domain:
            _check_declared(frame[name], promise.recipe.domain[name])
        else:
            _check_shared(frame[name], promise.training)


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
