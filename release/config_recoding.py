"""Which criteria can be kept class by class, as a rule of the config."""

from __future__ import annotations

from collections.abc import Iterator

from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    DeltaPresence,
    KMAnonymity,
    KMap,
    PopulationUniqueness,
    SampleUniqueness,
)
from release.config_keys import Finding
from release.config_privacy import Privacy
from release.config_search import Search


def classes_can_be_recoded(privacy: Privacy, search: Search) -> Iterator[Finding]:
    """Recoding needs criteria about classes alone: the population has no levels of its own, and what holds of
    the release as a whole is not kept by keeping it in each class.
    """
    if search.recoding == "global":
        return
    for name in sorted({c.name for c in privacy.criteria if not _is_about_classes(c)}):
        yield Finding(
            ("search", "recoding"), f"cannot keep {name} in this version; global recoding can", later=True
        )


def _is_about_classes(criterion: Criterion) -> bool:
    match criterion:
        case AverageRisk() | SampleUniqueness() | PopulationUniqueness() | DeltaPresence() | KMAnonymity():
            return False
        case KMap():
            return criterion.smallest_class is not None
    return True
