"""Lines out of an object's text, and the line in which a damaged object breaks off."""

from __future__ import annotations

import gzip
from base64 import b64decode

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import FLOW_HEADER, GATEWAY_FLOW, GATEWAY_HEADER, flow, read

from lake.decode import lines as cut_lines
from lake.decode import read_lines, tokens
from lake.decode.lines import Lines, split_lines
from lake.decode.tokens import has_idle_spaces
from lake.stage.preview import preview

FLOW = "2 123456789012 eni-0a1b2c3d 10.0.0.1 10.0.0.2 40000 443 6 10 {n} 1706781600 1706781660 ACCEPT OK"  # noqa: E501
HEADER = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"  # noqa: E501
KEY = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/02/01/123456789012_vpcflowlogs_us-east-1_fl-0a1b2c3d_20240201T1000Z_deadbeef.log.gz"  # noqa: E501


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\n\n", ["a", ""]),
        (b"a\rb\n", ["a\rb"]),
        (b"\n", [""]),
        (b"x\x00y\n\xe6\xbc\xa2", ["x\x00y", "漢"]),
    ],
)
def test_lines_without_their_ends(text: bytes, lines: list[str]) -> None:
    found = split_lines(text)
    assert found.first(len(found)) == lines
    assert found.position.tolist() == list(range(1, len(lines) + 1))
    assert found.original is found.encoding is None


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_no_utf8_is_kept_as_its_bytes(end: bytes) -> None:
    found = split_lines(b"caf\xe9\r\ngood" + end)
    assert found.first(2) == ["caf\ufffd", "good"]
    assert found.original is not None
    assert found.original.to_pylist() == ["Y2Fm6Q==", None]
    assert found.encoding is not None
    assert found.encoding.to_pylist() == ["base64", None]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1)))
def test_whatever_is_joined_is_split(lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    found = split_lines(text.encode())
    assert found.first(len(found)) == (lines or [""])


SPACED = "  ".join(FLOW.format(n=7).split())
IN_PIECES = [
    "\n".join([HEADER, FLOW.format(n=1), "", FLOW.format(n=2), HEADER, FLOW.format(n=3), "odd"]),
    "\r\n".join([HEADER, "", FLOW.format(n=1), SPACED, FLOW.format(n=2), "caf\xe9 " + FLOW, ""]),
    "\n\n\n" + "\n".join([HEADER, *(FLOW.format(n=n) for n in range(5))]) + "\n\n",
]


@pytest.mark.parametrize("text", IN_PIECES)
@pytest.mark.parametrize("size", [1, 40, 200])
def test_lines_are_the_same_in_pieces(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = text.encode("latin-1")
    whole = read(data, KEY)
    monkeypatch.setattr(read_lines, "PIECE", size)
    found = read(data, KEY)
    assert len(whole.rows) >= 3
    assert (found.rows, found.rejects) == (whole.rows, whole.rejects)


PIECES = st.sampled_from(
    [*map(chr, range(128)), "\u00e9", "\u2003", "  ", "123", HEADER, FLOW, "version account-id"]
)


@given(st.lists(PIECES).map("".join), st.integers(0, 5))
def test_lines_of_a_short_text_are_those_of_a_long_one(text: str, before: int) -> None:
    """Python looks at them one by one, Arrow at all at once."""

    def texts(lines: Lines) -> list[str]:
        return [lines.line(at) for at in range(len(lines))]

    def found() -> tuple[object, ...]:
        lines = split_lines(text.encode(), before)
        kept = lines.without_blank()
        named = kept.maybe_headers()
        marks = kept.beginning("#"), kept.part(slice(1, 3)).first(9), lines.first(3)
        return texts(lines), texts(kept), kept.position.tolist(), named, marks

    short = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut_lines, "SHORT", -1)
        assert found() == short


@given(st.lists(PIECES, min_size=1))
def test_idle_spaces_are_found_in_few_lines_as_in_many(lines: list[str]) -> None:
    array = pa.array(lines, pa.string())[1:]
    idle = any(line != line.strip(" ") or "  " in line for line in lines[1:])
    assert has_idle_spaces(array) == idle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "SHORT", -1)
        assert has_idle_spaces(array) == idle


