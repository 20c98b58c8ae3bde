"""One public post of the platform, as an index holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.ids import AccountId, Digest, ItemId

__all__ = ["Item", "Media", "MediaKind", "Visibility", "VisibilitySpan"]


class MediaKind(StrEnum):
    """What a media file is."""

    IMAGE = "image"
    VIDEO = "video"


class Visibility(StrEnum):
    """Who could see an item."""

    PUBLIC = "public"
    LOGGED_IN = "logged_in"
    FOLLOWERS = "followers"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class VisibilitySpan:
    """A class of visibility and when it held; open ends are None."""

    visibility: Visibility
    since: datetime | None = None
    until: datetime | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """One file of an item; at least one of path, hashes, digest or url is known.

    `path` is absolute and read locally; `url` is recorded and never fetched;
    `hashes` holds (algorithm, hexadecimal) pairs that came without a picture:
    ``pdq`` of the whole, or ``pdq/VIEW/FORM/QUALITY`` of one view.
    """

    position: int = 0
    kind: MediaKind = MediaKind.IMAGE
    path: str | None = None
    url: str | None = None
    asset_id: str | None = None
    digest: Digest | None = None
    width: int | None = None
    height: int | None = None
    hashes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A post: who published what, when, and who could see it. Times are UTC."""

    item_id: ItemId
    account_id: AccountId | None = None
    handle: str | None = None
    permalink: str | None = None
    caption: str | None = None
    hashtags: tuple[str, ...] = ()
    location: str | None = None
    published_at: datetime | None = None
    first_indexed_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    expires_at: datetime | None = None
    visibility: tuple[VisibilitySpan, ...] = (VisibilitySpan(Visibility.PUBLIC, assumed=True),)
    media: tuple[Media, ...] = ()
    lang: str | None = None
    rights_basis: str | None = None
    minor: bool = False
    canary: bool = False
    allowed_domains: tuple[str, ...] = ()
    native_ids: tuple[str, ...] = ()
