"""Hot files of captions for one state of an index: opened and caught up, or built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.errors import IndexFormatError
from clonedetect.index.hotfiles import drop_leftovers, open_arrays, read_plan, write_generation
from clonedetect.index.hotsource import HotSource
from clonedetect.index.keytable import MAX_NUMBER, Keys, KeyTable, Numbers
from clonedetect.index.lock import FileLock
from clonedetect.index.postings import TextLayer, TextPostings
from clonedetect.index.spool import Spool
from clonedetect.models.minhash import BAND_ROWS, BANDS, EMPTY, band_keys

__all__ = ["SCHEMA", "block_of", "opened_postings", "renew_texts", "text_postings"]

SCHEMA: Final = 1
LAYOUT: Final = "sorted keys"

_DELTA_AT_LEAST: Final = 20_000
_DELTA_SHARE: Final = 8  # beyond an eighth of the files' captions, building anew pays off
_BLOCK: Final = 4096
_GRAMS_EACH: Final = 40  # about as many as a caption of 100 characters has; only files are planned by it
_NOBODY: Final = np.empty(0, np.uint32)

Entries = tuple[Keys, Numbers]
Block = tuple[Entries, Entries, Numbers]
"""Grams and bands, each with the number of the caption that has it, and the captions' numbers."""


def text_postings(source: HotSource) -> TextPostings:
    """Return the lookups of captions for the state that `source` names; built where they must be."""
    if source.folder is None:
        layer, count = _in_memory(source.db, 0)
        return TextPostings(source.db, (layer,), count)
    postings = opened_postings(source)
    if postings is not None:
        return postings
    source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        postings = opened_postings(source)  # whoever held the lock may have built it
        if postings is not None:
            return postings
        _build(source, source.folder)
        layer, count, _ = _mapped(source.folder)
    return TextPostings(source.db, (layer,), count)


def renew_texts(source: HotSource) -> None:
    """Bring the hot files of captions to exactly the state of `source`, and drop all others."""
    if source.folder is None:
        raise ValueError("hot files are renewed where the index can be written")
    source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(source.folder / "build.lock", wait=True):
        try:
            plan = read_plan(source.folder, schema=SCHEMA)
        except (FileNotFoundError, IndexFormatError):
            plan = None
        if plan is None or (plan.generation, plan.lineage) != (source.generation.number, source.lineage):
            _build(source, source.folder)
        drop_leftovers(source.folder)


def opened_postings(source: HotSource) -> TextPostings | None:
    """Return the files' lookups with what changed since, or None if they must be built."""
    if source.folder is None:
        return None
    try:
        plan = read_plan(source.folder, schema=SCHEMA)
        built = plan.generation
        is_same = plan.lineage == source.lineage and built == source.generation.number
        if not is_same and not (has_generations(source.db) and source.covers(built, plan.lineage)):
            return None
        layer, count, last = _mapped(source.folder)
    except (FileNotFoundError, IndexFormatError):
        return None  # built again from the truth; nothing is lost
    if is_same:
        return TextPostings(source.db, (layer,), count)
    return _with_changes(source.db, layer, count, since=built, last=last)


def has_generations(db: Database) -> bool:
    """Whether this index says when a caption was stored; indexes of schema 1 do not."""
    return any(row[1] == "generation" for row in db.execute("PRAGMA table_info(texts)").fetchall())


