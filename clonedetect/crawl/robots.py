"""What a host's robots.txt allows us (RFC 9309), as a pure value."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

from protego import Protego

from clonedetect.models.capture import FetchResult, Outcome

__all__ = ["MAX_ROBOTS_BYTES", "USER_AGENT_TOKEN", "RobotsRules"]

USER_AGENT_TOKEN = "clonedetect"  # noqa: S105  a product token, no secret
MAX_ROBOTS_BYTES = 512_000
"""RFC 9309, 2.5: at least 500 KiB are read; what follows is not."""

_MAX_CRAWL_DELAY_S = 300.0
_MAX_SITEMAPS = 100


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one origin for the token ``clonedetect``.

    `basis` says what they rest on, as a sentence. `crawl_delay_s` is None
    where none is asked, at most 300; `sitemaps` holds at most 100 absolute URLs.
    """

    basis: str
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()
    _parsed: Protego | None = None
    _default: bool = False

    @classmethod
    def of_bytes(cls, content: bytes, url: str) -> RobotsRules:
        """Return the rules in the robots.txt `content` that `url` gave; undecodable bytes count as U+FFFD."""
        text = content[:MAX_ROBOTS_BYTES].decode("utf-8-sig", "replace")
        parsed = Protego.parse(text)
        return cls(
            basis=f"{url} as served" + (", its first 500 KiB" if len(content) > MAX_ROBOTS_BYTES else ""),
            crawl_delay_s=_crawl_delay(parsed),
            sitemaps=tuple(_absolute(list(parsed.sitemaps), url)),
            _parsed=parsed,
        )

    @classmethod
    def of_result(cls, result: FetchResult) -> RobotsRules:
        """Return the rules that follow from fetching robots.txt.

        2xx: its rules. 4xx: all is allowed (RFC 9309, 2.3.1.3), but for 429,
        which says come back later. 5xx, no answer, or anything that leaves the
        rules unknown: nothing is allowed (2.3.1.4).
        """
        if result.outcome is Outcome.OK:
            return cls.of_bytes(result.content, result.final_url)
        last = result.exchanges[-1] if result.exchanges else None
        status = last.status if last else None
        if result.outcome is Outcome.TOO_LARGE and last and status == 200 and _is_plain(last.headers):
            return cls.of_bytes(last.response[last.header_length :], result.final_url)
        answered = {Outcome.HTTP_ERROR, Outcome.GONE, Outcome.LOGIN_WALL, Outcome.CHALLENGE_PAGE}
        if status is not None and 400 <= status <= 499 and result.outcome in answered:
            return cls.allowing_all(f"{result.final_url} answered {status}: no rules")
        return cls.disallowing_all(f"{result.final_url} is unknown: {result.reason or result.outcome}")

    @classmethod
    def allowing_all(cls, basis: str) -> RobotsRules:
        """Return rules that allow every URL, for the reason `basis`."""
        return cls(basis=basis, _default=True)

    @classmethod
    def disallowing_all(cls, basis: str) -> RobotsRules:
        """Return rules that allow nothing, for the reason `basis`."""
        return cls(basis=basis, _default=False)

    def allows(self, url: str) -> bool:
        """Whether `url`, of this origin, may be fetched."""
        if self._parsed is None:
            return self._default
        return self._parsed.can_fetch(url, USER_AGENT_TOKEN)


def _crawl_delay(parsed: Protego) -> float | None:
    delay = parsed.crawl_delay(USER_AGENT_TOKEN)
    if delay is None or not delay > 0:  # not a number is not above 0 either
        return None
    return min(delay, _MAX_CRAWL_DELAY_S)


def _is_plain(headers: tuple[tuple[str, str], ...]) -> bool:
    """Whether a stored body can be read as it stands, from its beginning."""
    return not any(name.lower() in ("content-encoding", "transfer-encoding") for name, _ in headers)


def _absolute(sitemaps: list[str], base: str) -> list[str]:
    found: dict[str, None] = {}
    for sitemap in sitemaps:
        try:
            url = urljoin(base, sitemap)
        except ValueError:  # a line of the file is no URL; the others still are
            continue
        found[url] = None
        if len(found) == _MAX_SITEMAPS:
            break
    return list(found)
