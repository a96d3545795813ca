"""What a reader chooses beside every page: one time range, accounts, regions, filters. All of it
stands in the URL, so that a link shows the same page; a filter that cannot be applied is said,
never dropped. Time is UTC, and quick ranges end at the newest event: evidence is old.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from lake.dashboards.scope import facet
from lake.errors import LakeError, UsageError
from lake.filters.fields import fields_behind
from lake.filters.filters import ALONE, OPS, Filter, TimeRange
from lake.filters.named_accounts import FIELDS, by_number, numbers_of
from lake.filters.search import Search, read_search
from lake.filters.selection import Selection
from lake.serve.extent import last_range
from lake.ui.accounts import names
from lake.ui.chips import draw_chips
from lake.ui.choosing import ALL, DATES, OFF, add_filter
from lake.ui.leaderboard import draw_leaderboard
from lake.ui.text import count, plain
from lake.ui.words import pick, pick_language, say, say_error, say_unread, shown
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lake.dashboards.dashboards import Dashboard
    from lake.query import Lake
    from lake.serve.queries import Ask

_NEW = "filter"
"""What the form of a new filter keeps."""
_ASKED = [op for op in OPS if op != "any"]
"""What a reader may ask of a field. `any` stands where a page's own filter was taken away."""
SPANS = {
    ALL: None,
    "Last 30 days": timedelta(days=30),
    "Last 7 days": timedelta(days=7),
    "Last 24 hours": timedelta(hours=24),
    "Last hour": timedelta(hours=1),
    "Last 15 minutes": timedelta(minutes=15),
    DATES: None,
}
"""As they stand on the page and in the URL."""

EXAMPLE = 'event.outcome:failure source.ip:10.0.0.0/8 NOT "health check"'
LANGUAGE = Sentence(
    "Words are looked for anywhere in a record, `field:value` in a field. `*` stands for any text, "
    "`?` for one character, `field:(a OR b)`, `field:>=500`, `field:[1 TO 9]`, "
    "`source.ip:10.0.0.0/8`, `NOT` or `-`, AND, OR and parentheses work; "
    "quotes keep a text together and take it as it is."
)

REFRESH = {"Off": 0, "Every 10 seconds": 10, "Every minute": 60, "Every 5 minutes": 300}
"""As it stands on the page and in the URL -> seconds."""

FACET_SHOWN = 6
"""Accounts or regions whose bars are in view; the others scroll."""
FACET_MOST = 200
"""Bars at most: an organisation may have thousands of accounts. The list above has all."""
PLACES = {"account": "cloud.account.id", "region": "cloud.region"}
"""What the lake keeps rows under -> the field that has what their log says."""
_EARLIEST, _LATEST = datetime(1969, 1, 1), datetime(2263, 1, 1)  # noqa: DTZ001  the widget's
"""What can be chosen: all times that a row can have (`lake.normalize.flat`) and a year around them,
since a bar may begin before its first event. What lies beyond, the widget would drop without a
word."""


def choose(lake: Lake, dashboard: Dashboard, ask: Ask, fixed: tuple[Filter, ...] = ()) -> Selection:
    """Draw the widgets and give what they say, under the filters that the page itself has."""
    search = _search()
    chips = st.container()
    with st.sidebar:
        time = _time(ask)
        _compare(time)
        found, aside, wrong = _filters(dashboard)
        filters = [*fixed, *found.values()]
        for field in PLACES:
            chosen = Selection(time, tuple(filters), search=search)
            filters += _facet(field, dashboard, chosen, ask)
        keep_fresh(lake)
    selection = Selection(time, tuple(filters), search=search)
    own = [one for one in dashboard.narrowed(selection).filters if one not in filters]
    with chips:
        draw_chips(time, found, filters[len(fixed) + len(found) :], own, aside)
    for why in wrong:  # on the page itself: beside it, a list of filters may hide it
        said = say("Not applied: {why}", why=say_error(why))
        st.error(plain(said), icon=":material/filter_alt_off:")
    return selection


