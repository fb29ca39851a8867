"""``anon inspect``: what it prints and writes, and that no cell's value and no half page is among it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import anon, files, people, write_csv
from tests.tiny_export import bundle_files, bundle_lines, ndjson, resources

CANARY = "Zx9CANARYq"
DAY = ("--reference-date", "2026-11-22")


def told(*arguments: str | Path) -> dict[str, Any]:
    """The JSON that an inspection prints."""
    result = anon("inspect", *arguments, *DAY, "--json")
    assert (result.code, result.err) == (0, "")
    found: dict[str, Any] = json.loads(result.out)
    return found


def test_the_forms_of_an_export_tell_the_same(tmp_path: Path) -> None:
    forms = (ndjson, bundle_lines, bundle_files)
    found = [told(form(tmp_path / form.__name__, resources())) for form in forms]
    for one in found:
        one.pop("files")
    assert found[0] == found[1] == found[2]
    assert found[0]["patients"] == 24
    assert found[0]["consent"]["patients_by_reason"] == {"accepted": 18, "no Consent": 6}


def test_a_terminal_s_text_says_patients_and_what_to_look_at(tmp_path: Path) -> None:
    result = anon("inspect", ndjson(tmp_path / "export", resources()), *DAY)
    assert result.code == 0
    assert "stays in the house" in result.out.splitlines()[0]
    assert "Patients             24" in result.out
    assert "6 patients would be left out (6: no Consent)." in result.out


def test_the_page_is_its_owner_s_alone_and_never_overwritten(tmp_path: Path) -> None:
    export, page = ndjson(tmp_path / "export", resources()), tmp_path / "inspect.html"
    assert anon("inspect", export, *DAY, "--output", page).code == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    before = files(tmp_path)
    again = anon("inspect", export, *DAY, "--output", page)
    assert (again.code, again.out) == (73, "")
    assert files(tmp_path) == before


def test_a_dangling_link_in_the_page_s_place_is_not_followed(tmp_path: Path) -> None:
    page = tmp_path / "inspect.html"
    page.symlink_to(tmp_path / "elsewhere.html")
    assert anon("inspect", ndjson(tmp_path / "export", resources()), "-o", page).code == 73
    assert not (tmp_path / "elsewhere.html").exists()


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "nowhere" / "inspect.html"
    assert anon("inspect", ndjson(tmp_path / "export", resources()), "-o", page).code == 74
    assert {path.name for path in tmp_path.iterdir()} == {"export"}


def planted(export: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Resources with the canary wherever any text may stand; the ids keep their links."""
    for resource in export:
        extra = {"text": {"div": CANARY}, "note": [{"text": CANARY}], "identifier": [{"value": CANARY}]}
        yield resource | extra | {CANARY: CANARY, "language": CANARY}
    coding = {"system": f"http://{CANARY}.example/", "code": CANARY, "display": CANARY}
    subject = {"reference": "Patient/p1"}
    for kind, name in (("Condition", "code"), ("Procedure", "code"), ("Observation", "code")):
        yield {"resourceType": kind, "id": CANARY, "subject": subject, name: {"coding": [coding]}}
    yield {
        "resourceType": "Patient",
        "id": f"{CANARY}-patient",
        "gender": CANARY,
        "birthDate": CANARY,
        "name": [{"family": CANARY}],
        "address": [{"postalCode": CANARY, "city": CANARY, "line": [CANARY]}],
    }
    yield {"resourceType": f"Type{CANARY}", "id": CANARY}


@pytest.mark.parametrize("form", [ndjson, bundle_lines, bundle_files])
def test_no_cell_of_an_export_is_printed_or_written(form: Any, tmp_path: Path) -> None:
    export, page = form(tmp_path / "export", list(planted(resources()))), tmp_path / "inspect.html"
    text = anon("inspect", export, *DAY, "-o", page)
    found = anon("inspect", export, *DAY, "--json")
    assert (text.code, found.code) == (0, 0)
    for written in (text.out, text.err, found.out, found.err, page.read_text(encoding="utf-8")):
        assert CANARY.lower() not in written.lower()
    assert json.loads(found.out)["resources_of_unknown_type"] == 1
    systems = {(r["type"], r["element"]): r for r in json.loads(found.out)["code_systems"]}
    assert systems["Condition", "code"]["unknown"] == 1


