"""What came of a typed query: its rows as a table, as a chart of the reader's choice, or as files;
of a plan its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from lake.ask.adhoc import DISPLAY_LIMIT, FILE_ROWS, PLAN, Result, Step, result_file
from lake.ask.plot import KINDS, ROWS, Chart, points, roles, suggested
from lake.ui.cached import for_typed_sql
from lake.ui.downloads import draw_downloads
from lake.ui.paper import EMPTY, PRINTED, draw_on_paper
from lake.ui.sqlchart import draw_points
from lake.ui.table import ROW, height
from lake.ui.text import count, plain
from lake.ui.words import language, say, shown
from lake.visible import shortened, visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.query import Lake

TABLE, CHART = "Table", "Chart"
_FORK = "\u2514 "
_MILLISECONDS = len("2024-02-01 10:00:00.000")


def draw_result(lake: Lake, text: str, result: Result) -> None:
    """How many rows in which time, then the rows; `text` is the query that gave them."""
    steps = result.plan()
    if steps is not None:
        _steps(steps, result.seconds)
        return
    if result.table.column_names == PLAN:
        drawn = "\n".join(map(str, result.table["explain_value"].to_pylist()))
        st.code(visible_lines(drawn), language=None)
        return
    chart = suggested(result.table)
    with st.container(horizontal=True, vertical_alignment="center"):
        form = _heading(lake, text, result, chart)
    if result.cut:
        st.warning(
            say(
                "Cut: these are {part}. A file has all of them, for which the query runs again, up "
                "to {count}; more than that `lake sql` writes.",
                part=plain(say(result.cut)),
                count=count(FILE_ROWS),
            ),
            icon=":material/content_cut:",
        )
    if chart and form == CHART:
        _chart(result, chart)
    else:
        _table(result)


def _heading(lake: Lake, text: str, result: Result, chart: Chart | None) -> str:
    """How many rows in which time, and the files; gives the form to show them in, which a reader
    chooses where there is a chart of them."""
    rows = result.table.num_rows
    st.markdown(
        say(
            "**{count} row** in {seconds} s" if rows == 1 else "**{count} rows** in {seconds} s",
            count=count(rows),
            seconds=f"{result.seconds:.2f}",
        ),
        width="stretch",
    )
    form: str = TABLE
    if chart:
        form = st.segmented_control(
            say("Show as"),
            [TABLE, CHART],
            format_func=shown({TABLE: "Table", CHART: "Chart"}),
            key="sql:as",
            default=TABLE,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
    draw_downloads(
        "sql:file",
        "siem-lake",
        lambda form: result_file(for_typed_sql(lake), text, result, form),
    )
    return form


def _table(result: Result) -> None:
    rows = result.table.num_rows
    if not rows:
        st.caption(say("No row fits."))
        return
    if rows > DISPLAY_LIMIT:
        said = say(
            "The table shows the first {count}, the files have all.", count=count(DISPLAY_LIMIT)
        )
        st.caption(plain(said))
    table = result.shown()
    st.dataframe(
        table,
        hide_index=True,
        height=height(rows, 16),
        row_height=ROW,
        placeholder=EMPTY,
        column_config={
            field.name: _column(field, table.column(n)) for n, field in enumerate(table.schema)
        },
        alt=say("The rows of the query"),
    )
    columns = [_printed(column) for column in table.slice(0, PRINTED).columns]
    labels = [_label(field) for field in table.schema]
    draw_on_paper(labels, list(zip(*columns, strict=True)), result.table.num_rows)


def _column(field: pa.Field, values: pa.ChunkedArray) -> Any:  # noqa: ANN401  Streamlit's
    label = _label(field)
    if pa.types.is_timestamp(field.type):
        whole = pc.all(pc.equal(pc.subsecond(values), 0)).as_py() is not False
        parts = "" if whole else ".SSS"
        return st.column_config.DatetimeColumn(
            label, format=f"YYYY-MM-DD HH:mm:ss{parts}", timezone="UTC"
        )
    if pa.types.is_date(field.type):
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if pa.types.is_integer(field.type):
        return st.column_config.NumberColumn(label, format="localized")
    if pa.types.is_floating(field.type):
        return st.column_config.NumberColumn(label, format="%.15g")
    if pa.types.is_boolean(field.type):
        return st.column_config.CheckboxColumn(label)
    return st.column_config.TextColumn(label)


def _printed(column: pa.ChunkedArray) -> list[Any]:
    """A column's values for paper; times as text, since Python has none beyond the year 9999."""
    if pa.types.is_timestamp(column.type):
        column = pc.utf8_slice_codeunits(column.cast(pa.string()), 0, _MILLISECONDS)
    return list(column.to_pylist())


