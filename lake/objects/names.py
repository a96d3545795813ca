"""Names of files and archive members as text that can be stored, printed and turned back. A name
may hold bytes that are not UTF-8, control characters that would steer a terminal, or the `!/` that
this project puts between an archive and its member; these, and nothing else, are written as `%XX`.
It also decides what of a local path is the root and what the key."""

from __future__ import annotations

import os
import re

_ESCAPED = r"(?:[01][0-9A-F]|2[15]|7F|[89A-F][0-9A-F])"
# A "%" is written as %25 only where it would otherwise be read as one of ours, so that names which
# are URL-encoded already (%3A, %2F, %20) stay as they are.
_ODD = re.compile(rf"[\x00-\x1f\x7f-\x9f\udc80-\udcff]|!(?=/|$)|%(?={_ESCAPED})")
_OURS = re.compile(rb"%(" + _ESCAPED.encode() + rb")")

MEMBER = "!/"
_LAYOUT = "/AWSLogs/"


def as_text(name: str) -> str:
    """A file name as Python gives it (PEP 383) as printable, valid text.

    >>> as_text("caf\\udce9.log")
    'caf%E9.log'
    """
    if name.isascii() and name.isprintable() and "!" not in name and "%" not in name:
        return name  # nearly every one, at a tenth of the pattern's cost
    return _ODD.sub(_escape, name)


def _escape(match: re.Match[str]) -> str:
    stored = match[0].encode("utf-8", "surrogateescape")
    return "".join(f"%{byte:02X}" for byte in stored)


def as_stored(text: str) -> str:
    """The name that `as_text` was given.

    >>> as_stored('caf%E9.log')
    'caf\\udce9.log'
    """
    if "%" not in text:
        return text
    return os.fsdecode(_OURS.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode()))


def identity_of(path: str) -> tuple[str, str]:
    """Root and key of a local path (as `as_text` gives it), whichever folder a walk began in.

    A member's root is its archive. A file's key begins at `AWSLogs/` where its path has such a
    part: it is then the key that the object had in its bucket, and folders above it, such as a
    case named `GuardDuty`, do not take part in recognising it. Elsewhere the key is the whole path.
    Were it the path below the WHERE instead, `evidence` and `evidence/AWSLogs` would give the same
    file two identities, and the second would lose the account and the region.

    >>> identity_of("/evidence/b/AWSLogs/111122223333/x.gz")
    ('file:///evidence/b', 'AWSLogs/111122223333/x.gz')
    >>> identity_of("/evidence/x.gz")
    ('file://', 'evidence/x.gz')
    >>> identity_of("/evidence/b.zip!/AWSLogs/x.gz")
    ('file:///evidence/b.zip', 'AWSLogs/x.gz')
    """
    archive, inside, member = path.rpartition(MEMBER)
    if inside:
        return f"file://{archive}", member
    above, layout, below = path.rpartition(_LAYOUT)
    if layout:
        return f"file://{above}", f"AWSLogs/{below}"
    return "file://", path.removeprefix("/")
