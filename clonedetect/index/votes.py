"""Hot files of local features for one state of an index: opened and caught up, or built.

Each build has a folder of its own, named by generation and lineage, which
appears whole or not at all; older ones are dropped once a newer one stands.
"""

from __future__ import annotations

import re
import shutil
from itertools import islice
from pathlib import Path
from typing import Final

from clonedetect.errors import IndexFormatError
from clonedetect.index.features import FeatureIndex
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.models.ids import MediaId

__all__ = ["feature_votes", "renew_votes"]

_DELTA_AT_MOST: Final = 1000
"""Pictures caught up with in memory: their lists are made at each opening, in about a second."""

_NAME: Final = re.compile(r"(\d+)-([0-9a-f]*)\Z")


def feature_votes(source: HotSource) -> FeatureIndex:
    """Return the lookup of local features for the state that `source` names.

    Where nothing may be written, it is made in memory.
    """
    if source.folder is None:
        return _with_changes(FeatureIndex(), source, since=0)
    index = _caught_up(source, source.folder)
    if index is not None:
        return index
    source.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        index = _caught_up(source, source.folder)  # whoever held the lock may have built it
        if index is not None:
            return index
        return _built(source, source.folder)


def renew_votes(source: HotSource) -> None:
    """Bring the files to exactly the state that `source` names, and drop all others."""
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        target = _target(source, source.folder)
        try:
            FeatureIndex.open(target)
        except IndexFormatError:
            _built(source, source.folder)
        _drop_all_but(target)


def _target(source: HotSource, folder: Path) -> Path:
    return folder / f"{source.generation.number}-{source.lineage}"


def _built(source: HotSource, folder: Path) -> FeatureIndex:
    target = _target(source, folder)
    for left in (path for path in folder.iterdir() if path.is_dir() and path.name.startswith(".")):
        shutil.rmtree(left)  # a build that was killed
    shutil.rmtree(target, ignore_errors=True)
    index = FeatureIndex.build(target, source.features())
    _drop_all_but(target)
    return index


def _drop_all_but(target: Path) -> None:
    for old in (path for path in target.parent.iterdir() if path.is_dir() and path != target):
        shutil.rmtree(old, ignore_errors=True)


def _caught_up(source: HotSource, folder: Path) -> FeatureIndex | None:
    """Return the newest usable files with what changed since, or None if they must be built."""
    for number, path in sorted(_builds(source, folder), reverse=True):
        if len(list(islice(source.features(since=number), _DELTA_AT_MOST + 1))) > _DELTA_AT_MOST:
            return None
        try:
            return _with_changes(FeatureIndex.open(path), source, since=number)
        except IndexFormatError:
            continue  # damaged, or dropped a moment ago by a newer build
    return None


def _builds(source: HotSource, folder: Path) -> list[tuple[int, Path]]:
    """Return the builds that this state can be caught up from; a later state's are none."""
    if not folder.is_dir():
        return []
    named = [(match, path) for path in folder.iterdir() if (match := _NAME.match(path.name))]
    return [(int(match[1]), path) for match, path in named if source.covers(int(match[1]), match[2])]


def _with_changes(index: FeatureIndex, source: HotSource, *, since: int) -> FeatureIndex:
    index.remove(MediaId(int(number)) for number in source.removed_since(since))
    for media_id, features in source.features(since=since):
        index.add(media_id, features)
    return index
