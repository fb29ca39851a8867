"""Goes through an export once more and keeps what views say of the resources they ask for.

A view may ask for any element, so its resources are decoded whole; no others are, and this reading takes
place only where there are views. The first reading has checked the same bytes before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from anonymizer.errors import BadInput
from mii.dates import moments
from mii.references import local_id
from mii.streaming import Limits
from mii.views.medications import Medications
from mii.views.running import Row, Runner
from mii.views.subjects import facts
from mii.views.walking import walk

_SCHEMA: Mapping[str, Any] = {
    **dict.fromkeys(("type", "id", "updated", "patient", "encounter", "start", "end"), pl.String),
    "is_period": pl.Boolean,
    **dict.fromkeys(("void", "found"), pl.String),
}
_OTHER = dict.fromkeys(("type", "id", "updated"), pl.String)
_FLUSH_ROWS = 1 << 12
_ESCAPE = b"\\u"
_ELSEWHERE = b'"medicationReference"'


@dataclass(frozen=True, slots=True)
class Sought:
    """A view under its name in the table.

    Without one of the bytes of ``hints`` a resource gives no row. One that ``follows`` sees with an event the
    codes of the Medication that it names.
    """

    name: str
    runner: Runner
    hints: tuple[bytes, ...] | None = None
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What one view says of a resource: its rows. ``patient`` and ``encounter`` are ids, or empty."""

    id: str
    patient: str
    encounter: str
    start: str | None
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What was found: a row for each resource of which some view has rows, and ids that ``urn:`` stand for.

    ``resources`` has the columns type, id, patient, encounter (ids), start, end, is_period, void and found:
    for each of the type's views its rows, as JSON. ``counts`` tell of references to Medications: of those
    followed, and of those that are not, because a ViewDefinition sees one resource at a time.
    """

    resources: pl.DataFrame
    urns: Mapping[str, str]
    counts: Counter[str]

    def of(self, kind: str, position: int) -> Iterator[Told]:
        """What the view at ``position`` among those of a type says."""
        own = self.resources.filter(pl.col("type") == kind)
        for identity, patient, encounter, start, found in own.select(
            "id", "patient", "encounter", "start", "found"
        ).iter_rows():
            rows = msgspec.json.decode(found)[position]
            yield Told(identity, patient or "", encounter or "", start, rows)


def harvest(path: Path, views: Sequence[Sought], limits: Limits) -> Harvest:
    """What ``views`` say of the export at ``path``, each resource once, the one updated last.

    Raises ``BadInput`` where a resource has no id or does not fit a view.
    """
    harvester = _Harvester(views)
    harvester.read(path, limits)
    return harvester.finish()


class _Frames:
    """Rows that become compact columns a few thousand at a time."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = dict(schema)
        self._rows: list[tuple[Any, ...]] = []
        self._frames: list[pl.DataFrame] = []

    def add(self, row: tuple[Any, ...]) -> None:
        """Takes in one row."""
        self._rows.append(row)
        if len(self._rows) >= _FLUSH_ROWS:
            self._flush()

    def finish(self) -> pl.DataFrame:
        """All rows."""
        self._flush()
        return pl.concat(self._frames)

    def _flush(self) -> None:
        self._frames.append(pl.DataFrame(self._rows, schema=self._schema, orient="row"))
        self._rows = []


