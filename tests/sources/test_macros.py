"""The macros for every normalize.sql: `ip_text` takes and writes addresses as the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.enrich.address import parse
from lake.sources.database import connect

if TYPE_CHECKING:
    import duckdb


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connect(128 << 20)


def written(con: duckdb.DuckDBPyConnection, texts: list[str]) -> list[str | None]:
    found = con.execute("SELECT ip_text(t) FROM (SELECT unnest($1::VARCHAR[]) AS t)", [texts])
    return [text for (text,) in found.fetchall()]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.01", None),
        ("192.0.2.1:443", None),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:db8:85a3::8a2e:370:7334"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("::FFFF:192.0.2.1", "::ffff:192.0.2.1"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ("10:00:00", None),
        ("1:2:3:4:5:6:7", None),
        ("1:2:3:4:5:6:7:8::", None),
        ("1::2::3", None),
        (":::", None),
        ("12345::", None),
        ("::ffff:01.2.3.4", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_addresses(con: duckdb.DuckDBPyConnection, text: str, address: str | None) -> None:
    assert written(con, [text]) == [address]


GROUP = st.sampled_from(["0", "0000", "", "1", "0a", "FFFF", "00db8", "1.2.3.4", "g"])


@given(st.lists(st.lists(GROUP, min_size=2, max_size=9).map(":".join), max_size=200))
@settings(max_examples=30, deadline=None)
def test_addresses_are_those_of_the_engine(texts: list[str]) -> None:
    con = connect(128 << 20)
    assert written(con, texts) == parse(texts).texts.to_pylist()
