"""Solve one fixed table and print what came out, for tests that run it under other circumstances."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict, replace
from fractions import Fraction

import polars as pl

from anonymizer.compiled import cache_directory
from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import transform

ROWS = 2_000


def table() -> Table:
    """Two thousand rows of fifteen hundred people, from a fixed seed."""
    rng = random.Random(20261122)
    cells = {
        "sex": rng.choices(["f", "m", "d", None], weights=[48, 48, 1, 3], k=ROWS),
        "age": [str(int(rng.triangular(0, 100, 70))) for _ in range(ROWS)],
        "plz": [f"{int(rng.paretovariate(0.5)) * 37 % 100_000:05}" for _ in range(ROWS)],
        "diagnosis": rng.choices(["I10", "I50", "E11", "C50", None], weights=[9, 5, 4, 1, 1], k=ROWS),
        "patient": [f"p{rng.randrange(1_500)}" for _ in range(ROWS)],
    }
    columns = (
        Column("sex", Role.QUASI_IDENTIFIER, suppression()),
        Column("age", Role.QUASI_IDENTIFIER, bands([5, 10, 20], top=90)),
        Column("plz", Role.QUASI_IDENTIFIER, prefix([3, 2, 1]), weight=2.0),
        Column("diagnosis", Role.SENSITIVE, sensitive=True),
        Column("patient", Role.IDENTIFIER),
    )
    return Table(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)), columns, "patient")


def main() -> None:
    """Print the solution and the released bytes' digest as JSON, the clock left out."""
    task = table()
    criteria: list[Criterion] = [KAnonymity(5), DistinctLDiversity("diagnosis", 2)]
    counts = count(task, criteria)
    solution = search(counts, criteria, Fraction(1, 50))
    released = transform(task, counts, solution, criteria).frame.write_csv().encode()
    result = {
        "solution": asdict(replace(solution, seconds=0.0)),
        "released": hashlib.sha256(released).hexdigest(),
        "threads": pl.thread_pool_size(),
        "cached": cache_directory() is not None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
