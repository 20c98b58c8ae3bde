"""Everything on a page that may identify an item, with what kind of place it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from clonedetect.grant.hosts import registrable_domain
from clonedetect.match.ambiguity import Worth, worth_of
from clonedetect.match.native import NativeIds, host_of
from clonedetect.models.page import IdentifierKind, LinkKind, MediaRef, PageContent

__all__ = ["Place", "Sighting", "sightings"]

_NATIVE: Final = frozenset({IdentifierKind.SHORTCODE, IdentifierKind.NUMERIC_ID})
_AT_MOST: Final = 10_000
_WEB: Final = ("http://", "https://")


class Place(IntEnum):
    """Where an identifier stands, those first that say most of the page itself."""

    ADDRESS = 0
    MEDIA = 1
    DATA = 2
    OWN_LINK = 3
    EMBED = 4
    PLATFORM_LINK = 5
    LINK = 6
    TEXT = 7


@dataclass(frozen=True, slots=True)
class Sighting:
    """One identifier where it stands; `seen` is the address or word as the page has it.

    `proxy` is the address that hid `seen`, "" where none did; `host` that of an address.
    """

    kind: IdentifierKind
    value: str
    place: Place
    seen: str
    locator: str
    entry: str = ""
    host: str = ""
    proxy: str = ""

    @property
    def worth(self) -> Worth:
        """How much the value says by itself."""
        return worth_of(self.kind, self.value)


def sightings(content: PageContent, ids: NativeIds) -> tuple[Sighting, ...]:
    """Return what may identify an item on a page, what says most first, at most 10,000.

    What says nothing by its form is left out. On a page of the platform's own nothing
    is: it may name its posts.
    """
    if ids.is_own(host_of(content.url)):
        return ()
    found: dict[tuple[IdentifierKind, str, str], Sighting] = {}
    for one in _all(content, ids):
        key = (one.kind, one.value, one.locator)
        if len(found) < _AT_MOST and one.worth is not Worth.NOTHING:
            found.setdefault(key, one)
    return tuple(sorted(found.values(), key=lambda one: one.place))


def _all(content: PageContent, ids: NativeIds) -> Iterator[Sighting]:
    own = ids.in_address(content.url) if content.url.startswith(_WEB) else ()  # a file's folders say nothing
    for kind, value in own:
        yield Sighting(kind, value, Place.ADDRESS, content.url, "url", host=host_of(content.url))
    cards = tuple(f"{embed.locator}/" for embed in content.embeds if ids.is_own(embed.host))
    for ref in content.media:
        yield from _of_media(ref, ids, cards)
    yield from _of_links(content, ids)
    yield from _of_embeds(content, ids)
    yield from _of_data_and_text(content)


def _of_media(ref: MediaRef, ids: NativeIds, cards: tuple[str, ...]) -> Iterator[Sighting]:
    """Yield what a picture's address names; what the platform's card loads from it belongs to the card."""
    address = ref.unwrapped_url or ref.url
    if address.startswith("data:"):
        return
    host, proxy = host_of(address), ref.url if ref.unwrapped_url else ""
    named = [(IdentifierKind.ASSET_ID, value) for value in ids.in_media(address)]
    named += [one for one in ids.in_address(address) if one[0] in _NATIVE]
    if ids.is_own(host):
        named.append((IdentifierKind.HOTLINK, address))
    is_of_card = ids.is_own(host) and not proxy and ref.locator.startswith(cards)
    place = Place.EMBED if is_of_card else Place.MEDIA
    for kind, value in named:
        yield Sighting(kind, value, place, address, ref.locator, ref.entry, host, proxy)


def _of_links(content: PageContent, ids: NativeIds) -> Iterator[Sighting]:
    own = _site(host_of(content.url))
    places: dict[str, Place] = {}
    for link in content.links:
        host = host_of(link.url)
        if host not in places:
            is_own_link = bool(own) and _site(host) == own
            places[host] = Place.OWN_LINK if is_own_link else Place.LINK
            if ids.is_own(host):
                places[host] = Place.PLATFORM_LINK
        place = places[host]
        if link.kind is LinkKind.FRAME and place is Place.PLATFORM_LINK:
            place = Place.EMBED
        for kind, value in ids.in_address(link.url):
            yield Sighting(kind, value, place, link.url, link.locator, link.entry, host)
        if place in {Place.EMBED, Place.PLATFORM_LINK}:
            yield Sighting(
                IdentifierKind.PERMALINK, link.url, place, link.url, link.locator, link.entry, host
            )


def _of_embeds(content: PageContent, ids: NativeIds) -> Iterator[Sighting]:
    for embed in content.embeds:
        if not ids.is_own(embed.host) or not embed.permalink:
            continue
        named = (*ids.in_address(embed.permalink), (IdentifierKind.PERMALINK, embed.permalink))
        for kind, value in named:
            yield Sighting(kind, value, Place.EMBED, embed.url, embed.locator, embed.entry, embed.host)


def _of_data_and_text(content: PageContent) -> Iterator[Sighting]:
    """Yield what the page's data name, and handles that stand in its words.

    The extractor gives the first place of each; what it read out of addresses is
    looked at above, address by address.
    """
    words = {block.locator for block in content.blocks}
    addresses = {"url", *(link.locator for link in content.links), *(ref.locator for ref in content.media)}
    for one in content.identifiers:
        if one.locator in words:
            yield Sighting(one.kind, one.value, Place.TEXT, one.value, one.locator, one.entry)
        elif one.locator not in addresses:
            yield Sighting(one.kind, one.value, Place.DATA, one.value, one.locator, one.entry)
            if one.kind is IdentifierKind.NUMERIC_ID:
                yield Sighting(
                    IdentifierKind.ACCOUNT, one.value, Place.DATA, one.value, one.locator, one.entry
                )


def _site(host: str) -> str:
    return registrable_domain(host) or host
