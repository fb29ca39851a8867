"""Changes to each key of synthesis, as ``tests.key_scenes`` has them for the other keys."""

from __future__ import annotations

from typing import Any

from tests.key_scenes import AGE, KEPT, SEX, ZIP, Change, Data, admitted, refused, table

NUMBER: Data = {**KEPT, "type": "number"}
TOLD_SEX: Data = {**SEX, "max_level": 0}
COLUMNS: Data = {"sex": TOLD_SEX, "age": AGE, "lab": NUMBER, "city": KEPT}
LIMITS: Data = {"thresholds": {"synthetic.copied_rare": 1.0}}
TWO_NUMBERS: Data = {"sex": TOLD_SEX, "lab": NUMBER, "age": {**KEPT, "type": "integer"}}
MODEL_OF_DP: Data = {
    "method": "dp-marginals",
    "fit_on": "original",
    "rows": 20,
    "epsilon": 50.0,
    "delta": 0.001,
    "domain": {
        "sex": ("m", "f"),
        "city": ("Köln", "Ulm", "?"),
        "lab": {"from": 0, "to": 101, "bands": 20},
    },
}


def drawn(columns: Data = COLUMNS, *, sections: Data | None = None, **asked: Any) -> Data:
    """A plain table's config with a synthetic table; ``asked`` are keys of ``synthesis``."""
    model = {"method": "cart", "leaf": 5, **asked}
    return table(columns, seed=7, synthesis=model, **(sections or {}))


def private(**changes: Any) -> Data:
    """A plain table's config with a differentially private table; a change to None leaves a key out."""
    asked = {name: value for name, value in {**MODEL_OF_DP, **changes}.items() if value is not None}
    columns = {"sex": TOLD_SEX, "age": AGE, "lab": NUMBER, "city": KEPT}
    return {**table(columns, synthesis=asked, seed=7), "subject": "row"}


def _spanning(low: float, high: float, bands: int, given: Data) -> Data:
    domain = {**MODEL_OF_DP["domain"], "lab": {"from": low, "to": high, "bands": bands}}
    return private(domain=domain, given={"lab": given})


def constrained(constraint: Data, columns: Data = COLUMNS) -> Data:
    """A plain table's config with one constraint."""
    return drawn(columns, constraints=(constraint,))


def of_sdv(**asked: Any) -> Data:
    """A plain table's config with a short training."""
    return table(COLUMNS, seed=7, synthesis={"method": "ctgan", "epochs": 1, "batch_size": 20, **asked})


_FIRST = "synthesis.constraints.0"
_FORBIDDEN: Data = {"where": {"sex": "m"}, "never": {"city": "Ulm"}}
_TWINS: Data = {"sex": TOLD_SEX, "zip": ZIP, "twin": {**KEPT, "accept_dependency": True}}

_GIVEN: Data = drawn(given={"lab": {"from": 2, "to": 120}})
_WHERE: Data = constrained({"where": {"lab": {"from": 2, "to": 120}}, "never": {"city": "Ulm"}})
_NEVER: Data = constrained({"where": {"sex": "m"}, "never": {"lab": {"from": 10, "to": 20}}})
_DEPENDENT: Data = constrained({"column": "twin", "determines": "zip"}, _TWINS)

