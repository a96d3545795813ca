"""Places: archives that lie about their members, folders that lead in circles or out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broken.good import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLOWS = GOOD["vpcflow"]
CANARY = "canary.txt"
"""A file beside the logs that nothing may touch; links and names lead to it."""
Fate = tuple[str, int, str]
"""Status, rows, a word of the reason."""
READ: Fate = ("read", 1, "")
LINK: Fate = ("ignored", 0, "a link to")
DEVICE: Fate = ("ignored", 0, "a device, not a file")


@dataclass(frozen=True, slots=True)
class Place:
    """What stands in a folder, and what becomes of each object: by its path below the folder."""

    name: str
    make: Callable[[Path], None]
    fates: dict[str, Fate]


def _flow() -> bytes:
    return FLOWS.object(1)


def _file(name: str, data: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return make


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            made.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def _encrypted(data: bytes) -> bytes:
    """The flag that says so, in both headers of a zip of one member."""
    at = data.index(b"PK\x01\x02")
    made = bytearray(data)
    made[6] |= 1
    made[at + 8] |= 1
    return bytes(made)


def _names() -> Iterator[Place]:
    names = {
        "../../canary.txt": "../../canary.txt",
        "/etc/passwd": "/etc/passwd",
        "a/../../b.log": "a/../../b.log",
        "%2e%2e/c.log": "%2e%2e/c.log",
        "line\nend.log": "line%0Aend.log",
        "quote'\".log": "quote'\".log",
        "x" * 1_000: "x" * 1_000,
    }
    for kind, pack in {
        "zip": zipped,
        "tar": tar,
        "tar.gz": lambda *m: gzip.compress(tar(*m)),
        "tar.bz2": lambda *m: bz2.compress(tar(*m)),
        "tar.xz": lambda *m: lzma.compress(tar(*m)),
    }.items():
        file = f"names.{kind}"
        data = pack(*((name, _flow()) for name in names))
        fates = {f"{file}!/{text}": READ for text in names.values()}
        yield Place(f"{kind}: names that lead out", _file(file, data), fates)
        both = pack(("a", _flow()), ("a/b", _flow()))
        fates = {f"both.{kind}!/a": READ, f"both.{kind}!/a/b": READ}
        yield Place(f"{kind}: a and a/b", _file(f"both.{kind}", both), fates)
        twice = pack(("x.log", _flow()), ("x.log", _flow()))
        fates = {f"twice.{kind}!/x.log": READ, f"twice.{kind}!/x.log#2": READ}
        yield Place(f"{kind}: a name twice", _file(f"twice.{kind}", twice), fates)


def _kinds() -> Iterator[Place]:
    out = f"../../../{CANARY}"

    def members() -> list[tuple[str, bytes] | tarfile.TarInfo]:
        return [
            ("x.log", _flow()),
            special("soft", tarfile.SYMTYPE, out),
            special("hard", tarfile.LNKTYPE, out),
            special("hard to a member", tarfile.LNKTYPE, "x.log"),
            special("null", tarfile.CHRTYPE),
            special("disk", tarfile.BLKTYPE),
            special("pipe", tarfile.FIFOTYPE),
            ("soft/x.log", _flow()),
        ]

    fates = {"x.log": READ, "soft": LINK, "hard": LINK, "hard to a member": LINK}
    fates |= {"null": DEVICE, "disk": DEVICE, "pipe": DEVICE, "soft/x.log": READ}
    for file, data in {"k.tar": tar(*members()), "k.tgz": gzip.compress(tar(*members()))}.items():
        yield Place(
            f"{file}: links and devices",
            _file(file, data),
            {f"{file}!/{n}": f for n, f in fates.items()},
        )
    link = zipfile.ZipInfo("soft")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    data = zipped((link, out.encode()), ("x.log", _flow()))
    fates = {"k.zip!/soft": ("ignored", 0, "a link"), "k.zip!/x.log": READ}
    yield Place("zip: a link", _file("k.zip", data), fates)
    fates = {"e.zip!/x.log": ("failed", 0, "encrypted")}
    yield Place("zip: encrypted", _file("e.zip", _encrypted(zipped(("x.log", _flow())))), fates)


def _nested() -> Iterator[Place]:
    one = zipped(("x.log", _flow()))
    yield Place(
        "zip in tar in zip",
        _file("n.zip", zipped(("i.tar", tar(("j.zip", one))))),
        {"n.zip!/i.tar!/j.zip!/x.log": READ},
    )
    deep = zipped(("x.log", _flow()))
    for number in range(4):
        deep = zipped((f"{number}.zip", deep))
    yield Place(
        "zip five deep",
        _file("d.zip", deep),
        {"d.zip!/3.zip!/2.zip!/1.zip": ("failed", 0, "more than 3 deep")},
    )
    yield Place(
        "a gzip of a log in a zip",
        _file("g.zip", zipped(("x.log.gz", gzip.compress(_flow())))),
        {"g.zip!/x.log.gz": READ},
    )
    bad = gzip.compress(_flow())[:-5]  # within what follows the data
    fates = {"h.zip!/x.log.gz": ("partial", 1, "ends early"), "h.zip!/y.log": READ}
    yield Place(
        "a cut gzip beside a good log in a zip",
        _file("h.zip", zipped(("x.log.gz", bad), ("y.log", _flow()))),
        fates,
    )


def _damaged() -> Iterator[Place]:
    whole = tar(("a.log", _flow()), ("b.log", FLOWS.object(30)))
    cut = whole[: whole.index(b"b.log") + 512 + 1500]
    fates = {"c.tar!/a.log": READ, "c.tar!/b.log": ("partial", 13, "the archive ends")}
    fates["c.tar"] = ("failed", 0, "damaged or cut")
    yield Place("a tar cut in a member", _file("c.tar", cut), fates)
    whole = tar(("a.log", _flow()), ("b.log", _flow()))
    cut = whole[: whole.index(b"b.log") + 100]
    yield Place(
        "a tar cut in a header",
        _file("h.tar", cut),
        {"h.tar!/a.log": READ, "h.tar": ("failed", 0, "damaged or cut")},
    )
    whole = bytearray(tar(("a.log", _flow()), ("b.log", _flow())))
    at = whole.index(b"b.log")
    whole[at + 148 : at + 156] = b"0000000\0"
    yield Place(
        "a tar with a wrong checksum",
        _file("s.tar", bytes(whole)),
        {"s.tar!/a.log": READ, "s.tar": ("failed", 0, "damaged or cut")},
    )
    stored = gzip.compress(tar(("a.log", _flow()), ("b.log", _flow())), 0)
    fates = {"t.tar.gz!/a.log": READ, "t.tar.gz": ("failed", 0, "ends early")}
    yield Place(
        "a tar.gz cut in the second member",
        _file("t.tar.gz", stored[: stored.index(b"b.log") + 10]),
        fates,
    )
    data = zipped(("a.log", _flow()), ("b.log", _flow()))
    yield Place(
        "a zip cut before its directory",
        _file("d.zip", data[: data.index(b"PK\x01\x02")]),
        {"d.zip": ("failed", 0, "cannot be read")},
    )
    data = bytearray(zipped(("a.log", _flow()), ("b.log", _flow())))
    at = data.index(b"PK\x01\x02")
    data[at + 16 : at + 20] = b"\0\0\0\0"
    fates = {"w.zip!/a.log": ("partial", 1, "checksum"), "w.zip!/b.log": READ}
    yield Place("a zip whose first checksum is wrong", _file("w.zip", bytes(data)), fates)
    yield Place("an empty zip", _file("e.zip", zipped()), {})
    yield Place("an empty tar", _file("e.tar", tar()), {"e.tar": ("unknown", 0, "no text")})
    yield Place(
        "a zip's first bytes",
        _file("f.zip", b"PK\x03\x04" + b"\0" * 40),
        {"f.zip": ("failed", 0, "cannot be read")},
    )
    yield Place("a name of an archive on a text", _file("text.zip", _flow()), {"text.zip": READ})


def _folders() -> Iterator[Place]:
    def circle(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "x.log").write_bytes(_flow())
        (folder / "deep" / "up").symlink_to("..")
        (folder / "deep" / "self").symlink_to(".")
        (folder / "loop").symlink_to("loop")

    yield Place(
        "links in circles", circle, {"deep/x.log": READ, "loop": ("failed", 0, "cannot be read")}
    )

    def strange(folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        (folder / "null").symlink_to("/dev/null")
        (folder / "zero").symlink_to("/dev/zero")
        (folder / "nowhere").symlink_to("not/there")
        # reads as an ordinary file and fails at the first byte, for root as well
        (folder / "memory").symlink_to("/proc/self/mem")
        (folder / "x.log").write_bytes(_flow())

    fates = {
        "pipe": ("ignored", 0, "a pipe"),
        "null": ("ignored", 0, "a character device"),
        "zero": ("ignored", 0, "a character device"),
        "nowhere": ("failed", 0, "a link to nothing"),
        "memory": ("failed", 0, "Input/output error"),
        "x.log": READ,
    }
    yield Place("pipes, devices and links to nothing", strange, fates)

    def names(folder: Path) -> None:
        for name in (b"caf\xe9.log", b"line\nend.log", b"-rf", b"'; DROP TABLE x; --"):
            (folder / os.fsdecode(name)).write_bytes(_flow())

    fates = {"caf%E9.log": READ, "line%0Aend.log": READ, "-rf": READ, "'; DROP TABLE x; --": READ}
    yield Place("file names that are no text", names, fates)


def places() -> Iterator[Place]:
    yield from _names()
    yield from _kinds()
    yield from _nested()
    yield from _damaged()
    yield from _folders()
