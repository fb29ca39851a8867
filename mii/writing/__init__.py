"""Released tables as FHIR R4 again, in the core dataset's profiles, and their literal re-reading.

`tables` says which columns have an element and gives rows with their ids; `placing` puts a cell where its
element is, or says why nothing stands there; `systems` names profiles, code systems and what is a code of
them; `persons`, `stays`, `events`, `labs` make one resource of one row; `resources` puts the lines together.
`rereading` makes the tables of the lines again, and shares none of this.
"""

from __future__ import annotations

from mii.writing.rereading import read_back
from mii.writing.resources import resources
from mii.writing.tables import COLUMNS, require_writable

__all__ = ["COLUMNS", "read_back", "require_writable", "resources"]
