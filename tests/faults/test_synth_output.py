"""`anon synth` on a disk that is full: nothing is left of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.errors import OutputFailed
from release import drawn_table
from release.drawn_table import Asked, draw
from tests.drawn_runs import people


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), OutputFailed("no")])
@pytest.mark.parametrize("name", ["drawn.csv", "drawn.parquet", "a.b.csv"])
def test_nothing_is_left_of_a_table_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, name: str
) -> None:
    def full(path: Path) -> None:
        assert path.exists()
        raise fault

    source = people(tmp_path, 40)
    monkeypatch.setattr(drawn_table, "sync", full)
    with pytest.raises(OutputFailed):
        draw(source, tmp_path / name, Asked(seed=1))
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_a_table_is_written_under_its_name(tmp_path: Path) -> None:
    source = people(tmp_path, 40)
    for name in ("drawn.csv", "a.b.parquet"):
        draw(source, tmp_path / name, Asked(seed=1))
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "drawn.csv", "a.b.parquet"}
