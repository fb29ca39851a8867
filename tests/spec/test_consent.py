"""The seven consent rules, each with the smallest example that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from mii.consent import (
    COLLECT,
    OID,
    UNREADABLE,
    USE,
    ConsentRecord,
    Decision,
    EncounterPeriod,
    Provision,
    Window,
    decide,
    denies,
    unexpected_categories,
)

TODAY = date(2026, 11, 22)
STORE_PAST, USE_PAST = f"{OID}.45", f"{OID}.46"


def permit(code: str, start: str | None = "2024-01-01", end: str | None = "2054-01-01") -> Provision:
    return Provision("permit", start, end, (code,))


def deny(code: str, start: str | None = None, end: str | None = None) -> Provision:
    return Provision("deny", start, end, (code,))


def consent(*provisions: Provision, status: str = "active", research: bool = True) -> ConsentRecord:
    return ConsentRecord("p", status, research, category_expected=True, provisions=provisions)


VALID = consent(permit(USE), permit(COLLECT))
REVOKED = consent(deny(USE), deny(COLLECT))


def decision(
    *consents: ConsentRecord,
    stays: Sequence[tuple[str | None, str | None]] = (),
    on: date = TODAY,
    run: date = TODAY,
    retrospective: bool = False,
) -> Decision:
    encounters = [EncounterPeriod("p", start, end) for start, end in stays]
    decided = decide(consents, encounters, reference_date=on, consent_date=run, retrospective=retrospective)
    return decided["p"]


def window(*consents: ConsentRecord, **more: Any) -> list[tuple[str, str]]:
    found = decision(*consents, **more)
    assert found.accepted, found.reason
    assert found.window is not None
    return [(low.isoformat(), high.isoformat()) for low, high in found.window.intervals]


# 1 - only active Consents of scope research


def test_a_valid_consent_is_accepted_with_its_window() -> None:
    assert decision(VALID).reason == "accepted"
    assert window(VALID) == [("2024-01-01", "2054-01-01")]


@pytest.mark.parametrize("status", ["inactive", "draft", "proposed", "rejected", "entered-in-error", ""])
def test_a_consent_that_is_not_active_permits_nothing(status: str) -> None:
    refused = decision(consent(*VALID.provisions, status=status))
    assert (refused.accepted, refused.reason, refused.window) == (False, "no active Consent", None)


def test_a_consent_of_another_scope_permits_nothing() -> None:
    refused = decision(consent(*VALID.provisions, research=False))
    assert (refused.accepted, refused.reason) == (False, "no active Consent of scope research")


def test_an_unexpected_category_is_a_warning_alone() -> None:
    unexpected = ConsentRecord("p", "active", True, category_expected=False, provisions=VALID.provisions)
    assert decision(unexpected).accepted
    assert unexpected_categories([unexpected, VALID]) == 1


def test_a_patient_without_a_consent_is_not_named() -> None:
    assert "q" not in decide([VALID], [], reference_date=TODAY, consent_date=TODAY)


# 2 and 3 - permits of one Consent together, merged over Consents; denies of any active Consent


@pytest.mark.parametrize("provisions", [(permit(USE),), (permit(COLLECT),), ()])
def test_a_consent_must_permit_both_use_and_collection(provisions: tuple[Provision, ...]) -> None:
    assert decision(consent(*provisions)).reason == "no Consent permits both X.6 and X.8"


def test_two_half_consents_are_not_one() -> None:
    assert not decision(consent(permit(USE)), consent(permit(COLLECT))).accepted


def test_half_a_consent_adds_no_window_to_a_whole_one() -> None:
    assert window(VALID, consent(permit(COLLECT, "2010-01-01"))) == [("2024-01-01", "2054-01-01")]


def test_permits_are_merged_over_consents() -> None:
    first = consent(permit(USE, "2010-01-01", "2040-01-01"), permit(COLLECT, "2010-01-01", "2015-01-01"))
    second = consent(permit(USE, "2020-01-01"), permit(COLLECT, "2020-01-01", "2025-01-01"))
    touching = consent(permit(USE, "2015-01-02"), permit(COLLECT, "2015-01-02", "2016-01-01"))
    assert window(second, touching, first) == [("2010-01-01", "2016-01-01"), ("2020-01-01", "2025-01-01")]


def test_a_deny_cuts_a_gap_into_the_window() -> None:
    cut = consent(*VALID.provisions, deny(COLLECT, "2025-03-01", "2025-03-31"))
    assert window(cut) == [("2024-01-01", "2025-02-28"), ("2025-04-01", "2054-01-01")]


@pytest.mark.parametrize("research", [True, False])
def test_a_deny_of_any_active_consent_counts(research: bool) -> None:
    withdrawal = consent(deny(COLLECT, "2025-03-01"), research=research)
    assert window(VALID, withdrawal) == [("2024-01-01", "2025-02-28")]


def test_a_deny_of_an_inactive_consent_does_not_count() -> None:
    assert window(VALID, consent(deny(COLLECT), status="inactive")) == [("2024-01-01", "2054-01-01")]


def test_a_deny_wins_over_later_permits() -> None:
    later = consent(permit(USE, "2025-06-01"), permit(COLLECT, "2025-06-01"))
    assert window(consent(deny(COLLECT, "2025-03-01", "2025-12-31")), VALID, later) == [
        ("2024-01-01", "2025-02-28"),
        ("2026-01-01", "2054-01-01"),
    ]


def test_a_missing_end_is_open() -> None:
    assert window(consent(permit(USE, end=None), permit(COLLECT, end=None))) == [("2024-01-01", "9999-12-31")]


def test_a_permit_without_a_start_is_none_and_a_deny_without_one_holds_from_ever() -> None:
    assert not decision(consent(permit(USE, None), permit(COLLECT))).accepted
    cut = consent(*VALID.provisions, deny(COLLECT, None, "2024-06-30"))
    assert window(cut) == [("2024-07-01", "2054-01-01")]


@pytest.mark.parametrize("broken", ["", "soon", "2024-13-01", "2024-02-30", "2024-W01-1", "20240101"])
def test_unreadable_dates_permit_nothing_and_deny_all_they_can(broken: str) -> None:
    assert not decision(consent(permit(USE, broken), permit(COLLECT))).accepted
    assert not decision(consent(permit(USE, end=broken), permit(COLLECT))).accepted
    assert decision(VALID, consent(deny(COLLECT, broken, broken))).reason == "nothing of X.6 is left"


def test_a_reversed_period_permits_nothing_and_denies_everything() -> None:
    assert not decision(consent(permit(USE), permit(COLLECT, "2054-01-01", "2024-01-01"))).accepted
    assert not decision(VALID, consent(deny(COLLECT, "2025-03-01", "2025-01-01"))).accepted


def test_partial_dates_narrow_a_permit_and_widen_a_deny() -> None:
    partial = consent(permit(USE, "2024-02"), permit(COLLECT, "2024-02", "2050"))
    assert window(partial) == [("2024-02-29", "2050-12-31")]
    assert window(partial, consent(deny(COLLECT, "2026-02", "2026-04"))) == [
        ("2024-02-29", "2026-01-31"),
        ("2026-05-01", "2050-12-31"),
    ]


def test_a_provision_that_is_no_permit_is_a_deny() -> None:
    untyped = consent(Provision("", "2025-01-01", None, (COLLECT,)))
    assert window(VALID, untyped) == [("2024-01-01", "2024-12-31")]


# 4 - X.8 is the gate, at the reference date and on the day of the run


@pytest.mark.parametrize(
    ("end", "on", "run", "accepted"),
    [
        ("2026-11-22", "2026-11-22", "2026-11-22", True),
        ("2026-11-21", "2026-11-22", "2026-11-22", False),
        ("2027-01-31", "2026-11-22", "2027-02-01", False),
        ("2027-01-31", "2027-02-01", "2026-11-22", False),
        ("2027-01-31", "2024-01-01", "2024-01-01", True),
        ("2027-01-31", "2023-12-31", "2026-11-22", False),
    ],
)
def test_use_must_be_permitted_on_both_days(end: str, on: str, run: str, accepted: bool) -> None:
    limited = consent(permit(USE, "2024-01-01", end), permit(COLLECT))
    found = decision(limited, on=date.fromisoformat(on), run=date.fromisoformat(run))
    assert found.accepted is accepted
    assert accepted or found.reason == "X.8 is not permitted on the reference date or the run's date"


def test_a_withdrawn_use_closes_the_gate() -> None:
    assert decision(VALID, REVOKED).reason == "a deny of X.8 holds"
    assert decision(VALID, consent(deny(USE, "2026-11-23"))).accepted
    assert not decision(VALID, consent(deny(USE, "2026-11-23")), run=date(2026, 11, 23)).accepted


# 5 - the window moves back to the start of a stay that holds its own start


@pytest.mark.parametrize(
    ("stay", "start"),
    [
        (("2023-12-20", "2024-01-10"), "2023-12-20"),
        (("2023-12-20T08:00:00+01:00", "2024-01-01T07:00:00+01:00"), "2023-12-20"),
        (("2023-12-20", "2023-12-31"), "2024-01-01"),
        (("2024-01-01", "2024-01-10"), "2024-01-01"),
        (("2023-12-20", None), "2024-01-01"),
        ((None, "2024-01-10"), "2024-01-01"),
        (("2023-12", "2024-01-10"), "2023-12-31"),
        (("2023-12-20", "2024"), "2023-12-20"),
        (("2024-01-10", "2023-12-20"), "2024-01-01"),
    ],
)
def test_a_stay_moves_the_start(stay: tuple[str | None, str | None], start: str) -> None:
    assert window(VALID, stays=[stay]) == [(start, "2054-01-01")]


def test_the_earliest_overlapping_stay_counts_and_stays_do_not_chain() -> None:
    stays = [("2023-12-20", "2024-01-10"), ("2023-12-10", "2024-01-02"), ("2023-11-01", "2023-12-15")]
    assert window(VALID, stays=stays) == [("2023-12-10", "2054-01-01")]


def test_another_patients_stay_moves_nothing() -> None:
    decided = decide(
        [VALID],
        [EncounterPeriod("q", "2023-12-20", "2024-01-10")],
        reference_date=TODAY,
        consent_date=TODAY,
    )
    assert decided["p"].window == Window(((date(2024, 1, 1), date(2054, 1, 1)),))


def test_a_stay_does_not_undo_a_deny() -> None:
    cut = consent(*VALID.provisions, deny(COLLECT, "2023-12-25", "2024-01-05"))
    assert window(cut, stays=[("2023-12-20", "2024-01-10")]) == [
        ("2023-12-20", "2023-12-24"),
        ("2024-01-06", "2054-01-01"),
    ]


def test_a_stay_does_not_move_the_gate() -> None:
    late = consent(permit(USE, "2026-12-01"), permit(COLLECT, "2026-12-01"))
    assert not decision(late, stays=[("2026-11-01", "2026-12-24")]).accepted


# 6 - the past, on request

FROM_NOW = ("2024-01-01", "2054-01-01")
LOOKING_BACK = consent(*VALID.provisions, permit(STORE_PAST), permit(USE_PAST))


def test_the_past_is_open_only_on_request() -> None:
    assert window(LOOKING_BACK) == [("2024-01-01", "2054-01-01")]
    assert window(LOOKING_BACK, retrospective=True) == [("1900-01-01", "2054-01-01")]
    assert window(VALID, retrospective=True) == [("2024-01-01", "2054-01-01")]


def test_the_past_needs_the_same_consent() -> None:
    other = consent(permit(USE_PAST))
    assert window(VALID, other, retrospective=True) == [("2024-01-01", "2054-01-01")]


def test_the_past_needs_an_overlap_with_the_collection() -> None:
    apart = consent(permit(USE), permit(COLLECT, end="2025-01-01"), permit(USE_PAST, "2025-01-02"))
    assert window(apart, retrospective=True) == [("2024-01-01", "2025-01-01")]


def test_a_deny_of_collection_does_not_cut_the_past() -> None:
    withdrawn = consent(deny(COLLECT, "2010-01-01", "2024-12-31"))
    assert window(LOOKING_BACK, withdrawn, retrospective=True) == [
        ("1900-01-01", "2023-12-31"),
        ("2025-01-01", "2054-01-01"),
    ]


@pytest.mark.parametrize("code", [STORE_PAST, USE_PAST])
def test_a_deny_of_the_past_cuts_it(code: str) -> None:
    withdrawn = consent(deny(code, None, "2019-12-31"))
    assert window(LOOKING_BACK, withdrawn, retrospective=True) == [("2020-01-01", "2054-01-01")]
    assert window(LOOKING_BACK, withdrawn) == [("2024-01-01", "2054-01-01")]


@pytest.mark.parametrize("retrospective", [False, True])
def test_who_agrees_to_no_past_keeps_what_is_collected_from_now_on(retrospective: bool) -> None:
    """Every declined option may be an explicit deny with the dates of the consent itself."""
    declined = consent(*VALID.provisions, deny(STORE_PAST, *FROM_NOW), deny(USE_PAST, *FROM_NOW))
    assert window(declined, retrospective=retrospective) == [FROM_NOW]


def test_a_deny_of_the_past_cuts_nothing_that_was_collected_under_an_older_consent() -> None:
    older = consent(permit(USE), permit(COLLECT, "2010-01-01", "2015-12-31"))
    withdrawn = consent(deny(STORE_PAST, "2005-01-01", "2019-12-31"))
    assert window(LOOKING_BACK, older, withdrawn, retrospective=True) == [
        ("1900-01-01", "2004-12-31"),
        ("2010-01-01", "2015-12-31"),
        ("2020-01-01", "2054-01-01"),
    ]


# gICS


def test_the_years_of_gics_and_its_explicit_denies() -> None:
    """gICS writes 3000-01-01 for no end, another category, and one deny per policy not agreed to."""
    gics = ConsentRecord(
        "p",
        "active",
        True,
        category_expected=False,
        provisions=(
            permit(USE, "2022-05-04T09:30:00+02:00", "3000-01-01"),
            permit(COLLECT, "2022-05-04T09:30:00+02:00", "2027-05-03"),
            deny(USE_PAST, "2022-05-04", "3000-01-01"),
            deny(f"{OID}.26", "2022-05-04", "3000-01-01"),
        ),
    )
    assert window(gics) == [("2022-05-04", "2027-05-03")]


# 7 - what the window covers

GAPPED = Window(((date(2022, 1, 1), date(2022, 6, 30)), (date(2023, 1, 1), date(2024, 12, 31))))


@pytest.mark.parametrize(
    ("when", "covered"),
    [
        ("2022-01-01", True),
        ("2022-06-30", True),
        ("2021-12-31", False),
        ("2022-07-01", False),
        ("2023-05-05T23:59:59+14:00", True),
        ("2022-06-30T23:59:00-10:00", True),
        ("2022-07-01T00:30:00+02:00", False),
        ("2023", True),
        ("2022", False),
        ("2022-06", True),
        ("2022-07", False),
        ("2024-02", True),
        (None, False),
        ("", False),
        ("unknown", False),
        ("2023-02-29", False),
        ("2023-05-05 10:00", False),
    ],
)
def test_a_date_is_covered_where_every_day_it_can_mean_is(when: str | None, covered: bool) -> None:
    assert GAPPED.covers(when) is covered


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        ("2022-02-01", "2022-02-05", True),
        ("2022-01-01", "2022-06-30", True),
        ("2021-12-31", "2022-02-05", False),
        ("2022-06-20", "2022-07-02", False),
        ("2022-06-20", "2023-01-02", False),
        ("2020-08-30", None, True),
        ("2024-12-31", None, True),
        ("2025-01-01", None, False),
        ("2024", None, True),
        (None, "2022-02-05", True),
        (None, "2022-07-05", False),
        (None, None, False),
        ("2022-02-05", "2022-02-01", False),
        ("broken", None, False),
        ("2022-02-01", "broken", False),
        ("broken", "2022-02-01", False),
    ],
)
def test_a_period_is_covered_whole_or_where_it_goes_on(
    start: str | None, end: str | None, covered: bool
) -> None:
    assert GAPPED.covers_period(start, end) is covered


# Doubt ends in less data --------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [(), ("X.8",), ("",), ("urn:oid:somewhere",), ("deny-all",)])
def test_a_deny_that_names_no_policy_denies_all_of_them(codes: tuple[str, ...]) -> None:
    doubtful = consent(Provision("deny", None, None, codes))
    assert decision(VALID, doubtful).reason == "a deny of X.8 holds"
    assert denies(doubtful, retrospective=False)


def test_a_deny_of_another_policy_denies_that_alone() -> None:
    assert decision(VALID, consent(deny(f"{OID}.26"))).accepted


@pytest.mark.parametrize(
    ("status", "holds"),
    [("", True), ("Active", True), ("unknown", True), ("inactive", False), ("draft", False)],
)
def test_a_deny_of_an_unknown_status_holds_and_a_permit_does_not(status: str, holds: bool) -> None:
    withdrawn = consent(deny(USE), status=status)
    assert decision(VALID, withdrawn).accepted is not holds
    assert denies(withdrawn, retrospective=False) is holds
    assert not decision(consent(permit(USE), permit(COLLECT), status=status)).accepted


@pytest.mark.parametrize("code", [f"{OID}.1", f"{OID}.7"])
def test_a_deny_of_a_module_denies_what_is_in_it(code: str) -> None:
    """A complete withdrawal is written as a deny of the module that X.6 and X.8 belong to."""
    assert not decision(VALID, consent(deny(code))).accepted
    assert denies(consent(deny(code)), retrospective=False)


def test_a_permit_of_a_module_permits_nothing_by_itself() -> None:
    assert not decision(consent(permit(f"{OID}.1"))).accepted


def test_a_policy_that_cannot_be_read_beside_another_one_may_be_any() -> None:
    doubtful = consent(Provision("deny", None, None, (f"{OID}.10", UNREADABLE)))
    assert not decision(VALID, doubtful).accepted
