"""The page for SQL of one's own: a text, what can be asked, the result and its files. What may be
asked, how long and how much of it is `lake.adhoc`'s; a click anywhere ends a query that still runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from lake.adhoc import (
    DISPLAY_LIMIT,
    ROW_LIMIT,
    SECONDS,
    Question,
    Result,
    columns_of_view,
    example,
    first_rows,
    views_of,
)
from lake.errors import LakeError
from lake.ui.downloads import draw_downloads
from lake.ui.table import ROW, height
from lake.ui.text import count, plain
from lake.visible import visible_lines

if TYPE_CHECKING:
    from lake.query import Lake

NAME = "sql"
_TEXT, _RESULT, _SAID = "sql:text", "sql:result", "sql:said"
_STEP = 0.2
"""Seconds between two looks at a query that runs."""


_MONOSPACED = "<style>.st-key-sql-text textarea { font-family: monospace; tab-size: 2 }</style>"


def draw_sql(lake: Lake) -> None:
    """The text on the left, what can be asked on the right, the result below."""
    st.title("SQL", anchor=False)
    st.caption(
        plain(
            "One SELECT over this lake, which no query can change. It reads no other file; it is "
            f"stopped after {SECONDS // 60} minutes, and {count(ROW_LIMIT)} rows are fetched."
        )
    )
    left, right = st.columns([3, 2], gap="medium")
    with right:
        _tables(lake)
    with left:
        asked = _form()
    place = st.empty()
    if asked is not None:
        _run(lake, asked, place)
    with place.container():
        _answer()


def _form() -> str | None:
    """The text, once it is sent."""
    st.html(_MONOSPACED)
    with st.form("sql:form", border=False):
        text = st.text_area(
            "Query",
            key=_TEXT,
            height=268,
            placeholder=example(),
            label_visibility="collapsed",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            sent = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
            st.caption("Ctrl and Enter run it, too. An empty field runs the example.")
    return (text or "").strip() or example() if sent else None


def _run(lake: Lake, text: str, place: Any) -> None:  # noqa: ANN401  Streamlit's
    """Ask, and look again and again; whoever clicks meanwhile makes Streamlit leave this by an
    exception, and the query is stopped."""
    st.session_state[_RESULT] = st.session_state[_SAID] = None
    try:
        question = Question(lake, text)
    except LakeError as error:
        st.session_state[_SAID] = str(error)
        return
    try:
        if not question.wait(2 * _STEP):
            clock = _running(place)
            while not question.wait(_STEP):
                clock.caption(plain(f"Running for {question.seconds:.0f} s."))
        st.session_state[_RESULT] = question.result()
    except LakeError as error:
        st.session_state[_SAID] = str(error)
    finally:
        question.stop()


def _running(place: Any) -> Any:  # noqa: ANN401  Streamlit's
    """A button that stops it, and the place for how long it has run."""
    with place.container(), st.container(horizontal=True, vertical_alignment="center"):
        st.button("Stop", key="sql:stop", icon=":material/stop:", on_click=_stopped)
        return st.empty()


def _stopped() -> None:
    st.session_state[_SAID] = "Stopped."


def _answer() -> None:
    said = st.session_state.get(_SAID)
    if said and said.startswith("Stopped"):
        st.info(plain(said), icon=":material/stop_circle:")
    elif said:
        st.error("That did not run.", icon=":material/block:")
        st.code(visible_lines(said), language=None, wrap_lines=True)
    result: Result | None = st.session_state.get(_RESULT)
    if result is None:
        return
    rows = result.table.num_rows
    if result.table.column_names == ["explain_key", "explain_value"]:
        st.code("\n".join(result.table["explain_value"].to_pylist()), language=None)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{count(rows)} row{'' if rows == 1 else 's'}** in {result.seconds:.2f} s",
            width="stretch",
        )
        draw_downloads("sql:file", "siem-lake", result.file)
    if result.cut:
        st.warning(
            f"Cut: these are {plain(result.cut)}, in the files too. `lake sql` gives all of them.",
            icon=":material/content_cut:",
        )
    if rows > DISPLAY_LIMIT:
        st.caption(plain(f"The table shows the first {count(DISPLAY_LIMIT)}, the files have all."))
    if rows:
        table = result.shown()
        st.dataframe(
            table,
            hide_index=True,
            height=height(rows, 16),
            row_height=ROW,
            column_config={field.name: _column(field) for field in table.schema},
            alt="The rows of the query",
        )
    else:
        st.caption("No row fits.")


def _column(field: pa.Field) -> Any:  # noqa: ANN401  Streamlit's
    label = plain(field.name)
    if pa.types.is_timestamp(field.type):
        label = f"{label} (UTC)" if field.type.tz else label
        return st.column_config.DatetimeColumn(
            label, format="YYYY-MM-DD HH:mm:ss.SSS", timezone="UTC"
        )
    if pa.types.is_date(field.type):
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
        return st.column_config.NumberColumn(label, format="localized")
    if pa.types.is_boolean(field.type):
        return st.column_config.CheckboxColumn(label)
    return st.column_config.TextColumn(label)


def _tables(lake: Lake) -> None:
    """The views and their columns, as they are written in a query."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.selectbox("What can be asked", views_of(lake), key="sql:view")
        st.button("First rows", on_click=_begin, args=(view,), help="Put a query for them here")
    columns = columns_of_view(lake, view)
    st.dataframe(
        pa.table({"Column": [name for name, _ in columns], "Type": [kind for _, kind in columns]}),
        hide_index=True,
        height=ROW * 6 + 3,
        row_height=ROW,
        alt=f"The columns of {view}",
    )


def _begin(view: str) -> None:
    st.session_state[_TEXT] = first_rows(view)
