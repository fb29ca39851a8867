"""The analyses that a user names, on original and release: predictions, regressions, survival."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from risk.comparison import Comparison
from risk.figures import Figure
from risk.results import Coefficient, Marked, Prediction, Survival
from risk.utility.asked import Asked, Followed
from risk.utility.coefficients import fit_model
from risk.utility.prediction import predictions
from risk.utility.survival import marked_gap, survival


@dataclass(frozen=True, slots=True)
class Analyses:
    """What was asked for; ``figures`` are those of ``utility.json`` without the table's name.

    ``marks`` has the mean overlap of each model and the largest gap of each pair of curves, by the names of
    ``figures`` and between their marks: everything that was asked for, also what could not be estimated.
    """

    predictions: tuple[Prediction, ...]
    coefficients: tuple[Coefficient, ...]
    marks: Mapping[str, Marked]
    survival: tuple[Survival, ...]
    figures: Mapping[str, Figure]

    @property
    def models(self) -> Mapping[str, Marked]:
        """The mean overlap of each model, by the model's name."""
        prefix = "overlap."
        return {name[len(prefix) :]: mark for name, mark in self.marks.items() if name.startswith(prefix)}


def analyse(comparison: Comparison, asked: Asked, rng: np.random.Generator) -> Analyses:
    """Return every analysis that is ``asked`` for; nothing that is asked for is left out without a reason."""
    for_targets, for_models, for_gaps = rng.spawn(3)
    predicted = tuple(
        each
        for target, own in zip(asked.targets, for_targets.spawn(len(asked.targets)), strict=True)
        for each in predictions(comparison, target, own)
    )
    fits = [
        fit_model(comparison, model, own)
        for model, own in zip(asked.models, for_models.spawn(len(asked.models)), strict=True)
    ]
    gaps = [
        _of_event(marked_gap(comparison, each, own), each.event, each.positive)
        for each, own in zip(asked.survival, for_gaps.spawn(len(asked.survival)), strict=True)
    ]
    models = {
        fit.model.name: fit.overlap
        if fit.model.kind == "linear"
        else _of_event(fit.overlap, fit.model.outcome, fit.model.positive)
        for fit in fits
    }
    marks = {f"overlap.{name}": mark for name, mark in models.items()}
    marks |= {_curves(each): gap for each, gap in zip(asked.survival, gaps, strict=True)}
    curves = (survival(comparison, followed) for followed in asked.survival)
    return Analyses(
        predicted,
        tuple(each for fit in fits for each in fit.coefficients),
        marks,
        tuple(replace(each, largest_gap=gap.figure) for each, gap in zip(curves, gaps, strict=True)),
        dict(_of_predictions(predicted)) | dict(_of_marks(marks)),
    )


def _of_event(mark: Marked, column: str, positive: str | None) -> Marked:
    """The mark whose figure says which value of the column was taken for the event."""
    if mark.figure.method.startswith("not estimated"):
        return mark
    value = "1 or true" if positive is None else positive
    told = f"{mark.figure.method}; the event is {column} = {value}"
    return replace(mark, figure=replace(mark.figure, method=told))


def _curves(followed: Followed) -> str:
    parts = (followed.time, followed.event, *(() if followed.by is None else (followed.by,)))
    return ".".join(("survival", *parts))


def _of_predictions(predicted: tuple[Prediction, ...]) -> Iterator[tuple[str, Figure]]:
    for each in predicted:
        name = f"predict.{each.target}.{each.learner}"
        yield f"{name}.released", each.released
        yield f"{name}.real", each.real
        if each.floor is not None:
            yield f"{name}.floor", each.floor


def _of_marks(marks: Mapping[str, Marked]) -> Iterator[tuple[str, Figure]]:
    for name, mark in marks.items():
        yield name, mark.figure
        if mark.floor is not None:
            yield f"{name}.floor", mark.floor
        if mark.ceiling is not None:
            yield f"{name}.ceiling", mark.ceiling
