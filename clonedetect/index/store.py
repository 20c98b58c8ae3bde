"""The truth of an index: items, their signals and lookups in one SQLite file.

A folder holds ``index.db`` and ``hot/``, which is built from it and may be
deleted at any time. One process writes (a lock names it); readers see the
last commit and are not held up. Every commit is one generation, complete in
itself: killed at any moment, the index opens at the last one.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import msgspec

from clonedetect.errors import IndexFormatError, InputError
from clonedetect.index.captions import PreparedCaptions, write_new
from clonedetect.index.digests import ContentSum, fingerprint_of
from clonedetect.index.disagreement import disagreement, specified
from clonedetect.index.identifiers import RULES
from clonedetect.index.lock import FileLock
from clonedetect.index.schema import (
    BUSY_TIMEOUT_S,
    CONTENT_SCHEMA,
    DATABASE,
    connect,
    create_tables,
    has_tables,
    identifier_rules,
)
from clonedetect.index.writing import Change, ItemContents, Provenance, drop_item, write_item
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item
from clonedetect.models.reference import Generation
from clonedetect.models.signal import Algorithm, ImageSignals, TextSignals
from clonedetect.models.slot import StoredSignal, is_signal_kind

__all__ = ["HOT", "Change", "IndexStore", "Provenance", "Removal", "SignalKind"]

HOT: Final = "hot"
LOCK: Final = "writer.lock"
COMMIT_EVERY: Final = 200
COMMIT_AFTER_S: Final = 5.0
COMMIT_AT_MOST: Final = 50_000
"""A batch commits once 200 items are changed and five seconds have passed, and at 50,000 items in any case.

