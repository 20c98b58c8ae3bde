"""An index without what is stale: hot files of exactly its last commit, a database without gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from clonedetect.index.hothashes import renew_hashes
from clonedetect.index.hotsignals import SignalSource, folder_of, renew_signal
from clonedetect.index.hotsource import HotSource
from clonedetect.index.models import renew_model
from clonedetect.index.store import HOT, IndexStore
from clonedetect.index.texts import renew_texts
from clonedetect.index.votes import renew_votes
from clonedetect.jobs.opening import CharModels

__all__ = ["HOT_LOOKUPS", "CompactResult", "compact_index"]

Renewal = Callable[[HotSource], None]
"""Brings the hot files of one lookup to exactly the source's state, and drops all others in its folder."""

HOT_LOOKUPS: Final[Mapping[str, Renewal]] = MappingProxyType(
    {
        "hashes": renew_hashes,
        "features": renew_votes,
        "texts": renew_texts,
        "characters": lambda source: renew_model(source, CharModels()),
    }
)
"""The folders below ``hot/``, and what renews each."""


class CompactResult(msgspec.Struct, frozen=True):
    """Bytes of all files in the folder before and after, and the generation the hot files are of."""

    size_bytes_before: int
    size_bytes_after: int
    generation: int
    snapshot_id: str


def compact_index(index_folder: Path, *, lookups: Mapping[str, Renewal] = HOT_LOOKUPS) -> CompactResult:
    """Merge every change into the hot files, drop what is stale there, and vacuum the database.

    Content and generation stay as they are. Readers are not disturbed; raises
    LockedError, naming the pid, if another process writes. Killed at any
    moment, the index is as it was or as it will be.
    """
    with IndexStore.open(index_folder, writable=True) as store:
        before = _size(store.folder)
        generation, lineage = store.snapshot(), store.lineage
        for name, renew in lookups.items():
            renew(HotSource(store.folder / HOT / name, generation, lineage, store.db))
        for signal in store.signals:
            folder = store.folder / HOT / folder_of(signal)
            renew_signal(SignalSource(folder, generation, lineage, store.db, signal))
        store.db.vacuum()
    return CompactResult(before, _size(Path(index_folder)), generation.number, generation.snapshot_id)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
