"""Lines cut into fields: the fast way and the careful one agree; nothing in a line breaks it."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.decode import tokens
from lake.decode.tokens import SEPARATOR, cut_fields, cut_line
from lake.sources.source import Delimited

QUOTED = Delimited(delimiter=" ", header="none", columns=("a", "b", "c"), quotes=True)
PLAIN = Delimited(delimiter=" ", header="none", columns=("a", "b", "c"))


def cut(lines: list[str], given: Delimited = QUOTED) -> list[list[str] | None]:
    """The fields of each line; None where it cannot be cut."""
    array = pa.array(lines, pa.string())
    separator, found = cut_fields(array, given)
    texts = (array if found is None else found).to_pylist()
    return [None if text is None else text.split(separator) for text in texts]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a b c", ["a", "b", "c"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ('"a b"', ["a b"]),
        ('"" a ""', ["", "a", ""]),
        ('a "-" -', ["a", "-", "-"]),
        ("a  b", ["a", "", "b"]),
        ("a b ", ["a", "b", ""]),
        ('a "b" ', ["a", "b", ""]),
        # a list of quoted strings is one field
        ('h2 "h2","http/1.1" 2020', ["h2", "h2,http/1.1", "2020"]),
        ('"a b","c d"', ["a b,c d"]),
        # a comma alone joins nothing
        ('"a,b" "c" ,"d"', ["a,b", "c", ',"d"']),
        # quotes that do not add up: one ends a field only before a blank
        ('a "b "c" d" e', ["a", 'b "c', 'd"', "e"]),
        ('a "say "hi", you" e', ["a", 'say "hi", you', "e"]),
        (r'a "curl \"x\"" e', ["a", r"curl \"x\"", "e"]),
        ('size 5" wide', ["size", '5"', "wide"]),
        ('5" 6"', ['5"', '6"']),
        # an open quote cannot be closed
        ('a "b c', None),
        ('a "', None),
        # our own separator in a line ends no field
        ("a\x1fb c", ["a\ufffdb", "c"]),
        ('a "b\x1fc" d', ["a", "b\ufffdc", "d"]),
        # what else a line may hold
        ("a\x00b \x00", ["a\x00b", "\x00"]),
        ('a "b\x00c" "漢字 ü" d', ["a", "b\x00c", "漢字 ü", "d"]),
        ("", [""]),
    ],
)
def test_a_line_is_cut(line: str, fields: list[str] | None) -> None:
    assert cut([line]) == [fields]
    # among ordinary lines, before and behind it
    assert cut(['x "y z"', line, '"x y" z']) == [["x", "y z"], fields, ["x y", "z"]]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("2,10.0.0.1,,ACCEPT", ["2", "10.0.0.1", "", "ACCEPT"]),
        ('"2","10.0.0.1","a,b"', ["2", "10.0.0.1", "a,b"]),
        ('2,"say ""hi""",x', ["2", 'say "hi"', "x"]),
        ('"2","a', None),
        ("a\x1fb,c", ["a\ufffdb", "c"]),
        ("", [""]),
    ],
)
def test_a_line_of_a_table_exported_as_csv(line: str, fields: list[str] | None) -> None:
    assert cut(["a,b", line], replace(PLAIN, delimiter=",")) == [["a", "b"], fields]


def test_lines_of_many_blocks_keep_their_order() -> None:
    lines = [f'{n} "user agent {n}" "{"z" * (n % 4000)}"' for n in range(3000)]
    lines[7], lines[1234], lines[1999] = 'odd "one', '7 "x" y" 1', "\x1f"
    found = cut(lines)
    assert sum(map(len, lines)) > 2 * tokens.BLOCK
    assert found[7] is None
    assert found[1234] == ["7", "x", 'y"', "1"]
    assert found[1999] == ["\ufffd"]
    for n in set(range(3000)) - {7, 1234, 1999}:
        assert found[n] == [str(n), f"user agent {n}", "z" * (n % 4000)]


def test_a_line_longer_than_a_block_is_cut() -> None:
    long = "x" * (tokens.BLOCK * 2)
    assert cut(["a b", f'"{long} y" b', "c"]) == [["a", "b"], [f"{long} y", "b"], ["c"]]


def test_a_slice_of_an_array_is_cut_like_the_whole() -> None:
    array = pa.array(['a "b c"', '"d e" f', 'odd "g" h" i', "j"])
    separator, found = cut_fields(array[1:4], QUOTED)
    assert found is not None
    assert found.to_pylist() == [
        f"d e{separator}f",
        separator.join(["odd", "g", 'h"', "i"]),
        "j",
    ]
    _, nothing = cut_fields(array[:0], QUOTED)
    assert nothing is not None
    assert nothing.to_pylist() == []


def test_more_quoted_fields_than_the_source_has_are_cut_by_its_pattern() -> None:
    """A client that writes `x" "y` into its user agent forges no field."""
    pattern = re.compile(r'(?P<a>\S+) "(?P<b>.*)" (?P<c>\S+)')
    given = replace(QUOTED, pattern=pattern, quoted=1)
    assert cut(['1 "x" "y" 2'], QUOTED) == [["1", "x", "y", "2"]]
    assert cut(['1 "x" "y" 2'], given) == [["1", 'x" "y', "2"]]
    assert cut(['1 "x y" 2'], given) == [["1", "x y", "2"]]


