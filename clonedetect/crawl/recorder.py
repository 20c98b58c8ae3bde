"""The durable order of one fetch: object, archive, custody line, row and lease.

A kill between any two leaves a state that `adopt` completes the same way:
what is whole in the archive is recorded once and never fetched again.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from clonedetect.archive.group import has_content
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.frontier import Frontier, State
from clonedetect.models.capture import Capture, FetchResult, Outcome, Purpose
from clonedetect.models.permit import Permit

__all__ = ["Recorder", "is_throttled"]

THROTTLED_STATUSES = (429, 503)
_READABLE = (Outcome.OK, Outcome.NOT_MODIFIED)
_READ = (Purpose.PAGE, Purpose.API, Purpose.SITEMAP)


def is_throttled(capture: Capture) -> bool:
    """Whether the answer asks for a later visit, and a later visit is worth it.

    A challenge page that comes with 503 is not: it stops that path.
    """
    if capture.outcome is Outcome.RATE_LIMITED:
        return True
    return capture.outcome is Outcome.HTTP_ERROR and capture.status in THROTTLED_STATUSES


class Recorder:
    """Writes fetches into one case, in the one order that loses nothing and doubles nothing."""

    def __init__(
        self,
        store: CaseStore,
        archive: WarcArchive,
        frontier: Frontier,
        *,
        actor: str,
        retries: int = 2,
        backoff_s: float = 30.0,
    ) -> None:
        self.store = store
        self.archive = archive
        self.frontier = frontier
        self.actor = actor
        self.retries = retries
        self._backoff_s = backoff_s

    def adopt(self) -> tuple[Capture, ...]:
        """Take over what a killed run had archived and not yet entered, and return it."""
        for capture in self.archive.recovered:
            retry_at = capture.captured_at.timestamp() + self._backoff_s
            settle = partial(self._settle, capture, retry_at)
            self.store.record_capture(capture, actor=self.actor, is_adopted=True, then=settle)
        adopted, self.archive.recovered = self.archive.recovered, ()
        return adopted

    def record(
        self,
        result: FetchResult,
        permit: Permit,
        *,
        captured_at: datetime,
        retry_at: float,
        run_id: int | None = None,
        parent_url: str | None = None,
        depth: int = 0,
    ) -> Capture:
        """Record one fetch and return its capture, safe on disk.

        `retry_at` (seconds since the epoch) is when a throttled URL is due
        again. Raises OSError where the disk takes no more.
        """
        if has_content(result):
            self.store.put_object(result.content)
        capture = self.archive.append(
            result, permit, captured_at=captured_at, parent_url=parent_url, depth=depth
        )
        self.store.record_capture(
            capture, actor=self.actor, run_id=run_id, then=partial(self._settle, capture, retry_at)
        )
        return capture

    def _settle(self, capture: Capture, retry_at: float) -> None:
        entry = self.frontier.find(capture.url, capture.purpose)
        if entry is None:
            return
        state, due = State.DONE, 0.0
        if is_throttled(capture) and entry.tries < self.retries:
            state, due = State.PENDING, retry_at
        elif capture.outcome in _READABLE and capture.purpose in _READ:
            state = State.CAPTURED
        self.frontier.capture(
            capture.url, capture.purpose, state, not_before=due, reason=capture.outcome.value
        )
