"""`anon init`, then `anon run` on what it wrote, without an edit: it publishes, and nobody is named."""

from __future__ import annotations

import gzip
import json
import random
import stat
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from release.config.root import load
from tests import messy_tables, tiny_export
from tests.conftest import ROOT, SHARED, needs_shared
from tests.messy_tables import Messy
from tests.runs import anon, files, people, write_csv

TABLES = (messy_tables.ward, messy_tables.columns, messy_tables.visits)


def drafted(folder: Path, source: Path) -> Path:
    """The config that `anon init` writes for ``source``."""
    config = folder / "config.yaml"
    result = anon("init", source, "--output", config)
    assert (result.code, result.err) == (0, "")
    return config


def published(folder: Path, config: Path) -> Path:
    """The folder of the release that a run of ``config`` makes; it verifies."""
    result = anon("run", config, "--quiet")
    assert result.code == 0, result.err
    (release,) = [path for path in (folder / "releases").iterdir() if path.is_dir()]
    assert anon("verify", release).code == 0
    return release


def roles(config: Path) -> dict[str, str]:
    return {name: rule.role for name, rule in load(config).columns.items()}


def written(folder: Path) -> dict[str, bytes]:
    """All that a run left, file by file, and the cells of every Parquet file decoded."""
    found = files(folder)
    for path in folder.rglob("*.parquet"):
        found[f"{path.name} decoded"] = pl.read_parquet(path).write_ndjson().encode()
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.__name__))
def test_no_direct_identifier_of_a_messy_table_survives(tmp_path: Path, table: object) -> None:
    (tmp_path / "in").mkdir()
    messy: Messy = table(tmp_path / "in")  # type: ignore[operator]
    (tmp_path / "out").mkdir()
    config = drafted(tmp_path / "out", messy.path)
    release = published(tmp_path / "out", config)

    found = written(tmp_path / "out")
    assert any(name.endswith("decoded") for name in found)
    assert len(messy.canaries) > 200
    leaks = {
        name
        for name, content in found.items()
        for canary in messy.canaries
        if canary.encode() in content or canary.encode("cp1252") in content
    }
    assert leaks == set()
    assert json.loads((release / "release" / "manifest.json").read_bytes())["reviewed"] is False


def test_the_search_for_canaries_finds_one(tmp_path: Path) -> None:
    pl.DataFrame({"a": ["Zqnach0001ß"]}).write_parquet(tmp_path / "a.parquet")

    assert "Zqnach0001ß".encode() in written(tmp_path)["a.parquet decoded"]


def test_how_a_messy_file_is_written_is_found(tmp_path: Path) -> None:
    ward, columns, visits = messy_tables.write_all(tmp_path)
    found = {}
    for messy in (ward, columns, visits):
        (folder := tmp_path / f"{messy.path.stem} draft").mkdir()
        source = load(drafted(folder, messy.path)).input.table
        assert source is not None
        found[messy.path.name] = (source.delimiter, source.encoding, source.decimal, source.missing)

    assert found == {
        "Entlassungen März.csv": (";", "cp1252", ",", ("",)),
        "auswertung.csv": (",", "utf-8", ".", ("",)),
        "besuche.tsv": ("\t", "cp1252", ".", ("", "?")),
    }


def test_german_names_get_their_roles(tmp_path: Path) -> None:
    found = roles(drafted(tmp_path, messy_tables.ward(tmp_path).path))

    assert {name for name, role in found.items() if role == "quasi-identifier"} == {
        *("PLZ", "Geburtsdatum", "Geschlecht", "Aufnahmedatum", "Hauptdiagnose", "Fachabteilung")
    }
    assert {name for name, role in found.items() if role == "sensitive"} == {"CRP [mg/l]"}
    assert set(found.values()) == {"quasi-identifier", "sensitive", "identifier"}


