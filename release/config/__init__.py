"""The config: a YAML file, its sections, and the rules between them.

- The whole: `root`; the file, its lines and its errors in words: `document`, `problems`.
- The sections: `columns`, `declared`, `tables`, `privacy`, `guarantees`, `risks`, `search`, `metric`,
  `recoding`, `time`, `synthesis`, `utility`, and the small ones in `sections`; what their keys are made
  of: `keys`.
- Which keys go together: `rules`, `guarantee_rules`, `event_rules`, `synthesis_rules`.
"""
