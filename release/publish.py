"""Publication: the papers that go with the data, the manifest last, then one rename."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anonymizer.errors import VerificationFailed
from release.describing import datapackage, manifest
from release.describing.manifest import ANONYMISED, Leaving, Statement
from release.describing.treatment import KEY, released_columns, synthetic_columns
from release.files import tables
from release.files.fhir import is_fhir
from release.files.staging import Staging
from release.gate import PassedGate
from release.verifying.synthetic import VerifiedSynthetic
from release.verifying.verify import VerifiedRelease

PAPERS = {"release_report.html", datapackage.FILE}
EVIDENCE = "evidence_{table}"
"""In ``internal/``: the released rows with their people and base values, for ``anon verify --internal``."""
REFERENCE = "reference_{table}_{position}"
"""In ``internal/``: what the criterion at this position compares with."""


def publish(
    verified: VerifiedRelease,
    gate: PassedGate,
    statement: Statement,
    *,
    leaving: Leaving = ANONYMISED,
    announce: Callable[[], None] = lambda: None,
) -> Path:
    """The published folder, complete and on disk, with the tables that are ``leaving``. ``announce`` is
    called last before the rename: if the result cannot be told, nothing is published.

    The verified release and the passed gate are asked for, and nothing else can construct them: forgetting
    to check is a type error.

    Raises:
        VerificationFailed: the staged files are not what was verified.
        OutputExists: the release folder has appeared meanwhile.
        OutputFailed: the disk refused; nothing was published.
    """
    if not isinstance(verified, VerifiedRelease) or not isinstance(gate, PassedGate):
        raise TypeError("publish() takes a VerifiedRelease and a PassedGate")
    staging = verified.staging
    if leaving.anonymised:
        _keep_evidence(staging, verified)
    else:
        _withhold(staging, verified)
    _write_package(staging, verified, leaving, statement.name)
    _refuse_strays(staging, verified, leaving)
    content = manifest.encode(manifest.build(staging.release, verified, statement, leaving))
    staging.write(f"release/{manifest.FILE}", content)
    announce()
    return staging.commit()


def _keep_evidence(staging: Staging, verified: VerifiedRelease) -> None:
    """What an attested criterion rests on. People are numbered anew: no id of theirs is stored."""
    if all(criterion.status == "recounted" for criterion in verified.criteria):
        return
    rows = verified.evidence.sort([name for name in verified.evidence.columns if name != "person"])
    people = rows["person"].drop_nulls().unique(maintain_order=True)
    numbers = rows["person"].replace_strict(people, range(len(people)), default=None)
    table = verified.promise.table_name
    kept = {EVIDENCE.format(table=table): rows.with_columns(person=numbers)}
    for position, reference in verified.references.items():
        kept[REFERENCE.format(table=table, position=position)] = reference
    for name, frame in kept.items():
        tables.write(frame, staging.internal, name, ["parquet"])


def _withhold(staging: Staging, verified: VerifiedRelease) -> None:
    """Remove the anonymised table before it can leave."""
    for name in verified.digests:
        staging.remove(f"release/{name}")


def _write_package(staging: Staging, verified: VerifiedRelease, leaving: Leaving, name: str) -> None:
    in_fhir = tuple(filter(is_fhir, sorted(verified.digests))) if leaving.anonymised else ()
    described = _described(verified) if leaving.anonymised else []
    if (synthetic := leaving.synthetic) is not None:
        described += _drawn(synthetic)
    package = datapackage.build(name, described, verified.promise.formats, in_fhir)
    staging.write(f"release/{datapackage.FILE}", datapackage.encode(package))


def _described(verified: VerifiedRelease) -> list[datapackage.Described]:
    promise, people = verified.promise, verified.promise.table_name
    columns = released_columns(promise, tables.types(verified.frame))
    if not promise.events:
        return [datapackage.Described(people, columns)]
    events = (
        (name, released_columns(promise.of_events(name), tables.types(frame)))
        for name, frame in verified.events.items()
    )
    return [
        datapackage.Described(name, (KEY, *told), KEY.name, people)
        for name, told in ((people, columns), *events)
    ]


def _drawn(synthetic: VerifiedSynthetic) -> list[datapackage.Described]:
    promise = synthetic.promise
    columns = synthetic_columns(promise.columns, synthetic.frame)
    if not promise.events:
        return [datapackage.Described(promise.name, columns)]
    tables_ = {promise.name: columns} | {
        name: synthetic_columns(each.columns, synthetic.frames[name]) for name, each in promise.events.items()
    }
    return [
        datapackage.Described(name, (KEY, *told), KEY.name, promise.name) for name, told in tables_.items()
    ]


def _refuse_strays(staging: Staging, verified: VerifiedRelease, leaving: Leaving) -> None:
    """A file nobody declared must not leave the house by lying in the right folder."""
    found = {
        path.relative_to(staging.release).as_posix()
        for path in staging.release.rglob("*")
        if not path.is_dir()
    }
    strays = found - PAPERS - set(leaving.digests(verified))
    if strays:
        raise VerificationFailed("undeclared files lie in the staged release", count=len(strays))