def test_what_is_not_certain_is_dropped_and_says_check(tmp_path: Path) -> None:
    config = drafted(tmp_path, messy_tables.columns(tmp_path).path)
    text = config.read_text(encoding="utf-8")

    assert {name for name, role in roles(config).items() if role != "identifier"} == {
        *("Alter", "SEX", "Familienstand")
    }
    assert text.count("role: identifier  # CHECK") == 8
    assert "role: insensitive" not in text


def test_ids_that_differ_in_their_spelling_raise_k(tmp_path: Path) -> None:
    config = load(drafted(tmp_path, messy_tables.ward(tmp_path).path))

    # The insurance number tells fewer people than the patients' numbers, which have two spellings.
    assert (config.subject, config.privacy.k_anonymity) == ("Versichertennummer", 5)

    rows = [[f"P-{n}" if n % 2 else f"p{n - 1:03}", *row[1:]] for n, row in enumerate(people(), 1)]
    twice = [["p0001" if n == 0 else row[0], *row[1:]] for n, row in enumerate(rows)]
    (folder := tmp_path / "other").mkdir()
    table = write_csv(folder / "a.csv", twice, ("patient_id", "sex", "age", "plz", "a", "b"))
    other = load(drafted(folder, table))
    assert other.subject == "patient_id"
    assert other.privacy.k_anonymity == 10


def test_a_measurement_that_gives_an_attribute_away_is_dropped(tmp_path: Path) -> None:
    rows = [[row[0], row[1], row[2], row[3], f"{int(row[2]) + 0.5}", row[5]] for row in people()]
    header = ("id", "sex", "age", "plz", "crp_mg_l", "note")
    config = drafted(tmp_path, write_csv(tmp_path / "people.csv", rows, header))

    assert roles(config)["crp_mg_l"] == "identifier"
    published(tmp_path, config)


def test_too_many_quasi_identifiers_to_search_over_are_left_out(tmp_path: Path) -> None:
    days = [f"{1990 + n % 30}-0{1 + n % 9}-15" for n in range(60)]
    rows = [[f"P{n}", *days[n:], *days[:n]][:16] for n in range(60)]
    header = ("patient_id", *(f"Datum {n}" for n in range(15)))
    config = drafted(tmp_path, write_csv(tmp_path / "a.csv", rows, header))

    assert sum(role == "quasi-identifier" for role in roles(config).values()) == 6
    assert "so many quasi-identifiers would leave little of each" in config.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        b"name;age\nZqa;1\nZqb;2;3\n",
        b"name;age\nZqa;\x00\n",
        b"name;name\nZqa;Zqb\n",
        b"name;age\n",
        b'name;age\n"Zqa;1\n',
        b"",
        # Nothing to release: no column says what it is.
        b"x;y\n" + b"Zqa;1\n" * 20,
    ],
)
def test_a_broken_table_ends_with_65_and_is_not_quoted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)

    result = anon("init", tmp_path / "a.csv", "--output", tmp_path / "config.yaml")

    assert result.code == 65
    assert "Zq" not in result.out + result.err
    assert not (tmp_path / "config.yaml").exists()


def test_a_number_of_unknown_meaning_that_repeats_joins_rows(tmp_path: Path) -> None:
    rows = [[f"Kx{n // 3:05}", *row[1:]] for n, row in enumerate(people())]
    table = write_csv(tmp_path / "a.csv", rows, ("Merkmal", "sex", "age", "plz", "a", "b"))
    config = drafted(tmp_path, table)

    assert load(config).subject == "Merkmal"
    assert "CHECK: no column is known to name the person; this one may" in config.read_text(encoding="utf-8")


def test_several_rows_of_a_person_count_as_one_person(tmp_path: Path) -> None:
    assert load(drafted(tmp_path, messy_tables.visits(tmp_path).path)).subject == "Pseudonym"


@needs_shared
@pytest.mark.parametrize("name", ["adult", "diabetes"])
def test_public_tables_publish_as_drafted(tmp_path: Path, name: str) -> None:
    config = drafted(tmp_path, SHARED / "data" / name / f"{name}.csv")
    release = published(tmp_path, config)

    kept = {column for column, role in roles(config).items() if role != "identifier"}
    assert kept >= {"race", "age"}
    assert set(pl.read_parquet(release / "release" / "data" / "table.parquet").columns) == kept