Each commit writes the changed pages of all indexes, which are much the same for a thousand items as for
fifty thousand.
"""
_HARMLESS: Final = frozenset({LOCK, "settings.toml"})
"""What may lie in a folder before its index does: settings are often written first."""

_SUPPLIED: Final = Provenance("")
"""For items that a program hands in, without a source."""


class SignalKind(StrEnum):
    """What is made by an algorithm of its own, and may not be mixed with another's."""

    VIEWS = "views"
    PHASH = "phash16"
    THUMBNAIL = "thumbnail"
    FEATURES = "features"
    TEXT = "text"
    MINHASH = "minhash"


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing items did; `gone_before` were removed earlier, `unknown` never were here."""

    removed: tuple[ItemId, ...]
    gone_before: tuple[ItemId, ...]
    unknown: tuple[ItemId, ...]


class IndexStore:
    """One open index; made by `open` or `open_or_create`, closed by `close` or a ``with`` block.

    A reader sees the generation that stood when it was opened, to the end. Not
    to be shared between threads.
    """

    def __init__(self, folder: Path, *, writable: bool, lock: FileLock | None) -> None:
        self.folder = folder
        self._lock = lock
        self._writable = writable
        self._pending = 0
        self._begun = 0.0
        self._is_changed = False
        self._is_in_batch = False
        self._is_purging = False
        self.db = connect(folder, writable=writable)
        if writable and not has_tables(self.db):
            create_tables(self.db)
        if not writable:
            self.db.begin()  # all reads below see one commit
        self._load()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        writable: bool = False,
        algorithms: Mapping[SignalKind, Algorithm] | None = None,
        signals: Iterable[StoredSignal] = (),
    ) -> Self:
        """Open the index in `folder`.

        Raises InputError where there is none, IndexFormatError for another
        schema, signals of other `algorithms` than the caller's, or an index made
        without one of the operator's `signals`, and LockedError, naming the pid, if
        another process writes.
        """
        folder = Path(folder)
        if not (folder / DATABASE).is_file():
            raise InputError(f"{folder} holds no index; make one with: clonedetect index add {folder} SOURCE")
        return cls._start(folder, writable=writable, mine=specified((algorithms or {}).items(), signals))

    @classmethod
    def open_or_create(
        cls,
        folder: str | Path,
        *,
        algorithms: Mapping[SignalKind, Algorithm],
        signals: Iterable[StoredSignal] = (),
    ) -> Self:
        """Open the index in `folder` for writing, made if there is none.

        Raises what `open` raises, IndexFormatError for an index that holds more of the
        operator's signals than these `signals`, and InputError for a folder of other things.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / DATABASE).exists():
            if not folder.is_dir():
                raise InputError(f"{folder} is no folder; name a folder for the index")
            if any(entry.name not in _HARMLESS for entry in folder.iterdir()):
                raise InputError(f"{folder} is not empty and holds no index; name another folder")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mine = specified(algorithms.items(), signals)
        return cls._start(folder, writable=True, mine=mine, is_filled=True)

    @classmethod
    def _start(
        cls, folder: Path, *, writable: bool, mine: Mapping[str, str], is_filled: bool = False
    ) -> Self:
        lock = FileLock(folder / LOCK) if writable else None
        try:
            store = cls(folder, writable=writable, lock=lock)
        except BaseException:
            if lock is not None:
                lock.close()
            raise
        try:
            store._agree(mine, is_filled=is_filled)
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and give the lock back; what was not committed is undone."""
        if self.db.conn.in_transaction:
            self.db.rollback()
        if self._writable:
            self._empty_log()
        self.db.close()
        if self._lock is not None:
            self._lock.close()

    @property
    def algorithms(self) -> dict[str, str]:
        """What made the signals: kind to algorithm with version and parameters."""
        return dict(self.db.execute("SELECT kind, specification FROM algorithms ORDER BY kind").fetchall())

    @property
    def signals(self) -> tuple[StoredSignal, ...]:
        """The operator's signals of which the index holds a value for each of its pictures, by name."""
        return tuple(StoredSignal.parse(*pair) for pair in self.algorithms.items() if is_signal_kind(pair[0]))

    @cached_property
    def has_identifiers(self) -> bool:
        """Whether items can be found by their identifiers: not where an older program wrote last."""
        return identifier_rules(self.db) == RULES

    @property
    def lineage(self) -> str:
        """A random name of the last commit, to tell it from another's of the same number."""
        row = self.db.execute(
            "SELECT lineage FROM generations WHERE number = ?", (self._generation,)
        ).fetchone()
        return str(row[0]) if row else ""

    def snapshot(self) -> Generation:
        """Return the last generation; equal content has an equal id, on every machine, after any history."""
        return Generation(self._generation, self._sum.snapshot_id(self.algorithms.items(), CONTENT_SCHEMA))

    def item(self, item_id: ItemId) -> Item | None:
        """Return one item as it was last added, or None."""
        row = self.db.execute("SELECT json FROM items WHERE item_id = ?", (item_id,)).fetchone()
        return msgspec.json.decode(row[0], type=Item) if row else None

    def count(self) -> int:
        """Return how many items there are."""
        return int(self.db.execute("SELECT count(*) FROM items").fetchone()[0])

    def item_ids(self) -> Iterator[ItemId]:
        """Yield the ids of all items, in order."""
        for row in self.db.execute("SELECT item_id FROM items ORDER BY item_id"):
            yield ItemId(row[0])

    def needs(self, item: Item, fingerprint: bytes | None = None) -> bool:
        """Whether `item` must be hashed and added: its row, or size or time of a file, is new or changed.

        Raises OSError where one of its files is gone.
        """
        row = self.db.execute("SELECT fingerprint FROM items WHERE item_id = ?", (item.item_id,)).fetchone()
        return row is None or row[0] != (fingerprint or fingerprint_of(item))

    def stored_fingerprints(self, item_ids: Sequence[ItemId]) -> dict[ItemId, bytes]:
        """Return what `needs` compares for those of some hundreds of items that are there."""
        marks = ",".join("?" * len(item_ids))
        rows = self.db.execute(
            f"SELECT item_id, fingerprint FROM items WHERE item_id IN ({marks})",  # noqa: S608  marks
            list(item_ids),
        )
        return {ItemId(item_id): fingerprint for item_id, fingerprint in rows.fetchall()}

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit as `COMMIT_EVERY` says and at the end; an exception undoes what is not yet committed."""
        self._begin()
        self._is_in_batch = True
        try:
            yield
        except BaseException:
            self.db.rollback()
            self._load()
            raise
        else:
            self._commit()
        finally:
            self._is_in_batch = False

    def add_item(
        self,
        item: Item,
        media_signals: Sequence[ImageSignals | None] = (),
        text_signals: TextSignals | None = None,
        *,
        fingerprint: bytes | None = None,
        provenance: Provenance = _SUPPLIED,
    ) -> Change:
        """Store an item, or replace what is stored of it; the same content again changes nothing.

        `media_signals` stand in the order of ``item.media``, None for what has
        none; `text_signals` belong to the caption. `fingerprint`, if the files
        were read some time ago, is of the moment before.
        """
        fingerprint = fingerprint or fingerprint_of(item)
        contents = ItemContents.of(item, media_signals, text_signals)
        with self._transaction():
            written = write_item(
                self.db,
                contents,
                fingerprint=fingerprint,
                provenance=provenance,
                generation=self._generation + 1,
                at=datetime.now(UTC).replace(microsecond=0),
            )
            if written.change is not Change.UNCHANGED:
                self._count(written.before, written.after)
        return written.change

    def add_captions(self, captions: PreparedCaptions) -> None:
        """Store items of words alone that are not there yet, all in one transaction.

        Raises sqlite3.IntegrityError where one of them is; `stored_fingerprints` tells.
        """
        with self._transaction(len(captions)):
            write_new(self.db, captions, generation=self._generation + 1)
            self._sum.join(ContentSum(captions.content))
            self._is_changed = self._is_changed or bool(len(captions))

    def remove(self, item_ids: Iterable[ItemId], *, at: datetime) -> Removal:
        """Take items out of everything: rows, signals, lookups and, with the next opening, hot files.

        Deleted content is overwritten in the database. `at` is the time that
        the tombstones keep.
        """
        removed, before, unknown = [], [], []
        with self._transaction():
            for item_id in dict.fromkeys(item_ids):
                digest = drop_item(self.db, item_id, generation=self._generation + 1, at=at)
                if digest is not None:
                    self._count(digest, None)
                    removed.append(item_id)
                elif self.db.execute("SELECT 1 FROM removed_items WHERE item_id = ?", (item_id,)).fetchone():
                    before.append(item_id)
                else:
                    unknown.append(item_id)
            self._is_purging = self._is_purging or bool(removed)
        return Removal(tuple(removed), tuple(before), tuple(unknown))

    def replace_refusals(self, source: str, rows: Iterable[tuple[str, int | None, str]]) -> None:
        """Keep (place, line, reason) of each row refused by the last import of `source`, and no older."""
        with self._transaction():
            self.db.execute("DELETE FROM refusals WHERE source = ?", (source,))
            self.db.conn.executemany(
                "INSERT INTO refusals VALUES (?, ?, ?, ?)", [(source, *row) for row in rows]
            )

    def _load(self) -> None:
        meta = dict(self.db.execute("SELECT key, value FROM meta").fetchall())
        self._generation = int(meta["generation"])
        self._sum = ContentSum(bytes(meta["content"]))
        self._pending = 0
        self._is_changed = False
        self._is_purging = False

    def _agree(self, mine: Mapping[str, str], *, is_filled: bool) -> None:
        """Record the caller's algorithms in an empty index; refuse an index made by others.

        Who fills an index must also make every signal that it holds: pictures without
        one would never be proposed by it, and nobody would be told.
        """
        theirs = self.algorithms
        differing = [kind for kind in sorted(mine) if theirs.get(kind) != mine[kind]]
        missing = [kind for kind in theirs if is_filled and is_signal_kind(kind) and kind not in mine]
        if not differing and not missing:
            return
        is_empty = self.db.execute("SELECT 1 FROM items LIMIT 1").fetchone() is None
        if self._writable and is_empty:
            with self._transaction():
                for kind in missing:
                    self.db.execute("DELETE FROM algorithms WHERE kind = ?", (kind,))
                for kind in differing:
                    self.db.execute("INSERT OR REPLACE INTO algorithms VALUES (?, ?)", (kind, mine[kind]))
                self._is_changed = True
            return
        wrong = [kind for kind in (*differing, *missing) if not is_empty or is_signal_kind(kind)]
        if wrong:
            raise IndexFormatError(disagreement(self.folder, theirs, mine, wrong[0]))

    @contextmanager
    def _transaction(self, items: int = 1) -> Iterator[None]:
        """Join the running batch, or be one; so many `items` are changed in it."""
        if not self._is_in_batch:
            with self.batch():
                yield
            return
        yield
        self._pending += items
        is_old = time.monotonic() - self._begun >= COMMIT_AFTER_S
        if self._pending >= COMMIT_AT_MOST or (self._pending >= COMMIT_EVERY and is_old):
            self._commit()
            self._begin()

    def _begin(self) -> None:
        if not self._writable:
            raise ValueError(f"{self.folder} was opened for reading")
        self.db.execute("BEGIN IMMEDIATE")
        self._begun = time.monotonic()

    def _commit(self) -> None:
        is_purging = self._is_purging
        if self._is_changed:
            self._generation += 1
            snapshot = self._sum.snapshot_id(self.algorithms.items(), CONTENT_SCHEMA)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self.db.execute(
                "INSERT INTO generations VALUES (?, ?, ?, ?)",
                (self._generation, secrets.token_hex(8), snapshot, now),
            )
            self._set_meta("generation", self._generation)
            self._set_meta("content", self._sum.state)
        if is_purging:
            self._set_meta("purged", self._generation)
        self.db.commit()
        self._pending = 0
        self._is_changed = False
        self._is_purging = False
        if is_purging:
            self._purge()

    def _purge(self) -> None:
        """Drop what still holds removed content: hot files, and old pages in the write-ahead log."""
        shutil.rmtree(self.folder / HOT, ignore_errors=True)
        self._empty_log()

    def _empty_log(self) -> None:
        """Copy the log into the database and cut it; while readers need it, it stays for the next writer."""
        self.db.execute("PRAGMA busy_timeout = 0")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self.db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")

    def _count(self, before: bytes | None, after: bytes | None) -> None:
        if before is not None:
            self._sum.take(before)
        if after is not None:
            self._sum.add(after)
        self._is_changed = True

    def _set_meta(self, key: str, value: int | bytes) -> None:
        self.db.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
