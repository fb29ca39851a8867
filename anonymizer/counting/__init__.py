"""The table as distinct tuples and equivalence classes, with the people they count."""
