"""A recipe's method by its name, fitted with its options; slow libraries load where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from anonymizer.errors import BadConfig
from synth.axes import Coded, Model
from synth.recipe import SDV_METHODS, Recipe

Report = Callable[[int, int, float], None]
"""Hears how many epochs of how many are over, and how many seconds the rest will probably take."""

_SDV = frozenset({"epochs", "batch_size", "device"})
_OPTIONS: Mapping[str, frozenset[str]] = {
    "cart": frozenset({"leaf", "most_rows"}),
    "gaussian-copula": frozenset(),
    "dp-marginals": frozenset({"epsilon", "delta", "rows_per_person", "target"}),
    **dict.fromkeys(SDV_METHODS, _SDV),
}


def check_options(recipe: Recipe) -> None:
    """Raise ``BadConfig`` for an option that the method does not have."""
    if recipe.method not in _OPTIONS:
        raise BadConfig("there is no such method of synthesis")
    unknown = set(recipe.options) - _OPTIONS[recipe.method]
    if unknown:
        raise BadConfig(f"{recipe.method} has no option {min(unknown)!r}")


def fitted(recipe: Recipe, coded: Coded, rng: np.random.Generator, *, report: Report | None = None) -> Model:
    """Return the recipe's method, fitted; ``report`` is for methods that take long.

    Raises:
        SynthesisFailed: it cannot be fitted.
        ComponentMissing: its libraries are not installed.
    """
    if recipe.method in SDV_METHODS:
        return _sdv()(coded, rng, method=recipe.method, report=report, **recipe.options)
    return _own(recipe.method)(coded, rng, **recipe.options)


def _sdv() -> Callable[..., Model]:
    from synth.methods.sdv_models import fit

    return fit


def _own(method: str) -> Callable[..., Model]:
    if method == "cart":
        from synth.methods.cart import fit as cart

        return cart
    if method == "gaussian-copula":
        from synth.methods.gaussian_copula import fit as copula

        return copula
    from synth.methods.dp_marginals import fit as private

    return private
