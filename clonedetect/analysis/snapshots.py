"""Pages that keep what another site once showed: web archives and caches of search engines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from clonedetect.analysis.addresses import addresses_within, host_of, is_at, is_same_address, site_of_host
from clonedetect.models.page import DeclarationKind, PageContent
from clonedetect.models.verdict import PageClass

__all__ = ["Snapshot", "may_be_archived", "snapshot_of"]

_ARCHIVES: Final = (
    *("archive.org", "archive-it.org", "arquivo.pt", "perma.cc", "webarchive.org.uk", "webcitation.org"),
    *("archive.today", "archive.ph", "archive.is", "archive.li", "archive.md", "archive.fo", "archive.vn"),
)
"""Domains of public web archives: their name and one sign of an archived page are enough."""

_CACHES: Final = (
    *("webcache.googleusercontent.com", "cc.bingj.com", "cache.baiducontent.com"),
    *("yandexwebcache.net", "hghltd.yandex.net"),
)
"""Hosts on which search engines keep copies, and nothing else."""

_FORM = re.compile(r"/(\d{14})(?:[a-z]{2}_)?/((?:https?:)/{1,2}\S+)", re.IGNORECASE)
"""A time of 14 digits, then the address that was archived: what replay software of all makes writes."""

_LINK = re.compile(r"<([^<>]*)>\s*;([^,<]*)")
_ORIGINAL = re.compile(r'rel\s*=\s*"?[^";]*\boriginal\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page that says it keeps another's; `is_believed` whether that lowers what is said of it."""

    page_class: PageClass
    reason: str
    is_believed: bool


def snapshot_of(content: PageContent, headers: Sequence[tuple[str, str]]) -> Snapshot | None:
    """Return what keeps the page says it is, or None where it says nothing of the kind.

    1. A known archive's host, with an archived address or a ``Memento-Datetime`` header.
    2. Any other host with all that RFC 7089 asks of an archived page: the time and the
       original in the address, ``Memento-Datetime``, and a ``Link`` to the same original on
       another site. Whoever fakes all of it is shown to a person as possible, page by page.
    3. Half of that, or a cache's address on a host that is no search engine's, is
       the page's own word, and is shown.
    """
    host = host_of(content.url)
    archived = _archived(content.url, host)
    original, has_time = _memento(headers)
    if is_at(host, _ARCHIVES) and (archived or has_time):  # 1
        reason = f"{host} is a web archive, and this is its copy of a page"
        return Snapshot(PageClass.WEB_ARCHIVE, reason, True)
    if archived and has_time and is_same_address(original, archived):  # 2
        reason = f"a web archive's copy of {archived}: its address and its headers (RFC 7089) say so"
        return Snapshot(PageClass.WEB_ARCHIVE, reason, True)
    if is_at(host, _CACHES):
        return Snapshot(PageClass.SEARCH_CACHE, f"{host} keeps copies for a search engine", True)
    if archived:  # 3
        return Snapshot(PageClass.WEB_ARCHIVE, f"its address is like a web archive's, of {archived}", False)
    cached = _cached(content, host)
    if cached:
        return Snapshot(PageClass.SEARCH_CACHE, f"its address is like a cache's, of {cached}", False)
    return None


def may_be_archived(url: str) -> bool:
    """Return whether the answer's header has to be looked at to tell what the page at `url` is."""
    host = host_of(url)
    return is_at(host, _ARCHIVES) or bool(_archived(url, host))


def _archived(url: str, host: str) -> str:
    """Return the archived address within `url`, "" where there is none of another site."""
    found = _FORM.search(url)
    if found is None:
        return ""
    original = found[2]
    named = host_of(re.sub(r":/+", "://", original, count=1))
    return original if named and site_of_host(named) != site_of_host(host) else ""


def _memento(headers: Iterable[tuple[str, str]]) -> tuple[str, bool]:
    """Return the original that the headers name, and whether they give the time of the copy."""
    original, has_time = "", False
    for name, value in headers:
        if name.lower() == "memento-datetime":
            has_time = True
        elif name.lower() == "link":
            named = (link[1] for link in _LINK.finditer(value) if _ORIGINAL.search(link[2]))
            original = original or next(named, "")
    return original, has_time


def _cached(content: PageContent, host: str) -> str:
    """Return the address that the page's own says it is a cache of, "" where it says nothing."""
    try:
        asked = parse_qsl(urlsplit(content.url).query, max_num_fields=64)
    except ValueError:
        return ""
    named = next((value for _, value in asked if value.lower().startswith("cache:")), "")
    if named:
        return named
    bases = {host_of(one.value) for one in content.declarations if one.kind is DeclarationKind.BASE}
    inner = (url for url in addresses_within(content.url) if host_of(url) in bases - {host})
    return next(inner, "")
