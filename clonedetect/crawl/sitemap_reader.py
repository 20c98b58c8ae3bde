"""Reads sitemaps in one run: each is a URL of the frontier like any other, and the last to be asked."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from clonedetect.crawl.frontier import Entry, Frontier
from clonedetect.crawl.hooks import Hooks
from clonedetect.crawl.inflate import BombError, DecodeError
from clonedetect.crawl.sieve import Sieve
from clonedetect.crawl.sitemaps import MOST_FILES, Sitemap, entries_of, read_sitemap, sitemaps_of
from clonedetect.crawl.visit import Refused, Visitor
from clonedetect.models.capture import Purpose

__all__ = ["SitemapReader"]


class SitemapReader:
    """Looks for the sitemaps of the origins that a run has pages of, and takes in what they name."""

    def __init__(self, frontier: Frontier, sieve: Sieve, visitor: Visitor, hooks: Hooks) -> None:
        self._frontier = frontier
        self._sieve = sieve
        self._visitor = visitor
        self._hooks = hooks
        self._looked_for: set[tuple[str, tuple[str, ...]]] = set()

    def begin(self) -> None:
        """Make known the sitemaps of the hosts that earlier runs have pages of."""
        for url in self._frontier.page_of_each_host():
            self.look_for(url)

    def look_for(self, url: str) -> None:
        """Make known the sitemaps of the origin of a captured page or sitemap, as far as they are known."""
        announced = self._visitor.announced_sitemaps(url)
        origin = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
        if (origin, announced) not in self._looked_for:
            self._looked_for.add((origin, announced))
            self._add_sitemaps(sitemaps_of(url, announced), url)

    async def read(self, entry: Entry, content: bytes) -> None:
        """Take in what the sitemap of `entry` names, and close its row with it."""
        try:
            sitemap = await asyncio.to_thread(read_sitemap, content)
        except (DecodeError, BombError) as error:
            self._frontier.complete([entry.id], f"it could not be read: {error}")
            return
        entries, refusals = entries_of(sitemap.pages, Purpose.PAGE, entry.url, self._hooks.permit_for)
        self._visitor.refuse([Refused(one, "enqueue") for one in refusals], entry.url)
        self._sieve.take_in_sitemap(entries)
        self._add_sitemaps(sitemap.sitemaps, entry.url)
        self._frontier.complete([entry.id], _told(sitemap))

    def _add_sitemaps(self, named: tuple[str, ...], parent: str) -> None:
        entries, refusals = entries_of(named, Purpose.SITEMAP, parent, self._hooks.permit_for)
        self._visitor.refuse([Refused(one, "enqueue") for one in refusals], parent)
        for entry in entries:
            if self._frontier.sitemaps(entry.host) < MOST_FILES:
                self._frontier.enqueue_unknown([entry])


def _told(sitemap: Sitemap) -> str:
    taken = len(sitemap.pages) + len(sitemap.sitemaps)
    return f"{taken} of {taken + sitemap.left_out} addresses taken" if sitemap.left_out else ""
