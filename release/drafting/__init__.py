"""A first config for a table or an export: what its columns are, proposed from what can be seen of them.

- What is looked at: names (`vocabulary`), values (`patterns`, `profile`), for CSV how the file is written
  (`dialect`).
- What is proposed: `proposing` for a table's columns, `elements` for an export's, `measurements` for
  laboratory values, `event_draft` for events as tables of their own; who a row is about: `people`.
- `table_draft` and `export_draft` put it together, `wording` writes it as YAML, and `draft` is `anon init`.

One rule stands above all: a column that is not recognised with certainty is an identifier, which is dropped.
"""
