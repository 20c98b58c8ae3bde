"""A row as it stands in a source, checked strictly and turned into an item."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.kinds import HEAD_BYTES, kind_of
from clonedetect.models.ids import AccountId, Digest, ItemId
from clonedetect.models.item import Item, Media, MediaKind, Visibility, VisibilitySpan

__all__ = [
    "ItemRow",
    "MediaRow",
    "RefusedRow",
    "SkippedRow",
    "SourceRow",
    "SpanRow",
    "checked_admission",
    "to_item",
]

MAX_ID: Final = 512

Time = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^(sha256:)?[0-9a-fA-F]{64}\Z")]
Pdq = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=10**6)]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One item with its place; `position` counts up to `source_size`, for progress."""

    source: str
    line: int | None
    item: Item
    position: int


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that does not go in, and why; `line` is None where a source has no lines."""

    source: str
    line: int | None
    reason: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """What a source holds that is no post of its owner, `count` times; said once, and no refusal."""

    source: str
    reason: str
    count: int
    position: int = 0


class SpanRow(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"visibility": "class", "since": "from", "until": "to"},
):
    """A class of visibility and when it held."""

    visibility: Visibility
    since: Time | None = None
    until: Time | None = None


class MediaRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One picture or video of a row; path, pdq or sha256 must be there."""

    url: str | None = None
    path: Name | None = None
    asset_id: Name | None = None
    sha256: Sha256 | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    kind: MediaKind | None = None
    position: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None = None
    pdq: Pdq | None = None

    @property
    def is_url_alone(self) -> bool:
        """Whether nothing is there that could be looked at or compared."""
        return self.path is None and self.pdq is None and self.sha256 is None


class ItemRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row; only `item_id` and one of `caption` and `media` must be there."""

    item_id: Name
    account_id: Name | None = None
    handle: Name | None = None
    permalink: str | None = None
    caption: str | None = None
    hashtags: tuple[str, ...] = ()
    location: str | None = None
    published_at: Time | None = None
    first_indexed_at: Time | None = None
    edited_at: Time | None = None
    deleted_at: Time | None = None
    expires_at: Time | None = None
    visibility: Visibility | tuple[SpanRow, ...] | None = None
    media: tuple[MediaRow, ...] = ()
    lang: str | None = None
    rights_basis: str | None = None
    minor: bool = False
    canary: bool = False
    allowed_domains: tuple[str, ...] = ()
    native_ids: tuple[str, ...] = ()


def to_item(row: ItemRow, folder: Path, *, is_url_enough: bool = False) -> Item:
    """Return the item of `row`, its paths made absolute against `folder` and their files looked at.

    With `is_url_enough` a medium may have nothing but a URL, if its item has a
    caption or a file besides: exports name pictures that they do not hold.
    Raises InputError with a sentence for whoever wrote the row.
    """
    if not row.caption and not row.media:
        raise InputError("needs a caption or media - at `$`")
    if is_url_enough and not row.caption and all(entry.is_url_alone for entry in row.media):
        raise InputError(
            "has neither a caption nor a file, and a url is recorded, never fetched - at `$.media`"
        )
    return Item(
        item_id=ItemId(row.item_id),
        account_id=AccountId(row.account_id) if row.account_id is not None else None,
        handle=row.handle,
        permalink=row.permalink,
        caption=row.caption or None,
        hashtags=row.hashtags,
        location=row.location,
        published_at=_utc(row.published_at),
        first_indexed_at=_utc(row.first_indexed_at),
        edited_at=_utc(row.edited_at),
        deleted_at=_utc(row.deleted_at),
        expires_at=_utc(row.expires_at),
        visibility=_spans(row.visibility),
        media=_media(row.media, folder, is_url_enough=is_url_enough),
        lang=row.lang,
        rights_basis=row.rights_basis,
        minor=row.minor,
        canary=row.canary,
        allowed_domains=row.allowed_domains,
        native_ids=row.native_ids,
    )


def checked_admission(row: SourceRow, admit: Collection[Visibility]) -> SourceRow | RefusedRow:
    """Return `row`, or its refusal if it was never public nor of a class in `admit`."""
    classes = {span.visibility for span in row.item.visibility}
    if Visibility.PUBLIC in classes or classes & set(admit):
        return row
    names = ", ".join(sorted(classes))
    return RefusedRow(
        row.source,
        row.line,
        f"item {row.item.item_id} was never public ({names}); --admit {names.replace(', ', ',')} takes it in",
        row.position,
    )


def look_at(path: Path, declared: MediaKind | None = None) -> MediaKind:
    """Return what the regular file `path` holds: by its content, else as declared.

    Raises InputError if it cannot be read or is neither picture nor video.
    """
    try:
        if not path.is_file():
            raise InputError(f"no such file: {path}")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})") from error
    kind = kind_of(head) or (declared if head else None)
    if kind is None:
        raise InputError(f"{path} is {'neither a picture nor a video' if head else 'empty'}")
    return kind


def _media(rows: Iterable[MediaRow], folder: Path, *, is_url_enough: bool) -> tuple[Media, ...]:
    media = []
    for number, row in enumerate(rows):
        if row.is_url_alone and not (is_url_enough and row.url):
            raise InputError(
                f"needs path, pdq or sha256 (a url is recorded, never fetched) - at `$.media[{number}]`"
            )
        try:
            media.append(_one_medium(row, number, folder))
        except InputError as error:
            raise InputError(f"{error} - at `$.media[{number}]`") from error
    if len({entry.position for entry in media}) != len(media):
        raise InputError("two media have one position - at `$.media`")
    return tuple(sorted(media, key=lambda entry: entry.position))


def _one_medium(row: MediaRow, number: int, folder: Path) -> Media:
    path = None if row.path is None else folder.absolute() / row.path
    kind = look_at(path, row.kind) if path is not None else row.kind or MediaKind.IMAGE
    if row.pdq is not None and kind is MediaKind.VIDEO:
        raise InputError("pdq is a picture's hash, and this is a video")
    return Media(
        position=number if row.position is None else row.position,
        kind=kind,
        path=None if path is None else str(path),
        url=row.url,
        asset_id=row.asset_id,
        digest=None if row.sha256 is None else Digest(f"sha256:{row.sha256[-64:].lower()}"),
        width=row.width,
        height=row.height,
        hashes=() if row.pdq is None else (("pdq", row.pdq.lower()),),
    )


def _spans(row: Visibility | tuple[SpanRow, ...] | None) -> tuple[VisibilitySpan, ...]:
    if row is None:
        return (VisibilitySpan(Visibility.PUBLIC, assumed=True),)
    if isinstance(row, Visibility):
        return (VisibilitySpan(row),)
    if not row:
        raise InputError("an empty list says nothing; leave it out, or name a class - at `$.visibility`")
    for number, span in enumerate(row):
        if span.since is not None and span.until is not None and span.until <= span.since:
            raise InputError(f"`to` is not after `from` - at `$.visibility[{number}]`")
    return tuple(VisibilitySpan(span.visibility, _utc(span.since), _utc(span.until)) for span in row)


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
