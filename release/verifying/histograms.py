"""Criteria about a sensitive column's distribution in each class, counted literally and decided exactly.

A value's frequency is the number of distinct people who have it. Distances are whole numbers over whole
numbers. Logarithms are first taken in floats, and again in sixty digits or in whole numbers where a float
could be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from math import exp, fsum, gcd, inf, log, prod

import polars as pl

from anonymizer.criteria import (
    BetaLikeness,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import VerificationFailed
from release.verifying.recount import CLASS, PERSON, Classed, Verdict, base

Diversity = DistinctLDiversity | EntropyLDiversity | RecursiveCLDiversity
Closeness = TCloseness | DeltaDisclosure | BetaLikeness
Profile = list[int]
_CLOSE = 1e-9
"""A float this near its limit, relatively, does not decide."""
_DIGITS = 60
_SURELY_APART = Decimal(10) ** -40


def diversity(classed: Classed, criterion: Diversity, position: int) -> Verdict:
    """The verdict of an l-diversity, where a missing value is none.

    ``reached`` is the fewest values of any class; for entropy the number of equally frequent values that has
    the least entropy of any class; for recursive the largest r_1 / (r_l + … + r_m), which c must exceed.
    """
    profiles = _profiles(classed, position)
    found = [_diverse(profile, criterion) for profile in profiles["n"].to_list()]
    worst = max if isinstance(criterion, RecursiveCLDiversity) else min
    holds = profiles.select(CLASS, holds=pl.Series([meets for _, meets in found], dtype=pl.Boolean))
    return Verdict(
        holds.explode(CLASS).sort(CLASS)["holds"], worst((figure for figure, _ in found), default=None)
    )


def closeness(classed: Classed, criterion: Closeness, position: int, reference: pl.DataFrame) -> Verdict:
    """The verdict of a criterion that compares each class with the input, where missing is a category.

    ``reference`` is the input's distribution as ``references`` makes it. ``reached`` is the largest
    distance, |ln(p / q)| or (p - q) / q of any class.

    Raises:
        VerificationFailed: a class holds a value that the input does not.
    """
    cells = _cells_beside(classed, position, reference)
    match criterion:
        case TCloseness(distance="equal"):
            return _within(criterion.t, _equal(cells))
        case TCloseness(distance="ordered"):
            return _within(criterion.t, _ordered(cells, reference["people"]))
        case TCloseness():
            return _within(criterion.t, _hierarchical(cells, reference))
        case DeltaDisclosure():
            return _disclosing(cells, criterion, reference.height)
        case BetaLikeness():
            return _gaining(cells, criterion)


def _cells(classed: Classed, position: int) -> pl.DataFrame:
    """The distinct people ``n`` of each class's values, missing among them."""
    rows = classed.rows.select(CLASS, PERSON, value=base(position))
    distinct = rows if classed.row_is_person else rows.unique()
    return distinct.group_by(CLASS, "value").agg(n=pl.len().cast(pl.Int64))


def _profiles(classed: Classed, position: int) -> pl.DataFrame:
    """The distinct lists ``n`` of values' frequencies in falling order, and the classes that have each."""
    cells = _cells(classed, position).drop_nulls("value")
    lists = cells.group_by(CLASS).agg(pl.col("n").sort(descending=True))
    every_class = classed.classes.select(CLASS).join(lists, on=CLASS, how="left")
    return every_class.group_by(pl.col("n").fill_null([])).agg(CLASS)


def _diverse(profile: Profile, criterion: Diversity) -> tuple[int | float, bool]:
    match criterion:
        case DistinctLDiversity(l=least):
            return len(profile), len(profile) >= least
        case EntropyLDiversity(l=least):
            return effective_values(profile), has_entropy(profile, least)
        case RecursiveCLDiversity(c=c, l=least):
            first, tail = sum(profile[:1]), sum(profile[least - 1 :])
            return (first / tail if tail else inf), first < c * tail


def effective_values(profile: Profile) -> float:
    """How many equally frequent values have the entropy of ``profile``; 0 without any value."""
    total = sum(profile)
    return exp(log(total) - fsum(n * log(n) for n in profile) / total) if total else 0.0