def test_ids_codes_plzs_and_days_of_an_export_are_not_quoted(tmp_path: Path) -> None:
    export, page = ndjson(tmp_path / "export", resources()), tmp_path / "inspect.html"
    text = anon("inspect", export, *DAY, "-o", page).out
    everything = text + anon("inspect", export, *DAY, "--json").out + page.read_text(encoding="utf-8")
    for value in (
        "p17",
        "I50.13",
        "5-323.51",
        "C09AA05",
        "10117",
        "20095",
        "1950-03-15",
        "Surname",
        "1988-5",
    ):
        assert value not in everything


def test_no_cell_of_a_table_is_printed_or_written(tmp_path: Path) -> None:
    rows = [[f"{CANARY}{row[0]}", CANARY, row[2], row[3], f"{CANARY} {row[4]}", CANARY] for row in people()]
    table, page = write_csv(tmp_path / "people.csv", rows), tmp_path / "inspect.html"
    text = anon("inspect", table, *DAY, "-o", page)
    found = anon("inspect", table, *DAY, "--json")
    assert (text.code, found.code) == (0, 0)
    for written in (text.out, text.err, found.out, found.err, page.read_text(encoding="utf-8")):
        assert CANARY not in written


def test_a_table_tells_its_columns_dates_and_codes(tmp_path: Path) -> None:
    header = ("Fall", "PLZ", "Aufnahme", "Diagnose", "leer")
    rows = [
        [str(n), ("01067", "10117", "NA")[n % 3], f"0{1 + n % 9}.03.2024", ("I50.1", "U99.9")[n % 2], ""]
        for n in range(30)
    ]
    table = tmp_path / "faelle.csv"
    lines = [";".join(row) for row in ([*header], *rows, rows[0])]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = told(table)
    columns = {column["name"]: column for column in found["columns"]}
    assert [*columns] == [*header]
    assert [name for name, column in columns.items() if column["nearly_unique"]] == ["Fall"]
    assert found["rows_repeated"] == 1
    assert columns["leer"]["present"] == 0
    assert columns["PLZ"]["placeholders"] == 10
    assert columns["PLZ"]["codes"] == {"vocabulary": "plz", "codes": 31, "odd": {"malformed": 10}}
    assert columns["Aufnahme"]["dates"]["first_month"] == "2024-03"
    assert columns["Diagnose"]["codes"]["vocabulary"] == "icd-10-gm"
    assert {name for subset in found["uniqueness"]["subsets"] for name in subset["columns"]} == {
        "PLZ",
        "Aufnahme",
        "Diagnose",
    }


def test_with_a_subject_people_are_counted_in_place_of_rows(tmp_path: Path) -> None:
    """Three rows of everybody, alike: no row is alone with its place, and every person is."""
    rows = [[f"P{n}", f"{n:05}", "mf"[n % 2]] for n in range(20) for _ in range(3)]
    path = write_csv(tmp_path / "visits.csv", rows, ("person", "place", "sex"))
    by_rows, by_people = told(path), told(path, "--subject", "person")
    alone = {tuple(s["columns"]): s["unique"] for s in by_rows["uniqueness"]["subsets"]}
    assert (by_rows["uniqueness"]["unit"], alone[("place",)]) == ("rows", 0)
    found = by_people["uniqueness"]
    assert (found["unit"], found["people"], by_people["people"]) == ("people", 20, 20)
    alone = {tuple(s["columns"]): s["unique"] for s in found["subsets"]}
    assert alone == {("place",): 20, ("sex",): 0, ("place", "sex"): 20}
    text = " ".join(anon("inspect", path, "--subject", "person").out.split())
    assert "in 3 columns about 20 people" in text
    assert "Whoever has several rows is unique where one of them is" in text


def test_a_subject_that_names_no_person_or_no_column_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["", CANARY], ["P1", CANARY]] * 3, ("person", "x"))
    result = anon("inspect", path, "--subject", "person")
    assert (result.code, "(3 times)" in result.err, CANARY in result.err) == (65, True, False)
    assert anon("inspect", path, "--subject", "patient").code == 2
    assert anon("inspect", ndjson(tmp_path / "export", resources()), "--subject", "person").code == 2


def test_a_parquet_table_tells_what_its_csv_tells(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "people.csv", people())
    pl.read_csv(path, infer_schema=False).write_parquet(tmp_path / "people.parquet")
    text, binary = told(path), told(tmp_path / "people.parquet")
    assert (text.pop("form"), binary.pop("form")) == ("CSV", "Parquet")
    assert text == binary


