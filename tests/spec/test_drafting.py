"""How a draft recognises what a column holds, by names, values and check digits; and how it is written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.config.document import parse_document
from release.drafting.dialect import Dialect, dialect
from release.drafting.measurements import MEASUREMENTS, measurement_named
from release.drafting.patterns import (
    are_keys,
    are_ways_to_people,
    code_system,
    direct_identifier,
    is_iban,
    is_kvnr,
    is_loinc,
)
from release.drafting.profile import profiled
from release.drafting.proposing import Circumstances, propose
from release.drafting.vocabulary import Kind, kind_of, names_somebody
from release.drafting.wording import Proposal, Sections, counted, draft_text, flow
from tests.messy_tables import iban, kvnr

NAMES = {
    Kind.PERSON: "Patienten-ID PatientenNr patient_id PID Subject_ID Pseudonym",
    Kind.INSURED: "Versichertennummer KVNR Krankenversichertennr.",
    Kind.CASE: "Fallnummer Fall-Nr. encounter_id Aufnahmenummer",
    Kind.NAME: "Nachname VORNAME Geburtsname last_name familyName Name",
    Kind.ADDRESS: "Straße Strasse Hausnummer Wohnort Ort city",
    Kind.CONTACT: "Telefon Tel. E-Mail Handynummer Mobil",
    Kind.ACCOUNT: "IBAN Kontonummer",
    Kind.WARD: "Station Zimmernr Bett ward",
    Kind.PROVIDER: "Hausarzt Klinik Einweiser",
    Kind.TEXT: "Bemerkungen Freitext Befundtext comment",
    Kind.NUMBER: "id lfd_Nr Kennung Rechnungsnummer",
    Kind.SEX: "Geschlecht sex Gender Geschlecht_des_Patienten",
    Kind.AGE: "Alter ALTER_IN_JAHREN age_years AlterBeiAufnahme",
    Kind.BIRTH: "Geburtsdatum GebDat birth_date date_of_birth",
    Kind.PLZ: "PLZ Postleitzahl zip_code Postleitzahl_Patient",
    Kind.DAY: "Aufnahmedatum Entlassdatum admission_date OP-Datum Datum",
    Kind.STAY: "Verweildauer length_of_stay Liegedauer_Tage",
    Kind.ICD: "Hauptdiagnose ICD ICD-10-GM Diagnose",
    Kind.OPS: "OPS OPS-Code Prozedur",
    Kind.ATC: "ATC ATC_Code",
    Kind.CATEGORY: "Fachabteilung Familienstand marital-status native-country Bundesland",
    None: "Merkmal_A Wert Gruppe salary-class x Spalte7",
}


@pytest.mark.parametrize(("kind", "names"), NAMES.items(), ids=str)
def test_names_in_german_and_english(kind: Kind | None, names: str) -> None:
    assert {name: kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def test_names_of_whom_a_row_is_about_and_of_others() -> None:
    own = "Name;Name1;Name des Patienten;Vor- und Nachname;Name_Pat_1;Familien-Name;last_name;Vor-Name"
    others = "Nachname Arzt;Wirkstoffname;Stationsname;Name der Mutter;Klinikname;Nachname des Behandlers"
    assert {name for name in f"{own};{others}".split(";") if names_somebody(name)} == {*own.split(";")}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a@b.example", "c@d.example"], True),
        ([kvnr(1), kvnr(2), "PRIVAT", "unbekannt"], True),
        # One address among professions is dropped as an identifier; it does not say who a row is about.
        (["Koch", "Lehrerin", "a@b.example"], False),
        ([f"der Patient, vers. {kvnr(1)}, kam"], False),
        ([], False),
    ],
)
def test_values_that_are_each_a_way_to_one_person(values: list[str], expected: bool) -> None:
    assert are_ways_to_people(pl.Series(values, dtype=pl.String)) is expected


def test_letters_written_as_base_and_accent_are_the_same_name() -> None:
    assert kind_of("Gro\u0308ße") is kind_of("Größe")
    assert kind_of("Straße") is kind_of("STRASSE") is Kind.ADDRESS


def test_a_name_with_a_direct_identifier_inside_is_one_whatever_else_it_says() -> None:
    assert kind_of("Alter Name") is Kind.NAME
    assert kind_of("Diagnose Freitext") is Kind.TEXT


def test_insurance_numbers_by_their_check_digit() -> None:
    # A published test number of gematik: X 11041167 with check digit 5.
    assert is_kvnr("X110411675")
    assert not any(is_kvnr(f"X11041167{digit}") for digit in "012346789")


@given(st.integers(0, 99_999_999), st.integers(1, 9), st.integers(1, 9))
def test_one_wrong_digit_is_no_insurance_number(number: int, place: int, more: int) -> None:
    right = kvnr(number)
    digit = (int(right[place]) + more) % 10

    assert is_kvnr(right)
    assert not is_kvnr(f"{right[:place]}{digit}{right[place + 1 :]}")


@given(st.integers(0, 10**10 - 1), st.integers(4, 21), st.integers(1, 9))
def test_one_wrong_digit_is_no_account(number: int, place: int, more: int) -> None:
    right = iban(number).replace(" ", "")
    digit = (int(right[place]) + more) % 10

    assert is_iban(right)
    assert is_iban(iban(number))
    assert not is_iban(f"{right[:place]}{digit}{right[place + 1 :]}")


def test_accounts_and_codes_known_to_be_right() -> None:
    # The examples of the ISO 13616 registry, and codes of LOINC's own pages.
    assert all(map(is_iban, ("DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819")))
    assert [is_loinc(code) for code in ("1988-5", "718-7", "1988-4", "A-5")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["a", f"vers. {kvnr(5)}, nüchtern"], "insurance"),
        (["a", f"Konto {iban(7)} bei der Bank"], "account"),
        (["a", "frau.meier@haus.example"], "mail"),
        (["0351 4771234", "+49 171 998877"], "telephone"),
        (["0351 4771234", "a", "b"], None),
        (["01.05.1962", "1962-05-01", "01067", "1E5", "K123456789"], None),
    ],
)
def test_direct_identifiers_by_their_values(values: list[str], found: str | None) -> None:
    what = direct_identifier(pl.Series(values))
    assert what is None if found is None else found in str(what)


def test_codes_by_shapes_that_nothing_else_has() -> None:
    shapes = {
        "icd-10-gm": ["I50.13", "E11.9"],
        "ops": ["5-323.51", "3-200"],
        "atc": ["C09AA05", "B01AC06"],
        "loinc": ["1988-5", "718-7"],
        # A bed and a ward have the shape of a diagnosis without its decimals.
        None: ["A12", "B07"],
    }
    assert {code_system(pl.Series(values)): values for values in shapes.values()} == shapes


def test_keys_are_words_with_digits() -> None:
    keys = (["AB-123", "K2x9Q"], ["10482", "10483"], ["7f3e-91"])
    assert all(are_keys(pl.Series(values)) for values in keys)
    others = (["72.5", "80.1"], ["34", "1002"], ["mild", "severe"], ["n1", "n2"], ["2024-01-31"], ["I50.1"])
    assert not any(are_keys(pl.Series(values)) for values in others)


AROUND = Circumstances(date(2026, 11, 22), 100)


def proposed(name: str, cells: list[str | None]) -> Proposal:
    return propose(profiled(pl.Series(name, cells, dtype=pl.String)), AROUND).proposal


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Alter", ["34", "1962"]),  # a year of birth
        ("Alter", ["34", "35,5"]),
        ("PLZ", ["01067", "1067"]),  # a leading zero is lost
        ("PLZ", ["01067", "A-1010"]),
        ("Geburtsdatum", ["1962-05-31", "2062-05-31"]),  # in the future
        ("Geburtsdatum", ["31.05.1962", "1962-06-01"]),  # two forms
        ("Geburtsdatum", ["31.05.62", "01.06.62"]),  # which century?
        ("Diagnose", ["I50.1", "wie Herr Meier"]),
        ("Geschlecht", [f"m{n}" for n in range(50)]),  # no category
        ("Geschlecht", ["m", "*"]),  # a cell that reads like a suppressed one
        ("Gruppe", ["a", "b"]),
        ("Kreatinin", ["0.9", "1.1"]),  # in which unit?
        ("Kreatinin mg/dl", ["0.9", "high"]),
        ("Datei", [None, None]),
        ("Besuch", ["x@y.example", "a"]),
    ],
)
def test_what_is_not_certain_is_dropped(name: str, cells: list[str | None]) -> None:
    proposal = proposed(name, cells)
    assert (proposal.rule, proposal.check) == ({"role": "identifier"}, True)


def test_a_name_and_values_that_fit_are_certain() -> None:
    assert proposed("Alter", ["34", "89"]).rule["hierarchy"] == {"bands": (5, 10, 20), "top": 90}
    assert proposed("Entlassdatum", ["2024-01-31"]).rule["hierarchy"] == {
        "date": ("month", "quarter", "year")
    }
    assert proposed("Geburtsdatum", ["31.05.1962", "1.6.1962"]).rule["hierarchy"] == {
        "date": ("month", "quarter", "year")
    }
    assert proposed("Postleitzahl", ["01067", "80331"]).rule["hierarchy"] == "plz"
    assert proposed("Hauptdiagnose", ["I50.13", "E11"]).rule["sensitive"] is True
    assert proposed("Kreatinin mg/dl", ["0.9"]).rule == {"role": "sensitive", "clip": (0.3, 10)}


def test_marks_for_missing_are_named_where_a_column_needs_them() -> None:
    found = propose(profiled(pl.Series("Alter", ["34", "k.A.", "?"])), AROUND)
    assert found.proposal.rule["role"] == "quasi-identifier"
    assert found.missing == {"k.A.", "?"}


def test_measurements_are_told_with_their_unit() -> None:
    assert {lab.name: is_loinc(lab.loinc) for lab in MEASUREMENTS} == dict.fromkeys(
        (lab.name for lab in MEASUREMENTS), True
    )
    assert [measurement_named(name) for name in ("CRP", "CRP (mg/dl)")] == [None, None]
    assert [getattr(measurement_named(name), "name", None) for name in ("crp_mg_l", "Hb in g/dL")] == [
        "crp",
        "haemoglobin",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a;b\n1,5;2\n", Dialect(";", "utf-8")),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", Dialect(",", "utf-8")),
        ("größe\tb\n1\t2\n".encode("cp1252"), Dialect("\t", "cp1252")),
        (b"gr\x81\xdf|b\n1|2\n", Dialect("|", "latin-1")),
        (b'a;b\n"x, y; z";"2\n3"\n', Dialect(";", "utf-8")),
        (b"a\n1\n", Dialect(",", "utf-8")),
        (b"a;b;c\n1;2\n", Dialect(";", "utf-8")),  # ragged: reading it says so
    ],
)
def test_how_a_file_is_written(tmp_path: Path, content: bytes, found: Dialect) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert dialect(path) == found


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), unique=True))
def test_any_column_name_reads_back_from_the_draft(names: list[str]) -> None:
    proposals = tuple(Proposal(name, {"role": "identifier"}, "no reason", True) for name in names)
    sections = Sections({"table": {"path": "a.csv"}}, (), "row", (), proposals, {"k_anonymity": 5})

    document = parse_document(draft_text(sections, reference_date="2026-11-22"))

    import unicodedata

    columns = document.data["columns"] or {}
    assert set(columns) == {unicodedata.normalize("NFC", name) for name in names}  # type: ignore[call-overload]


def test_small_counts_are_not_told() -> None:
    assert [counted(n, "people") for n in (4, 5, 12_000)] == [
        "fewer than 5 people",
        "5 people",
        "12,000 people",
    ]


def test_values_in_one_line() -> None:
    assert flow({"a": (1, True, None), "no": "x: y"}) == '{a: [1, true, null], "no": "x: y"}'
