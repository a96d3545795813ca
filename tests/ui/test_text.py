"""Text where Markdown is read: nothing in it is markup but a command of ours."""

from __future__ import annotations

import pytest

from lake.ui.text import plain


def test_a_command_of_ours_stands_as_code() -> None:
    assert plain("Run `lake geoip update`, then read.") == "Run `lake geoip update`, then read\\."


@pytest.mark.parametrize(
    "text", ["`rm -rf`", "`lake :red[x]`", "`lake <img src=x>`", "`lake a", "``lake a``b`"]
)
def test_nothing_else_is_code(text: str) -> None:
    assert "`" not in plain(text).replace("\\`", "").replace("`lake a`", "")
