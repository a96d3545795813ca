"""Lines that are wrong among good ones, and headers where none or others are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logs import FLOW_HEADER, GATEWAY_HEADER

from broken.case import Case, of
from broken.good import CDN_HEADER, GOOD, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broken.good import Good

FLOWS = GOOD["vpcflow"]


def _among(good: Good) -> Iterator[Case]:
    """A wrong line as the second of three."""
    wrong = good.first + 1

    def with_line(name: str, line: bytes, *words: str) -> Case:
        first, last = good.records(2)
        data = good.holding([first, line, last])
        return of(good, name, data, 2, *((wrong, word) for word in words))

    yield with_line("an empty line", b"")
    yield with_line("a blank line", b"   ")
    yield with_line("a word", b"rubbish", "fields")
    yield with_line("NUL bytes", b"\0\0\0\0", "fields")
    (cut,) = good.records(1)
    cut = cut[: len(cut) // 3]
    first, last = good.records(2)
    yield of(good, "a third of a line", good.holding([first, cut, last]), 2, (wrong, "fields"))
    first, last = good.records(2)
    yield of(
        good,
        "bytes that are not UTF-8",
        good.holding([first, last.replace(b"198.51.100.7", b"198.51\xff\xfe"), *good.records(1)]),
        3,
        coded=int(b"198.51.100.7" in last),
    )
    first, second, third = good.records(3)
    yield of(
        good,
        "a separator of ours",
        good.holding([first, second.replace(b"example", b"ex\x1fmple"), third]),
        3,
    )
    lines = good.records(3)
    yield of(good, "no line end at the end", good.holding(lines).rstrip(b"\n"), 3)
    yield of(good, "line ends twice", good.holding(good.records(3)).replace(b"\n", b"\n\n"), 3)
    yield of(
        good,
        "a NUL byte in a field",
        good.holding(
            [*good.records(1), good.records(1)[0].replace(b"198.51.100.7", b"198.51\0.100.7", 1)]
        ),
        2,
    )
    if good.source in ("alb", "clb", "s3access"):
        (line,) = good.records(1)
        line = line[: line.rindex(b'"')] + line[line.rindex(b'"') + 1 :]
        first, last = good.records(2)
        data = good.holding([first, line, last])
        if good.source == "alb":  # its pattern finds the fields
            yield of(good, "a quote that is missing", data, 3)
        else:
            yield of(good, "a quote that is missing", data, 2, (wrong, "quotes do not pair"))


def _headers() -> Iterator[Case]:
    head = FLOW_HEADER.encode() + b"\n"
    a, b, c = FLOWS.records(3)
    yield of(FLOWS, "header twice", head + FLOWS.object(2), 2)
    yield of(FLOWS, "header in the middle", head + a + b"\n" + head + b + b"\n", 2)
    yield of(FLOWS, "header at the end", head + c + b"\n" + head, 1)
    yield of(FLOWS, "no header", b"\n".join(FLOWS.records(2)) + b"\n", 2)
    two = FLOWS.records(2)
    yield of(
        FLOWS,
        "a wrong line before the header",
        b"rubbish\n" + head + b"\n".join(two) + b"\n",
        2,
        (1, "fields"),
    )
    yield of(
        FLOWS,
        "a column too few in a line",
        head + a.rsplit(b" ", 1)[0] + b"\n" + FLOWS.records(1)[0] + b"\n",
        1,
        (2, "fields"),
    )
    yield of(
        FLOWS,
        "a column too many in a line",
        head + FLOWS.records(1)[0] + b" more\n" + FLOWS.records(1)[0] + b"\n",
        1,
        (2, "fields"),
    )
    yield of(
        FLOWS, "an unknown column", head[:-1] + b" colour\n" + FLOWS.records(1)[0] + b" red\n", 1
    )
    yield of(
        FLOWS,
        "a column twice",
        head[:-1] + b" srcaddr\n" + FLOWS.records(1)[0] + b" 192.0.2.1\n",
        1,
    )
    yield of(
        FLOWS,
        "no known column",
        b"apples pears plums\n1 2 3\n",
        status="unknown",
        reason="other fields than are known",
    )
    short, long = b"start end bytes action\n", b"version account-id srcaddr dstaddr start end\n"
    data = (
        short
        + b"1706781600 1706781660 5 ACCEPT\n"
        + long
        + b"3 111122223333 10.0.0.1 10.0.0.2 1706781600 1706781660\n"
    )
    yield of(FLOWS, "two versions in one object", data + head + FLOWS.records(1)[0] + b"\n", 3)
    yield of(
        FLOWS,
        "header of a transit gateway under a header",
        head
        + FLOWS.records(1)[0]
        + b"\n"
        + GATEWAY_HEADER.encode()
        + b"\n"
        + GOOD["tgwflow"].records(1)[0]
        + b"\n",
        2,
    )
    yield of(FLOWS, "header in upper case", head.upper() + FLOWS.records(1)[0] + b"\n", 1)
    yield of(
        FLOWS,
        "header in quotes and commas",
        head.replace(b" ", b",") + FLOWS.records(1)[0].replace(b" ", b",") + b"\n",
        1,
    )
    cdn = GOOD["cloudfront"]
    fields = CDN_HEADER.encode()
    yield of(cdn, "header twice", cdn.object(1) + cdn.object(1), 2)
    yield of(cdn, "no header", b"\n".join(cdn.records(2)) + b"\n", 2)
    yield of(cdn, "header behind the lines", b"\n".join(cdn.records(2)) + b"\n" + fields + b"\n", 2)
    yield of(
        cdn,
        "a header without names",
        b"#Version: 1.0\n#Fields:\n" + b"\n".join(cdn.records(1)) + b"\n",
        1,
    )
    yield of(
        cdn, "a comment in the middle", cdn.object(1) + b"# hello\n" + cdn.records(1)[0] + b"\n", 2
    )
    for source in ("alb", "nlb", "clb", "s3access", "alb_connection"):
        good = GOOD[source]
        two = good.records(2)
        yield of(good, "a wrong line first", good.holding([b"rubbish", *two]), 2, (1, "fields"))
        name = "a wrong line first, under no telling key"
        yield Case(
            f"{source}: {name}",
            "some/where/file",
            good.holding([b"rubbish", *good.records(2)]),
            2,
            ((1, "fields"),),
            source=source,
        )
    alb = GOOD["alb"]
    old = alb.records(1)[0].split(b" ")[:12]
    yield of(
        alb,
        "another balancer's lines among them",
        alb.holding([*alb.records(1), *GOOD["nlb"].records(1)]),
        2,
    )
    yield of(alb, "twelve fields", alb.holding([*alb.records(1), b" ".join(old)]), 1, (2, "fields"))


def cases() -> Iterator[Case]:
    for name in LINES:
        yield from _among(GOOD[name])
        yield of(GOOD[name], "CR only", GOOD[name].object(3).replace(b"\n", b"\r"), 3)
    yield from _headers()
