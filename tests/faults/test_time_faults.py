"""The secret of a date shift stays where it is kept, and each change to what rests on it ends in 11."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Relative, Shift, Timing, timed
from release.config.root import Config
from release.deciding.timing import timing_of
from release.files.shift_secret import SECRET
from release.verifying.promise import Promise
from tests.cli.test_time_runs import CONFIG, SECRET_FILE, data, published, scene
from tests.runs import anon, files
from tests.small_release import Staged, staged

RANDOM = bytes(range(100, 132))
WITH_FILE = CONFIG.replace("shift: {columns: [came, left]}", SECRET_FILE)


def made(content: bytes = RANDOM, mode: int = 0o600) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return make


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: os.mkfifo(path, 0o600), "must be a file"),
        (made(RANDOM * 200), "must be a file of at most 4096 bytes"),
        (made(mode=0o640), "must be 0600 or 0400"),
        (made(mode=0o604), "must be 0600 or 0400"),
        (made(mode=0o620), "must be 0600 or 0400"),
        (made(b""), "must hold 256 random bits"),
        (made(RANDOM[:31]), "must hold 256 random bits"),
        (made(b"0123456789abcdef" * 3 + b"0123456789abcde\n"), "must hold 256 random bits"),
        (made(b"correct horse battery staple, my password\n"), "must hold 256 random bits"),
        (made(bytes(64)), "must hold 256 random bits"),
        (made(b"0" * 64), "must hold 256 random bits"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_secret_file_that_is_none_is_refused(
    tmp_path: Path, make: Callable[[Path], None], found: str, command: str
) -> None:
    make(tmp_path / "shift.key")
    result = anon(command, scene(tmp_path, WITH_FILE))
    assert (result.code, found in result.err) == (78, True), result.err
    assert "password" not in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [made(), made(mode=0o400), made(b"0123456789abcdef" * 4 + b"\n")])
def test_a_secret_file_of_256_bits_is_taken(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "shift.key")
    assert published(tmp_path, WITH_FILE)


def test_the_secret_is_in_no_other_file_and_on_no_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "c0ffee5eed" * 6 + "abcd"
    monkeypatch.setattr(secrets, "token_hex", lambda n=8: canary if n == 32 else "0123456789abcdef")
    result = anon("run", scene(tmp_path), "--log-format", "json")
    assert result.code == 0, result.err
    seen = {name for name, content in files(tmp_path).items() if canary.encode() in content}
    raw = {name for name, content in files(tmp_path).items() if bytes.fromhex(canary) in content}
    assert (seen, raw) == ({f"out/demo/internal/{SECRET}"}, set())
    assert canary not in result.out + result.err
    assert (tmp_path / "out" / "demo" / "internal" / SECRET).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("k_anonymity: 3, suppression_limit: 0.2", "k_anonymity: 999, suppression_limit: 0", 10),
        ("output:", "risk: {thresholds: {anonymised.prosecutor_max: 0.001}}\noutput:", 13),
    ],
)
def test_a_run_that_fails_leaves_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, code: int
) -> None:
    canary = "c0ffee5eed" * 6 + "abcd"
    monkeypatch.setattr(secrets, "token_hex", lambda n=8: canary if n == 32 else "0123456789abcdef")
    result = anon("run", scene(tmp_path, CONFIG.replace(old, new)))
    assert result.code == code, result.err
    assert not [name for name, content in files(tmp_path).items() if canary.encode() in content]
    assert canary not in result.out + result.err


def test_an_exported_archive_holds_no_secret(tmp_path: Path) -> None:
    release = published(tmp_path)
    secret = (release / "internal" / SECRET).read_bytes().strip()
    assert anon("export", release, tmp_path / "out.zip").code == 0
    import zipfile

    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert not [name for name in archive.namelist() if secret in archive.read(name) or SECRET in name]


COLUMNS = (
    Column("id", Role.IDENTIFIER),
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("came", Role.SENSITIVE, sensitive=True),
    Column("left", Role.SENSITIVE, sensitive=True),
    Column("seen", Role.INSENSITIVE),
)
TIMING = Timing(Shift(("came", "left"), 365, False, RANDOM.hex().encode()), Relative(("seen",), "came"))


def ward() -> Table:
    """Twelve people of two visits each."""
    rows = [
        (
            f"P{n // 2:02}",
            "fm"[n % 4 // 2],
            f"2024-01-{n + 1:02}",
            f"2024-0{2 + n % 3}-{n + 1:02}",
            "2024-06-30",
        )
        for n in range(24)
    ]
    return Table(pl.DataFrame(rows, schema=[c.name for c in COLUMNS], orient="row"), COLUMNS, "id")


def shown(timing: Timing = TIMING) -> pl.DataFrame:
    return in_order(timed(ward(), timing).table.frame.drop("id"))


def promise(timing: Timing = TIMING) -> Promise:
    return Promise(ward(), "ward", ("csv",), {"sex": 0}, (KAnonymity(3),), 0.0, timing=timing)


def verified(
    folder: Path,
    frame: pl.DataFrame,
    promised: Promise,
    secret: bytes | None = RANDOM.hex().encode(),
) -> None:
    with staged(folder, promised, frame) as stage:
        if secret is not None:
            stage.staging.write(f"internal/{SECRET}", secret + b"\n")
        _verify(stage)


def _verify(stage: Staged) -> None:
    assert stage.verify().frame.height == 24


def test_what_was_done_as_it_is_recorded_is_verified(tmp_path: Path) -> None:
    verified(tmp_path, shown(), promise())


def unshifted(frame: pl.DataFrame) -> pl.DataFrame:
    """One date is the true one again."""
    return in_order(frame.with_columns(came=pl.Series(["2024-01-01", *frame["came"].to_list()[1:]])))


def a_day_later(frame: pl.DataFrame) -> pl.DataFrame:
    days = pl.col("came").str.to_date() + timedelta(days=1)
    return in_order(frame.with_columns(days.cast(pl.String).alias("came")))


def swapped(frame: pl.DataFrame) -> pl.DataFrame:
    """Two people's discharges change places: every cell is there as often as before."""
    cells = frame["left"].to_list()
    cells[0], cells[-1] = cells[-1], cells[0]
    return in_order(frame.with_columns(left=pl.Series(cells)))


