"""The page for SQL of one's own: a text, what can be asked beside it, the result below. What may be
asked, how long and how much of it is `lake.ask.adhoc`'s. A query runs in a thread of its own while
the page stays usable; the Stop button ends it, and so does going to another page or closing this
one. What was asked stands in the address; whoever opens that has it in the editor, and nothing runs
before they press Run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lake.ask.adhoc import ROW_LIMIT, SECONDS, Question, Result
from lake.ask.at_hand import example
from lake.ask.meant import meant
from lake.ask.saved import Asked, note_asked, save_query, saved_names
from lake.errors import LakeError, UsageError
from lake.ui.cached import for_typed_sql, reader_comes
from lake.ui.sqlresult import draw_result
from lake.ui.sqlside import ASKED, LOADED, NAMED, PUT, TEXT, UNKEPT, draw_side
from lake.ui.text import count, plain
from lake.ui.words import back_or_forth, say, say_error
from lake.visible import visible_lines
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.query import Lake

NAME = "sql"
PARAMETER = "sql"
"""Of an address: the query."""
_RUNNING, _RESULT, _SAID = "sql:running", "sql:result", "sql:said"
_SENT, _LINKED = "sql:sent", "sql:linked"
"""The query that was asked last, and the one that came with the address."""
_LONGEST_LINK = 6_000
"""Characters of a query in an address, as it is written there: servers and mail cut longer ones."""
_AT_ONCE = 0.4
"""Seconds in which most queries end: until then the page waits for one."""
_STEP = 0.5
"""Seconds between two looks at one that takes longer."""
_REFUSED = {
    "Parser Error": Sentence("The query cannot be read. DuckDB says where:"),
    "Binder Error": Sentence(
        "A column or function is not there, or not used so. DuckDB says which:"
    ),
    "Catalog Error": Sentence(
        "There is nothing of that name. DuckDB says which, and what is like it:"
    ),
    "Conversion Error": Sentence(
        "A value is not of the type that the query wants. DuckDB says which:"
    ),
    "Permission Error": Sentence("A query reads this lake and no other file. DuckDB says which:"),
    "Out of Memory Error": Sentence("The query wants more memory than it may have. DuckDB says:"),
}
"""How DuckDB's words on a query begin -> what they mean, for whoever does not read them."""
_ALIKE = "<style>.st-key-sql-text textarea { font-family: monospace; tab-size: 2 }</style>"


@dataclass(frozen=True, slots=True)
class _Run:
    """A query that was sent, and what waits for its answer."""

    text: str
    at: str
    question: Question


