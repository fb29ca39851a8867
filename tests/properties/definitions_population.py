"""The criteria about a population, about code sets and about a release as a whole, word for word.

Dictionaries, sets and fractions over single rows, as in ``tests.properties.definitions``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import polars as pl

from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    DeltaPresence,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    SampleCriterion,
    SampleUniqueness,
)
from anonymizer.judging.uniqueness import Sample, estimate
from anonymizer.tables.table import Column, Role, Table
from tests.properties.definitions import Domain, Key, Node, Value

CODES = "codes"
Classes = dict[Key, list[int]]


@dataclass(frozen=True)
class World:
    """A table and where its people come from: row i holds ``rows[i]`` and the codes ``sets[i]`` and is about
    ``people[i]``; the population's people hold ``population``.
    """

    domains: tuple[Domain, ...]
    rows: tuple[Key, ...]
    people: tuple[str, ...]
    sets: tuple[frozenset[str] | None, ...]
    population: tuple[Key, ...]

    @property
    def nodes(self) -> list[Node]:
        return list(product(*(range(domain.top + 1) for domain in self.domains)))

    @property
    def table(self) -> Table:
        """The product's form of it; a subject where a person has several rows."""
        quasi = [f"q{j}" for j in range(len(self.domains))]
        cells = {name: [row[j] for row in self.rows] for j, name in enumerate(quasi)}
        lists = pl.Series([None if s is None else sorted(s) for s in self.sets], dtype=pl.List(pl.String))
        frame = pl.DataFrame(
            {**cells, "person": self.people}, schema=dict.fromkeys([*quasi, "person"], pl.String)
        )
        several = len(set(self.people)) < len(self.people)
        columns = [
            *(
                Column(n, Role.QUASI_IDENTIFIER, d.hierarchy)
                for n, d in zip(quasi, self.domains, strict=True)
            ),
            Column("person", Role.IDENTIFIER),
            Column(CODES, Role.SENSITIVE, sensitive=True),
        ]
        others = {name: [row[j] for row in self.population] for j, name in enumerate(quasi)}
        population = pl.DataFrame(others, schema=dict.fromkeys(quasi, pl.String))
        whole = frame.with_columns(lists.alias(CODES))
        return Table(whole, tuple(columns), "person" if several else None, population)

    def key(self, row: Key, node: Node) -> Key:
        """The labels of a row of the table or of the population."""
        return tuple(_label(d, v, level) for d, v, level in zip(self.domains, row, node, strict=True))

    def classes(self, node: Node) -> Classes:
        """The rows of every class."""
        found: Classes = {}
        for i, row in enumerate(self.rows):
            found.setdefault(self.key(row, node), []).append(i)
        return found

    def matches(self, node: Node) -> Counter[Key]:
        """How many people of the population fit each class of it."""
        return Counter(self.key(row, node) for row in self.population)

    def count(self, members: Sequence[int]) -> int:
        return len({self.people[i] for i in members})

    def sharing(self, members: Sequence[int], codes: Sequence[str]) -> int:
        """The people who have a row among ``members`` that holds all these codes."""
        return self.count([i for i in members if set(codes) <= (self.sets[i] or frozenset())])

    def rare(self, members: Sequence[int], criterion: KMAnonymity) -> set[tuple[str, ...]]:
        """The itemsets of some row that too few people share."""
        held = {
            itemset
            for i in members
            for size in range(1, criterion.m + 1)
            for itemset in combinations(sorted(self.sets[i] or ()), size)
        }
        return {itemset for itemset in held if self.sharing(members, itemset) < criterion.k}

    def passing(self, node: Node, criteria: Sequence[Criterion]) -> Classes:
        """The classes that hold every criterion about classes."""
        fits, classes = self.matches(node), self.classes(node)
        for c in criteria:
            if isinstance(c, DeltaPresence) and c.lower > 0 and fits.keys() - classes.keys():
                return {}
        return {
            key: members
            for key, members in classes.items()
            if all(self._holds(c, members, fits[key]) for c in criteria)
        }

    def _holds(self, criterion: Criterion, members: list[int], matching: int) -> bool:
        people = self.count(members)
        match criterion:
            case KAnonymity(k):
                return people >= k
            case MaxRisk(limit):
                return Fraction(1, people) <= limit
            case KMap(k, None):
                return matching >= k
            case KMap():
                return people >= (criterion.smallest_class or 0)
            case DeltaPresence(lower, upper):
                return lower <= Fraction(people, matching) <= upper
            case KMAnonymity(_, k, _, repair):
                return people >= k and (repair or not self.rare(members, criterion))
        return True

    def released(self, node: Node, criteria: Sequence[Criterion]) -> Classes:
        """The classes released: of those that pass, the smallest go until the others hold the rest."""
        asked = [c for c in criteria if isinstance(c, SampleCriterion)]
        classes = self.passing(node, criteria)
        order = sorted(
            classes, key=lambda key: (self.count(classes[key]), [(x is None, x or "") for x in key])
        )
        counted = [c for c in asked if not isinstance(c, PopulationUniqueness)]
        sizes = [self.count(classes[key]) for key in order]
        gone = next(j for j in range(len(order) + 1) if all(meets(sizes[j:], c) for c in counted))
        low, high = gone, max(gone, sizes.count(1))
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if all(meets(sizes[middle:], c) for c in asked) else (middle + 1, high)
        return {key: classes[key] for key in order[low:]}


def meets(sizes: Sequence[int], criterion: SampleCriterion) -> bool:
    """Whether classes of so many people meet a criterion about all of them."""
    people = sum(sizes)
    match criterion:
        case AverageRisk(limit):
            return not people or Fraction(len(sizes), people) <= limit
        case SampleUniqueness(limit):
            return not people or Fraction(sizes.count(1), people) <= limit
        case PopulationUniqueness(limit, fraction):
            return estimate(Sample.of(np.array(sizes, np.int64), fraction)).keeps(limit)


def _label(domain: Domain, value: Value, level: int) -> Value:
    if level == domain.top:
        return "*"
    return None if value is None else domain.generalise(value, level)[0]
