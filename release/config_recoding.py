"""Which criteria can be kept class by class, as a rule of the config."""

from __future__ import annotations

from anonymizer.counting.population import needs_population
from release.config_keys import Finding, Findings
from release.config_privacy import Privacy
from release.config_search import Search


def classes_can_be_recoded(privacy: Privacy, search: Search) -> Findings:
    """Recoding needs criteria about the data's classes: the population's people have no levels of their own."""
    if search.recoding == "global":
        return
    for name in sorted({c.name for c in privacy.criteria if needs_population([c])}):
        yield Finding(
            ("search", "recoding"), f"cannot keep {name} in this version; global recoding can", later=True
        )
