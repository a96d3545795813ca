"""A source.toml of one's own in which an entry is not what it is to be: told with file and entry,
where a list for a text would be taken letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from own_source import LINES, own_source

from lake.errors import SourceError
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("was", "given", "words"),
    [
        ('title = "Lines"', "", "'title' is missing"),
        ('title = "Lines"', "title = 7", "title = 7 is to be a text, in quotes"),
        ('title = "Lines"', 'titel = "Lines"', "the top has no 'titel'. Known: "),
        ("line = '^ODD '", "key = '/odd/'", "key = '/odd/' is to be a list, in [ ]"),
        ("line = '^ODD '", "key = [7]", "first argument must be string"),
        ("line = '^ODD '", 'members = ["odd", "ip"]', 'members is a list of lists: [["a", "b"]]'),
        ("line = '^ODD '", "line = '^(ODD '", "missing ), unterminated subpattern"),
        ('delimiter = " "', "", "'delimiter' is missing"),
        ('n = "BIGINT"', "n = 7", "[native] n = 7 is no type, in quotes"),
        ("[native]", "[natives]", "the top has no 'natives'. Known: "),
    ],
)
def test_entries_that_are_wrong(tmp_path: Path, was: str, given: str, words: str) -> None:
    assert was in LINES
    with own_source(tmp_path, LINES.replace(was, given)), pytest.raises(SourceError) as raised:
        catalogue()
    assert str(raised.value).startswith(f"{tmp_path / 'own' / 'source.toml'}: ")
    assert words in str(raised.value)
