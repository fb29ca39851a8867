"""The attacker on releases made by hand: what is found, and what the promise leaves nobody to find."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.linked_attacker import Cells, Event, Released, attack, everything, knowledge, read
from tests.attacks.literal_release import broken_sets, release, repaired, targets, write

LEVELS = {
    "patients": {"gender": "value", "age_years": "bands of 20"},
    "diagnoses": {"icd10gm": "3 characters", "recorded_date": "year"},
    "procedures": {"ops": "4 digits"},
}
People = list[tuple[Cells, tuple[Event, ...]]]


def person(gender: str | None, age: str | None, *events: Event) -> tuple[Cells, tuple[Event, ...]]:
    return (("age_years", age), ("gender", gender)), events


def diagnosis(code: str | None, day: str | None) -> Event:
    return Event("diagnoses", (("icd10gm", code), ("recorded_date", day)))


def procedure(code: str) -> Event:
    return Event("procedures", (("ops", code),))


HEART, OTHER_HEART = diagnosis("I50.13", "2021-03-05"), diagnosis("I50.01", "2021-09-30")
DIABETES, BYPASS = diagnosis("E11.90", "2021-03-05"), procedure("5-361.03")
FOUR: People = [
    person("male", "41", HEART, DIABETES),
    person("male", "44", OTHER_HEART, BYPASS),
    person("male", "52", HEART),
    person("male", "58"),
]


def test_what_only_one_person_has_finds_the_person() -> None:
    released = release(FOUR, LEVELS)
    assert attack(released, everything(targets(released, FOUR), 0)).chance == Fraction(1, 4)
    assert attack(released, everything(targets(released, FOUR), 1)).chance == 1


def test_the_repair_leaves_three_with_the_same_diagnosis() -> None:
    """The diabetes and the bypass are gone; two dates of one year are one label."""
    released = repaired(release(FOUR, LEVELS), 2, 2)
    found = attack(released, everything(targets(released, FOUR), 2))
    assert found.chance == Fraction(1, 3)
    assert found.fewest == 3


def test_two_events_together_find_whom_each_alone_hides() -> None:
    pair = [person("male", "41", HEART, BYPASS), person("male", "44", HEART), person("male", "52", BYPASS)]
    released = release(pair, LEVELS)
    assert attack(released, everything(targets(released, pair), 1)).chance == Fraction(1, 2)
    assert attack(released, everything(targets(released, pair), 2)).chance == 1
    assert attack(repaired(released, 2, 2), everything(targets(released, pair), 2)).chance <= Fraction(1, 2)


def test_who_counts_finds_the_one_with_two_of_the_same() -> None:
    """And stays with one of them, like the others, after the repair."""
    twice = [
        person("male", "41", HEART, OTHER_HEART),
        person("male", "44", HEART),
        person("male", "52", HEART),
    ]
    released = release(twice, LEVELS)
    assert attack(released, everything(targets(released, twice), 1)).chance == Fraction(1, 3)
    assert attack(released, everything(targets(released, twice), 2)).chance == 1
    mended = repaired(released, 2, 2)
    assert [len(events) for events in mended.events.values()] == [1, 1, 1]
    assert attack(mended, everything(targets(mended, twice), 2)).chance == Fraction(1, 3)


def test_a_diagnosis_without_its_year_may_be_any_year() -> None:
    """Both have one, in different years: the year tells them apart, the code alone does not."""
    years = [person(None, None, HEART), person(None, None, diagnosis("I50.13", "2022-03"))]
    released = release(years, LEVELS)
    assert attack(released, everything(targets(released, years), 1)).chance == 1
    levels = {**LEVELS, "diagnoses": {"icd10gm": "3 characters", "recorded_date": "*"}}
    released = release(years, levels)
    assert attack(released, everything(targets(released, years), 1)).chance == Fraction(1, 2)


def test_a_date_known_to_be_missing_is_a_fingerprint() -> None:
    undated = [person("male", "41", diagnosis("I50.13", None)), person("male", "41", HEART)]
    released = release(undated, LEVELS)
    assert attack(released, everything(targets(released, undated), 1)).chance == 1


def test_two_people_under_one_key_are_found_together() -> None:
    """Nobody else has the events of both: whoever knows one of each finds the row that is two people's."""
    class_ = [
        *FOUR[:1],
        person("male", "44", HEART, DIABETES),
        person("male", "52", BYPASS),
        person("male", "58", BYPASS),
    ]
    released = release(class_, LEVELS)
    assert attack(released, everything(targets(released, class_), 2)).chance == Fraction(1, 2)
    events = {
        "0": (*released.events["0"], *released.events["2"]),
        **{k: released.events[k] for k in ("1", "3")},
    }
    reused = Released({key: released.people[key] for key in events}, events, LEVELS)
    both = [person("male", "41", *class_[0][1], *class_[2][1]), class_[1], person("male", "0"), class_[3]]
    assert attack(reused, everything(targets(reused, both), 2)).chance == 1


