"""The durable order of one fetch: object, archive, custody line, row and lease.

A kill between any two leaves a state that `adopt` completes the same way:
what is whole in the archive is recorded once and never fetched again.

Fetches that end at nearly the same moment are recorded together: one sync of
the archive, one of custody, one transaction. None of them counts, is told or
leads anywhere before all of its bytes are on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from clonedetect.archive.group import Fetched, has_content
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.frontier import Entry, Frontier, NewEntry, State
from clonedetect.crawl.remaking import boot_id, remake_objects
from clonedetect.models.capture import READABLE, Capture, Outcome, Purpose, RefusalRecord

__all__ = ["LEADING", "Finished", "Found", "Recorder", "is_throttled"]

THROTTLED_STATUSES = (429, 503)
LEADING = READABLE | {Outcome.NOT_MODIFIED}
"""Outcomes of pages that lead on: of what has not changed, the content that stands does."""

_READ = (Purpose.PAGE, Purpose.API, Purpose.SITEMAP)

_GATHER_S = 0.01
_BATCH = 16
_BATCH_BYTES = 8_000_000
"""A batch is written when its first member has waited that long, or at that many members or bytes."""


def is_throttled(capture: Capture) -> bool:
    """Whether the answer asks for a later visit, and a later visit is worth it.

    A challenge page that comes with 503 is not: it stops that path.
    """
    if capture.outcome is Outcome.RATE_LIMITED:
        return True
    return capture.outcome is Outcome.HTTP_ERROR and capture.status in THROTTLED_STATUSES


TakeIn = Callable[[Entry, bytes, tuple[NewEntry, ...]], None]
"""Makes known what the page of a row, with this decoded body, leads to; within the record's transaction."""

Recorded = tuple[Capture, tuple[RefusalRecord, ...]]
"""A capture that is on disk, and the refusals that its page added."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a page leads to, and what was refused of it."""

    entries: tuple[NewEntry, ...]
    refusals: tuple[RefusalRecord, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """One fetch that is over, and what follows from it once it is safe.

    `retry_at` (seconds since the epoch) is when a throttled URL is due again.
    `entry` is its row of the frontier (None: robots.txt and the like);
    `found` is what its page leads to, None where that is still to be read
    or there is nothing, and `reason` then says why. `tell` is called with the
    capture and the refusals that are new, after both are on disk.
    """

    fetched: Fetched
    retry_at: float
    tell: Callable[[Capture, tuple[RefusalRecord, ...]], None]
    entry: Entry | None = None
    found: Found | None = None
    reason: str = ""


_Waiting = tuple[Finished, asyncio.Future[Recorded]]


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
        self.run_id: int | None = None
        self.take_in: TakeIn = self._enqueue
        self.retries = retries
        self._backoff_s = backoff_s
        self._waiting: list[_Waiting] = []
        self._untold: list[tuple[Finished, Recorded]] = []
        self._waiting_bytes = 0
        self._is_enough = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def adopt(self) -> tuple[Capture, ...]:
        """Take over what a killed run had archived and not yet entered, and return it."""
        for capture in self.archive.recovered:
            retry_at = capture.captured_at.timestamp() + self._backoff_s
            entry = self.frontier.find(capture.url, capture.purpose)
            settle = partial(self._settle, capture, entry, retry_at)
            self.store.record_capture(capture, actor=self.actor, is_adopted=True, then=settle)
        adopted, self.archive.recovered = self.archive.recovered, ()
        remake_objects(self.store, boot_id())
        return adopted

    async def record(self, finished: Finished) -> Capture:
        """Record one fetch, with others that end within milliseconds, and return its capture, safe on disk.

        Raises OSError where the disk takes no more. Cancelling does not take
        back what was handed over; `finish` sees to it that it is told.
        """
        if self._error is not None:
            raise self._error
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Recorded] = loop.create_future()
        self._waiting.append((finished, future))
        self._waiting_bytes += sum(len(one.response) for one in finished.fetched.result.exchanges)
        if self._writing is None:
            self._is_enough = asyncio.Event()
            self._writing = loop.create_task(self._write_on())
        if len(self._waiting) >= _BATCH or self._waiting_bytes >= _BATCH_BYTES:
            self._is_enough.set()
        try:
            recorded = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._untold.append((finished, future.result()))
            raise
        finished.tell(*recorded)
        return recorded[0]

    async def finish(self) -> None:
        """Write what still waits, and tell what nobody waited for any more.

        Raises what kept an earlier batch from being written.
        """
        self._is_enough.set()
        if self._writing is not None:
            await self._writing
        untold, self._untold = self._untold, []
        for finished, recorded in untold:
            finished.tell(*recorded)
        if self._error is not None:
            raise self._error

    async def _write_on(self) -> None:
        """Write batch after batch until nothing waits; what ends meanwhile makes the next batch."""
        while self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_S):
                    await self._is_enough.wait()
            batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._is_enough.clear()
            try:
                recorded = await self._write([finished for finished, _ in batch])
            except Exception as error:  # noqa: BLE001  whoever waits for the record raises it
                self._fail(batch, error)
            else:
                self._hand_out(batch, recorded)
        self._writing = None

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        self._error = error
        for _, future in (*batch, *self._waiting):
            if not future.cancelled():
                future.set_exception(error)
        self._waiting = []

    def _hand_out(self, batch: list[_Waiting], recorded: list[Recorded]) -> None:
        for (finished, future), one in zip(batch, recorded, strict=True):
            if future.cancelled():
                self._untold.append((finished, one))
            else:
                future.set_result(one)

    async def _write(self, batch: list[Finished]) -> list[Recorded]:
        for finished in batch:
            if has_content(finished.fetched.result):
                self.store.put_object(finished.fetched.result.content, is_synced=False)
        captures = self.archive.write_all([finished.fetched for finished in batch])
        await asyncio.to_thread(self._sync, captures)
        recorded: list[Recorded] = []

        def settle() -> None:
            for finished, capture in zip(batch, captures, strict=True):
                self._settle(capture, finished.entry, finished.retry_at, finished)
                recorded.append((capture, self._enter(finished)))

        self.store.enter_captures(captures, settle, run_id=self.run_id)
        return recorded

    def _sync(self, captures: tuple[Capture, ...]) -> None:
        self.archive.sync()
        self.store.log_captures(captures, actor=self.actor)

    def _settle(
        self, capture: Capture, entry: Entry | None, retry_at: float, finished: Finished | None = None
    ) -> None:
        if entry is None or capture.origin is not None:  # what was supplied answers no question of ours
            return
        if is_throttled(capture) and entry.tries < self.retries:
            self.frontier.capture(entry.id, State.PENDING, not_before=retry_at, reason=capture.outcome.value)
        elif capture.outcome in LEADING and capture.purpose in _READ:
            depth = None if finished is None or _is_unread(finished) else entry.depth
            self.frontier.capture_page(entry.id, read_at=depth, reason=finished.reason if finished else "")
        else:
            self.frontier.capture(entry.id, State.DONE, reason=capture.outcome.value)

    def _enter(self, finished: Finished) -> tuple[RefusalRecord, ...]:
        found, entry = finished.found, finished.entry
        if found is None or entry is None:
            return ()
        self.take_in(entry, finished.fetched.result.content, found.entries)
        return self.store.put_refusals(found.refusals)

    def _enqueue(self, _: Entry, __: bytes, entries: tuple[NewEntry, ...]) -> None:
        self.frontier.enqueue(entries)


def _is_unread(finished: Finished) -> bool:
    return finished.found is None and not finished.reason