def draw_sql(lake: Lake) -> None:
    """The text on the left, what can be asked on the right, the result below."""
    if PUT in st.session_state:  # before its widget is drawn, which alone may be set
        st.session_state[TEXT], name = st.session_state.pop(PUT)
        st.session_state[NAMED] = name
        st.session_state[LOADED] = name
    _from_address()
    st.title("SQL", anchor=False)
    st.caption(
        plain(
            say(
                "One SELECT over this lake, which no query can change. It reads no other file, is "
                "stopped after {minutes} minutes, and shows up to {count} rows. Times are UTC.",
                minutes=str(SECONDS // 60),
                count=count(ROW_LIMIT),
            )
        )
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        sent, text, name = _form()
    if sent == "save":
        _save(lake, name, text)
    elif sent:
        _ask(lake, text or example(), explain=sent == "plan")
    _to_address()
    with left:
        _say_linked(text)
    _take(lake)
    with right:
        draw_side(lake)
    if _RUNNING in st.session_state:
        _wait()
    _answer(lake)


def leave(lake: Lake) -> None:
    """For every other page: nobody waits for a query any more."""
    run: _Run | None = st.session_state.get(_RUNNING)
    if run is not None:
        run.question.stop()
        _take(lake)
        if not st.session_state.get(_RESULT):
            st.session_state[_SAID] = Sentence("Stopped: the page was left.")


def _from_address() -> None:
    """The query of a link, and of an entry of the browser's history, into the editor; no more."""
    given = st.query_params.get(PARAMETER)
    if given and (TEXT not in st.session_state or back_or_forth()):
        st.session_state[TEXT] = st.session_state[_LINKED] = given
    if back_or_forth():
        st.session_state[_SENT] = given


def _to_address() -> None:
    """What was asked last, if it is short enough."""
    sent = st.session_state.get(_SENT)
    if sent is None:
        return
    if len(quote(sent)) > _LONGEST_LINK:
        st.query_params.pop(PARAMETER, None)
    elif st.query_params.get(PARAMETER) != sent:
        st.query_params[PARAMETER] = sent


def _say_linked(text: str) -> None:
    """Where a query comes from that nobody here wrote; and that one has no link."""
    sent = st.session_state.get(_SENT)
    if text and text == st.session_state.get(_LINKED, "").strip() and text != sent:
        said = say("This query came with the link and has not run. Read it before you run it.")
        st.info(said, icon=":material/link:")
    if sent and len(quote(sent)) > _LONGEST_LINK:
        st.caption(
            say("The query is too long for the address. Saved, others of this lake have it.")
        )


def _form() -> tuple[str, str, str]:
    """What is asked for (`run`, `plan`, `save`, or nothing), the text, and the name to save it
    under."""
    st.html(_ALIKE)
    with st.form("sql:form", border=False):
        text = st.text_area(
            say("Query"),
            key=TEXT,
            height=268,
            placeholder=example(),
            label_visibility="collapsed",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            run = st.form_submit_button(
                say("Run"),
                type="primary",
                icon=":material/play_arrow:",
                help=say("Ctrl and Enter run it, too. An empty field runs the example."),
            )
            plan = st.form_submit_button(
                say("Plan"),
                icon=":material/account_tree:",
                help=say("Runs it and tells what each step took, in place of the rows."),
            )
            st.space("stretch")
            name = st.text_input(
                say("Name"),
                key=NAMED,
                max_chars=60,
                placeholder=say("Name to save it as"),
                label_visibility="collapsed",
                width=175,
                persist_state="session",
            )
            # page.js presses it for Enter in the name, which would press the first of the form
            save = st.form_submit_button(say("Save"), icon=":material/save:", key="sql:save")
    sent = "run" if run else "plan" if plan else "save" if save else ""
    return sent, (text or "").strip(), (name or "").strip()


def _save(lake: Lake, name: str, text: str) -> None:
    """Under a name that another query has, only when asked a second time."""
    try:
        if not name:
            raise UsageError(Sentence("a query is saved under a name. Write one beside Save."))
        if name in saved_names(lake.path) and st.session_state.get(LOADED) != name:
            st.session_state[LOADED] = name
            raise UsageError(
                Sentence(
                    "'{name}' is there already. Save again to put this in its place.", name=name
                )
            )
        kept = save_query(lake.path, name, text)
    except LakeError as error:
        st.warning(plain(say("Not saved: {why}", why=say_error(error))), icon=":material/save:")
        return
    st.session_state[LOADED] = kept
    st.success(plain(say("Saved as {name}.", name=kept)), icon=":material/save:")


def _ask(lake: Lake, text: str, *, explain: bool) -> None:
    """Begin a query in place of the one before."""
    reader_comes()
    leave(lake)
    st.session_state[_SENT] = text
    for key in (_RESULT, _SAID):
        st.session_state.pop(key, None)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        question = Question(for_typed_sql(lake), text, explain=explain, wanted=_present())
    except LakeError as error:
        st.session_state[_SAID] = error.args[0]
        _note(lake, Asked(text, at, 0.0, None, "not let in"))
        return
    st.session_state[_RUNNING] = _Run(text, at, question)
    question.wait(_AT_ONCE)


def _present() -> Callable[[], bool]:
    """Whether whoever asks still has the page open."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    return partial(runtime.get_instance().is_active_session, context.session_id)


def _take(lake: Lake) -> None:
    """What came of a query that has ended."""
    run: _Run | None = st.session_state.get(_RUNNING)
    if run is None or not run.question.wait(0):
        return
    del st.session_state[_RUNNING]
    seconds = run.question.seconds
    try:
        result = run.question.result()
    except LakeError as error:
        said = st.session_state[_SAID] = error.args[0]
        ended = "stopped" if said.startswith("Stopped") else "failed"
        _note(lake, Asked(run.text, run.at, round(seconds, 3), None, ended))
        return
    st.session_state[_RESULT] = (run.text, result)
    rows = None if result.plan() else result.table.num_rows
    note = "plan" if rows is None else "cut" if result.cut else ""
    _note(lake, Asked(run.text, run.at, round(result.seconds, 3), rows, note))


def _note(lake: Lake, one: Asked) -> None:
    """Into this session's history and the lake's; that the lake takes none is told beside it."""
    st.session_state[ASKED] = [*st.session_state.get(ASKED, []), one]
    try:
        note_asked(lake.path, one)
        st.session_state.pop(UNKEPT, None)
    except LakeError as error:
        st.session_state[UNKEPT] = say_error(error)


@st.fragment(run_every=_STEP)
def _wait() -> None:
    """How long it has run, and a button that stops it. This part alone is drawn again and again."""
    reader_comes()  # nothing is asked for nobody beside it
    run: _Run | None = st.session_state.get(_RUNNING)
    if run is None:
        return
    if run.question.wait(0):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(say("Stop"), key="sql:stop", icon=":material/stop:", on_click=run.question.stop)
        st.caption(plain(say("Running for {seconds} s.", seconds=f"{run.question.seconds:.0f}")))


def _answer(lake: Lake) -> None:
    said = st.session_state.get(_SAID)
    if said and said.startswith("Stopped"):
        st.info(plain(say(said)), icon=":material/stop_circle:")
    elif isinstance(said, Sentence):
        st.error(plain(say("That did not run: {why}", why=said)), icon=":material/block:")
    elif said:
        why = _REFUSED.get(said.partition(":")[0], Sentence("That did not run. DuckDB says:"))
        st.error(say(why), icon=":material/block:")
        st.code(visible_lines(said), language=None, wrap_lines=True)
        if fields := meant(st.session_state.get(_SENT, ""), said):
            st.info(plain(say(fields)), icon=":material/lightbulb:")
    found: tuple[str, Result] | None = st.session_state.get(_RESULT)
    if found:
        draw_result(lake, *found)
