"""One open lake for all sessions, and answers kept by (lake, version, SQL, parameters): a commit
changes the version, so no answer outlives its data. Each question takes its own cursor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

import lake as lake_package

if TYPE_CHECKING:
    from lake.queries import Answer, Ask, Query
    from lake.query import Lake


@st.cache_resource(show_spinner=False)
def open_lake(path: str) -> Lake:
    """The lake at a path, opened once for the process, locked: a page reads the lake and nothing
    else. Raises UsageError where there is none."""
    return lake_package.open(path, locked=True)


@st.cache_data(show_spinner=False, max_entries=4000, max_size="256MB")
def _answer(path: str, version: int, query: Query, _lake: Lake) -> Answer:
    return _lake.answer(query)


def asker(lake: Lake) -> Ask:
    """Whoever answers queries on this lake as it is now."""
    path, version = str(lake.path), lake.version

    def ask(query: Query) -> Answer:
        answer: Answer = _answer(path, version, query, lake)
        return answer

    return ask
