"""Addresses that a server makes up without end, told by their looks alone."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from urllib.parse import unquote, urlsplit

__all__ = ["ANOTHER_SPELLING", "TRAP", "trap_of"]

TRAP = "trap: "
"""Begins the reason of everything that is left out as a trap."""

ANOTHER_SPELLING = "another spelling of a page that is known"
"""The reason of an address that differs from a known one in nothing that matters."""

_SEGMENTS = 12
_REPEATS = 3
_PARAMETERS = 8
_SAME_PARAMETER = 4
_QUERY_CHARACTERS = 1_000


@lru_cache(maxsize=2_048)
def trap_of(url: str) -> str:
    """Return why a URL in normal form is a trap, "" where its looks say nothing.

    1. a path that repeats itself: a segment that is no number three times
    2. more than 12 segments
    3. more than 8 query parameters, or one four times
    4. a query of more than 1,000 characters
    """
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    words = Counter(segment for segment in segments if not segment.isdigit())
    names = [unquote(pair.partition("=")[0]) for pair in parts.query.split("&") if pair]
    if words and max(words.values()) >= _REPEATS:
        return f"{TRAP}the path repeats itself"  # 1
    if len(segments) > _SEGMENTS:
        return f"{TRAP}more than {_SEGMENTS} path segments"  # 2
    if len(names) > _PARAMETERS:
        return f"{TRAP}more than {_PARAMETERS} query parameters"  # 3
    if names and Counter(names).most_common(1)[0][1] >= _SAME_PARAMETER:
        return f"{TRAP}the query repeats itself"  # 3
    if len(parts.query) > _QUERY_CHARACTERS:
        return f"{TRAP}a query of more than {_QUERY_CHARACTERS:,} characters"  # 4
    return ""
