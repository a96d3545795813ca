"""JSON text is cut into the same values whole or in parts, and a bad value costs itself."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.decode.cutter import Cutter
from lake.decode.envelopes import OPENER
from lake.decode.frames import items, plain_items, plain_lines, values

if TYPE_CHECKING:
    from lake.decode.pieces import Piece

NOTHING = "no valid JSON"


def texts(pieces: list[Piece]) -> list[tuple[str, bool]]:
    """Each piece's text and whether it is a value."""
    return [(piece.text.decode(), piece.reason is None) for piece in pieces]


def cut(data: bytes, size: int) -> list[Piece]:
    """What a Cutter gives for the data in parts of a size; a list that came whole is opened."""
    cutter = Cutter()
    found: list[Piece] = []
    for at in range(0, max(len(data), 1), size):
        for piece in cutter.feed(data[at : at + size], last=at + size >= len(data)):
            found += opened(piece)
    return found


def opened(piece: Piece) -> list[Piece]:
    if piece.reason is None and piece.text[:1] == b"[":
        return items(piece.text)
    inner = OPENER.unwrap(piece.text) if piece.reason is None else None
    return [piece] if inner is None else [one for one, _ in inner]


NESTED = json.dumps({"a": [{"n": n} for n in range(40)], "s": '}{ "},{"'})

WHOLE = [
    (b"", []),
    (b" \n ", []),
    (b'{"a":1}', [('{"a":1}', True)]),
    (b'{"a":1}\n{"a":2}\n', [('{"a":1}', True), ('{"a":2}', True)]),
    (b'{"a":1}\r\n{"a":2}', [('{"a":1}', True), ('{"a":2}', True)]),
    (b'{"a":1}{"a":2}', [('{"a":1}', True), ('{"a":2}', True)]),
    (b'{"a":1},{"a":2}', [('{"a":1}', True), ('{"a":2}', True)]),
    (b'{\n "a": 1\n}\n{\n "a": 2\n}', [('{\n "a": 1\n}', True), ('{\n "a": 2\n}', True)]),
    (b'{"a":"}{"}{"a":"},{"}', [('{"a":"}{"}', True), ('{"a":"},{"}', True)]),
    ((NESTED + NESTED).encode(), [(NESTED, True), (NESTED, True)]),
    (b'{"a":1}\n{"a":\n{"a":3}', [('{"a":1}', True), ('{"a":', False), ('{"a":3}', True)]),
    (b'{"a":1}\n{"a":NaN}\n{"a":3}', [('{"a":1}', True), ('{"a":NaN}', False), ('{"a":3}', True)]),
    (b'{"a":1}{"a":NaN}{"a":3}', [('{"a":1}', True), ('{"a":NaN}', False), ('{"a":3}', True)]),
    (b'{"a":1}{"a":2', [('{"a":1}', True), ('{"a":2', False)]),
    (b'{"a":1}\nnot json\n{"a":3}', [('{"a":1}', True), ("not json", False), ('{"a":3}', True)]),
    (b'{"a":1}\n{"a":2}{"a":3}\n', [('{"a":1}', True), ('{"a":2}', True), ('{"a":3}', True)]),
]


@pytest.mark.parametrize(("data", "expected"), WHOLE)
def test_values_one_after_another(data: bytes, expected: list[tuple[str, bool]]) -> None:
    assert texts(list(values(data, Cutter()))) == expected


LISTS = [
    ("[]", []),
    ('[{"a":1},{"a":2}]', [('{"a":1}', True), ('{"a":2}', True)]),
    ('[{"a":1},{"a":2},]', [('{"a":1}', True), ('{"a":2}', True)]),
    ('[{"a":1},{"a":NaN},{"a":3}]', [('{"a":1}', True), ('{"a":NaN}', False), ('{"a":3}', True)]),
    ('[{"a":1},{"a":tru},{"a":3}]', [('{"a":1}', True), ('{"a":tru}', False), ('{"a":3}', True)]),
    ('[{"a":1}, {"a" 2}, {"a":3} ]', [('{"a":1}', True), ('{"a" 2}', False), ('{"a":3}', True)]),
    ('[{"a":1},{"a":2', [('{"a":1}', True), ('{"a":2', False)]),
    ('[{"a":1},{"a":"cut in a te', [('{"a":1}', True), ('{"a":"cut in a te', False)]),
    (
        '[{"a":1},{"a":[{"b":1},{"b":2},{"b',
        [('{"a":1}', True), ('{"a":[{"b":1},{"b":2},{"b', False)],
    ),
    (f'[{NESTED},{{"a":NaN}},{NESTED}]', [(NESTED, True), ('{"a":NaN}', False), (NESTED, True)]),
    ("[1,null,true]", [("1", True), ("null", True), ("true", True)]),
]


