"""Buttons that save rows as files, one a format; a file is made when its button is clicked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lake.ask.adhoc import FILES

if TYPE_CHECKING:
    from collections.abc import Callable

_LABELS = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet"}


def draw_downloads(key: str, name: str, file: Callable[[str], bytes]) -> None:
    """Side by side in a row that is open; `file` gives the bytes in a format of `FILES`."""
    for form, kind in FILES.items():
        st.download_button(
            _LABELS[form],
            data=partial(file, form),
            file_name=f"{name}.{form}",
            mime=kind,
            icon=":material/download:",
            on_click="ignore",
            key=f"{key}:{form}",
        )
