"""A synthetic table for its reports: how it was made, as the config states it."""

from __future__ import annotations

from collections.abc import Iterator

from release.describing.stated_rules import stated_rules
from release.describing.treatment import synthetic_columns
from release.verifying.synthetic import VerifiedSynthetic
from release.verifying.verify import VerifiedRelease
from risk.facts import LinkedTable, Privacy, Synthesis, SyntheticTable


def synthetic_table(verified: VerifiedRelease, synthetic: VerifiedSynthetic) -> SyntheticTable:
    """The table and its settings; of the anonymised one only which criteria it keeps."""
    promise = synthetic.promise
    loss = promise.privacy_loss
    is_anonymised = promise.fit_on == "anonymised"
    told = Synthesis(
        method=promise.recipe.method,
        fit_on=promise.fit_on,
        privacy=None
        if loss is None
        else Privacy(loss["epsilon"], loss["delta"], int(loss["rows_per_person"])),
        rules=stated_rules(promise.recipe),
        criteria=verified.criteria if is_anonymised else (),
        filtered=promise.fit_on if promise.is_filtered else None,
        distilled=promise.is_distilled,
        fewest=promise.training.k if loss is None else None,
    )
    columns = synthetic_columns(promise.columns, synthetic.frame)
    return SyntheticTable(promise.name, synthetic.frame, columns, told, tuple(_events(synthetic)))


def _events(synthetic: VerifiedSynthetic) -> Iterator[LinkedTable]:
    for name, each in synthetic.promise.events.items():
        frame = synthetic.frames[name]
        yield LinkedTable(name, frame, synthetic_columns(each.columns, frame))
