"""Findings put together by whom a letter goes to: one entry for each post on each page, with its places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from clonedetect.errors import IncompleteError
from clonedetect.evidence.notices.kinds import Grouping
from clonedetect.evidence.notices.material import Material
from clonedetect.evidence.view import site_of
from clonedetect.models.capture import Capture
from clonedetect.models.item import Item

__all__ = ["Entry", "Group", "Place", "groups_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was received: an address as it was asked for, and the capture of it."""

    url: str
    capture: Capture
    is_media: bool

    @property
    def address(self) -> str:
        """The network address the socket was connected to."""
        if self.capture.peer is None:
            raise IncompleteError(f"the capture of {self.url!a} records no network address")
        return self.capture.peer.address

    @property
    def located(self) -> str:
        """The URL that was answered in the end."""
        return self.capture.final_url or self.url


@dataclass(frozen=True, slots=True)
class Entry:
    """One post on one page: what was found of it, where, and which of the places the recipient serves."""

    material: tuple[Material, ...]
    places: tuple[Place, ...]
    served: tuple[Place, ...]

    @property
    def item(self) -> Item:
        """The platform's post."""
        return self.material[0].reference.item

    @property
    def page(self) -> Place:
        """The page; its place comes first."""
        return self.places[0]


@dataclass(frozen=True, slots=True)
class Group:
    """One recipient: a network address or a registrable domain, and the entries that concern it."""

    key: str
    entries: tuple[Entry, ...]


def groups_of(
    material: Iterable[Material], grouping: Grouping, *, is_of_pages: bool = False
) -> tuple[Group, ...]:
    """Return the groups in the order of their keys, entries by page and item.

    By host a post is told to everybody who serves a part of it, the page's host and the picture's; where
    a letter `is_of_pages`, to the page's alone.
    """
    grouped: dict[str, list[Entry]] = {}
    for entry in _entries(material):
        if grouping is Grouping.SITE:
            grouped.setdefault(site_of(entry.page.located), []).append(entry)
            continue
        concerned = (entry.page,) if is_of_pages else entry.places
        for address in dict.fromkeys(place.address for place in concerned):
            grouped.setdefault(address, []).append(_served_by(entry, address))
    return tuple(Group(key, tuple(entries)) for key, entries in sorted(grouped.items()))


def _served_by(entry: Entry, address: str) -> Entry:
    """Return what of an entry concerns one address: a host of pictures alone is told of those only."""
    served = tuple(place for place in entry.places if place.address == address)
    if entry.page in served:
        return replace(entry, served=served)
    own = {place.capture.record_id for place in served}
    return Entry(
        tuple(one for one in entry.material if one.media is not None and one.media.record_id in own),
        (entry.page, *served),
        served,
    )


def _entries(material: Iterable[Material]) -> list[Entry]:
    found: dict[tuple[str, str], list[Material]] = {}
    for one in material:
        found.setdefault((one.finding.page_url, one.finding.match.item_id), []).append(one)
    entries = []
    for (page_url, _), group in sorted(found.items()):
        places = {page_url: Place(page_url, group[0].page, is_media=False)}
        for one in group:
            if one.media is not None:
                url = one.finding.media_url or one.media.url
                places.setdefault(url, Place(url, one.media, is_media=True))
        entries.append(Entry(tuple(group), tuple(places.values()), tuple(places.values())))
    return entries
