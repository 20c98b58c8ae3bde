"""What a page leads to, put in order, and held back where a server makes up pages without end.

Nothing is dropped: what is left out stands in the frontier with its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from clonedetect.crawl.discovery import TAKES_AN_ID
from clonedetect.crawl.frontier import Entry, Frontier, NewEntry, State
from clonedetect.crawl.novelty import sayings
from clonedetect.crawl.order import Worth, priority_of, worth_of
from clonedetect.crawl.shapes import is_endless, shape_of
from clonedetect.crawl.spelling import spelling_of
from clonedetect.crawl.templates import CODE, pages_for
from clonedetect.crawl.traps import TRAP, trap_of
from clonedetect.grant.probes import probed_names
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Purpose
from clonedetect.models.page import Identifier, IdentifierKind, Link, LinkKind, PageContent

__all__ = ["Sieve"]

_Inferred = dict[str, tuple[LinkKind, Identifier]]
_PAGES = (Purpose.PAGE, Purpose.API)
_BARREN_PAGES = 8
"""Pages of one path's queries, or of one endless shape, in a row that bring nothing new, before it ends."""
_EXAMPLES = 200
"""Addresses that are looked at to tell how a site links to its posts."""
_MOST_TEXTS = 500_000
"""Texts and paths remembered of all hosts; beyond, everything counts as new."""


