"""From a table to codes and back: what fewer than k people have is merged, banded or cut here."""
