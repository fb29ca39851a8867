"""What pydantic finds, in the words of the config: key, line, rule, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from anonymizer.errors import BadConfig, ComponentMissing, Problem
from release.config.columns import HIERARCHY_NAMES
from release.config.document import Location, dotted
from release.config.keys import BROKEN_RULES, LATER, Finding, Findings, Setting

UNKNOWN = "extra_forbidden"
_WORDS = {
    "missing": "is required",
    UNKNOWN: "is no key here",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text (in quotes if it looks like something else)",
    "date_type": "must be a date such as 2026-11-22",
    "tuple_type": "must be a list",
    "mapping_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:,.12g}",
    "greater_than_equal": "must be at least {ge:,.12g}",
    "less_than": "must be less than {lt:,.12g}",
    "less_than_equal": "must be at most {le:,.12g}",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "is not written as it must be",
}


def explain(error: ValidationError, model: type[BaseModel], data: object) -> Findings:
    """The findings of a validation of ``data`` against ``model``, without any value of the file."""
    for detail in error.errors(include_url=False, include_input=False):
        at = _in_document(detail, data)
        if detail["type"] == BROKEN_RULES:
            for finding in detail["ctx"]["findings"]:
                yield Finding((*at, *finding.at), finding.message, finding.suggestion, finding.later)
        else:
            suggestion = _suggestion(detail, model, _value_at(data, at))
            yield Finding(at, _message(detail), suggestion, later=detail["type"] == LATER)


def valid_sections(
    errors: Sequence[ErrorDetails], model: type[BaseModel], data: Mapping[str, object], setting: Setting
) -> dict[str, object]:
    """The top-level sections that are right by themselves, so that the rules between them can be asked.

    Unknown keys and keys of later versions are left out first: they change nothing about the others.
    """
    harmless = {_in_document(e, data) for e in errors if e["type"] in (UNKNOWN, LATER)}
    known = _without(data, harmless)
    sections: dict[str, object] = {"stated": frozenset(data)}
    for name, field in model.model_fields.items():
        if name not in known and not field.is_required():
            sections[name] = field.get_default(call_default_factory=True, validated_data={})
        elif name in known:
            adapter = TypeAdapter(field.rebuild_annotation())
            try:
                sections[name] = adapter.validate_python(known[name], strict=True, context=setting)
            except ValidationError:
                continue
    return sections


def refusal(
    found: Sequence[Problem], findings: Sequence[Finding], lines: Mapping[Location, int]
) -> BadConfig | ComponentMissing:
    """The error that tells every finding, by line: 78, or 69 where all ask for what a later version has."""
    known = {problem.path for problem in found}
    new = [as_problem(finding, lines) for finding in findings if not _below(finding.at, known)]
    problems = sorted(dict.fromkeys([*found, *new]), key=lambda problem: problem.line or 0)
    if found or not all(finding.later for finding in findings):
        return BadConfig("the config is wrong", problems=problems)
    return ComponentMissing("\n  ".join(["the config asks for what this version lacks", *map(str, problems)]))


def as_problem(finding: Finding, lines: Mapping[Location, int]) -> Problem:
    """A finding with the line of its key, or of the closest key around it."""
    around = (finding.at[:end] for end in range(len(finding.at), -1, -1))
    line = next((lines[at] for at in around if at in lines), None)
    return Problem(dotted(finding.at), finding.message, line, finding.suggestion)


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; ``None`` where none is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6) if isinstance(word, str) else []
    return near[0] if near else None


def _without(data: Any, left_out: Set[Location], at: Location = ()) -> Any:
    if not isinstance(data, dict):
        return data
    return {
        key: _without(value, left_out, (*at, key))
        for key, value in data.items()
        if (*at, key) not in left_out
    }


def _below(at: Location, paths: Set[str]) -> bool:
    return any(dotted(at[:end]) in paths for end in range(1, len(at) + 1))


def _in_document(detail: ErrorDetails, data: object) -> Location:
    """Where the error stands, without the names of alternatives that pydantic puts between the keys."""
    at: list[str | int] = []
    for step in detail["loc"]:
        inside = _child(data, step)
        if inside is not _NOTHING:
            data = inside
            at.append(step)
    return (*at, detail["loc"][-1]) if detail["type"] == "missing" else tuple(at)


_NOTHING = object()


def _child(data: object, step: str | int) -> object:
    if isinstance(data, dict):
        return data.get(step, _NOTHING)
    if isinstance(data, tuple) and isinstance(step, int) and step < len(data):
        return data[step]
    return _NOTHING


def _value_at(data: object, at: Location) -> object:
    for step in at:
        data = _child(data, step)
    return data


def _message(detail: ErrorDetails) -> str:
    words = _WORDS.get(detail["type"])
    if detail["type"] == "literal_error":
        return f"must be {detail['ctx']['expected']}".replace("'", "")
    if detail["type"] == "too_short" and detail["ctx"]["min_length"] > 1:
        return f"must name at least {detail['ctx']['min_length']}"
    return detail["msg"] if words is None else words.format(**detail.get("ctx", {}))


def _suggestion(detail: ErrorDetails, model: type[BaseModel], value: object) -> str | None:
    loc = detail["loc"]
    if detail["type"] == UNKNOWN:
        siblings = [key for inner in _models_at(model, loc[:-1]) for key, _ in _fields(inner)]
        return closest(loc[-1], siblings) or _elsewhere(model, loc[-1])
    if detail["type"] == "literal_error":
        return closest(value, detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    if detail["type"] == "hierarchy":
        words = value if isinstance(value, dict) else (value,)
        return next(filter(None, (closest(word, HIERARCHY_NAMES) for word in words)), None)
    return None


def _elsewhere(model: type[BaseModel], word: object) -> str | None:
    """The dotted path of a key of nearly this name in another section."""
    paths = {path.rpartition(".")[2]: path for path in _paths(model, "")}
    return paths.get(closest(word, paths) or "")


def _paths(model: type[BaseModel], before: str) -> Iterator[str]:
    for key, annotation in _fields(model):
        yield f"{before}{key}"
        for inner in _alternatives(annotation):
            if _is_model(inner):
                yield from _paths(inner, f"{before}{key}.")


def _models_at(model: type[BaseModel], loc: Location) -> list[Any]:
    """The models that may stand at ``loc``; names of alternatives in ``loc`` choose among them."""
    here: list[Any] = [model]
    for step in loc:
        inside = [inner for outer in here for inner in _inside(outer, step)]
        here = inside or here
    return [inner for inner in here if _is_model(inner)]


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    if _is_model(annotation):
        if annotation.__name__ == step:
            yield annotation
        for key, inner in _fields(annotation):
            if key == step:
                yield from _alternatives(inner)
    elif get_origin(annotation) in (Mapping, tuple):
        arguments = get_args(annotation)
        yield from _alternatives(arguments[1] if get_origin(annotation) is Mapping else arguments[0])


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    else:
        yield annotation


def _fields(model: Any) -> list[tuple[str, Any]]:
    return [(field.alias or name, field.annotation) for name, field in model.model_fields.items()]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
