"""What a class tells about everybody in it, for the first page: no person's being in the data changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.wording import percent
from risk.reports.words import Words
from risk.results import Findings

WARNING = 0.5
"""From which share on it is a warning."""


class ClassWide(NamedTuple):
    """The largest figure of one kind over the sensitive columns, in words."""

    told: str
    is_warning: bool


def class_wide(findings: Findings, words: Words) -> list[ClassWide]:
    """Return the largest DiSCO figure and the largest belief over columns, as far as there are any."""
    found = {"disco": _discos(findings), "belief": _beliefs(findings)}
    return list(_largest(found, words))


def _largest(found: Mapping[str, Mapping[str, Figure]], words: Words) -> Iterator[ClassWide]:
    for kind, figures in found.items():
        shares = {column: f.value for column, f in figures.items() if f.value is not None}
        if shares:
            column = max(shares, key=lambda name: shares[name])
            share = percent(shares[column], words)
            told = words.say(f"attacks.class_wide.{kind}", share=share, column=column)
            yield ClassWide(told, shares[column] >= WARNING)


def _discos(findings: Findings) -> dict[str, Figure]:
    return {
        column: part.figure
        for attack in findings.attacks
        if attack.name == "disco"
        for column, part in attack.parts.items()
    }


def _beliefs(findings: Findings) -> dict[str, Figure]:
    """The beliefs of who rules no value out, by column."""
    return {
        name.partition("belief_0.")[2]: figure
        for group in findings.groups
        if group.name == "beliefs"
        for name, figure in group.figures.items()
        if "belief_0." in name
    }
