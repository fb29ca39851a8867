"""Copies: rows of a release that are a real person's row, or nearly so.

A copy alone is no breach where rows are few and alike: as many held-out rows may be copies of somebody's. So
each share stands beside the control's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.attacks.intervals import clustered_share
from risk.attacks.marks import marked, marked_parts
from risk.attacks.matching import Groups, as_texts, coded, groups, own_rows, people_in
from risk.attacks.neighbourhood import NOT_MEASURED, Neighbourhood, chosen, neighbourhood
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated, share
from risk.results import Attack, Marked

Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]
Way = Callable[[Comparison, pl.DataFrame], pl.DataFrame]
"""How an attacker moves rows, released or held out, before looking for who is near."""

NEAR = 0.02
"""A near copy's distance from a real row, at most, as a share of the largest there can be."""
NOBODY_HELD_OUT = "needs people who were held out"
NO_ROWS = "needs rows in the data and in the release"
AS_IT_STANDS, REALIGNED = "as_it_stands", "realigned"
_EITHER = ""


def copies(comparison: Comparison, rng: np.random.Generator) -> tuple[Attack, ...]:
    """Return exact copies and, of a synthetic table, near ones.

    Near copies of an anonymised table are not asked for: its rows are real rows by design, and generalised
    values have no distance from true ones.
    """
    first, second = rng.spawn(2)
    if comparison.table == "anonymised":
        return (exact_copies(comparison, first),)
    return exact_copies(comparison, first), near_copies(comparison, second)


