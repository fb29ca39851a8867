"""Made-up findings that reports are shown with: every attack, every measure, and things not estimated."""

from __future__ import annotations

import numpy as np

from risk.figures import Figure, exact, not_estimated, share
from risk.reports.risk_utility import COSTS, RISKS
from risk.results import (
    Associations,
    Attack,
    Coefficient,
    Curve,
    Difference,
    Estimate,
    Findings,
    Frontier,
    Group,
    Heading,
    Marked,
    Point,
    Prediction,
    Survival,
    Utility,
)

ATTACKS: dict[str, Heading] = {
    "singling_out": "singling-out",
    "rep_u": "singling-out",
    "copies_exact": "singling-out",
    "copies_near": "singling-out",
    "copied_extremes": "singling-out",
    "copied_rare": "singling-out",
    "linkage": "linkability",
    "membership": "linkability",
    "disco": "inference",
    "attribute_inference": "inference",
    "minimality": "inference",
}
"""Every attack there are words for, but the diagnostic."""
NOBODY_HELD_OUT = not_estimated("needs people who were held out")


def marked(hits: int, control: int, n: int = 400) -> Marked:
    """A share of ``n`` with its control, between the marks."""
    return Marked(
        share(hits, n, "targets hit"),
        share(control, n, "the same without the person"),
        share(8, n, "independent columns"),
        exact(1.0, n, "a verbatim copy"),
        share(int(0.63 * n), n, "a bootstrap copy"),
    )


def small_attacks() -> tuple[Attack, ...]:
    """One attack of every name: some above their control, some not, some not estimated."""
    attacks = [
        Attack(name, heading, marked(20 + 12 * place, 24 + 6 * place))
        for place, (name, heading) in enumerate(ATTACKS.items())
    ]
    parts = {"overall": marked(31, 30), "isolated": marked(60, 20), "crp": Marked(NOBODY_HELD_OUT)}
    attacks[9] = Attack("attribute_inference", "inference", marked(250, 180), parts)
    attacks[5] = Attack("copied_rare", "singling-out", Marked(NOBODY_HELD_OUT))
    distances = (Figure(v, v * 0.9, v * 1.1, 400, "median; bootstrap interval, 95 %") for v in (1.31, 1.28))
    dcr = Attack("dcr", "singling-out", Marked(*distances), is_diagnostic=True)
    return (*attacks, dcr)


def small_frontier() -> Frontier:
    """A Cone that flags copies altered by up to a third."""
    strengths = np.linspace(0, 1, 11)
    flagged = 1 / (1 + np.exp(18 * (strengths - 0.32))) * 0.97 + 0.03
    return Frontier(0.42, 0.05, share(9, 400, "released records flagged"), strengths, flagged)


def small_groups() -> tuple[Group, ...]:
    """A group of every kind, one of them without words."""
    return (
        Group(
            "uniqueness",
            {
                "anonymised.population_uniqueness_zayatz": Figure(
                    0.004, None, 0.02, 400, "model: Zayatz; its bounds: none, and all who are alone"
                ),
                "anonymised.population_uniqueness_snb": not_estimated("the equations have no solution"),
                "anonymised.journalist_records_above_0.05": exact(0.01, 400, "share above 0.05"),
            },
        ),
        Group("correctness", {"anonymised.rocher_correctness_max": exact(0.31, 400, "largest")}),
        Group("special_uniques", {"original.special_uniques_of_2": exact(0.12, 400, "on 2 columns")}),
        Group(
            "beliefs",
            {
                "anonymised.l_distinct.diagnosis": exact(2, 40, "fewest values of a class"),
                "anonymised.belief_1.diagnosis": exact(0.75, 40, "largest belief after ruling out 1 values"),
            },
        ),
        Group("subsets", {"anonymised.distinction.sex, age": exact(0.21, 400, "combinations / records")}),
        Group("something_new", {"anonymised.unheard_of": exact(0.5, 400, "counted")}),
    )


