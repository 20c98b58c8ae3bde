"""What a page is to the platform: a republication, or one of the things that are none.

What the operator configured, and the index's own entries, excuse. What a page
says of itself excuses nothing by being said: a copy may write it as well. Such
words are shown (`Classified.notes`). docs/verdicts.md has each rule with its attack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clonedetect.analysis.addresses import host_of, is_at
from clonedetect.analysis.claims import ClaimingPage, federated_from, is_attributed, said_original
from clonedetect.analysis.embeds import embedded_in, own_players, platform_embeds
from clonedetect.analysis.placing import Placed
from clonedetect.analysis.snapshots import Snapshot, snapshot_of
from clonedetect.models.ids import ItemId
from clonedetect.models.match import Ground, Match
from clonedetect.models.page import Embed, PageContent
from clonedetect.models.verdict import PageClass

__all__ = ["Circumstances", "Classified", "classify"]

_EXCERPT = "excerpt"
_AGGREGATED_ITEMS: Final = 3
_AGGREGATED_ACCOUNTS: Final = 2
"""Items and accounts from which on a page of allowed items is an aggregator."""

DOMAIN = "the domain is on the operator's allow list"
OWN = "the page is on the platform's own host"
ITEM = "the item may be shown on this domain, by its own entry"
SELF_SAID = "whoever copies may write so too, and it lowers nothing"


def _allows_none(_: ItemId) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What settings, index and the answer's header say of a page, beside its content.

    `platform_hosts` are the platform's own; `allows_item` says of an item
    whether its entry allows it on the page's domain; `allows_federation`, whether the
    operator's posts are copied by a protocol of federation; `headers` are (name, value).
    """

    platform_hosts: tuple[str, ...] = ()
    is_allowed_domain: bool = False
    allows_item: Callable[[ItemId], bool] = _allows_none
    allows_federation: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """A page's class and what told it; `capped` are findings kept at possible, by id, each with why.

    `notes` are what the page says of itself that lowered nothing.
    """

    page_class: PageClass
    reason: str
    capped: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Page(ClaimingPage):
    """A claiming page, with what is known of it beside its content."""

    circumstances: Circumstances
    snapshot: Snapshot | None


def classify(
    content: PageContent,
    placed: Sequence[Placed],
    circumstances: Circumstances,
    mentions: Sequence[Match] = (),
) -> Classified:
    """Return what a page is, and which findings that keeps at possible.

    `placed` are the findings that are confirmed or possible, `mentions` the
    identifiers that only speak of or lead to something. Of several classes the
    first holds: snapshot, the platform's own page, allowed domain (syndication and
    federation where it says so), federation that the operator expects, items allowed one
    by one, embed, quotation.
    """
    permalinks = (one.match.permalink or "" for one in placed)
    hosts = dict.fromkeys((*circumstances.platform_hosts, *map(host_of, permalinks)))
    page = _Page(
        content=content,
        placed=placed,
        mentions=mentions,
        circumstances=circumstances,
        hosts=tuple(host for host in hosts if host),
        snapshot=snapshot_of(content, circumstances.headers),
    )
    whole = _whole_page(page)
    if whole is not None:
        kind, reason = whole
        return Classified(kind, reason, {one.finding.finding_id: reason for one in placed}, ())
    capped = {one.finding.finding_id: why for one in placed if (why := _excuse(page, one))}
    kind, reason = _by_findings(page, capped)
    notes = _notes(page, kind) if placed else ()
    return Classified(kind, reason, capped, notes)


def _whole_page(page: _Page) -> tuple[PageClass, str] | None:
    """Return the class that holds for whatever stands on the page, with its reason."""
    if page.snapshot is not None and page.snapshot.is_believed:
        return page.snapshot.page_class, page.snapshot.reason
    if is_at(host_of(page.content.url), page.hosts):
        return PageClass.ALLOWED_DOMAIN, OWN
    source = federated_from(page)
    if page.circumstances.is_allowed_domain:
        return _allowed_domain(page, source)
    if page.circumstances.allows_federation and source and page.placed:
        return PageClass.FEDERATION, f"a federated copy of {source}, as the operator's posts have"
    return None