class Sieve:
    """Orders and bounds what one run finds.

    What pages showed is remembered for the run alone; what follows from it
    stands in the case.
    """

    def __init__(self, frontier: Frontier, *, pages_per_shape: int, pages_left: Callable[[], int]) -> None:
        self._frontier = frontier
        self._pages_left = pages_left
        self._shapes = frontier.shapes
        self._pages_per_shape = pages_per_shape
        self._texts: dict[str, set[int]] = defaultdict(set)
        self._paths: dict[str, set[int]] = defaultdict(set)
        self._remembered = 0
        self._barren: Counter[tuple[str, str]] = Counter()
        self._read: set[int] = set()

    def begin(self) -> None:
        """Take up what earlier runs and analyses learned."""
        self._shapes.learn_verdicts()
        for host, shape in self._shapes.fullest(self._pages_per_shape):
            self._mind_cap(host, shape)

    def captured(self, entry: Entry) -> None:
        """Close the shape of a page that was asked, if that was the last one of its kind to be asked."""
        if entry.purpose in _PAGES and not entry.round:
            self._mind_cap(entry.host, shape_of(entry.url))

    def with_inferred(self, entry: Entry, page: PageContent) -> PageContent:
        """Return what an API answer holds, with links to what follows from it as the site's own pages show.

        Posts that it names by shortcode get the addresses that pages of posts
        have; an account that was looked up by name is asked for by its id, where a
        script of the site holds the beginning of such an address.
        """
        if entry.purpose is not Purpose.API:
            return page
        linked = {link.url for link in page.links}
        made = {**self._posts(entry, page), **self._by_id(entry, page)}
        links = [
            Link(url, kind, named.locator, named.entry)
            for url, (kind, named) in made.items()
            if url not in linked
        ]
        return replace(page, links=(*page.links, *links)) if links else page

    def _posts(self, entry: Entry, page: PageContent) -> _Inferred:
        codes = [one for one in page.identifiers if one.kind is IdentifierKind.SHORTCODE]
        for asked_from in filter(None, (entry.parent, entry.url) if codes else ()):
            known = self._shapes.addresses(asked_from, CODE, _EXAMPLES)
            urls = pages_for([one.value for one in codes], known)
            if urls:
                return {url: (LinkKind.PAGE, code) for url, code in zip(urls, codes, strict=False)}
        return {}

    def _by_id(self, entry: Entry, page: PageContent) -> _Inferred:
        ids = [one for one in page.identifiers if one.kind is IdentifierKind.NUMERIC_ID]
        if not ids or not probed_names(normalise(entry.url), entry.purpose):
            return {}
        beginnings = self._shapes.beginnings(entry.host, TAKES_AN_ID)
        return {f"{beginning}{ids[0].value}": (LinkKind.API, ids[0]) for beginning in beginnings}

    def take_in(self, entry: Entry, content: bytes, found: Sequence[NewEntry]) -> None:
        """Make known what the page of `entry`, with this decoded body, leads to, and learn from it.

        The caller holds a transaction.
        """
        newest, new_media = self._frontier.newest(), 0
        self._frontier.enqueue(self._sifted(found))
        grown = self._frontier.newest() - newest
        if grown:
            self._frontier.spellings.fold(newest)
            new_media = self._frontier.media_since(newest)
        self._learn(entry, content, found, new_media)
        self._frontier.draw.mind_budget(self._pages_left(), grown=grown)

    def take_in_sitemap(self, found: Iterable[NewEntry]) -> None:
        """Make known what a sitemap names and nothing else does; once more changes nothing."""
        newest = self._frontier.newest()
        sifted = self._sifted(found)
        lowest = priority_of(Worth.SITEMAP, 1)
        with self._frontier.transaction():
            self._frontier.enqueue_unknown(replace(one, priority=lowest) for one in sifted)
            self._frontier.spellings.fold(newest)
        self._frontier.draw.mind_budget(self._pages_left(), grown=self._frontier.newest() - newest)

    def _sifted(self, found: Iterable[NewEntry]) -> list[NewEntry]:
        """Return the entries with priorities, plain spellings first, and traps left out by name."""
        known: dict[str, dict[str, tuple[Worth, str]]] = {}
        media, pages = [], []
        for entry in found:
            if entry.purpose not in _PAGES:
                media.append(entry)
                continue
            shape = shape_of(entry.url)
            if entry.host not in known:
                known[entry.host] = self._shapes.known(entry.host)
            learned, closed = known[entry.host].get(shape, (None, ""))
            priority = priority_of(worth_of(shape, learned), entry.depth)
            reason = trap_of(entry.url) or closed or self._closed_path(known[entry.host], entry.url)
            if reason and entry.state is State.PENDING:
                entry = replace(entry, state=State.SKIPPED, reason=reason)  # noqa: PLW2901  still that entry
            pages.append(replace(entry, priority=priority))
        return [*sorted(pages, key=lambda one: one.url != spelling_of(one.url)), *media]

    def _closed_path(self, known: dict[str, tuple[Worth, str]], url: str) -> str:
        path, question, _ = url.partition("?")
        return known.get(path, (None, ""))[1] if question else ""

    def _mind_cap(self, host: str, shape: str) -> None:
        cap = self._pages_per_shape
        if is_endless(shape) and self._shapes.is_full(host, shape, cap):
            self._shapes.close(host, shape, f"{TRAP}more than {cap} pages of the shape {shape}")

    def _learn(self, entry: Entry, content: bytes, found: Iterable[NewEntry], new_media: int) -> None:
        host, shape = entry.host, shape_of(entry.url)
        if new_media:
            self._shapes.learn(host, shape, Worth.SHOWN)
        is_first_reading = not entry.round and entry.id not in self._read
        self._read.add(entry.id)
        path, has_query, _ = entry.url.partition("?")
        run = (host, path if has_query else shape)
        is_made_up = bool(has_query) or is_endless(shape)
        is_new = self._tells_new(host, content if is_made_up else b"", found) or new_media > 0
        if is_new or not is_first_reading or not is_made_up:
            self._barren[run] = 0
            return
        self._barren[run] += 1
        if self._barren[run] != _BARREN_PAGES:
            return
        reason = f"{TRAP}{_BARREN_PAGES} pages in a row brought nothing new"
        if has_query:  # a reason for all paths: reports count by reason
            self._shapes.close_path(host, path, f"{reason}, queries of one path")
        else:
            self._shapes.close(host, shape, f"{reason}: {shape}")

    def _tells_new(self, host: str, content: bytes, found: Iterable[NewEntry]) -> bool:
        """Whether the page has a text, or leads to a path, that none before it had; endless shapes apart."""
        texts, paths = self._texts[host], self._paths[host]
        said = sayings(content)
        led = {
            hash(one.url.partition("?")[0])
            for one in found
            if one.purpose in _PAGES and not is_endless(shape_of(one.url))
        }
        is_new = not (said <= texts and led <= paths)
        if self._remembered < _MOST_TEXTS:
            before = len(texts) + len(paths)
            texts |= said
            paths |= led
            self._remembered += len(texts) + len(paths) - before
        return is_new
