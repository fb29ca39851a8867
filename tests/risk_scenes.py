"""Changes to each key of the criteria on risks, as ``tests.key_scenes`` has them for the other keys."""

from __future__ import annotations

from typing import Any

from tests.key_scenes import AGE, KEPT, SEX, Change, Data, refused, table

CODES: Data = {**KEPT, "type": "codes", "accept_dependency": True}
UNIQUE: Data = {"limit": 0.02, "sampling_fraction": 0.4}
MAP: Data = {"k": 12, "population": "population.csv"}
SAMPLED: Data = {"k": 9, "sampling_fraction": 0.01}
PRESENCE: Data = {"lower": 0.0, "upper": 0.5, "population": "population.csv"}
KNOWN: Data = {"column": "codes", "k": 3, "m": 1}


def risking(**criteria: Any) -> Data:
    """A plain table's config with these criteria, under which four of ten people may be suppressed."""
    columns = {"sex": SEX, "age": AGE, "stage": CODES, "codes": CODES}
    return table(columns, privacy={"suppression_limit": 0.4, **criteria})


RISK_CHANGES: dict[str, Change] = {
    "privacy.average_risk": Change(0.5, risking(average_risk=0.1)),
    "privacy.max_risk": Change(0.5, risking(max_risk=0.1)),
    "privacy.sample_uniqueness": Change(0.5, risking(sample_uniqueness=0.05)),
    "privacy.population_uniqueness": Change({**UNIQUE, "limit": 0.5}, risking(population_uniqueness=UNIQUE)),
    "privacy.population_uniqueness.limit": Change(0.5, risking(population_uniqueness=UNIQUE)),
    "privacy.population_uniqueness.sampling_fraction": Change(0.02, risking(population_uniqueness=UNIQUE)),
    "privacy.k_map": Change({**MAP, "k": 40}, risking(k_map=MAP)),
    "privacy.k_map.k": Change(40, risking(k_map=MAP)),
    "privacy.k_map.population": refused(
        Change("people.csv", risking(k_map={"k": 100, "population": "population.csv"})),
        10,
        "no transformation",
    ),
    "privacy.k_map.sampling_fraction": Change(0.9, risking(k_map=SAMPLED)),
    "privacy.km_anonymity": Change({**KNOWN, "k": 9}, risking(km_anonymity=KNOWN)),
    "privacy.km_anonymity.column": Change("stage", risking(km_anonymity=KNOWN)),
    "privacy.km_anonymity.k": Change(9, risking(km_anonymity=KNOWN)),
    "privacy.km_anonymity.m": Change(3, risking(km_anonymity=KNOWN)),
    "privacy.km_anonymity.repair": Change("suppress-class", risking(km_anonymity=KNOWN)),
    "privacy.delta_presence": Change({**PRESENCE, "upper": 0.35}, risking(delta_presence=PRESENCE)),
    "privacy.delta_presence.lower": Change(0.3, risking(delta_presence=PRESENCE)),
    "privacy.delta_presence.upper": Change(0.35, risking(delta_presence=PRESENCE)),
    "privacy.delta_presence.population": refused(
        Change("people.csv", risking(delta_presence=PRESENCE)), 10, "no transformation"
    ),
}
