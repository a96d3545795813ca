"""What siem-lake costs, measured beside the bare work in the same run; see docs/bench.md.

`made/` makes the logs, `ingest`, `starts` and `queries` measure, `report` and `history` tell.
Nothing here asserts a time.
"""
