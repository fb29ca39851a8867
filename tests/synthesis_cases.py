"""A case for every key of synthesis, as ``tests.schema_cases`` has them for the other keys."""

from __future__ import annotations

from typing import Any

from tests.schema_cases import NEEDED, TABLE, Case, Data, changes

LIMITS: Data = {"thresholds": {"synthetic.copied_rare": 1.0}}


def drawn(**asked: Any) -> Data:
    """A plain table's config with a synthetic table; ``asked`` are keys of ``synthesis``."""
    return TABLE | {"seed": 7, "synthesis": {"method": "cart", **asked}, "risk": LIMITS}


PRIVATE: Data = drawn(
    method="dp-marginals",
    fit_on="original",
    rows=20,
    epsilon=1.0,
    delta=0.001,
    domain={"lab": {"from": 0, "to": 100, "bands": 10}},
)
PRIVATE_PEOPLE: Data = drawn(**{**PRIVATE["synthesis"], "rows_per_person": 2})
SPAN: Data = {"from": 2, "to": 20}
FORBIDDEN: Data = {"where": {"lab": SPAN}, "never": {"stage": SPAN}}
CONSTRAINTS: tuple[Data, ...] = (
    {"order": ("lab", "stage")},
    {"column": "lab", **SPAN},
    {"column": "zip", "determines": "ward"},
    {"combinations": ("sex", "ward")},
    FORBIDDEN,
)
CONSTRAINED: Data = drawn(constraints=CONSTRAINTS)
TRAINED: Data = drawn(method="ctgan", epochs=3, batch_size=100, device="cpu")
_AT = "synthesis.constraints"

SYNTHESIS_CASES: dict[str, Case] = {
    "seed": changes(8, base=drawn()),
    "synthesis": changes({"method": "gaussian-copula"}, base=drawn()),
    "synthesis.method": changes("gaussian-copula", base=drawn()),
    "synthesis.rows": changes(30, base=drawn()),
    "synthesis.fit_on": changes("original", base=drawn()),
    "synthesis.given": changes({"sex": "f"}, base=drawn()),
    "synthesis.given.*.from": changes(3, at="synthesis.given.lab.from", base=drawn(given={"lab": SPAN})),
    "synthesis.given.*.to": changes(30, at="synthesis.given.lab.to", base=drawn(given={"lab": SPAN})),
    "synthesis.constraints": changes((), base=CONSTRAINED),
    "synthesis.constraints.order": changes(("stage", "lab"), at=f"{_AT}.0.order", base=CONSTRAINED),
    "synthesis.constraints.column": changes("stage", at=f"{_AT}.1.column", base=CONSTRAINED),
    "synthesis.constraints.from": changes(3, at=f"{_AT}.1.from", base=CONSTRAINED),
    "synthesis.constraints.to": changes(30, at=f"{_AT}.1.to", base=CONSTRAINED),
    "synthesis.constraints.determines": changes("code", at=f"{_AT}.2.determines", base=CONSTRAINED),
    "synthesis.constraints.combinations": changes(
        ("sex", "code"), at=f"{_AT}.3.combinations", base=CONSTRAINED
    ),
    "synthesis.constraints.where": changes({"sex": "f"}, at=f"{_AT}.4.where", base=CONSTRAINED),
    "synthesis.constraints.never": changes({"lab": "5"}, at=f"{_AT}.4.never", base=CONSTRAINED),
    "synthesis.constraints.where.*.from": changes(3, at=f"{_AT}.4.where.lab.from", base=CONSTRAINED),
    "synthesis.constraints.where.*.to": changes(30, at=f"{_AT}.4.where.lab.to", base=CONSTRAINED),
    "synthesis.constraints.never.*.from": changes(3, at=f"{_AT}.4.never.stage.from", base=CONSTRAINED),
    "synthesis.constraints.never.*.to": changes(30, at=f"{_AT}.4.never.stage.to", base=CONSTRAINED),
    "synthesis.filter": changes("none", base=drawn()),
    "synthesis.distil": changes(True, base=drawn()),
    "synthesis.leaf": changes(30, base=drawn()),
    "synthesis.most_rows": changes(1000, base=drawn()),
    "synthesis.epochs": changes(5, base=TRAINED),
    "synthesis.batch_size": changes(50, base=TRAINED),
    "synthesis.device": changes("gpu", base=TRAINED),
    "synthesis.epsilon": changes(2.0, base=PRIVATE),
    "synthesis.delta": changes(0.0001, base=PRIVATE),
    "synthesis.rows_per_person": changes(3, base=PRIVATE_PEOPLE),
    "synthesis.domain": changes({}, base=PRIVATE),
    "synthesis.domain.*.from": changes(5, at="synthesis.domain.lab.from", base=PRIVATE),
    "synthesis.domain.*.to": changes(50, at="synthesis.domain.lab.to", base=PRIVATE),
    "synthesis.domain.*.bands": changes(5, at="synthesis.domain.lab.bands", base=PRIVATE),
    "risk.holdout": changes("twin", base=drawn()),
    "output.publish": changes("both", base=drawn()),
    "output.accept_composition": Case(
        True, NEEDED, drawn(fit_on="original") | {"output": {"directory": "releases", "publish": "both"}}, ""
    ),
}
