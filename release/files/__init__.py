"""Files: `lock`, `staging`, `permissions`, data files (`tables`, `csv_cells`, `fhir`), `shift_secret`."""
