"""Changes to each key of the section `utility`, as ``tests.key_scenes`` has them for the other keys."""

from __future__ import annotations

from typing import Any

from tests.key_scenes import AGE, KEPT, SEX, Change, Data, table

LINEAR: Data = {"name": "m1", "kind": "linear", "outcome": "lab", "terms": ("age",)}
LOGISTIC: Data = {**LINEAR, "kind": "logistic", "outcome": "city", "positive": "Ulm"}
COX: Data = {**LOGISTIC, "kind": "cox", "time": "lab"}
CURVES: Data = {"time": "lab", "event": "city", "positive": "Ulm"}


def analysing(**utility: Any) -> Data:
    """A plain table's config with this analysis of a number, of two cities and of an age in bands."""
    columns = {"sex": SEX, "age": AGE, "lab": {**KEPT, "type": "number"}, "city": KEPT}
    data = table(columns, utility=utility)
    return data | {"input": {"table": {"path": "people.csv", "delimiter": ";", "missing": ("?",)}}}


def changed(key: str, value: Any, base: Data, at: str = "") -> Change:
    """Another value, which the analysis tells and the release does not."""
    return Change(value, base, at=at or f"utility.{key}", aspect="analysis")


def _model(key: str, value: Any, model: Data) -> Change:
    return changed("", value, analysing(models=(model,)), at=f"utility.models.0.{key}")


def _curves(key: str, value: Any, curves: Data) -> Change:
    return changed("", value, analysing(survival=(curves,)), at=f"utility.survival.0.{key}")


UTILITY_CHANGES: dict[str, Change] = {
    "utility": changed("", {"target": "lab"}, analysing(target="city"), at="utility"),
    "utility.target": changed("target", ("lab", "city"), analysing(target="city")),
    "utility.models": changed("models", (LOGISTIC,), analysing(models=(LINEAR,))),
    "utility.models.name": _model("name", "m2", LINEAR),
    "utility.models.kind": _model("kind", "logistic", LINEAR),
    "utility.models.outcome": _model("outcome", "sex", LINEAR),
    "utility.models.time": _model("time", "age", {**COX, "terms": ("sex",)}),
    "utility.models.positive": _model("positive", "Köln", LOGISTIC),
    "utility.models.terms": _model("terms", ("age", "sex"), LINEAR),
    "utility.survival": changed("survival", (CURVES,), analysing(survival=({**CURVES, "by": "sex"},))),
    "utility.survival.time": _curves("time", "age", CURVES),
    "utility.survival.event": _curves("event", "sex", {"time": "lab", "event": "city"}),
    "utility.survival.by": _curves("by", "sex", CURVES),
    "utility.survival.positive": _curves("positive", "Köln", CURVES),
}
