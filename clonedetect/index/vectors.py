"""Exact lookup of vectors of bytes by cosine distance: a scan of memory-mapped values, block by block.

Every query reads every value; many queries at once read them once. Products of bytes
add up to whole numbers below 2**24, which single precision holds exactly in any order
of adding, and the rest is rounded as IEEE 754 says: every processor gives the same
distances. docs/signals.md says what a scan costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.hotfiles import open_arrays, read_plan, write_generation
from clonedetect.models.reference import Generation
from clonedetect.models.slot import Distance
from clonedetect.protocols import Hits

__all__ = ["LAYOUT", "SCHEMA", "VectorIndex"]

SCHEMA: Final = 1
LAYOUT: Final = "vectors"
_BLOCK_ROWS: Final = 8192
_BLOCK_QUERIES: Final = 256
_OPEN_ATTEMPTS: Final = 5
_THOUSANDTHS: Final = 1000

Values = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Values int8 (n, size), squared lengths and ids int64 (n,), and which still stand (None: all)."""

    values: npt.NDArray[np.int8]
    squares: npt.NDArray[np.int64]
    ids: Ids
    alive: npt.NDArray[np.bool_] | None = None

    def without(self, ids: Ids) -> _Part:
        gone = np.isin(self.ids, ids)
        if not gone.any():
            return self
        return replace(self, alive=~gone if self.alive is None else self.alive & ~gone)

    def count(self) -> int:
        return len(self.ids) if self.alive is None else int(self.alive.sum())


