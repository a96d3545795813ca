"""Objects that would take all memory or all time. They are written by streaming, and read with a
limit of 220 MB for what an object may become, so that a bomb goes off in a second."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from broken.good import GOOD
from broken.tables import flow_table, parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LIMIT = "220MB"
_ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class Large:
    """An object that `write` puts at a path. `rejects`: place and a word of the reason."""

    name: str
    write: Callable[[Path], None]
    rows: int
    rejects: tuple[tuple[int, str], ...] = ()
    status: str = "read"
    reason: str = ""


def _packed(path: Path, blocks: Iterable[bytes]) -> None:
    packer = zlib.compressobj(1, wbits=31)
    with path.open("wb") as out:
        for block in blocks:
            out.write(packer.compress(block))
        out.write(packer.flush())


def _long_record(path: Path) -> None:
    """200 MB of one JSON record between two others."""
    first, long, last = GOOD["cloudtrail"].records(3)
    parts = [b'{"Records":[', first, b",", long[:-1], b',"errorMessage":"']
    _packed(path, [*parts, *[b"x" * (1 << 20)] * 200, b'"},', last, b"]}"])


def _long_line(path: Path) -> None:
    head = GOOD["vpcflow"].head.encode()
    first, last = GOOD["vpcflow"].records(2)
    _packed(path, [head, first, b"\n", *[b"x" * (1 << 20)] * 200, b"\n", last, b"\n"])


def _line_of_40_mb(path: Path) -> None:
    head = GOOD["vpcflow"].head.encode()
    first, last = GOOD["vpcflow"].records(2)
    _packed(path, [head, first, b"\n", *[b"x" * (1 << 20)] * 40, b"\n", last, b"\n"])


def _gzip_bomb(path: Path) -> None:
    _packed(path, [GOOD["vpcflow"].object(2), *[_ZEROS] * 230])


def _zip_bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("x.log", "w", force_zip64=True) as out,
    ):
        out.write(GOOD["vpcflow"].object(2))
        for _ in range(230):
            out.write(_ZEROS)


def _dictionary(path: Path) -> None:
    """One text of a megabyte, which the file holds once, in each of 100,000 rows."""
    rows = 100_000
    one = flow_table(1)
    columns = {name: pa.repeat(one[name][0], rows) for name in one.column_names}
    text = pa.array(["x" * 1_000_000])
    codes = pa.array([0] * rows, pa.int32())
    table = pa.table(columns | {"note": pa.DictionaryArray.from_arrays(codes, text)})
    path.write_bytes(parquet(table, row_group_size=rows))


def _page(path: Path) -> None:
    """A page that becomes 270 MB, in the second of two row groups."""
    table = flow_table(3, note=pa.array(["a", "b", "\0" * 270_000_000]))
    plain: dict[str, bool] = {"use_dictionary": False, "write_statistics": False}
    data = parquet(table, row_group_size=2, compression="zstd", **plain)
    path.write_bytes(data)


def _nothings(path: Path) -> None:
    _packed(path, [b"[" + b",".join([b"{}"] * 1_000_000) + b"]"])


BOMB = "a sign of a decompression bomb"
LARGE = (
    Large("a record of 200 MB", _long_record, 2, ((2, "over 32 MB"),)),
    Large("a line of 200 MB", _long_line, 2, ((3, "over 32 MB"),)),
    Large("a line of 40 MB", _line_of_40_mb, 2, ((3, "over 32 MB"),)),
    Large("a gzip bomb", _gzip_bomb, 2, ((4, "over 32 MB"),), "partial", BOMB),
    Large("a bomb in a zip", _zip_bomb, 2, ((4, "over 32 MB"),), "partial", BOMB),
    Large("a million empty objects", _nothings, 0, (), "unknown", "JSON"),
    Large("a dictionary bomb in Parquet", _dictionary, 219, (), "partial", BOMB),
    Large(
        "a page bomb in Parquet",
        _page,
        2,
        (),
        "partial",
        "a page of note says that it becomes 270,000,0",
    ),
)
