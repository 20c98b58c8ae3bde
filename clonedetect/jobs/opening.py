"""An index opened for matching, with the lookups and the character model it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.votes import feature_votes
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.slot import Signal
from clonedetect.signals.background import background_model
from clonedetect.signals.charmodel import CharModel

__all__ = ["open_reference", "shortfall"]


def open_reference(index_folder: str | Path, *, signals: Iterable[Signal] = ()) -> OpenIndex:
    """Open the index for reading; close it, or use it in a ``with`` block.

    Raises InputError where there is none and IndexFormatError where its
    signals are not of the algorithms this program asks with, or it was made
    without one of the operator's `signals`.
    """
    return open_index(
        index_folder,
        votes=feature_votes,
        model=_character_model,
        algorithms=index_algorithms(),
        signals=[signal.stored for signal in signals],
    )


def shortfall(index: OpenIndex) -> str:
    """Return what cannot be looked up in an index that an older program made, "" where nothing is amiss."""
    if index.has_identifiers:
        return ""
    return (
        "handles, ids and hotlinks are not looked up: an older program wrote the index last; "
        "the next clonedetect index add brings it up to date"
    )


def _character_model(captions: Iterator[str]) -> CharModel:
    model = CharModel(background_model())
    for caption in captions:
        model.add(caption)
    return model