class VectorIndex:
    """Stored values of `size` bytes and their ids, and what was added and deleted since they were written.

    Made by `open` or, wholly in memory, from arrays: values uint8 (n, size), ids int64
    (n,). Each byte is a signed number; `squares`, their squared lengths, are computed unless given.
    """

    def __init__(
        self,
        values: Values,
        ids: Ids,
        *,
        squares: npt.NDArray[np.int64] | None = None,
        generation: Generation | None = None,
        lineage: str = "",
    ) -> None:
        self.size = values.shape[1]
        self._parts: tuple[_Part, ...] = (_part(values, ids, squares),)
        self._generation = generation or Generation(0, "")
        self.lineage = lineage

    @classmethod
    def build(
        cls, path: str | Path, values: Values, ids: Ids, *, generation: Generation, lineage: str = ""
    ) -> None:
        """Write `values`, uint8 (n, size), and `ids`, int64 (n,), as the folder `path`, atomically."""
        part = _part(values, ids)
        write_generation(
            Path(path),
            (("values", part.values), ("squares", part.squares.astype("<i8")), ("ids", ids.astype("<i8"))),
            schema=SCHEMA,
            layout=LAYOUT,
            generation=generation.number,
            snapshot_id=generation.snapshot_id,
            lineage=lineage,
        )

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Map the folder `path` read-only.

        Raises FileNotFoundError where nothing was built, and IndexFormatError for files of another
        layout or schema, or that are damaged.
        """
        folder = Path(path)
        for attempt in range(_OPEN_ATTEMPTS):
            plan = read_plan(folder, schema=SCHEMA)
            if plan.layout != LAYOUT or set(plan.arrays) != {"values", "squares", "ids"}:
                raise IndexFormatError(f"{folder} has layout {plan.layout!r}, not {LAYOUT!r}; delete it")
            try:
                arrays = open_arrays(folder, plan)
            except FileNotFoundError:  # replaced between plan and file: the next plan names the new ones
                if attempt == _OPEN_ATTEMPTS - 1:
                    raise
                continue
            _check(folder, arrays)
            return cls(
                arrays["values"].view(np.uint8),
                arrays["ids"],
                squares=arrays["squares"],
                generation=Generation(plan.generation, plan.snapshot_id),
                lineage=plan.lineage,
            )
        raise AssertionError("unreachable: the loop returns or raises")

    def __len__(self) -> int:
        """Return how many values a search may return."""
        return sum(map(_Part.count, self._parts))

    @property
    def exact(self) -> bool:
        """Whether every value within the radius is always returned: it is."""
        return True

    def snapshot(self) -> Generation:
        """Return the generation that was opened."""
        return self._generation

    def add(self, values: Values, ids: Ids) -> None:
        """Store `values`, uint8 (n, size), under `ids`, int64 (n,), in memory; the next search finds them."""
        if len(ids):
            self._parts = (*self._parts, _part(values.copy(), ids.copy()))

    def delete(self, ids: Ids) -> None:
        """Forget every value stored under `ids`, int64 (k,); unknown ids are no error."""
        self._parts = tuple(part.without(ids) for part in self._parts)

    def range_search(self, queries: Values, radius: int) -> Hits:
        """Return every stored value within `radius` (0-1999) of each of `queries`, uint8 (q, size).

        Three int64 arrays: query numbers, ids and distances, ordered by query, distance, id.
        """
        if queries.dtype != np.uint8 or queries.ndim != 2 or queries.shape[1] != self.size:
            raise ValueError(f"queries must be uint8 (q, {self.size}), not {queries.dtype} {queries.shape}")
        if not 0 <= radius < Distance.COSINE.farthest:
            raise ValueError(f"radius is {radius}; it must lie in 0-{Distance.COSINE.farthest - 1}")
        found = [hit for part in self._parts for hit in _scan(part, queries.view(np.int8), radius)]
        if not found:
            empty = np.empty(0, np.int64)
            return empty, empty.copy(), empty.copy()
        numbers, ids, distances = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((ids, distances, numbers))
        return numbers[order], ids[order], distances[order]


def _part(values: Values, ids: Ids, squares: npt.NDArray[np.int64] | None = None) -> _Part:
    if values.dtype != np.uint8 or values.ndim != 2 or values.shape[1] not in Distance.COSINE.sizes:
        raise ValueError(f"values must be uint8 (n, 1 to 1024), not {values.dtype} {values.shape}")
    if ids.dtype != np.int64 or ids.shape != (len(values),):
        raise ValueError(f"ids must be int64 ({len(values)},), not {ids.dtype} {ids.shape}")
    signed = np.ascontiguousarray(values).view(np.int8)
    if squares is None:
        squares = np.empty(len(signed), np.int64)
        for start in range(0, len(signed), _BLOCK_ROWS):
            squares[start : start + _BLOCK_ROWS] = _squares(signed[start : start + _BLOCK_ROWS])
    return _Part(signed, squares, ids)


def _squares(values: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    squares: npt.NDArray[np.int64] = np.square(values, dtype=np.int64).sum(axis=1)
    return squares


def _scan(part: _Part, queries: npt.NDArray[np.int8], radius: int) -> Iterator[Hits]:
    """Yield (query numbers, ids, distances) of one block of values and queries after the other."""
    lengths = np.sqrt(_squares(queries).astype(np.float64))
    columns = queries.astype(np.float32).T
    for start in range(0, len(part.ids), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        block = part.values[rows].astype(np.float32)
        sizes = np.sqrt(part.squares[rows].astype(np.float64))
        for first in range(0, len(queries), _BLOCK_QUERIES):
            some = slice(first, first + _BLOCK_QUERIES)
            distances = _distances(block @ columns[:, some], sizes, lengths[some])
            is_hit = distances <= radius
            if part.alive is not None:
                is_hit &= part.alive[rows, None]
            places, numbers = np.nonzero(is_hit)
            if len(places):
                found = distances[places, numbers].astype(np.int64)
                yield numbers.astype(np.int64) + first, np.asarray(part.ids[rows][places]), found


def _distances(
    products: npt.NDArray[np.float32], sizes: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return thousandths of one minus the cosine, (rows, queries), from exact products and lengths."""
    both = sizes[:, None] * lengths[None, :]
    has_direction = both > 0
    cosine = np.divide(products, both, out=np.full(both.shape, -1.0), where=has_direction, dtype=np.float64)
    distances: npt.NDArray[np.float64] = np.rint((1 - cosine) * _THOUSANDTHS)
    return distances


def _check(folder: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    values, squares, ids = (arrays[name] for name in ("values", "squares", "ids"))
    is_sound = (
        values.dtype == np.int8
        and values.ndim == 2
        and squares.dtype == np.int64
        and ids.dtype == np.int64
        and squares.shape == ids.shape == (len(values),)
    )
    if not is_sound:
        raise IndexFormatError(
            f"{folder} is damaged (values, lengths and ids do not belong together); delete it"
        )