def _with_changes(
    db: Database, layer: TextLayer, count: int, *, since: int, last: int
) -> TextPostings | None:
    """Return `layer` with what came and went after generation `since`; None where that is too much.

    Numbers rise and are never given again, so that the files hold a caption
    just if its number is not above `last`, the highest of theirs.
    """
    (changed,) = db.execute("SELECT count(*) FROM texts WHERE generation > ?", (since,)).fetchone()
    if changed > max(_DELTA_AT_LEAST, count // _DELTA_SHARE):
        return None
    removed = db.execute("SELECT text_id FROM removed_texts WHERE generation > ?", (since,)).fetchall()
    newer, _ = _in_memory(db, since)
    stored = db.execute("SELECT text_id FROM texts WHERE generation > ?", (since,)).fetchall()
    gone = np.unique(np.array([*removed, *stored], np.uint32).reshape(-1))
    gone = gone[gone <= last]
    living = count - len(gone) + len(stored)
    return TextPostings(db, (TextLayer(layer.grams, layer.bands, gone), newer), living)


def _in_memory(db: Database, since: int) -> tuple[TextLayer, int]:
    blocks = list(_blocks(db, since))

    def table(part: Literal[0, 1]) -> KeyTable:
        keys = [np.empty(0, np.uint64), *(b[part][0] for b in blocks)]
        return KeyTable.of(np.concatenate(keys), np.concatenate([_NOBODY, *(b[part][1] for b in blocks)]))

    return TextLayer(table(0), table(1), _NOBODY), sum(len(block[2]) for block in blocks)


def _build(source: HotSource, folder: Path) -> None:
    (count,) = source.db.execute("SELECT count(*) FROM texts").fetchone()
    with Spool(folder, count * _GRAMS_EACH) as grams, Spool(folder, count * BANDS) as bands:
        last = 0
        for gram_block, band_block, numbers in _blocks(source.db, 0):
            grams.add(*gram_block)
            bands.add(*band_block)
            last = int(numbers[-1])
        write_generation(
            folder,
            _arrays(grams, bands, count, last),
            schema=SCHEMA,
            layout=LAYOUT,
            generation=source.generation.number,
            snapshot_id=source.generation.snapshot_id,
            lineage=source.lineage,
        )


def _arrays(grams: Spool, bands: Spool, count: int, last: int) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield from grams.arrays("grams")
    yield from bands.arrays("bands")
    yield "captions", np.array([count, last], np.int64)


def _mapped(folder: Path) -> tuple[TextLayer, int, int]:
    """Return the files' layer, how many captions it holds and the highest number."""
    plan = read_plan(folder, schema=SCHEMA)
    arrays = open_arrays(folder, plan)
    captions = arrays.get("captions", np.empty(0))
    if plan.layout != LAYOUT or captions.dtype != np.int64 or captions.shape != (2,):
        raise IndexFormatError(f"{folder} holds no lookup of captions; delete it, it is built again")
    layer = TextLayer(KeyTable.from_arrays(arrays, "grams"), KeyTable.from_arrays(arrays, "bands"), _NOBODY)
    return layer, int(captions[0]), int(captions[1])


def _blocks(db: Database, since: int) -> Iterator[Block]:
    """Yield the keys of captions stored after generation `since`, some thousands at a time, by number."""
    condition = f"WHERE generation > {int(since)}" if since else ""
    rows = db.execute(f"SELECT text_id, fingerprints, minhash FROM texts {condition} ORDER BY text_id")  # noqa: S608  a number
    while block := rows.fetchmany(_BLOCK):
        yield block_of(block)


def block_of(rows: Sequence[tuple[int, bytes, bytes]]) -> Block:
    """Return the keys of some captions, (number, fingerprints, minhash) each.

    Raises ValueError for a number that does not fit into 32 bits.
    """
    if rows[-1][0] > MAX_NUMBER:
        raise ValueError(f"caption {rows[-1][0]} is beyond what one index can number; split it")
    numbers = np.array([row[0] for row in rows], np.uint32)
    grams = np.frombuffer(b"".join(row[1] for row in rows), "<u8")
    counts = [len(row[1]) // 8 for row in rows]
    signatures = np.stack([np.frombuffer(row[2], "<u4", count=BANDS * BAND_ROWS) for row in rows])
    is_text = ~(signatures == EMPTY).all(axis=1)
    bands = band_keys(signatures[is_text].astype(np.uint32, copy=False))
    return (
        (grams.astype(np.uint64, copy=False), np.repeat(numbers, counts)),
        (bands.reshape(-1), np.repeat(numbers[is_text], BANDS)),
        numbers,
    )
