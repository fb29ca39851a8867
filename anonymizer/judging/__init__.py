"""Which classes break a criterion, decided exactly."""