def _label(field: pa.Field) -> str:
    """What stands above a column; no Markdown."""
    utc = pa.types.is_timestamp(field.type) and field.type.tz
    return shortened(field.name, 60) + (" (UTC)" if utc else "")


def _chart(result: Result, usual: Chart) -> None:
    """The chart and what it is made of, chosen anew for each shape of a result."""
    names = [shortened(name, 60) for name in result.table.column_names]
    known = roles(result.table)
    texts = tuple(n for n, role in enumerate(known) if role == "text")
    along: list[tuple[int, ...]] = [(n,) for n, role in enumerate(known) if role]
    along += [texts] if len(texts) > 1 else []
    numbers = [n for n, role in enumerate(known) if role == "number"]
    shape = hash(tuple(names))

    def choice(label: str, options: list[Any], usual: Any, words: Callable[[Any], str]) -> Any:  # noqa: ANN401
        return st.selectbox(
            say(label),
            options,
            index=options.index(usual),
            key=f"sql:chart:{label}:{shape}:{language()}",
            format_func=words,
        )

    def joined(columns: tuple[int, ...]) -> str:
        return " \N{MIDDLE DOT} ".join(names[n] for n in columns)

    with st.container(horizontal=True):
        kind = choice("Chart", list(KINDS), usual.kind, shown(KINDS))
        x = choice("Along", along, usual.x, joined)
        y = choice("Figure", numbers, usual.y, names.__getitem__)
        one = say("one")
        usually = "" if usual.colour is None else usual.colour  # None would be nothing chosen
        by = choice("Colour", ["", *texts], usually, lambda n: one if n == "" else names[n])
    colour = None if by == "" else by
    found = points(result.table, Chart(kind, x, y, colour))
    if not found.num_rows:
        st.caption(say("No row has both a place and a number."))
        return
    labels = {"x": joined(x), "y": names[y], "name": "" if colour is None else names[colour]}
    draw_points(found, kind, known[x[0]], labels)
    if result.table.num_rows > ROWS:
        st.caption(plain(say("The chart has the first {count} rows.", count=count(ROWS))))


def _steps(steps: list[Step], seconds: float) -> None:
    """A plan, the last step first: rows come from below."""
    st.markdown(
        say(
            "**{count} step** in {seconds} s"
            if len(steps) == 1
            else "**{count} steps** in {seconds} s",
            count=str(len(steps)),
            seconds=f"{seconds:.2f}",
        )
    )
    st.caption(say("The last step stands first and takes its rows from those below it."))
    longest = max((step.seconds for step in steps), default=0.0) * 1000
    st.dataframe(
        pa.table(
            {
                "Step": [_FORK * step.deep + step.name for step in steps],
                "Time": [step.seconds * 1000 for step in steps],
                "Rows": [step.rows for step in steps],
                "What": [shortened(step.about) for step in steps],
            }
        ),
        hide_index=True,
        height=height(len(steps), 16),
        row_height=ROW,
        column_config={
            "Step": st.column_config.TextColumn(say("Step"), width="medium"),
            "Time": st.column_config.ProgressColumn(
                say("Time (ms, of all threads)"),
                format="%.1f",
                min_value=0,
                max_value=longest or 1,
                width="medium",
            ),
            "Rows": st.column_config.NumberColumn(say("Rows"), format="localized", width="small"),
            "What": st.column_config.TextColumn(say("What"), width="large"),
        },
        alt=say("The steps of the plan, with their rows and times"),
    )
