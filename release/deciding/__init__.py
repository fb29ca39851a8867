"""What is decided about a table: how it is generalised, recoded, averaged, sampled, moved in time.

`searching`, `recodings`, `averaging`, `private_release`, `timing`; where nothing can be decided, `unmet` says
why.
"""
