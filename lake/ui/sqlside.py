"""What stands beside a query: tables and columns, functions, the queries that are kept, and what
was asked before. A click puts a query into the editor; names are chosen and copied, since the page
does not know where in its text an editor stands.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from lake.ask.at_hand import columns_of_view, functions, rows_with, views_of
from lake.ask.saved import (
    ENTRIES,
    Asked,
    delete_query,
    forget_asked,
    history,
    saved_names,
    saved_query,
)
from lake.errors import LakeError
from lake.ui.table import ROW
from lake.ui.text import count, plain
from lake.ui.words import say, say_error, say_known
from lake.visible import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.query import Lake

TEXT, NAMED, LOADED = "sql:text", "sql:name", "sql:loaded"
"""The editor's text, the name to save it under, and the name that it was loaded from."""
PUT = "sql:put"
"""A text and a name for the editor, when it is drawn the next time."""
ASKED, UNKEPT = "sql:asked", "sql:unkept"
"""What this session has asked, and why the lake does not keep it."""
_TABLES, _FUNCTIONS, _SAVED, _HISTORY = "Tables", "Functions", "Saved", "History"
_HEIGHT = ROW * 6 + 3
_LONGEST = 300


@st.fragment
def draw_side(lake: Lake) -> None:
    """The tab that is open; the others ask nothing."""
    drawn = {
        _TABLES: _tables,
        _FUNCTIONS: _functions,
        _SAVED: _saved,
        _HISTORY: _asked,
    }
    for tab, draw in zip(
        st.tabs(list(map(say, drawn)), key="sql:side", on_change="rerun"),
        drawn.values(),
        strict=True,
    ):
        if tab.open:
            with tab:
                draw(lake)


