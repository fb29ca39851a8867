"""The verifier: it shares no code with the search, and believes nothing but bytes, input and hierarchies.

- What a run has to keep: `promise`. The whole check: `verify`.
- The transformation once more, literally: `replay`, `cells`, `labels`, `recoding_map`, `redraw`, `regroup`,
  `retime`; for several tables `linked`, and `people` with their keys. What is compared with it: `rows`.
- A synthetic table, of which no criterion is promised: `synthetic`.
- Criteria counted anew: `recount`, `verdicts`, `references`, `histograms`, `code_set_counts`,
  `population_counts`, `sample_counts`; `criterion_entries` writes them down and reads them back.
"""
