"""What a recoding does to a task, word for word: the cells of every row, the classes, what is lost; and tasks
that leave it something to do."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from random import Random

from hypothesis import strategies as st

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.recoding.recoding import Recoding
from tests.properties.definitions import Definitions, Domain, Key, Node, Task
from tests.properties.domains import short_codes
from tests.properties.tasks import criteria_on


def levels_of_rows(counts: Counts, recoding: Recoding) -> list[Node | None]:
    """The level of each column for each row; None where the row is suppressed."""
    return [
        None if -1 in levels else tuple(levels) for levels in recoding.levels[counts.tuple_of_row].tolist()
    ]


def classes(task: Task, levels: Sequence[Node | None]) -> dict[Key, tuple[int, ...]]:
    """The released rows of every equivalence class: those whose cells read alike."""
    definitions, found = Definitions.of(task), dict[Key, tuple[int, ...]]()
    for row, node in enumerate(levels):
        if node is not None:
            key = definitions.key(row, node)
            found[key] = (*found.get(key, ()), row)
    return found


def lost(task: Task, levels: Sequence[Node | None]) -> list[Fraction]:
    """Per column the mean of (leaves covered - 1) / (leaves - 1) over all rows; suppressed ones cover all."""
    definitions = Definitions.of(task)
    means = []
    for j, leaves in enumerate(definitions.leaves):
        covered = [
            leaves if node is None else definitions.cells[j][task.rows[row][j], node[j]][1]
            for row, node in enumerate(levels)
        ]
        spread = len(covered) * (leaves - 1)
        means.append(Fraction(sum(covered) - len(covered), spread) if spread else Fraction(0))
    return means


def price(task: Task, levels: Sequence[Node | None]) -> Fraction:
    """The weighted mean of what the columns lose: what recoding makes small."""
    weighted = [weight * share for weight, share in zip(task.weights, lost(task, levels), strict=True)]
    return sum(weighted, Fraction(0)) / sum(task.weights)


@st.composite
def crowds(draw: st.DrawFn, *, every: bool = False, repeated: bool = False) -> Task:
    """A task with room to recode: many rows that are unlike, few of them alike, and levels to choose from.

    Its criteria are k-anonymity and, sometimes, distinct l-diversity, or with ``every`` another one.
    """
    chosen = tuple(draw(st.lists(st.sampled_from(ROOMY), min_size=2, max_size=3)))
    dice = Random(draw(st.integers(0, 2**32)))
    rows = draw(st.integers(12, 40))
    pools = [dice.sample(domain.values, min(8, len(domain.values))) for domain in chosen]
    people = [f"person {i // 2 if repeated and i < 10 else i}" for i in range(rows)]
    diagnoses = short_codes()
    criteria: tuple[Criterion, ...] = (KAnonymity(draw(st.integers(2, 4))),)
    if draw(st.booleans()):
        least = st.builds(DistinctLDiversity, st.just("s0"), st.integers(2, 3))
        kinds = list(criteria_on("s0").values()) if every else [least]
        criteria = (*criteria, draw(draw(st.sampled_from(kinds))))
    return Task(
        domains=chosen,
        weights=tuple(dice.choice((1, 1, 2)) for _ in chosen),
        lowest=tuple(int(domain.top > 1 and dice.random() < 0.1) for domain in chosen),
        highest=tuple(domain.top - int(domain.top > 1 and dice.random() < 0.1) for domain in chosen),
        rows=tuple(tuple(dice.choice(pool) for pool in pools) for _ in range(rows)),
        people=tuple(people),
        sensitive={"s0": tuple(dice.choice((*diagnoses.values, None)) for _ in range(rows))},
        criteria=criteria,
        limit=Fraction(draw(st.sampled_from([0, 1, 2, 10])), 10),
        sensitive_domains={"s0": diagnoses},
    )


def _roomy() -> list[Domain]:
    """Ages in bands of bands, numbers by their digits, and a hierarchy that is kept or suppressed."""
    ages = tuple(map(str, range(36)))
    labels = tuple(partial(_band, width) for width in (1, 3, 6, 12))
    places = tuple(f"{n:03}" for n in range(1000))
    digits = tuple(partial(_first, n) for n in (3, 2, 1))
    some = tuple(f"{a}{b}{c}" for a in "12" for b in "13" for c in "1357")
    return [
        Domain(bands([3, 6, 12], top=36), ages, (*ages, "36"), labels),
        Domain(prefix([2, 1], length=3), some, places, digits),
        Domain(suppression(), ("f", "m"), ("f", "m"), (str,)),
    ]


def _band(width: int, value: str) -> str:
    low = int(value) // width * width
    return value if width == 1 else f"[{low}, {low + width - 1}]"


def _first(characters: int, value: str) -> str:
    return value[:characters]


ROOMY = _roomy()
