"""A Pixelfed export of statuses: what its interface calls a status, in one of three wrappings.

Older releases wrote a bare array or one object with the array under ``data``;
since exports are written in pieces, an array of such objects comes, a thousand
statuses in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import (
    Place,
    Skips,
    below,
    first_there,
    path_of_url,
    source_row,
    time_of,
)
from clonedetect.index.importers.json_array import Element, elements, parsed
from clonedetect.index.importers.markup import html_text
from clonedetect.index.importers.rows import RefusedRow, SkippedRow, SourceRow
from clonedetect.models.item import Visibility

__all__ = ["is_statuses", "read"]

_BARE: Final = re.compile(rb"\[\s*(?:\]\s*$|\{)")
_WRAPPED: Final = re.compile(rb'\{\s*"data"\s*:\s*\[')
_PAGED: Final = re.compile(rb'\[\s*\{\s*"data"\s*:\s*\[')
_HEAD_BYTES: Final = 1024
_CLASSES: Final = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.PUBLIC,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.PRIVATE,
    "archived": Visibility.PRIVATE,
    "draft": Visibility.PRIVATE,
}


_KINDS: Final = {"image": "image", "gifv": "image", "video": "video"}


class _Account(msgspec.Struct, frozen=True):
    id: str | int | None = None
    username: str | None = None


class _Tag(msgspec.Struct, frozen=True):
    name: str


class _Attachment(msgspec.Struct, frozen=True):
    url: str
    type: str = "unknown"
    id: str | int | None = None


class _Status(msgspec.Struct, frozen=True):
    id: str | int
    visibility: str
    uri: str | None = None
    url: str | None = None
    reblog: dict[str, Any] | None = None
    content: str | None = None
    content_text: str | None = None
    created_at: str | None = None
    edited_at: str | None = None
    language: str | None = None
    account: _Account | None = None
    media_attachments: tuple[_Attachment, ...] = ()
    tags: tuple[_Tag, ...] = ()


def is_statuses(start: bytes) -> bool:
    """Whether `start`, the first bytes of a file, begins a list of statuses."""
    is_list = _BARE.match(start) or _WRAPPED.match(start)
    return is_list is not None and b'"media_attachments"' in start and b'"visibility"' in start


def read(path: Path, media: Path | None = None) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the statuses of `path`; their files are looked for below `media`, if it is given.

    ``https://host/storage/m/x.jpg`` is ``storage/m/x.jpg`` or ``m/x.jpg`` there.
    Shares of others' statuses are passed over, counted once.
    """
    skips = Skips(str(path))
    with path.open("rb") as file:
        is_paged = _PAGED.match(file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()) is not None
    for element in elements(path, {"data"}, is_paged=is_paged):
        if isinstance(element, RefusedRow):
            yield element
            continue
        try:
            status = parsed(element, _Status)
            if status.reblog is not None:
                skips.add("a share of somebody else's status")
                continue
        except InputError as error:
            yield RefusedRow(str(path), element.line, str(error), element.position)
            continue
        yield _row(path, element, status, media)
    yield from skips.rows(path.stat().st_size)


def _row(path: Path, element: Element, status: _Status, media: Path | None) -> SourceRow | RefusedRow:
    place = Place(str(path), element.line, element.position, element.where)
    try:
        if status.visibility not in _CLASSES:
            raise InputError(f"visibility {status.visibility[:40]!r} is not known")
        account = status.account or _Account()
        fields = {
            "item_id": str(status.id),
            "account_id": None if account.id is None else str(account.id),
            "handle": account.username,
            "permalink": status.url or status.uri,
            "caption": status.content_text or html_text(status.content or ""),
            "hashtags": tuple(tag.name.removeprefix("#") for tag in status.tags),
            "published_at": time_of(status.created_at),
            "edited_at": time_of(status.edited_at),
            "visibility": _CLASSES[status.visibility],
            "lang": status.language,
        }
        files = [_medium(entry, media) for entry in status.media_attachments if entry.type.lower() != "audio"]
    except InputError as error:
        return place.refused(str(error))
    return source_row(place, fields, files)


def _medium(entry: _Attachment, media: Path | None) -> dict[str, str | None]:
    kind = _KINDS.get(entry.type.lower())
    found: dict[str, str | None] = {
        "url": entry.url,
        "kind": kind,
        "asset_id": None if entry.id is None else str(entry.id),
    }
    if media is None:
        return found
    whole = below(media, path_of_url(entry.url))
    short = below(media, path_of_url(entry.url).removeprefix("storage/"))
    return found | {"path": first_there([whole, short])}