@pytest.mark.parametrize("neighbour", [FLOW, FLOW.replace(" ", "  ")])
@pytest.mark.parametrize(("before", "behind"), [(" ", ""), ("", " "), ("  ", "  ")])
def test_blanks_around_a_line_end_no_field(neighbour: str, before: str, behind: str) -> None:
    """Whatever its neighbours are like."""
    line = before + FLOW.format(n=2) + behind
    result = preview("\n".join([HEADER, neighbour.format(n=1), line, ""]).encode(), KEY)
    assert [row["network"]["bytes"] for row in result.rows] == [1, 2]
    assert result.rejects == []


def test_the_line_in_which_a_damaged_object_breaks_off_is_no_row() -> None:
    """Cut in its last field it would have as many fields as a whole one."""
    lines = [HEADER, *(FLOW.format(n=n * 7919 % 10007) for n in range(2000))]
    data = gzip.compress("\n".join(lines).encode())
    broken = 0
    for cut in range(len(data) // 2, len(data) // 2 + 12):
        result = preview(data[:cut], KEY)
        assert result.status == "partial"
        (table,) = result.tables.values()
        rows = [row["event"]["original"] for row in table.to_pylist()]
        assert rows == lines[1 : len(rows) + 1]
        assert [r.reason for r in result.rejects] in (
            [],
            ["a line cut off where the object is damaged"],
        )
        if result.rejects:
            broken += 1
            assert result.rejects[0].position == len(rows) + 2
            assert lines[len(rows) + 1].startswith(result.rejects[0].text)
    assert broken


def test_the_last_line_of_a_whole_object_needs_no_end() -> None:
    result = preview(f"{HEADER}\n{FLOW.format(n=1)}".encode(), KEY)
    assert (result.status, len(result.rows), result.rejects) == ("read", 1, [])


def test_a_rejected_line_keeps_its_bytes() -> None:
    lines = [HEADER.encode(), FLOW.format(n=1).encode(), b"2 1234\xff\xfe short"]
    result = preview(b"\n".join(lines), KEY)
    assert [reject.text for reject in result.rejects] == [r"2 1234\xff\xfe short"]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_is_cut_within_a_character(codec: str) -> None:
    lines = [HEADER, FLOW.format(n=1), FLOW.format(n=2)]
    data = ("\ufeff" + "\r\n".join(lines)).encode(codec)
    assert [r["event"]["original"] for r in preview(data, KEY).rows] == lines[1:]
    result = preview(data[:-1], KEY)
    assert (result.status, result.reason) == (
        "partial",
        "UTF-16 ends within a character (the object is cut)",
    )
    assert [r["event"]["original"] for r in result.rows] == lines[1:2]
    assert [r.text for r in result.rejects] == [lines[2][:-1]]


def test_utf_16_with_half_a_pair_of_surrogates_is_kept_as_bytes() -> None:
    lines = [HEADER, FLOW.format(n=1) + "\ud83d"]
    result = preview(("\ufeff" + "\n".join(lines)).encode("utf-16-le", "surrogatepass"), KEY)
    (row,) = result.rows
    assert row["log"]["encoding"] == "base64"
    assert b64decode(row["event"]["original"]).decode("utf-8", "surrogatepass") == lines[1]


def test_files_of_two_sources_that_were_put_behind_one_another() -> None:
    """One folder takes the flow logs of networks and of gateways, and `zcat *.gz` makes one file:
    each header is its own source's."""
    network = [FLOW_HEADER, flow(1)], [FLOW_HEADER, flow(2)]
    gateway = [GATEWAY_HEADER, GATEWAY_FLOW]
    for lines in ([*network[0], *gateway, *network[1]], [*gateway, *network[0], *network[1]]):
        found = preview("\n".join(lines).encode(), "all.log")
        assert (found.status, found.rejects) == ("read", [])
        assert {name: rows.num_rows for name, rows in found.tables.items()} == {
            "vpcflow": 2,
            "tgwflow": 1,
        }
        (row,) = found.tables["tgwflow"].to_pylist()
        assert (row["source"]["ip"], row["native"]["tgw_id"]) == ("10.0.0.5", "tgw-0a")
