"""One run: config → table → anonymised → verified → published, or nothing; and what can be checked later.

The rooms, each importing only those before it:

- `files`: the staging directory, its lock and permissions, data files.
- `config`: the YAML file and its rules.
- `intake`: the input as a table with roles.
- `verifying`: the verifier, which shares no code with the search.
- `deciding`: what is done to the table.
- `describing`: what a release says of itself.
- `drafting`: a first config for a table or an export.
- `synthesising`: people who are held out, and a synthetic table.

The commands: `run`, with `assessing` its risk and utility, its last conditions and the one rename (`gate`,
`publish`), `check`, `recheck` with `recheck_guarantees` and `recheck_linked`, `export`, `inspecting` with
`table_findings`; `assessed_table` with `foreign` and `aligning` for a table made elsewhere, `comparing` of
releases and `sweeping` over a config's values, `drawn_table` for synthesis alone; `journal` and
`progress` tell how a run goes on, `console` is what the terminal and the operating system give every command.
"""
