"""One member of a zip, decompressed up to where it is damaged."""

from __future__ import annotations

import copy
import lzma
import zipfile
import zlib
from typing import cast

from lake.errors import DecodeError

STEP = 8192
"""Bytes asked of a compressed member at a time: what a damaged one loses at most."""
ZIP_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, ValueError, OverflowError, RuntimeError),
)
"""What zipfile raises for a zip that is damaged; of bzip2 also an OSError without a number."""


class ZipReader:
    """A member's bytes. Its checksum is verified when all have been handed out: zipfile would keep
    back the last block of one whose checksum is wrong."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Raises NotImplementedError for a method that zipfile lacks, and what is in ZIP_DAMAGE."""
        unchecked = copy.copy(info)
        del unchecked.CRC
        self._file = cast("zipfile.ZipExtFile", archive.open(unchecked))
        self._expected = info.CRC
        self._crc = 0

    def pull(self, size: int) -> bytes:
        """At most so many bytes more, b"" at the end. Raises DecodeError at the damage."""
        try:
            block = self._file.read1(min(size, STEP))
        except ZIP_DAMAGE as error:
            raise DecodeError(f"zip data damaged: {error or 'cut'}") from error
        except OSError as error:
            if error.errno is not None:  # the disk's
                raise
            raise DecodeError(f"zip data damaged: {error}") from error
        self._crc = zlib.crc32(block, self._crc)
        if not block and self._crc != self._expected:
            raise DecodeError("zip data damaged: the checksum at its end is another")
        return block

    def close(self) -> None:
        """Lets go of the archive."""
        self._file.close()