def keep_choice(lake: Lake) -> None:
    """For a page without these widgets: what they say is there again on the next one."""
    for key in ("span", "from", "to", "compare", "refresh", "account", "region", "f", "q"):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    with st.sidebar:
        pick_language()
        st.caption(_which(lake))


def keep_fresh(lake: Lake) -> None:
    """Which lake is shown; and, if a reader asks for it, an eye on what is committed to it."""
    every = pick(
        say("Refresh"),
        REFRESH,
        "refresh",
        help=say("Looks for what has been ingested since, and draws the page again."),
    )
    pick_language()
    st.caption(_which(lake))
    if REFRESH[every]:
        _watch(REFRESH[every])(lake, lake.version)


def _which(lake: Lake) -> str:
    return plain(
        say("Lake {path}, version {number}", path=str(lake.path), number=str(lake.version))
    )


def _watch(seconds: int) -> Callable[[Lake, int], None]:
    @st.fragment(run_every=seconds)
    def look(lake: Lake, shown: int) -> None:
        try:
            changed = lake.refresh() != shown
        except LakeError as error:
            st.error(plain(say_error(error)))
            return
        if changed:
            st.rerun()

    return look


def _search() -> Search | None:
    """The search box, over every page; what cannot be read is said and does not narrow."""
    text = st.text_input(
        say("Search"),
        key="q",
        bind="query-params",
        type="search",
        placeholder=EXAMPLE,
        help=say(LANGUAGE),
        icon=":material/search:",
    )
    try:
        return read_search(text, names())
    except UsageError as error:
        said = say("Not applied: {why}", why=say_error(error))
        st.error(plain(said), icon=":material/search_off:")
        return None


def _time(ask: Ask) -> TimeRange:
    if "span" not in st.session_state and "span" not in st.query_params and _dated():
        st.session_state["span"] = DATES
    span = pick(
        say("Time (UTC)"),
        SPANS,
        "span",
        on_change=_span_chosen,
        help=say(
            "Days and hours end at the newest event in the lake; events of days to come do not "
            "count. Drag over a chart of time to choose a range."
        ),
    )
    # Always there: a widget that is set while it first appears does not reach the URL.
    start, end = _moment(say("From"), "from"), _moment(say("To"), "to")
    length = SPANS[span]
    if length:
        return last_range(length, ask)
    try:
        return TimeRange(start, end) if span == DATES else TimeRange()
    except UsageError as error:
        st.error(plain(say_error(error)))
        return TimeRange()


def _moment(label: str, key: str) -> datetime | None:
    say_unread(key, _is_moment)
    given = st.datetime_input(
        label,
        value=None,
        min_value=_EARLIEST,
        max_value=_LATEST,
        step=timedelta(minutes=1),
        format="YYYY-MM-DD",
        key=key,
        bind="query-params",
        on_change=_dates_chosen,
    )
    return given.replace(tzinfo=UTC) if given else None


def _dated() -> bool:
    """Whether a link has dates, though it does not say that they are to be taken."""
    return any(_is_moment(st.query_params.get(key, "")) for key in ("from", "to"))


def _is_moment(text: str) -> bool:
    """Whether the widget reads it; `page.js` writes so what is a time otherwise."""
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  of UTC, as the widget has it
    except ValueError:
        return False
    return _EARLIEST <= found <= _LATEST


_COMPARED = Sentence(
    "Figures with those of the period before, which is as long and ends where this one begins."
)
_UNCOMPARED = Sentence(
    "{first} {second}", first=_COMPARED, second=Sentence("Choose a range of time first.")
)


def _compare(time: TimeRange) -> None:
    chosen = time.start is not None
    say_unread("compare", {"true", "false"}.__contains__)
    st.toggle(
        say("Compare with the period before"),
        key="compare",
        bind="query-params",
        disabled=not chosen,
        help=say(_COMPARED if chosen else _UNCOMPARED),
    )


def comparing() -> bool:
    """Whether figures are to be compared with those of the period before."""
    return bool(st.session_state.get("compare"))


def _span_chosen() -> None:
    if st.session_state["span"] != DATES:
        st.session_state["from"] = st.session_state["to"] = None


