"""What the address of an embed says: whose it is, and which post it shows."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from clonedetect.extract import identifiers
from clonedetect.models.page import Embed, EmbedKind, IdentifierKind

__all__ = ["embed_of"]

_PLAYER = re.compile(r"/+embed(?:\.html?|/+captioned)?/*$", re.IGNORECASE)
"""What platforms append to a post's address for its player."""

_NAMING = ("href", "url", "permalink")
"""Parameters in which a player's address names the post's."""

_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_NATIVE = (IdentifierKind.SHORTCODE, IdentifierKind.NUMERIC_ID)


def embed_of(kind: EmbedKind, url: str, locator: str, entry: str) -> Embed:
    """Return the embed of an absolute http(s) `url`; `permalink` and `native_id` where the address tells."""
    permalink = _permalink(url)
    found = (value for one, value in identifiers.of_path(permalink) if one in _NATIVE) if permalink else ()
    return Embed(
        kind=kind,
        host=(urlsplit(url).hostname or "").rstrip("."),
        url=url,
        locator=locator,
        entry=entry,
        permalink=permalink,
        native_id=next(iter(found), ""),
    )


def _permalink(url: str) -> str:
    """Return the address of the post that `url` shows: named in it, or itself less the player's ending."""
    try:
        parts = urlsplit(url)
        named = dict(parse_qsl(parts.query, max_num_fields=64))
        inner = next((named[name] for name in _NAMING if _WEB.match(named.get(name, ""))), url)
        parts = urlsplit(inner)
    except ValueError:
        return ""
    path = _PLAYER.sub("/", parts.path)
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")) if path.strip("/") else ""