def test_files_say_the_same_as_what_was_written(tmp_path: Path) -> None:
    released = release(FOUR, LEVELS)
    again = read(write(tmp_path / "release", released))
    assert again.people == released.people
    assert again.levels == LEVELS
    assert {key: sorted(events, key=repr) for key, events in again.events.items()} == {
        key: sorted(events, key=repr) for key, events in released.events.items()
    }


def test_knowledge_is_every_part_of_every_event() -> None:
    """Nothing; each of 4 parts of the diagnosis and 2 of the procedure; each pair of those."""
    assert len(knowledge((HEART, BYPASS), 1)) == 1 + 4 + 2
    assert len(knowledge((HEART, BYPASS), 2)) == 1 + 4 + 2 + 4 * 2
    assert len(knowledge((BYPASS, BYPASS), 2)) == 1 + 2 + 3


# the promise itself -------------------------------------------------------------------------------

EVENTS = st.sampled_from(
    [
        HEART,
        OTHER_HEART,
        DIABETES,
        BYPASS,
        diagnosis("I50.13", "2022"),
        diagnosis(None, "2021"),
        diagnosis("I50.01", None),
    ]
)
LIVES = st.builds(
    person, st.sampled_from(["male", "female"]), st.sampled_from(["41", "66", None]), EVENTS, EVENTS, EVENTS
) | st.builds(person, st.just("male"), st.just("44"), EVENTS)


@settings(max_examples=150, deadline=None)
@given(st.lists(LIVES, min_size=3, max_size=10), st.integers(2, 4), st.integers(1, 3))
def test_the_promise_stops_everybody_who_knows_no_more(people: People, k: int, m: int) -> None:
    """Whatever is known of whichever person, wholly or in part, at least k people fit.

    Whoever fits shows up to m events that fit what is known; at least k people of the class show them too,
    and they fit as well.
    """
    plain = release(people, LEVELS)
    released = repaired(plain, k, m)
    found = attack(released, everything(targets(released, people), m))
    assert found.chance <= Fraction(1, k)
    assert found.fewest is None or found.fewest >= k


@settings(max_examples=60, deadline=None)
@given(st.lists(LIVES, min_size=3, max_size=8), st.integers(2, 3), st.integers(1, 2))
def test_where_the_promise_is_broken_somebody_is_found(people: People, k: int, m: int) -> None:
    plain = release(people, LEVELS)
    classes = set(plain.people.values())
    broken = [
        found
        for about in classes
        for found in broken_sets(
            {key: plain.events[key] for key, row in plain.people.items() if row == about}, k, m
        )
    ]
    found = attack(plain, everything(targets(plain, people), m))
    assert (found.chance > Fraction(1, k)) == (
        bool(broken) or min(map(list(plain.people.values()).count, classes)) < k
    )


@pytest.mark.parametrize("most", [1, 2])
def test_nobody_is_found_who_was_left_out(most: int) -> None:
    people = [*FOUR, person("female", "41", HEART, BYPASS)]
    released = repaired(release(people, LEVELS), 2, most)
    left_out = targets(released, people)[4]
    assert left_out.key is None
    assert attack(released, everything([left_out], most)).chance == 0
