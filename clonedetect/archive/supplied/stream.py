"""A file of WARC records as one run of plain bytes, inflated within bounds, with places to go on from.

Compressed files hold a gzip member for each record, or one for all of them. Both are
read as they come; a member that is damaged ends the run, and the next one
can be looked for.
"""

from __future__ import annotations

import zlib
from typing import IO

from clonedetect.errors import InputError

__all__ = ["DamagedError", "PlainStream"]

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b\x08"
_CHUNK = 1 << 16
_FREE_BYTES = 1_000_000_000
_RATIO = 200
"""How far a file may inflate beyond the first gigabyte; records of text stay under 30."""


class DamagedError(InputError):
    """Bytes that are no gzip member, end within one, or inflate too far; `is_bomb` for the last."""

    def __init__(self, reason: str, *, is_bomb: bool = False, is_end: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_bomb = is_bomb
        self.is_end = is_end


class PlainStream:
    """Reads `stream` (at its beginning) as plain bytes, gzip members undone, whatever they hold.

    `place` says where the next byte stands: the offset of the gzip member in the file, and
    the offset within what it inflates to where the member holds more than one record.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._size = size
        self._raw = stream.read(_CHUNK)
        self._raw_at = 0
        """Offset in the file of the first byte of `_raw`."""
        self.is_packed = self._raw.startswith(b"\x1f\x8b")
        self._unpacker: zlib._Decompress | None = None
        self._member_at = 0
        self._out = bytearray()
        self._out_at = 0
        """Offset of the first byte of `_out` within its member, or within a plain file."""
        self._begun: list[list[int]] = []
        """Members whose content begins within `_out`: the bytes of it before theirs, and their offset."""
        self._inflated = 0

    def place(self) -> str:
        """Return where the next byte stands, for people."""
        if not self.is_packed:
            return f"byte {self._out_at}"
        within = f", {self._out_at} bytes into its content" if self._out_at else ""
        return f"byte {self._member_at}{within}"

    def line(self, longest: int) -> bytes:
        """Return the next line with its newline; b"" at the end. Raises DamagedError for a longer one."""
        while (end := self._out.find(b"\n")) < 0:
            if len(self._out) > longest:
                break
            if not self._more():
                return self.take(len(self._out))
        if end < 0 or end >= longest:
            self.take(1)  # whoever recovers goes on behind it
            raise DamagedError(f"a line is longer than {longest} bytes")
        return self.take(end + 1)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end of what there is."""
        while len(self._out) < size and self._more():
            pass
        return self.take(min(size, len(self._out)))

    def skip(self, size: int) -> int:
        """Pass over the next `size` bytes without keeping them, and return how many there were."""
        left = size
        while left:
            if not self._out and not self._more():
                break
            left -= len(self.take(min(left, len(self._out))))
        return size - left

    def peek(self, size: int) -> bytes:
        """Return up to `size` next bytes and leave them where they are."""
        while len(self._out) < size and self._more():
            pass
        return bytes(self._out[:size])

    def take(self, size: int) -> bytes:
        """Return `size` bytes that are at hand."""
        data = bytes(self._out[:size])
        del self._out[:size]
        self._out_at += size
        for begun in self._begun:
            begun[0] -= size
        while self._begun and self._begun[0][0] <= 0:
            before, self._member_at = self._begun.pop(0)
            self._out_at = -before
        return data

    def recover(self) -> bool:
        """Go on at the next place that looks like the beginning of a record; False where there is none."""
        return self._next_member() if self.is_packed else self._next_version()

    def _more(self) -> bool:
        """Bring more plain bytes in; False at the end of the file, or of a member whose end is due."""
        if not self.is_packed:
            data, self._raw = self._raw or self._stream.read(_CHUNK), b""
            self._out += data
            return bool(data)
        if self._unpacker is None and not self._begin_member():
            return False
        unpacker = self._unpacker
        if unpacker is None:  # for the type checker: it was begun
            return False
        if not self._raw and not self._refill():
            raise DamagedError("the file ends within a compressed record", is_end=True)
        given = self._raw
        try:
            piece = unpacker.decompress(given, _CHUNK)
        except zlib.error as error:
            raise DamagedError(f"not a compressed record: {error}") from error
        self._raw = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        self._raw_at += len(given) - len(self._raw)
        self._inflated += len(piece)
        if self._inflated > max(_FREE_BYTES, _RATIO * self._size):
            raise DamagedError(
                f"{self._size} bytes inflate to more than {max(_FREE_BYTES, _RATIO * self._size)}",
                is_bomb=True,
            )
        self._out += piece
        if unpacker.eof:
            self._unpacker = None
        return True

    def _begin_member(self) -> bool:
        """Begin the next gzip member; padding of zero bytes between members is passed over."""
        while True:
            stripped = self._raw.lstrip(b"\x00")
            self._raw_at += len(self._raw) - len(stripped)
            self._raw = stripped
            if self._raw:
                break
            if not self._refill():
                return False
        if self._out:
            self._begun.append([len(self._out), self._raw_at])
        else:
            self._member_at, self._out_at = self._raw_at, 0
        self._unpacker = zlib.decompressobj(_GZIP)
        return True

    def _refill(self) -> bool:
        self._raw = self._stream.read(_CHUNK)
        return bool(self._raw)

    def _next_member(self) -> bool:
        self._out.clear()
        self._begun.clear()
        self._unpacker = None
        self._raw, self._raw_at = self._raw[1:], self._raw_at + min(1, len(self._raw))
        while True:
            at = self._raw.find(_MAGIC)
            if at >= 0:
                self._raw, self._raw_at = self._raw[at:], self._raw_at + at
                self._member_at, self._out_at = self._raw_at, 0
                return True
            kept = self._raw[-2:]
            self._raw_at += len(self._raw) - len(kept)
            more = self._stream.read(_CHUNK)
            if not more:
                return False
            self._raw = kept + more

    def _next_version(self) -> bool:
        while True:
            if self._out.startswith(b"WARC/1."):
                return True
            at = self._out.find(b"\nWARC/1.", 1)
            if at >= 0:
                self.take(at + 1)
                return True
            self.take(max(0, len(self._out) - 8))
            if not self._more():
                return False