@pytest.mark.parametrize(("data", "expected"), LISTS)
def test_items_of_a_list(data: str, expected: list[tuple[str, bool]]) -> None:
    assert texts(items(data.encode())) == expected


@pytest.mark.parametrize(("data", "expected"), LISTS)
@pytest.mark.parametrize("opening", ["%s", '{"Records":%s}', '{"v":1, "w":"x","Records": %s }'])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_lists_in_parts(
    data: str, expected: list[tuple[str, bool]], opening: str, size: int
) -> None:
    whole = opening % data
    if not data.endswith("]"):
        whole = whole.removesuffix("}").rstrip()
    assert texts(cut(whole.encode(), size)) == expected


def test_a_list_and_what_follows_it_in_its_object() -> None:
    data = b'{"Events":[{"a":1},{"a":2}],"NextToken":"x]}","more":{"a":[1]}}\n{"a":3}'
    for size in (1, 5, 1000):
        assert texts(cut(data, size))[-1] == ('{"a":3}', True)
    assert texts(cut(data, 5))[:2] == [('{"a":1}', True), ('{"a":2}', True)]


def test_objects_with_records_one_after_another() -> None:
    data = b'{"Records":[{"a":1},{"a":2}]}{"Records":[]}\n{"Records":[{"a":3}]}'
    assert [p.text for p in values(data, Cutter())] == [
        b'{"Records":[{"a":1},{"a":2}]}',
        b'{"Records":[]}',
        b'{"Records":[{"a":3}]}',
    ]
    assert [p.text for p in cut(data, 9)] == [b'{"a":1}', b'{"a":2}', b'{"a":3}']


def test_log_events_come_out_in_their_envelope() -> None:
    head = b'{"messageType":"DATA_MESSAGE","owner":"111122223333","logEvents":['
    data = head + b'{"id":"1","message":"a"},{"id":"2","message":"b"},{"id":"3","mess'
    assert [(p.text, p.reason) for p in values(data, Cutter())] == [
        (head + b'{"id":"1","message":"a"}]}', None),
        (head + b'{"id":"2","message":"b"}]}', None),
        (b'{"id":"3","mess', NOTHING),
    ]


def test_a_deep_record_costs_itself() -> None:
    deep = '{"a":' * 1_000_000 + "1" + "}" * 1_000_000  # Python 3.14 goes 100,000 deep
    found = items(f'[{{"a":1}},{deep},{{"a":3}}]'.encode())
    assert [(len(p.text), p.reason) for p in found] == [(7, None), (len(deep), NOTHING), (7, None)]


def test_a_record_with_a_number_beyond_python() -> None:
    long = '{"a":' + "9" * 6_000 + "}"
    assert texts(items(f'[{long},{{"a":NaN}}]'.encode())) == [(long, True), ('{"a":NaN}', False)]


def test_plain_items_are_those_of_an_ordinary_object() -> None:
    found = plain_items(b'{"Records":[{"a":1},{"a":2}]}\n')
    assert found is not None
    assert [bytes(item) for item in found] == [b'{"a":1}', b'{"a":2}']
    assert plain_items(b'{"Records":[]}') == []
    for odd in (
        b'{"Records":[{"a":NaN}]}',
        b'{"Records":[{"a":1}]',
        b'{"v":1,"Records":[{"a":1}]}',
        b'{"Records":[{"CloudTrailEvent":"{}"}]}',
        b'{"Records":[{"a":1}]}{"Records":[{"a":1}]}',
        b"[]",
    ):
        assert plain_items(odd) is None