def test_a_key_that_stands_twice_in_an_object_is_counted_and_not_quoted(tmp_path: Path) -> None:
    export = ndjson(tmp_path / "export", resources())
    with (export / "Extra.ndjson").open("w", encoding="utf-8") as file:
        file.write('{"resourceType": "Patient", "id": "x", "gender": "male", "gender": "Zx9CANARYq"}\n')
        file.write('{"resourceType": "Patient", "id": "y", "gender": "male", "name": [{"text": "a"}]}\n')
    assert told(export)["keys_repeated"] == 1
    text = anon("inspect", export, *DAY).out
    assert "Keys that stand twice in one JSON object: 1. A run takes the last value of each." in text
    assert CANARY not in text


def test_nobody_s_consent_holds_and_that_is_an_answer(tmp_path: Path) -> None:
    export = ndjson(tmp_path / "export", resources())
    result = anon("inspect", export, "--reference-date", "2120-01-01", "--json")
    assert result.code == 0
    consent = json.loads(result.out)["consent"]
    assert "accepted" not in consent["patients_by_reason"]
    assert sum(consent["patients_by_reason"].values()) == 24
    without = ndjson(tmp_path / "without", [r for r in resources() if r["resourceType"] != "Consent"])
    assert told(without)["consent"] == {"consents": 0}


def test_consent_is_told_for_the_day_of_a_run_beside_the_reference_date(tmp_path: Path) -> None:
    """One in four of the tiny export's consents ends before 2030; a run asks on both days."""
    export = ndjson(tmp_path / "export", resources())
    later = told(export, "--consent-date", "2031-01-01")["consent"]
    assert later["patients_by_reason"]["accepted"] == 18
    assert later["on_run_date"]["date"] == "2031-01-01"
    reasons = later["on_run_date"]["patients_by_reason"]
    assert (reasons["accepted"], sum(reasons.values())) == (12, 24)
    text = anon("inspect", export, *DAY, "--consent-date", "2031-01-01").out
    assert "A run on 2031-01-01: 6 of 18 consents do not hold on that day." in text
    text = anon("inspect", export, *DAY, "--consent-date", "2027-01-01").out
    assert "all that hold on the reference date hold on that day, too" in " ".join(text.split())
    same = told(export, "--consent-date", "2026-11-22")["consent"]
    assert "on_run_date" not in same
    assert anon("inspect", export, "--consent-date", "2026-02-30").code == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cut.ndjson", b'{"resourceType": "Patient", "id": "p", "gen', 65),
        ("text.ndjson", b'{"resourceType": "Patient", "id": "\xff"}\n', 65),
        ("deep.ndjson", b'{"resourceType": "Patient", "id": "p", "x": ' + b"[" * 99_999, 65),
        ("nobody.ndjson", b'{"resourceType": "Condition", "id": "c"}\n', 65),
        ("cut.ndjson.gz", b"\x1f\x8b\x08\x00\x00", 65),
        ("cut.zip", b"PK\x03\x04....", 65),
        ("ragged.csv", b"a,b\n1,2,3\n", 65),
        ("empty.csv", b"", 65),
        ("nul.csv", b"a\x00,b\n1,2\n", 65),
        ("nul.txt", b"a\x00,b\n1,2\n", 65),
        ("headed.csv", b"a,b\n", 65),
        ("cut.parquet", b"PAR1....", 65),
    ],
)
def test_what_is_broken_is_refused_and_no_page_is_written(
    name: str, content: bytes, code: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    result = anon("inspect", tmp_path / name, "-o", tmp_path / "inspect.html")
    assert (result.code, result.out) == (code, "")
    assert not (tmp_path / "inspect.html").exists()


def test_what_is_not_there_is_66_and_a_day_that_is_none_is_2(tmp_path: Path) -> None:
    assert anon("inspect", tmp_path / "nowhere").code == 66
    assert anon("inspect", tmp_path, "--reference-date", "2026-02-30").code == 2


def test_the_same_export_gives_the_same_page(tmp_path: Path) -> None:
    export = ndjson(tmp_path / "export", resources())
    pages = []
    for number in range(2):
        page = tmp_path / f"{number}.html"
        assert anon("inspect", export, *DAY, "-o", page).code == 0
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]


def test_how_a_table_is_written_is_found_as_for_a_draft(tmp_path: Path) -> None:
    table = tmp_path / "faelle.csv"
    table.write_bytes("Größe\tSpätdienst\n180\tjä\n175\tnö\n".encode("cp1252"))
    assert [column["name"] for column in told(table)["columns"]] == ["Größe", "Spätdienst"]
    assert told(table, "--encoding", "latin-1") == told(table)
    assert anon("inspect", table, "--encoding", "utf-8").code == 65
