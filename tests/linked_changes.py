"""Changes to a release of linked tables, each of which makes it another than was promised."""

from __future__ import annotations

import polars as pl

from tests.linked_release import CANARY, Change, Frames, in_order

NOBODY = "0123456789abcdef"


def _two_people(frames: Frames) -> tuple[str, str]:
    """Two people of one class with other diagnoses; the first has some of I21."""
    told = frames["patients"].join(
        frames["diagnoses"].group_by("person").agg(pl.col("icd").sort().cast(pl.String)), on="person"
    )
    rows = told.sort("sex", "person").rows(named=True)
    one = next(row for row in rows if "I21" in row["icd"])
    other = next(row for row in rows if row["sex"] == one["sex"] and row["icd"] != one["icd"])
    return one["person"], other["person"]


def _with(frames: Frames, name: str, frame: pl.DataFrame) -> Frames:
    return in_order({**frames, name: frame})


def _first(frames: Frames, name: str, cell: pl.Expr) -> Frames:
    """The first row that has its first column's value changed to ``cell``."""
    place = pl.int_range(pl.len()) == 0
    column = cell.meta.output_name()
    return _with(
        frames, name, frames[name].with_columns(pl.when(place).then(cell).otherwise(column).alias(column))
    )


def _added(frames: Frames, name: str, **cells: object) -> Frames:
    """One row more, like the first but for some cells."""
    row = frames[name].head(1).with_columns(pl.lit(cell).alias(column) for column, cell in cells.items())
    return _with(frames, name, pl.concat([frames[name], row.cast(dict(frames[name].schema))]))


def swap_two_peoples_events(frames: Frames) -> Frames:
    """Two people of one class have one another's events: every table and every class stays as it is."""
    one, other = _two_people(frames)
    swapped = {
        name: frames[name].with_columns(pl.col("person").replace({one: other, other: one}))
        for name in ("diagnoses", "labs")
    }
    return in_order({**frames, **swapped})


def move_an_event(frames: Frames) -> Frames:
    """One event is another person's."""
    one, other = _two_people(frames)
    moved = pl.int_range(pl.len()) == pl.arg_where(pl.col("person") == one).first()
    return _with(
        frames,
        "diagnoses",
        frames["diagnoses"].with_columns(
            pl.when(moved).then(pl.lit(other)).otherwise("person").alias("person")
        ),
    )


def drop_an_event(frames: Frames) -> Frames:
    return _with(frames, "labs", frames["labs"].slice(1))


def add_an_event(frames: Frames) -> Frames:
    return _added(frames, "labs")


def drop_a_patient(frames: Frames) -> Frames:
    """With all events, as if suppressed."""
    who = frames["patients"]["person"][0]
    return {name: frame.filter(pl.col("person") != who) for name, frame in frames.items()}


def ungeneralise_an_event(frames: Frames) -> Frames:
    """One diagnosis shows more than was decided."""
    frame = frames["diagnoses"]
    place = frame.with_row_index().filter(pl.col("icd") == "I21")["index"][0]
    codes = frame["icd"].to_list()
    codes[place] = "I21.0"
    return _with(frames, "diagnoses", frame.with_columns(icd=pl.Series(codes)))


def restore_a_rare_event(frames: Frames) -> Frames:
    """A diagnosis stands again where its class had to lose it."""
    return _added(frames, "diagnoses", icd="C50", note="a")


def keep_another_of_several_alike(frames: Frames) -> Frames:
    """Another one remains than the digests say: its note is different."""
    return _first(frames, "diagnoses", pl.lit("d").alias("note"))


def unclip_a_value(frames: Frames) -> Frames:
    frame = frames["labs"]
    values = frame["value"].to_list()
    values[values.index(300.0)] = 411.5
    return _with(frames, "labs", frame.with_columns(value=pl.Series(values)))


def shift_a_day(frames: Frames) -> Frames:
    return _with(frames, "labs", frames["labs"].with_columns(pl.col("seen") + 1))


def duplicate_a_key(frames: Frames) -> Frames:
    """Two patients are told by one key in every table."""
    one, other = _two_people(frames)
    return in_order({n: f.with_columns(pl.col("person").replace({one: other})) for n, f in frames.items()})


def change_a_key_in_one_table(frames: Frames) -> Frames:
    one, _ = _two_people(frames)
    return _with(frames, "patients", frames["patients"].with_columns(pl.col("person").replace({one: NOBODY})))


def add_an_event_of_nobody(frames: Frames) -> Frames:
    return _added(frames, "labs", person=NOBODY)


def keep_a_suppressed_persons_event(frames: Frames) -> Frames:
    """The patient left and a diagnosis stayed."""
    return _added(frames, "diagnoses", person=NOBODY, note=CANARY)


def write_keys_in_capitals(frames: Frames) -> Frames:
    return in_order({n: f.with_columns(pl.col("person").str.to_uppercase()) for n, f in frames.items()})


def lose_a_key(frames: Frames) -> Frames:
    """An event names nobody."""
    return _first(frames, "labs", pl.lit(None, dtype=pl.String).alias("person"))


def reorder_events(frames: Frames) -> Frames:
    return {**frames, "labs": frames["labs"].reverse()}


def reorder_patients(frames: Frames) -> Frames:
    return {**frames, "patients": frames["patients"].reverse()}


def add_an_identifier(frames: Frames) -> Frames:
    return {**frames, "labs": frames["labs"].with_columns(patient_id=pl.lit("P001"))}


EVERY_CHANGE: tuple[tuple[Change, str], ...] = (
    (swap_two_peoples_events, "rows and events together"),
    (move_an_event, "rows and events together"),
    (drop_an_event, r"released rows are not those .* gives \(1 time\)"),
    (add_an_event, r"released rows are not those .* gives \(1 time\)"),
    (drop_a_patient, "released rows are not those"),
    (ungeneralise_an_event, r"column 'icd': cells are no labels of level 1.*\(1 time\)"),
    (restore_a_rare_event, "released rows are not those"),
    (keep_another_of_several_alike, "column 'note': released rows are not those"),
    (unclip_a_value, "column 'value': released rows are not those"),
    (shift_a_day, "column 'seen': released rows are not those"),
    (duplicate_a_key, r"column 'person': people share a key \(1 time\)"),
    (change_a_key_in_one_table, "people who are not released"),
    (add_an_event_of_nobody, "released rows are not those"),
    (keep_a_suppressed_persons_event, "released rows are not those"),
    (write_keys_in_capitals, "not 16 hexadecimal digits"),
    (lose_a_key, "people who are not released"),
    (reorder_events, "not sorted"),
    (reorder_patients, "not sorted"),
    (add_an_identifier, "header|columns that the schema does not name"),
)
"""Each change and what the verifier of a run says of it."""
