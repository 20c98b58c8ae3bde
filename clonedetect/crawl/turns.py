"""Which hosts are to be looked at now: those something happened to, and those whose time has come.

A crawl of many hosts looks at few of them at any moment. A host is called
when a fetch of it ends, when it was found on a page, or when its pace lets it
be asked again; all others cost nothing.
"""

from __future__ import annotations

import heapq
import math

__all__ = ["Turns"]


class Turns:
    """A queue of hosts, each in it once, and an alarm clock for the others. Holds no clock itself."""

    def __init__(self) -> None:
        self._called: dict[str, None] = {}
        self._alarms: list[tuple[float, str]] = []
        self._next: dict[str, float] = {}

    def call(self, *hosts: str) -> None:
        """Have hosts looked at, in this order, as soon as those before them were."""
        for host in hosts:
            self._called.setdefault(host)

    def call_at(self, host: str, moment: float) -> None:
        """Have a host looked at from `moment` on; never, if that is infinite and nothing else calls it."""
        if moment < self._next.get(host, math.inf):
            self._next[host] = moment
            heapq.heappush(self._alarms, (moment, host))

    def due(self, now: float) -> tuple[str, ...]:
        """Return the hosts to look at now, and forget them."""
        while self._alarms and self._alarms[0][0] <= now:
            moment, host = heapq.heappop(self._alarms)
            if self._next.get(host) == moment:
                del self._next[host]
                self._called.setdefault(host)
        hosts, self._called = tuple(self._called), {}
        return hosts

    def wait(self, now: float) -> float:
        """Return the seconds until a host is due: 0 if one is, infinite if none will be."""
        if self._called:
            return 0.0
        return max(0.0, self._alarms[0][0] - now) if self._alarms else math.inf