def test_plain_lines_are_those_that_values_gives() -> None:
    found = plain_lines(b'{"a":1}\r\n\n {"a":2}{"b":"\xff"}\n')
    assert found is not None
    assert [bytes(line) for line in found] == [b'{"a":1}', b'{"a":2}', b'{"b":"\xff"}']
    for odd in (
        b"",
        b'{"a":1}\n',
        b'{"a":1}\n[2]\n',
        b'{"a":1}\n{"a":"\\ud83d"}\n',
        b'\n{"a":1}\n{}',
    ):
        assert plain_lines(odd) is None
    for data, expected in WHOLE:
        plain = plain_lines(data)
        assert plain is None or [(bytes(one).decode(), True) for one in plain] == expected


def test_a_value_without_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake.decode.cutter.MAX_CARRIED", 1_000)
    long = b'{"a":"' + b"x{[]}" * 500 + b'\\"' * 1_250 + b'"}'
    data = b'{"a":1}\n' + long + b'\n{"a":3}\n'
    cutter = Cutter()
    found: list[Piece] = []
    for at in range(0, len(data), 100):
        found += cutter.feed(data[at : at + 100], last=at + 100 >= len(data))
        assert len(cutter._rest) <= 1_000
    assert [p.text for p in found if p.reason is None] == [b'{"a":1}', b'{"a":3}']
    (passed,) = (p for p in found if p.reason is not None)
    assert passed.reason == "a record of over 32 MB"
    told = f"... (5,008 bytes, sha256 {hashlib.sha256(long).hexdigest()})"
    assert str(passed.long) == long[:4096].decode() + told


SIMPLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), SIMPLE, max_size=4), max_size=6)


@given(records=OBJECTS, size=st.integers(1, 60), form=st.integers(0, 4), ascii_only=st.booleans())
@example(records=[{}, {}, {}, {"": None}], size=1, form=4, ascii_only=False)  # empty ones: one line
@settings(deadline=None)
def test_any_values_in_any_parts(
    records: list[object], size: int, form: int, ascii_only: bool
) -> None:
    each = [json.dumps(record, ensure_ascii=ascii_only) for record in records]
    if form == 4:
        each = [json.dumps(record, ensure_ascii=ascii_only, indent=1) for record in records]
    data = {
        0: "\n".join(each),
        1: "".join(each),
        2: "[" + ", ".join(each) + "]",
        3: '{"Records":[' + ",".join(each) + "]}",
        4: "\r\n".join(each),
    }[form].encode("utf-8", "surrogatepass")
    found = [piece.text for piece in cut(data, size)]
    plain = plain_lines(data)
    assert plain is None or [*map(bytes, plain)] == [one.text for one in values(data, Cutter())]
    kept = [text.encode("utf-8", "surrogatepass") for text in each]
    assert found == kept


@given(data=st.binary(max_size=200), size=st.integers(1, 50))
@settings(deadline=None)
def test_any_bytes_come_to_an_end(data: bytes, size: int) -> None:
    cut(data, size)
    list(values(data, Cutter()))
    items(b"[" + data)


@given(records=OBJECTS, broken=st.integers(0, 5), size=st.integers(1, 40))
@settings(deadline=None)
def test_a_bad_record_costs_itself(records: list[object], broken: int, size: int) -> None:
    each = [json.dumps({"r": record}) for record in records]
    bad = '{"r":{"x":[{},{}],"y":NaN}}'
    at = min(broken, len(each))
    data = ('{"Records":[' + ",".join([*each[:at], bad, *each[at:]]) + "]}").encode()
    expected = [(text, True) for text in each]
    expected.insert(at, (bad, False))
    assert texts(cut(data, size)) == expected
    whole = [one for piece in values(data, Cutter()) for one in opened(piece)]
    assert texts(whole) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"a":[{},' * 20_000,
        b'{"a":[{},' * 900 + b'{"b":[1,2,3]},' * 30_000 + b"x" * 30,
        b'{"a":[},' * 20_000,
        b'"' * 300_000,
        b"[" * 300_000,
        b"{" * 300_000,
        b'{"a":"},{' * 20_000,
        b"\\" * 300_000,
    ],
)
def test_a_hostile_text_takes_no_more_than_seconds(hostile: bytes) -> None:
    began = time.process_time()
    list(values(hostile, Cutter()))
    list(values(b'{"Records":[' + hostile, Cutter()))
    assert time.process_time() - began < 20
