"""The shape of a page's address: what is left when numbers, codes and names become placeholders.

Pages of one shape are siblings: a server makes them by one rule. The shape of
``/en/profile/alice/?page=2`` is ``/{lang}/profile/{name}/?page``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from clonedetect.crawl.spelling import content_parameters

__all__ = ["is_aside", "is_endless", "is_last", "shape_of"]

_DEEP = 6
"""Segments after which the rest of a path is one placeholder."""

_FACETS = 3
"""Query parameters from which on their names no longer tell shapes apart: facets combine without end."""

_ASIDE = frozenset({
    "search", "find", "lookup", "tag", "tags", "hashtag", "hashtags", "topic", "topics", "explore",
    "discover", "location", "locations", "place", "places", "trending", "popular", "random",
})  # fmt: skip
"""Words of pages that show again, in another order, what stands elsewhere."""

_LAST = frozenset({
    "login", "signin", "sign-in", "logout", "register", "signup", "sign-up", "password",
    "settings", "legal", "privacy", "privacy-policy", "terms", "terms-of-service", "tos", "imprint",
    "impressum", "dmca", "cookies", "cookie-policy", "about", "contact", "help", "faq", "support",
    "pricing", "press", "jobs", "careers", "share", "report", "download", "app", "apps",
    "cart", "checkout", "rss", "print",
})  # fmt: skip
"""Words of pages that show nothing of anybody's."""

_CALENDAR = frozenset({"calendar", "events", "event", "schedule", "diary", "agenda", "kalender"})
_FIXED = _ASIDE | _LAST | _CALENDAR | frozenset({
    "profile", "profiles", "user", "users", "user-profile", "u", "v", "viewer", "view", "watch", "p",
    "post", "posts", "media", "photo", "photos", "picture", "pictures", "image", "images", "pic", "pics",
    "reel", "reels", "tv", "story", "stories", "highlight", "highlights", "video", "videos", "gallery",
    "galleries", "album", "albums", "channel", "collection", "collections", "category", "categories",
    "archive", "archives", "page", "item", "items", "shop", "product", "products", "embed", "api",
    "graphql", "ajax", "index", "home", "followers", "following", "comments", "tagged", "year", "month",
    "day", "week", "date", "feed", "blog", "news", "account",
})  # fmt: skip

_PAGING = frozenset({
    "page", "p", "pg", "paged", "pagenum", "page_num", "pageno", "offset", "start", "skip", "from",
    "after", "before", "cursor", "next", "max_id", "min_id", "end_cursor", "limit", "per_page",
})  # fmt: skip
_DATES = frozenset({"year", "month", "day", "week", "date", "y", "m", "d", "from", "to", "until", "since"})
_SORTING = frozenset({"sort", "order", "orderby", "order_by", "dir", "filter", "view", "layout", "lang"})
_NUMBER = re.compile(r"[0-9]+(?:[-._][0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?")
_CODE = re.compile(
    r"(?=.*[A-Z])(?=.+[A-Z0-9])[A-Za-z0-9_-]{11}|(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{8,}"
)
_PROGRAM = re.compile(r"[\w-]{1,40}\.(?:php[0-9]?|aspx?|jsp|do|cgi|pl|cfm)", re.ASCII | re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")


@lru_cache(maxsize=2_048)
def shape_of(url: str) -> str:
    """Return the shape of a URL in normal form, its path and the names of its query parameters."""
    parts = urlsplit(url)
    segments = parts.path.rstrip("/").split("/")[1:]
    kept = [_placeholder(segment, place) for place, segment in enumerate(segments[:_DEEP])]
    if len(segments) > _DEEP:
        kept.append("{*}")
    names = sorted({_parameter(name) for name, _ in content_parameters(parts.query)})
    query = "?{*}" if len(names) >= _FACETS else "?" + "&".join(names) if names else ""
    return "/" + "/".join(kept) + query


@lru_cache(maxsize=4_096)
def is_aside(shape: str) -> bool:
    """Whether pages of `shape` show again what stands elsewhere: searches, tags, places."""
    return not _ASIDE.isdisjoint(_words(shape))


@lru_cache(maxsize=4_096)
def is_last(shape: str) -> bool:
    """Whether pages of `shape` are those for visitors: login, legal texts, help."""
    return not _LAST.isdisjoint(_words(shape))


@lru_cache(maxsize=4_096)
def is_endless(shape: str) -> bool:
    """Whether a server can make up pages of `shape` without end.

    Calendars, page numbers and cursors, orders and facets, searches and tags,
    and paths without bottom. A single parameter that is none of these names
    content (``view.php?id``).
    """
    words = set(_words(shape))
    names = set(shape.partition("?")[2].split("&")) - {""}
    return bool(
        "{*}" in shape
        or words & (_CALENDAR | _ASIDE)
        or names & (_PAGING | _DATES | _SORTING)
        or len(names) > 1
        or shape.count("{n}") > 2
    )


def _words(shape: str) -> list[str]:
    return [part.partition(".")[0] for part in shape.partition("?")[0].split("/")]


def _placeholder(segment: str, place: int) -> str:
    plain = segment.partition(";")[0]
    if not plain or plain.lower() in _FIXED:
        return plain.lower()
    if _PROGRAM.fullmatch(plain):
        return plain.lower()
    extension = _EXTENSION.search(plain)
    ending = extension[0].lower() if extension else ""
    stem = plain.removesuffix(extension[0]) if extension else plain
    if stem.lower() in _FIXED:
        return stem.lower() + ending
    if _NUMBER.fullmatch(stem):
        return "{n}" + ending
    if place == 0 and _LANGUAGE.fullmatch(stem):
        return "{lang}"
    return ("{code}" if _CODE.fullmatch(stem) else "{name}") + ending


def _parameter(name: str) -> str:
    return re.sub(r"[0-9]+", "{n}", name.lower())[:40]
