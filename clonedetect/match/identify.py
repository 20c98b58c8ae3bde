"""Items and accounts of the index whose own identifiers stand on a page.

Each match is `possible`: an identifier says where content came from or whom a page is
about, and shows none of it. What it is worth beside pictures and texts is for the
verdict to say; `IdentifierMeasure.is_ground` says whether it may count at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clonedetect.match.ambiguity import Worth
from clonedetect.match.identifier_reasons import Extras, reasons_of
from clonedetect.match.native import NativeIds
from clonedetect.match.rare import shared_features
from clonedetect.match.sightings import Place, Sighting, sightings
from clonedetect.models.item import Item
from clonedetect.models.match import Ground, IdentifierMeasure, Kind, Match, Verdict
from clonedetect.models.page import IdentifierKind, PageContent
from clonedetect.models.reference import Identified
from clonedetect.protocols import ReferenceIndex

__all__ = ["identify"]

Found = tuple[IdentifierKind, str]
Owner = tuple[str, str]
"""What tells one account from another: ("account", id), else ("handle", name), else ("item", id)."""

_OF_ACCOUNTS: Final = frozenset({IdentifierKind.HANDLE, IdentifierKind.ACCOUNT})
_OWN_WORDS: Final = frozenset({Place.ADDRESS, Place.MEDIA, Place.DATA, Place.OWN_LINK})
"""Places in which a page names a post or account itself, and does not just lead or refer to it."""
_ORDER: Final = (Verdict.CONFIRMED, Verdict.POSSIBLE)
_CLOSE: Final = timedelta(days=1)
_SCORES: Final = {Ground.NATIVE_ID: 0.5, Ground.HOTLINK: 0.5, Ground.HANDLE: 0.3}
_NO_GROUND: Final = 0.1
_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """One identifier of one item or account where it stands on the page, and what it is worth."""

    sighting: Sighting
    item: Item
    measure: IdentifierMeasure
    sharers: int

    @property
    def key(self) -> tuple[Owner, Ground]:
        """What there is one match of: an account by its names, an item by its own ids."""
        of_account = not self.measure.names_item
        return owner_of(self.item) if of_account else ("item", self.item.item_id), self.measure.ground

    @property
    def rank(self) -> tuple[bool, int]:
        """Orders the claims of one key, the best first."""
        return not self.measure.is_ground, self.sighting.place


def identify(
    content: PageContent, index: ReferenceIndex, ids: NativeIds, others: Sequence[Match] = ()
) -> tuple[Match, ...]:
    """Return what the identifiers on a page name, one match an item or account and ground, at most 200.

    `others` are the page's matches of pictures and texts. What only mentions an item or
    account, or may well be another's, is told only beside a match of the same item or
    account; so is a handle, unless it stands in the page's own address and the page speaks of
    the platform (by name, mark, link, or a picture of its).
    """
    seen = sightings(content, ids)
    if not seen:
        return ()
    asked = {one: ids.spellings(one.kind, one.value) for one in seen}
    known = index.identified({spelled for spellings in asked.values() for spelled in spellings})
    claims = list(_claims(asked, known, ids)) if known else []
    if not claims:
        return ()
    best: dict[tuple[Owner, Ground], list[Claim]] = {}
    for claim in sorted(claims, key=lambda one: one.rank):
        best.setdefault(claim.key, []).append(claim)
    told = _Support(claims, others, index, speaks_of_platform=_speaks(content, seen, ids))
    kept = [group for group in best.values() if told.holds(group[0])]
    matches = [_match(group, content, index, told) for group in kept[:_AT_MOST]]
    return tuple(sorted(matches, key=lambda one: (-one.score, one.item_id)))


def owner_of(item: Item) -> Owner:
    """Return whose an item is: exports may tell a handle and no account."""
    if item.account_id is not None:
        return "account", item.account_id
    return ("handle", item.handle.casefold()) if item.handle else ("item", item.item_id)


def _claims(
    asked: Mapping[Sighting, tuple[Found, ...]], known: Mapping[Found, Identified], ids: NativeIds
) -> Iterator[Claim]:
    embedded = {
        spelled for one, known_as in asked.items() if one.place is Place.EMBED for spelled in known_as
    }
    for sighting, spellings in asked.items():
        named = next((known[spelled] for spelled in spellings if spelled in known), None)
        if named is None:
            continue
        owners = {owner_of(item): item for item in reversed(named.items)}
        of_account = sighting.kind in _OF_ACCOUNTS
        items = tuple(owners.values()) if of_account else named.items
        if not of_account and not named.is_all:
            continue  # an id of many posts is none
        is_shared = len(owners) > 1 or (len(items) > 1 and not of_account)
        is_mention = sighting.place not in _OWN_WORDS or (
            sighting.place is Place.DATA and not embedded.isdisjoint(spellings)
        )
        for item in items:
            measure = _measure(sighting, item, ids, is_mention=is_mention, is_shared=is_shared)
            yield Claim(sighting, item, measure, len(items))


def _measure(
    sighting: Sighting, item: Item, ids: NativeIds, *, is_mention: bool, is_shared: bool
) -> IdentifierMeasure:
    created_at = ids.created_at(sighting.kind, sighting.value)
    return IdentifierMeasure(
        ground=_ground(sighting, ids),
        kind=sighting.kind,
        value=sighting.value,
        seen=sighting.seen,
        locator=sighting.locator,
        created_at=created_at,
        expires_at=ids.expires_at(sighting.seen) if sighting.place is Place.MEDIA else None,
        entry=sighting.entry,
        is_mention=is_mention,
        is_ambiguous=is_shared or sighting.worth is Worth.AMBIGUOUS,
        is_contradicted=_is_contradicted(created_at, item.published_at),
    )


def _ground(sighting: Sighting, ids: NativeIds) -> Ground:
    """Return what an identifier counts as: one address is one ground, whatever it holds."""
    if sighting.kind in _OF_ACCOUNTS:
        return Ground.HANDLE
    is_hotlink = sighting.place is Place.MEDIA and ids.is_own(sighting.host)
    return Ground.HOTLINK if is_hotlink else Ground.NATIVE_ID


def _is_contradicted(created_at: datetime | None, published_at: datetime | None) -> bool:
    if created_at is None or published_at is None:
        return False
    return abs(created_at - published_at) > _CLOSE


def _speaks(content: PageContent, seen: Iterable[Sighting], ids: NativeIds) -> bool:
    """Whether a page names the platform: in its title, by a link, an embed, or a picture of its."""
    if any(one.host and ids.is_own(one.host) for one in seen):
        return True
    title = content.title.casefold()
    words = (ids.platform.name, *ids.platform.hosts, *ids.platform.marks)
    return any(word.casefold() in title for word in words if word)


class _Support:
    """What else of the same item or account stands on the page."""

    def __init__(
        self,
        claims: Iterable[Claim],
        others: Iterable[Match],
        index: ReferenceIndex,
        *,
        speaks_of_platform: bool,
    ) -> None:
        self._speaks = speaks_of_platform
        shown = [one for one in others if one.verdict in _ORDER]
        self._by_owner: dict[Owner, list[Match]] = {}
        for match in shown:
            self._by_owner.setdefault(_owner_of_match(match, index), []).append(match)
        grounds = [one.item for one in claims if one.measure.is_ground and one.measure.names_item]
        self._named = {owner_of(item): item for item in reversed(grounds)}
        self._items = {one.item_id for one in shown} | {item.item_id for item in grounds}

    def holds(self, claim: Claim) -> bool:
        """Whether `claim` is told: it stands by itself, or beside something of the same item or account."""
        measure = claim.measure
        if self.is_found_otherwise(claim) or claim.item.item_id in self._items:
            return True
        if measure.is_mention or measure.is_ambiguous:
            return False
        if measure.names_item:
            return True
        return self._speaks and claim.sighting.place is Place.ADDRESS

    def is_found_otherwise(self, claim: Claim) -> bool:
        """Whether something else of the same account stands on the page."""
        owner = owner_of(claim.item)
        return owner in self._by_owner or owner in self._named

    def item_of(self, claim: Claim) -> Item | Match:
        """Return the item to tell: an account's name is told with what else of it stands here."""
        if claim.measure.names_item:
            return claim.item
        owner = owner_of(claim.item)
        same = self._by_owner.get(owner, [])
        otherwise = self._named.get(owner, claim.item)
        return min(same, key=lambda one: (_ORDER.index(one.verdict), -one.score), default=otherwise)


def _owner_of_match(match: Match, index: ReferenceIndex) -> Owner:
    if match.account_id is not None:
        return "account", match.account_id
    item = index.item(match.item_id)
    return ("item", match.item_id) if item is None else owner_of(item)


def _match(group: Sequence[Claim], content: PageContent, index: ReferenceIndex, told: _Support) -> Match:
    claim = group[0]
    item, measure = told.item_of(claim), claim.measure
    features: Collection[str] = ()
    if measure.names_item and measure.entry:
        features = shared_features(claim.item, measure.entry, content.blocks, index)
    extras = Extras(
        is_item_known=told.is_found_otherwise(claim),
        more_places=len({one.sighting.locator for one in group}) - 1,
        sharers=claim.sharers,
        features=tuple(features),
    )
    return Match(
        item_id=item.item_id,
        account_id=claim.item.account_id,
        permalink=item.permalink,
        verdict=Verdict.POSSIBLE,
        kinds=(Kind.IDENTIFIER,),
        score=_SCORES[measure.ground] if measure.is_ground else _NO_GROUND,
        distance=None,
        reasons=reasons_of(claim.sighting, claim.item, measure, extras),
        identifier=measure,
    )
