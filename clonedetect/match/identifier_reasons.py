"""Why an identifier on a page is told, in sentences that claim no more than what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clonedetect.match.sightings import Place, Sighting
from clonedetect.models.item import Item
from clonedetect.models.match import Ground, IdentifierMeasure
from clonedetect.models.page import IdentifierKind

__all__ = ["Extras", "reasons_of"]

_MAX_SHOWN: Final = 200

_PLACES: Final = {
    Place.ADDRESS: "stands in the page's own address",
    Place.MEDIA: "stands in the address of a picture or video of the page",
    Place.DATA: "stands in the page's data",
    Place.OWN_LINK: "stands in a link to another page of the same site",
    Place.EMBED: "is named by an embed of the platform's own player or card",
    Place.PLATFORM_LINK: "stands in a link to the platform",
    Place.LINK: "stands in a link to another site",
    Place.TEXT: "stands in the words of the page",
}

_NAMES: Final = {
    IdentifierKind.SHORTCODE: "shortcode",
    IdentifierKind.NUMERIC_ID: "numeric id",
    IdentifierKind.ASSET_ID: "picture's id",
    IdentifierKind.PERMALINK: "address",
    IdentifierKind.HOTLINK: "file",
    IdentifierKind.HANDLE: "handle",
    IdentifierKind.ACCOUNT: "account id",
    IdentifierKind.HASHTAG: "hashtag",
}


@dataclass(frozen=True, slots=True)
class Extras:
    """What is told beside one identifier.

    `is_item_known` says that a handle is told with an item that was found otherwise,
    `sharers` how many items (or accounts, of a handle) have the same identifier,
    `features` which rare hashtags and place of the item stand in the same entry.
    """

    is_item_known: bool = False
    more_places: int = 0
    sharers: int = 1
    features: tuple[str, ...] = ()


def reasons_of(sighting: Sighting, item: Item, measure: IdentifierMeasure, extras: Extras) -> tuple[str, ...]:
    """Return the sentences of one match: what stands where, what follows, and what limits it."""
    return tuple(_reasons(sighting, item, measure, extras))


def _reasons(sighting: Sighting, item: Item, measure: IdentifierMeasure, extras: Extras) -> Iterator[str]:
    yield _what_stands(sighting, item, measure)
    if not measure.names_item and not extras.is_item_known:
        yield f"a name tells an account and none of its posts: {item.item_id} stands for all of them"
    if measure.created_at is not None:
        yield _time(measure, item)
    if measure.expires_at is not None:
        yield f"the address was signed until {_utc(measure.expires_at)}"
    if extras.more_places:
        places = "place" if extras.more_places == 1 else "places"
        yield f"it stands in {extras.more_places} more {places} of the page"
    if extras.features:
        yield f"the same entry has what is rare of this post: {', '.join(extras.features)}"
    if measure.is_mention:
        yield "a mention: whoever writes about a post or account names it; it counts for nothing by itself"
    if extras.sharers > 1:
        whose = "posts" if measure.names_item else "accounts"
        yield f"{extras.sharers} {whose} of the index have it: it does not tell which, and does not count"
    elif measure.is_ambiguous:
        yield "it is short or an ordinary word, which others use too, and does not count by itself"


def _what_stands(sighting: Sighting, item: Item, measure: IdentifierMeasure) -> str:
    whose = "of this post" if measure.names_item else f"of account {_account(item)}"
    what = f"the {_NAMES[sighting.kind]} {_shown(sighting.value)} {whose}"
    if measure.ground is Ground.HOTLINK:
        what = f"a file {whose}" if sighting.kind is IdentifierKind.HOTLINK else what
        if sighting.proxy:
            return f"an image proxy is asked for {what} on the platform's own host {sighting.host}"
        return f"{what} is loaded from the platform's own host {sighting.host}"
    through = ", hidden in an image proxy's" if sighting.proxy else ""
    return f"{what} {_PLACES[sighting.place]}{through}"


def _account(item: Item) -> str:
    return item.account_id or item.handle or "unknown"


def _time(measure: IdentifierMeasure, item: Item) -> str:
    carried = f"it carries the time {_utc(measure.created_at)}"
    if item.published_at is None:
        return f"{carried}; when the post was published is not known"
    if measure.is_contradicted:
        return f"{carried}, but the post was published at {_utc(item.published_at)}: it does not count"
    return f"{carried}, the post was published at {_utc(item.published_at)}"


def _utc(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(value: str) -> str:
    return value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]} ..."
