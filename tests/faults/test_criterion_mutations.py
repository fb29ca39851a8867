"""Every criterion on a sensitive column: a limit one notch stricter than what was reached ends in 11.

In the run, when the released rows are counted alone, and later by `anon verify`, with `--internal` where the
criterion compares with the input.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import InputMissing, VerificationFailed
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.tables.table import Table
from release import gate
from release.publish import publish
from release.recheck import verify_release
from release.verifying.promise import Promise
from release.verifying.replay import replay
from release.verifying.verify import recount
from tests.faults.test_mutations import swap_two_cells
from tests.small_release import STATEMENT, promise, released, staged, ward
from tests.spec.test_recheck import reseal

CODE = "diagnosis"


@dataclass(frozen=True)
class Kind:
    """A criterion by its limit; ``strict`` is the direction in which the limit gets stricter."""

    asking: Callable[[Fraction], Criterion]
    lenient: str
    strict: int
    key: str
    status: str = "attested"

    def beside(self, reached: float, notches: int) -> Criterion:
        """The criterion with its limit so many notches on the strict side of what was reached."""
        return self.asking(Fraction(repr(reached)) + self.strict * notches * Fraction(1, 10**9))


KINDS = {
    "entropy": Kind(lambda x: EntropyLDiversity(CODE, x), "1.001", 1, "l", "recounted"),
    "recursive": Kind(lambda x: RecursiveCLDiversity(CODE, x, 2), "99", -1, "c", "recounted"),
    "equal": Kind(lambda x: TCloseness(CODE, "equal", x), "0.4", -1, "t"),
    "ordered": Kind(lambda x: TCloseness(CODE, "ordered", x), "0.4", -1, "t"),
    "hierarchical": Kind(lambda x: TCloseness(CODE, "hierarchical", x), "0.4", -1, "t"),
    "delta": Kind(lambda x: DeltaDisclosure(CODE, x), "9", -1, "delta"),
    "beta": Kind(lambda x: BetaLikeness(CODE, x, enhanced=False), "9", -1, "beta"),
    "enhanced beta": Kind(lambda x: BetaLikeness(CODE, x), "9", -1, "beta"),
}
ATTESTED = [name for name, kind in KINDS.items() if kind.status == "attested"]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """The sixty patients in crowded classes, and a hierarchy of their diagnoses."""
    path = tmp_path / "diagnoses.csv"
    path.write_text("I21.0;heart;*\nI50.1;heart;*\n10-12;other;*\n", encoding="utf-8")
    whole = ward()
    crowd = whole.frame.filter(pl.col("patient_id") < "P060")
    columns = (replace(c, hierarchy=from_file(path)) if c.name == CODE else c for c in whole.columns)
    return Table(crowd, tuple(columns), whole.subject)


def promised(table: Table, *criteria: Criterion) -> Promise:
    return promise(table, (KAnonymity(3), *criteria))


def rows(table: Table) -> pl.DataFrame:
    """The release in which nobody is suppressed."""
    return released(table, criteria=(KAnonymity(3),))


def reached(folder: Path, table: Table, kind: Kind) -> float:
    """What the release reaches, by a lenient limit."""
    with staged(folder, promised(table, kind.asking(Fraction(kind.lenient))), rows(table)) as stage:
        found = stage.verify().criteria[1].reached
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_stricter_limit_than_was_reached_fails_in_the_run(tmp_path: Path, table: Table, name: str) -> None:
    kind = KINDS[name]
    found = reached(tmp_path, table, kind)
    with staged(tmp_path, promised(table, kind.beside(found, -1)), rows(table)) as stage:
        assert stage.verify().criteria[1].status == kind.status
    with (
        staged(tmp_path, promised(table, kind.beside(found, 1)), rows(table)) as stage,
        pytest.raises(VerificationFailed) as failure,
    ):
        stage.verify()
    assert failure.value.exit_code == 11


@pytest.mark.parametrize("name", KINDS)
def test_counting_alone_sees_a_broken_criterion(tmp_path: Path, table: Table, name: str) -> None:
    """Were suppression itself wrong in the replay, the count of the classes would still tell."""
    kind = KINDS[name]
    stricter = promised(table, kind.beside(reached(tmp_path, table, kind), 1))
    believed = replay(promised(table, kind.asking(Fraction(kind.lenient))))
    with pytest.raises(VerificationFailed, match="an equivalence class breaks"):
        recount(rows(table), believed, stricter)


@pytest.mark.parametrize("name", KINDS)
def test_swapped_diagnoses_fail_whatever_is_asked(tmp_path: Path, table: Table, name: str) -> None:
    kind = KINDS[name]
    with staged(tmp_path, promised(table, kind.asking(Fraction(kind.lenient))), rows(table)) as stage:
        stage.rewrite(swap_two_cells)
        with pytest.raises(VerificationFailed, match="column 'diagnosis'"):
            stage.verify()


@pytest.fixture
def release(tmp_path: Path, table: Table, request: pytest.FixtureRequest) -> Path:
    """A published release with the named criterion."""
    kind = KINDS[request.param]
    criteria = (kind.asking(Fraction(kind.lenient)), DistinctLDiversity(CODE, 2))
    with staged(tmp_path / "out", promised(table, *criteria), rows(table)) as stage:
        return publish(stage.verify(), gate.check({}, {}), STATEMENT) / "release"


def criterion_in(content: dict[str, object]) -> dict[str, object]:
    entry: dict[str, object] = content["tables"][0]["criteria"][1]  # type: ignore[index]
    return entry


@pytest.mark.parametrize(("release", "name"), [(name, name) for name in KINDS], indirect=["release"])
def test_a_stricter_manifest_fails_when_it_is_checked_again(release: Path, name: str) -> None:
    kind = KINDS[name]
    is_open = kind.status == "recounted"
    entry = criterion_in(json.loads((release / "manifest.json").read_text()))
    assert entry["status"] == kind.status
    whole = verify_release(release, internal=True).tables[0].criteria[1]
    assert whole.how == ("recounted" if is_open else "recounted from internal/")
    assert isinstance(whole.reached, float)
    assert verify_release(release).tables[0].criteria[1].reached == (whole.reached if is_open else None)
    for notches, holds in ((-1, True), (1, False)):
        limit = float(whole.reached + kind.strict * notches * 1e-9)
        reseal(
            release,
            lambda content, limit=limit: criterion_in(content)["parameters"].update({kind.key: limit}),
        )  # type: ignore[attr-defined,misc]
        if holds:
            verify_release(release, internal=True)
            continue
        with pytest.raises(VerificationFailed, match=r"'diagnosis'.*an equivalence class breaks"):
            verify_release(release, internal=True)
        if is_open:
            with pytest.raises(VerificationFailed, match="an equivalence class breaks"):
                verify_release(release)
        else:
            verify_release(release)  # nobody outside can tell: that is what attested means


@pytest.mark.parametrize("release", ATTESTED, indirect=True)
def test_what_compares_with_the_input_cannot_be_called_recounted(release: Path) -> None:
    reseal(release, lambda content: criterion_in(content).update(status="recounted"))
    with pytest.raises(VerificationFailed, match="needs more than the release"):
        verify_release(release)


@pytest.mark.parametrize("release", ["equal", "ordered", "hierarchical", "delta", "beta"], indirect=True)
def test_the_input_s_distribution_in_internal_must_be_there_and_fit(release: Path) -> None:
    path = release.parent / "internal" / "reference_ward_1.parquet"
    reference = pl.read_parquet(path)
    assert reference["people"].sum() == 60
    reference.filter(pl.col("value") != "I21.0").write_parquet(path)
    with pytest.raises(VerificationFailed, match="values that the input does not"):
        verify_release(release, internal=True)
    skewed = pl.when(pl.col("value") == "10-12").then(10**6).otherwise("people").alias("people")
    reference.with_columns(skewed).write_parquet(path)
    with pytest.raises(VerificationFailed, match="an equivalence class breaks"):
        verify_release(release, internal=True)
    path.unlink()
    with pytest.raises(InputMissing):
        verify_release(release, internal=True)
    verify_release(release)


@pytest.mark.parametrize("release", ["equal", "entropy"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        {"x": 1},
        {"t": "0.2", "l": "2"},
        {"t": True, "l": True},
        {"distance": "longest", "t": 0.2, "l": [2]},
    ],
)
def test_parameters_that_are_none_fail(release: Path, change: dict[str, object]) -> None:
    reseal(release, lambda content: criterion_in(content)["parameters"].update(change))  # type: ignore[attr-defined]
    with pytest.raises(VerificationFailed):
        verify_release(release)


@pytest.mark.parametrize("release", ATTESTED, indirect=True)
def test_nothing_released_tells_the_input_s_distribution(release: Path) -> None:
    """Neither as a file nor as a figure: a distance to the input would confirm guesses about it."""
    assert sorted(path.name for path in release.rglob("*") if path.is_file()) == [
        *("datapackage.json", "manifest.json", "ward.csv", "ward.parquet")
    ]
    entry = criterion_in(json.loads((release / "manifest.json").read_text()))
    assert entry.keys() == {"name", "column", "parameters", "status"}
