"""References between resources, reduced to the id that they name."""

from __future__ import annotations

NOWHERE = ""
"""What a reference names that points to another type, to a contained resource or to nothing."""


def local_id(reference: str, kind: str) -> str:
    """The id named by ``Patient/x``, by an absolute URL or by ``urn:uuid:…`` (which stays as it is).

    The server's address does not count: an export has one source. A version (``/_history/2``) neither.
    """
    if reference.startswith("urn:"):
        return reference
    parts = reference.split("/_history/", 1)[0].split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == kind else NOWHERE


class Targets(dict[str, str]):
    """Maps a reference as written to the id it names, one shared string per target.

    It remembers: the hundred resources of a patient all name the patient, and looking a text up costs a
    tenth of taking it apart.
    """

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __missing__(self, reference: str) -> str:
        target = self[reference] = local_id(reference, self.kind)
        return target
