"""Pictures that share local features with a query: inverted lists over words of 128-bit descriptors.

A descriptor is cut into eight words of 16 bits. Rows of the store that agree with
a query descriptor in a word (or, while the lists are short, in all but one bit of
it) are compared in full; each query descriptor gives a picture at most one vote,
and a picture keeps the votes that agree on one scale and rotation. A descriptor
at 15 bits is found with probability 0.98 with one-bit probing and 0.7 without; a
picture has hundreds. The answer is not exact and need not be: it proposes, and
`match` confirms.

The files are plain ``.npy`` arrays, opened memory-mapped, made whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index.agreements import agreements, rows_to_read
from clonedetect.models.ids import MediaId
from clonedetect.models.signal import FeatureSet

__all__ = ["FeatureIndex"]

SCHEMA: Final = 1
WORDS: Final = 8
RADIUS: Final = 28
PROBE_BUDGET: Final = 1_500_000
"""Rows compared in full per query at most with one-bit probing; above it only equal words are looked at."""

LIST_CAP: Final = 4096
"""A list longer than this is a pattern that tells nothing (flat sky, halftone); it is not read."""

LIST_SHARE: Final = 8
"""Lists of a large store are longer: this many times the mean length is still read."""

SHORTLIST: Final = 128
"""Pictures whose agreements are examined for one scale and rotation."""

_ARRAYS: Final = ("media", "starts", "descriptors", "poses", "offsets", "rows")
_SINGLE_BITS: Final = np.concatenate([[0], 1 << np.arange(16)]).astype(np.uint16)

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    descriptors: int
    pictures: int


@dataclass(frozen=True, slots=True, eq=False)
class _Store:
    """Rows of many pictures: `starts` delimits the rows of `media[i]`; `rows` lists them by word and key.

    media: int64 (m,); starts: int64 (m + 1,); descriptors: uint64 (2, n); poses: uint8 (n, 2) of
    log2 scale in sixteenths and angle in 256ths of a turn; offsets: int64 (8, 65537); rows: uint32 (8, n).
    """

    media: I64
    starts: I64
    descriptors: npt.NDArray[np.uint64]
    poses: U8
    offsets: I64
    rows: npt.NDArray[np.uint32]


class FeatureIndex:
    """Votes for pictures that share local features; implements `protocols.FeatureVotes`.

    A store built once and memory-mapped, a small one in memory for what was
    added since, and the set of removed pictures. Answers depend on the
    pictures held, not on the order they came in.
    """

    def __init__(self, base: _Store | None = None) -> None:
        self._base = base if base is not None else _store(())
        self._added: dict[MediaId, FeatureSet] = {}
        self._removed: set[int] = set()
        self._delta: _Store | None = None

    @classmethod
    def build(cls, path: Path, entries: Iterable[tuple[MediaId, FeatureSet]]) -> FeatureIndex:
        """Write the files of `entries` into the new folder `path` and open it.

        The folder appears under its name only when it is complete. Raises
        FileExistsError where `path` is there already.
        """
        if path.exists():
            raise FileExistsError(path)
        store = _store(tuple(entries))
        partial = path.with_name(f".{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # what a killed build left
        partial.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", getattr(store, name), allow_pickle=False)
        header = _Header(SCHEMA, store.descriptors.shape[1], len(store.media))
        (partial / "header.json").write_bytes(msgspec.json.encode(header))
        partial.rename(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> FeatureIndex:
        """Open a folder that `build` wrote, memory-mapped.

        Raises IndexFormatError where it is incomplete or of another schema.
        """
        try:
            header = msgspec.json.decode((path / "header.json").read_bytes(), type=_Header)
            arrays = {
                name: np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS
            }
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise IndexFormatError(f"{path}: not a usable feature index ({error}); build it again") from error
        if header.schema != SCHEMA:
            raise IndexFormatError(
                f"{path}: feature index of schema {header.schema}, this program reads {SCHEMA}"
            )
        store = _Store(**arrays)
        if store.descriptors.shape[1] != header.descriptors or len(store.media) != header.pictures:
            raise IndexFormatError(f"{path}: the feature index is incomplete; build it again")
        return cls(store)

    def __len__(self) -> int:
        """Return the number of pictures that can be found."""
        kept = {int(media) for media in self._base.media} - self._removed
        return len(kept | set(self._added))

    def add(self, media_id: MediaId, features: FeatureSet) -> None:
        """Store the features of one picture, in place of any it had; the next vote sees them."""
        self._removed.add(int(media_id))
        self._added[media_id] = features
        self._delta = None

    def remove(self, media_ids: Iterable[MediaId]) -> None:
        """Forget pictures; the next vote does not return them. Unknown ones are no error."""
        for media_id in media_ids:
            self._removed.add(int(media_id))
            self._added.pop(media_id, None)
        self._delta = None

    def vote(self, features: FeatureSet, limit: int) -> tuple[tuple[MediaId, int], ...]:
        """Return up to `limit` pictures with their number of votes, most first, ties by id.

        A picture needs three votes that agree on scale and rotation.
        """
        if len(features.descriptors) == 0:
            return ()
        if self._delta is None:
            self._delta = _store(tuple(self._added.items()))
        votes = [
            entry for entry in _votes(self._base, features) if int(entry[0]) not in self._removed
        ] + _votes(self._delta, features)
        return tuple(sorted(votes, key=lambda entry: (-entry[1], entry[0]))[:limit])


def _store(entries: tuple[tuple[MediaId, FeatureSet], ...]) -> _Store:
    entries = tuple(sorted(entries, key=lambda entry: entry[0]))
    counts = [len(features.descriptors) for _, features in entries]
    none = np.zeros((0, 16), np.uint8)
    descriptors = np.concatenate([none, *(features.descriptors for _, features in entries)])
    points = np.concatenate([np.zeros((0, 4), np.float32), *(f.points for _, f in entries)])
    words = _words(descriptors)
    offsets = np.zeros((WORDS, 65537), np.int64)
    rows = np.zeros((WORDS, len(descriptors)), np.uint32)
    for word in range(WORDS):
        rows[word] = np.argsort(words[:, word], kind="stable")
        np.cumsum(np.bincount(words[:, word], minlength=65536), out=offsets[word, 1:])
    return _Store(
        media=np.array([media for media, _ in entries], np.int64),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        descriptors=_longs(descriptors),
        poses=_poses(points),
        offsets=offsets,
        rows=rows,
    )


def _words(descriptors: U8) -> npt.NDArray[np.uint16]:
    return np.ascontiguousarray(descriptors).view(">u2").astype(np.uint16).reshape(-1, WORDS)


def _longs(descriptors: U8) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(np.ascontiguousarray(descriptors).view(np.uint64).reshape(-1, 2).T)


def _poses(points: npt.NDArray[np.float32]) -> U8:
    scale = np.clip(np.rint(np.log2(np.maximum(points[:, 2], 1e-3)) * 16 + 64), 0, 255)
    angle = np.rint(points[:, 3] * (256 / 360)) % 256
    return np.stack([scale, angle], axis=1).astype(np.uint8)


def _votes(store: _Store, features: FeatureSet) -> list[tuple[MediaId, int]]:
    query, row, distance = _neighbours(store, features)
    if len(row) == 0:
        return []
    picture = np.searchsorted(store.starts, row, side="right") - 1
    kept = _telling(query, picture, len(store.media))
    query, row, distance, picture = query[kept], row[kept], distance[kept], picture[kept]
    # One vote per query descriptor and picture: its nearest row, the lower row where two are as near.
    order = np.lexsort((row, distance, query, picture))
    picture, query, row = picture[order], query[order], row[order]
    first = np.ones(len(row), bool)
    first[1:] = (picture[1:] != picture[:-1]) | (query[1:] != query[:-1])
    picture, query, row = picture[first], query[first], row[first]
    turn = _poses(features.points)[query].astype(np.int64) - store.poses[row].astype(np.int64)
    scale_bin = (turn[:, 0] + 256) // 8  # half octaves, 0 to 64
    angle_bin = (turn[:, 1] % 256) // 16  # 22.5 degrees, 0 to 15
    # Each vote falls in four overlapping cells of one octave by 45 degrees, so that none is cut by an edge.
    cells = [(picture * 66 + scale_bin + up) * 16 + (angle_bin + on) % 16 for up in (0, 1) for on in (0, 1)]
    numbers, counts = np.unique(np.concatenate(cells), return_counts=True)
    best = np.zeros(len(store.media), np.int64)
    np.maximum.at(best, numbers // (66 * 16), counts)
    return [(MediaId(int(store.media[i])), int(best[i])) for i in np.flatnonzero(best >= 3)]


def _telling(query: I64, picture: I64, pictures: int) -> npt.NDArray[np.bool_]:
    """Return which agreements are with one of the pictures that share most rare descriptors, all of equals.

    An agreement weighs the inverse of how many its query descriptor has: without
    that, pictures of grass and gravel crowd the shortlist.
    """
    if pictures <= SHORTLIST:
        return np.ones(len(picture), dtype=bool)
    weight = 1.0 / np.bincount(query)[query]
    total = np.bincount(picture, weights=weight, minlength=pictures)
    least = np.partition(total, pictures - SHORTLIST)[pictures - SHORTLIST]
    return np.asarray((total >= max(float(least), 1e-9))[picture])


def _neighbours(store: _Store, features: FeatureSet) -> tuple[I64, I64, I64]:
    """Return (query number, row, distance) of rows within the radius that share a word, each once."""
    words, longs = _words(features.descriptors), _longs(features.descriptors)
    if not len(store.media):
        none = np.zeros(0, np.int64)
        return none, none, none
    longest = max(LIST_CAP, LIST_SHARE * store.rows.shape[1] // 65536)
    offsets = _frozen(store.offsets)
    is_cheap = rows_to_read(offsets, words, _SINGLE_BITS, longest) <= PROBE_BUDGET
    probes = _SINGLE_BITS if is_cheap else _SINGLE_BITS[:1]
    found = agreements(
        _frozen(store.descriptors), offsets, _frozen(store.rows), words, longs, probes, RADIUS, longest
    )
    return found[:, 0], found[:, 1], found[:, 2]


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plain read-only view: loops are compiled for each kind of array, so they meet one."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
