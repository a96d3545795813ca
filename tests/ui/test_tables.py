"""Rows as a table of Streamlit's, which takes no two columns of one name."""

from __future__ import annotations

from lake.ui.table import column_config, frame


def test_columns_of_one_name_stay_apart() -> None:
    """Also where a name is what another would be called then."""
    columns, rows = ("a", "a 3", "a"), [(1, 2, 3)]
    made = frame(columns, rows)
    assert made.to_pylist() == [{"a": 1, "a 3": 2, "a_1": 3}]
    assert list(column_config(columns, rows)) == made.column_names
