"""PDQ hashes without pictures: tables as hashers write them, and lines as pytx keeps them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import Place
from clonedetect.index.importers.rows import MAX_ID, RefusedRow, SourceRow
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media

__all__ = ["is_lines", "is_table", "read_lines", "read_table"]

MIN_QUALITY: Final = 50
"""PDQ's authors advise against using hashes below it: pictures of little detail, near to everything."""

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}\Z")
_LINE: Final = re.compile(rb"^pdq[ \t]+[0-9a-fA-F]{64}[ \t]*\r?$", re.MULTILINE)
_HASH_NAMES: Final = ("hash", "pdq", "pdq_hash", "pdq hash")
_PATH_NAMES: Final = ("path", "filename", "file", "id", "content_id")
_MAX_LINE: Final = 64 * 1024


def is_table(head: bytes) -> bool:
    """Whether `head` begins a table of hashes: under a header with ``hash``, or rows of hash and quality."""
    first = _cells(_first_line(head))
    return _columns(first) is not None or _is_bare(first)


def is_lines(head: bytes) -> bool:
    """Whether one of the first lines is ``pdq`` and a hash; a bare one may as well be a SHA-256."""
    return _LINE.search(head) is not None


def read_table(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield the hashes of a table ``hash,quality,path``, with a header or (as the PDQ hasher writes) without.

    ``item_id`` is the path, else ``pdq:`` and the hash. Hashes of a quality under 50 are refused.
    """
    columns: dict[str, int] | None = None
    for place, text in _lines(path):
        if text is None:
            yield place.refused(f"a line of more than {_MAX_LINE // 1024} KB, or not UTF-8")
            continue
        cells = _cells(text)
        if columns is None:
            columns = _columns(cells)
            if columns is not None:
                continue
            columns = {"hash": 0, "quality": 1, "path": 2}
        try:
            yield _table_row(place, cells, columns)
        except InputError as error:
            yield place.refused(str(error))


def read_lines(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield the hashes of lines ``pdq HASH`` or ``HASH``; signals of other types are refused by line."""
    for place, text in _lines(path):
        if text is None:
            yield place.refused(f"a line of more than {_MAX_LINE // 1024} KB, or not UTF-8")
            continue
        *kinds, value = text.split(maxsplit=1)
        try:
            if kinds not in ([], ["pdq"]):
                raise InputError(f"signal type {kinds[0][:40]!r} is not indexed, only pdq")
            yield _row(place, _checked(value.strip()), "", "")
        except InputError as error:
            yield place.refused(str(error))


def _table_row(place: Place, cells: list[str], columns: dict[str, int]) -> SourceRow:
    def cell(name: str) -> str:
        at = columns.get(name)
        return cells[at].strip() if at is not None and at < len(cells) else ""

    quality = cell("quality")
    if quality and not (quality.isascii() and quality.isdigit() and int(quality) <= 100):
        raise InputError(f"quality {quality[:40]!r} is no number from 0 to 100")
    if quality and int(quality) < MIN_QUALITY:
        raise InputError(f"quality {quality} is under {MIN_QUALITY}: such a hash is near to everything")
    return _row(place, _checked(cell("hash")), quality, cell("path"))


def _row(place: Place, value: str, quality: str, name: str) -> SourceRow:
    if len(name) > MAX_ID:
        raise InputError(f"its path is longer than {MAX_ID} characters")
    algorithm = f"pdq/full/identity/{quality}" if quality else "pdq"
    item = Item(item_id=ItemId(name or f"pdq:{value}"), media=(Media(hashes=((algorithm, value),)),))
    return SourceRow(place.source, place.line, item, place.position)


def _checked(value: str) -> str:
    if not _HASH.match(value):
        raise InputError(f"{value[:80]!r} is no PDQ hash of 64 hexadecimal digits")
    return value.lower()


def _columns(cells: list[str]) -> dict[str, int] | None:
    names = [cell.strip().lower() for cell in cells]
    hashes = [name for name in _HASH_NAMES if name in names]
    if not hashes:
        return None
    found = {"hash": names.index(hashes[0])}
    if "quality" in names:
        found["quality"] = names.index("quality")
    paths = [name for name in _PATH_NAMES if name in names]
    return found | ({"path": names.index(paths[0])} if paths else {})


def _is_bare(cells: list[str]) -> bool:
    return len(cells) >= 2 and bool(_HASH.match(cells[0].strip())) and cells[1].strip().isdigit()


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return [line]


def _first_line(head: bytes) -> str:
    lines = head.decode("utf-8-sig", "replace").lstrip("\r\n").splitlines()
    return lines[0] if lines else ""


def _lines(path: Path) -> Iterator[tuple[Place, str | None]]:
    """Yield each line that is not empty; None for one too long or not UTF-8."""
    position = number = 0
    with path.open("rb") as file:
        while line := file.readline(_MAX_LINE):
            number += 1
            position += len(line)
            is_whole = line.endswith(b"\n") or len(line) < _MAX_LINE
            while not is_whole and (rest := file.readline(_MAX_LINE)):
                position += len(rest)
                if rest.endswith(b"\n"):
                    break
            place = Place(str(path), number, position)
            try:
                text = (
                    line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n") if is_whole else None
                )
            except UnicodeDecodeError:
                text = None
            if text is None or text.strip():
                yield place, text
