"""The form of what a server sends, without what differs from answer to answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ["LEAST_FIELDS", "address_form", "header_order", "network_of"]

LEAST_FIELDS: Final = 4
"""Header fields, the volatile ones apart, below which their order is like many."""

_VOLATILE_WORDS = (
    "date content-length content-encoding transfer-encoding connection keep-alive age expires last-modified"
    " etag set-cookie location retry-after content-range accept-ranges content-type content-language"
    " content-disposition vary via x-request-id x-runtime x-response-time server-timing x-cache x-cache-hits"
    " x-timer report-to nel alt-svc"
)
_VOLATILE = frozenset(_VOLATILE_WORDS.split())
"""Fields that come and go from answer to answer of one server."""

_WORD = re.compile(r"[a-zA-Z][a-zA-Z-]{0,23}|v\d{1,2}")
_NAMING_WORDS = (
    "p reel reels tv post posts story stories highlights profile profiles user users u v user-profile tag"
    " tags hashtag location locations media photo video status author"
)
_NAMING = frozenset(_NAMING_WORDS.split())
"""Words that a name or an id follows."""

_INTERFACE = re.compile(r"api|v\d{1,2}")
_LOCALE = re.compile(r"(?!tv)[a-z]{2}(?:-[a-z]{2})?", re.IGNORECASE)


def header_order(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the names of a header's fields as sent, in order, each once, without those that come and go.

    Empty for fewer than `LEAST_FIELDS`.
    """
    names = tuple(dict.fromkeys(name for name, _ in headers if name.lower() not in _VOLATILE))
    return names if len(names) >= LEAST_FIELDS else ()


def network_of(address: str) -> str:
    """Return the /24 or /48 around an address, the text itself for what is none."""
    try:
        version = ipaddress.ip_address(address).version
        return str(ipaddress.ip_network(f"{address}/{24 if version == 4 else 48}", strict=False))
    except ValueError:
        return address


def address_form(url: str) -> str:
    """Return the form of an address: words stay, digits are ``{n}``, others ``{x}``; queries by their names.

    The last of several segments is a name and no word; a language in front of others is left out.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    segments = [unquote(one) for one in parts.path.split("/") if one]
    if len(segments) > 1 and _LOCALE.fullmatch(segments[0]):
        segments = segments[1:]
    told = [_form(segments, place) for place in range(len(segments))]
    names = sorted({one.partition("=")[0] for one in parts.query.split("&") if "=" in one})[:8]
    shown = [name for name in names if _WORD.fullmatch(name)]
    return f"/{'/'.join(told)}{'?' + '&'.join(shown) if shown else ''}"


def _form(segments: Sequence[str], place: int) -> str:
    """Return one segment as the form has it."""
    segment, before = segments[place], segments[place - 1] if place else ""
    if segment.isdigit():
        return "{n}"
    is_name = before in _NAMING or (0 < place == len(segments) - 1 and not _INTERFACE.fullmatch(before))
    return segment if _WORD.fullmatch(segment) and not is_name else "{x}"
