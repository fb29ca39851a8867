"""The config of differential privacy and of microaggregation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from anonymizer.criteria import KAnonymity
from anonymizer.private.differential_privacy import DifferentialPrivacy, sampling_for
from release.config.keys import ColumnName, Finding, Findings, Strict, exactly

if TYPE_CHECKING:
    from anonymizer.transforming.microaggregation import Microaggregation


class PrivateRelease(Strict):
    """An (epsilon, delta) guarantee by random sampling and generalisation."""

    epsilon: float = Field(
        ge=0.001,
        le=10,
        description="how much more likely any result may become by one person: e^epsilon times",
    )
    delta: float = Field(
        gt=0, le=0.1, description="the probability that this fails; far below one over the number of people"
    )
    epsilon_search: float | None = Field(
        default=None,
        ge=0.001,
        le=10,
        description="what choosing the levels costs on top of epsilon; without it min_level is max_level",
    )

    @property
    def demand(self) -> DifferentialPrivacy:
        """What is asked for."""
        search = exactly(0 if self.epsilon_search is None else self.epsilon_search)
        return DifferentialPrivacy(exactly(self.epsilon), exactly(self.delta), search)

    @property
    def criterion(self) -> KAnonymity:
        """What every class of the sample must hold, which follows from epsilon and delta."""
        return KAnonymity(sampling_for(exactly(self.epsilon), exactly(self.delta)).k)


class Averaged(Strict):
    """Numbers that are released as means over groups of people."""

    columns: tuple[ColumnName, ...] = Field(
        min_length=1, description="sensitive or insensitive columns of numbers, grouped together"
    )
    k: int = Field(
        ge=3,
        description="the least number of people in a group, 3 or more: of two, either would learn the "
        "other's number; the most are 2 k - 1",
    )

    @property
    def demand(self) -> Microaggregation:
        """What is asked for."""
        from anonymizer.transforming.microaggregation import Microaggregation

        return Microaggregation(self.columns, self.k)

    def broken_rules(self) -> Findings:
        if len(set(self.columns)) < len(self.columns):
            yield Finding(("columns",), "names a column twice")
