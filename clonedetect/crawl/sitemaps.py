"""Sitemaps: the addresses that a site names itself, read as text and within bounds.

No XML parser looks at them: what stands in ``<loc>`` is all that is wanted,
and entities, nesting and name spaces of strangers are left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from clonedetect.crawl.discovery import PermitFor
from clonedetect.crawl.frontier import NewEntry
from clonedetect.crawl.inflate import DecodeLimits, inflate
from clonedetect.crawl.order import Worth, priority_of
from clonedetect.crawl.pace import host_key
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["MOST_FILES", "Sitemap", "entries_of", "read_sitemap", "sitemaps_of"]

MOST_ADDRESSES = 5_000
"""Addresses taken of one sitemap; a file may hold ten times as many."""

MOST_FILES = 20
"""Sitemaps read of one host."""

_LIMITS = DecodeLimits(decoded_bytes=16_000_000)
_LOCATION = re.compile(r"<loc>\s*(?:<!\[CDATA\[\s*)?([^\s<>\]]{1,3000})", re.IGNORECASE)
_INDEX = re.compile(r"<sitemapindex[\s>]", re.IGNORECASE)
_LINE = re.compile(r"^https?://\S{1,2083}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file names: pages, or further sitemaps; `left_out` were beyond the bound."""

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    left_out: int = 0


def read_sitemap(content: bytes) -> Sitemap:
    """Return what a sitemap names, each address once: XML, one address a line, either of them in gzip.

    Raises DecodeError for gzip that is cut, BombError for one past 16 MB; what is
    neither form names nothing.
    """
    if content.startswith(b"\x1f\x8b"):
        content = inflate(content, "gzip", _LIMITS)
    text = content.decode("utf-8-sig", "replace")
    found = [html.unescape(one) for one in _LOCATION.findall(text)] or _LINE.findall(text)
    named = tuple(dict.fromkeys(found))
    kept = named[:MOST_ADDRESSES]
    if _INDEX.search(text[:10_000]):
        return Sitemap(sitemaps=kept, left_out=len(named) - len(kept))
    return Sitemap(pages=kept, left_out=len(named) - len(kept))


def sitemaps_of(page_url: str, announced: Iterable[str]) -> tuple[str, ...]:
    """Return the sitemaps of the origin of `page_url`: those that robots.txt announces, and the usual one."""
    parts = urlsplit(page_url)
    return tuple(dict.fromkeys((*announced, f"{parts.scheme}://{parts.netloc}/sitemap.xml")))


def entries_of(
    named: Iterable[str], purpose: Purpose, parent: str, permit_for: PermitFor
) -> tuple[list[NewEntry], list[Refusal]]:
    """Return entries of what sitemaps name, at the lowest priority, and what the grant refuses of it."""
    entries, refusals = [], []
    for url in named:
        answer: Permit | Refusal = permit_for(url, purpose)
        if isinstance(answer, Refusal):
            refusals.append(answer)
            continue
        priority = priority_of(Worth.SITEMAP, int(purpose is Purpose.PAGE))
        entries.append(NewEntry(answer.url, purpose, host_key(answer), 0, priority, parent))
    return entries, refusals
