"""From what the config says about a hierarchy to the hierarchy itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from anonymizer.hierarchies.dates import dates
from anonymizer.hierarchies.hierarchy import Hierarchy, bands, prefix, suppression
from anonymizer.hierarchies.hierarchy_file import from_file
from mii import codesystems
from release.config.columns import BandsSpec, DatesSpec, FileSpec, HierarchySpec, IcdSpec, PrefixSpec

FIRST_DAY = date(1900, 1, 1)

_BUILT_IN: Mapping[str, Callable[[], Hierarchy]] = {
    "suppression": suppression,
    "icd-10-gm": codesystems.icd_10_gm,
    "ops": codesystems.ops,
    "atc": codesystems.atc,
    "plz": codesystems.plz,
    "ags": codesystems.ags,
}


def build(spec: HierarchySpec, *, reference_date: date) -> Hierarchy:
    """The hierarchy that ``spec`` describes; dates reach from 1900 to ``reference_date`` unless it says else.

    Raises:
        InputMissing: its file does not exist.
        BadConfig: its file is no hierarchy, or its parameters are inconsistent.
    """
    match spec:
        case BandsSpec():
            return bands(spec.bands, top=spec.top, bottom=spec.bottom, bottom_group=spec.bottom_group)
        case DatesSpec(domain=None):
            return dates(spec.date, first=FIRST_DAY, last=reference_date)
        case DatesSpec(domain=days):
            assert days is not None  # the case above
            return dates(spec.date, first=days.first, last=days.last)
        case PrefixSpec():
            return prefix(spec.prefix, length=spec.length)
        case FileSpec():
            return from_file(spec.file, delimiter=spec.delimiter)
        case IcdSpec():
            return codesystems.icd_10_gm(spec.icd_10_gm.ranges)
    return _BUILT_IN[spec]()
