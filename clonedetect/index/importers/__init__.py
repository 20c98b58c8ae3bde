"""Readers of what an operator feeds: our own rows, exports of platforms, feeds, lists of hashes.

Every reader yields, row by row, an item with its place or a refusal with its
reason; a bad row never stops the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from clonedetect.errors import InputError
from clonedetect.index.importers import (
    csv,
    directory,
    feeds,
    hash_items,
    hash_lists,
    instagram,
    jsonl,
    mastodon,
    parquet,
    pixelfed,
    wordpress,
)
from clonedetect.index.importers.kinds import HEAD_BYTES, kind_of
from clonedetect.index.importers.rows import RefusedRow, SkippedRow, SourceRow, checked_admission
from clonedetect.index.importers.xml_records import root_of
from clonedetect.models.item import Visibility
from clonedetect.models.signal import Algorithm

__all__ = [
    "RefusedRow",
    "SkippedRow",
    "SourceFormat",
    "SourceRow",
    "check_source",
    "read_source",
    "recognise",
    "source_size",
]

Rows = Iterator[SourceRow | RefusedRow | SkippedRow]

_RECOGNISED_BYTES: Final = 64 * 1024
_OUTBOX: Final = re.compile(rb'"orderedItems"\s*:\s*\[')


_STARTS: Final = {
    b"PARE": "is an encrypted Parquet table: write it without encryption",
    b"\x1f\x8b": "is compressed: unpack it first",
    b"PK\x03\x04": "is compressed: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed: unpack it first",
}
_UNKNOWN: Final = (
    "is none of the formats known: neither JSON, nor XML of a feed, nor Parquet, "
    "nor a CSV header with item_id or hash"
)


class SourceFormat(StrEnum):
    """What a source can be."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DIRECTORY = "directory"
    INSTAGRAM = "instagram"
    MASTODON = "mastodon"
    PIXELFED = "pixelfed"
    WORDPRESS = "wordpress"
    FEED = "feed"
    SITEMAP = "sitemap"
    PDQ_TABLE = "pdq-table"
    PDQ_LINES = "pdq-lines"
    HASHES = "hashes"


_READERS: Final[dict[SourceFormat, Callable[[Path], Rows]]] = {
    SourceFormat.JSONL: jsonl.read,
    SourceFormat.CSV: csv.read,
    SourceFormat.PARQUET: parquet.read,
    SourceFormat.DIRECTORY: directory.read,
    SourceFormat.INSTAGRAM: instagram.read,
    SourceFormat.FEED: feeds.read_feed,
    SourceFormat.SITEMAP: feeds.read_sitemap,
    SourceFormat.PDQ_TABLE: hash_lists.read_table,
    SourceFormat.PDQ_LINES: hash_lists.read_lines,
}
_MEDIA_READERS: Final[dict[SourceFormat, Callable[[Path, Path | None], Rows]]] = {
    SourceFormat.MASTODON: mastodon.read,
    SourceFormat.PIXELFED: pixelfed.read,
    SourceFormat.WORDPRESS: wordpress.read,
}
_FOLDERS: Final = frozenset({SourceFormat.DIRECTORY, SourceFormat.INSTAGRAM})


def read_source(
    path: Path,
    source_format: SourceFormat,
    *,
    admit: Collection[Visibility] = (),
    media: Path | None = None,
    views: Algorithm | None = None,
) -> Rows:
    """Yield the rows of `path`; items that were never public are refused but for the classes in `admit`.

    `media` is where the files are that an export names and does not hold;
    `views` made the hashes of the index, and hashes of others are refused.
    """
    if source_format in _MEDIA_READERS:
        rows = _MEDIA_READERS[source_format](path, media)
    elif source_format is SourceFormat.HASHES:
        rows = hash_items.read(path, views)
    else:
        rows = _READERS[source_format](path)
    for row in rows:
        yield checked_admission(row, admit) if isinstance(row, SourceRow) else row


