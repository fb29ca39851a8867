"""All attacks on one table, some of whose labels nobody can read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from risk.attacks.battery import attack
from risk.results import Attack, Marked
from tests.attack_scenes import anonymised, data

SCENE = anonymised(data(60), width=20)
NOT_READ = "not found in the original"


def attacked(*unaligned: str) -> dict[str, Attack]:
    return {each.name: each for each in attack(replace(SCENE, unaligned=unaligned), "quick")}


def refused(marks: Marked) -> bool:
    return marks.figure.high is None and NOT_READ in marks.figure.method


def test_nothing_is_estimated_where_no_attacker_can_be_told_from_a_blind_one() -> None:
    for each in attacked("age", "sex").values():
        assert refused(each.headline), each.name
        assert "2 columns" in each.headline.figure.method
        assert all(refused(part) for part in each.parts.values())
        assert each.headline.control is None


def test_attacks_by_quasi_identifiers_stand_where_only_another_column_is_not_read() -> None:
    found = attacked("lab")
    standing = {name for name, each in found.items() if not refused(each.headline)}
    assert standing == {"singling_out", "rep_u", "linkage"}
    assert refused(found["singling_out"].parts["all_attributes"])
    assert not refused(found["singling_out"].parts["people"])


@pytest.mark.parametrize("name", ["linkage", "disco", "copies_exact", "membership_tpr_1"])
def test_where_all_labels_are_read_every_figure_stands(name: str) -> None:
    assert not refused({each.name: each for each in attack(SCENE, "quick")}[name].headline)
