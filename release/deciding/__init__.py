"""What is done with a table: decided, then written.

The whole is `decision`, of parts that are each about one thing: `searching`, `recodings`, `averaging`,
`private_release`, `timing`, `linking` (of several tables). `writing` carries it out; where nothing can be
decided, `unmet` says why.
"""
