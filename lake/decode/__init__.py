"""Bytes of an object -> records: which source it is, which form it has, what wraps its records."""
