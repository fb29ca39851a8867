"""Case 66: a canary planted in every input, through every fault, stands in nothing that a run writes.

Each scene plants it in identifiers, quasi-identifiers and sensitive cells, breaks one thing, runs the whole
command and then searches its output, its log and every file that was not there before.
"""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import release.run
from mii.consent import COLLECT, USE
from release.files.staging import Staging
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease, verify
from tests.runs import CONFIG, PEOPLE, Result, anon, files, people, scene, write_csv

CANARY = "Zx9CANARYq"
Scene = Callable[[Path], Path]


@dataclass(frozen=True, slots=True)
class Fault:
    """A case of the fault table, how it is staged, and how the run must end."""

    case: str
    build: Scene
    code: int
    says: str = ""


def planted() -> list[list[str]]:
    """Rows whose ids carry the canary, and one row with it in every cell that takes any text."""
    rows = [[f"{CANARY}{row[0]}", *row[1:]] for row in people()]
    rows.append([CANARY, CANARY, "40", "10117", CANARY, CANARY])
    return rows


def edited(change: Callable[[str], str]) -> Scene:
    """A scene whose CSV is changed as text."""

    def build(folder: Path) -> Path:
        config = scene(folder, planted())
        table = folder / "people.csv"
        table.write_text(change(table.read_text(encoding="utf-8")), encoding="utf-8")
        return config

    return build


def configured(*changes: tuple[str, str]) -> Scene:
    """A scene whose config is changed as text."""

    def build(folder: Path) -> Path:
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return scene(folder, planted(), text)

    return build


