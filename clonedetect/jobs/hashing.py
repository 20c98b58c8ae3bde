"""Items to signals in worker processes, in order, whatever one file does to its worker.

A decoder that crashes or never ends takes its process down, and with it only
the item it was working on: what was under way is done again one by one, and
the item that kills its worker twice is refused by name.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar

import cv2
import msgspec

from clonedetect.errors import ClonedetectError, DependencyError, InputError
from clonedetect.index.captions import PreparedCaptions
from clonedetect.jobs.captions import CaptionChunk, HashedCaptions, hash_captions
from clonedetect.jobs.slotting import named_signals
from clonedetect.models.ids import Digest
from clonedetect.models.item import Item, Media, MediaKind
from clonedetect.models.signal import ImageSignals, TextSignals
from clonedetect.signals.image import image_signals_with
from clonedetect.signals.text import text_signals

__all__ = ["HashedItem", "HashingPool", "Unusable", "hash_item"]

CPU_SECONDS_PER_ITEM: Final = 120
"""An item that keeps its worker busy longer is refused; ten 12-megapixel pictures take about ten seconds."""

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
_AHEAD: Final = 4  # items or chunks under way for each worker: enough that none waits for the writer
_CHUNKS_AT_HOME: Final = 4  # fewer captions are hashed before a worker has started

Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True, eq=False)
class HashedItem:
    """An item, its digests filled in, with the signals of its media (in order) and of its caption."""

    item: Item
    media: tuple[ImageSignals | None, ...]
    text: TextSignals | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an item could not be hashed, as a sentence."""

    reason: str


Outcome = HashedItem | Unusable
Hasher = Callable[[Item], Outcome]
CaptionHasher = Callable[[bytes], HashedCaptions]

Task = Item | CaptionChunk | None
Done = Outcome | HashedCaptions | None


def hash_item(item: Item, signals: tuple[str, ...] = ()) -> Outcome:
    """Read and hash everything of `item`, the operator's `signals` of these names too.

    What goes wrong is returned, not raised.
    """
    try:
        media = [_hash_medium(entry, signals) for entry in item.media]
        text = text_signals(item.caption) if item.caption else None
    except (ClonedetectError, OSError) as error:
        return Unusable(str(error))
    except Exception as error:  # noqa: BLE001  a worker's outer edge: one bad file must not end an import
        return Unusable(f"hashing failed: {type(error).__name__}: {error}")
    completed = replace(item, media=tuple(entry for entry, _ in media))
    return HashedItem(completed, tuple(signals for _, signals in media), text)


