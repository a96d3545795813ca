"""Objects whose wrapper is broken: cut, damaged, nested, several members, bombs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import TYPE_CHECKING

import zstandard

from broken.case import Case, of
from broken.good import GOOD, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broken.good import Good

CUT = "ends early"


def before(
    good: Good, records: list[bytes], plain: bytes
) -> tuple[int, tuple[tuple[int, str], ...]]:
    """How many of an object's records stand whole in a beginning of it, and what is refused of the
    one that it breaks off in. A line counts only with its end: half a line can look like one."""
    end, whole = len(good.head), 0
    for record in records:
        end += len(record) + (0 if good.is_json else 1)
        if end > len(plain):
            break
        whole += 1
        end += len(good.between) if good.is_json else 0
    begun = len(good.head) + sum(len(r) + len(good.between) for r in records[:whole])
    rest = plain[begun:]
    word = "no valid JSON" if good.is_json else "cut off"
    if len(plain) < len(good.head):
        place = plain.count(b"\n") + 1
        return 0, () if good.is_json or not plain.split(b"\n")[-1].strip() else ((place, word),)
    return whole, ((good.first + whole, word),) if rest.strip(b"]} \n") else ()


def _cut(good: Good, at: float, kind: str = "gzip") -> Case:
    records = good.records(6)
    plain = good.holding(records)
    # stored blocks, so that a cut falls into a record and not before the first one
    level = 0 if kind == "gzip, stored" else 6
    data = gzip.compress(plain, level, mtime=0)
    data = data[: max(int(len(data) * at), 12)]
    came = zlib.decompressobj(31).decompress(data)
    rows, rejects = before(good, records, came)
    found = rows + len(rejects)
    status = "partial" if found else "failed"
    return of(good, f"{kind} cut at {at:.2%}", data, rows, *rejects, status=status, reason=CUT)


def _damaged(good: Good) -> Iterator[Case]:
    records = good.records(4)
    plain = good.holding(records)
    data = gzip.compress(plain, mtime=0)
    wrong = data[:-8] + bytes(b ^ 0xFF for b in data[-8:-4]) + data[-4:]
    yield of(good, "wrong CRC", wrong, 4, status="partial", reason="incorrect data check")
    records = good.records(4)
    data = gzip.compress(good.holding(records), mtime=0)
    wrong = data[:-4] + b"\1\2\3\4"
    yield of(good, "wrong length", wrong, 4, status="partial", reason="incorrect length check")


def _members(good: Good) -> Iterator[Case]:
    yield of(good, "gzip in gzip", gzip.compress(gzip.compress(good.object(3))), 3)
    records = good.records(5)
    whole = good.holding(records)
    half = whole.index(records[3])
    first, second = gzip.compress(whole[:half]), gzip.compress(whole[half:])
    yield of(good, "two members", first + second, 5)
    records = good.records(5)
    whole = good.holding(records)
    half = whole.index(records[3])
    first, second = gzip.compress(whole[:half]), bytearray(gzip.compress(whole[half:], 0))
    second[10:15] = b"\x07\xff\xff\xff\xff"  # a block of the reserved type
    name = "two members, the second broken"
    yield of(good, name, first + second, 3, status="partial", reason="damaged")
    name = "bytes that are no gzip behind the gzip"
    yield of(
        good, name, gzip.compress(good.object(2)) + b"more", 2, status="partial", reason="no gzip"
    )
    yield of(good, "zeros behind the gzip", gzip.compress(good.object(2)) + b"\0" * 700, 2)


def cases() -> Iterator[Case]:
    for good in GOOD.values():
        for at in (0.05, 0.5, 0.9):
            yield _cut(good, at, "gzip, stored")
        yield _cut(good, 0.7)
        yield from _damaged(good)
    for tenth in range(1, 20):
        yield _cut(GOOD["cloudtrail"], 0.0485 * tenth, "gzip, stored")
        yield _cut(GOOD["vpcflow"], 0.0485 * tenth, "gzip, stored")
    for name in ("cloudtrail", "vpcflow", "waf"):
        yield from _members(GOOD[name])
    trail, flows = GOOD["cloudtrail"], GOOD["vpcflow"]
    for kind, wrap in {
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "zstd": zstandard.compress,
    }.items():
        data = wrap(flows.object(3))
        # zstd gives nothing of a block that is cut; of the others only the end is gone
        rows, status = (0, "failed") if kind == "zstd" else (3, "partial")
        yield of(flows, f"{kind}, cut", data[:-6], rows, status=status, reason=CUT)
        yield of(flows, f"{kind} of nothing", wrap(b""), reason="empty")
        four = gzip.compress(gzip.compress(gzip.compress(wrap(flows.object(1)))))
        yield of(flows, f"{kind} four deep", four, status="failed", reason="more than 3 times")
    yield of(trail, "gzip of nothing", gzip.compress(b""), reason="empty")
    yield of(trail, "gzip's first two bytes", b"\x1f\x8b", status="failed", reason="")
    yield of(trail, "gzip's header alone", gzip.compress(b"")[:10], status="failed", reason=CUT)
    yield of(
        trail,
        "an unknown method of gzip",
        b"\x1f\x8b\x09" + b"\0" * 40,
        status="failed",
        reason="damaged",
    )
    for name in LINES[:1]:
        yield of(GOOD[name], "plain under a name with .gz", GOOD[name].object(2), 2)
