"""Sources into an index: read, hashed in worker processes, stored; and what else is done to an index."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from clonedetect.index.audit import Verification, verify
from clonedetect.index.balance import hash_balance
from clonedetect.index.clusters import picture_clusters
from clonedetect.index.counts import IndexStats, stats
from clonedetect.index.digests import fingerprint_of
from clonedetect.index.hotsource import HotSource
from clonedetect.index.importers import (
    RefusedRow,
    SkippedRow,
    SourceFormat,
    SourceRow,
    check_source,
    read_source,
    recognise,
    source_size,
)
from clonedetect.index.importers.repeats import FirstRows
from clonedetect.index.store import HOT, Change, IndexStore, Provenance, Removal, SignalKind
from clonedetect.index.votes import extend_votes
from clonedetect.jobs.captions import CHUNK, CaptionChunk, HashedCaptions
from clonedetect.jobs.hashing import Done, HashedItem, HashingPool, Task, Unusable, hash_item
from clonedetect.jobs.slotting import named_signals
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Visibility
from clonedetect.models.signal import Algorithm
from clonedetect.signals.features import SIFT
from clonedetect.signals.fingerprints import minhash_algorithm, winnow_algorithm
from clonedetect.signals.image import THUMBNAIL
from clonedetect.signals.views import PDQ, PHASH16

__all__ = [
    "AddResult",
    "Progress",
    "Refusal",
    "Skip",
    "add_sources",
    "index_algorithms",
    "index_stats",
    "remove_items",
    "verify_index",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that did not go in; `line` is None where a source has no lines."""

    source: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """What a source holds that is no post of its owner, `count` times; it is no refusal."""

    source: str
    reason: str
    count: int


class AddResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an import did; `items` is the total in the index afterwards, `skipped` is left out if empty."""

    added: int
    updated: int
    unchanged: int
    refused: int
    refusals: tuple[Refusal, ...]
    items: int
    seconds: float
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: rows done, and the share of all sources read, 0-1."""

    rows: int
    share: float


_CHARACTERS_AT_ONCE: Final = 1_000_000
"""Of one block of rows; a row alone may have 16 million."""

Row = SourceRow | RefusedRow | SkippedRow
OnProgress = Callable[[Progress], None]


def index_algorithms() -> dict[SignalKind, Algorithm]:
    """Return what makes the signals of an index with this version of the program."""
    return {
        SignalKind.VIEWS: PDQ,
        SignalKind.PHASH: PHASH16,
        SignalKind.THUMBNAIL: THUMBNAIL,
        SignalKind.FEATURES: SIFT,
        SignalKind.TEXT: winnow_algorithm(),
        SignalKind.MINHASH: minhash_algorithm(),
    }


def add_sources(
    index_folder: Path,
    sources: Iterable[Path],
    *,
    source_format: SourceFormat | None = None,
    admit: Collection[Visibility] = (),
    media: Path | None = None,
    signals: Sequence[str] = (),
    on_progress: OnProgress | None = None,
    workers: int | None = None,
) -> AddResult:
    """Put every usable row of `sources` into the index, made if there is none; what stands there stays.

    Rows that are there unchanged are not hashed again. Hot files of local features, where
    there are any, are extended by what is new. Killed at any moment,
    the index keeps what was committed, and a repeat completes it. `media` is
    the folder of the files that an export names and does not hold, `signals` are the
    names of the operator's signals that are made of each picture. Raises, before anything is
    written, InputError for a source that is nothing we read, IndexFormatError for an index
    made with other signals, and what `named_signals` raises.
    """
    started = time.monotonic()
    named = [(source, source_format or recognise(source)) for source in sources]
    for source, known in named:
        check_source(source, known, media=media)
    stored = [signal.stored for signal in named_signals(signals)]
    hasher = partial(hash_item, signals=tuple(signals))
    with (
        IndexStore.open_or_create(index_folder, algorithms=index_algorithms(), signals=stored) as store,
        FirstRows() as first_rows,
        HashingPool[Told](workers, hasher=hasher) as pool,
    ):
        importing = _Import(store, first_rows, admit, _Meter(named, on_progress), media)
        for source, known in named:
            importing.add(source, known, pool)
        extend_votes(HotSource(store.folder / HOT / "features", store.snapshot(), store.lineage, store.db))
        return importing.result(time.monotonic() - started)


def index_stats(index_folder: Path, *, clusters: bool = False, balance: bool = False) -> IndexStats:
    """Count what the index holds; `clusters` and `balance` also count near pictures and spread."""
    with IndexStore.open(index_folder) as store:
        return msgspec.structs.replace(
            stats(store),
            near_pictures=picture_clusters(store) if clusters else None,
            balance=hash_balance(store) if balance else None,
        )


def remove_items(index_folder: Path, item_ids: Iterable[ItemId], *, at: datetime) -> Removal:
    """Take items out of the index and everything built from it."""
    with IndexStore.open(index_folder, writable=True) as store:
        return store.remove(item_ids, at=at)