class HashingPool(Generic[Tag]):
    """Worker processes that hash items; started with the first file to read or the fifth chunk of captions.

    `hasher` and `caption_hasher` are what they run: functions that can be imported by name.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        hasher: Hasher = hash_item,
        caption_hasher: CaptionHasher = hash_captions,
    ) -> None:
        self._workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._hasher = hasher
        self._caption_hasher = caption_hasher
        self._chunks = 0
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers once they have finished what they are at."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def run(self, tasks: Iterable[tuple[Tag, Task]]) -> Iterator[tuple[Tag, Done]]:
        """Yield each tag with what became of its item or chunk, in order; None passes through.

        `tasks` is read only a few ahead of what has been yielded.
        """
        waiting: deque[_Waiting[Tag]] = deque()
        for tag, task in tasks:
            waiting.append(_Waiting(tag, task, self._begin(task)))
            while waiting and (len(waiting) > self._workers * _AHEAD or waiting[0].is_done):
                yield self._finish(waiting)
        while waiting:
            yield self._finish(waiting)

    def _begin(self, task: Task) -> Future[Done] | Done:
        if task is None:
            return None
        if isinstance(task, CaptionChunk):
            self._chunks += 1
            if self._pool is None and self._chunks <= _CHUNKS_AT_HOME:
                return self._caption_hasher(msgspec.msgpack.encode(task))
        elif not any(media.path for media in task.media):
            return self._hasher(task)  # an edited caption or a bare hash: no decoder, no process
        try:
            return self._submitted(self._executor(), task)
        except BrokenProcessPool as error:
            broken: Future[Done] = Future()
            broken.set_exception(error)
            return broken

    def _submitted(self, executor: ProcessPoolExecutor, task: Item | CaptionChunk) -> Future[Done]:
        future: Future[Any]
        if isinstance(task, CaptionChunk):
            future = executor.submit(_limited, self._caption_hasher, msgspec.msgpack.encode(task))
        else:
            future = executor.submit(self._hasher, task)
        return future

    def _finish(self, waiting: deque[_Waiting[Tag]]) -> tuple[Tag, Done]:
        first = waiting.popleft()
        if not isinstance(first.state, Future):
            return first.tag, first.state
        try:
            return first.tag, first.state.result()
        except BrokenProcessPool:
            self.close()
        outcome = self._alone(first.task)
        for entry in waiting:  # innocent bystanders: their worker's pool is gone, they begin again
            if isinstance(entry.state, Future) and not _has_result(entry.state):
                entry.state = self._begin(entry.task)
        return first.tag, outcome

    def _alone(self, task: Task) -> Done:
        """Hash one task with nothing else under way, so that a worker's death has one possible cause."""
        if task is None:
            return None
        with _executor(1) as pool:
            try:
                pool.submit(os.getpid).result()
            except BrokenProcessPool as error:
                raise DependencyError(
                    "no hashing process starts: too little memory, or a program that calls this "
                    "without guarding its own start by `if __name__ == '__main__':`"
                ) from error
            try:
                return self._submitted(pool, task).result()
            except BrokenProcessPool:
                pass
        if isinstance(task, CaptionChunk):
            return self._in_halves(task)
        paths = ", ".join(media.path for media in task.media if media.path)
        return Unusable(f"decoding {paths} ended its process: it crashed, or ran out of time or memory")

    def _in_halves(self, chunk: CaptionChunk) -> HashedCaptions:
        """Find the caption of `chunk` that ends its process; the others are hashed."""
        if len(chunk) == 1:
            reason = "hashing its caption ended the process: it crashed, or ran out of time or memory"
            return HashedCaptions(PreparedCaptions.nothing(), {0: reason})
        done = [(half, self._alone(half)) for half in chunk.halves()]
        rows, unusable, first = PreparedCaptions.nothing(), dict[int, str](), 0
        for half, outcome in done:
            if isinstance(outcome, HashedCaptions):
                rows = rows.joined(outcome.rows)
                unusable |= {first + place: reason for place, reason in outcome.unusable.items()}
            first += len(half)
        return HashedCaptions(rows, unusable)

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = _executor(self._workers)
        return self._pool


@dataclass(slots=True)
class _Waiting(Generic[Tag]):
    tag: Tag
    task: Task
    state: Future[Done] | Done

    @property
    def is_done(self) -> bool:
        return not isinstance(self.state, Future) or _has_result(self.state)


def _has_result(future: Future[Done]) -> bool:
    return future.done() and future.exception() is None


def _limited(hasher: CaptionHasher, data: bytes) -> HashedCaptions:
    _limit_processor_time()  # anew: a limit set for a picture before would count this chunk too
    return hasher(data)


def _executor(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker)


def _prepare_worker() -> None:
    """End with the process that started us: a killed import leaves nothing running.

    An interrupt is the importer's to act on, and one thread a worker is enough.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _hash_medium(media: Media, signals: tuple[str, ...]) -> tuple[Media, ImageSignals | None]:
    if media.path is None:
        return media, None
    _limit_processor_time()
    path = Path(media.path)
    if path.stat().st_size > MAX_FILE_BYTES and media.kind is MediaKind.IMAGE:
        raise InputError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MB")
    if media.kind is MediaKind.VIDEO:
        with path.open("rb") as file:
            digest = Digest(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
        return replace(media, digest=_agreed(media, digest)), None
    data = path.read_bytes()
    try:
        made = image_signals_with(data, named_signals(signals))
    except ClonedetectError as error:
        raise InputError(f"{path}: {error}") from error
    return replace(media, digest=_agreed(media, made.digest)), made


def _agreed(media: Media, found: Digest) -> Digest:
    if media.digest is not None and media.digest != found:
        raise InputError(f"{media.path} has {found}, its row says {media.digest}")
    return found


def _limit_processor_time() -> None:
    """Let the kernel end this worker when the item at hand takes too long."""
    if multiprocessing.parent_process() is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS_PER_ITEM
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
