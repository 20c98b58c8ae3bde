"""Exact lookup of 256-bit hashes by Hamming distance, memory-mapped.

Files of one generation, mapped, and in memory what was added since, in
segments that are scanned while small and sorted by bands as they grow
(`segments`), and what was deleted since. The files are never written to: a new
generation replaces them whole (`hotfiles`), written at once by `compact` or
beside the work that goes on by `merge_in_background`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index import segments
from clonedetect.index.hotfiles import Plan, drop_generation, mapped_generation, write_generation
from clonedetect.index.merging import Merge, Steps
from clonedetect.index.segments import (
    HASH_BYTES,
    Hashes,
    Ids,
    Layout,
    Segment,
    checked,
    checked_hashes,
    layout_for,
    loaded_mih,
)
from clonedetect.models.reference import Generation
from clonedetect.protocols import Hits

__all__ = ["HASH_BYTES", "MAX_RADIUS", "SCHEMA", "HammingIndex", "Layout"]

MAX_RADIUS: Final = 256
SCHEMA: Final = 1
_DISTANCE_BITS: Final = 9

Segments = tuple[Segment, ...]


class HammingIndex:
    """Stored hashes and their ids, and what was added and deleted since they were written.

    Several hashes may stand under one id, and one hash under several. Made by
    `open` or, wholly in memory, from arrays: hashes uint8 (n, 32), ids int64 (n,).
    The layout follows their number unless one is given.
    """

    def __init__(
        self,
        hashes: Hashes | None = None,
        ids: Ids | None = None,
        *,
        generation: Generation | None = None,
        lineage: str = "",
        layout: Layout | None = None,
    ) -> None:
        base = np.empty((0, HASH_BYTES), np.uint8) if hashes is None else hashes
        numbers = np.empty(0, np.int64) if ids is None else ids
        self._segments: Segments = (Segment.of(*checked(base, numbers), layout),)
        self._generation = generation or Generation(0, "")
        self._changes = hashlib.sha256()
        self._is_changed = False
        self._changing = threading.RLock()
        self._merge: _Merging | None = None
        self._merges_itself: tuple[Path, int] | None = None
        self.lineage = lineage

    @classmethod
    def build(
        cls,
        path: str | Path,
        hashes: Hashes,
        ids: Ids,
        *,
        generation: Generation | None = None,
        lineage: str = "",
        layout: Layout | None = None,
        steps: Steps | None = None,
    ) -> None:
        """Write `hashes`, uint8 (n, 32), and `ids`, int64 (n,), as the folder `path`, atomically.

        What `path` held before stands until the new files are safe on disk.
        Without a `generation`, number 0 and a digest of the content stand for it;
        without a `layout`, the number of hashes decides. `steps` may end it
        between two arrays; nothing is changed then.
        """
        hashes, ids = checked(hashes, ids)
        if generation is None:
            content = hashlib.sha256(ids.astype("<i8").tobytes())
            content.update(hashes.tobytes())
            generation = Generation(0, f"sha256:{content.hexdigest()}")
        layout = layout or layout_for(len(hashes))
        bands, banded = _band_files(hashes) if layout is Layout.MIH else ((), ())
        arrays = chain((("hash", hashes), ("ids", ids.astype("<i8"))), banded)
        write_generation(
            Path(path),
            arrays if steps is None else steps(arrays),
            schema=SCHEMA,
            layout=layout,
            bands=bands,
            generation=generation.number,
            snapshot_id=generation.snapshot_id,
            lineage=lineage,
        )

    @classmethod
    def open(cls, path: str | Path, *, merge_from: int | None = None) -> Self:
        """Map the folder `path` read-only.

        With `merge_from`, a new generation is written to `path` in the
        background whenever so many hashes were added or deleted; without, only
        when asked for. Raises FileNotFoundError where nothing was built, and
        IndexFormatError for files of another layout or schema, or that are
        damaged.
        """
        folder = Path(path)
        base, plan = _mapped(folder)
        index = cls(generation=Generation(plan.generation, plan.snapshot_id), lineage=plan.lineage)
        index._segments = (base,)
        if merge_from is not None:
            index._merges_itself = (folder, merge_from)
        return index

    def close(self) -> None:
        """End a merge that is under way, whose result nobody will use; what is in memory stays usable."""
        with self._changing:
            merging, self._merge = self._merge, None
            self._merges_itself = None
        if merging is not None:
            merging.merge.cancel()

    @property
    def layout(self) -> Layout:
        """How the stored hashes are looked up."""
        return Layout.FLAT if self._segments[0].bands is None else Layout.MIH

    @property
    def exact(self) -> bool:
        """Whether every neighbour within the radius is always returned: it is."""
        return True

    def __len__(self) -> int:
        """Return how many hashes a search may return."""
        return sum(map(len, self._segments))

    @property
    def changed(self) -> int:
        """How many hashes were added to or deleted from the files, which a merge would write."""
        base, *added = self._segments
        return len(base.ids) - len(base) + sum(len(segment.ids) for segment in added)

    def snapshot(self) -> Generation:
        """Return the generation that was opened; changes since are named after a ``+``."""
        if not self._is_changed:
            return self._generation
        suffix = self._changes.hexdigest()[:16]
        return Generation(self._generation.number, f"{self._generation.snapshot_id}+{suffix}")

    def range_search(self, queries: Hashes, radius: int, *, threads: int | None = None) -> Hits:
        """Return every stored hash within `radius` bits (0-256) of each of `queries`, uint8 (q, 32).

        Three int64 arrays: query numbers, ids and distances, ordered by query,
        distance, id. Many queries at once are shared by `threads`, or by as
        many as there are cores, where hashes are looked up by bands.
        """
        queries = checked_hashes(queries)
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius is {radius}; it must lie in 0-{MAX_RADIUS}")
        self._adopt()
        words = queries.view(np.uint64)
        found = [hit for segment in self._segments for hit in segment.search(words, radius, threads)]
        if not found:
            empty = np.empty(0, np.int64)
            return empty, empty.copy(), empty.copy()
        return _in_order(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def add(self, hashes: Hashes, ids: Ids) -> None:
        """Store `hashes`, uint8 (n, 32), under `ids`, int64 (n,), in memory; the next search finds them."""
        hashes, ids = checked(hashes.copy(), ids.copy())
        if len(ids):
            self._change(b"add", lambda stored: _with(stored, hashes, ids), ids, hashes)

    def delete(self, ids: Ids) -> None:
        """Forget every hash stored under `ids`, int64 (k,); unknown ids are no error."""
        ids = np.array(ids, np.int64).reshape(-1)
        if len(ids):
            self._change(b"delete", lambda stored: tuple(part.without(ids) for part in stored), ids)

    def compact(self, path: str | Path, *, generation: Generation | None = None) -> None:
        """Write what a search may return as a new generation of the folder `path`, atomically.

        This index goes on as it is; `open` gives the new one, without changes
        in memory and without what was deleted. Without a `generation` it is
        named as `snapshot` names this one.
        """
        hashes, ids = _together(self._segments)
        self.build(path, hashes, ids, generation=generation or self.snapshot(), lineage=self.lineage)

    def merge_in_background(
        self,
        path: str | Path,
        *,
        generation: Generation | None = None,
        lineage: str | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Merge:
        """Do what `compact` does in a thread, and go on from its files once they are there; return at once.

        Searches and changes go on meanwhile. Nothing is done where another
        holds ``build.lock`` beside `path`. `is_wanted` is asked first, and
        again when the files stand: if it says no, they are dropped.
        """
        folder = Path(path)
        with self._changing:
            if self._merge is not None and not self._merge.merge.is_over:
                return self._merge.merge
            named = generation or self.snapshot()
            line = self.lineage if lineage is None else lineage
            merge = Merge(
                folder.parent / "build.lock", _writing(self._segments, folder, named, line, is_wanted)
            )
            self._merge = _Merging(merge, folder, (named.number, named.snapshot_id, line))
            return merge

    def _change(self, what: bytes, change: Callable[[Segments], Segments], *named: Ids | Hashes) -> None:
        with self._changing:
            self._adopt()
            self._segments = change(self._segments)
            if self._merge is not None:
                self._merge.since.append(change)
            self._is_changed = True
            self._changes.update(what)
            for array in named:
                self._changes.update(array.size.to_bytes(8, "little") + array.tobytes())
            if self._merges_itself is not None and self.changed >= self._merges_itself[1]:
                self.merge_in_background(self._merges_itself[0])

    def _adopt(self) -> None:
        """Go on from files that a merge has written, with what changed since it began."""
        if self._merge is None or not self._merge.merge.is_over:
            return
        with self._changing:
            merging, self._merge = self._merge, None
            if merging is None or not merging.merge.is_written:
                return
            try:
                base, plan = _mapped(merging.folder)
            except (FileNotFoundError, IndexFormatError):
                return  # replaced or removed by somebody else: what is in memory still answers
            if (plan.generation, plan.snapshot_id, plan.lineage) != merging.name:
                return
            stored: Segments = (base,)
            for change in merging.since:
                stored = change(stored)
            self._segments = stored


@dataclass(frozen=True, slots=True, eq=False)
class _Merging:
    """A merge under way: where to, under what number, id and lineage, and what was changed since it began."""

    merge: Merge
    folder: Path
    name: tuple[int, str, str]
    since: list[Callable[[Segments], Segments]] = field(default_factory=list)


def _writing(
    stored: Segments, folder: Path, generation: Generation, lineage: str, is_wanted: Callable[[], bool]
) -> Callable[[Steps], None]:
    def write(steps: Steps) -> None:
        if not is_wanted():
            return
        hashes, ids = _together(stored)
        HammingIndex.build(folder, hashes, ids, generation=generation, lineage=lineage, steps=steps)
        if not is_wanted():
            drop_generation(folder, schema=SCHEMA, generation=generation.number, lineage=lineage)

    return write


def _mapped(folder: Path) -> tuple[Segment, Plan]:
    plan, arrays = mapped_generation(folder, schema=SCHEMA)
    _refuse_unknown(folder, plan)
    try:
        hashes, ids = checked(arrays.pop("hash"), arrays.pop("ids"))
        is_banded = plan.layout == Layout.MIH
        bands = loaded_mih().Bands.from_arrays(arrays, len(hashes)) if is_banded else None
    except (ValueError, IndexFormatError) as error:
        raise IndexFormatError(f"{folder} is damaged ({error}); delete it") from error
    return Segment(hashes, ids, bands), plan


def _with(stored: Segments, hashes: Hashes, ids: Ids) -> Segments:
    """Put new hashes into the last segment while it is small enough to be scanned, else into one more."""
    base, *added = stored
    if added and len(added[-1].ids) < segments.BANDED_FROM:
        old_hashes, old_ids = added.pop().alive()
        hashes, ids = np.concatenate((old_hashes, hashes)), np.concatenate((old_ids, ids))
    return (base, *added, Segment.of(hashes, ids))


def _together(stored: Segments) -> tuple[Hashes, Ids]:
    parts = [segment.alive() for segment in stored]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([hashes for hashes, _ in parts]), np.concatenate([ids for _, ids in parts])


def _band_files(hashes: Hashes) -> tuple[tuple[int, ...], Iterable[tuple[str, npt.NDArray[Any]]]]:
    loaded = loaded_mih()
    return loaded.BOUNDARIES, loaded.band_arrays(hashes)


def _refuse_unknown(folder: Path, plan: Plan) -> None:
    if plan.layout == Layout.MIH:
        if plan.bands != loaded_mih().BOUNDARIES:
            raise IndexFormatError(
                f"{folder} has bands this program does not read; delete it, it is built again"
            )
        return
    if plan.layout != Layout.FLAT or set(plan.arrays) != {"hash", "ids"}:
        raise IndexFormatError(f"{folder} has layout {plan.layout!r}, this program reads {', '.join(Layout)}")


def _in_order(numbers: Ids, ids: Ids, distances: Ids) -> Hits:
    """Order hits by query, distance, id; as single words where they fit, which sorts ten times as fast."""
    if not len(ids):
        return numbers, ids, distances
    least, most = int(ids.min()), int(ids.max())
    id_bits = (most - least).bit_length()
    if int(numbers.max()).bit_length() + _DISTANCE_BITS + id_bits > 63:
        order = np.lexsort((ids, distances, numbers))
        return numbers[order], ids[order], distances[order]
    packed = np.sort(((numbers << _DISTANCE_BITS | distances) << id_bits) | (ids - least))
    ranked = packed >> id_bits
    return (
        ranked >> _DISTANCE_BITS,
        (packed & ((1 << id_bits) - 1)) + least,
        ranked & ((1 << _DISTANCE_BITS) - 1),
    )
