"""Opening an index with everything a verdict takes from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from clonedetect.errors import IndexFormatError
from clonedetect.index.features import FeatureIndex
from clonedetect.index.lock import FileLock
from clonedetect.index.reference import HotSource, OpenIndex, open_index
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.ids import MediaId
from clonedetect.protocols import CharacterModel, FeatureVotes
from clonedetect.signals.background import background_model
from clonedetect.signals.charmodel import CharModel

__all__ = ["open_reference"]

_DELTA_PICTURES = 500


def open_reference(folder: Path) -> OpenIndex:
    """Open the index in `folder` for reading, in the state of its last commit.

    Raises InputError where there is none, and IndexFormatError for another
    schema or other algorithms than this program's, with the command that
    rebuilds it.
    """
    return open_index(folder, votes=_votes, model=_model, algorithms=index_algorithms())


def _model(captions: Iterator[str]) -> CharacterModel:
    model = CharModel(background_model())
    for caption in captions:
        model.add(caption)
    return model


def _votes(source: HotSource) -> FeatureVotes:
    """Open the feature files and bring them up to date, or build them; in memory if need be."""
    if source.folder is None:
        return _with_changes(FeatureIndex(), source, since=0)
    found = _caught_up(source.folder, source)
    if found is not None:
        return found
    source.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(source.folder.parent / "build.lock", wait=True):
        found = _caught_up(source.folder, source)  # whoever held the lock may have built it
        if found is not None:
            return found
        for old in source.folder.iterdir():
            shutil.rmtree(old)
        return FeatureIndex.build(source.folder / _name(source), source.features())


def _name(source: HotSource) -> str:
    return f"{source.generation.number}-{source.lineage}"


def _caught_up(folder: Path, source: HotSource) -> FeatureIndex | None:
    for path in sorted(folder.glob("[0-9]*-*")):
        number, _, lineage = path.name.partition("-")
        if lineage != source.lineage and not source.covers(int(number), lineage):
            continue
        try:
            return _with_changes(FeatureIndex.open(path), source, since=int(number))
        except (IndexFormatError, _TooFarBehindError):
            continue  # built again from the truth; nothing is lost
    return None


class _TooFarBehindError(Exception):
    """More has changed than is worth keeping in memory."""


def _with_changes(index: FeatureIndex, source: HotSource, *, since: int) -> FeatureIndex:
    if since == source.generation.number:
        return index
    index.remove(MediaId(int(number)) for number in source.removed_since(since))
    for count, (media_id, features) in enumerate(source.features(since)):
        if since and count >= _DELTA_PICTURES:
            raise _TooFarBehindError
        index.add(media_id, features)
    return index
