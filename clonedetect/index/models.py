"""The character model of an index as hot files: learned once, opened as it is, added to as captions come.

A model learns one copy of a caption for each account that holds it, the first one:
what its author posts again must not become common. Captions that came since the
files were written are learned in memory, and put into new files when they are many.
Captions that went cannot be unlearned, because nothing is kept of them: then the
whole is learned anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.hotfiles import drop_leftovers, mapped_generation, write_generation
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.texts import has_generations
from clonedetect.protocols import CharacterModel

__all__ = ["SCHEMA", "ModelMaker", "Tables", "current_model", "renew_model"]

SCHEMA: Final = 1
LAYOUT: Final = "gram counts"

_BLOCK: Final = 8192
_DELTA_AT_LEAST: Final = 20_000
_DELTA_SHARE: Final = 8  # beyond an eighth of the files' captions, writing new ones pays off
_HELD: Final = "captions"
"""How many captions the tables hold, and the highest number of theirs."""

Tables = Mapping[str, npt.NDArray[Any]]


class ModelMaker(Protocol):
    """Makes character models; the index stores their tables and does not look into them."""

    def learned(self, captions: Iterable[Sequence[str]], tables: Tables | None = None) -> CharacterModel:
        """Return the model of normalised captions, given some at a time, on top of stored `tables`.

        Raises IndexFormatError for tables that another version made.
        """
        ...

    def tables(self, model: CharacterModel) -> Tables:
        """Return what is to be stored of a model that `learned` made."""
        ...


def current_model(source: HotSource, maker: ModelMaker) -> CharacterModel:
    """Return the model of the state that `source` names; its files are written where they must be."""
    if source.folder is None:
        return maker.learned(_captions(source, 0))
    model = _opened(source, maker)
    if model is not None:
        return model
    source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        model = _opened(source, maker)  # whoever held the lock may have written it
        return model if model is not None else _written(source, source.folder, maker)


def renew_model(source: HotSource, maker: ModelMaker) -> None:
    """Bring the hot files of the model to exactly the state of `source`, and drop all others."""
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        stored = _stored(source)
        if stored is None or stored[0] != source.generation.number:
            _written(source, source.folder, maker)
        drop_leftovers(source.folder)


def _stored(source: HotSource) -> tuple[int, dict[str, npt.NDArray[Any]]] | None:
    """Return generation and tables of the files, None where they say nothing of this state."""
    if source.folder is None:
        return None
    try:
        plan, arrays = mapped_generation(source.folder, schema=SCHEMA)
    except (FileNotFoundError, IndexFormatError):
        return None  # learned again from the truth; nothing is lost
    held = arrays.get(_HELD)
    if plan.layout != LAYOUT or held is None or held.shape != (2,):
        return None
    if plan.lineage == source.lineage and plan.generation == source.generation.number:
        return plan.generation, arrays
    if not (has_generations(source.db) and source.covers(plan.generation, plan.lineage)):
        return None
    return None if _has_gone(source, plan.generation, int(held[1])) else (plan.generation, arrays)


def _has_gone(source: HotSource, since: int, last: int) -> bool:
    """Whether a caption up to number `last` was removed or exchanged after generation `since`.

    Numbers rise and are never given again; an edited caption keeps its own.
    """
    removed = source.db.execute("SELECT 1 FROM removed_texts WHERE generation > ? LIMIT 1", (since,))
    edited = source.db.execute(
        "SELECT 1 FROM texts WHERE generation > ? AND text_id <= ? LIMIT 1", (since, last)
    )
    return removed.fetchone() is not None or edited.fetchone() is not None


def _opened(source: HotSource, maker: ModelMaker) -> CharacterModel | None:
    """Return the files' model with what came since, None where new files are to be written."""
    stored = _stored(source)
    if stored is None:
        return None
    since, arrays = stored
    newer = 0
    if since != source.generation.number:
        (newer,) = source.db.execute("SELECT count(*) FROM texts WHERE generation > ?", (since,)).fetchone()
    if newer > max(_DELTA_AT_LEAST, int(arrays[_HELD][0]) // _DELTA_SHARE):
        return None
    try:
        return maker.learned(_captions(source, since) if newer else (), arrays)
    except IndexFormatError:
        return None


def _written(source: HotSource, folder: Path, maker: ModelMaker) -> CharacterModel:
    """Learn what is not learned yet, write the files into `folder`, and return the model."""
    stored = _stored(source)
    try:
        since, tables = (0, None) if stored is None else stored
        model = maker.learned(_captions(source, since), tables)
    except IndexFormatError:
        model = maker.learned(_captions(source, 0))
    held = source.db.execute("SELECT count(*), coalesce(max(text_id), 0) FROM texts").fetchone()
    write_generation(
        folder,
        [*maker.tables(model).items(), (_HELD, np.array(held, np.int64))],
        schema=SCHEMA,
        layout=LAYOUT,
        generation=source.generation.number,
        snapshot_id=source.generation.snapshot_id,
        lineage=source.lineage,
    )
    return model


def _captions(source: HotSource, since: int) -> Iterator[list[str]]:
    """Yield the captions stored after generation `since` that no older one of their account equals."""
    condition = f"AND it.generation > {int(since)}" if since else ""
    rows = source.db.execute(
        "SELECT it.normalised FROM texts AS it WHERE NOT EXISTS (SELECT 1 FROM texts AS older "  # noqa: S608  a number
        "WHERE older.exact = it.exact AND older.owner = it.owner AND older.text_id < it.text_id) "
        f"{condition} ORDER BY it.text_id"
    )
    while block := rows.fetchmany(_BLOCK):
        yield [row[0] for row in block]
