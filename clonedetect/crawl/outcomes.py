"""What a response's status and headers mean for the crawl: pure judgements, no network."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from publicsuffixlist import PublicSuffixList

from clonedetect.crawl.addresses import parse_address
from clonedetect.crawl.decode import Headers, header
from clonedetect.models.capture import Outcome

__all__ = ["is_same_site", "outcome_of_status", "redirect_target", "retry_after_s"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def outcome_of_status(status: int, headers: Headers, *, is_conditional: bool) -> tuple[Outcome, str]:
    """Return outcome and reason of a response that came whole; the reason is empty for a plain ok."""
    if (header(headers, "cf-mitigated") or "").lower() == "challenge":
        return Outcome.CHALLENGE_PAGE, f"status {status}: the server's shield asks for a challenge"
    if status == 206:
        return Outcome.PROTOCOL_ERROR, "status 206: a part that nobody asked for"
    if 200 <= status <= 299:
        return Outcome.OK, ""
    if status == 304 and is_conditional:
        return Outcome.NOT_MODIFIED, "status 304: unchanged since the last capture"
    known = {
        401: (Outcome.LOGIN_WALL, "the server asks for a login"),
        404: (Outcome.GONE, "not found"),
        410: (Outcome.GONE, "gone"),
        429: (Outcome.RATE_LIMITED, "the server asks to slow down"),
    }
    outcome, meaning = known.get(status, (Outcome.HTTP_ERROR, "the server did not serve it"))
    return outcome, f"status {status}: {meaning}"


def redirect_target(status: int | None, headers: Headers, base_url: str) -> str | None:
    """Return the absolute URL, without fragment, that a redirect leads to; None where it is no redirect.

    Bytes outside ASCII are percent-encoded as they stand. Raises ValueError
    for a Location that is no URL reference.
    """
    location = header(headers, "location")
    if status not in _REDIRECTS or not location:
        return None
    ascii_only = quote(location.encode("latin-1"), safe="%/:=&?~#+!$,;'@()*[]\\|^`{}\"<> ")
    if any(character <= " " for character in ascii_only):
        raise ValueError(f"Location holds white space: {ascii_only[:80]!r}")
    joined = urljoin(base_url, ascii_only).partition("#")[0]
    parts = urlsplit(joined)
    _ = parts.port  # raises ValueError for one that is no number
    if not parts.scheme:
        raise ValueError(f"Location is no URL: {ascii_only[:80]!r}")
    return joined


def retry_after_s(headers: Headers, now: datetime, cap_s: float) -> float | None:
    """Return the seconds that Retry-After asks for, from 0 to `cap_s`; None where it says nothing usable."""
    value = (header(headers, "retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:18]), cap_s)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), cap_s)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def is_same_site(host: str, other: str) -> bool:
    """Whether two hosts lie in one registrable domain; addresses, and hosts without one, must be equal."""
    if host == other:
        return True
    if parse_address(host) is not None or parse_address(other) is not None:
        return False
    site = _suffixes().privatesuffix(host)
    return site is not None and site == _suffixes().privatesuffix(other)
