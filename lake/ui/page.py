"""Draws a dashboard: what is shown as a sentence, then its sections as cards on a grid of twelve.
Every figure is a `PanelResult`; this module only decides where it stands and which chart draws it.
All cards are laid out at once and filled as their answers come, whichever comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import groupby
from math import gcd
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.dashboards.dashboards import GRID, Dashboard, Panel
from lake.dashboards.notes import nearest, why_nothing
from lake.dashboards.panels import PanelResult, prepare, run_compared, run_panel
from lake.dashboards.scope import View, bars_of, view_before, view_of
from lake.filters.filters import TimeRange, show_time
from lake.serve.extent import rows_without_originals, scattered
from lake.ui.accounts import spoken
from lake.ui.charts import draw_bars
from lake.ui.choices import draw_choices
from lake.ui.choosing import add_search, set_time
from lake.ui.look import INK
from lake.ui.rows import draw_rows
from lake.ui.sidebar import comparing
from lake.ui.table import draw_table
from lake.ui.text import count, named, plain, width
from lake.ui.timechart import draw_time
from lake.ui.values import draw_values
from lake.ui.words import language, say
from lake.ui.worldmap import draw_map
from lake.visible import shortened, visible
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

    from lake.filters.selection import Selection
    from lake.serve.queries import Ask, Query
    from lake.ui.cached import Asker

_METRICS_IN_A_ROW = 6
_NARROWEST_CARD = 200
_LONGEST = 200
"""Characters of a filter or a search in the sentence over a page."""
_FOLDED = "page:folded"
"""The sections that the reader has folded, on whatever page."""


@dataclass(frozen=True, slots=True)
class _Card:
    """A place on the page, what it waits for, and what draws it then."""

    box: DeltaGenerator
    queries: tuple[Query, ...]
    draw: Callable[[], None]


def draw_page(dashboard: Dashboard, selection: Selection, ask: Asker) -> View:
    """One page under one selection, which it gives back as its view."""
    view = view_of(dashboard, selection, ask)
    earlier = view_before(view, ask) if comparing() else None
    st.title(plain(say(dashboard.label)), anchor=False)
    draw_sentence(view, earlier, ask)
    cards: list[_Card] = []
    for section, declared in dashboard.sections():
        panels = view.drawn(declared)
        if panels and not section:
            cards += _section(view, earlier, panels, ask)
        elif panels:
            # A section that is folded asks nothing.
            fold = _fold(dashboard, section)
            if fold.open:
                with fold:
                    cards += _section(view, earlier, panels, ask)
    _fill(cards, ask)
    return view


def _fold(dashboard: Dashboard, section: str) -> ExpanderContainer:
    """A section, folded where the reader left it so: Streamlit forgets it on another page and in
    another language."""
    folded: set[tuple[str, str]] = st.session_state.setdefault(_FOLDED, set())
    this = (dashboard.name, section)
    key = f"{dashboard.name}:{section}:section:{language()}"
    if this in folded and key not in st.session_state:
        st.session_state[key] = False
    fold = st.expander(
        f"**{plain(say(section))}**",
        expanded=True,
        type="compact",
        key=key,
        on_change="rerun",
    )
    (folded.discard if fold.open else folded.add)(this)
    return fold


def _fill(cards: list[_Card], ask: Asker) -> None:
    ask.ahead(query for card in cards for query in card.queries)
    while cards:
        card = cards.pop(ask.settled(card.queries for card in cards))
        with card.box:
            card.draw()


def _section(view: View, earlier: View | None, panels: list[Panel], ask: Ask) -> list[_Card]:
    cards: list[_Card] = []
    for metrics, of in groupby(panels, lambda panel: panel.chart == "metric"):
        group = list(of)
        if metrics:
            asked = [prepare(one, panel) for one in (view, earlier) if one for panel in group]
            draw = partial(_metrics, view, earlier, group, ask)
            cards.append(_Card(st.container(), tuple(asked), draw))
        else:
            cards += _cards(view, group, ask)
    return cards


def draw_sentence(view: View, earlier: View | None, ask: Ask) -> None:
    """What is shown, in a sentence under the title; where that is nothing, why: once, instead of
    on every card."""
    words = _sentence(view, earlier)
    st.caption(plain(" · ".join(shortened(say(one), _LONGEST) for one in words)))
    if many := scattered(view.dashboard.table, ask):
        files, partitions = map(count, many)
        said = say(
            "{files} files for {partitions} accounts, regions and days, which this page opens: "
            "`lake compact` makes few of them, and the page quicker.",
            files=files,
            partitions=partitions,
        )
        st.caption(plain(said))
    label = Sentence(view.dashboard.label)
    for one in view.selection.unanswered(view.dashboard.table):
        said = say("Not applied here: no {log} row has {field}.", log=label, field=one.field)
        st.warning(plain(said))
    search = view.selection.search
    for name in search.missing(view.dashboard.table) if search else ():
        said = say("No {log} row has {field}; searching it finds none.", log=label, field=name)
        st.warning(plain(said))
    if search and search.has_words and (rows := rows_without_originals(ask)):
        said = say(
            "{count} rows of this lake were read without their records as they came: a word, which "
            "is looked for there, finds none of them. A field finds them too: `event.action:Get*`.",
            count=count(rows),
        )
        st.warning(plain(said))
    if not view.shown.events:
        st.info(plain(say(why_nothing(view, ask))), icon=":material/search_off:")
        for day in dict.fromkeys(at.date() for at in nearest(view, ask)):
            begin = datetime.combine(day, time.min, UTC)
            st.button(
                say("Show {day}", day=str(day)),
                key=f"nearest:{day}",
                icon=":material/event:",
                on_click=set_time,
                args=(begin, begin + timedelta(days=1)),
            )


def _sentence(view: View, earlier: View | None) -> list[Sentence]:
    """Its parts: how many events of which time, what they were chosen by, what they are drawn and
    compared with."""
    shown, selection = view.shown, view.selection
    parts = [_events(view)]
    if shown.first and shown.last:
        first, last = show_time(shown.first), show_time(shown.last)
        parts.append(Sentence("{start} to {end} UTC", start=first, end=last))
    if selection.time != TimeRange():
        parts.append(Sentence("chosen: {time}", time=selection.time.words()))
    idle = selection.unanswered(view.dashboard.table)
    parts += [spoken(f).words() for f in selection.filters if f not in idle]
    if selection.search:
        parts.append(selection.search.words())
    if shown.events:
        parts.append(Sentence("one bar is {interval}", interval=Sentence(view.interval)))
    if earlier:
        parts.append(
            Sentence(
                "figures beside those of {period} ({count} events)",
                period=earlier.selection.time.words(),
                count=count(earlier.shown.events),
            )
        )
    return parts


def _events(view: View) -> Sentence:
    """How many are shown, of how many, and of further tables."""
    shown, whole = view.shown, view.whole
    one = whole.events == 1
    events = Sentence("{count} event" if one else "{count} events", count=count(whole.events))
    if shown.events < whole.events:
        events = Sentence(
            "{part} of {count} events", part=count(shown.events), count=count(whole.events)
        )
    for name, n in view.further:
        if n:
            events = Sentence(
                "{events} and {count} of {name}", events=events, count=count(n), name=Sentence(name)
            )
    return events


def _metrics(view: View, earlier: View | None, panels: list[Panel], ask: Ask) -> None:
    """Figures side by side, as many in each row, so that no row ends half empty."""
    figures = []
    for panel in panels:
        result = run_compared(view, earlier, panel, ask)
        figures += [(panel, result, str(row[0]), row[-1]) for row in result.rows]
    rows = -(-len(figures) // _METRICS_IN_A_ROW) or 1
    labels = [_figure_label(panel, result, name) for panel, result, name, _ in figures]
    narrowest = 50 + 6 * max(map(_line, labels), default=0)  # pixels: frame and mark, a letter
    grid = st.grid(-(-len(figures) // rows) or 1, min_column_width=narrowest)
    for label, (panel, result, name, value) in zip(labels, figures, strict=True):
        ink = "red" if panel.tone == "bad" else INK.get(panel.tone, {}).get(name)
        search = panel.search_for(name)
        with grid.container(
            border=True, height="stretch", gap=None, key=f"figure:{panel.title}:{name}"
        ):
            st.metric(
                plain(label),
                f":{ink}[{count(value)}]" if ink and value else count(value),
                help=plain(f"{panel.title}: {say(panel.about)} {say(result.note or '')}"),
                **_change(panel, result, name, value),
            )
            if search and value:
                st.button(
                    named("", say("Only these: {name}", name=label)),
                    key=f"{view.dashboard.name}:{panel.title}:{name}:only",
                    type="tertiary",
                    icon=":material/filter_alt:",
                    help=say("Only the events behind this figure"),
                    on_click=add_search,
                    args=(search,),
                )


def _is_alarming(panel: Panel, name: str) -> bool:
    """Whether more of a figure is worse."""
    return panel.tone == "bad" or (panel.tone == "alarm" and name in INK["alarm"])


def _line(label: str) -> int:
    """The letters of a label's longer line, which breaks into two: Japanese anywhere."""
    if width(label) > len(label):
        return -(-width(label) // 2)
    words = label.split()
    lines = ((" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words) + 1))
    return min((max(map(width, two)) for two in lines), default=0)


def _change(panel: Panel, result: PanelResult, name: str, value: float) -> dict[str, Any]:
    """What a figure's card says of the period before; more of what is alarming is red."""
    if result.before is None:
        return {}
    was = next((row[-1] for row in result.before if str(row[0]) == name), 0)
    change = value - was
    return {
        "delta": f"{change:+,}" if change else say("no change"),
        "delta_color": "inverse" if change and _is_alarming(panel, name) else "off",
        "delta_arrow": "auto" if change else "off",
        "delta_description": say("before: {count}", count=count(was)),
    }


def _figure_label(panel: Panel, result: PanelResult, name: str) -> str:
    if len(result.rows) == 1:
        return say(panel.label) if panel.label else panel.title
    return f"{say(name)} ({say(panel.unit)})" if panel.unit else say(name)


def _cards(view: View, panels: list[Panel], ask: Ask) -> list[_Card]:
    # As few columns as the widths need: where a window is narrower, they divide it without a rest,
    # and a card moves up into a gap.
    step = gcd(GRID, *(panel.width for panel in panels))
    narrowest = min(panel.width for panel in panels) // step
    grid = st.grid(
        GRID // step, min_column_width=_NARROWEST_CARD // narrowest, border=True, dense=True
    )
    cards = []
    for panel in panels:
        cell = grid.cell(column_span=panel.width // step, row_span=panel.height)
        needed = [panel, *([view.dashboard.panel(panel.like)] if panel.like else [])]
        asked = tuple(prepare(view, one) for one in needed)
        draw = partial(_card, view, panel, ask)
        cards.append(_Card(cell.container(gap="xxsmall"), asked, draw))
    return cards


def _card(view: View, panel: Panel, ask: Ask) -> None:
    result = run_panel(view, panel, ask)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{plain(say(panel.label) if panel.label else panel.title)}**",
            help=plain(f"{panel.title}: {say(panel.about)}"),
            width="stretch",
        )
        _behind(view, panel, result, ask)
    if result.note:
        st.caption(plain(say(result.note)))
    elif panel.chart == "bar":
        draw_bars(view, panel, result)
    elif panel.chart in ("area", "line"):
        draw_time(view, panel, result, bars_of(view, ask), ask)
    elif panel.chart == "map":
        draw_map(view, panel, result)
    elif panel.chart == "rows":
        draw_rows(view, panel, ask)
    elif panel.chart == "choices":
        draw_choices(view, panel, result)
    elif panel.chart == "text":
        st.text("\n".join(visible(str(value)) for row in result.rows for value in row))
    else:
        draw_table(f"{view.dashboard.name}:{panel.title}:table", panel, result)


def _behind(view: View, panel: Panel, result: PanelResult, ask: Ask) -> None:
    """What is behind a card, shown when asked for: its values to choose from, its query, its
    rows."""
    key = f"{view.dashboard.name}:{panel.title}:data"
    title = say(panel.label) if panel.label else panel.title
    opener = st.popover(
        named(say("Data"), title),
        type="tertiary",
        key=key,
        on_change="rerun",
        help=say("The values to filter by, the query and its rows"),
    )
    if opener.open:
        with opener:
            if not result.note:
                draw_values(key, panel, result, bars_of(view, ask))
            st.code(result.sql, language="sql", wrap_lines=True)
            draw_table(f"{key}:rows", panel, result)
