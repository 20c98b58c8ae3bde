"""What each host's URLs ended in during one run, counted as it is told."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from clonedetect.crawl.events import CaptureEvent, CrawlEvent, RefusalEvent
from clonedetect.models.capture import Outcome, Purpose

__all__ = ["HostTally", "Tally", "host_of"]

WALLS = frozenset({Outcome.CHALLENGE_PAGE, Outcome.LOGIN_WALL, Outcome.RATE_LIMITED})
_RECEIVED = frozenset({Outcome.OK, Outcome.NOT_MODIFIED})
_THROTTLED = frozenset({429, 503})
_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class HostTally:
    """Counts of one host; `robots_refused` are URLs that its robots.txt kept us from."""

    ok: int = 0
    walls: int = 0
    errors: int = 0
    refused: int = 0
    robots_refused: int = 0
    throttled_by: int | None = None


class Tally:
    """Counters in memory; taking in an event costs the same however many hosts there are.

    Hosts are those that were asked: what a grant refuses of others is no progress.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, HostTally] = {}

    def note(self, event: CrawlEvent) -> None:
        """Count a capture or a refusal; hosts that were never asked are not counted."""
        if isinstance(event, CaptureEvent):
            capture = event.capture
            host = self._hosts.setdefault(host_of(capture.url), HostTally())
            if capture.status in _THROTTLED:
                host.throttled_by = capture.status
            if capture.purpose is Purpose.ROBOTS:
                return
            host.ok += capture.outcome in _RECEIVED
            host.walls += capture.outcome in WALLS
            host.errors += capture.outcome not in _RECEIVED and capture.outcome not in WALLS
        elif isinstance(event, RefusalEvent):
            name = host_of(event.refusal.url)
            known = self._hosts.get(name)
            if known is not None:
                known.refused += 1
                known.robots_refused += event.refusal.where == "robots"

    def of(self, host: str) -> HostTally:
        """Return the counters of `host`, all zero for one that was not met."""
        return self._hosts.get(host) or HostTally()

    def hosts(self) -> Iterator[str]:
        """Yield the hosts that have counters."""
        yield from self._hosts

    def fruitless(self) -> Iterator[str]:
        """Yield hosts that gave nothing but walls, or nothing because of their robots.txt."""
        return (host for host in self._hosts if self.is_disallowed(host) or self.is_walled(host))

    def is_disallowed(self, host: str) -> bool:
        """Whether `host` gave nothing, and its robots.txt kept us from something."""
        found = self._hosts.get(host)
        return found is not None and found.robots_refused > 0 and not found.ok + found.walls + found.errors

    def is_walled(self, host: str) -> bool:
        """Whether `host` showed walls and nothing else."""
        found = self._hosts.get(host)
        return found is not None and found.walls > 0 and not found.ok


@lru_cache(maxsize=2_048)
def host_of(url: str) -> str:
    """Return the host of a URL as the pace knows it: with its port on loopback literals; "" for no URL."""
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    return f"{name}:{port or _PORTS.get(parts.scheme)}" if _is_loopback(name) else name


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
