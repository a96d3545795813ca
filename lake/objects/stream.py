"""A readable stream over something that can break while it is read: an archive member, the body of
a download. Bytes that came before the break are always handed out first, the error at the next
read. Python's BufferedReader would drop up to a buffer of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from lake.errors import AccessError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

BLOCK = 1 << 18


class PulledStream(io.RawIOBase):
    """A stream of what `pull(n)` gives: at most n bytes, at least one, b"" at the end.

    `pull` raises DecodeError, AccessError or OSError; `close` is called once.
    """

    def __init__(self, pull: Callable[[int], bytes], close: Callable[[], None]) -> None:
        self._pull = pull
        self._close = close
        self._error: Exception | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes; fewer only at the end or right before an error."""
        if self._error is not None:
            raise self._error
        left = -1 if size is None else size
        parts: list[bytes] = []
        while left != 0:
            try:
                block = self._pull(BLOCK if left < 0 else min(left, BLOCK))
            except (DecodeError, AccessError, OSError) as error:
                self._error = error
                if not parts:
                    raise
                break
            if not block:
                break
            parts.append(block)
            left = left if left < 0 else left - len(block)
        return b"".join(parts)

    def readall(self) -> bytes:
        """Everything that is left."""
        return self.read(-1)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """As `read`, into a buffer."""
        view = memoryview(buffer).cast("B")
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Lets go of what is behind it."""
        if not self.closed:
            super().close()
            self._close()
