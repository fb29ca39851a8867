"""What every model of the config is made of: strict models, rules, paths, keys of later versions."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

LATER, BROKEN_RULES = "later", "broken_rules"
NOT_YET = "this version does not have this yet"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a config's meaning depends on: its file's folder, the day of the run; and its keys' lines."""

    folder: Path
    run_date: date
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule between keys: the key it concerns, relative to the model, and what is wrong."""

    at: tuple[str | int, ...]
    message: str
    suggestion: str | None = None
    later: bool = False


Findings = Iterator[Finding]


def exactly(number: float) -> Fraction:
    """The decimal that the file states, exactly: 0.1 is a tenth, and no float next to it."""
    return Fraction(repr(number))


def listed(value: object) -> object:
    """A list of one demand where the file gives the demand itself."""
    return (value,) if isinstance(value, dict) else value


class Strict(BaseModel):
    """A part of the config: exact types, no unknown keys, no change after loading, no input in errors."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_by_name=False,
        validate_by_alias=True,
    )

    def broken_rules(self) -> Findings:
        """Rules between this model's keys that do not hold."""
        return iter(())

    def given(self, *names: str) -> tuple[str, ...]:
        """Those of ``names`` that the file states."""
        return tuple(name for name in names if name in self.model_fields_set)

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if findings := tuple(self.broken_rules()):
            raise PydanticCustomError(BROKEN_RULES, "rules between keys", {"findings": findings})
        return self


def _refuse_later(_: object) -> object:
    raise PydanticCustomError(LATER, NOT_YET)


def refused_choices(*names: str) -> BeforeValidator:
    """A validator that refuses the named values as belonging to a later version (69, not 78)."""

    def refuse(value: object) -> object:
        if isinstance(value, str) and value in names:
            raise PydanticCustomError(LATER, f"this version does not have {value} yet")
        return value

    return BeforeValidator(refuse)


Later = Annotated[
    Any,
    BeforeValidator(_refuse_later),
    WithJsonSchema({"not": {}, "x-later": True}),
]
"""The one mark of a key whose function this version lacks: any value ends in 69, which names the key.

Use ``key: Later = Field(default=None, description=...)``; replace the type when the function is built.
"""


def later(description: str) -> Any:
    """The field of a ``Later`` key."""
    return Field(default=None, description=f"{description} (not in this version: refused)")


def setting_of(info: ValidationInfo) -> Setting:
    """The setting that a validation was started with."""
    setting = info.context
    if not isinstance(setting, Setting):
        raise TypeError("a config is validated with a Setting as context")
    return setting


def _resolve(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "must be text")
    if not value.strip() or "\0" in value:
        raise PydanticCustomError("path", "is no path")
    folder = Path(os.path.realpath(setting_of(info).folder))
    path = Path(os.path.realpath(folder / value))
    if not Path(value).is_absolute() and not path.is_relative_to(folder):
        raise PydanticCustomError(
            "path", "a relative path must stay inside the config's folder, links followed"
        )
    return path


FilePath = Annotated[
    Path, BeforeValidator(_resolve), WithJsonSchema({"type": "string", "format": "uri-reference"})
]
"""An absolute path, links followed.

A relative path starts at the config file's folder and must stay inside it, through ``..`` and links too. An
absolute path is the user's own explicit choice and is taken as it stands.
"""


def _resolve_day(value: object, info: ValidationInfo) -> object:
    return setting_of(info).run_date if value == "today" else value


Day = Annotated[
    date,
    BeforeValidator(_resolve_day),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"const": "today"}]}),
]
"""A date as ``2026-11-22``, or ``today``: the day of the run."""

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
ColumnName = Annotated[Text, AfterValidator(lambda name: unicodedata.normalize("NFC", name))]
"""A column's name as the reader spells it."""
Separator = Annotated[str, Field(pattern=r"^[\t!#$%&()*+,./:;<=>?@\[\\\]^_`{|}~-]$")]
"""One ASCII character that cannot be part of a word or a quotation."""
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
People = Annotated[int, Field(ge=2, le=10**9)]
"""The least number of people of something; compiled code holds it with room to spare."""