def _dates_chosen() -> None:
    dated = st.session_state["from"] or st.session_state["to"]
    st.session_state["span"] = DATES if dated else ALL


def _facet(field: str, dashboard: Dashboard, chosen: Selection, ask: Ask) -> Sequence[Filter]:
    """The values of a field with their events; a click on one, or the list, chooses it."""
    known = [value for value, _ in facet(dashboard, Selection(), field, ask)]
    named = names() if field in FIELDS else {}
    picked = st.multiselect(
        say(f"{field}s".capitalize()),
        [*dict.fromkeys(named[one] for one in known if one in named), *known],
        key=field,
        bind="query-params",
        accept_new_options=True,
        select_all=False,  # which Enter would take for what was typed
        on_change=_numbered if named else None,
        placeholder=say("All {count}", count=count(len(known))),
        help=say(
            "Under which the lake keeps a row: `{kept}`. What its log says, which may be another "
            "text, is `{said}`.",
            kept=field,
            said=PLACES[field],
        ),
    )
    now = facet(dashboard, chosen, field, ask)[:FACET_MOST]
    if now and not picked:
        draw_leaderboard(
            f"facet:{field}:{dashboard.name}",
            now,
            lambda name, op: add_filter(Filter(field, op, name)),
            label=field,
            about=say("Values of {field}", field=field),
            most=FACET_SHOWN,
        )
    return (
        [Filter(field, "is", numbers_of(picked, named) if named else tuple(picked))]
        if picked
        else []
    )


def _numbered() -> None:
    """Have the numbers of accounts that were chosen by name in their place, in the address too: a
    link means the same where nobody knows the names."""
    st.session_state["account"] = list(numbers_of(st.session_state["account"], names()))


def _filters(
    dashboard: Dashboard,
) -> tuple[dict[str, Filter], dict[str, Filter], list[UsageError]]:
    """The filters by how they are written, those that are set aside, and what is wrong with those
    that cannot be read."""
    texts = st.multiselect(
        say("Filters"),
        st.session_state.get("f", []),
        key="f",
        bind="query-params",
        accept_new_options=True,
        select_all=False,  # which Enter would take for what was typed
        placeholder="source.ip is 192.0.2.1",
        help=say(
            "Click a bar, a country or a cell of a table, turn a value of an event into a filter, "
            "or write one: a field, one of {operators}, a value.",
            operators=", ".join(_ASKED),
        ),
    )
    found: dict[str, Filter] = {}
    aside: dict[str, Filter] = {}
    wrong: list[UsageError] = []
    for text in texts:
        try:
            into = aside if text.startswith(OFF) else found
            into[text] = by_number(Filter.parse(text.removeprefix(OFF)), names())
        except UsageError as error:
            wrong.append(error)
    _form(dashboard)
    return found, aside, wrong


def _form(dashboard: Dashboard) -> None:
    with st.popover(say("Add a filter"), icon=":material/filter_alt:", width="stretch"):
        fields = list(fields_behind(dashboard.table))
        # by key: what was typed last is in the state when the button is pressed, not in this run
        field = f"{_NEW}:field:{dashboard.name}"
        place = fields.index("source.ip")
        st.selectbox(say("Field"), fields, index=place, key=field, accept_new_options=True)
        op = st.selectbox(say("Operator"), _ASKED, format_func=shown(OPS), key=f"{_NEW}:op")
        st.text_input(say("Value"), disabled=op in ALONE, key=f"{_NEW}:value")
        st.button(say("Add"), on_click=_added, args=(field,), type="primary")
    if problem := st.session_state.pop("filter_problem", None):
        st.error(plain(problem))


def _added(field: str) -> None:
    state = st.session_state
    op, value = state[f"{_NEW}:op"], state[f"{_NEW}:value"]
    if not value.strip() and op not in ALONE:
        state["filter_problem"] = say("A filter wants a value.")
        return
    try:
        add_filter(by_number(Filter(state[field], op, () if op in ALONE else value), names()))
    except UsageError as error:
        state["filter_problem"] = say_error(error)
        return
    state[f"{_NEW}:value"] = ""
