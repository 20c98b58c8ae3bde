"""The one spelling of a URL: what is decided about is exactly what is sent.

A string that two parsers could read differently has no normal form and is
refused; everything else gets one, which aiohttp must be handed unchanged
(``yarl.URL(str(url), encoded=True)``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urljoin

from clonedetect.errors import UrlError
from clonedetect.grant.hosts import Address, literal_address, normalise_host

__all__ = ["DEFAULT_PORTS", "MAX_URL_LENGTH", "NormalUrl", "normalise", "normalise_path", "resolve"]

MAX_URL_LENGTH = 2_083
"""Characters; longer ones are traps or payloads, and browsers of the past refused them too."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/!$&'()*+,;=:@%"  # RFC 3986 pchar; what browsers leave bare beyond it is escaped, as yarl does
_QUERY_SAFE = _PATH_SAFE + "?"
_SCHEME = re.compile(r"(https?)://", re.IGNORECASE | re.ASCII)
# Browsers drop tabs and newlines, urllib keeps some, yarl others: a URL that holds one has two readings.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SPACE = re.compile("[\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY_SLASHES = re.compile(r"(?:https?:)?/{3}", re.IGNORECASE | re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Servers decode once or twice, and some decode overlong UTF-8: then these become a slash, backslash or dot.
_HIDDEN_SLASH = re.compile(r"%(?:25)*(?:2F|5C)|%C0%AF|%C1%9C|%E0%80%AF", re.IGNORECASE)
_HIDDEN_DOT = re.compile(r"%(?:25)+2E|%C0%AE|%E0%80%AE", re.IGNORECASE)
# Servlet containers cut `;...` off a segment first and resolve dots after: /a/..;/b is /b to them.
_DOT_PARAMETER = re.compile(r"/\.{1,2}(?:;|%(?:25)*3B)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NormalUrl:
    """A URL in normal form; made by `normalise` alone.

    `host` is ASCII, lower case, without brackets or final dot; `port` is the
    effective one; `path` starts with a slash and holds no dot segment; `query`
    is without its question mark, "" for none (an empty query is dropped).
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port, default ports left out (``https://clone.example``)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def address(self) -> Address | None:
        """The address that a literal host names, IPv4-mapped ones unwrapped; None for a name."""
        return literal_address(self.host)

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.origin}{self.path}{query}"


@lru_cache(maxsize=2_048)  # a URL is asked about when it is found, leased and sent
def normalise(url: str) -> NormalUrl:
    """Return the normal form of `url`, or raise UrlError with the reason there is none.

    1. at most 2,083 characters, before and after; no control character,
       whitespace, backslash or lone surrogate anywhere
    2. scheme http or https, then ``//`` and an authority without user information
    3. host as `hosts.normalise_host`; port 1-65535, the scheme's own dropped
    4. path as `normalise_path`; query with escapes in upper case, unreserved
       characters decoded, all others outside RFC 3986 escaped as UTF-8; fragment dropped
    """
    _check_characters(url)  # 1
    scheme_match = _SCHEME.match(url)  # 2
    if not scheme_match:
        raise UrlError(url, "only absolute http:// and https:// URLs can be fetched")
    scheme = scheme_match[1].lower()
    authority, path, query = _split(url[scheme_match.end() :])
    if "@" in authority:
        raise UrlError(url, "user name or password before the host")
    try:
        host_text, port = _split_port(authority, DEFAULT_PORTS[scheme])  # 3
        normal = NormalUrl(
            scheme, normalise_host(host_text), port, normalise_path(path or "/"), _normal_query(query)
        )
    except ValueError as error:
        raise UrlError(url, str(error)) from None
    if len(str(normal)) > MAX_URL_LENGTH:
        raise UrlError(url, f"longer than {MAX_URL_LENGTH:,} characters once escaped")
    return normal


def normalise_path(path: str) -> str:
    """Return `path` without dot segments, escapes in upper case, unreserved characters decoded.

    Raises ValueError with the reason where a server could read another path
    than we do: encoded slash or backslash, dots encoded twice, a dot segment
    with a parameter, a percent sign that starts no escape.
    """
    if _LONE_PERCENT.search(path):
        raise ValueError("a percent sign in the path that starts no escape")
    path = _requote(path, _PATH_SAFE)
    if _HIDDEN_SLASH.search(path):
        raise ValueError("an encoded slash or backslash in the path")
    if _HIDDEN_DOT.search(path):
        raise ValueError("a dot encoded twice in the path")
    if _DOT_PARAMETER.search(path):
        raise ValueError("a dot segment with a parameter in the path")
    return _without_dots(path)


def resolve(base: NormalUrl, reference: str) -> str:
    """Return the absolute URL that `reference` means on the page `base`, as browsers resolve it.

    Surrounding spaces, tabs and newlines go, inner spaces become ``%20``.
    The result is not yet in normal form: `normalise` decides whether it has one.
    """
    cleaned = re.sub(r"[\t\n\r]", "", reference.strip("".join(map(chr, range(0x21)))))
    if _MANY_SLASHES.match(cleaned):
        return cleaned  # browsers skip the slashes and read a host, urllib a path: normalise refuses it
    try:
        return urljoin(str(base), cleaned).replace(" ", "%20")
    except ValueError as error:
        raise UrlError(reference, f"cannot be resolved ({error})") from None


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(url, f"longer than {MAX_URL_LENGTH:,} characters")
    if "\\" in url:
        raise UrlError(url, "a backslash, which browsers and libraries read differently")
    for pattern, name in ((_CONTROL, "a control character"), (_SPACE, "whitespace")):
        found = pattern.search(url)
        if found:
            raise UrlError(url, f"{name} (U+{ord(found[0]):04X})")
    if _SURROGATE.search(url):
        raise UrlError(url, "half of a surrogate pair")


def _split(rest: str) -> tuple[str, str, str]:
    without_fragment = rest.partition("#")[0]
    before, _, query = without_fragment.partition("?")
    authority, slash, path = before.partition("/")
    return authority, slash + path, query


def _split_port(authority: str, default: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host += bracket
        if rest and not rest.startswith(":"):
            raise ValueError("text after the bracket of an IPv6 address")
        digits = rest[1:]
    else:
        host, _, digits = authority.partition(":")
    if not digits:
        return host, default
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("a port that is no number")
    if len(digits) > 5 or not 1 <= int(digits) <= 65_535:
        raise ValueError("a port outside 1-65535")
    return host, int(digits)


def _normal_query(query: str) -> str:
    return _requote(_LONE_PERCENT.sub("%25", query), _QUERY_SAFE)


def _requote(text: str, safe: str) -> str:
    return quote(_ESCAPE.sub(_normal_escape, text), safe=safe)


def _normal_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else f"%{escape[1].upper()}"


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments, start=1):
        is_last = number == len(segments)
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)
