"""Hot files of local features for one state of an index: opened and caught up, extended, or built."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clonedetect.errors import IndexFormatError, LockedError
from clonedetect.index import featurefiles
from clonedetect.index.featurefiles import SCHEMA, grouped, mapped_layers, stays, write_layers
from clonedetect.index.features import FeatureIndex, Layer
from clonedetect.index.featurestore import FeatureRows, FeatureStore
from clonedetect.index.hotfiles import drop_generation, drop_leftovers, leftovers, read_plan
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.merging import Merge, Steps
from clonedetect.index.standing import may_stand

__all__ = ["extend_votes", "feature_votes", "renew_votes"]

_LOCK: Final = "build.lock"

_DELTA_AT_MOST: Final = 256
"""Pictures that came or went without files being written: each opening catches up with them in memory."""

_BEHIND_AT_MOST: Final = 5_000
"""Pictures that may have come since before files are written first: in memory they have 11 KB each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """Files of generation `built` without what went since, and how many pictures came and went since."""

    layers: tuple[Layer, ...]
    built: int
    came: int
    went: int


def feature_votes(source: HotSource) -> FeatureIndex:
    """Return the lookup of local features for the state that `source` names.

    Files that are behind are caught up with in memory, and what is new is
    written beside the work that goes on. Where nothing may be written, all is
    made in memory.
    """
    if source.folder is None:
        return _in_memory(source)
    found = _standing(source, source.folder)
    if found is None or found.came > _BEHIND_AT_MOST:
        return _written(source, source.folder)
    index = _caught_up(source, found)
    if found.came + found.went > _DELTA_AT_MOST:
        index.merge = _merging(source, source.folder, index.layers, found.built)
    elif leftovers(source.folder):
        with suppress(LockedError), _lock(source.folder):
            drop_leftovers(source.folder)
    return index


def extend_votes(source: HotSource) -> None:
    """Write what is new, for whoever has just stored it.

    Nothing is done where there are no files yet or little is new: whoever opens
    the index builds them, or has it in memory.
    """
    if source.folder is None or not source.folder.is_dir():
        return
    with _lock(source.folder, wait=True):
        found = _standing(source, source.folder)
        if found is not None and found.came + found.went > _DELTA_AT_MOST:
            _write(source, source.folder)


def renew_votes(source: HotSource) -> None:
    """Bring the files to exactly the state of `source`, in few segments, and drop all others."""
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(source.folder, wait=True):
        _write(source, source.folder, fully=True)
        drop_leftovers(source.folder)


def _written(source: HotSource, folder: Path) -> FeatureIndex:
    """Write the files first, then open them; all is made in memory where they may not stand."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(folder, wait=True):
        found = _standing(source, folder)  # whoever held the lock may have written them
        if found is None or found.came > _BEHIND_AT_MOST:
            if may_stand(source, schema=SCHEMA):  # a later state's files stay for later readers
                _write(source, folder)
            found = _standing(source, folder)
    return _in_memory(source) if found is None else _caught_up(source, found)


def _write(source: HotSource, folder: Path, *, fully: bool = False) -> None:
    """Write the files of exactly this state; for whoever holds the lock.

    They are dropped again where something was removed from the index
    meanwhile: its remover could not know of them.
    """
    found = _standing(source, folder)
    layers, built = ((), 0) if found is None else (found.layers, found.built)
    is_current = found is not None and built == source.generation.number
    if is_current and all(stays(group, fully=fully) for group in grouped(layers, fully=fully)):
        return
    for build in (path for path in folder.iterdir() if path.is_dir()):
        shutil.rmtree(build, ignore_errors=True)  # of schema 1, a folder each
    write_layers(
        folder,
        layers,
        _stores(source, built),
        generation=source.generation,
        lineage=source.lineage,
        fully=fully,
    )
    _drop_unless_wanted(source, folder)


def _merging(source: HotSource, folder: Path, layers: Sequence[Layer], built: int) -> Merge:
    """Begin to write `layers`, of which those without files came after generation `built`."""

    def write(steps: Steps) -> None:
        try:
            is_first = read_plan(folder, schema=SCHEMA).generation == built
        except (FileNotFoundError, IndexFormatError):
            return  # removed by somebody else; whoever opens the index next builds them
        if is_first and may_stand(source, schema=SCHEMA):
            write_layers(folder, layers, generation=source.generation, lineage=source.lineage, steps=steps)
            _drop_unless_wanted(source, folder)

    return Merge(folder / _LOCK, write)


def _drop_unless_wanted(source: HotSource, folder: Path) -> None:
    if not may_stand(source, schema=SCHEMA):
        drop_generation(folder, schema=SCHEMA, generation=source.generation.number, lineage=source.lineage)


def _standing(source: HotSource, folder: Path) -> _Standing | None:
    """Return what files there are to go on from, or None if they must be built."""
    try:
        layers, plan = mapped_layers(folder)
    except (FileNotFoundError, IndexFormatError):
        return None  # built again from the truth; nothing is lost
    is_same = (plan.generation, plan.lineage) == (source.generation.number, source.lineage)
    if is_same:
        return _Standing(layers, plan.generation, 0, 0)
    if not source.covers(plan.generation, plan.lineage):
        return None
    gone = source.removed_since(plan.generation)
    layers = tuple(layer.without(gone) for layer in layers)
    return _Standing(layers, plan.generation, source.pictures_with_features(plan.generation), len(gone))


def _caught_up(source: HotSource, found: _Standing) -> FeatureIndex:
    new = map(Layer.of, _stores(source, found.built)) if found.came else ()
    return FeatureIndex((*found.layers, *new))


def _in_memory(source: HotSource) -> FeatureIndex:
    return FeatureIndex(map(Layer.of, _stores(source, 0)))


def _stores(source: HotSource, since: int) -> Iterator[FeatureStore]:
    """Yield stores of the pictures that came after generation `since`, each as large as a segment may be."""
    waiting: list[FeatureRows] = []
    rows = 0
    for block in source.features(since):
        part = FeatureRows.of(*block)
        if waiting and rows + len(part) > featurefiles.ROWS_AT_MOST:
            yield FeatureStore.of(_taken(waiting))
            rows = 0
        waiting.append(part)
        rows += len(part)
    if waiting:
        yield FeatureStore.of(_taken(waiting))


def _taken(waiting: list[FeatureRows]) -> FeatureRows:
    """Put rows together and empty the list: they fill memory, and shall not stay in it twice."""
    whole = FeatureRows.joined(waiting)
    waiting.clear()
    return whole


def _lock(folder: Path, *, wait: bool = False) -> FileLock:
    return FileLock(folder / _LOCK, wait=wait)
