"""Timestamps for a case while it grows: the custody line of the moment, put to the authorities.

An authority that is down stops nothing. It is noted in custody, and asked again
at the end of the next crawl.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.models.ids import digest_of
from clonedetect.timestamp.authorities import Asked, Authority
from clonedetect.timestamp.custody import FAILED, TIMESTAMPED, CustodyStamp, failed_subject, owed, time_text
from clonedetect.timestamp.inquiry import Inquiry, Stamped, Unstamped

__all__ = ["STAMP_EVERY_S", "CaseStamper"]

STAMP_EVERY_S = 900.0
"""How long a crawl goes on at most before what it captured is timestamped."""

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class CaseStamper:
    """Timestamps the custody log of one open case; `is_given_up` ends every waiting for authorities."""

    store: CaseStore
    custody: CustodyLog
    asked: Asked
    actor: str
    is_given_up: Callable[[], bool]

    def stamp(self) -> tuple[Unstamped, ...]:
        """Ask the authorities that have not seen the last capture; return those that failed."""
        begun = None if self.is_given_up() else self._begin()
        if begun is None:
            return ()
        length, inquiry = begun
        return self._keep(length, inquiry.message, inquiry.results(is_given_up=self.is_given_up))

    async def keep_stamping(self, every_s: float) -> None:
        """Do the same every `every_s` seconds beside a crawl, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            begun = self._begin()
            if begun is None:
                continue
            length, inquiry = begun
            while not inquiry.is_over:  # noqa: ASYNC110  its threads may outlive the loop, and set no event
                await asyncio.sleep(_LOOK_EVERY_S)
            self._keep(length, inquiry.message, inquiry.results())

    def _begin(self) -> tuple[int, Inquiry] | None:
        """Ask about the line that is the last one now, where any authority has not seen the last capture."""
        missing: tuple[Authority, ...] = owed(self.custody.path, self.asked.authorities)
        if not missing:
            return None
        length, line = self.custody.last_line()
        return length, Inquiry(line, Asked(missing, self.asked.roots))

    def _keep(
        self, length: int, line: bytes, results: tuple[Stamped | Unstamped, ...]
    ) -> tuple[Unstamped, ...]:
        if self.is_given_up():
            results = tuple(one for one in results if isinstance(one, Stamped))
        roots = self.store.put_object(self.asked.roots)
        for one in results:
            if isinstance(one, Stamped):
                query, answer = self.store.put_object(one.query), self.store.put_object(one.answer)
                moment = time_text(one.time)
                stamp = CustodyStamp(length, digest_of(line), moment, query, answer, roots, one.authority.url)
                self._log(TIMESTAMPED, str(stamp))
            else:
                self._log(FAILED, failed_subject(length, line, one.authority.url, one.reason))
        return tuple(one for one in results if isinstance(one, Unstamped))

    def _log(self, action: str, subject: str) -> None:
        self.custody.append(
            time=datetime.now(UTC), actor=self.actor, action=action, grant="", subject=subject
        )
