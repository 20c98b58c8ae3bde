"""Elements of a long JSON array, one at a time: an export of gigabytes is read in memory of one post.

The file is cut at the array's commas without being parsed as a whole, so that
an element that is no JSON falls alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.rows import RefusedRow

__all__ = ["TOO_DEEP", "Element", "elements", "parsed", "small_json"]

TOO_DEEP: Final = "JSON nested too deep to be read"

MAX_ELEMENT_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_MAX_KEY_BYTES: Final = 256
_PLAIN: Final = re.compile(rb'["{}\[\],]')
_STRING: Final = re.compile(rb'["\\]')

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its bytes, JSON path, line (1-based) and the bytes of the file read so far."""

    data: bytes
    where: str
    line: int
    position: int


def elements(
    path: Path, keys: Collection[str] = (), *, is_paged: bool = False
) -> Iterator[Element | RefusedRow]:
    """Yield the elements of the array that `path` is, or of its arrays under `keys`.

    With `is_paged` the file is an array of objects, the pages, that have such
    arrays. An element over 16 MB is refused, and so is the rest of a file that ends
    before its array does.
    """
    return _Cutter(path, frozenset(key.encode() for key in keys), 2 if is_paged else 1).run()


def parsed(element: Element, wanted: type[T]) -> T:
    """Return `element` as `wanted`; raises InputError that names the place."""
    try:
        return msgspec.json.decode(element.data, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{error} - in `{element.where}`") from error
    except RecursionError as error:
        raise InputError(f"{TOO_DEEP} - in `{element.where}`") from error


class _Cutter:
    """Where the scan stands: depth, string or not, and the element that has begun."""

    def __init__(self, path: Path, keys: frozenset[bytes], key_depth: int) -> None:
        self._path = path
        self._keys = keys
        self._key_depth = key_depth
        self._page = -1
        self._depth = 0
        self._array_depth = 0
        self._name = ""
        self._number = 0
        self._key = b""
        self._is_in_string = False
        self._is_closed = False
        self._text = bytearray()
        self._is_too_long = False
        self._long_line = 0
        self._line = 1
        self._position = 0

    def run(self) -> Iterator[Element | RefusedRow]:
        is_escaped = False
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                start = at = 0
                if is_escaped:
                    at, is_escaped = 1, False
                while found := (_STRING if self._is_in_string else _PLAIN).search(chunk, at):
                    at = found.end()
                    mark = found.group()
                    if mark == b"\\":
                        at += 1
                        is_escaped = at > len(chunk)
                    elif mark == b'"':
                        self._quote(chunk[start:at])
                        start = at
                    else:
                        yield from self._structure(mark, chunk[start : at - 1], self._position + at)
                        start = at
                self._keep(chunk[start:])
                self._position += len(chunk)
        if self._array_depth or not self._is_closed:
            reason = f"the file ends before its JSON does - after `{self._where}`"
            yield RefusedRow(str(self._path), self._line, reason, self._position)

    @property
    def _where(self) -> str:
        return f"{self._name or '$'}[{self._number}]" if self._array_depth else "$"

    def _quote(self, before: bytes) -> None:
        if self._is_in_string and self._depth == self._key_depth and not self._array_depth:
            self._key = (bytes(self._text) + before)[:-1][-_MAX_KEY_BYTES:]
        if not self._array_depth:
            self._pass_over(before)
        else:
            self._keep(before)
        self._is_in_string = not self._is_in_string

    def _pass_over(self, before: bytes) -> None:
        """Count the lines of what stands outside of the array, and forget it."""
        self._line += self._text.count(b"\n") + before.count(b"\n")
        self._text.clear()

    def _keep(self, piece: bytes) -> None:
        """Add to the element that has begun; outside of the array a short string may be a key."""
        limit = MAX_ELEMENT_BYTES if self._array_depth else _MAX_KEY_BYTES
        if len(self._text) + len(piece) <= limit and not self._is_too_long:
            self._text += piece
        elif self._array_depth:
            if not self._is_too_long:
                self._is_too_long, self._long_line = True, self._line
            self._line += self._text.count(b"\n") + piece.count(b"\n")
            self._text.clear()
        else:
            self._line += piece.count(b"\n")

    def _structure(self, mark: bytes, before: bytes, position: int) -> Iterator[Element | RefusedRow]:
        if self._array_depth:
            self._keep(before)
        else:
            self._pass_over(before)
        is_end = self._array_depth == self._depth and mark in b"],"
        if self._array_depth and is_end:
            yield from self._ended(position, is_last=mark == b"]")
        elif self._array_depth:
            self._keep(mark)
        if mark in b"{[":
            self._depth += 1
            if mark == b"[" and not self._array_depth and self._is_wanted():
                self._begin()
        elif mark in b"}]":
            self._depth -= 1
            if is_end and self._array_depth:
                self._array_depth = 0
            self._is_closed = self._depth == 0

    def _is_wanted(self) -> bool:
        if self._depth == self._key_depth + 1:
            return self._key in self._keys
        return self._depth == 1 and self._key_depth == 1

    def _begin(self) -> None:
        self._array_depth = self._depth
        self._page += 1
        page = "$" if self._key_depth == 1 else f"$[{self._page}]"
        self._name = page if self._depth == 1 else f"{page}.{self._key.decode('utf-8', 'replace')}"
        self._number = 0
        self._text.clear()

    def _ended(self, position: int, *, is_last: bool) -> Iterator[Element | RefusedRow]:
        text = bytes(self._text)
        data = text.strip()
        line = self._line + text[: len(text) - len(text.lstrip())].count(b"\n")
        self._line += text.count(b"\n")
        self._text.clear()
        if self._is_too_long:
            reason = f"more than {MAX_ELEMENT_BYTES // 2**20} MB - in `{self._where}`"
            yield RefusedRow(str(self._path), self._long_line, reason, position)
        elif data or not is_last:
            yield Element(data, self._where, line, position)
        self._is_too_long = False
        self._number += 1


def small_json(path: Path, limit_bytes: int = MAX_ELEMENT_BYTES) -> Any:
    """Return the whole JSON of a small file, or None where it is absent, too large or no JSON."""
    try:
        if path.stat().st_size > limit_bytes:
            return None
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
