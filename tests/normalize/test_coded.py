"""Columns as codes: the texts come back whatever is cut, taken, looked up or left out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.normalize.coded import DICTIONARY_BYTES, Coded, compact, constant, encode, lists, recode

TEXTS = st.lists(st.none() | st.sampled_from(["", "a", "b", "é", "Z", "\0", "zz"]), max_size=8)
LONG = "x" * DICTIONARY_BYTES


def codes(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


@given(TEXTS, st.integers(0, 8), st.integers(0, 8))
def test_a_slice_keeps_its_texts(texts: list[str | None], start: int, rows: int) -> None:
    part = encode([pa.array(texts, pa.string())])[0].array().slice(start, rows)
    kept = compact(part)
    assert kept.to_pylist() == texts[start : start + rows]
    assert set(kept.dictionary.to_pylist()) == {t for t in kept.to_pylist() if t is not None} or (
        len(part.dictionary) <= 1
    )


@given(TEXTS, TEXTS)
def test_codes_of_several_columns_have_one_list(a: list[str | None], b: list[str | None]) -> None:
    first, second = encode([pa.array(a, pa.string()), pa.array(b, pa.string())])
    assert first.values is second.values
    assert (first.array().to_pylist(), second.array().to_pylist()) == (a, b)
    ranked = second.ranked()
    assert ranked.array().to_pylist() == b
    assert ranked.values.to_pylist() == sorted(ranked.values.to_pylist(), key=str.encode)


@given(st.lists(st.lists(st.none() | st.sampled_from(["", "b", "a", "é"]), max_size=4), max_size=5))
def test_lists_are_sorted_and_without_repeats(rows: list[list[str | None]]) -> None:
    flat = [text for row in rows for text in row]
    whole = encode([pa.array(flat, pa.string())])[0].ranked()
    at = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    found = lists(len(rows), [(at, whole.codes)], whole.values)
    due = [sorted({t for t in row if t is not None}, key=str.encode) or None for row in rows]
    assert (found.to_pylist() if found is not None else [None] * len(rows)) == due
    for start in range(len(rows)):
        if found is not None:
            assert compact(found.slice(start, 2)).to_pylist() == due[start : start + 2]


def test_values_that_were_looked_up_may_repeat_or_lack() -> None:
    hosts = encode([pa.array(["a", "b", None, "c", "a"])])[0]
    places = hosts.through(pa.array(["DE", None, "DE"]))
    assert places.array().to_pylist() == ["DE", None, None, "DE", "DE"]
    assert places.values.to_pylist() == ["DE"]
    assert hosts.through(pa.nulls(3, pa.string())).array().to_pylist() == [None] * 5


def test_recode_without_a_table() -> None:
    assert recode(codes(), codes(-1, -1)).tolist() == [-1, -1]
    assert recode(codes(5, 6), codes(1, -1, 0)).tolist() == [6, -1, 5]


@pytest.mark.parametrize(
    ("texts", "plain"), [([LONG, "a", "b"], True), (["a", "b", "c"], False), ([LONG, LONG], False)]
)
def test_a_dictionary_that_is_too_large_is_given_up(texts: list[str], plain: bool) -> None:
    kept = compact(encode([pa.array(texts)])[0].array())
    assert kept.to_pylist() == texts
    assert pa.types.is_string(kept.type) == plain


def test_no_rows() -> None:
    nothing = encode([pa.array([], pa.string())])[0]
    assert (len(nothing), compact(nothing.array()).to_pylist()) == (0, [])
    assert constant(pa.scalar("aws"), 0).to_pylist() == []
    assert lists(0, [(codes(), codes())], pa.array(["a"])) is None
    assert Coded(pa.array([], pa.string()), codes(-1)).ranked().array().to_pylist() == [None]