def check_source(path: Path, source_format: SourceFormat, *, media: Path | None = None) -> None:
    """Raise InputError where `path` cannot be of that format, or `media` is no folder or of no use to it."""
    is_fitting = path.is_dir() == (source_format in _FOLDERS)
    if source_format is SourceFormat.MASTODON:
        is_fitting = mastodon.outbox_of(path).is_file()
    if not is_fitting or not path.exists():
        raise InputError(f"{path} is not a source of format {source_format}")
    if source_format is SourceFormat.PARQUET:
        parquet.check()
    if media is not None and source_format not in _MEDIA_READERS:
        raise InputError(f"{path} ({source_format}) names its files itself; --media is for {_listed()}")
    if media is not None and not media.is_dir():
        raise InputError(f"{media} is no folder; --media names where the files of {path} are")


def recognise(path: Path) -> SourceFormat:
    """Tell by content what `path` is; raises InputError, saying what it looks like, if we cannot read it."""
    if path.is_dir():
        return _recognised_folder(path)
    head = _head(path)
    if parquet.is_parquet(head):
        return SourceFormat.PARQUET
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    found = _recognised_json(start) or _recognised_xml(head) or _recognised_lines(head)
    if found is not None:
        return found
    raise InputError(
        f"{path} {_looks_like(head, start)}; "
        f"sources are {', '.join(SourceFormat)}, and --format says which if its content does not"
    )


def source_size(path: Path, source_format: SourceFormat) -> int:
    """Return what `SourceRow.position` counts up to: bytes of a file, files of a folder."""
    if source_format is SourceFormat.DIRECTORY:
        return directory.count(path)
    if source_format is SourceFormat.INSTAGRAM:
        return sum(file.stat().st_size for file in instagram.files(path))
    return mastodon.outbox_of(path).stat().st_size


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_RECOGNISED_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error


def _recognised_folder(path: Path) -> SourceFormat:
    if instagram.is_export(path):
        return SourceFormat.INSTAGRAM
    outbox = mastodon.outbox_of(path)
    if outbox.is_file() and _recognised_json(_head(outbox).lstrip()) is SourceFormat.MASTODON:
        return SourceFormat.MASTODON
    instagram.refuse_unreadable(path)
    return SourceFormat.DIRECTORY


def _recognised_json(start: bytes) -> SourceFormat | None:
    if pixelfed.is_statuses(start):
        return SourceFormat.PIXELFED
    if start.startswith(b"{"):
        if instagram.looks_like_posts(start):
            return None
        if hash_items.is_hash_items(start):
            return SourceFormat.HASHES
        is_outbox = b'"OrderedCollection"' in start and _OUTBOX.search(start)
        return SourceFormat.MASTODON if is_outbox else SourceFormat.JSONL
    return None


def _recognised_xml(head: bytes) -> SourceFormat | None:
    root = root_of(head)
    if root is None:
        return None
    _, name, namespaces = root
    if name in {"rss", "RDF", "feed"}:
        return SourceFormat.WORDPRESS if wordpress.NAMESPACE in namespaces else SourceFormat.FEED
    return SourceFormat.SITEMAP if name in {"urlset", "sitemapindex"} else None


def _recognised_lines(head: bytes) -> SourceFormat | None:
    if csv.has_header(head):
        return SourceFormat.CSV
    if hash_lists.is_lines(head):
        return SourceFormat.PDQ_LINES
    return SourceFormat.PDQ_TABLE if hash_lists.is_table(head) else None


def _listed() -> str:
    return ", ".join(_MEDIA_READERS)


def _looks_like(head: bytes, start: bytes) -> str:
    if not start:
        return "is empty"
    if instagram.looks_like_posts(start):
        return "is one file of an Instagram export: name the folder of the export"
    if start.startswith(b"["):
        return "is one JSON array: write one object a line"
    if kind_of(head[:HEAD_BYTES]) is not None:
        return "is a picture or video: name its folder"
    return next((told for prefix, told in _STARTS.items() if head.startswith(prefix)), _UNKNOWN)