def _tables(lake: Lake) -> None:
    """The views and their columns, as they are written in a query."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.selectbox(
            say("Table"), views_of(lake), key="sql:view", label_visibility="collapsed"
        )
        wanted = st.text_input(
            say("Find a column"),
            key="sql:find",
            type="search",
            live="300ms",
            placeholder=say("Find a column"),
            label_visibility="collapsed",
        )
    columns = columns_of_view(lake, view)
    found = [(name, kind) for name, kind in columns if (wanted or "").lower() in name.lower()]
    if not found:
        said = say(
            "None of the {count} columns of {view} has that in its name.",
            count=str(len(columns)),
            view=view,
        )
        st.caption(plain(said))
        return
    chosen = _ticked(found, view, f"sql:columns:{view}:{wanted}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen:
            st.code(", ".join(chosen), language="sql", wrap_lines=True, width="stretch")
        else:
            st.caption(plain(_of(len(found), len(columns))), width="stretch")
        if st.button(
            say("Write a query"), help=say("For the first rows, with the ticked columns or all")
        ):
            _put(rows_with(view, chosen))


def _ticked(columns: Sequence[tuple[str, str]], view: str, key: str) -> list[str]:
    """Columns with their types as a table; gives the names of those that are ticked in it."""
    event = st.dataframe(
        pa.table({"Column": [name for name, _ in columns], "Type": [kind for _, kind in columns]}),
        hide_index=True,
        height=_HEIGHT,
        row_height=ROW,
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        column_config={name: st.column_config.TextColumn(say(name)) for name in ("Column", "Type")},
        alt=say("The columns of {view}", view=view),
    )
    return [columns[n][0] for n in event["selection"]["rows"] if n < len(columns)]


def _of(found: int, all_of_them: int) -> str:
    if found == all_of_them:
        return say("{all} columns; tick to copy", all=str(found))
    return say("{some} of {all} columns; tick to copy", some=str(found), all=str(all_of_them))


def _functions(lake: Lake) -> None:
    known = functions()
    st.dataframe(
        pa.table(
            {"Function": [call for call, _ in known], "Gives": [say(says) for _, says in known]}
        ),
        hide_index=True,
        height=_HEIGHT,
        row_height=ROW,
        column_config={
            "Function": st.column_config.TextColumn(say("Function"), width=130),
            "Gives": st.column_config.TextColumn(say("Gives")),
        },
        alt=say("The lake's own functions"),
    )
    st.caption(say("Besides these every function of DuckDB's can be used."))


def _saved(lake: Lake) -> None:
    names = saved_names(lake.path)
    if not names:
        st.caption(
            plain(say("None yet. A query is saved under a name, for all who use this lake."))
        )
        return
    texts = [_text_of(lake, name) for name in names]
    chosen = _clicked(
        "saved", {"Name": names, "Query": [shortened(_line(t), _LONGEST) for t in texts]}, (150,)
    )
    if chosen is not None:
        _put(texts[chosen], names[chosen])
    loaded = st.session_state.get(LOADED)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            plain(
                say(
                    "A tick puts one into the editor. They lie in {folder}.",
                    folder=str(lake.path / "_queries"),
                )
            ),
            width="stretch",
        )
        if loaded in names and st.button(
            say("Delete {name}", name=plain(loaded)), icon=":material/delete:"
        ):
            _delete(lake, loaded)


def _text_of(lake: Lake, name: str) -> str:
    try:
        return saved_query(lake.path, name)
    except LakeError as error:
        return f"-- {say_error(error)}"


def _delete(lake: Lake, name: str) -> None:
    try:
        delete_query(lake.path, name)
    except LakeError as error:
        st.warning(plain(say("Not deleted: {why}", why=say_error(error))))
        return
    st.session_state.pop(LOADED, None)
    st.rerun()


def _asked(lake: Lake) -> None:
    """This session's queries and those of earlier ones, the newest first."""
    own: list[Asked] = st.session_state.get(ASKED, [])
    known = sorted({*own, *history(lake.path)}, key=lambda one: one.at, reverse=True)[:ENTRIES]
    unkept = st.session_state.get(UNKEPT)
    if unkept:
        st.warning(
            plain(say("Only for this session: {why}", why=unkept)), icon=":material/history:"
        )
    if not known:
        st.caption(say("Nothing has been asked yet."))
        return
    mine = set(own)
    chosen = _clicked(
        "history",
        {
            "Query": [shortened(_line(one.text), _LONGEST) for one in known],
            "Rows": [_came(one) for one in known],
            "Seconds": [f"{one.seconds:.2f}" for one in known],
            "At (UTC)": [visible(one.at[:16].replace("T", " ")) for one in known],
            "By": [say("this session" if one in mine else "earlier") for one in known],
        },
        (170, 65, 70, 130, 90),
    )
    if chosen is not None:
        _put(known[chosen].text)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            plain(
                say(
                    "A tick puts one into the editor. The lake keeps the last {count}.",
                    count=str(ENTRIES),
                )
            ),
            width="stretch",
        )
        if st.button(say("Forget all"), icon=":material/delete_sweep:"):
            _forget(lake)


def _forget(lake: Lake) -> None:
    st.session_state.pop(ASKED, None)
    try:
        forget_asked(lake.path)
    except LakeError as error:
        st.warning(plain(say("Not forgotten: {why}", why=say_error(error))))
        return
    st.rerun()


def _came(one: Asked) -> str:
    rows = "" if one.rows is None else count(one.rows)
    return visible(f"{rows}+" if one.note == "cut" else rows or say_known(one.note))


def _clicked(key: str, columns: dict[str, list[str]], widths: Sequence[int]) -> int | None:
    """A table of which a row can be ticked, and no cell: a table takes the focus of Tab as the
    choice of one, and what is in the editor would be lost. A fresh key after each, so that the same
    row can be chosen again."""
    turn = st.session_state.get(f"sql:{key}:turn", 0)
    event = st.dataframe(
        pa.table(columns),
        hide_index=True,
        height=_HEIGHT,
        row_height=ROW,
        on_select="rerun",
        selection_mode="single-row",
        key=f"sql:{key}:{turn}",
        column_config={
            name: st.column_config.TextColumn(say(name), width=width)
            for name, width in zip_longest(columns, widths)
        },
        alt=say("Queries; a tick puts one into the editor"),
    )
    rows = event["selection"]["rows"]
    if not rows:
        return None
    st.session_state[f"sql:{key}:turn"] = turn + 1
    row = int(rows[0])
    return row if row < len(next(iter(columns.values()))) else None


def _line(text: str) -> str:
    return " ".join(text.split())


def _put(text: str, name: str = "") -> None:
    """Into the editor, which lies outside of this part of the page."""
    st.session_state[PUT] = (text, name)
    st.rerun()
