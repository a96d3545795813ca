"""The events themselves: a page of rows, newest first. A click on a cell opens its row: all fields,
the record as it came, and the way to turn any of its values into a filter, the cell's own first.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.dashboards.panels import ROWS_SHOWN, PanelResult, run_panel, whole_document, whole_row
from lake.filters.fields import all_fields, column_of, fields_behind
from lake.filters.filters import Filter
from lake.serve.accounts import accounts_in
from lake.ui.accounts import names, with_name
from lake.ui.choosing import add_filter, set_time
from lake.ui.follow import follow
from lake.ui.paper import EMPTY, draw_on_paper
from lake.ui.table import ROW, column_config, for_the_eye, frame, height, labels, named_accounts
from lake.ui.text import count, plain
from lake.ui.words import back_or_forth, heard, say, say_unread
from lake.visible import shortened, visible
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.scope import View
    from lake.serve.queries import Ask

_LONGEST = 20_000
"""Characters of a value of the chosen row that are shown."""
HELD, SENT = "As the lake holds it", "As OpenSearch gets it"
_DEEPEST = 60
"""Levels of JSON that are unfolded."""
_TOO_DEEP = "nested too deeply"
_ABOUT = "page:about"
"""The dashboard and the selection whose rows were shown last."""
AROUND = 5
PAGES = 200
"""As far as one can page: beyond ten thousand rows a filter finds an event sooner."""


def draw_rows(view: View, panel: Panel, ask: Ask) -> None:
    """One page of rows and, below it, the row that was chosen. A panel that leaves rows out says
    in `_of` how many it has."""
    newest = run_panel(view, panel, ask)
    events = newest.keys[0].get("_of", view.shown.events) if newest.keys else 0
    page = _page(view, events)
    result = run_panel(view, panel, ask, offset=(page - 1) * ROWS_SHOWN)
    rows = named_accounts(result.rows)
    event = st.dataframe(
        frame(result.columns, rows),
        hide_index=True,
        height=height(len(rows), 12),
        row_height=ROW,
        placeholder=EMPTY,
        column_config=column_config(result.columns, rows),
        on_select="rerun",
        selection_mode="single-cell",
        # of these very rows: a cell is chosen by its place
        key=f"{view.dashboard.name}:{panel.title}:rows:{page}:{_digest(result)}",
        alt=heard(panel),
    )
    draw_on_paper(labels(result.columns, rows), rows)
    cells = event["selection"]["cells"]
    if cells and cells[0][0] < len(result.rows):
        place, column = cells[0]
        _draw_row(view, result, place, (column, f"native.{column}"), ask)
    else:
        with st.container(key=f"hint:{view.dashboard.name}:{panel.title}"):
            said = "Choose a cell to see its row with all fields, and to filter by its value."
            st.caption(say(said))


def _digest(result: PanelResult) -> str:
    """What tells these rows from others."""
    return _short(
        [(key.get("_hash"), row[0]) for key, row in zip(result.keys, result.rows, strict=True)]
    )


def _short(shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _page(view: View, events: int) -> int:
    """The page, and where the reader is among the events. Other events than in the run before are
    shown from the first page on, unless the browser went back to them."""
    about = (view.dashboard.name, view.selection)
    if st.session_state.setdefault(_ABOUT, about) != about:
        st.session_state[_ABOUT] = about
        if not back_or_forth():
            st.session_state["page"] = 1
    pages = min(-(-events // ROWS_SHOWN) or 1, PAGES)
    with st.container(horizontal=True, vertical_alignment="center"):
        say_unread("page", str.isdecimal)
        page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
        first = (page - 1) * ROWS_SHOWN + 1
        last = min(page * ROWS_SHOWN, events)
        words = Sentence(
            "{first} to {last} of {all}, newest first",
            first=count(first),
            last=count(last),
            all=count(events),
        )
        if events > PAGES * ROWS_SHOWN:
            words = Sentence(
                "{words}; the newest {count} can be paged through",
                words=words,
                count=count(PAGES * ROWS_SHOWN),
            )
        st.caption(plain(say(words)))
    return int(page)


def _draw_row(
    view: View, result: PanelResult, place: int, fields: tuple[str, ...], ask: Ask
) -> None:
    """A row, of which a cell was chosen that is of one of these fields."""
    text = whole_row(view.dashboard.table, result.keys[place], result.rows[place][0], ask)
    if text is None:
        st.caption(say("The row is gone: the lake has changed. Load the page again."))
        return
    row = _opened(_without_nulls(_parsed(text)) or {})
    original = row.get("event", {}).pop("original", None)
    _pivot(view, row, fields, result.rows[place][0])
    if told := accounts_in(text, names()):
        said = say("Accounts in it: {accounts}", accounts=", ".join(map(with_name, told)))
        st.caption(plain(shortened(said, _LONGEST)))
    left, right = st.columns(2)
    with left:
        form = st.segmented_control(
            say("The row; fields without a value are left out"),
            (HELD, SENT),
            default=HELD,
            required=True,
            format_func=say,
            help=say("OpenSearch gets the document that `lake export opensearch` sends."),
        )
        if form == SENT:
            at = result.rows[place][0]
            document = whole_document(row["event"]["dataset"], result.keys[place], at, ask)
            _draw_json(document or "{}")
        else:
            st.json(for_the_eye(row, _LONGEST), expanded=2)
    with right:
        st.markdown(say("**The record as it came** (`event.original`)"))
        _draw_original(original)


def _draw_original(original: Any) -> None:  # noqa: ANN401  text, or nothing where it was not kept
    if original is None:
        st.caption(say("Not kept."))
        return
    _draw_json(original)
    odd = sum(not character.isprintable() for character in original)
    if odd:
        marks = say(
            "A mark stands for each of {count} characters that do not print.", count=count(odd)
        )
        st.caption(plain(marks))


def _draw_json(text: str) -> None:
    """JSON to unfold; as a text where it is none."""
    try:
        st.json(for_the_eye(_parsed(text), _LONGEST), expanded=2)
    except ValueError:
        st.code(shortened(text, _LONGEST), language=None, wrap_lines=True)


def _parsed(text: str) -> Any:  # noqa: ANN401  JSON
    """JSON whose numbers a browser shows as they are written: it counts in doubles, so an identity
    of 63 bits, or 1.10, goes to it as text. Raises ValueError, also for what is nested more deeply
    than anybody unfolds."""
    try:
        value = json.loads(
            text,
            parse_int=lambda digits: int(digits) if len(digits) < 16 else digits,
            parse_float=lambda digits: float(digits) if repr(float(digits)) == digits else digits,
        )
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    level, deep = [value], 0
    while level := [item for one in level for item in _items(one)]:
        deep += 1
        if deep > _DEEPEST:
            raise ValueError(_TOO_DEEP)
    return value


def _items(value: Any) -> list[Any]:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _pivot(view: View, row: dict[str, Any], fields: tuple[str, ...], at: datetime) -> None:
    """Any value of the row as a filter, or followed through all logs, the chosen cell's before
    others; and the time around it."""
    known = fields_behind(view.dashboard.table)
    values = [(name, value) for name, value in _leaves(row) if column_of(name) in known]
    # by key: the value just taken is in the state when a button is pressed, not yet in this run;
    # one key for each cell, as no other row has its values
    key = f"row:{_short(values)}:{fields[0]}"
    own = next((n for n, (name, _) in enumerate(values) if name in fields), 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        leaf = st.selectbox(
            say("Turn a value into a filter, or follow it through all logs"),
            values,
            index=own if values else None,
            format_func=lambda leaf: visible(f"{leaf[0]}: {with_name(leaf[1])}"[:160]),
            key=key,
        )
        if leaf is None:
            return
        for op, label in (("is", "Only this"), ("not", "Not this")):
            st.button(say(label), on_click=_filter, args=(key, op))
        st.button(
            say("Everywhere"), on_click=_follow, args=(key,), help=say("All logs that know it")
        )
        around = timedelta(minutes=AROUND)
        st.button(
            say("± {minutes} minutes", minutes=str(AROUND)),
            on_click=set_time,
            args=(at - around, at + around),
            help=say("What else happened around this event"),
        )


def _filter(key: str, op: str) -> None:
    field, value = st.session_state[key]
    add_filter(Filter(field, op, value))


def _follow(key: str) -> None:
    follow(*st.session_state[key])


def _leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if "." in name:
            continue  # a member of JSON that no filter can name
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from _leaves(item, f"{prefix}{name}.")
            elif isinstance(item, bool):
                yield prefix + name, str(item).lower()
            elif isinstance(item, (str, int, float)):
                yield prefix + name, str(item)


def _opened(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """With what columns of JSON hold in place of its text."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found[name] = value
        if isinstance(value, dict):
            found[name] = _opened(value, f"{prefix}{name}.")
        elif isinstance(value, str) and all_fields().get(prefix + name) == "JSON":
            with suppress(ValueError):
                found[name] = _parsed(value)
    return found


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        kept = {key: _without_nulls(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        return [_without_nulls(item) for item in value] or None
    return value
