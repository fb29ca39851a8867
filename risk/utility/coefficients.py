"""How far a regression on the release says what the same regression says on the original."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.baselines import independent
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Coefficient, Estimate, Marked
from risk.utility.asked import Model, ModelKind
from risk.utility.formula import Both, Unfit, binary, design, halves, numeric
from risk.utility.threads import one_thread

Floats = NDArray[np.float64]
Estimates = Mapping[str, Estimate]

MOST_TIMES = 1_000
"""A Cox model asks for the order of times alone: more of them become so many equally full classes."""
_SINGULAR = 1e-10
"""The least variance, of a combination of columns with variance 1, that is no rounding."""
_SPLITS, _ROWS_OF_SPLIT = 5, 20_000
_WIDEST = 50.0
"""A standard error, of a column with variance 1, that means: the data do not bound the coefficient."""
_Z = 1.959963984540054
"""The standard normal distribution's quantile at 0.975."""
WHAT = (
    "the overlap of the coefficients' 95 % confidence intervals on original and release as a share of both, "
    "0 where they are apart (Karr et al. 2006)"
)


@dataclass(frozen=True, slots=True)
class ModelFit:
    """A model on both tables.

    ``overlap`` is the mean over its coefficients, its floor that of independent columns, its ceiling that of
    two random halves of the people: where intervals of fresh data lie, whatever their width.
    """

    model: Model
    coefficients: tuple[Coefficient, ...]
    overlap: Marked


@dataclass(frozen=True, slots=True)
class _Told:
    """A model's columns in both tables: ``outcome``, ``time`` of a Cox model, and the terms by name."""

    terms: tuple[str, ...]
    original: pl.DataFrame
    released: pl.DataFrame


def fit_model(comparison: Comparison, model: Model, rng: np.random.Generator) -> ModelFit:
    """Return the model's coefficients on original and release with the overlap of their intervals.

    Rows that do not tell everything are left out, and rows are taken for independent in both tables. A model
    that cannot be fitted has no figure, and its method says why.
    """
    try:
        told = _told(comparison, model)
    except Unfit as reason:
        return ModelFit(model, (), Marked(not_estimated(str(reason))))
    try:
        original = fitted(model.kind, told.original, told.terms)
    except Unfit as reason:
        return ModelFit(model, (), Marked(not_estimated(f"on the original: {reason}")))
    found = _overlaps(model, original, told.released, told.terms)
    return ModelFit(
        model,
        found,
        Marked(
            _mean(found),
            floor=_mean(_overlaps(model, original, independent(told.released, rng), told.terms)),
            ceiling=_of_halves(model, told, comparison.people, rng),
        ),
    )


def _of_halves(model: Model, told: _Told, people: NDArray[np.int64], rng: np.random.Generator) -> Figure:
    """What fresh data give: an overlap does not depend on how many rows there are, so that some will do."""
    values = []
    for own in rng.spawn(_SPLITS):
        rows = own.permutation(told.original.height)[:_ROWS_OF_SPLIT]
        one, other = halves(told.original[rows], people[rows], own)
        try:
            found = _overlaps(model, fitted(model.kind, one, told.terms), other, told.terms)
        except Unfit:
            continue
        shares = [each.overlap.value for each in found if each.overlap.value is not None]
        values += [float(np.mean(shares))] if shares else []
    if not values:
        return not_estimated("no half of the people bounds the model", len(people))
    what = (
        f"mean of {WHAT}; two random halves of the people: mean, lowest and highest of {len(values)} splits"
    )
    return Figure(float(np.mean(values)), min(values), max(values), len(people), what)


def overlap(one: Estimate, other: Estimate) -> float:
    """Return the mean of the shares that the intersection is of either interval, 0 where there is none.

    Karr, Kohnen, Oganian, Reiter and Sanil, The American Statistician 60 (2006), p. 226.
    """
    low, high = max(one.low, other.low), min(one.high, other.high)
    if high < low:
        return 0.0
    return float(np.mean([_share(high - low, each.high - each.low) for each in (one, other)]))


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0


def fitted(kind: ModelKind, frame: pl.DataFrame, terms: tuple[str, ...]) -> Estimates:
    """Return the estimates of the terms that vary, by name.

    ``frame`` has Float64 columns ``outcome``, for a Cox model ``time``, and those of the terms, NaN where a
    value is not told. Cox models break ties as Efron does.

    Raises:
        Unfit: nothing is bounded by these rows.
    """
    rows = frame.filter(pl.all_horizontal(pl.all().is_finite()))
    outcome = rows["outcome"].to_numpy()
    if rows.height < 2 or (outcome == outcome[0]).all():
        raise Unfit(f"{rows.height} complete rows whose outcome does not vary")
    varying = tuple(name for name in terms if rows[name].n_unique() > 1)
    columns = rows.select(varying).to_numpy()
    if not varying:
        raise Unfit("no term varies")
    if rows.height <= len(varying) + 1:
        raise Unfit(f"{rows.height} complete rows for {len(varying)} coefficients")
    with np.errstate(all="ignore"):
        scale = columns.std(axis=0)
        standard = (columns - columns.mean(axis=0)) / scale
    if not (np.isfinite(scale).all() and np.isfinite(standard).all()):
        raise Unfit("numbers too large, or too near one another, to compute with")
    if np.linalg.eigvalsh(standard.T @ standard / rows.height).min() < _SINGULAR:
        raise Unfit("the terms determine one another")
    times = rows["time"].to_numpy() if kind == "cox" else None
    values, halves = _estimated(kind, outcome, standard, times)
    return {
        name: Estimate(float(value), float(value - half), float(value + half))
        for name, value, half in zip(varying, values / scale, halves / scale, strict=True)
    }


