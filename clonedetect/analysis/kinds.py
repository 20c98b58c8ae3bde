"""What a page shows, told by its address, its structured data and its structure, in no language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from clonedetect.models.page import DeclarationKind, PageContent
from clonedetect.models.verdict import PageKind

__all__ = ["kind_of", "kind_of_address"]

_FEWEST_ENTRIES: Final = 3
"""Entries with pictures from which on a page without other signs is a feed."""

_LAST: Final = {
    "search": PageKind.SEARCH,
    "feed": PageKind.FEED,
    "rss": PageKind.FEED,
    "timeline": PageKind.FEED,
    "explore": PageKind.FEED,
    "trending": PageKind.FEED,
}
"""Segments that end an address."""

_PAIRS: Final = {
    **dict.fromkeys(("p", "post", "posts", "reel", "reels", "tv", "status", "statuses"), PageKind.POST),
    **dict.fromkeys(("photo", "video", "media", "notes", "notice"), PageKind.POST),
    **dict.fromkeys(("story", "stories", "highlight", "highlights"), PageKind.STORY),
    **dict.fromkeys(("tag", "tags", "hashtag", "hashtags"), PageKind.HASHTAG),
    **dict.fromkeys(("location", "locations", "place", "places"), PageKind.LOCATION),
    **dict.fromkeys(("profile", "profiles", "user", "users", "u", "user-profile"), PageKind.PROFILE),
    "search": PageKind.SEARCH,
}
"""Segments that say what the one behind them names."""

_QUERIES: Final = frozenset({"q", "query", "search"})
_TYPES: Final = {
    "profilepage": PageKind.PROFILE,
    "searchresultspage": PageKind.SEARCH,
    "collectionpage": PageKind.FEED,
    "og:profile": PageKind.PROFILE,
    "socialmediaposting": PageKind.POST,
    "discussionforumposting": PageKind.POST,
    "og:article": PageKind.POST,
    "og:video.other": PageKind.POST,
}
"""Types of schema.org and Open Graph, those that say most of the page as a whole first."""

_UNLIKE_A_WORD = re.compile(r"[._\d]")
_NAME = re.compile(r"@?[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?(?:@[\w.-]+)?")


def kind_of(content: PageContent) -> tuple[PageKind, str]:
    """Return the kind of a captured page, and what told it.

    1. The shape of its address: a site's own order is steadier than what it says of itself.
    2. Its structured data: the type that says most of the page as a whole.
    3. Its structure: the last segment of the address is a name that the page itself shows
       as a handle, or by itself, as a heading is: a profile. Else entries with pictures make a feed.
    4. Nothing of these: other.
    """
    kind, reason = kind_of_address(content.url)
    if reason:  # 1
        return kind, reason
    said = {one.value for one in content.declarations if one.kind is DeclarationKind.TYPE}
    for name, typed in _TYPES.items():  # 2
        if name in said:
            return typed, f"its structured data says {name}"
    if name := _shown_name(content):  # 3
        return PageKind.PROFILE, f"its address ends in {name}, which the page shows as a name"
    entries = len({ref.entry for ref in content.media} - {""})
    if entries >= _FEWEST_ENTRIES:
        return PageKind.FEED, f"{entries} entries with pictures"
    return PageKind.OTHER, "nothing tells what it shows"  # 4


def _shown_name(content: PageContent) -> str:
    """Return the last segment of the address where the page shows it as somebody's name, else "".

    A word that heads its own page (``/about``) is none: without a mark before it, a name has a dot,
    an underscore or a digit.
    """
    name = unquote(urlsplit(content.url).path.rstrip("/").rpartition("/")[2]).removeprefix("@")
    if not _NAME.fullmatch(name):
        return ""
    is_marked = any(f"@{name}" == block.text for block in content.blocks)
    is_alone = bool(_UNLIKE_A_WORD.search(name)) and any(name == block.text for block in content.blocks)
    return name if is_marked or is_alone else ""


def kind_of_address(url: str) -> tuple[PageKind, str]:
    """Return what the shape of an address says, `OTHER` where it says nothing.

    The last telling pair of segments counts: a post below a profile is a post.
    """
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, max_num_fields=64)
    except ValueError:
        return PageKind.OTHER, "its address cannot be read"
    segments = [unquote(one) for one in parts.path.split("/") if one]
    found = list(_told(segments))
    if found:
        return found[-1]
    if _QUERIES & asked.keys():
        name = min(_QUERIES & asked.keys())
        return PageKind.SEARCH, f"its address asks with ?{name}="
    return PageKind.OTHER, ""


def _told(segments: list[str]) -> Iterator[tuple[PageKind, str]]:
    for before, name in pairwise(segments):
        kind = _PAIRS.get(before.lower())
        if kind is not None:
            yield kind, f"its address has /{before}/..."
        elif before.startswith("@") and name.isdigit():
            yield PageKind.POST, "its address has /@name/number"
    if segments and segments[-1].lower() in _LAST:
        yield _LAST[segments[-1].lower()], f"its address ends in /{segments[-1]}"
    elif len(segments) == 1 and segments[0].startswith("@") and _NAME.fullmatch(segments[0]):
        yield PageKind.PROFILE, "its address has /@name"
