"""The privacy criteria a release must meet, as data: search and verifier each count them on their own.

k-anonymity: Sweeney, Int. J. Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 2002.
l-diversity: Machanavajjhala et al., ACM TKDD 1(1), 2007 (here its distinct form).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KAnonymity:
    """Every equivalence class holds at least ``k`` distinct people."""

    k: int

    name = "k-anonymity"


@dataclass(frozen=True, slots=True)
class DistinctLDiversity:
    """Every class holds at least ``l`` distinct base values of ``column``; missing is none of them."""

    column: str
    l: int  # noqa: E741 - the literature's name

    name = "distinct l-diversity"


Criterion = KAnonymity | DistinctLDiversity
