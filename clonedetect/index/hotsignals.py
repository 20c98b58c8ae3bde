"""Lookup of the operator's signals for one state of an index: files opened and caught up, or built.

What is compared by bits is looked up as hashes are (`hothashes`), what is compared by cosine is
scanned (`vectors`). A picture has one value; it stands under ``media_id * VIEWS_PER_MEDIA``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.hamming import HammingIndex
from clonedetect.index.hotfiles import drop_generation, drop_leftovers
from clonedetect.index.hothashes import current_hashes, renew_hashes
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.standing import may_stand
from clonedetect.index.vectors import SCHEMA, VectorIndex
from clonedetect.models.signal import VIEWS_PER_MEDIA
from clonedetect.models.slot import Distance, StoredSignal

__all__ = ["SignalSource", "current_signal", "folder_of", "renew_signal"]

_DELTA_AT_LEAST: Final = 20_000
_DELTA_SHARE: Final = 8  # as of hashes: beyond an eighth, writing pays off within a few openings


@dataclass(frozen=True, slots=True, eq=False)
class SignalSource(HotSource):
    """What the hot files of one signal are built from: its values stand where a `HotSource` has hashes."""

    signal: StoredSignal

    def hashes(self, since: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return values uint8 (n, size) and ids int64 (n,) of pictures stored after generation `since`."""
        condition = "FROM signals JOIN media USING (media_id) WHERE name = ? AND generation > ?"
        (count,) = self.db.execute(f"SELECT count(*) {condition}", (self.signal.name, since)).fetchone()
        values = np.empty((count, self.signal.size_bytes), np.uint8)
        ids = np.empty(count, np.int64)
        rows = self.db.execute(
            f"SELECT media_id, value {condition} ORDER BY media_id", (self.signal.name, since)
        )
        for place, (media_id, value) in enumerate(rows):
            ids[place] = media_id * VIEWS_PER_MEDIA
            values[place] = np.frombuffer(value, np.uint8)
        return values, ids


def folder_of(signal: StoredSignal) -> str:
    """Return the folder below ``hot/`` of a signal's files."""
    return f"signal-{signal.name}"


def current_signal(source: SignalSource) -> HammingIndex | VectorIndex:
    """Open the files and bring them up to date, or build them where that cannot be or is not worth it."""
    if source.signal.distance is Distance.HAMMING:
        return current_hashes(source)
    if source.folder is None:
        return _in_memory(source)
    index = _caught_up(source)
    if index is not None:
        return index
    source.folder.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(source.folder.parent / "build.lock", wait=True):
        index = _caught_up(source)  # whoever held the lock may have built it
        if index is not None:
            return index
        if may_stand(source, schema=SCHEMA):  # a later state's files stay for later readers
            _write(source)
            index = _caught_up(source)
    return index or _in_memory(source)


def renew_signal(source: SignalSource) -> None:
    """Bring the hot files of a signal to exactly the state of `source`, and drop all others."""
    if source.signal.distance is Distance.HAMMING:
        renew_hashes(source)
        return
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(source.folder.parent / "build.lock", wait=True):
        index = _opened(source)
        state = (source.generation, source.lineage)
        if index is None or (index.snapshot(), index.lineage) != state:
            _write(source)
        drop_leftovers(source.folder)


def _in_memory(source: SignalSource) -> VectorIndex:
    return VectorIndex(*source.hashes(), generation=source.generation, lineage=source.lineage)


def _write(source: SignalSource) -> None:
    """Write the files of exactly this state; for whoever holds the lock of ``hot/``.

    They are dropped again where something was removed from the index meanwhile.
    """
    if source.folder is None:
        raise ValueError("hot files are written where the index can be")
    generation, lineage = source.generation, source.lineage
    VectorIndex.build(source.folder, *source.hashes(), generation=generation, lineage=lineage)
    if not may_stand(source, schema=SCHEMA):
        drop_generation(source.folder, schema=SCHEMA, generation=generation.number, lineage=lineage)


def _opened(source: SignalSource) -> VectorIndex | None:
    if source.folder is None:
        return None
    try:
        index = VectorIndex.open(source.folder)
    except (FileNotFoundError, IndexFormatError):
        return None  # built again from the truth; nothing is lost
    return index if index.size == source.signal.size_bytes else None


def _caught_up(source: SignalSource) -> VectorIndex | None:
    """Return the files' index with the changes since, or None if it must be built."""
    index = _opened(source)
    if index is None:
        return None
    built = index.snapshot().number
    if index.lineage != source.lineage and not source.covers(built, index.lineage):
        return None
    if built == source.generation.number:
        return index
    values, ids = source.hashes(since=built)
    removed = source.removed_since(built)
    if len(ids) + len(removed) > max(_DELTA_AT_LEAST, len(index) // _DELTA_SHARE):
        return None
    index.delete(removed * VIEWS_PER_MEDIA)
    index.add(values, ids)
    return index
