"""One JSON object a line, UTF-8: the item as it is documented, unknown keys refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.json_array import TOO_DEEP
from clonedetect.index.importers.rows import ItemRow, RefusedRow, SourceRow, to_item
from clonedetect.index.importers.wording import refusal

__all__ = ["lines_of", "read"]

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_decoder = msgspec.json.Decoder(ItemRow)


def read(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield the items of `path`, its media's paths relative to its folder; empty lines are passed over."""
    source = str(path)
    for number, position, line in lines_of(path):
        if line is None:
            reason = f"a line of more than {MAX_LINE_BYTES // 2**20} MB"
            yield RefusedRow(source, number, reason, position)
        elif line.strip():
            yield _row(source, number, position, line, path.parent)


def lines_of(path: Path) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield (line number, bytes read so far, line) of a file; None for a line over 16 MB."""
    with path.open("rb") as file:
        yield from _lines(file)


def _row(source: str, number: int, position: int, line: bytes, folder: Path) -> SourceRow | RefusedRow:
    try:
        return SourceRow(source, number, to_item(_decoder.decode(line), folder), position)
    except (msgspec.DecodeError, InputError, UnicodeDecodeError) as error:
        return RefusedRow(source, number, refusal(error, is_json=True), position)
    except RecursionError:
        return RefusedRow(source, number, TOO_DEEP, position)


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield (line number, bytes read so far, line without its end); None for a line that is too long."""
    position = number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        position += len(line)
        is_whole = len(line) <= MAX_LINE_BYTES
        rest = line
        while not is_whole and rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES)
            position += len(rest)
        yield number, position, (line.removeprefix(_BOM) if number == 1 else line) if is_whole else None
