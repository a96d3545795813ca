"""The table of envelopes: what an entry of it says is enough to open one more kind."""

from __future__ import annotations

import pytest

from lake.decode.envelope_members import text_of
from lake.decode.envelopes import ANY, ENVELOPES, LIST
from lake.decode.opening import Envelope, Opener
from lake.decode.wrap import Wrap

PARCEL = Envelope(
    "a parcel of lines",
    {"parcel": ANY, "lines": LIST},
    lambda opener, held, told: opener.listed(held, Wrap(account=told.word("owner"))),
    has=b'"',
    says=("owner",),
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"parcel": 1, "owner": "111122223333", "lines": ["2 a"]}', [(b"2 a", "111122223333")]),
        (b'{"parcel": 1, "lines": ["{\\"a\\": 1}"]}', [(b'{"a": 1}', None)]),
        (b'{"parcel": 1, "lines": [{"parcel": 2, "lines": ["2 a"]}]}', [(b"2 a", None)]),
        pytest.param(b'{"parcel": 1, "lines": "2 a"}', None, id="no list"),
        pytest.param(b'{"parcel": 1, "lines": [2]}', None, id="a list without text"),
        pytest.param(b'{"lines": ["2 a"]}', None, id="a member too few"),
    ],
)
def test_one_more_kind_is_an_entry(value: bytes, found: list[tuple[bytes, str | None]]) -> None:
    inside = Opener([*ENVELOPES, PARCEL]).unwrap(value)
    assert (inside and [(piece.text, wrap.account) for piece, wrap in inside]) == found


def test_the_first_kind_that_opens_counts() -> None:
    kinds = [
        Envelope("the body", {"body": ANY}, lambda opener, held, _: opener.text(text_of(held))),
        Envelope("the lines", {"lines": LIST}, lambda opener, held, _: opener.listed(held)),
    ]
    opener = Opener(kinds)
    for value, text in (
        (b'{"lines": ["b"], "body": "a"}', b"a"),
        (b'{"lines": ["b"], "body": null}', b"b"),
    ):
        inside = opener.unwrap(value)
        assert inside is not None
        assert [piece.text for piece, _ in inside] == [text]


def test_kinds_have_names_of_their_own() -> None:
    names = [kind.name for kind in ENVELOPES]
    assert len({*names}) == len(names)
