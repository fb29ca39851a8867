"""From the config's input to a table whose every column has a role.

- The table: `source`; its columns' roles and types: `columns`, `declarations`, `hierarchies`.
- What its columns' meanings allow: `export_columns`, `births`, `time_columns`, `dependencies`; impossible
  values: `validity`.
"""