@dataclass(slots=True)
class _Harvester:
    """Takes in documents; `finish` gives what was kept of them."""

    views: Sequence[Sought]
    urns: dict[str, str] = field(default_factory=dict)
    unfollowed: int = 0
    medications: Medications | None = None
    told: _Frames = field(default_factory=lambda: _Frames(_SCHEMA))
    others: _Frames = field(default_factory=lambda: _Frames(_OTHER))
    by_type: dict[str, list[Sought]] = field(init=False)
    json: Callable[[bytes], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.by_type = {view.runner.resource: [] for view in self.views}
        for view in self.views:
            self.by_type[view.runner.resource].append(view)
        self.json = msgspec.json.Decoder(float_hook=Decimal).decode

    def read(self, path: Path, limits: Limits) -> None:
        """Takes in an export."""
        if any(view.follows for view in self.views):
            self.medications = Medications(path, limits, self.urns)
        walk(path, limits, dict.fromkeys(self.by_type, self._keep), self.urns)

    def finish(self) -> Harvest:
        """What was kept, each resource once."""
        told, others = self.told.finish(), self.others.finish()
        for frame in (told, others):
            if nameless := frame.filter(pl.col("id").is_null())["type"].unique().sort().to_list():
                raise BadInput(f"{nameless[0]}: a resource has no id")
        latest = _latest(told, others)
        named = {
            name: _named(latest[name], kind, self.urns)
            for name, kind in (("patient", "Patient"), ("encounter", "Encounter"))
        }
        resources = latest.with_columns(**named).drop("updated").sort("type", "id")
        counts = Counter({"medications_named_by_reference": self.unfollowed})
        if self.medications is not None:
            counts += self.medications.counts
        return Harvest(resources, self.urns, counts)

    def _keep(self, kind: str, identity: str | None, updated: str | None, document: bytes) -> None:
        """A resource that gives no row is kept too: it may be the newer one of two with the same id."""
        views = self.by_type[kind]
        self.unfollowed += _ELSEWHERE in document and not all(view.follows for view in views)
        found: list[list[Row]] = []
        if any(_may_give(view, document) for view in views):
            resource = self.json(document)
            resource["id"] = identity
            found = [_rows(view, self._seen_by(view, resource)) for view in views]
        if any(found):
            told = facts(resource)
            dated = (told.patient, told.encounter, told.start, told.end, told.is_period, told.void)
            payload = msgspec.json.encode(found).decode()
            self.told.add((kind, identity, updated, *dated, payload))
        else:
            self.others.add((kind, identity, updated))

    def _seen_by(self, view: Sought, resource: dict[str, Any]) -> dict[str, Any]:
        return self.medications.seen_from(resource) if view.follows and self.medications else resource


def _latest(told: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Of each resource that gives a row the version updated last, unless one of ``others`` is later still.

    Of versions of one time the choice depends on the content alone, never on the order of files.
    """
    key, content = ("type", "id"), [name for name in told.columns if name != "updated"]
    told, others = (frame.with_columns(moments(frame["updated"])) for frame in (told, others))
    several = told.sort("updated", *content, nulls_last=False)
    chosen = several.unique(key, keep="last", maintain_order=True)
    empty = others.join(chosen, on=key, how="semi").group_by(key).agg(pl.col("updated").max().alias("later"))
    is_later = (pl.col("later") > pl.col("updated")).fill_null(pl.col("later").is_not_null())
    return chosen.join(empty, on=key, how="left").filter(~is_later).drop("later")


def _may_give(view: Sought, document: bytes) -> bool:
    if view.hints is None or _ESCAPE in document or (view.follows and _ELSEWHERE in document):
        return True
    return any(hint in document for hint in view.hints)


def _rows(view: Sought, resource: Mapping[str, Any]) -> list[Row]:
    try:
        return view.runner.rows(resource)
    except BadInput as error:
        raise BadInput(f"{view.name}: {error.rule}", column=error.column) from None


def _named(references: pl.Series, kind: str, urns: Mapping[str, str]) -> pl.Series:
    texts = references.drop_nulls().unique()
    ids = [urns.get(found := local_id(text, kind), found) or None for text in texts]
    told = pl.Series(ids, dtype=pl.String)
    return references.replace_strict(texts, told, default=None, return_dtype=pl.String)


def positions(views: Iterable[Sought]) -> dict[str, tuple[str, int]]:
    """By the name of each view, the type of its resources and its place among that type's views."""
    counts: dict[str, int] = {}
    places = {}
    for view in views:
        kind = view.runner.resource
        places[view.name] = (kind, counts.get(kind, 0))
        counts[kind] = counts.get(kind, 0) + 1
    return places