def with_hierarchy(*lines: str) -> Scene:
    """A scene whose column `diagnosis` is a quasi-identifier with a hierarchy file of these lines."""

    def build(folder: Path) -> Path:
        (folder / "diagnosis.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        rule = "{role: quasi-identifier, hierarchy: {file: diagnosis.csv}}"
        return scene(folder, planted(), CONFIG.replace("{role: sensitive}", rule))

    return build


def widened(text: str) -> str:
    """Every row but the header with one field more."""
    header, *rows = text.splitlines()
    return "\n".join([header, *(f"{row},{CANARY}" for row in rows)]) + "\n"


def cell(row: int, column: int, text: str) -> Scene:
    """A scene with one cell replaced."""

    def build(folder: Path) -> Path:
        rows = planted()
        rows[row][column] = text
        return scene(folder, rows)

    return build


def existing_release(folder: Path) -> Path:
    (folder / "out" / "demo").mkdir(parents=True)
    return scene(folder, planted())


def symlink_out(folder: Path) -> Path:
    (folder / "elsewhere").symlink_to(folder.parent)
    return configured(("directory: out", "directory: elsewhere/out"))(folder)


def hard_link(folder: Path) -> Path:
    """The lock file of the output directory is the input under another name."""
    config = scene(folder, planted())
    (folder / "out").mkdir()
    (folder / "out" / ".anon.lock").hardlink_to(folder / "people.csv")
    return config


def one_patient(folder: Path) -> Path:
    """Five rows of one person and nobody else: k = 3 cannot be met."""
    rows = [[CANARY, "m", "40", "10117", f"D{n}", "n"] for n in range(5)]
    return scene(folder, rows, CONFIG.replace("subject: row", "subject: id"))


def consent(status: str, end: str) -> str:
    """A Consent of the first patient to collection and use of the data."""
    provisions = [
        {
            "type": "permit",
            "period": {"start": "2020-01-01", "end": end},
            "code": [{"coding": [{"code": code}]}],
        }
        for code in (COLLECT, USE)
    ]
    return json.dumps(
        {
            "resourceType": "Consent",
            "id": f"{CANARY}-c",
            "status": status,
            "scope": {"coding": [{"code": "research"}]},
            "patient": {"reference": f"Patient/{CANARY}-1"},
            "provision": {"type": "deny", "provision": provisions},
        }
    )


def output_holds_input(folder: Path) -> Path:
    (folder / "out" / "demo").mkdir(parents=True)
    write_csv(folder / "out" / "demo" / "people.csv", planted())
    return configured(("path: people.csv", "path: out/demo/people.csv"))(folder)


def export(*lines: str, consent: str = "required") -> Scene:
    """A core-dataset export of the given lines."""

    def build(folder: Path) -> Path:
        (folder / "export").mkdir()
        (folder / "export" / "all.ndjson").write_text("\n".join(lines), encoding="utf-8")
        config = folder / "config.yaml"
        config.write_text(
            "name: demo\nreference_date: 2026-11-22\n"
            f"input: {{mii: {{path: export, consent: {consent}}}}}\n"
            "subject: patient_id\ncolumns:\n"
            "  patient_id: {role: identifier}\n"
            "  gender: {role: quasi-identifier, hierarchy: suppression}\n"
            "  main_diagnosis: {role: sensitive}\n"
            "privacy: {k_anonymity: 2}\noutput: {directory: out}\n",
            encoding="utf-8",
        )
        return config

    return build


def patient(number: int) -> str:
    return json.dumps(
        {
            "resourceType": "Patient",
            "id": f"{CANARY}-{number}",
            "name": [{"family": CANARY}],
            "gender": ("male", "female")[number % 2],
            "birthDate": "1980-01-01",
        }
    )


FAULTS = (
    Fault("1 empty file", edited(lambda _: ""), 65),
    Fault("1 header only", edited(lambda text: text.splitlines()[0] + "\n"), 65),
    Fault("2 k above the number of people", configured(("k_anonymity: 3", "k_anonymity: 999")), 10),
    Fault("7 only declared missing values are missing", cell(3, 2, "NA"), 65, "'age'"),
    Fault("12 wrong delimiter", configured(("people.csv", 'people.csv, delimiter: ";"')), 65, "sex"),
    Fault("12 no header", edited(lambda text: text.split("\n", 1)[1]), 65, "sex"),
    Fault("17 duplicate header", edited(lambda text: text.replace("note", "sex", 1)), 65),
    Fault("18 one field too many in every row", edited(lambda text: widened(text)), 65),
    Fault("19 ragged row", edited(lambda text: text + f"{CANARY},{CANARY}\n"), 65, "1"),
    Fault("20 NUL byte", edited(lambda text: text.replace(CANARY, f"{CANARY}\0", 1)), 65),
    Fault("25 value absent from a hierarchy file", with_hierarchy("D0;D;*", "D1;D;*"), 65, "diagnosis"),
    Fault("26 hierarchy not monotone", with_hierarchy(f"D0;{CANARY};A;*", f"D1;{CANARY};B;*"), 78),
    Fault("27 duplicate leaf", with_hierarchy(f"{CANARY};D;*", f"{CANARY};D;*"), 78),
    Fault("27 uneven depth", with_hierarchy(f"{CANARY};D;*", "D1;*"), 78),
    Fault("27 cycle", with_hierarchy(f"{CANARY};D;{CANARY};*", "D1;E;D1;*"), 78),
    Fault("30 a column no rule names", configured(("  note: {role: insensitive}\n", "")), 78, "note"),
    Fault("31 no consent in the export", export(patient(1), patient(2)), 77),
    Fault("28 five rows of one person", one_patient, 10),
    Fault("31 consent withdrawn", export(patient(1), consent("inactive", "2050-01-01")), 77),
    Fault("31 consent expired", export(patient(1), consent("active", "2025-01-01")), 77),
    Fault("33 truncated last line", export(patient(1), patient(2)[:-9]), 65),
    Fault("36 YAML tag", configured(("name: demo", "name: !!python/name:os.system x")), 78),
    Fault("37 YAML alias", configured(("name: demo", "name: &a demo"), ("subject: row", "subject: *a")), 78),
    Fault("38 duplicate key", configured(("{k_anonymity: 3,", "{k_anonymity: 3, k_anonymity: 1,")), 78),
    Fault("39 no is text", configured(("k_anonymity: 3", "k_anonymity: no")), 78, "k_anonymity"),
    Fault("39 1:30 is text", configured(("k_anonymity: 3", "k_anonymity: 1:30")), 78, "k_anonymity"),
    Fault("40 misspelt key", configured(("suppression_limit", "supression_limit")), 78, "suppression_limit"),
    Fault("41 path outside", configured(("path: people.csv", "path: ../../etc/passwd")), 78),
    Fault("41 symlink outside", symlink_out, 78),
    Fault("42 output holds the input", output_holds_input, 78),
    Fault("42 a hard link of the input", hard_link, 78),
    Fault("43 output exists", existing_release, 73),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.case)
@pytest.mark.parametrize("options", [(), ("--json", "--log-format", "json")], ids=["text", "json"])
def test_a_fault_ends_in_its_code_and_betrays_nothing(
    fault: Fault, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = fault.build(tmp_path)
    result = watched(config, options, tmp_path, monkeypatch)
    assert result.code == fault.code, result.err
    assert fault.says in result.err
    assert not list((tmp_path / "out").glob("demo/release"))
    assert not list((tmp_path / "out").glob(".staging-*"))


def watched(config: Path, options: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run, and search everything that was printed or written for the canary."""
    scratch = folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    before = files(folder)
    result = anon("run", config, *options)
    assert CANARY not in result.out + result.err
    for name, content in files(folder).items():
        if before.get(name) != content:
            assert CANARY.encode() not in content, name
            assert CANARY not in name
    assert not files(scratch)
    return result


def test_57_a_second_run_at_the_same_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = scene(tmp_path, planted())
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".anon.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert watched(config, (), tmp_path, monkeypatch).code == 75


def test_63_a_staged_file_that_is_altered_before_verification_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tampered(staging: Staging, promise: Promise) -> VerifiedRelease:
        table = staging.data / "table.csv"
        header, first, *rest = table.read_bytes().split(b"\r\n" if b"\r\n" in table.read_bytes() else b"\n")
        table.write_bytes(b"\n".join([header, *rest, first]))
        return verify(staging, promise)

    monkeypatch.setattr(release.run, "verify", tampered)
    result = watched(scene(tmp_path, sound()), (), tmp_path, monkeypatch)
    assert result.code == 11
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_58_an_input_that_changes_during_the_run_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(staging: Staging, promise: Promise) -> VerifiedRelease:
        with (tmp_path / "people.csv").open("a", encoding="utf-8") as table:
            table.write("P1,m,40,10117,D1,n\n")
        return verify(staging, promise)

    monkeypatch.setattr(release.run, "verify", meanwhile)
    assert anon("run", scene(tmp_path, sound())).code == 65


def sound() -> list[list[str]]:
    """Rows that can be released, with the canary in every id."""
    return [[f"{CANARY}{row[0]}", *row[1:]] for row in people()]


def test_an_unexpected_error_prints_its_type_and_never_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("release.deciding.decision.count", broken)
    result = watched(scene(tmp_path, sound()), (), tmp_path, monkeypatch)
    assert result.code == 70
    assert "ZeroDivisionError" in result.err


@pytest.mark.parametrize(("error", "code"), [(MemoryError, 71), (PermissionError, 74), (KeyError, 70)])
def test_every_other_error_has_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: int
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error(CANARY)

    monkeypatch.setattr("release.deciding.decision.count", broken)
    assert watched(scene(tmp_path, sound()), (), tmp_path, monkeypatch).code == code


def changed(column: int, cell: Callable[[int, str], str]) -> list[list[str]]:
    """The sound rows with one column's cells replaced by what ``cell(row number, text)`` gives."""
    return [
        [cell(n, text) if i == column else text for i, text in enumerate(row)]
        for n, row in enumerate(sound())
    ]


def unique() -> list[list[str]]:
    """Rows of which no two agree in their quasi-identifiers."""
    return [[f"{CANARY}{n}", "mf"[n % 2], str(20 + n), f"{10000 + 997 * n}", "D1", "n"] for n in range(40)]


RELEASED = {
    "3 n = k, all identical": [[f"{CANARY}{n}", "m", "40", "10117", "D1", "n"] for n in range(3)],
    "4 all rows unique": unique(),
    "5 a class of one": [*sound(), [CANARY, "f", "89", "99999", "D1", "n"]],
    "6 a quasi-identifier with missing values": changed(2, lambda n, age: age if n % 3 else ""),
    "8 NA is Namibia": changed(1, lambda n, sex: "NA" if n % 4 == 0 else sex),
    "9 leading zeros": changed(3, lambda n, _: "01067"),
    "10 1E5 is text": changed(4, lambda n, code: "1E5" if n % 4 == 1 else code),
    "50 a script in a category": changed(
        4, lambda n, code: "<script>alert(1)</script>" if n % 4 == 1 else code
    ),
}


@pytest.mark.parametrize("case", RELEASED)
def test_what_is_no_fault_is_released_without_the_identifiers(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = watched(scene(tmp_path, RELEASED[case]), (), tmp_path, monkeypatch)
    assert result.code == 0, result.err
    table = (tmp_path / "out/demo/release/data/table.csv").read_text(encoding="utf-8")
    report = (tmp_path / "out/demo/release/release_report.html").read_text(encoding="utf-8")
    assert "<script" not in report
    match case.split()[0]:
        case "3":
            assert table.count("\n") == 4
        case "5":
            assert "99999" not in table
        case "6":
            assert any(line.split(",")[1] == "" for line in table.splitlines()[1:])
        case "8":
            assert "NA" in table
        case "9":
            assert "01067" in table
        case "10":
            assert "1E5" in table
        case "50":
            assert "<script>alert(1)</script>" in table


def test_13_a_byte_order_mark_is_no_part_of_the_first_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = scene(tmp_path, sound())
    table = tmp_path / "people.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert watched(config, (), tmp_path, monkeypatch).code == 0


def test_50_a_script_in_a_column_name_is_escaped(tmp_path: Path) -> None:
    name = "<script>alert(2)</script>"
    config = CONFIG.replace("  sex:", f'  "{name}":')
    path = scene(tmp_path, sound(), config)
    write_csv(tmp_path / "people.csv", sound(), [name if each == "sex" else each for each in PEOPLE])
    assert anon("run", path).code == 0
    for report in (tmp_path / "out/demo").rglob("*.html"):
        assert "<script" not in report.read_text(encoding="utf-8")
        assert "&lt;script&gt;alert(2)" in report.read_text(encoding="utf-8")
