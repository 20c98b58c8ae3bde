"""One spelling for the addresses that a server answers alike: to tell pages apart, never to ask by.

Left out is what follows people around and changes no page: parameters of
campaigns and session ids. The order of parameters is made one. A trailing slash and an
``index.html`` stay: nobody but the server knows whether they matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urlsplit

__all__ = ["content_parameters", "spelling_of"]

_TRACKING = frozenset({
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "twclid",
    "ttclid", "igshid", "igsh", "mc_cid", "mc_eid", "_ga", "_gl", "_hsenc", "_hsmi", "hsctatracking",
    "li_fat_id", "mkt_tok", "oly_anon_id", "oly_enc_id", "rb_clickid", "ref_src", "ref_url", "vero_id",
    "wickedid", "epik", "_openstat",
})  # fmt: skip
_SESSION = frozenset({
    "jsessionid", "phpsessid", "phpsession", "aspsessionid", "asp.net_sessionid", "cfid", "cftoken",
    "sessionid", "session_id", "sessid", "sess_id", "oscsid", "zenid",
})  # fmt: skip
# Names that other sites use for content as well: they count where the value is a token and no number or word.
_PERHAPS_SESSION = frozenset({"sid", "s", "session", "sess", "token"})
_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9,_-]{16,128}|[0-9A-Fa-f]{26,128}")
_PATH_SESSION = re.compile(
    r";(?:jsessionid|phpsessid|sessionid|sid)=[^/;?]*|/\((?:[A-Z]\([A-Za-z0-9]{20,}\))+\)", re.IGNORECASE
)


@lru_cache(maxsize=2_048)
def spelling_of(url: str) -> str:
    """Return the one spelling of a URL in normal form.

    Two URLs with the same one differ in parameters of campaigns, in session
    ids, or in the order of their parameters alone; those of one name keep theirs.
    """
    parts = urlsplit(url)
    pairs = sorted(content_parameters(parts.query), key=lambda pair: pair[0])
    query = "&".join(written for _, written in pairs)
    path = _PATH_SESSION.sub("", parts.path) or "/"
    return f"{parts.scheme}://{parts.netloc}{path}{f'?{query}' if query else ''}"


def content_parameters(query: str) -> Iterator[tuple[str, str]]:
    """Yield name and spelling of each parameter that may change the page."""
    for written in query.split("&"):
        name, _, value = written.partition("=")
        lower = unquote(name).lower()
        if lower.startswith("utm_") or lower in _TRACKING or lower in _SESSION:
            continue
        if lower.startswith("aspsessionid") or (lower in _PERHAPS_SESSION and _TOKEN.fullmatch(value)):
            continue
        if written:
            yield name, written
