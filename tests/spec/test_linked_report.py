"""The reports of a release of linked tables: what is said of them, and the risk of whoever knows events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from release.describing import linking
from risk import (
    FIGURES,
    LINKED_FIGURES,
    ClassSizes,
    CriterionResult,
    KnownEvents,
    LinkedTable,
    assess,
    judge,
    release_report,
    risk_report,
)
from risk.reports import criteria_words
from tests import linked_release
from tests.linked_report import (
    CRITERIA,
    DIAGNOSES,
    FEWEST,
    LABS,
    PEOPLE,
    TABLES,
    fewest,
    knowledge,
    known,
    linked_assessment,
    linked_context,
    linked_facts,
)
from tests.report_scenes import Page

RELEASE = Page(release_report(linked_facts())).text
INSIDE = Page(risk_report(linked_assessment(), linked_context())).text


def test_the_small_release_is_counted_by_hand_as_by_enumeration() -> None:
    events: dict[str, list[str]] = {person: [] for person in PEOPLE["person"]}
    for frame, column in ((DIAGNOSES, "icd10gm"), (LABS, "loinc")):
        for person, kind in frame.select("person", column).iter_rows():
            events[person].append(kind)
    classes = dict(PEOPLE.select("person", "sex").iter_rows())
    assert tuple(fewest(classes, events, 2).values()) == FEWEST


# The figures


def test_every_risk_is_that_of_whoever_knows_events() -> None:
    found = linked_assessment().figures
    assert found["anonymised.prosecutor_max"].value == 1.0
    assert found["anonymised.prosecutor_average"].value == pytest.approx((2 + 4 / 2 + 1 / 3) / 7)
    assert found["anonymised.marketer"].value == found["anonymised.prosecutor_average"].value
    assert found["anonymised.prosecutor_lowest"].value == 1 / 3
    assert found["anonymised.unique_records"].value == 2 / 7  # a and f
    assert found["anonymised.records_at_risk_above_0.2"].value == 1.0
    assert found["anonymised.journalist_max"].value == 1.0


def test_the_risk_by_the_quasi_identifiers_alone_stands_beside_it() -> None:
    found = linked_assessment().figures
    assert found["anonymised.prosecutor_max_without_events"].value == 1 / 3
    assert found["anonymised.prosecutor_average_without_events"].value == pytest.approx(2 / 7)
    assert found["anonymised.unique_records_without_events"].value == 0.0
    assert found["anonymised.class_size_min"].value == 3


def test_every_figure_says_which_attacker_it_is_about() -> None:
    for name, figure in linked_assessment().figures.items():
        short = name.partition(".")[2]
        if name.endswith("_without_events"):
            assert figure.method.endswith("quasi-identifiers alone")
        elif name.startswith("anonymised.") and name in FIGURES and short != "suppressed_share":
            assert "up to 2 kinds of their events (each up to 2 times)" in figure.method
        elif name.startswith("original.") and f"anonymised.{short}" in FIGURES:
            assert "events" in figure.method
    one = assess(ClassSizes(np.array([3]), np.array([3])), ClassSizes(np.array([3]), np.array([3])),
                 suppressed=0, rows_in=3, known=knowledge(1, (3, 3, 3), (1, 2, 3)))  # fmt: skip
    assert "one event of theirs" in one.figures["anonymised.prosecutor_max"].method


def test_of_the_input_a_name_is_about_the_same_attacker_and_known_only_from_below() -> None:
    found = linked_assessment().figures
    average = found["original.prosecutor_average"]
    assert average.low == pytest.approx((7 / 2 + 1 + 1 / 3) / 9)
    assert (average.value, average.high) == (None, None)
    assert found["original.prosecutor_average_without_events"].value == pytest.approx(3 / 9)
    assert found["original.prosecutor_max"].value == 1.0  # no risk is larger
    assert found["original.prosecutor_max_without_events"].value == 0.5


def test_where_one_event_is_known_the_input_s_risk_is_exact() -> None:
    sizes = ClassSizes(np.array([3]), np.array([3]))
    found = assess(sizes, sizes, suppressed=0, rows_in=3, known=knowledge(1, (2, 2, 3), (3, 3, 3))).figures
    assert found["original.prosecutor_max"].value == 0.5


def test_a_threshold_may_name_either_attacker() -> None:
    figures = linked_assessment().figures
    assert figures.keys() >= LINKED_FIGURES
    assert not LINKED_FIGURES & FIGURES
    limits = {"anonymised.prosecutor_max": 0.5, "anonymised.prosecutor_max_without_events": 0.5}
    assert [each.outcome for each in judge(figures, limits)] == ["exceeded", "met"]


def test_a_one_table_release_has_none_of_these_figures() -> None:
    sizes = ClassSizes(np.array([3]), np.array([3]))
    assert not LINKED_FIGURES & assess(sizes, sizes, suppressed=0, rows_in=3).figures.keys()


def test_an_empty_release_has_no_risk() -> None:
    nobody = ClassSizes(np.array([], int), np.array([], int))
    found = assess(
        ClassSizes(np.array([1]), np.array([1])),
        nobody,
        suppressed=1,
        rows_in=1,
        known=knowledge(2, (1,), ()),
    )
    assert found.figures["anonymised.prosecutor_max"].value is None
    assert "no records" in found.figures["anonymised.prosecutor_max"].method


@pytest.mark.parametrize(("before", "after"), [((3,) * 3, (2, 2)), ((3,) * 3, (3,) * 4), ((2, 2), (3,) * 3)])
def test_people_who_are_not_those_of_the_tables_are_refused(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    sizes = ClassSizes(np.array([3]), np.array([3]))
    with pytest.raises(ValueError, match="people whose events are known must be those"):
        assess(sizes, sizes, suppressed=0, rows_in=3, known=knowledge(2, before, after))


@pytest.mark.parametrize(("m", "numbers"), [(0, (1,)), (2, (0, 1))])
def test_knowledge_that_cannot_be_is_refused(m: int, numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        known(m, numbers)


# The release report


def test_the_first_page_says_what_the_tables_are_and_how_they_are_linked() -> None:
    assert "7 people and 12 events in 3 linked tables." in RELEASE
    assert (
        "A row of patients is a person; each row of diagnoses and labs is one event of a person." in RELEASE
    )
    assert (
        "a key drawn at random, new in every release, which cannot be derived from anything else" in RELEASE
    )


def test_the_first_page_says_what_is_covered_and_what_is_not() -> None:
    covered = (
        "Whoever knows a person’s quasi-identifiers (sex) and any 2 events of that person, each by the "
        "quasi-identifiers of its table, finds at least 1 people who match; even who knows of 2 kinds of "
        "events that each happened up to 2 times."
    )
    not_covered = (
        "Somebody who knows more than 2 kinds of events of a person, the exact value of cause or labs.value, "
        "that the person did not have some event, or how many events of a kind, beyond 2, the person had."
    )
    for sentence in (covered, not_covered):
        assert sentence in RELEASE
        assert RELEASE.index(sentence) < RELEASE.index("What was done to each column")


def test_one_known_event_is_not_spoken_of_as_several() -> None:
    one = CriterionResult("(k, k^m)-anonymity", "events", {"k": 2, "m": 1, "repair": False}, 2, "recounted")
    facts = replace(linked_facts(), known=KnownEvents(2, 1, np.array(FEWEST)), criteria=(one,))
    text = Page(release_report(facts)).text
    assert "any one event of that person" in text
    assert "Somebody who knows more than one event of a person" in text
    assert "and one of their events (by the quasi-identifiers of its table) finds" in text
    assert "kinds of events" not in text.partition("Words used here")[0]


def test_the_risks_are_those_of_whoever_knows_events_with_the_others_beside() -> None:
    assert "Largest risk 100%" in RELEASE
    assert "a chance of at most 1 in 1 (by the quasi-identifiers alone: 1 in 3)" in RELEASE
    assert "Prosecutor: largest 100% 33.3%" in RELEASE
    assert "Prosecutor: average 61.9% 28.6%" in RELEASE
    assert "People that are unique 28.6% 0%" in RELEASE
    assert "1 2 28.6% 100% 2 4 57.1% 50% 3–4 1 14.3% 25%–33.3%" in RELEASE  # people who match


def test_each_table_of_events_is_counted_in_the_release() -> None:
    assert "diagnoses icd10gm 9 6 (85.7%) 1 2 3" in RELEASE  # 1, 1, 1, 1, 2, 3 events of a person
    assert "labs loinc 3 3 (42.9%) 1 1 1" in RELEASE
    assert "85.7% of the people have no more than 2 events in the release." in RELEASE  # all but a


def test_each_column_of_each_table_is_listed_and_the_key_says_where_it_comes_from() -> None:
    assert "patients: one row per person person string key — drawn at random for this release" in RELEASE
    assert "diagnoses: one row per event person string key — the person’s in patients 6 0 0" in RELEASE
    assert "icd10gm string quasi-identifier 2 of 5 · category generalised 3 0 0" in RELEASE
    assert "value number sensitive — clipped to 0 … 300 3 0 0" in RELEASE


def test_sensitive_columns_of_events_are_named_among_the_limits() -> None:
    assert "No criterion limits what labs.value may reveal" in RELEASE


def test_a_table_without_quasi_identifiers_is_known_by_having_happened() -> None:
    stays = LinkedTable("encounters", DIAGNOSES.select("person"), ())
    text = Page(release_report(replace(linked_facts(), tables=(stays,)))).text
    assert "a row of encounters is one event of a person" in text
    assert "encounters having happened 9" in text


def test_a_table_without_events_has_no_quantiles() -> None:
    facts = replace(linked_facts(), tables=(replace(TABLES[0], frame=DIAGNOSES.clear()), TABLES[1]))
    assert "diagnoses icd10gm 0 0 (0%) — — —" in Page(release_report(facts)).text


def test_an_empty_release_says_that_it_holds_nobody() -> None:
    empty = tuple(replace(table, frame=table.frame.clear()) for table in TABLES)
    facts = replace(linked_facts(), frame=PEOPLE.clear(), tables=empty, known=known(2, ()))
    assert "The tables hold no people." in Page(release_report(facts)).text


def test_the_report_does_not_depend_on_the_order_of_rows() -> None:
    facts = linked_facts()
    turned = replace(
        facts,
        frame=facts.frame.reverse(),
        tables=tuple(replace(table, frame=table.frame.reverse()) for table in facts.tables),
        known=known(2, FEWEST[::-1]),
    )
    assert release_report(turned) == release_report(facts)


def test_linked_tables_come_with_what_is_known_of_them() -> None:
    facts = linked_facts()
    for missing in ({"known": None}, {"tables": ()}, {"row_is_person": False}):
        with pytest.raises(ValueError, match="linked tables"):
            replace(facts, **missing)


# The criteria's words


def test_the_criterion_on_events_speaks_of_events_where_there_are_tables_of_them() -> None:
    (_, of_events) = criteria_words.of_linked_tables(CRITERIA, 2)
    assert criteria_words.title_of(of_events) == "(1, 1^2)-anonymity of events"
    assert criteria_words.asked(of_events) == (
        "whoever knows a person’s quasi-identifiers and up to 2 kinds of their events (each by the "
        "quasi-identifiers of its table, and how often up to 2 times) finds at least 1 people who match; "
        "rare events were left out"
    )
    assert criteria_words.is_met(of_events)
    assert not criteria_words.is_met(replace(of_events, reached=0))
    assert "codes in the events of one row" in criteria_words.asked(CRITERIA[1])  # a list column of that name


def test_diversity_is_asked_of_those_who_match_by_events_too() -> None:
    diverse = CriterionResult("distinct l-diversity", "stage", {"l": 2}, 2, "attested")
    (told,) = criteria_words.of_linked_tables([diverse], 2)
    assert "finds at least 2 different values of stage among the people who match" in criteria_words.asked(
        told
    )
    assert criteria_words.title_of(told) == "distinct 2-diversity of stage"
    text = Page(release_report(replace(linked_facts(), criteria=(*CRITERIA, diverse)))).text
    assert "among the people who match" in text


# The internal report


def test_the_internal_report_says_what_became_of_the_events() -> None:
    assert "9 people in, 7 people out, 2 suppressed. 1,240 events in, 12 out." in INSIDE
    assert "2 of 9 people, with all their events." in INSIDE
    assert "Of the 37 events of the people who are released, 25 (67.6%) are left out." in INSIDE
    assert "diagnoses 1,234 1,200 25 9 0.73% 8 6" in INSIDE
    assert "labs 6 3 0 3 50% 5 3" in INSIDE
    assert "All tables 1,240 1,203 25 12 0.97%" in INSIDE


def test_where_nobody_lost_an_event_it_says_so() -> None:
    context = linked_context()
    whole = tuple(replace(each, removed=0) for each in context.events)
    text = Page(risk_report(linked_assessment(), replace(context, events=whole))).text
    assert "Nobody who is released lost an event." in text


def test_before_and_after_are_compared_for_the_same_attacker() -> None:
    assert "Largest risk 100% → 100%" in INSIDE
    assert "By the quasi-identifiers alone: 50% → 33.3%" in INSIDE
    assert "Average risk at least 53.7% → 61.9%" in INSIDE
    assert "Prosecutor: average at least 53.7% 61.9% 33.3% 28.6%" in INSIDE


def test_a_threshold_without_events_is_called_so() -> None:
    assert "✗ exceeded Prosecutor: largest (quasi-identifiers alone) : 33.3%, limit 20%" in INSIDE
    assert "✓ met Prosecutor: largest : 100%, limit 100%" in INSIDE


def test_nothing_of_the_input_is_in_the_report_that_leaves() -> None:
    for secret in ("1,234", "1,240", "67.6", "0.73%"):
        assert secret in INSIDE
        assert secret not in release_report(linked_facts())


# From a verified release


def test_a_verified_release_tells_its_reports_of_its_tables(tmp_path: Path) -> None:
    _, events = linked_release.world()
    with linked_release.staged(tmp_path) as stage:
        verified = stage.verify()
    told = linking.known_events(verified)
    assert told is not None
    assert (told.k, told.m) == (3, 2)
    assert told.records == stage.frames["patients"].height
    assert [table.name for table in linking.linked_tables(verified)] == list(events)
    labs = linking.linked_tables(verified)[1]
    assert [(c.name, c.role, c.level) for c in labs.columns] == [
        ("loinc", "quasi-identifier", 0),
        ("value", "sensitive", None),
        ("seen", "insensitive", None),
    ]
    gone = {"P060", "P061"}  # alone in their class
    for account in linking.accounts(verified):
        owners = events[account.name].frame["patient_id"].to_list()
        shown = stage.frames[account.name]
        assert account.rows_in == len(owners)
        assert account.suppressed == sum(owner in gone for owner in owners)
        assert account.removed == len(owners) - account.suppressed - shown.height
        assert (account.people_in, account.people_out) == (len(set(owners)), shown["person"].n_unique())
    assert sum(account.removed for account in linking.accounts(verified)) > 0


def test_of_the_input_one_kind_of_events_at_a_time_is_counted_by_base_values(tmp_path: Path) -> None:
    patients, events = linked_release.world()
    with linked_release.staged(tmp_path) as stage:
        told = linking.knowledge(stage.verify())
    assert told is not None
    classes = {row[0]: row[1:] for row in patients.frame.select("patient_id", "sex", "age").iter_rows()}
    had: dict[str, list[tuple[object, ...]]] = {person: [] for person in classes}
    for name, column in (("diagnoses", "icd"), ("labs", "loinc")):
        for person, kind in events[name].frame.select("patient_id", column).iter_rows():
            had[person].append((name, kind))
    one, both = (sorted(fewest(classes, had, 2, kinds).values()) for kinds in (1, 2))
    assert told.before.fewest.tolist() == one
    assert one != both
    assert all(found >= truth for found, truth in zip(one, both, strict=True))
