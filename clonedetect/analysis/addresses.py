"""Comparing the addresses that pages write: whose host, the same post, an address within another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, urlsplit

from clonedetect.errors import UrlError
from clonedetect.grant.hosts import registrable_domain

__all__ = ["addresses_within", "host_of", "is_at", "is_same_address", "site_of_host"]

_WEB = re.compile(r"https?:/{1,2}[^/\s]", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:https?:)?/{1,2}", re.IGNORECASE)


def host_of(url: str) -> str:
    """Return the host of an address in lower case, "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_at(host: str, domains: Iterable[str]) -> bool:
    """Return whether `host` is one of `domains`, or below one."""
    names = [domain.strip().strip(".").lower() for domain in domains]
    return bool(host) and any(name and (host == name or host.endswith(f".{name}")) for name in names)


def site_of_host(host: str) -> str:
    """Return the registrable domain of a host, the host itself where there is none."""
    try:
        return registrable_domain(host) or host
    except UrlError:
        return host


def is_same_address(url: str, named: str) -> bool:
    """Return whether `url` leads to the page that `named` names.

    Scheme, ``www.``, a final slash and the fragment do not count, nor does a query that `named` has none of.
    """
    if not url or not named:
        return False
    (host, path, query), (own_host, own_path, own_query) = _plain(url), _plain(named)
    return (host, path) == (own_host, own_path) and own_query in ("", query)


def _plain(url: str) -> tuple[str, str, str]:
    rest = _SCHEME.sub("", url.strip()).partition("#")[0]
    rest, _, query = rest.partition("?")
    host, _, path = rest.partition("/")
    return host.lower().removeprefix("www."), path.rstrip("/"), query


def addresses_within(url: str) -> Iterator[str]:
    """Yield the web addresses that stand in the query or the path of an address."""
    try:
        parts = urlsplit(url)
        values = [value for _, value in parse_qsl(parts.query, max_num_fields=64)]
    except ValueError:
        return
    for value in values:
        if _WEB.match(value):
            yield value
    inner = _WEB.search(parts.path)
    if inner is not None:
        yield parts.path[inner.start() :]
