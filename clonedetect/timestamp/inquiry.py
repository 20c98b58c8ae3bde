"""Several authorities asked at once about the same bytes, within a limit, beside other work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clonedetect.errors import DependencyError, VerificationError
from clonedetect.timestamp.answer import judge, new_query
from clonedetect.timestamp.authorities import Asked, Authority
from clonedetect.timestamp.wire import ask

__all__ = ["Inquiry", "Stamped", "Unstamped"]

_WAIT_S = 10.0
_LIMIT_S = 25.0


@dataclass(frozen=True, slots=True)
class Stamped:
    """An authority's answer that holds, with the query it answers and the time it gives."""

    authority: Authority
    query: bytes
    answer: bytes
    time: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Unstamped:
    """An authority that gave no timestamp that holds, and why."""

    authority: Authority
    reason: str


class Inquiry:
    """One question to every authority of `asked`, begun when this is made.

    The threads are daemons: an authority that never ends its answer holds
    nothing up, its answer is then not waited for.
    """

    def __init__(self, message: bytes, asked: Asked) -> None:
        self.message = message
        self._asked = asked
        self._until = time.monotonic() + _LIMIT_S
        self._found: dict[Authority, Stamped | Unstamped] = {}
        self._threads = [
            threading.Thread(target=self._ask, args=(one,), daemon=True) for one in asked.authorities
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        """Whether all have answered or failed, or the time for it is up."""
        return time.monotonic() > self._until or not any(one.is_alive() for one in self._threads)

    def results(self, *, is_given_up: Callable[[], bool] = lambda: False) -> tuple[Stamped | Unstamped, ...]:
        """Wait until it is over or given up, and return one result an authority, in their order."""
        for thread in self._threads:
            while thread.is_alive() and not self.is_over and not is_given_up():
                thread.join(0.05)
        late = "no answer within the time for it"
        return tuple(self._found.get(one, Unstamped(one, late)) for one in self._asked.authorities)

    def _ask(self, authority: Authority) -> None:
        query = new_query(self.message)
        try:
            answer = ask(authority.url, query, wait_s=_WAIT_S)
            told = judge(self.message, query, answer, self._asked.roots)
        except (DependencyError, VerificationError) as error:
            self._found[authority] = Unstamped(authority, str(error))
        else:
            self._found[authority] = Stamped(authority, query, answer, told.time, told.by)
