"""A Pixelfed export of statuses: one JSON array of what its interface calls a status."""

from __future__ import annotations

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

__all__ = ["read"]

_CLASSES: Final = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.PUBLIC,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.PRIVATE,
}


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
    account: _Account = _Account()
    media_attachments: tuple[_Attachment, ...] = ()
    tags: tuple[_Tag, ...] = ()


def read(path: Path, media: Path | None = None) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the statuses of `path`; their files are looked for below `media`, if it is given.

    ``https://host/storage/m/x.jpg`` is ``storage/m/x.jpg`` or ``m/x.jpg`` there.
    Shares of others' statuses are passed over, counted once.
    """
    skips = Skips(str(path))
    for element in elements(path):
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
        account = status.account
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
        files = [_medium(entry, media) for entry in status.media_attachments if entry.type != "audio"]
    except InputError as error:
        return place.refused(str(error))
    return source_row(place, fields, files)


def _medium(entry: _Attachment, media: Path | None) -> dict[str, str | None]:
    kind = "video" if entry.type == "video" else "image" if entry.type in {"image", "gifv"} else None
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