SYNTHESIS_CHANGES: dict[str, Change] = {
    "seed": Change(8, drawn()),
    "synthesis": Change({"method": "gaussian-copula"}, drawn()),
    "synthesis.method": Change(
        "gaussian-copula", {**drawn(), "synthesis": {"method": "cart"}}, at="synthesis.method"
    ),
    "synthesis.rows": Change(30, drawn()),
    "synthesis.fit_on": Change("original", drawn(sections={"risk": LIMITS}), aspect="figures"),
    "synthesis.given": Change({"sex": "f"}, drawn()),
    "synthesis.given.*.from": Change(10, _GIVEN, at="synthesis.given.lab.from"),
    "synthesis.given.*.to": Change(20, _GIVEN, at="synthesis.given.lab.to"),
    "synthesis.constraints": Change((_FORBIDDEN,), drawn()),
    "synthesis.constraints.order": Change(
        ("age", "lab"), constrained({"order": ("lab", "age")}, TWO_NUMBERS), at=f"{_FIRST}.order"
    ),
    "synthesis.constraints.column": Change(
        "age", constrained({"column": "lab", "from": 2, "to": 60}, TWO_NUMBERS), at=f"{_FIRST}.column"
    ),
    "synthesis.constraints.from": Change(
        10, constrained({"column": "lab", "from": 2, "to": 120}), at=f"{_FIRST}.from"
    ),
    "synthesis.constraints.to": Change(
        20, constrained({"column": "lab", "from": 2, "to": 120}), at=f"{_FIRST}.to"
    ),
    "synthesis.constraints.determines": refused(
        Change("sex", _DEPENDENT, at=f"{_FIRST}.determines"),
        65,
        "twin",
    ),
    "synthesis.constraints.combinations": refused(
        Change(("sex", "town"), constrained({"combinations": ("sex", "city")}), at=f"{_FIRST}.combinations"),
        78,
        "no rule",
    ),
    "synthesis.constraints.where": Change({"sex": "f"}, constrained(_FORBIDDEN), at=f"{_FIRST}.where"),
    "synthesis.constraints.never": Change({"city": "Köln"}, constrained(_FORBIDDEN), at=f"{_FIRST}.never"),
    "synthesis.constraints.where.*.from": Change(
        10,
        constrained({"where": {"lab": {"from": 2, "to": 120}}, "never": {"city": "Ulm"}}),
        at=f"{_FIRST}.where.lab.from",
    ),
    "synthesis.constraints.where.*.to": Change(
        5,
        constrained({"where": {"lab": {"from": 2, "to": 120}}, "never": {"city": "Ulm"}}),
        at=f"{_FIRST}.where.lab.to",
    ),
    "synthesis.constraints.never.*.from": Change(
        2,
        constrained({"where": {"sex": "m"}, "never": {"lab": {"from": 10, "to": 20}}}),
        at=f"{_FIRST}.never.lab.from",
    ),
    "synthesis.constraints.never.*.to": Change(
        120,
        constrained({"where": {"sex": "m"}, "never": {"lab": {"from": 10, "to": 20}}}),
        at=f"{_FIRST}.never.lab.to",
    ),
    # The rows of a differentially private table are never the same twice: these runs differ in their codes.
    "synthesis.filter": admitted(Change("none", private(filter="cone")), 78, "filter"),
    "synthesis.distil": Change(True, drawn()),
    "synthesis.leaf": Change(25, drawn()),
    "synthesis.most_rows": Change(20, drawn()),
    "synthesis.epochs": Change(2, of_sdv()),
    "synthesis.batch_size": Change(10, of_sdv()),
    "synthesis.device": refused(Change("gpu", of_sdv()), 78, "torch finds none"),
    "synthesis.epsilon": admitted(Change(1.0, private(epsilon=None)), 78, "epsilon"),
    "synthesis.delta": admitted(Change(0.001, private(delta=None)), 78, "delta"),
    "synthesis.rows_per_person": admitted(Change(1, private(rows_per_person=2)), 78, "rows_per_person"),
    "synthesis.domain": admitted(Change(MODEL_OF_DP["domain"], private(domain=None)), 78, "domain"),
    "synthesis.domain.*.bands": admitted(
        Change(20, _spanning(0, 101, 0, {"from": 0, "to": 20}), at="synthesis.domain.lab.bands"), 78, "bands"
    ),
    "synthesis.domain.*.from": admitted(
        Change(0, _spanning(50, 101, 20, {"from": 0, "to": 20}), at="synthesis.domain.lab.from"), 78, "lab"
    ),
    "synthesis.domain.*.to": admitted(
        Change(101, _spanning(0, 50, 20, {"from": 70, "to": 101}), at="synthesis.domain.lab.to"), 78, "lab"
    ),
    "risk.holdout": Change(0.2, drawn()),
    "output.publish": Change("both", drawn(), aspect="place"),
    "output.accept_composition": admitted(
        Change(
            True,
            drawn(
                fit_on="original",
                sections={"risk": LIMITS, "output": {"directory": "out", "publish": "both"}},
            ),
            aspect="figures",
        ),
        78,
        "accept_composition",
    ),
}