def small_associations(columns: int = 5) -> Associations:
    """Associations of so many columns, weaker in the release."""
    rng = np.random.default_rng(5)
    found = rng.uniform(0, 1, (columns, columns))
    original = np.clip((found + found.T) / 2 + np.eye(columns), 0, 1)
    released = np.clip(original - rng.uniform(0, 0.25, (columns, columns)) * (1 - np.eye(columns)), 0, 1)
    names = ("sex", "age", "diagnosis", "crp", "length_of_stay_days", *(f"x{i}" for i in range(columns)))
    difference = Marked(
        share(49, 400, "mean"), floor=exact(0.33, 400, "shuffled"), ceiling=exact(0.02, 9, "fresh")
    )
    return Associations(names[:columns], original, (released + released.T) / 2, difference)


def small_curves() -> Survival:
    """Four curves: two groups, before and after."""
    times = np.array([3.0, 10.0, 25.0, 60.0, 90.0, 180.0, 320.0])
    curves = []
    for group, scale in (("F", 210.0), ("M", 150.0)):
        for source, factor in (("original", 1.0), ("released", 0.93)):
            survival = np.exp(-times / (scale * factor))
            low, high = np.clip(survival - 0.06, 0, 1), np.clip(survival + 0.06, 0, 1)
            curves.append(Curve(group, source, times, survival, low, high, 200, 140))
    return Survival("days", "death", tuple(curves), Figure(0.034, 0.02, 0.06, 800, "bootstrap"))


def small_utility() -> Utility:
    """Every measure of utility there is."""
    differences = (
        Difference("sex", marked(6, 6), None, exact(1.0, 2, "categories")),
        Difference("age", marked(44, 6), Marked(share(9, 400, "of the range")), None),
        Difference(
            "diagnosis", Marked(not_estimated("a list has no distribution")), None, exact(0.9, 10, "c")
        ),
    )
    auc = [
        Figure(v, v - 0.03, v + 0.03, 150, "bootstrap interval, 95 %") for v in (0.71, 0.78, 0.69, 0.74, 0.5)
    ]
    real, fake = Estimate(0.42, 0.2, 0.64), Estimate(0.35, 0.08, 0.62)
    far = Estimate(-0.9, -1.2, -0.6)
    return Utility(
        figures={},
        differences=differences,
        associations=small_associations(),
        propensity=Marked(
            Figure(2.8, 2.1, 3.6, 400, "bootstrap"),
            floor=exact(19.0, 400, "shuffled"),
            ceiling=exact(1.02, 9, "f"),
        ),
        two_sample=Marked(
            share(232, 400, "rows told"), floor=share(330, 400, "shuffled"), ceiling=share(198, 400, "fresh")
        ),
        predictions=(
            Prediction("death", "logistic_regression", "auc", auc[0], auc[1], auc[4]),
            Prediction("death", "random_forest", "auc", auc[2], auc[3], auc[4]),
            Prediction("crp", "something new", "r2", NOBODY_HELD_OUT, NOBODY_HELD_OUT),
        ),
        coefficients=(
            Coefficient("death ~ age + sex", "logistic", "age", real, fake, exact(0.82, 400, "overlap")),
            Coefficient("death ~ age + sex", "logistic", "sex[M]", far, real, exact(-0.4, 400, "overlap")),
            Coefficient("death ~ age + sex", "logistic", "const", far, None, not_estimated("not fitted")),
            Coefficient("crp ~ age", "linear", "age", fake, real, exact(0.82, 400, "overlap")),
            Coefficient("days, death ~ age", "cox", "age", real, fake, exact(0.82, 400, "overlap")),
        ),
        survival=(small_curves(),),
        losses={"loss": exact(0.3137, 400, "loss"), "precision": exact(0.41, 400, "precision")},
    )


def small_findings() -> Findings:
    """Everything a risk report can be told."""
    return Findings(small_attacks(), small_frontier(), small_groups(), small_utility())


def small_points() -> tuple[Point, ...]:
    """Three runs to compare: one possible, one with a broken threshold, one refused."""
    figures = {
        **{f"anonymised.{name}": exact(0.2, 400, "counted") for name in (*RISKS, *COSTS)},
        "anonymised.prosecutor_average": exact(0.1, 400, "counted"),
    }
    return (
        Point({"k": "5"}, figures),
        Point({"k": "2"}, figures, broken=("anonymised.linkage",)),
        Point({"k": "500"}, {}, refusal="no transformation meets the criteria"),
    )
