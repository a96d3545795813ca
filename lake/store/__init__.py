"""The lake on disk: Parquet files in Delta tables, the ledger, commits and their taking back."""
