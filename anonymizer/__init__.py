"""Tables made anonymous; nothing here knows of configs, releases or exports.

A room imports only what stands above it; `tests/spec/test_rooms.py` keeps that so.

    errors, compiled     every error and its exit code; how kernels are compiled
    seeds                random generators, one for each purpose
    criteria, metrics    what a release must keep, and what is to be lost least: data only
    distances            how far apart two records are, and the exact search for the nearest ones
    hierarchies          what a value becomes at each level
    tables               CSV and Parquet in, columns with roles out
    counting             distinct tuples, equivalence classes, and the people they count
    private              differential privacy: a random sample, levels by the exponential mechanism
    judging, measuring   which classes break a criterion; what a lattice node loses
    search, recoding     one level per column, proven best; or a level per class and column
    transforming         from what was decided to the rows that are released
"""
