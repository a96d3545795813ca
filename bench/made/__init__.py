"""Seeded logs for the measurements: the same seed and options give the same bytes.

A module a kind makes records as text from a stream of chance and a place; `data` cuts them into
objects under S3 keys. Addresses, users and paths are skewed as in real logs: few are frequent.
"""