def _estimated(
    kind: ModelKind, outcome: Floats, columns: Floats, times: Floats | None
) -> tuple[Floats, Floats]:
    """Coefficients of columns with mean 0 and variance 1, and half their intervals' widths."""
    # Importing it puts filters before all others: imported inside, it would undo the one that is set here.
    import statsmodels.tools.sm_exceptions  # noqa: F401

    unbounded = Unfit(
        "the fit does not converge" if kind == "linear" else "no fit: the terms seem to separate the outcome"
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"), one_thread():
        warnings.simplefilter("ignore")
        try:
            values, halves, has_converged = _SOLVERS[kind](outcome, columns, times)
        except (np.linalg.LinAlgError, ValueError, ArithmeticError):
            raise unbounded from None
    if not (has_converged and np.isfinite(values).all() and np.isfinite(halves).all()):
        raise unbounded
    if kind != "linear" and halves.max() > _WIDEST:
        raise unbounded
    return values, halves


def _linear(outcome: Floats, columns: Floats, _: Floats | None) -> tuple[Floats, Floats, bool]:
    from statsmodels.api import OLS, add_constant

    result = OLS(outcome, add_constant(columns, has_constant="add")).fit()
    return result.params[1:], np.ptp(result.conf_int(), axis=1)[1:] / 2, True


def _logistic(outcome: Floats, columns: Floats, _: Floats | None) -> tuple[Floats, Floats, bool]:
    from statsmodels.api import Logit, add_constant

    result = Logit(outcome, add_constant(columns, has_constant="add")).fit(disp=0, maxiter=100)
    return result.params[1:], _Z * result.bse[1:], bool(result.mle_retvals["converged"])


def _cox(outcome: Floats, columns: Floats, times: Floats | None) -> tuple[Floats, Floats, bool]:
    from statsmodels.duration.hazard_regression import PHReg

    result = PHReg(times, columns, status=outcome, ties="efron").fit(disp=0)
    slope = np.abs(result.model.score(result.params)).max()
    return result.params, _Z * result.bse, bool(slope < 1e-6 * len(outcome))


_SOLVERS: Mapping[ModelKind, Callable[[Floats, Floats, Floats | None], tuple[Floats, Floats, bool]]] = {
    "linear": _linear,
    "logistic": _logistic,
    "cox": _cox,
}


def _classed(times: Both) -> Both:
    """Times from 0 on; as numbers of classes, the same in both tables, where the original has very many."""
    original, released = (np.where(each >= 0, each, np.nan) for each in (times.original, times.released))
    told = np.unique(original[np.isfinite(original)])
    if len(told) <= MOST_TIMES:
        return Both(original, released)
    ranks = np.linspace(0, 1, MOST_TIMES)
    edges = np.unique(np.quantile(original[np.isfinite(original)], ranks, method="lower"))
    first, second = (
        np.where(np.isfinite(each), np.searchsorted(edges, each, side="right"), np.nan)
        for each in (original, released)
    )
    return Both(first, second)


def _told(comparison: Comparison, model: Model) -> _Told:
    """The columns of both tables that the model needs."""
    terms = design(comparison, model.terms)
    columns: dict[str, Both] = {}
    if model.kind == "linear":
        columns["outcome"] = numeric(comparison, model.outcome)
    else:
        columns["outcome"] = binary(comparison, model.outcome, model.positive)
    if model.time is not None:
        columns["time"] = _classed(numeric(comparison, model.time))
    names = tuple(f"{n} {name}" for n, name in enumerate(terms.names))
    original = {name: sides.original for name, sides in columns.items()}
    released = {name: sides.released for name, sides in columns.items()}
    return _Told(
        names,
        pl.DataFrame(original | dict(zip(names, terms.original.T, strict=True))),
        pl.DataFrame(released | dict(zip(names, terms.released.T, strict=True))),
    )


def _overlaps(
    model: Model, original: Estimates, released: pl.DataFrame, terms: tuple[str, ...]
) -> tuple[Coefficient, ...]:
    """The coefficients beside those that the release gives."""
    reason, estimates = "the term does not vary in the release", dict[str, Estimate]()
    try:
        estimates |= fitted(model.kind, released, terms)
    except Unfit as failure:
        reason = f"on the release: {failure}"
    return tuple(
        Coefficient(
            model.name,
            model.kind,
            name.partition(" ")[2],
            estimate,
            other := estimates.get(name),
            not_estimated(reason) if other is None else exact(overlap(estimate, other), 1, WHAT),
        )
        for name, estimate in original.items()
    )


def _mean(found: tuple[Coefficient, ...]) -> Figure:
    """The mean overlap; bounds alone where the release does not tell some coefficient."""
    values = [each.overlap.value for each in found if each.overlap.value is not None]
    n, missing = len(found), len(found) - len(values)
    if not values:
        return Figure(None, None, None, n, found[0].overlap.method)
    if missing:
        low, high = sum(values) / n, (sum(values) + missing) / n
        return Figure(
            None, low, high, n, f"bounds, as the release does not tell {missing} of {n}; mean of {WHAT}"
        )
    return exact(sum(values) / n, n, f"mean of {WHAT}")