def test_a_quoted_field_where_the_source_has_none_is_cut_by_its_pattern() -> None:
    """The same where other fields in quotes follow, so that their number tells nothing."""
    pattern = re.compile(r'"(?P<a>.*?)" (?P<b>\d+)(?: "(?P<c>.*)")*')
    given = replace(QUOTED, columns=("a", "b", "c"), pattern=pattern, clients=1)
    lines = ['"x" "y" 2 "z"', '"x" 2 "y" "z"', '"x" 2', '"x" "y" 2', ""]
    assert cut(lines, QUOTED)[0] == ["x", "y", "2", "z"]
    assert cut(lines, given) == [
        ['x" "y', "2", "z"],
        ["x", "2", "y", "z"],
        ["x", "2"],
        ['x" "y', "2"],
        [""],
    ]


def test_in_a_text_that_is_whole_the_delimiter_ends_no_field() -> None:
    given = replace(QUOTED, whole=" of the ")
    lines = ["a man of the sea c", 'a "of the " of the b c', "a b of the", " of the  of the ", ""]
    assert cut(lines, given) == [
        ["a", "man of the sea", "c"],
        ["a", "of the  of the b", "c"],
        ["a", "b", "of", "the"],
        [" of the  of the "],
        [""],
    ]


def test_a_pattern_that_does_not_fit_leaves_the_rule_of_quotes() -> None:
    given = replace(QUOTED, pattern=re.compile(r'(?P<a>\d+) "(?P<b>.*)"'))
    assert cut_line('x "y" z" w', given) == SEPARATOR.join(["x", "y", 'z"', "w"])


def test_what_a_pattern_finds_no_value_for_reads_as_null() -> None:
    given = replace(QUOTED, pattern=re.compile(r'(?P<a>\w+)(?: x="(?P<b>.*)")? (?P<c>\w+)!'))
    assert cut_line("k v!", given) == SEPARATOR.join(["k", "-", "v"])
    assert cut_line("k v!", replace(given, nulls=())) == SEPARATOR.join(["k", "", "v"])
    shorter = replace(given, pattern=re.compile(r"(?P<a>\w+) (?P<b>\w+)(?: (?P<c>\w+))?"))
    assert cut_line("k v", shorter) == SEPARATOR.join(["k", "v"])


def test_lines_without_quotes_stay_as_they_are() -> None:
    assert cut_fields(pa.array(["a b c", "d e f"]), PLAIN) == (" ", None)
    assert cut_fields(pa.array(["a\tb"]), replace(PLAIN, delimiter="\t")) == ("\t", None)
    lines = ["a  b   c", " d e ", "f\x1fg"]
    assert cut(lines, PLAIN) == [["a", "b", "c"], ["d", "e"], ["f\ufffdg"]]


def test_quotes_around_fields_that_a_tab_ends() -> None:
    assert cut(['a\t"b c\td"\te f'], replace(QUOTED, delimiter="\t")) == [["a", "b c\td", "e f"]]


# -- any line ----------------------------------------------------------------------------------

word = st.text(st.characters(exclude_characters=' "\x1f\n', codec="utf-8"), max_size=8)
phrase = st.lists(word, max_size=4).map(" ".join)
field = st.one_of(
    word.map(lambda w: (w, w)),
    phrase.map(lambda p: (f'"{p}"', p)),
    st.lists(word, min_size=2, max_size=3).map(
        lambda ws: (",".join(f'"{w}"' for w in ws), ",".join(ws))
    ),
)
ordinary = st.lists(field, min_size=1, max_size=6)
hostile = st.text(st.sampled_from('ab ",\\\x1f\x00ü漢'), max_size=24)


@settings(max_examples=300)
@given(st.lists(ordinary, min_size=1, max_size=8))
def test_ordinary_lines_give_their_fields(lines: list[list[tuple[str, str]]]) -> None:
    written = [" ".join(as_written for as_written, _ in fields) for fields in lines]
    assert cut(written) == [[value for _, value in fields] for fields in lines]


@settings(max_examples=500)
@given(st.lists(hostile, min_size=1, max_size=8))
@example(['"",""'])
@example(['"x"," y"', ',"a"'])
@example(['",', '"'])
def test_the_fast_way_and_the_careful_one_agree(lines: list[str]) -> None:
    found = cut(lines)
    for line, fields in zip(lines, found, strict=True):
        careful = cut_line(line, QUOTED)
        assert fields == (None if careful is None else careful.split(SEPARATOR)), repr(line)


@given(st.lists(st.text("ab ", min_size=1), min_size=1, max_size=4))
def test_lines_without_quotes_do_not_disturb_one_another(lines: list[str]) -> None:
    assert cut(lines, PLAIN) == [cut([line], PLAIN)[0] for line in lines]


@settings(max_examples=200)
@given(st.lists(hostile, min_size=1, max_size=8), st.integers(1, 3))
def test_lines_do_not_disturb_one_another(lines: list[str], most: int) -> None:
    given = replace(QUOTED, quoted=most, pattern=re.compile(r'(?P<a>\S*) "(?P<b>.*)"(?P<c> \S+)?'))
    assert cut(lines, given) == [cut([line], given)[0] for line in lines]
