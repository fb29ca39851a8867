"""A decision carried out: the data files in the staging directory, and what they must now hold."""

from __future__ import annotations

from dataclasses import replace

from anonymizer.transforming.transformation import transform
from release.config.root import Config
from release.deciding.averaging import averaged, traceable
from release.deciding.decision import Decision
from release.deciding.linking import beside, released
from release.deciding.recodings import map_of
from release.files import fhir, tables
from release.files.shift_secret import keep_secret
from release.files.staging import Staging
from release.verifying.promise import Promise


def write(config: Config, decided: Decision, staging: Staging) -> Promise:
    """What the files that are now staged must hold.

    Raises:
        BadInput: a column that cannot be released.
        OutputFailed: writing failed.
    """
    keep_secret(staging, decided.timing)
    source, counts, found = decided.source, decided.counts, decided.found
    done = transform(
        traceable(config, beside(decided.dated.table, decided.histories)),
        counts,
        found.decision,
        config.criteria,
        suppressed=config.output.suppressed,
    )
    frame, groupings = averaged(config, decided.dated.table, done.frame)
    told = released(source, decided.histories, replace(done, frame=frame), config.criteria)
    formats = tuple(name for name in config.output.formats if name != fhir.FORMAT)
    for name, each in told.frames.items():
        tables.write(each, staging.data, name, formats)
    if formats != config.output.formats:
        fhir.write(told.frames, staging, config.reference_date)
    return Promise(
        table=source.table,
        table_name=source.name,
        formats=formats,
        fhir=None if formats == config.output.formats else config.reference_date,
        transformation=found.solution.transformation,
        criteria=config.criteria,
        suppression_limit=config.privacy.suppression_share,
        suppressed=config.output.suppressed,
        private=decided.private,
        groupings=groupings,
        removed_codes=told.removed_codes,
        recoding=map_of(config, source.table, counts, found.recoding),
        timing=decided.timing,
        events=source.events,
    )
