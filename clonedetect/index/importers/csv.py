"""Comma-, semicolon- or tab-separated rows under a header line, UTF-8 or UTF-16 with its mark.

Columns have the names of the item. Lists stand in one cell, separated by
``|``; the columns of media (``media_path``, or short ``media``, ``media_url``,
``media_sha256``, ``media_pdq`` ...) are matched by place. Empty cells are absent.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.columns import (
    ITEM_COLUMNS,
    LISTS,
    MEDIA_COLUMNS,
    header_fault,
    media_by_place,
)
from clonedetect.index.importers.rows import ItemRow, RefusedRow, SourceRow, to_item
from clonedetect.index.importers.wording import refusal

__all__ = ["has_header", "read"]

_COLUMNS: Final = (ITEM_COLUMNS - {"media"}) | MEDIA_COLUMNS
_DELIMITERS: Final = (",", ";", "\t")
_HEADER_BYTES: Final = 64 * 1024


def has_header(head: bytes) -> bool:
    """Whether `head`, the first bytes of a file, begins with a header that names ``item_id``."""
    return "item_id" in _split(head.decode(*_encoding(head)))[1]


def read(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield the items of `path`, its media's paths relative to its folder; empty rows are passed over."""
    source = str(path)
    with path.open("rb") as raw:
        head = raw.read(_HEADER_BYTES)
    encoding, errors = _encoding(head)
    size = path.stat().st_size
    delimiter, header = _split(head.decode(encoding, errors))
    fault = header_fault(header, _COLUMNS)
    if fault:
        yield RefusedRow(source, 1, fault, size)
        return
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="") as file,
    ):
        for line, cells in _rows(csv.reader(file, delimiter=delimiter, strict=True)):
            position = min(size, raw.tell())
            if isinstance(cells, str):
                yield RefusedRow(source, line, cells, position)
            else:
                yield _row(path, header, cells, line=line, position=position)


def _rows(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Yield (first line of the row, cells or what is wrong with them), the header left out."""
    is_header = True
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"cannot be split into cells ({error})"
            continue
        if cells and not is_header:
            yield line, cells
        is_header = is_header and not cells


def _row(
    path: Path, header: Sequence[str], cells: Sequence[str], *, line: int, position: int
) -> SourceRow | RefusedRow:
    source = str(path)
    try:
        if len(cells) != len(header):
            raise InputError(f"has {len(cells)} cells under {len(header)} columns")
        named = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
        _check_characters(named)
        row = msgspec.convert(_grouped(named), ItemRow, strict=False)
        return SourceRow(source, line, to_item(row, path.parent), position)
    except (msgspec.ValidationError, InputError) as error:
        return RefusedRow(source, line, refusal(error, is_json=False), position)


def _grouped(named: Mapping[str, str]) -> dict[str, Any]:
    """Return the row as the JSON object it stands for."""
    row: dict[str, Any] = {}
    columns: dict[str, list[str]] = {}
    for name, cell in named.items():
        if name in MEDIA_COLUMNS:
            columns[name] = [part.strip() for part in cell.split("|")]
        elif name in LISTS:
            row[name] = [part.strip() for part in cell.split("|") if part.strip()]
        else:
            row[name] = cell
    if columns:
        row["media"] = media_by_place(columns)
    return row


def _check_characters(named: Mapping[str, str]) -> None:
    for name, cell in named.items():
        if any(0xD800 <= ord(character) <= 0xDFFF for character in cell):
            raise InputError(f"is not UTF-8 - at `$.{name}`")


def _encoding(head: bytes) -> tuple[str, str]:
    """Return the encoding, and what becomes of bytes outside it: marked in UTF-8, so that rows fall."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "replace"
    return "utf-8-sig", "surrogateescape"


def _split(text: str) -> tuple[str, list[str]]:
    """Return the delimiter under which the first line gives most known columns, and its names."""
    lines = text.lstrip("\r\n").splitlines()
    best: tuple[int, str, list[str]] = (-1, ",", [])
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader(lines[:1], delimiter=delimiter), [])
        except csv.Error:
            continue
        names = [_column(cell) for cell in cells]
        known = sum(name in _COLUMNS for name in names)
        if known > best[0]:
            best = (known, delimiter, names)
    return best[1], best[2]


def _column(cell: str) -> str:
    name = cell.strip().lower()
    return "media_path" if name == "media" else name