def has_entropy(profile: Profile, least: Fraction) -> bool:
    """Whether the entropy is at least ln ``least``: least^N prod n^n <= N^N with N the sum.

    A common divisor of all frequencies changes nothing, and keeps the whole numbers of a tie small.
    """
    divisor = gcd(*profile)
    if not divisor:
        return False
    counts = [n // divisor for n in profile]
    total = sum(counts)
    surplus = total * log(total) - fsum(n * log(n) for n in counts) - total * log(least)
    if abs(surplus) > _CLOSE * total * (1 + log(total)):
        return surplus > 0
    with localcontext(prec=_DIGITS):
        limit = Decimal(least.numerator) / Decimal(least.denominator)
        summed = sum((n * Decimal(n).ln() for n in counts), Decimal(0))
        finer = total * (Decimal(total).ln() - limit.ln()) - summed
        if abs(finer) > _SURELY_APART:
            return finer > 0
    bounded: bool = (
        least.numerator**total * prod(n**n for n in counts) <= (least.denominator * total) ** total
    )
    return bounded


def _cells_beside(classed: Classed, position: int, reference: pl.DataFrame) -> pl.DataFrame:
    """Each class's values in the input's order: p = ``n`` / ``all`` in the class, q = ``m`` / ``whole``.

    128 bits hold whatever is made of them: a product of two of them, a limit's terms, and a sum of those.
    """
    numbered = reference.with_row_index("code").rename({"people": "m"})
    cells = _cells(classed, position).join(numbered, on="value", how="left", nulls_equal=True)
    if strangers := cells["code"].null_count():
        raise VerificationFailed("a class holds values that the input does not", count=strangers)
    return cells.sort(CLASS, "code").with_columns(
        pl.col("code", "n", "m").cast(pl.Int128),
        pl.col("n").sum().over(CLASS).cast(pl.Int128).alias("all"),
        pl.lit(reference["people"].sum(), dtype=pl.Int128).alias("whole"),
    )


def _excess() -> pl.Expr:
    """(p - q) times the class's and the input's totals."""
    return pl.col("n") * pl.col("whole") - pl.col("m") * pl.col("all")


def _scale() -> pl.Expr:
    return (pl.col("all") * pl.col("whole")).first()


def _equal(cells: pl.DataFrame) -> pl.DataFrame:
    """Half the sum of |p - q|, which is the sum of what is positive; ``distance`` over ``scale``."""
    return cells.group_by(CLASS).agg(distance=_excess().clip(0).sum(), scale=_scale())


def _ordered(cells: pl.DataFrame, people: pl.Series) -> pl.DataFrame:
    """The sum of |p_1 + … + p_i - q_1 - … - q_i| over i, over the number of values less one.

    Between two values of a class the first sum stands still while the other one rises, so each stretch is
    summed in two parts: as long as q's sum lies below p's, and from there on.
    """
    sums = people.cast(pl.Int64).cum_sum()
    sums_before = pl.concat([pl.Series([0]), sums]).cast(pl.Int128).cum_sum()
    stretches = _stretches(cells, len(people))
    share = (stretches["share"] // stretches["all"]).cast(pl.Int64)
    stretches = stretches.with_columns(sums.search_sorted(share, side="right").cast(pl.Int128).alias("turn"))
    stretches = stretches.with_columns(pl.col("turn").clip("from", "to"))
    until = {
        name: sums_before.gather(stretches[name].cast(pl.Int64)).alias(f"until_{name}")
        for name in ("from", "turn", "to")
    }
    below = (pl.col("turn") - pl.col("from")) * pl.col("share") - pl.col("all") * (
        pl.col("until_turn") - pl.col("until_from")
    )
    above = pl.col("all") * (pl.col("until_to") - pl.col("until_turn")) - pl.col("share") * (
        pl.col("to") - pl.col("turn")
    )
    return (
        stretches.with_columns(*until.values())
        .group_by(CLASS)
        .agg(distance=(below + above).sum(), scale=_scale() * max(len(people) - 1, 1))
    )


def _stretches(cells: pl.DataFrame, values: int) -> pl.DataFrame:
    """Runs of values ``from`` … ``to`` - 1 on which a class's sum of p is ``share`` / (``all`` ``whole``)."""
    own = cells.select(
        CLASS, "all", "whole", share=(pl.col("n").cum_sum().over(CLASS) * pl.col("whole")), **{"from": "code"}
    )
    nothing = pl.lit(0, dtype=pl.Int128)
    start = own.group_by(CLASS).agg(pl.col("all", "whole").first())
    runs = pl.concat([start.with_columns(share=nothing, **{"from": nothing}), own])
    return runs.sort(CLASS, "from", "share").with_columns(
        to=pl.col("from").shift(-1).over(CLASS).fill_null(pl.lit(values, dtype=pl.Int128))
    )


def _hierarchical(cells: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """The sum over a hierarchy's groups of what moves between the groups below, times their height over the
    top's.

    The lesser of the surplus and the lack among the groups below moves (Li et al. 2007, section 4.3). Groups
    without any value of a class only lack: nothing moves inside them.
    """
    levels = [name for name in reference.columns if name not in ("value", "people")]
    moved = [_moved(cells, reference, *levels[i - 1 : i + 1], height=i) for i in range(1, len(levels))]
    return (
        pl.concat(moved)
        .group_by(CLASS)
        .agg(pl.col("distance").sum(), (pl.col("scale") * (len(levels) - 1)).first())
    )


def _moved(
    cells: pl.DataFrame, reference: pl.DataFrame, below: str, group: str, *, height: int
) -> pl.DataFrame:
    """``height`` times what moves between the groups ``below`` inside the groups of one level, per class."""
    sums = {
        name: reference.group_by(name).agg(m=pl.col("people").sum().cast(pl.Int128))
        for name in (below, group)
    }
    inside = cells.group_by(CLASS, below, group).agg(pl.col("n").sum(), pl.col("all", "whole").first())
    groups = (
        inside.join(sums[below], on=below)
        .group_by(CLASS, group)
        .agg(pl.col("n").sum(), pl.col("all", "whole").first(), surplus=_excess().clip(0).sum())
        .join(sums[group], on=group)
    )
    least = pl.min_horizontal("surplus", pl.col("surplus") - _excess())
    return groups.group_by(CLASS).agg(distance=(height * least).sum(), scale=_scale())


def _within(limit: Fraction, distances: pl.DataFrame) -> Verdict:
    """The verdict on ``distance`` over ``scale`` per class, at most ``limit``."""
    by_class = distances.sort(CLASS).select("distance", "scale")
    found = [Fraction(distance, scale) for distance, scale in by_class.iter_rows()]
    holds = pl.Series([each <= limit for each in found], dtype=pl.Boolean)
    return Verdict(holds, float(max(found)) if found else None)


def _disclosing(cells: pl.DataFrame, criterion: DeltaDisclosure, values: int) -> Verdict:
    """The verdict on |ln(p / q)| < delta for all of the input's values; p = 0 of any breaks it."""
    delta = criterion.delta

    def holds(n: int, m: int, whole: int, total: int) -> bool:
        # A power of e with a rational exponent is no ratio of whole numbers: sixty digits tell them apart.
        with localcontext(prec=_DIGITS):
            bound = (Decimal(delta.numerator) / Decimal(delta.denominator)).exp()
            # a delta too small for sixty digits leaves p = q alone
            return n * whole == m * total or (n * whole < m * total * bound and m * total < n * whole * bound)

    figures = cells.with_columns(figure=_ratio().log().abs(), limit=pl.lit(float(delta)))
    judged = _judged(figures, pl.col("figure") < pl.col("limit"), holds)
    lacks = pl.len() < values
    return _verdict(
        judged.group_by(CLASS).agg(
            holds=pl.col("holds").all() & ~lacks,
            figure=pl.when(lacks).then(inf).otherwise(pl.col("figure").max()),
        )
    )


def _gaining(cells: pl.DataFrame, criterion: BetaLikeness) -> Verdict:
    """The verdict on (p - q) / q <= beta, or min(beta, -ln q), for the values that are more frequent."""
    beta = criterion.beta

    def holds(n: int, m: int, whole: int, total: int) -> bool:
        gain = Fraction(n * whole, m * total) - 1
        # The logarithm of a ratio of whole numbers is none itself, but for ln 1 = 0: sixty digits decide.
        with localcontext(prec=_DIGITS):
            limit = Decimal(whole).ln() - Decimal(m).ln()
            rare = Decimal(gain.numerator) <= gain.denominator * limit
        return gain <= beta and (rare or not criterion.enhanced)

    limit = pl.lit(float(beta))
    rarity = (pl.col("whole") / pl.col("m")).cast(pl.Float64).log()
    figures = cells.with_columns(
        figure=_ratio() - 1, limit=pl.min_horizontal(limit, rarity) if criterion.enhanced else limit
    )
    judged = _judged(figures, pl.col("figure") <= pl.col("limit"), holds)
    return _verdict(judged.group_by(CLASS).agg(pl.col("holds").all(), pl.col("figure").max()))


def _ratio() -> pl.Expr:
    """p / q in floats."""
    return (pl.col("n") * pl.col("whole")).cast(pl.Float64) / (pl.col("m") * pl.col("all")).cast(pl.Float64)


def _judged(cells: pl.DataFrame, within: pl.Expr, exactly: Callable[..., bool]) -> pl.DataFrame:
    """The cells and whether each ``holds``: ``within``, or ``exactly`` where a float may be wrong."""
    apart = (pl.col("figure") - pl.col("limit")).abs()
    names = ["n", "m", "whole", "all"]
    near = cells.filter(apart <= _CLOSE * (1 + pl.col("limit"))).select(names).unique()
    exact = near.with_columns(exact=pl.Series([exactly(*row) for row in near.iter_rows()], dtype=pl.Boolean))
    return cells.join(exact, on=names, how="left").with_columns(holds=pl.coalesce("exact", within))


def _verdict(by_class: pl.DataFrame) -> Verdict:
    ordered = by_class.sort(CLASS)
    return Verdict(ordered["holds"], ordered["figure"].max())  # type: ignore[arg-type]
