"""The views of a lake, and how DuckDB is asked for them."""
