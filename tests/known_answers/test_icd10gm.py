"""Blocks and chapters of ICD-10-GM against the official ranges (BfArM, ICD-10-GM 2017)."""

from __future__ import annotations

import csv

from mii.codesystems import BLOCKS, icd_10_gm
from tests.conftest import SHARED, needs_shared

TENS, ONES = ("", "X", "XX"), ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
ROMAN = [TENS[number // 10] + ONES[number % 10] for number in range(1, 23)]


@needs_shared
def test_the_blocks_are_the_official_ones() -> None:
    with (SHARED / "data/codesystems/icd10gm2017_blocks_ranges.csv").open(encoding="utf-8") as file:
        official = {
            (row["block_first"], row["block_last"], ROMAN[int(row["chapter"]) - 1])
            for row in csv.DictReader(file)
        }
    assert {(block.first, block.last, block.chapter) for block in icd_10_gm().blocks} == official


def test_there_are_241_blocks_in_22_chapters() -> None:
    blocks = icd_10_gm().blocks
    assert len(blocks) == 241
    assert {block.chapter for block in blocks} == set(ROMAN)


def test_the_table_names_its_publisher_and_edition() -> None:
    head = BLOCKS.read_text("utf-8").splitlines()[:2]
    assert "BfArM" in head[1]
    assert "ICD-10-GM 2017" in head[1]
