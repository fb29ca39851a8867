"""What attacks and measures of utility found, as the reports show it: data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from risk.figures import Figure

Heading = Literal["singling-out", "linkability", "inference"]
"""The three risks of the Article 29 Working Party's Opinion 05/2014 on anonymisation techniques (WP216)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Marked:
    """A figure between the marks that give it a meaning.

    ``control`` is the same attack where it cannot rest on the release's people: on held-out people, or with
    the person left out. ``floor`` is the figure of independent columns, ``ceiling`` of a verbatim copy (of
    utility: of a fresh sample of real data), ``bootstrap`` of rows drawn again. None where there is none.
    """

    figure: Figure
    control: Figure | None = None
    floor: Figure | None = None
    ceiling: Figure | None = None
    bootstrap: Figure | None = None


@dataclass(frozen=True, slots=True)
class Attack:
    """What one attack gained. ``name`` is the figure's name in ``risk.json`` and the key of its words.

    ``headline`` of several attacks under one heading the largest one is its dial. ``parts`` are further
    figures by name: by column, by attack, on the most isolated records. ``is_diagnostic`` figures stand in
    the report and are no risk.
    """

    name: str
    heading: Heading
    headline: Marked
    parts: Mapping[str, Marked] = field(default_factory=dict)
    is_diagnostic: bool = False


@dataclass(frozen=True, slots=True)
class Frontier:
    """The Cone of Privacy: the share of released records it flags, and of altered copies of the original.

    ``strengths`` (shape (n,)) say how strongly the original was altered, 0 not at all, 1 as much as
    independent columns; ``flagged`` (same shape) which share of the altered records is flagged then.
    ``alpha`` is the cone's width, at which ``allowed`` is the share of other real records that is flagged.
    """

    alpha: float
    allowed: float
    released: Figure
    strengths: Floats
    flagged: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """How one column's distribution differs: 0 is no difference, 1 the largest one."""

    column: str
    total_variation: Marked
    wasserstein: Marked | None
    coverage: Figure | None
    """The share of the original's categories that the release still shows; None for numbers."""


@dataclass(frozen=True, slots=True)
class Associations:
    """Pairwise associations, 0 to 1 (shape (columns, columns)): Cramér's V of categories, the correlation
    ratio of a category and a number, the absolute rank correlation of numbers."""

    columns: tuple[str, ...]
    original: Floats
    released: Floats
    difference: Marked
    """The mean absolute difference over pairs."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well one learner predicts a target for real people it has not seen: AUC, or R² of a number.

    Trained on the release, and on real data.
    """

    target: str
    learner: str
    measure: Literal["auc", "r2"]
    released: Figure
    real: Figure
    floor: Figure | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient of a model the user named, on the original and on the release.

    ``overlap`` is that of the confidence intervals (Karr et al., The American Statistician 60 (2006)): 1
    where they are the same, 0 or less where they are apart.
    """

    model: str
    kind: Literal["linear", "logistic", "cox"]
    term: str
    original: Estimate
    released: Estimate | None
    overlap: Figure


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan–Meier curve: the share surviving beyond each time, with its 95 % band."""

    group: str
    source: Literal["original", "released"]
    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    people: int
    events: int


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan–Meier curves side by side; ``largest_gap`` is the largest vertical distance between them."""

    time: str
    event: str
    curves: tuple[Curve, ...]
    largest_gap: Figure


@dataclass(frozen=True, slots=True)
class Utility:
    """What is left of a table's value. ``figures`` are those of ``utility.json`` without the table's name."""

    figures: Mapping[str, Figure]
    differences: tuple[Difference, ...] = ()
    associations: Associations | None = None
    propensity: Marked | None = None
    """The ratio of the propensity score's mean squared error to what equal distributions give: 1 is equal."""
    two_sample: Marked | None = None
    """How often a classifier tells a released row from an original one: 0.5 is guessing."""
    predictions: tuple[Prediction, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    survival: tuple[Survival, ...] = ()
    losses: Mapping[str, Figure] = field(default_factory=dict)
    """Information loss by metric of the search, 0 nothing lost, 1 everything; empty for a synthetic table."""
    marks: Mapping[str, Marked] = field(default_factory=dict)
    """The headline of every measure with its floor and ceiling, by its name in ``figures``.

    Everything that a user named has an entry: ``overlap.<model>`` also where the model has no coefficients,
    ``survival.<time>.<event>[.<by>]`` also where there is no curve; the method of its figure then says why.
    """


@dataclass(frozen=True, slots=True)
class Point:
    """One run among several that are compared: what was asked, and what it led to.

    ``settings`` tell it from the others. ``figures`` are those of ``risk.json`` and ``utility.json`` by their
    full names; empty where nothing could be released, and ``refusal`` then says why. ``broken`` says what is
    wrong with each threshold that is not kept.
    """

    settings: Mapping[str, str]
    figures: Mapping[str, Figure]
    broken: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that the risk report shows together, under one explanation.

    ``name`` is the key of its words: ``uniqueness``, ``correctness``, ``special_uniques``, ``beliefs`` or
    ``subsets``; the figures are named as in ``risk.json``, with or without their table.
    """

    name: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Compared:
    """The same figures of two models: of the ``first``, which saw the data, and of the ``second``, which saw
    only what the first one drew (distillation). The names are those of ``risk.json`` and ``utility.json``
    without their table.

    Raises:
        ValueError: the figures of one are missing of the other.
    """

    first: Mapping[str, Figure]
    second: Mapping[str, Figure]

    def __post_init__(self) -> None:
        if self.first.keys() != self.second.keys():
            raise ValueError("both models have the same figures")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found beside the counts of the classes: for the house alone.

    ``is_twin`` says that all of it is of a twin of the release, fitted without the people held out (see
    ``risk.twins``); ``compared`` are the models of a table that was distilled.
    """

    attacks: tuple[Attack, ...] = ()
    frontier: Frontier | None = None
    groups: tuple[Group, ...] = ()
    utility: Utility | None = None
    is_twin: bool = False
    compared: Compared | None = None
