"""Constraints: some hold by construction, as the table is rewritten before it is learned from.

cells       the table in the seven types that leave the house
spans       what lies outside a span is not learned from
orders      a column that is never less than another becomes what is added to that other
rare        what combinations are learned as that too few people have
joints      columns that belong together become one
rewriting   these steps one after the other, and back
rules       which constraints are checked row by row as rows are drawn
checking    every constraint and condition once more, counted literally on the finished table
"""
