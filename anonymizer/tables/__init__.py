"""Plain tables: CSV and Parquet in, columns with roles out.

`json_keys` finds what a JSON text says twice.
"""
