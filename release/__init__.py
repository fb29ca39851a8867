"""One run: config → table → anonymised → verified → published, or nothing; and what can be checked later.

- The YAML file, its sections and the rules between them: `config`, `config_*`.
- The input as a table with roles: `source`, `columns`, `declarations`, `export_columns`, `time_columns`,
  `hierarchies`, `validity`, `dependencies`.
- What is decided about it: `searching`, `recodings`, `averaging`, `timing`, `private_release`; recorded in
  `promise`, or explained in `unmet` where nothing can be.
- The verifier, which shares no code with the search: `verify`, `replay`, `redraw`, `regroup`, `retime`,
  `labels`, `recoding_map`, `references`, `recount`, `verdicts`, `histograms`, `*_counts`.
- Files: `lock`, `permissions`, `staging`, `tables`, `csv_cells`.
- What a release says of itself: `treatment`, `criterion_entries`, `datapackage`, `manifest`.
- The last conditions and the one rename: `gate`, `publish`.
- A first config for a table or an export: the folder `drafting`.
- What is in an export or a table before anybody decides: `inspecting`, `table_findings`.
- The commands: `run`, `check`, `recheck`, `recheck_*`, `export`; `journal` and `progress` tell how a
  run goes on.
"""
