"""From the config's input to a table whose every column has a role.

- The table: `source`; its columns' roles and types: `columns`, `declarations`, `hierarchies`; one spelling
  for one value: `spelling`.
- Tables of events beside it: `events`, with the roles of `event_columns`.
- What columns' meanings allow: `families`, `export_columns`, `births`, `time_columns`, `event_dates`,
  `dependencies`; impossible values: `validity`.
"""
