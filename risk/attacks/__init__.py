"""What an attacker gains from a published table, measured by attacking it."""