def _allowed_domain(page: _Page, source: str) -> tuple[PageClass, str]:
    if said_original(page):
        return PageClass.SYNDICATION, f"{DOMAIN}, and the page names the platform's post as its original"
    if source:
        return PageClass.FEDERATION, f"{DOMAIN}, and the page is a federated copy"
    return PageClass.ALLOWED_DOMAIN, DOMAIN


def _excuse(page: _Page, placed: Placed) -> str:
    """Return why one finding accuses nobody, "" where it does."""
    if page.circumstances.allows_item(placed.match.item_id):
        return ITEM
    card = embedded_in(placed, page.content, page.hosts)
    return "" if card is None else f"it stands in the platform's own card for this post, {card.url}"


def _by_findings(page: _Page, capped: Mapping[str, str]) -> tuple[PageClass, str]:
    """Return the class that the findings one by one make; a page of which one accuses is a republication."""
    open_ones = [one for one in page.placed if one.finding.finding_id not in capped]
    if not page.placed:
        players = own_players(page.content, page.hosts)
        if players:
            return PageClass.EMBED, f"it has the platform itself show {_addresses(players)}"
        return PageClass.UNCLASSED, ""
    if not open_ones:
        return _all_excused(page)
    if all(_only_names(one.match) for one in open_ones):
        return PageClass.UNCLASSED, ""
    if all(_is_quoted(page, one) for one in open_ones):
        return PageClass.QUOTATION, "it quotes less than half of each text, and links to where it stands"
    return PageClass.REPUBLICATION, "nothing that is configured or that the page is makes it anything else"


def _only_names(match: Match) -> bool:
    """Return whether a match names a post or account, and shows nothing of it."""
    return match.identifier is not None and match.identifier.ground is not Ground.HOTLINK


def _all_excused(page: _Page) -> tuple[PageClass, str]:
    allowed = [one for one in page.placed if page.circumstances.allows_item(one.match.item_id)]
    if not allowed:
        return PageClass.EMBED, "all that was found stands in the platform's own cards"
    items = {one.match.item_id for one in allowed}
    accounts = {one.match.account_id for one in allowed}
    if said_original(page):
        return PageClass.SYNDICATION, f"{ITEM}, and the page names the platform's post as its original"
    if len(items) >= _AGGREGATED_ITEMS and len(accounts) >= _AGGREGATED_ACCOUNTS:
        reason = (
            f"it collects {len(items)} items of {len(accounts)} accounts, each allowed here by its own entry"
        )
        return PageClass.AGGREGATOR, reason
    return PageClass.ALLOWED_ITEMS, ITEM


def _is_quoted(page: _Page, placed: Placed) -> bool:
    text = placed.match.text
    return text is not None and text.rule == _EXCERPT and is_attributed(page, placed.match)


def _notes(page: _Page, kind: PageClass) -> tuple[str, ...]:
    """Return what the page says of itself that lowered nothing, as sentences."""
    said = []
    if kind is not PageClass.SYNDICATION and (original := said_original(page)):
        said.append(f"the page says that its original is {original}: {SELF_SAID}")
    if source := federated_from(page):
        said.append(f"the page says that it is a federated copy of {source}: {SELF_SAID}")
    if page.snapshot is not None:
        said.append(f"{page.snapshot.reason}: {SELF_SAID}")
    if kind is PageClass.REPUBLICATION:
        said += _beside(page)
    return tuple(said)


def _beside(page: _Page) -> list[str]:
    """Return what stands beside copies and does not excuse them: players, cards, links."""
    said = []
    if players := own_players(page.content, page.hosts):
        said.append(
            f"the page also has the platform itself show {_addresses(players)}; the rest is not shown by it"
        )
    elif cards := platform_embeds(page.content, page.hosts):
        said.append(f"the page names {_addresses(cards)} as a source: {SELF_SAID}")
    linked = {one.match.item_id for one in page.placed if is_attributed(page, one.match)}
    if linked and not said:
        posts = "one of the posts" if len(linked) == 1 else f"{len(linked)} of the posts"
        said.append(f"the page links to {posts} on the platform; a link excuses no copy")
    return said


def _addresses(embeds: Sequence[Embed]) -> str:
    urls = list(dict.fromkeys(one.url for one in embeds))
    return urls[0] if len(urls) == 1 else f"{urls[0]} and {len(urls) - 1} more"