def exact_copies(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return the share of released rows that are somebody's row in every attribute.

    Of a synthetic table: rows equal to a row the model was trained on; the control is the share of held-out
    rows that are. Of an anonymised table, whose rows are all somebody's in its words: rows that show, with
    nothing generalised or suppressed, what one single person has in all attributes together, sensitive ones
    among them. The control takes that person out: such rows that another person's row still shows. It does
    not say that anybody could tell whose row it is.
    """
    if comparison.table == "synthetic":
        return Attack("copies_exact", "singling-out", marked(comparison, _copied, rng, control=_held_out))
    return Attack("copies_exact", "singling-out", marked(comparison, _unchanged, rng, control=_without))


def near_copies(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return the share of a synthetic table's rows within ``NEAR`` of a row its model was trained on.

    A row is near as it stands, or once every number column has been moved by the constant that brings its
    median to that of the data, which undoes what hides a copy by shifting it; the parts count the two alone.
    The control are held-out rows, treated alike. It does not find copies that are disguised otherwise.
    """
    real = neighbourhood(comparison)
    if real is None:
        return Attack("copies_near", "singling-out", Marked(not_estimated(NOT_MEASURED)))

    def measured(scene: Comparison, draws: np.random.Generator) -> dict[str, Figure]:
        return _near(real, scene, draws)

    def control(scene: Comparison, draws: np.random.Generator) -> dict[str, Figure]:
        return _near_held_out(real, scene, draws)

    parts = marked_parts(comparison, measured, rng, control=control)
    return Attack("copies_near", "singling-out", parts.pop(_EITHER), parts)


def _as_it_stands(scene: Comparison, frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _realigned(scene: Comparison, frame: pl.DataFrame) -> pl.DataFrame:
    """A frame's rows, each number column moved by a constant to the median of the data's."""
    real = scene.original.filter(scene.shown)
    names = [each.name for each in scene.attributes if each.kind == "number"]
    moves = {name: _median(real[name]) - _median(frame[name]) for name in names}
    return frame.with_columns(pl.col(name) + move for name, move in moves.items())


_WAYS: Mapping[str, Way] = {AS_IT_STANDS: _as_it_stands, REALIGNED: _realigned}


def _median(column: pl.Series) -> float:
    """The upper median, a value that occurs: a copy's is then exactly the original's, moved."""
    values = column.drop_nulls().sort()
    return float(values[len(values) // 2]) if len(values) else 0.0


def _near(real: Neighbourhood, scene: Comparison, rng: np.random.Generator) -> dict[str, Figure]:
    rows = scene.released.height
    asked = chosen(rows, rng, most=real.asked)
    what = f"share of {len(asked)} of {rows} released rows within {NEAR:.0%} of a real row"
    return {
        name: share(int(hits.sum()), len(asked), what)
        for name, hits in _are_near(real, scene, scene.released, asked).items()
    }


def _near_held_out(real: Neighbourhood, scene: Comparison, rng: np.random.Generator) -> dict[str, Figure]:
    if scene.holdout is None or scene.holdout_people is None or not scene.holdout.height:
        return dict.fromkeys((_EITHER, *_WAYS), not_estimated(NOBODY_HELD_OUT))
    asked = chosen(scene.holdout.height, rng, most=real.asked)
    people = scene.holdout_people[asked]
    what = f"share of {len(asked)} held-out rows within {NEAR:.0%} of a real row"
    return {
        name: clustered_share(hits.astype(np.float64), people, what)
        for name, hits in _are_near(real, scene, scene.holdout, asked).items()
    }


def _are_near(real: Neighbourhood, scene: Comparison, frame: pl.DataFrame, asked: Longs) -> dict[str, Bools]:
    """Which of the rows asked for are near a real one: in each of the ways, and in either."""
    near = {name: real.distances(way(scene, frame)[asked]) <= NEAR for name, way in _WAYS.items()}
    return {_EITHER: np.logical_or.reduce(list(near.values())), **near}


def _everything(comparison: Comparison) -> Groups:
    return groups(coded(comparison), [each.name for each in comparison.attributes])


def _copied(scene: Comparison, _: np.random.Generator) -> Figure:
    if not scene.shown.any():
        return not_estimated(NO_ROWS)
    found = _everything(scene)
    hits = np.isin(found.released, found.original[scene.shown])
    return share(int(hits.sum()), len(hits), "share of released rows that are a real row in every attribute")


def _held_out(scene: Comparison, _: np.random.Generator) -> Figure:
    if scene.holdout_people is None or not len(scene.holdout_people):
        return not_estimated(NOBODY_HELD_OUT)
    found = _everything(scene)
    hits = np.isin(found.holdout, found.original[scene.shown])
    what = "share of held-out rows that are a real row of the release's people in every attribute"
    return clustered_share(hits.astype(np.float64), scene.holdout_people, what)


def _unchanged(scene: Comparison, _: np.random.Generator) -> Figure:
    rows = scene.released.height
    if not rows or not scene.shown.any():
        return not_estimated(NO_ROWS)
    found = _everything(scene)
    hits = np.isin(found.released, found.original[_told(scene)])
    what = "released rows that are, unchanged, the row of one single person in all attributes"
    return exact(float(hits.sum()) / rows, rows, what)


def _without(scene: Comparison, _: np.random.Generator) -> Figure:
    """Leave-one-out: a person's row is still there if the release has it more often than the person has."""
    rows = scene.released.height
    if not rows or not scene.shown.any():
        return not_estimated(NO_ROWS)
    found, told = _everything(scene), _told(scene)
    shown = found.original[scene.shown]
    own = own_rows(shown, scene.people[scene.shown])
    still = found.released_sizes()[shown] > own
    return exact(
        float((still & told[scene.shown]).sum()) / rows, rows, "the same rows once the person is out"
    )


def _told(scene: Comparison) -> Bools:
    """Which rows of the original are shown as they are, while nobody else has the same true values."""
    names = [each.name for each in scene.attributes]
    base = scene.base.select(names)
    true = groups(
        coded(replace(scene, released=base.clear(), original=base, holdout=None, holdout_people=None)), names
    )
    alone = people_in(true.original, scene.people, true.count)[true.original] == 1
    same = [same_values(scene.original[name], base[name]) for name in names]
    return np.asarray(scene.shown & alone & np.logical_and.reduce(same))


def same_values(words: pl.Series, true: pl.Series) -> Bools:
    """Return which cells say the true value itself: bool (rows,). A missing value says itself only.

    A number's word is the number's own where it reads as that number, as ``34`` does for 34.0.
    """
    if true.dtype.is_numeric():
        told, known = words.cast(pl.Float64, strict=False), true.cast(pl.Float64)
        lost = words.is_not_null() & told.is_null()
        return (told.eq_missing(known) & ~lost).to_numpy()
    if isinstance(true.dtype, pl.List) and isinstance(words.dtype, pl.List):
        words, true = as_texts(words), as_texts(true)
    if words.dtype != true.dtype:
        words, true = words.cast(pl.String), true.cast(pl.String)
    return words.eq_missing(true).to_numpy()
