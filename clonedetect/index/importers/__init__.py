"""Readers of what an operator feeds: JSON lines, CSV, folders of pictures and videos.

Every reader yields, row by row, an item with its place or a refusal with its
reason; a bad row never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from clonedetect.errors import InputError
from clonedetect.index.importers import csv, directory, jsonl
from clonedetect.index.importers.kinds import HEAD_BYTES, kind_of
from clonedetect.index.importers.rows import RefusedRow, SourceRow, checked_admission
from clonedetect.models.item import Visibility

__all__ = ["RefusedRow", "SourceFormat", "SourceRow", "read_source", "recognise", "source_size"]


class SourceFormat(StrEnum):
    """What a source can be."""

    JSONL = "jsonl"
    CSV = "csv"
    DIRECTORY = "directory"


_READERS: Final[dict[SourceFormat, Callable[[Path], Iterator[SourceRow | RefusedRow]]]] = {
    SourceFormat.JSONL: jsonl.read,
    SourceFormat.CSV: csv.read,
    SourceFormat.DIRECTORY: directory.read,
}


def read_source(
    path: Path, source_format: SourceFormat, *, admit: Collection[Visibility] = ()
) -> Iterator[SourceRow | RefusedRow]:
    """Yield the rows of `path`; items that were never public are refused but for the classes in `admit`."""
    for row in _READERS[source_format](path):
        yield checked_admission(row, admit) if isinstance(row, SourceRow) else row


def recognise(path: Path) -> SourceFormat:
    """Tell by content what `path` is; raises InputError, saying what it looks like, if we cannot read it."""
    if path.is_dir():
        return SourceFormat.DIRECTORY
    try:
        with path.open("rb") as file:
            head = file.read(64 * 1024)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return SourceFormat.JSONL
    if csv.has_header(head):
        return SourceFormat.CSV
    raise InputError(
        f"{path} {_looks_like(head, start)}; "
        f"sources are {', '.join(SourceFormat)}, and --format says which if its content does not"
    )


def source_size(path: Path, source_format: SourceFormat) -> int:
    """Return what `SourceRow.position` counts up to: bytes of a file, files of a folder."""
    return directory.count(path) if source_format is SourceFormat.DIRECTORY else path.stat().st_size


def _looks_like(head: bytes, start: bytes) -> str:
    if not start:
        return "is empty"
    if start.startswith(b"["):
        return "is one JSON array: write one object a line"
    if kind_of(head[:HEAD_BYTES]) is not None:
        return "is a picture or video: name its folder"
    if head.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")):
        return "is compressed: unpack it first"
    return "is none of the formats known: neither JSON objects nor a CSV header with item_id"
