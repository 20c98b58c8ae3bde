"""An index opened for matching, with the lookups and the character model it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

from clonedetect.index.models import Tables
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.votes import feature_votes
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.slot import Signal
from clonedetect.protocols import CharacterModel
from clonedetect.signals.background import background_model, operator_background
from clonedetect.signals.charmodel import CharModel

__all__ = ["CharModels", "OnLearning", "open_reference", "shortfall"]

OnLearning = Callable[[int], None]
"""Told how many captions the character model has learned, while it learns those of an index."""


def _ignore(_: int) -> None:
    return None


def open_reference(
    index_folder: str | Path,
    *,
    signals: Iterable[Signal] = (),
    background: Sequence[str] = (),
    on_learning: OnLearning = _ignore,
) -> OpenIndex:
    """Open the index for reading; close it, or use it in a ``with`` block.

    `background` are texts of the operator's that say how people write, none of
    which is evidence: the character model learns them beside the shipped ones.
    `on_learning` is told as the model learns captions.
    Raises InputError where there is none and IndexFormatError where its
    signals are not of the algorithms this program asks with, or it was made
    without one of the operator's `signals`.
    """
    return open_index(
        index_folder,
        votes=feature_votes,
        model=CharModels(background, on_learning),
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


class CharModels:
    """Makes the program's character models; implements `index.models.ModelMaker`.

    `background` are the operator's texts, which stand beside the shipped ones.
    `on_learning` is told as captions are learned.
    """

    def __init__(self, background: Sequence[str] = (), on_learning: OnLearning = _ignore) -> None:
        self._texts = background
        self._on_learning = on_learning

    def learned(self, captions: Iterable[Sequence[str]], tables: Tables | None = None) -> CharModel:
        """Return the model of `captions` on top of the shipped background and stored `tables`."""
        background, own = self._background
        model = CharModel(background) if tables is None else CharModel.from_arrays(tables, background)
        if own is not None:
            model.credit(own)
        learned = 0
        for some in captions:
            self._on_learning(learned)
            model.add_many(some)
            learned += len(some)
        return model

    @cached_property
    def _background(self) -> tuple[CharModel, CharModel | None]:
        return operator_background(self._texts) if self._texts else (background_model(), None)

    def tables(self, model: CharacterModel) -> Tables:
        """Return the index's own part of a model that `learned` made."""
        if not isinstance(model, CharModel):
            raise TypeError(f"{type(model).__name__} is no model of this maker")
        return model.to_arrays()