def planted_export(folder: Path) -> Path:
    """The sample export with ``Zq`` in every id, reference and element that names a person."""
    folder.mkdir()
    for source in (ROOT / "sample_data" / "export").glob("*.gz"):
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            text = "".join(lines).replace('"sample-', '"Zqid-').replace("/sample-", "/Zqid-")
        planted = [json.dumps(_named(json.loads(line), n)) for n, line in enumerate(text.splitlines())]
        (folder / source.stem).write_text("\n".join(planted) + "\n", encoding="utf-8")
    return folder


def _named(resource: dict[str, Any], n: int) -> dict[str, Any]:
    at_home = {"line": [f"Zqweg {n}"], "city": f"Zqort{n}"}
    direct: dict[str, Any] = {
        "text": {"status": "generated", "div": f"<div>Zqdiv{n}</div>"},
        "identifier": [{"system": f"https://zq.example/Zqsys{n}", "value": f"Zqvalue{n}"}],
        "note": [{"text": f"Zqnote{n}"}],
    }
    if resource["resourceType"] == "Patient":
        direct |= {
            "name": [{"family": f"Zqfamily{n}", "given": [f"Zqgiven{n}"], "text": f"Zqtext{n}"}],
            "telecom": [{"system": "phone", "value": f"Zqphone{n}"}],
            "contact": [{"name": {"family": f"Zqmother{n}"}}],
            "photo": [{"title": f"Zqphoto{n}"}],
            "address": [{**address, **at_home} for address in resource.get("address", ())],
        }
    return {**resource, **direct}


def test_the_sample_export_publishes_as_drafted_and_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    config = drafted(tmp_path / "out", planted_export(tmp_path / "export"))
    release = published(tmp_path / "out", config)

    found = roles(config)
    assert {name for name, role in found.items() if role == "identifier"} >= {"patient_id", "encounter_id"}
    assert {"age_years", "gender", "plz", "main_diagnosis"} <= {
        name for name, role in found.items() if role == "quasi-identifier"
    }
    patients = pl.read_parquet(release / "release" / "data" / "patients.parquet")
    assert patients.height > 4000
    assert patients["lab_crp_last"].drop_nulls().max() <= 300  # type: ignore[operator]
    assert {name for name, content in written(tmp_path / "out").items() if b"Zq" in content} == set()


def test_an_export_without_consent_is_drafted_unseen_and_refused_by_the_run(tmp_path: Path) -> None:
    everything = [each for each in tiny_export.resources() if each["resourceType"] != "Consent"]
    config = drafted(tmp_path, tiny_export.ndjson(tmp_path / "export", everything))

    assert "a run ends with 77" in " ".join(config.read_text(encoding="utf-8").replace("#", "").split())
    assert anon("run", config, "--quiet").code == 77


def test_the_config_is_written_once_for_its_owner_alone(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "people.csv", people())
    config = drafted(tmp_path, table)
    before = config.read_bytes()

    again = anon("init", table, "--output", config)

    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert (again.code, config.read_bytes()) == (73, before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "people.csv"]


