"""An export's draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl

import mii
from anonymizer.errors import BadInput, ConsentMissing
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables import values
from release.drafting.elements import ELEMENTS, Element
from release.drafting.event_draft import WANTED, event_proposals
from release.drafting.measurements import MEASUREMENTS, Measurement
from release.drafting.proposing import fits
from release.drafting.wording import LEAST_TOLD, Proposal, Sections, counted, dropped, people_remarks

Labs = tuple[Measurement, ...]


def export_sections(path: Path, written: str, *, today: date) -> Sections:
    """The draft of the export at ``path``, which the config names as ``written``.

    Only patients whose consent holds are looked at. Where nobody's does, the elements alone decide, and a
    run of the draft will end with 77.

    Raises:
        InputMissing, BadInput: the export cannot be read, as a run of the draft would find.
    """
    frame, tables, labs = _read(path, today)
    proposals = tuple(_proposals(frame, today)) if frame is not None else tuple(_unseen())
    proposals += tuple(_measured(labs))
    source = {"path": written, "consent": "required", "row": "patient", "index_encounter": "first"}
    observations = {each.name: {"loinc": each.loinc, "unit": each.unit} for each in labs}
    is_diverse = any(each.column == "main_diagnosis" and "sensitive" in each.rule for each in proposals)
    demands = {"l_diversity": [_DIVERSE]} if frame is not None and is_diverse else {}
    return Sections(
        input={"mii": {**source, **({"observations": observations} if observations else {})}},
        input_remarks=(_NO_CONSENT,) if frame is None else (_CONSENT,),
        subject="patient_id",
        subject_remarks=(),
        proposals=proposals,
        privacy={"k_anonymity": LEAST_TOLD, **demands, "suppression_limit": 0.05},
        privacy_remarks=() if frame is None else people_remarks(frame.height, LEAST_TOLD),
        tables=event_proposals(tables, labs, proposals, today=today),
    )


_DIVERSE = {"column": "main_diagnosis", "kind": "distinct", "l": 2}
_CONSENT = "why: consent to research use is asked for; patients without it are left out"
_NO_CONSENT = (
    "CHECK: the export holds no consent that is valid now, so nothing of it was looked at, and a run ends "
    'with 77. Where the law allows the use without consent, write consent: {ignore: "why this is lawful"}.'
)


def _read(path: Path, today: date) -> tuple[pl.DataFrame | None, Mapping[str, pl.DataFrame], Labs]:
    """The table of those who consented, their events, and the measurements at least k people have.

    ``None``: nobody did.

    A measurement whose units in the export do not convert to its own is not asked for again.
    """
    labs: Labs = MEASUREMENTS
    while True:
        request = _request(labs, today)
        try:
            export = mii.read(path, request)
        except ConsentMissing:
            return None, {}, ()
        except BadInput as error:
            kept = tuple(each for each in labs if error.column != f"lab_{each.name}")
            if len(kept) == len(labs):
                raise
            labs = kept
        else:
            known = tuple(each for each in labs if _people_with(export.frame, each) >= LEAST_TOLD)
            return export.frame, export.tables, known


def _request(labs: Labs, today: date) -> mii.MiiRequest:
    return mii.MiiRequest(
        row="patient",
        index_encounter="first",
        observations={each.name: mii.Observation(each.loinc, each.unit) for each in labs},
        consent_required=True,
        retrospective=False,
        reference_date=today,
        consent_date=today,
        columns=frozenset({*ELEMENTS, *(_column_of(each) for each in labs)}),
        tables=WANTED,
    )


def _column_of(lab: Measurement) -> str:
    return f"lab_{lab.name}_last"


def _people_with(frame: pl.DataFrame, lab: Measurement) -> int:
    return frame.height - frame[_column_of(lab)].null_count()


def _proposals(frame: pl.DataFrame, today: date) -> Iterator[Proposal]:
    for name, element in ELEMENTS.items():
        yield _proposal(name, element, frame[name], today)


def _unseen() -> Iterator[Proposal]:
    """What the elements alone say, where no value may be looked at."""
    for name, element in ELEMENTS.items():
        if element.hierarchy is None:
            yield dropped(name, _because(element))
        else:
            yield _generalised(name, element, "not looked at")


def _proposal(name: str, element: Element, cells: pl.Series, today: date) -> Proposal:
    present = cells.len() - cells.null_count()
    if element.classes == "D" or (element.hierarchy is None and present):
        return dropped(name, _because(element))
    if not present:
        return dropped(name, f"{element.path} ({element.classes}): the export tells nothing of it")
    distinct = values.canonical(cells).drop_nulls().unique()
    if SUPPRESSED in distinct or not fits(element.hierarchy, distinct.to_list(), today):
        return dropped(name, f"{element.path} ({element.classes}): not all values fit", check=True)
    return _generalised(name, element, counted(distinct.len(), "different values"))


def _generalised(name: str, element: Element, told: str) -> Proposal:
    health = {"sensitive": True} if "S" in element.classes else {}
    rule = {"role": "quasi-identifier", **health, "hierarchy": element.hierarchy}
    return Proposal(name, rule, f"{element.path} ({element.classes}); {told}")


def _because(element: Element) -> str:
    return f"{element.path} ({element.classes}): {element.reason}"


def _measured(labs: Labs) -> Iterator[Proposal]:
    for each in labs:
        why = f"Observation {each.loinc} (S), in {each.unit}; cut to limits of clinical practice"
        yield Proposal(_column_of(each), {"role": "sensitive", "clip": each.clip}, why)
