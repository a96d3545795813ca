"""What a reader chooses beside every page: one time range, accounts, regions, filters. All of it
stands in the URL, so that a link shows the same page; a filter that cannot be applied is said, never
dropped. Time is UTC here as everywhere, and quick ranges end at the newest event: evidence is old.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.errors import UsageError
from lake.filters import EVENTS, OPS, Filter, Selection, TimeRange, fields_of, show_time
from lake.scope import Extent, extent_of, facet
from lake.ui.text import count, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.dashboards import Dashboard
    from lake.queries import Ask
    from lake.query import Lake

ALL, BETWEEN = "all", "between"
SPANS = {
    ALL: ("All", None),
    "30d": ("30d", timedelta(days=30)),
    "7d": ("7d", timedelta(days=7)),
    "24h": ("24h", timedelta(hours=24)),
    BETWEEN: (":material/date_range:", None),
}
_EARLIEST, _LATEST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  the widget's are naive
_VALUE_OPS = [op for op in OPS if op not in ("set", "unset")]


def choose(lake: Lake, dashboard: Dashboard, ask: Ask) -> Selection:
    """Draw the widgets and give what they say."""
    with st.sidebar:
        extent = extent_of(EVENTS, Selection(), ask)
        time = _time(extent)
        filters = [
            *_facet("account", "Account", dashboard, time, ask),
            *_facet("region", "Region", dashboard, time, ask),
            *_filters(dashboard),
        ]
        st.caption(plain(f"Lake {lake.path}, version {lake.version}"))
    return Selection(time, tuple(filters))


def set_time(start: datetime, end: datetime) -> None:
    """Choose a range; for callbacks, which run before the widgets are drawn."""
    st.session_state["span"] = BETWEEN
    st.session_state["from"] = _naive(start)
    st.session_state["to"] = _naive(end)


def add_filter(chosen: Filter) -> None:
    """Add a filter; for callbacks."""
    st.session_state["f"] = [*dict.fromkeys([*st.session_state.get("f", []), chosen.url()])]


def _time(extent: Extent) -> TimeRange:
    span = st.segmented_control(
        "Time (UTC)",
        list(SPANS),
        default=ALL,
        required=True,
        format_func=lambda key: SPANS[key][0],
        key="span",
        bind="query-params",
        width="stretch",
        help="Quick ranges end at the newest event in the lake; the calendar takes two times. "
        "Drag over a chart of time to choose a range.",
    )
    first, last = extent.first, extent.last
    if first is None or last is None:
        return TimeRange()
    length = SPANS[str(span)][1]
    chosen = TimeRange.last(length, last) if length else TimeRange()
    if span == BETWEEN:
        start = _moment("From", "from", first.replace(second=0, microsecond=0))
        end = _moment("To", "to", last.replace(second=0, microsecond=0) + timedelta(minutes=1))
        try:
            chosen = TimeRange(start, end)
        except UsageError as error:
            st.error(plain(str(error)))
    else:
        st.caption(plain(f"{show_time(chosen.start or first)} to {show_time(last)} UTC"))
    return chosen


def _moment(label: str, key: str, default: datetime) -> datetime:
    given = st.datetime_input(
        label,
        value=_naive(default),
        min_value=_EARLIEST,
        max_value=_LATEST,
        step=timedelta(minutes=1),
        format="YYYY-MM-DD",
        key=key,
        bind="query-params",
        required=True,
    )
    return (given or _naive(default)).replace(tzinfo=UTC)


def _facet(
    field: str, label: str, dashboard: Dashboard, time: TimeRange, ask: Ask
) -> Sequence[Filter]:
    name = f"{field}s"
    known = [value for value, _ in facet(dashboard.table, Selection(), name, ask)]
    now = dict(facet(dashboard.table, Selection(time), name, ask))
    chosen = st.multiselect(
        label,
        known,
        key=field,
        bind="query-params",
        accept_new_options=True,
        format_func=lambda value: f"{value} ({count(now.get(value, 0))})",
        placeholder=f"All {count(len(known))} {name}",
    )
    return [Filter(field, "is", tuple(chosen))] if chosen else []


def _filters(dashboard: Dashboard) -> list[Filter]:
    texts = st.multiselect(
        "Filters",
        st.session_state.get("f", []),
        key="f",
        bind="query-params",
        accept_new_options=True,
        format_func=_words,
        placeholder="Click a bar, or add one",
        help="Click a bar, a country or a row of a table to add a filter.",
    )
    found: list[Filter] = []
    for text in texts:
        try:
            found.append(Filter.parse(text))
        except UsageError as error:
            st.error(plain(f"Not applied: {error}"))
    _add(dashboard)
    return found


def _words(text: Any) -> str:  # noqa: ANN401  a widget's option
    try:
        return Filter.parse(str(text)).words()
    except UsageError:
        return str(text)


def _add(dashboard: Dashboard) -> None:
    with st.popover("Add a filter", icon=":material/filter_alt:", width="stretch"):
        fields = list(fields_of(dashboard.table))
        field = st.selectbox("Field", fields, index=fields.index("source.ip"))
        op = st.selectbox("Operator", list(OPS), format_func=lambda key: OPS[key])
        value = st.text_input("Value", disabled=op not in _VALUE_OPS)
        st.button("Add", on_click=_added, args=(field, op, value), type="primary")
        if problem := st.session_state.pop("filter_problem", None):
            st.error(plain(problem))


def _added(field: str, op: str, value: str) -> None:
    try:
        add_filter(Filter(field, op, value if op in _VALUE_OPS else ()))
    except UsageError as error:
        st.session_state["filter_problem"] = str(error)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
