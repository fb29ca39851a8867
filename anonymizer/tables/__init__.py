"""Plain tables: CSV and Parquet in, columns with roles out."""