def one_day_more(frame: pl.DataFrame) -> pl.DataFrame:
    return in_order(frame.with_columns(pl.col("seen") + 1))


def one_missing(frame: pl.DataFrame) -> pl.DataFrame:
    return in_order(frame.with_columns(seen=pl.Series([None, *frame["seen"].to_list()[1:]])))


def undone(_: pl.DataFrame) -> pl.DataFrame:
    """Nothing was shifted at all."""
    told = timed(ward(), replace(TIMING, shift=None)).table.frame
    return in_order(told.drop("id"))


@pytest.mark.parametrize("change", [unshifted, a_day_later, swapped, one_day_more, one_missing, undone])
def test_a_changed_date_fails(tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    changed = change(shown())
    assert not changed.equals(shown())
    with pytest.raises(VerificationFailed, match="not those"):
        verified(tmp_path, changed, promise())


def with_shift(**changes: object) -> Timing:
    assert TIMING.shift is not None
    return replace(TIMING, shift=replace(TIMING.shift, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("timing", "found"),
    [
        (with_shift(days=364), "not those"),
        (with_shift(keep_weekday=True), "not those"),
        (with_shift(columns=("came",)), "not those"),
        (replace(TIMING, relative=Relative(("seen",), "left")), "not those"),
        (with_shift(columns=("came", "left", "sex")), "'sex': a date is changed that is a quasi-identifier"),
        (with_shift(columns=("came", "left", "id")), "'id': a date is changed that is a quasi-identifier"),
        (with_shift(columns=("came", "left", "seen")), "changed twice"),
    ],
)
def test_another_record_of_what_was_done_fails(tmp_path: Path, timing: Timing, found: str) -> None:
    with pytest.raises(VerificationFailed, match=found):
        verified(tmp_path, shown(), promise(timing))


@pytest.mark.parametrize(
    ("secret", "found"),
    [(RANDOM.hex().encode()[::-1], "not those"), (b"", "not those"), (None, "cannot be read back")],
)
def test_another_secret_than_the_one_that_is_kept_fails(
    tmp_path: Path, secret: bytes | None, found: str
) -> None:
    """What was not kept cannot be checked again, and could not be taken back."""
    with pytest.raises(VerificationFailed, match=found):
        verified(tmp_path, shown(), promise(), secret)


def test_people_whom_no_column_names_cannot_be_shifted(tmp_path: Path) -> None:
    nameless = replace(promise(), table=replace(ward(), subject=None))
    with pytest.raises(VerificationFailed, match="whom no column names"):
        verified(tmp_path, shown(), nameless)


def test_a_secret_file_that_changes_during_the_run_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()(tmp_path / "shift.key")

    def changed(config: Config) -> Timing:
        timing = timing_of(config)
        (tmp_path / "shift.key").write_bytes(RANDOM[::-1])
        return timing

    monkeypatch.setattr("release.deciding.decision.timing_of", changed)
    result = anon("run", scene(tmp_path, WITH_FILE), "--quiet")
    assert result.code == 11, result.err
    assert not (tmp_path / "out" / "demo").exists()


def test_with_a_secret_file_nothing_of_it_is_in_the_release(tmp_path: Path) -> None:
    made()(tmp_path / "shift.key")
    release = published(tmp_path, WITH_FILE)
    written = b"".join(files(release).values())
    assert RANDOM not in written
    assert RANDOM.hex().encode() not in written
    assert data(release).height > 0
