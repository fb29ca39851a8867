"""Columns by declaration: SQL on FHIR v2 ViewDefinitions and the FHIRPath that they are written in.

- FHIRPath: `lexer`, `parser`, `syntax` (the tree), `evaluating` with `operators`, `elements`, `temporal`.
- Views: `definition` reads and checks one, `running` makes rows and a typed frame of resources.
- Columns of a table: `declaring` (one by one, as a view of their own), `keyed` (a view of patients, and what
  of it may be released, with `releasable` and `shapes`); `origins` (what of a resource a column tells, with
  `root_elements`), `ages` and `families`; `harvesting` reads the export for them, with `walking`, `subjects`
  and `medications`; `joining` and `adding` make the columns.
"""
