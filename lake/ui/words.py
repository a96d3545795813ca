"""The language of the pages. English is what stands in the code, in `sql/dashboards/*.toml` and in
the comments of queries; `strings.ja.toml` has the Japanese of each text, and `say` looks it up.
Titles of panels, names of fields, numbers and what logs say stay as they are.

What is chosen from a list of ours stands in the address in English, whatever the language, so that
a link shows the same to every reader. (A widget that is bound to the address writes there what it
shows.)
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lake.ui.text import plain
from lake.visible import shortened
from lake.words import Sentence, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from lake.dashboards.dashboards import Panel
    from lake.errors import LakeError

LANG = "lang"
LANGUAGES = {"en": "English", "ja": "日本語"}
"""As the address has it -> as its readers call it."""
STRINGS = "strings.{}.toml"
_DRAWN, _TURNED = "lang:drawn", "lang:turned"
"""The language of the run before, and whether this one's is another."""
_LONGEST = 80
_WRITTEN = "lang:written"
"""What the address was told of choices, by key."""


def begin(*kept: str) -> None:
    """Find the language of this run: what was chosen, else the address's, else the browser's.
    `kept` are keys of `pick` on every page: going to another, Streamlit takes from the address what
    no widget is bound to, and it comes back at once, as one step of the browser's history."""
    written = st.session_state.get(_WRITTEN, {})
    lost = {key: written[key] for key in (LANG, *kept) if key in written}
    lost = {key: value for key, value in lost.items() if st.session_state.get(key) == value}
    if lost and not back_or_forth() and lost.keys().isdisjoint(st.query_params):
        st.query_params.update(lost)
    browser = (st.context.locale or "").partition("-")[0].lower()
    before = st.session_state.get(_DRAWN)
    linked = st.query_params.get_all(LANG)  # which is gone once it is settled
    _settle(LANG, LANGUAGES, browser if browser in LANGUAGES else "en")
    st.session_state[_DRAWN] = language()
    st.session_state[_TURNED] = before not in (None, language())
    for text in linked:
        if text and text not in LANGUAGES:
            _say_not_applied(LANG, text)


def language() -> str:
    """The language of this reader, one of `LANGUAGES`."""
    return str(st.session_state.get(LANG, "en"))


def say(text: str, **values: str) -> str:
    """A text of ours in the reader's language, with `values` in its named places."""
    return translated(Sentence(text, **values) if values else text, strings(language()))


def say_known(text: str) -> str:
    """The same of what may be ours, or a name that has no translation: a column of a query."""
    return strings(language()).get(text, text)


def eye(text: str, longest: int) -> str:
    """A value of a log as a chart or a list names it: shortened, and told of where the eye would
    see none."""
    seen = shortened(text, longest)
    return seen if seen.strip() else say("(blank)" if seen else "(empty)")


def heard(panel: Panel) -> str:
    """A panel's chart or table for a voice: which one it is, since several may share a query and
    what that explains, and what it shows."""
    return f"{say(panel.label)}: {say(panel.about)}"


def say_error(error: LakeError) -> str:
    """What an error says, in the reader's language where it is a sentence of ours."""
    message = error.args[0] if error.args else ""
    return say(message) if isinstance(message, Sentence) else str(error)


@cache
def strings(language: str) -> Mapping[str, str]:
    """The table of a language: English -> its text. That of English is empty."""
    if language == "en":
        return {}
    path = Path(__file__).with_name(STRINGS.format(language))
    return tomllib.loads(path.read_text("utf-8"))


def shown(options: Mapping[str, str]) -> Callable[[str], str]:
    """How a list shows its options (-> English), in the language of this run."""
    said = {option: say(text) for option, text in options.items()}
    return lambda option: said.get(option, option)


def say_unread(key: str, taken: Callable[[str], bool]) -> None:
    """What a link says that its widget will not take, which would be dropped without a word; before
    the widget is drawn."""
    for text in st.query_params.get_all(key):
        if text and not taken(text):
            _say_not_applied(key, text)


def say_unknown(known: Collection[str]) -> None:
    """What a link says that no page takes, perhaps under a name that is nearly right."""
    for key in st.query_params:
        if key not in known:
            _say_not_applied(key, st.query_params[key])


def _say_not_applied(key: str, text: str) -> None:
    part = shortened(f"{key}={text}", _LONGEST)
    said = say("Not applied: '{part}', which is in the link.", part=part)
    st.warning(plain(said), icon=":material/link_off:")


def pick(label: str, options: Iterable[str], key: str, **how: Any) -> str:  # noqa: ANN401
    """A list to choose from, the first unless told; `how` is what else a selectbox takes."""
    known = {option: option for option in options}
    say_unread(key, known.__contains__)
    chosen = _settle(key, known, next(iter(known)))
    st.selectbox(
        label, list(known), key=key, format_func=shown(known), persist_state="session", **how
    )
    return chosen


def pick_language() -> None:
    """The list of languages, on every page."""
    st.selectbox(
        "Language / 言語",
        list(LANGUAGES),
        key=LANG,
        format_func=LANGUAGES.__getitem__,
        persist_state="session",
    )


def _settle(key: str, known: Collection[str], usual: str) -> str:
    """Bring a choice and the address together before its widget is drawn: where nothing was chosen
    yet, and where a reader goes back or forth, the address is right."""
    chosen = None if back_or_forth() else st.session_state.get(key)
    given = (str(one) for one in (chosen, st.query_params.get(key)))
    value = next((one for one in given if one in known), usual)
    # Only where it must be told, since a widget that is told of its value closes its list: in
    # another language the browser has it in words that there are no more.
    if st.session_state.get(key) != value or st.session_state.get(_TURNED):
        st.session_state[key] = value
    written = st.session_state.setdefault(_WRITTEN, {})
    if value == usual:
        written.pop(key, None)
        st.query_params.pop(key, None)
    else:
        written[key] = value
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    return value


def back_or_forth() -> bool:
    """Whether the browser went to another entry of its history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
