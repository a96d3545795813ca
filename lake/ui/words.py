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

from lake.words import Sentence, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from lake.errors import LakeError

LANG = "lang"
LANGUAGES = {"en": "English", "ja": "日本語"}
"""As the address has it -> as its readers call it."""
STRINGS = "strings.{}.toml"


def begin() -> None:
    """Find the language of this run: what was chosen, else the address's, else the browser's."""
    browser = (st.context.locale or "").partition("-")[0].lower()
    _settle(LANG, LANGUAGES, browser if browser in LANGUAGES else "en")


def language() -> str:
    """The language of this reader, one of `LANGUAGES`."""
    return str(st.session_state.get(LANG, "en"))


def say(text: str, **values: str) -> str:
    """A text of ours in the reader's language, with `values` in its named places."""
    return translated(Sentence(text, **values) if values else text, strings(language()))


def say_known(text: str) -> str:
    """The same of what may be ours, or a name that has no translation: a column of a query."""
    return strings(language()).get(text, text)


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


def pick(label: str, options: Iterable[str], key: str, **how: Any) -> str:  # noqa: ANN401
    """A list to choose from, the first unless told; `how` is what else a selectbox takes."""
    known = {option: option for option in options}
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
    context = get_script_run_ctx()
    back_or_forth = context is not None and context.is_history_navigation
    chosen = None if back_or_forth else st.session_state.get(key)
    given = (str(one) for one in (chosen, st.query_params.get(key)))
    value = next((one for one in given if one in known), usual)
    st.session_state[key] = value
    if value == usual:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value
    return value
