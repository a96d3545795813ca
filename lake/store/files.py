"""What a committed file is called: the batch that wrote it, its number in the batch, its SHA-256.

So Delta's log, which names every file, also says what is in it; nothing else has to be kept, and
`sha256sum` checks it. Lakes made before that have eight random digits in its place.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lake.errors import LakeError
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_NAME = re.compile(r"\d{8}-(?:\d{5}-)?(?:[0-9a-f]{8}|([0-9a-f]{64}))\.parquet")
_BLOCK = 1 << 20
ASK = Sentence("ask its owner, or run as a user who may read it")
"""The advice where a permission lacks."""


class UnreadableError(LakeError):
    """A committed file that is gone or cannot be read."""


def file_name(batch: int, number: int, sha256: str) -> str:
    """A new file's name; the files of a folder sort by the batch that wrote them."""
    return f"{batch:08d}-{number:05d}-{sha256}.parquet"


def batch_of(path: str) -> int:
    """The batch that wrote a file, as its name says."""
    return int(path.rpartition("/")[2].partition("-")[0])


def is_ours(path: str) -> bool:
    """Whether a file, relative to its table, is called as those that the lake writes."""
    *folders, name = path.split("/")
    return _NAME.fullmatch(name) is not None and all("=" in folder for folder in folders)


def recorded_sha256(path: str) -> str | None:
    """The hash with which a file was committed, in hex; None where none was recorded."""
    match = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    return match[1] if match else None


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Names a committed file that cannot be read: UnreadableError. To a writer any other OSError is
    the disk that it writes to."""
    import pyarrow as pa  # here: a quick `lake sql` does without

    try:
        yield
    except FileNotFoundError:
        raise UnreadableError(
            f"{path} is gone. Bring it back from a copy; `lake verify` says what else is amiss."
        ) from None
    except PermissionError as error:
        raise UnreadableError(
            f"{path} may not be read. Nothing was changed. What to do: {ASK}."
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(
            f"{path} cannot be read: {str(error).splitlines()[0]}. Nothing of it was changed. "
            "`lake verify` says what is amiss; bring the file back from a copy."
        ) from error


def check_unaltered(path: Path) -> None:
    """Raises LakeError where a committed file is not what was committed or cannot be read, so that
    nothing of it is written again under a new hash, or counted. A file without a recorded hash
    passes."""
    wanted = recorded_sha256(path.name)
    with reading(path):
        found = sha256_of(path)
    if wanted is not None and found != wanted:
        raise LakeError(
            f"{path} is not as it was committed: its SHA-256 is {found}. Nothing was changed. "
            "`lake verify` says what else is amiss; bring the file back from a copy."
        )


def unquoted(path: str) -> str:
    """A file's path as on disk, of how Delta's log spells it."""
    return unquote(path)


def flush_to_disk(lake: Path, files: Iterable[Path]) -> None:
    """fsync files and their folders below the lake's, so that a power cut after the batch counts
    leaves them."""
    if os.name != "posix":
        return  # a folder cannot be opened there
    paths: dict[Path, None] = {}
    for file in files:
        above = [folder for folder in file.parents if folder.is_relative_to(lake)]
        paths |= dict.fromkeys([file, *above])
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
