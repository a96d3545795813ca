"""A batch of objects -> Parquet files that wait for their commit, in worker processes."""
