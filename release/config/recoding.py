"""Which criteria can be kept class by class, as a rule of the config."""

from __future__ import annotations

from release.config.keys import Finding, Findings
from release.config.privacy import Privacy
from release.config.search import Search


def classes_can_be_recoded(privacy: Privacy, search: Search) -> Findings:
    """Recoding needs criteria about the data alone: the population's people have no levels of their own."""
    if search.recoding == "global":
        return
    for demand in (privacy.delta_presence, privacy.k_map):
        if demand is not None and demand.population is not None:
            name = demand.criterion.name
            yield Finding(
                ("search", "recoding"),
                f"cannot keep {name} with a population in this version; global recoding can",
                later=True,
            )
