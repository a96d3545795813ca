"""Wrappers come off whatever their order, number and damage, and never take much memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import DecodeError
from lake.objects import codecs, decompress
from lake.objects.codecs import magic
from lake.objects.decompress import Budget, is_tar, of_one_log, plain_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = b"".join(b"line %06d of a log that is long enough to matter\n" % n for n in range(20_000))


def zipped(data: bytes, names: tuple[str, ...] = ("log.json",)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return buffer.getvalue()


WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zip": zipped,
}


def unpacked(data: bytes) -> tuple[bytes, str | None]:
    """What comes out, and the words of the error that ended it."""
    parts: list[bytes] = []
    blocks = plain_blocks(io.BytesIO(data), Budget(len(data)))
    while True:
        try:
            block = next(blocks, None)
        except DecodeError as error:
            return b"".join(parts), str(error)
        if block is None:
            return b"".join(parts), None
        parts.append(block)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_each_wrapper(kind: str) -> None:
    stored = WRAPPERS[kind](LINES)
    assert magic(stored[:8]) == kind
    budget = Budget(len(stored))
    assert b"".join(plain_blocks(io.BytesIO(stored), budget)) == LINES
    assert budget.wrappers == [kind]
    assert budget.given == len(LINES)


@pytest.mark.parametrize("data", [b"", b"{}", b"a\n", LINES, b"\x1f", b"PK", b"BZx not bzip2"])
def test_plain_content_stays(data: bytes) -> None:
    assert unpacked(data) == (data, None)


@pytest.mark.parametrize("outer", WRAPPERS)
@pytest.mark.parametrize("inner", WRAPPERS)
def test_one_in_another(outer: str, inner: str) -> None:
    assert unpacked(WRAPPERS[outer](WRAPPERS[inner](LINES))) == (LINES, None)


def test_three_deep_and_no_deeper() -> None:
    three = gzip.compress(gzip.compress(gzip.compress(LINES)))
    assert unpacked(three) == (LINES, None)
    assert unpacked(gzip.compress(three)) == (
        b"",
        "compressed more than 3 times over; unpack it first",
    )


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_members_one_after_another(kind: str) -> None:
    wrap = WRAPPERS[kind]
    assert unpacked(wrap(b"one\n") + wrap(b"") + wrap(LINES)) == (b"one\n" + LINES, None)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_zeros_after_a_member_are_padding(kind: str) -> None:
    wrap = WRAPPERS[kind]
    assert unpacked(wrap(LINES) + b"\0" * 700) == (LINES, None)
    assert unpacked(wrap(b"one\n") + b"\0" * 512 + wrap(b"two\n")) == (b"one\ntwo\n", None)


@pytest.mark.parametrize("number", [0x50, 0x5F])
def test_zstd_frames_to_pass_over(number: int) -> None:
    """Before, between and after the frames of data, as pzstd and the seekable format write them."""
    wrap = WRAPPERS["zstd"]
    passed = bytes([number]) + b"\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    whole = passed + wrap(b"one\n") + passed + passed + wrap(b"two\n") + passed
    assert unpacked(whole) == (b"one\ntwo\n", None)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_anything_else_after_a_member_is_told(kind: str) -> None:
    content, why = unpacked(WRAPPERS[kind](LINES) + b"trailer")
    assert content == LINES
    assert why == f"7 bytes after the {kind} data are no {kind}"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_a_cut_stream_gives_what_came(kind: str) -> None:
    data = LINES if kind != "bzip2" else LINES * 4  # bzip2 gives nothing of a block that is cut
    stored = WRAPPERS[kind](data)
    content, why = unpacked(stored[: len(stored) * 3 // 4])
    assert why == f"{kind} data ends early (the object is cut)"
    assert data.startswith(content)
    assert len(content) > len(data) // 4


def test_the_look_for_a_tar_keeps_what_comes_before_damage() -> None:
    blocks = of_one_log(
        plain_blocks(io.BytesIO(gzip.compress(b"a longer line\n")[:-4]), Budget(9)), ""
    )
    assert next(blocks) == b"a longer line\n"
    with pytest.raises(DecodeError, match="ends early"):
        next(blocks)


@pytest.mark.parametrize("content", [b"a", b"2 bytes", b"8 bytes!"])
def test_short_content_before_damage_is_kept(content: bytes) -> None:
    told = (content, "gzip data ends early (the object is cut)")
    assert unpacked(gzip.compress(content)[:-4]) == told
    assert unpacked(gzip.compress(gzip.compress(content)[:-4])) == told


def test_a_zip_with_a_wrong_checksum_loses_nothing() -> None:
    stored = bytearray(zipped(LINES))
    for signature, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        stored[stored.index(signature) + place] ^= 1
    assert unpacked(bytes(stored)) == (
        LINES,
        "zip data damaged: the checksum at its end is another",
    )


def test_a_cut_gzip_loses_nothing_that_zlib_can_give() -> None:
    stored = gzip.compress(LINES)[:-5_000]
    content, _ = unpacked(stored)
    assert content == zlib.decompressobj(31).decompress(stored)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_a_damaged_stream_gives_what_came_before(kind: str) -> None:
    data = b"".join(b"%d\n" % (n * 2_654_435_761 % 2**32) for n in range(200_000))
    stored = bytearray(WRAPPERS[kind](data))
    at = len(stored) * 3 // 4
    stored[at : at + 64] = b"\xff" * 64
    content, why = unpacked(bytes(stored))
    assert why is not None
    assert why.startswith(f"{kind} data damaged: ")
    start = len(data) // 4 if kind == "bzip2" else len(data) * 2 // 3
    assert content[:start] == data[:start]


def test_little_is_lost_before_damage_in_gzip() -> None:
    packer = zlib.compressobj(9, wbits=31)
    good = packer.compress(LINES) + packer.flush(zlib.Z_FULL_FLUSH)
    # a block of the reserved type 3
    content, why = unpacked(good + b"\x06" + b"\xff" * 64)
    assert len(LINES) - len(content) < 20 * codecs.FINE
    assert LINES.startswith(content)
    assert why is not None
    assert "invalid block type" in why


def test_a_zip_of_several_files_is_an_archive() -> None:
    content, why = unpacked(zipped(b"{}", ("a.json", "b.json")))
    assert (content, why) == (
        b"",
        "a zip of 2 files; download it and give it as an archive",
    )


def test_a_damaged_zip() -> None:
    stored = zipped(LINES)
    content, why = unpacked(stored[: len(stored) // 2])
    assert (content, why) == (b"", "zip data damaged: File is not a zip file")
    broken = bytearray(stored)
    broken[len(stored) // 2] ^= 0xFF
    assert (unpacked(bytes(broken))[1] or "").startswith("zip data damaged: ")


def test_an_empty_stream_in_a_wrapper() -> None:
    assert unpacked(gzip.compress(b"")) == (b"", None)


def test_short_reads() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1)

    stored = gzip.compress(b"slowly\n")
    assert b"".join(plain_blocks(Slow(stored), Budget(len(stored)))) == b"slowly\n"


def bomb(kind: str, size: int) -> bytes:
    if kind == "gzip":
        packer = zlib.compressobj(9, wbits=31)
        return b"".join([packer.compress(b"\0" * size), packer.flush()])
    if kind == "zstd":
        return zstandard.ZstdCompressor(level=19).compress(b"\0" * size)
    return WRAPPERS[kind](b"\0" * size)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_a_bomb_takes_little_memory_and_ends_with_a_word(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompress, "FREE_OUTPUT", 24 << 20)
    stored = bomb(kind, 40 << 20)
    blocks = plain_blocks(io.BytesIO(stored), Budget(len(stored)))
    given_out = largest = 0
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="sign of a decompression bomb"):
            for block in blocks:
                given_out += len(block)
                largest = max(largest, len(block))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert given_out <= max(24 << 20, 200 * len(stored))
    assert largest <= 16 << 20
    assert peak < 48 << 20


def test_a_dictionary_of_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    stored = lzma.compress(b"small", filters=filters)
    assert unpacked(stored) == (b"", "xz data damaged: Memory usage limit exceeded")


def test_text_that_compresses_well_is_no_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "FREE_OUTPUT", 0)
    stored = gzip.compress(LINES)
    assert len(LINES) / len(stored) < 200
    assert unpacked(stored) == (LINES, None)


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    kind=st.sampled_from(["gzip", "bzip2", "zstd", "xz"]),
    cut=st.integers(0, 400),
)
def test_whatever_is_cut_gives_a_beginning(parts: list[bytes], kind: str, cut: int) -> None:
    whole = b"# " + b"".join(parts)
    stored = b"".join(WRAPPERS[kind](part) for part in (b"# ", *parts))
    content, why = unpacked(stored[: max(len(stored) - cut, 8)])
    assert whole.startswith(content)
    if cut == 0:
        assert (content, why) == (whole, None)


def test_a_line_in_which_somebody_writes_ustar_is_no_tar() -> None:
    assert not is_tar(b"x" * 257 + b"ustar  " + b"y" * 500)