def test_a_link_in_the_configs_place_is_not_followed(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "people.csv", people())
    (tmp_path / "config.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    assert anon("init", table, "--output", tmp_path / "config.yaml").code == 73
    assert not (tmp_path / "elsewhere.yaml").exists()


@pytest.mark.parametrize(
    ("name", "output", "code"),
    [("nothing.csv", "config.yaml", 66), ("people.csv", "no/folder/config.yaml", 74)],
)
def test_a_draft_that_fails_leaves_nothing(tmp_path: Path, name: str, output: str, code: int) -> None:
    write_csv(tmp_path / "people.csv", people())

    assert anon("init", tmp_path / name, "--output", tmp_path / output).code == code
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_a_table_without_a_header_is_refused_and_not_quoted(tmp_path: Path) -> None:
    person = ("Zqmeier", "1962-05-31", messy_tables.kvnr(1), "m")
    table = write_csv(tmp_path / "a.csv", [["Zqx", "1970-01-01", messy_tables.kvnr(2), "w"]], person)

    result = anon("init", table, "--output", tmp_path / "config.yaml")

    assert result.code == 65
    assert "header" in result.err
    assert "Zqmeier" not in result.err
    assert not (tmp_path / "config.yaml").exists()


@pytest.mark.parametrize(
    "person",
    [
        ("Zqmeier", "m", "79100", "I10.1"),
        ("Zqmeier", "Kunigunde", "79100", "53"),
        ("Zqmeier", "x", "y", "C34.1"),
        ("Zqmeier", "x", "y", "m"),
    ],
)
def test_a_first_row_like_the_others_is_no_header(tmp_path: Path, person: tuple[str, ...]) -> None:
    draw = random.Random(3)
    codes = ("I10.0", "E11.9", "C50.2")
    rows = [[f"Zq{n}", draw.choice("mw"), f"{79100 + n % 7}", draw.choice(codes)] for n in range(60)]
    rows = [row if len(person[3]) != 1 else [*row[:3], row[1]] for row in rows]
    rows = [row if person[3] != "53" else [*row[:3], str(20 + n)] for n, row in enumerate(rows)]

    result = anon("init", write_csv(tmp_path / "a.csv", rows, person), "--output", tmp_path / "config.yaml")

    assert (result.code, "header" in result.err) == (65, True)
    assert "Zqmeier" not in result.err + result.out
    assert not (tmp_path / "config.yaml").exists()


@pytest.mark.parametrize("code", ["C509", "U07.1!", "J12.8 U07.1!", "5-822.g1"])
def test_a_code_in_another_spelling_is_no_header_either(tmp_path: Path, code: str) -> None:
    draw = random.Random(3)
    codes = ("E11.3", "I10.0") if code[0] != "5" else ("5-787.0", "8-980")
    rows = [[f"Zq{n}", draw.choice(codes), draw.choice("mw")] for n in range(60)]
    table = write_csv(tmp_path / "a.csv", rows, ("Zqmeier", code, "d"))
    result = anon("init", table, "--output", tmp_path / "config.yaml")
    assert (result.code, "Zqmeier" in result.err) == (65, False)


def test_a_survey_with_coded_answers_has_a_header(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [[f"{n}", *(f"{draw.choice('abc')}{draw.randint(1, 3)}" for _ in "123"), "50"] for n in range(60)]
    table = write_csv(tmp_path / "a.csv", rows, ("id", "Q1", "Q2", "Q3", "age"))
    assert anon("init", table, "--output", tmp_path / "config.yaml").code == 0


def test_a_config_inside_the_export_is_refused(tmp_path: Path) -> None:
    export = tiny_export.ndjson(tmp_path / "export", tiny_export.resources())
    before = files(tmp_path)

    assert anon("init", export, "--output", tmp_path / "export" / "config.yaml").code == 78
    assert files(tmp_path) == before


def test_a_draft_is_one_line_in_a_pipe(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "people.csv", people())

    result = anon("init", table, "--output", tmp_path / "config.yaml")

    assert (result.out.count("\n"), result.err) == (1, "")


def test_small_counts_and_cells_stay_out_of_the_draft(tmp_path: Path) -> None:
    rows = [[*row[:4], "Zqrare" if n == 0 else "Zqother", row[5]] for n, row in enumerate(people())]
    text = drafted(tmp_path, write_csv(tmp_path / "people.csv", rows)).read_text(encoding="utf-8")

    assert "Zq" not in text
    assert "fewer than 5 different values" in text


def test_the_reference_date_is_the_day_of_the_draft(tmp_path: Path) -> None:
    config = drafted(tmp_path, write_csv(tmp_path / "people.csv", people()))

    assert load(config).reference_date == date.today()
