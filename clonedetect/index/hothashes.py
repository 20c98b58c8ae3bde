"""Hot files of hashes for one state of an index: opened and caught up, merged beside, or built."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from clonedetect.errors import IndexFormatError, LockedError
from clonedetect.index.hamming import SCHEMA, HammingIndex
from clonedetect.index.hotfiles import drop_generation, drop_leftovers, leftovers
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.standing import may_stand
from clonedetect.models.signal import VIEWS_PER_MEDIA

__all__ = ["current_hashes", "renew_hashes"]

_DELTA_AT_LEAST: Final = 20_000
_DELTA_SHARE: Final = 8  # beyond an eighth of the files' rows, merging pays off within a few openings


def current_hashes(source: HotSource) -> HammingIndex:
    """Open the files and bring them up to date, or build them where that cannot be or is not worth it."""
    if source.folder is None:
        return HammingIndex(*source.hashes(), generation=source.generation, lineage=source.lineage)
    index = _caught_up(source, source.folder)
    if index is None:
        index = _built(source, source.folder)
    if index.changed > max(_DELTA_AT_LEAST, len(index) // _DELTA_SHARE):
        index.merge_in_background(
            source.folder,
            generation=source.generation,
            lineage=source.lineage,
            is_wanted=partial(may_stand, source, schema=SCHEMA),
        )
    elif leftovers(source.folder):
        _tidy(source.folder)
    return index


def _built(source: HotSource, folder: Path) -> HammingIndex:
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(folder.parent / "build.lock", wait=True):
        index = _caught_up(source, folder)  # whoever held the lock may have built it
        if index is not None:
            return index
        if not may_stand(source, schema=SCHEMA):  # a later state's files stay for later readers
            return HammingIndex(*source.hashes(), generation=source.generation, lineage=source.lineage)
        _write_hashes(source)
        try:
            return HammingIndex.open(folder)
        except FileNotFoundError:
            return HammingIndex(*source.hashes(), generation=source.generation, lineage=source.lineage)


def _write_hashes(source: HotSource) -> None:
    """Write the hot files of exactly this state; for whoever holds the lock of ``hot/``.

    They are dropped again where something was removed from the index
    meanwhile: its remover could not know of them.
    """
    if source.folder is None:
        raise ValueError("hot files are written where the index can be")
    generation, lineage = source.generation, source.lineage
    HammingIndex.build(source.folder, *source.hashes(), generation=generation, lineage=lineage)
    if not may_stand(source, schema=SCHEMA):
        drop_generation(source.folder, schema=SCHEMA, generation=generation.number, lineage=lineage)


def renew_hashes(source: HotSource) -> None:
    """Bring the hot files of hashes to exactly the state of `source`, and drop all others."""
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(source.folder.parent / "build.lock", wait=True):
        try:
            index = HammingIndex.open(source.folder)
        except (FileNotFoundError, IndexFormatError):
            index = None
        state = (source.generation, source.lineage)
        if index is None or (index.snapshot(), index.lineage) != state:
            _write_hashes(source)
        drop_leftovers(source.folder)


def _caught_up(source: HotSource, folder: Path) -> HammingIndex | None:
    """Return the files' index with the changes since, or None if it must be built."""
    try:
        index = HammingIndex.open(folder)
    except (FileNotFoundError, IndexFormatError):
        return None  # built again from the truth; nothing is lost
    built = index.snapshot().number
    if index.lineage != source.lineage and not source.covers(built, index.lineage):
        return None
    if built == source.generation.number:
        return index
    hashes, ids = source.hashes(since=built)
    if len(ids) > max(_DELTA_AT_LEAST, len(index)):
        return None
    removed = source.removed_since(built)
    index.delete((removed[:, None] * VIEWS_PER_MEDIA + np.arange(VIEWS_PER_MEDIA)).reshape(-1))
    index.add(hashes, ids)
    return index


def _tidy(folder: Path) -> None:
    """Drop what a killed merge left, unless one is under way."""
    with suppress(LockedError), FileLock(folder.parent / "build.lock"):
        drop_leftovers(folder)