def verify_index(index_folder: Path, *, read_files: bool = False) -> Verification:
    """Recompute what the index holds, and name every difference."""
    with IndexStore.open(index_folder) as store:
        return verify(store, read_files=read_files)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a row before its item is hashed."""

    row: SourceRow | RefusedRow | SkippedRow
    fingerprint: bytes = b""


Told = _Row | tuple[SourceRow, ...]
"""What is hashed by itself, or a chunk of new captions."""


class _Meter:
    """Tells progress over several sources of bytes or files, each counting by its size on disk or number."""

    def __init__(self, named: Iterable[tuple[Path, SourceFormat]], on_progress: OnProgress | None) -> None:
        self._sizes = {str(source): max(1, source_size(source, known)) for source, known in named}
        self._on_progress = on_progress
        self._rows = 0
        self._sources_done = 0

    def rows(self, source: Path, position: int, count: int = 1) -> None:
        self._rows += count
        self._tell(min(1.0, position / self._sizes[str(source)]))

    def end_of_source(self) -> None:
        self._sources_done += 1
        self._tell(0.0)

    def _tell(self, share: float) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(self._rows, (self._sources_done + share) / len(self._sizes)))


@dataclass(slots=True)
class _Import:
    """One run: what it counts, and how one row goes from source to store."""

    store: IndexStore
    first_rows: FirstRows
    admit: Collection[Visibility]
    meter: _Meter
    media: Path | None
    counts: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    refusals: list[Refusal] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)

    def add(self, source: Path, known: SourceFormat, pool: HashingPool[Told]) -> None:
        """Put the rows of one source in, and keep its refusals in place of its last import's."""
        before = len(self.refusals)
        with self.store.batch():
            rows = read_source(source, known, admit=self.admit, media=self.media, views=PDQ)
            for told, outcome in pool.run(task for block in _blocks(rows) for task in self._tasks(block)):
                if isinstance(told, tuple):
                    self._store_captions(told, outcome)
                    self.meter.rows(source, told[-1].position, len(told))
                else:
                    self._store(told, outcome)
                    self.meter.rows(source, told.row.position)
            new = self.refusals[before:]
            self.store.replace_refusals(
                str(source), ((refusal.source, refusal.line, refusal.reason) for refusal in new)
            )
        self.meter.end_of_source()

    def result(self, seconds: float) -> AddResult:
        """Return the counts of all sources."""
        return AddResult(
            added=self.counts[Change.ADDED],
            updated=self.counts[Change.UPDATED],
            unchanged=self.counts[Change.UNCHANGED],
            refused=len(self.refusals),
            refusals=tuple(self.refusals),
            items=self.store.count(),
            seconds=round(seconds, 3),
            skipped=tuple(self.skips),
        )

    def _tasks(self, block: Sequence[Row]) -> Iterator[tuple[Told, Task]]:
        """Decide what must be hashed of some hundreds of rows; new captions go together, order stays."""
        checked = [self._checked(row) for row in block]
        stored = self.store.stored_fingerprints(
            [row.item.item_id for row in checked if isinstance(row, SourceRow)]
        )
        captions: list[SourceRow] = []
        for row in checked:
            if isinstance(row, SourceRow) and not row.item.media and row.item.item_id not in stored:
                captions.append(row)
                continue
            if captions:
                yield _chunk(captions)
                captions = []
            yield self._task(row, stored)
        if captions:
            yield _chunk(captions)

    def _checked(self, row: Row) -> Row:
        """Return `row`, or its refusal if it gives an id again."""
        if not isinstance(row, SourceRow):
            return row
        first = self.first_rows.first(row.item.item_id, row.source, row.line)
        if first is None:
            return row
        reason = f"item {row.item.item_id} was already given by {first} in this import"
        return RefusedRow(row.source, row.line, reason, row.position)

    def _task(self, row: Row, stored: Mapping[ItemId, bytes]) -> tuple[_Row, Item | None]:
        if not isinstance(row, SourceRow):
            return _Row(row), None
        try:
            fingerprint = fingerprint_of(row.item)
        except OSError as error:
            return _Row(RefusedRow(row.source, row.line, str(error), row.position)), None
        is_known = stored.get(row.item.item_id) == fingerprint
        return _Row(row, fingerprint), None if is_known else row.item

    def _store_captions(self, rows: Sequence[SourceRow], outcome: Done) -> None:
        if not isinstance(outcome, HashedCaptions):
            raise TypeError(f"a chunk of captions came back as {type(outcome).__name__}")
        self.store.add_captions(outcome.rows)
        self.counts[Change.ADDED] += len(outcome.rows)
        for place, reason in outcome.unusable.items():
            self._refuse(rows[place].source, rows[place].line, reason)

    def _store(self, told: _Row, outcome: Done) -> None:
        row = told.row
        if isinstance(row, RefusedRow):
            self._refuse(row.source, row.line, row.reason)
        elif isinstance(row, SkippedRow):
            self.skips.append(Skip(row.source, row.reason, row.count))
        elif outcome is None:
            self.counts[Change.UNCHANGED] += 1
        elif isinstance(outcome, Unusable):
            self._refuse(row.source, row.line, outcome.reason)
        elif isinstance(outcome, HashedItem):
            change = self.store.add_item(
                outcome.item,
                outcome.media,
                outcome.text,
                fingerprint=told.fingerprint,
                provenance=Provenance(row.source, row.line),
            )
            self.counts[change] += 1

    def _refuse(self, source: str, line: int | None, reason: str) -> None:
        self.refusals.append(Refusal(source, line, reason))


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows some hundreds at a time, fewer of long captions: several blocks are held in memory."""
    block: list[Row] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row.item.caption or "") if isinstance(row, SourceRow) else 0
        if len(block) >= CHUNK or size >= _CHARACTERS_AT_ONCE:
            yield block
            block, size = [], 0
    if block:
        yield block


def _chunk(rows: Sequence[SourceRow]) -> tuple[tuple[SourceRow, ...], CaptionChunk]:
    return tuple(rows), CaptionChunk(
        rows[0].source,
        datetime.now(UTC).replace(microsecond=0),
        tuple(row.item for row in rows),
        tuple(row.line for row in rows),
    )
