"""Files and folders: `lock`, `staging`, `permissions`, data files (`tables`, `csv_cells`), `shift_secret`."""
