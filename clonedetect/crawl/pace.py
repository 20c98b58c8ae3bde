"""When a host may be asked again: spacing, concurrency, pauses; and who waits for it.

Two layers. `Pace` is a state machine with the clock as an argument; `Pacer`
waits by it. Requests are spaced by registrable domain and by address
(address and port on loopback), so that neither many names on one machine nor
many machines of one owner multiply our rate. 429, 503 and Retry-After pause
the host, not the URL.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from clonedetect.models.capture import Peer
from clonedetect.models.permit import Permit

__all__ = ["Answer", "HostState", "Pace", "PaceLimits", "Pacer", "address_key", "domain_key", "host_key"]

_suffixes = PublicSuffixList()


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Seconds and counts; the defaults are docs/crawling.md's.

    `backoff_s` is the first pause after a 429 or 503 that names none; it
    doubles with every further one. Who asks for `longest_pause_s` or more is
    parked. `longest_delay_s` bounds crawl-delay and the adaptive delay.
    """

    min_delay_s: float = 1.0
    per_host: int = 1
    longest_delay_s: float = 300.0
    longest_adaptive_s: float = 60.0
    backoff_s: float = 30.0
    longest_pause_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one finished fetch says about its host."""

    is_ok: bool
    is_throttled: bool
    elapsed_s: float
    retry_after_s: float | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class HostState:
    """How a host stands; `paused_s` is what remains of its pause of `pause_s` seconds.

    `is_pause_named` where the host itself said how long. `asking_s` is for how
    long an answer is waited for, None where none is.
    """

    host: str
    in_flight: int
    delay_s: float
    paused_s: float
    is_parked: bool
    pause_s: float = 0.0
    is_pause_named: bool = False
    asking_s: float | None = None


@dataclass(slots=True)
class _Host:
    delay: float
    floor: float
    in_flight: int = 0
    paused_until: float = -math.inf
    pause_s: float = 0.0
    is_pause_named: bool = False
    asked_at: float | None = None
    throttled: int = 0
    is_parked: bool = False
    address: str | None = None


def host_key(permit: Permit) -> str:
    """Return what a pause holds for: the host, with its port on loopback literals."""
    return f"{permit.host}:{permit.port}" if _is_loopback(permit.host) else permit.host


@lru_cache(maxsize=4096)
def domain_key(host: str) -> str:
    """Return what requests to `host` are spaced by: its registrable domain, or itself."""
    name = host.partition(":")[0] if host.count(":") == 1 else host
    if _is_address(name):
        return host
    return _suffixes.privatesuffix(name) or host


def address_key(peer: Peer) -> str:
    """Return what requests to one machine are spaced by; on loopback every port is one."""
    return str(peer) if _is_loopback(peer.address) else peer.address


@lru_cache(maxsize=4096)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


@dataclass(slots=True)
class Pace:
    """Says how long to wait for a host; holds no clock and never waits.

    `now` is any monotonic time in seconds, the same for all calls.
    """

    limits: PaceLimits
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _busy: dict[str, None] = field(default_factory=dict)

    def has_room(self, host: str) -> bool:
        """Whether one more fetch of the host may be under way."""
        state = self._host(host)
        return not state.is_parked and state.in_flight < self.limits.per_host

    def room(self, host: str) -> int:
        """Return how many fetches of the host may start at this moment; one where requests are spaced."""
        state = self._host(host)
        if state.is_parked:
            return 0
        free = self.limits.per_host - state.in_flight
        return free if max(state.delay, state.floor) == 0 else min(free, 1)

    def enter(self, host: str) -> None:
        """Count a fetch of the host as under way."""
        self._host(host).in_flight += 1
        self._busy[host] = None

    def leave(self, host: str) -> None:
        """Count a fetch of the host as over."""
        state = self._host(host)
        state.in_flight -= 1
        if state.in_flight == 0:
            state.asked_at = None
            self._busy.pop(host, None)

    def busy(self) -> tuple[str, ...]:
        """Return the hosts that a fetch of is under way, or waits for its turn."""
        return tuple(self._busy)

    def next_slot(self, host: str, now: float) -> float:
        """Return the seconds until a request to the host may start: 0 for now, infinite if it is parked."""
        state = self._host(host)
        if state.is_parked:
            return math.inf
        earliest = state.paused_until
        for key in self._keys(host, state):
            earliest = max(earliest, self._started.get(key, -math.inf) + max(state.delay, state.floor))
        return max(0.0, earliest - now)

    def start(self, host: str, now: float) -> None:
        """Note that a request to the host starts now."""
        self._host(host).asked_at = now
        self.end(host, now)

    def end(self, host: str, now: float) -> None:
        """Note that a request to the host ended now, or that one of its redirects was answered."""
        for key in self._keys(host, self._host(host)):
            self._started[key] = now

    def learn_address(self, host: str, address: str) -> None:
        """Space the host's requests with all others to this address too."""
        self._host(host).address = address

    def honour_crawl_delay(self, host: str, delay_s: float) -> None:
        """Never ask the host more often than robots.txt asks for, up to the longest delay."""
        state = self._host(host)
        state.floor = max(self.limits.min_delay_s, min(delay_s, self.limits.longest_delay_s))

    def finish(self, host: str, now: float, answer: Answer) -> None:
        """Take in what a fetch said; the next one keeps its distance from here.

        Measured from the end of one request to the start of the next, the
        distance holds as the server sees it, however late either of us is.

        The delay follows the host's own speed, but never falls on anything
        but a plain success: a refusal is quicker than a page. A throttled
        answer pauses the host; one that asks for too long parks it.
        """
        state = self._host(host)
        state.asked_at = None
        if answer.address is not None:
            state.address = answer.address
        self.end(host, now)
        wanted = min(max(self.limits.min_delay_s, answer.elapsed_s), self.limits.longest_adaptive_s)
        eased = (state.delay + wanted) / 2
        state.delay = eased if answer.is_ok else max(state.delay, eased)
        if answer.is_throttled:
            pause_s = answer.retry_after_s
            if pause_s is None:
                pause_s = self.limits.backoff_s * 2**state.throttled
            state.throttled += 1
            is_named = answer.retry_after_s is not None
            self.pause(host, now, max(pause_s, self.limits.min_delay_s), is_named=is_named)
        elif answer.is_ok:
            state.throttled = 0

    def pause(self, host: str, now: float, pause_s: float, *, is_named: bool = False) -> None:
        """Ask the host nothing for a while; it is parked if that is the longest pause or more.

        `is_named` where the host itself said for how long.
        """
        state = self._host(host)
        if pause_s >= self.limits.longest_pause_s:
            state.is_parked = True
        if now + pause_s > state.paused_until:
            state.paused_until = now + pause_s
            state.pause_s, state.is_pause_named = pause_s, is_named

    def state(self, host: str, now: float) -> HostState:
        """Return how the host stands."""
        state = self._host(host)
        return HostState(
            host=host,
            in_flight=state.in_flight,
            delay_s=max(state.delay, state.floor),
            paused_s=max(0.0, state.paused_until - now),
            is_parked=state.is_parked,
            pause_s=state.pause_s,
            is_pause_named=state.is_pause_named,
            asking_s=None if state.asked_at is None else now - state.asked_at,
        )

    def _host(self, host: str) -> _Host:
        found = self._hosts.get(host)
        if found is None:
            found = self._hosts[host] = _Host(self.limits.min_delay_s, self.limits.min_delay_s)
        return found

    @staticmethod
    def _keys(host: str, state: _Host) -> tuple[str, ...]:
        domain = f"domain {domain_key(host)}"
        return (domain,) if state.address is None else (domain, f"address {state.address}")


class Pacer:
    """Waits for a host's turn by a `Pace` and a clock."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self.pace = pace
        self._clock = clock

    async def turn(self, host: str) -> bool:
        """Wait until a request to the host may start and note it as started; False if it is parked."""
        while (wait := self.pace.next_slot(host, self._clock())) > 0:
            if wait == math.inf:
                return False
            await asyncio.sleep(wait)
        self.pace.start(host, self._clock())
        return True
