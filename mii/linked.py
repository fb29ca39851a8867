"""Patients that are one person: records that a hospital has merged, as ``Patient.link`` tells.

FHIR R4, value set link-type: a record that is ``replaced-by`` another one must no longer be used, and the
other ``replaces`` it. Counted as two people, one person would hide behind herself in a class of k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from anonymizer.errors import BadInput
from mii.records import Person
from mii.references import NOWHERE


@dataclass(frozen=True, slots=True)
class Links:
    """What links tell of an export's Patients.

    ``merged`` counts those that are the same person as another Patient of the export, or are replaced by one
    whom the link does not name. ``same_person`` counts those that tell by ``refer`` or ``seealso`` that
    another Patient of the export has data of the same person. ``heirs`` names for a merged record that the
    export does not hold the one that it does.
    """

    merged: int
    same_person: int
    heirs: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """The counts for the audit."""
        return {"patients_merged": self.merged, "patients_linked_as_same_person": self.same_person}


def links(persons: Mapping[str, Person], urns: Mapping[str, str]) -> Links:
    """The links of all ``persons``, by id; ``urns`` are the ids that ``urn:uuid:…`` stand for."""
    roots: dict[str, str] = {}
    unnamed = same_person = 0
    for identity, person in persons.items():
        for other in person.merged_with:
            unnamed += other == NOWHERE
            roots[_root(identity, roots)] = _root(urns.get(other, other) or identity, roots)
        named = {urns.get(other, other) for other in person.same_person} - {identity}
        same_person += any(one in persons for one in named)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for identity in list(roots):
        members[_root(identity, roots)].append(identity)
    held = {root: [one for one in own if one in persons] for root, own in members.items()}
    merged = sum(len(own) for own in held.values() if len(own) > 1)
    heirs = {one: own[0] for root, own in held.items() if len(own) == 1 for one in members[root]}
    return Links(merged + unnamed, same_person, heirs)


def refuse_merged(counts: Mapping[str, object]) -> None:
    """Raises ``BadInput`` where the counts of an export tell of merged Patients."""
    merged = counts["patients_merged"]
    if merged:
        raise BadInput(
            "Patient.link: merged records of one person would count as several people",
            count=int(str(merged)),
            hint="export the surviving Patient alone, and have the resources of all records name it",
        )


def _root(identity: str, roots: dict[str, str]) -> str:
    """The one that stands for all records that ``identity`` is merged with."""
    while (above := roots.setdefault(identity, identity)) != identity:
        roots[identity] = identity = roots[above]
    return identity
