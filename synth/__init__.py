"""Synthetic tables: fitted to a table and drawn anew, so that no released row is anybody's.

No method ever sees a cell. A table is coded first: categories of fewer than k people are merged into coarser
ones, numbers and days become bands that hold k people or more, and what a method learns and draws are the
numbers of categories and bands alone. A room imports only what stands above it; `tests/spec/test_rooms.py`
keeps that so.

    variables     what is told of the columns, and the table that is learned from
    recipe        how it is to be synthesised
    axes          the coded table, as methods see it
    coding        from a table to codes and back
    methods       the synthesisers: codes in, codes out
    rewriting     constraints that hold by construction, and the check of all of them
    conditions    what rows are asked for
    asking        the codes that rows as asked for may have
    dispatch      a method by its name
    synthesis     fitted as a recipe says; sampled, filtered, distilled
    longitudinal  patients with their events, table by table
"""
