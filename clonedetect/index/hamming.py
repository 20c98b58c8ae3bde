"""Exact lookup of 256-bit hashes by Hamming distance, memory-mapped.

Few hashes are scanned flat: numpy's ``bitwise_count`` over words of 64 bits,
in blocks, so that memory stays bounded. Half of a hash decides most pairs: at
radius 31 two random hashes agree that well on their first 128 bits once in
10^9, so the second half is read for survivors only. Many are sorted by bands
(see `mih`) and looked up by compiled loops, which are loaded for them alone.

Both answer alike, hit by hit. Changes since the files were written live in
memory; the files are never written to, and a new generation replaces them
whole (see `hotfiles`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.hotfiles import Plan, open_arrays, read_plan, write_generation
from clonedetect.models.reference import Generation
from clonedetect.protocols import Hits

if TYPE_CHECKING:
    from clonedetect.index import mih

__all__ = ["BANDED_FROM", "HASH_BYTES", "MAX_RADIUS", "HammingIndex", "Layout"]

HASH_BYTES: Final = 32
MAX_RADIUS: Final = 256
SCHEMA: Final = 1
BANDED_FROM: Final = 200_000
"""Number of hashes from which bands answer faster than a flat scan, loading them included; measured."""

_BLOCK_ROWS: Final = 8192
_BLOCK_QUERIES: Final = 32  # 32 x 8192 words of 8 bytes: 2 MB a step, in the second-level cache
_HALF_BITS: Final = 128
_DISTANCE_BITS: Final = 9
_OPEN_ATTEMPTS: Final = 5

Hashes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Found = tuple[Ids, Ids, Ids]


class Layout(StrEnum):
    """How stored hashes are looked up; what is found does not depend on it."""

    FLAT = "flat"
    MIH = "mih"


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
        self._base, self._base_ids = _checked(base, np.empty(0, np.int64) if ids is None else ids)
        self._bands = _bands_of(self._base, layout)
        self._dead: npt.NDArray[np.bool_] | None = None
        self._delta = np.empty((0, HASH_BYTES), np.uint8)
        self._delta_ids = np.empty(0, np.int64)
        self._delta_bands: mih.Bands | None = None
        self._generation = generation or Generation(0, "")
        self._changes = hashlib.sha256()
        self._is_changed = False
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
    ) -> None:
        """Write `hashes`, uint8 (n, 32), and `ids`, int64 (n,), as the folder `path`, atomically.

        What `path` held before stands until the new files are safe on disk.
        Without a `generation`, number 0 and a digest of the content stand for it;
        without a `layout`, the number of hashes decides.
        """
        hashes, ids = _checked(hashes, ids)
        if generation is None:
            content = hashlib.sha256(ids.astype("<i8").tobytes())
            content.update(hashes.tobytes())
            generation = Generation(0, f"sha256:{content.hexdigest()}")
        layout = layout or _layout_for(len(hashes))
        bands, banded = _band_files(hashes) if layout is Layout.MIH else ((), ())
        write_generation(
            Path(path),
            chain((("hash", hashes), ("ids", ids.astype("<i8"))), banded),
            schema=SCHEMA,
            layout=layout,
            bands=bands,
            generation=generation.number,
            snapshot_id=generation.snapshot_id,
            lineage=lineage,
        )

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Map the folder `path` read-only.

        Raises FileNotFoundError where nothing was built, and IndexFormatError
        for files of another layout or schema, or that are damaged.
        """
        folder = Path(path)
        for attempt in range(_OPEN_ATTEMPTS):
            plan = read_plan(folder, schema=SCHEMA)
            _refuse_unknown(folder, plan)
            try:
                arrays = open_arrays(folder, plan)
            except FileNotFoundError:  # replaced between plan and file: the next plan names the new ones
                if attempt == _OPEN_ATTEMPTS - 1:
                    raise
                continue
            try:
                return cls._of_files(plan, arrays)
            except (ValueError, IndexFormatError) as error:
                raise IndexFormatError(f"{folder} is damaged ({error}); delete it") from error
        raise AssertionError("unreachable: the loop returns or raises")

    @classmethod
    def _of_files(cls, plan: Plan, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        hashes, ids = arrays.pop("hash"), arrays.pop("ids")
        generation = Generation(plan.generation, plan.snapshot_id)
        index = cls(hashes, ids, generation=generation, lineage=plan.lineage, layout=Layout.FLAT)
        if plan.layout == Layout.MIH:
            index._bands = _mih().Bands.from_arrays(arrays, len(hashes))
        return index

    @property
    def layout(self) -> Layout:
        """How the stored hashes are looked up."""
        return Layout.FLAT if self._bands is None else Layout.MIH

    @property
    def exact(self) -> bool:
        """Whether every neighbour within the radius is always returned: it is."""
        return True

    def __len__(self) -> int:
        """Return how many hashes a search may return."""
        dead = 0 if self._dead is None else int(np.count_nonzero(self._dead))
        return len(self._base) - dead + len(self._delta)

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
        queries = _checked_hashes(queries)
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius is {radius}; it must lie in 0-{MAX_RADIUS}")
        words = queries.view(np.uint64)
        if self._delta_bands is None:
            self._delta_bands = _bands_of(self._delta, None)
        found = _found(self._base, self._bands, words, radius, threads)
        found = [(numbers, self._base_ids[rows], away) for numbers, rows, away in _alive(found, self._dead)]
        added = _found(self._delta, self._delta_bands, words, radius, threads)
        found += [(numbers, self._delta_ids[rows], away) for numbers, rows, away in added]
        if not found:
            empty = np.empty(0, np.int64)
            return empty, empty.copy(), empty.copy()
        return _in_order(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def add(self, hashes: Hashes, ids: Ids) -> None:
        """Store `hashes`, uint8 (n, 32), under `ids`, int64 (n,), in memory; the next search finds them."""
        hashes, ids = _checked(hashes, ids)
        if not len(ids):
            return
        self._delta = np.concatenate((self._delta, hashes))
        self._delta_ids = np.concatenate((self._delta_ids, ids))
        self._delta_bands = None
        self._note(b"add", ids, hashes)

    def delete(self, ids: Ids) -> None:
        """Forget every hash stored under `ids`, int64 (k,); unknown ids are no error."""
        ids = np.asarray(ids, np.int64).reshape(-1)
        if not len(ids):
            return
        gone = np.isin(self._base_ids, ids)
        if gone.any():
            self._dead = gone if self._dead is None else self._dead | gone
        keep = ~np.isin(self._delta_ids, ids)
        if not keep.all():
            self._delta, self._delta_ids = self._delta[keep], self._delta_ids[keep]
            self._delta_bands = None
        self._note(b"delete", ids)

    def compact(self, path: str | Path, *, generation: Generation | None = None) -> None:
        """Write what a search may return as a new generation of the folder `path`, atomically.

        This index goes on as it is; `open` gives the new one, without changes
        in memory and without what was deleted. Without a `generation` it is
        named as `snapshot` names this one.
        """
        kept = slice(None) if self._dead is None else ~self._dead
        hashes = np.concatenate((self._base[kept], self._delta))
        ids = np.concatenate((self._base_ids[kept], self._delta_ids))
        self.build(path, hashes, ids, generation=generation or self.snapshot(), lineage=self.lineage)

    def _note(self, what: bytes, *arrays: npt.NDArray[np.int64] | Hashes) -> None:
        self._is_changed = True
        self._changes.update(what)
        for array in arrays:
            self._changes.update(array.size.to_bytes(8, "little") + array.tobytes())


def _checked_hashes(hashes: Hashes) -> Hashes:
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES:
        raise ValueError(f"hashes must be uint8 (n, {HASH_BYTES}), not {hashes.dtype} {hashes.shape}")
    return np.ascontiguousarray(hashes)


def _checked(hashes: Hashes, ids: Ids) -> tuple[Hashes, Ids]:
    hashes = _checked_hashes(hashes)
    if ids.dtype != np.int64 or ids.shape != (len(hashes),):
        raise ValueError(f"ids must be int64 ({len(hashes)},), not {ids.dtype} {ids.shape}")
    return hashes, np.ascontiguousarray(ids)


def _mih() -> ModuleType:
    """Load the compiled loops: half a second that no small index shall cost."""
    from clonedetect.index import mih  # noqa: PLC0415  see above

    return mih


def _layout_for(count: int) -> Layout:
    return Layout.MIH if count >= BANDED_FROM else Layout.FLAT


def _bands_of(hashes: Hashes, layout: Layout | None) -> mih.Bands | None:
    is_banded = (layout or _layout_for(len(hashes))) is Layout.MIH
    return _mih().Bands.of(hashes) if is_banded else None


def _band_files(hashes: Hashes) -> tuple[tuple[int, ...], Iterable[tuple[str, npt.NDArray[Any]]]]:
    loaded = _mih()
    return loaded.BOUNDARIES, loaded.band_arrays(hashes)


def _refuse_unknown(folder: Path, plan: Plan) -> None:
    if plan.layout == Layout.MIH:
        if plan.bands != _mih().BOUNDARIES:
            raise IndexFormatError(
                f"{folder} has bands this program does not read; delete it, it is built again"
            )
        return
    if plan.layout != Layout.FLAT or set(plan.arrays) != {"hash", "ids"}:
        raise IndexFormatError(f"{folder} has layout {plan.layout!r}, this program reads {', '.join(Layout)}")


def _found(
    hashes: Hashes, bands: mih.Bands | None, queries: Words, radius: int, threads: int | None
) -> list[Found]:
    """Return (query numbers, rows, distances) in parts and in no order."""
    if bands is None:
        return list(_scan(hashes, queries, radius))
    return [bands.search(hashes, queries, radius, threads or _mih().available_cores())]


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


def _alive(found: list[Found], dead: npt.NDArray[np.bool_] | None) -> list[Found]:
    if dead is None:
        return found
    parts = [(part, ~dead[part[1]]) for part in found]
    return [(numbers[kept], rows[kept], away[kept]) for (numbers, rows, away), kept in parts]


def _scan(hashes: Hashes, queries: Words, radius: int) -> Iterator[Found]:
    """Yield (query numbers, rows, distances) block by block."""
    words = hashes.view(np.uint64)
    for start in range(0, len(words), _BLOCK_ROWS):
        block = np.ascontiguousarray(words[start : start + _BLOCK_ROWS].T)
        for first in range(0, len(queries), _BLOCK_QUERIES):
            numbers, rows, distances = _compare(block, queries[first : first + _BLOCK_QUERIES], radius)
            if len(rows):
                yield numbers + first, rows + start, distances


def _compare(block: Words, queries: Words, radius: int) -> tuple[Ids, Ids, Ids]:
    """Compare word columns, uint64 (4, rows), with queries, uint64 (q, 4)."""
    half = np.bitwise_count(queries[:, 0, None] ^ block[0])
    half += np.bitwise_count(queries[:, 1, None] ^ block[1])
    numbers, rows = np.nonzero(half <= min(radius, _HALF_BITS))
    distances = half[numbers, rows].astype(np.int64)
    for column in (2, 3):
        distances += np.bitwise_count(queries[numbers, column] ^ block[column, rows])
    keep = distances <= radius
    return numbers[keep], rows[keep], distances[keep]
