"""From a transformation to the table that is released."""
