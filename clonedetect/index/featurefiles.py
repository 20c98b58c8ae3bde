"""Local features as one generation of hot files: segments, each with lists of its own.

A new generation keeps the files of segments that stay as they are and names those
that are new, so that it costs what is new. Small segments are put together as they
gather, each picture a few times over the life of an index; none outgrows what is
built in memory. Pictures that no longer count are named beside the segments until
theirs is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.features import Layer
from clonedetect.index.featurestore import FeatureRows, FeatureStore
from clonedetect.index.hotfiles import ArrayFile, Plan, mapped_generation, write_generation
from clonedetect.index.merging import Steps
from clonedetect.models.reference import Generation

__all__ = ["ROWS_AT_MOST", "SCHEMA", "grouped", "mapped_layers", "stays", "write_layers"]

SCHEMA: Final = 2
LAYOUT: Final = "word lists"

ROWS_AT_MOST: Final = 1 << 23
"""Rows of one segment, of some 26,000 pictures: a process that makes such has 630 MiB at its peak."""

_GROWTH: Final = 2
"""A segment that has at most so many times the rows of all smaller ones is put together with them."""

_WORN: Final = 0.25
"""A segment is written again when more than this share of its pictures no longer counts."""

_GONE: Final = "gone"

Named = tuple[str, npt.NDArray[Any] | ArrayFile]


def mapped_layers(folder: Path) -> tuple[tuple[Layer, ...], Plan]:
    """Map the segments of `folder`, without what no longer counts, and return its plan.

    Raises FileNotFoundError where nothing was built, and IndexFormatError for
    files of another schema, or that are damaged.
    """
    plan, arrays = mapped_generation(folder, schema=SCHEMA)
    gone = arrays.pop(_GONE, None)
    if plan.layout != LAYOUT or gone is None or gone.dtype != np.int64 or gone.ndim != 1:
        raise IndexFormatError(f"{folder} holds no lookup of local features; delete it, it is built again")
    segments: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name, array in arrays.items():
        number, _, part = name.partition("-")
        segments.setdefault(number, {})[part] = array
    layers = []
    for number, parts in sorted(segments.items()):
        try:
            store = FeatureStore.from_arrays(parts)
        except IndexFormatError as error:
            raise IndexFormatError(f"{folder} is damaged ({error}); delete it, it is built again") from error
        files = {f"{number}-{part}": plan.arrays[f"{number}-{part}"] for part in parts}
        layers.append(Layer.of(store, files).without(gone))
    return tuple(layers), plan


def grouped(layers: Iterable[Layer], *, fully: bool = False) -> list[list[Layer]]:
    """Return which of `layers` go together into one segment each, the smallest first.

    With `fully`, as few segments are left as `ROWS_AT_MOST` allows.
    """
    groups: list[list[Layer]] = []
    size = 0
    for layer in sorted((layer for layer in layers if len(layer)), key=lambda layer: layer.size):
        rows = layer.size
        is_near = fully or rows <= _GROWTH * size
        if groups and is_near and rows + size <= ROWS_AT_MOST:
            groups[-1].append(layer)
            size += rows
        else:
            groups.append([layer])
            size = rows
    return groups


def write_layers(
    folder: Path,
    layers: Sequence[Layer],
    new: Iterable[FeatureStore] = (),
    *,
    generation: Generation,
    lineage: str,
    fully: bool = False,
    steps: Steps | None = None,
) -> None:
    """Write `layers` and `new` stores in place of the generation in `folder`, put together as `grouped` says.

    Segments of that generation whose files stay are kept as they are.
    """
    arrays = _arrays(layers, new, fully=fully)
    write_generation(
        folder,
        arrays if steps is None else steps(arrays),
        schema=SCHEMA,
        layout=LAYOUT,
        generation=generation.number,
        snapshot_id=generation.snapshot_id,
        lineage=lineage,
    )


def stays(group: Sequence[Layer], *, fully: bool = False) -> bool:
    """Whether a group is one segment whose files stay."""
    layer = group[0]
    gone = len(layer.kept) - len(layer)
    return len(group) == 1 and bool(layer.files) and gone <= (0 if fully else _WORN * len(layer.kept))


def _arrays(layers: Sequence[Layer], new: Iterable[FeatureStore], *, fully: bool) -> Iterator[Named]:
    """Yield the arrays of all segments; one that is new is in memory at a time, and one that is small."""
    number = max((int(name.partition("-")[0]) for layer in layers for name in layer.files), default=0)
    waiting = list(layers)
    for store in new:
        if 2 * len(store.rows) <= ROWS_AT_MOST:
            waiting.append(Layer.of(store))
            continue
        number += 1
        yield from _named(number, store)
        del store  # or it stays in memory while the next is made
    gone = [np.zeros(0, np.int64)]
    for group in grouped(waiting, fully=fully):
        if stays(group, fully=fully):
            yield from group[0].files.items()
            gone.append(group[0].store.rows.media[~group[0].kept])
            continue
        number += 1
        yield from _named(number, FeatureStore.of(FeatureRows.joined([layer.rows() for layer in group])))
    yield _GONE, np.concatenate(gone)


def _named(number: int, store: FeatureStore) -> Iterator[Named]:
    for name, array in store.arrays():
        yield f"{number:08}-{name}", array
