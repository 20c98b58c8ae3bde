"""Local features of some pictures with their lists of rows by word: in memory, or as mapped arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.models.ids import MediaId
from clonedetect.models.signal import FeatureSet

__all__ = [
    "ARRAYS",
    "RADIUS",
    "WORDS",
    "FeatureRows",
    "FeatureStore",
    "loaded_loops",
    "longs_of",
    "poses_of",
    "words_of",
]

WORDS: Final = 8
RADIUS: Final = 28
ARRAYS: Final = ("media", "starts", "descriptors", "poses", "offsets", "low", "high")
_KEYS: Final = 1 << 16

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Rows of many pictures: `starts`, int64 (m + 1,), delimits the rows of `media[i]`, int64 (m,).

    descriptors: uint64 (n, 2); poses: uint8 (n, 2) of log2 scale in sixteenths and
    angle in 256ths of a turn.
    """

    media: I64
    starts: I64
    descriptors: U64
    poses: U8

    @classmethod
    def of(cls, media: I64, counts: I64, points: npt.NDArray[np.float32], descriptors: U8) -> Self:
        """Take the rows of pictures one after another; `counts` says how many each has.

        points: float32 (n, 4); descriptors: uint8 (n, 16).
        """
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(media.astype(np.int64), starts, longs_of(descriptors), poses_of(points))

    @classmethod
    def of_entries(cls, entries: Iterable[tuple[MediaId, FeatureSet]]) -> Self:
        """Take pictures one by one, in any order."""
        ordered = sorted(entries, key=lambda entry: entry[0])
        return cls.of(
            np.array([media for media, _ in ordered], np.int64),
            np.array([len(features.descriptors) for _, features in ordered], np.int64),
            np.concatenate([np.zeros((0, 4), np.float32), *(features.points for _, features in ordered)]),
            np.concatenate([np.zeros((0, 16), np.uint8), *(features.descriptors for _, features in ordered)]),
        )

    @classmethod
    def joined(cls, parts: Sequence[FeatureRows]) -> Self:
        """Put rows together, in the order given."""
        counts = np.concatenate([np.zeros(0, np.int64), *(np.diff(part.starts) for part in parts)])
        return cls(
            np.concatenate([np.zeros(0, np.int64), *(part.media for part in parts)]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([np.zeros((0, 2), np.uint64), *(part.descriptors for part in parts)]),
            np.concatenate([np.zeros((0, 2), np.uint8), *(part.poses for part in parts)]),
        )

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.descriptors)

    def words(self) -> npt.NDArray[np.uint32]:
        """Return how many rows have each value of each word, uint32 (8, 65536)."""
        counts = np.zeros((WORDS, _KEYS), np.uint32)
        loaded_loops().count_words(_frozen(self.descriptors), counts)
        return counts

    def only(self, kept: npt.NDArray[np.bool_]) -> FeatureRows:
        """Return the rows of the pictures marked in `kept`, bool (m,)."""
        if kept.all():
            return self
        counts = np.diff(self.starts)
        rows = np.repeat(kept, counts)
        starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
        return FeatureRows(self.media[kept], starts, self.descriptors[rows], self.poses[rows])


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStore:
    """`rows` with their lists, as `agreements.fill_lists` makes them.

    offsets: uint32 (8, 65537); low: uint16 (8, n); high: uint64 (8, k).
    """

    rows: FeatureRows
    offsets: npt.NDArray[np.uint32]
    low: npt.NDArray[np.uint16]
    high: U64

    @classmethod
    def of(cls, rows: FeatureRows) -> Self:
        """List `rows` by word."""
        offsets = np.zeros((WORDS, _KEYS + 1), np.int64)
        np.cumsum(rows.words(), axis=1, out=offsets[:, 1:])
        low = np.zeros((WORDS, len(rows)), np.uint16)
        high = np.zeros((WORDS, _high_words(len(rows))), np.uint64)
        loaded_loops().fill_lists(_frozen(rows.descriptors), offsets, low, high)
        return cls(rows, offsets.astype(np.uint32), low, high)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Take the arrays that `arrays` gave; raises IndexFormatError where they do not fit together."""
        if set(arrays) != set(ARRAYS):
            raise IndexFormatError(f"its arrays are {', '.join(sorted(arrays))}, not {', '.join(ARRAYS)}")
        rows = FeatureRows(*(arrays[name] for name in ("media", "starts", "descriptors", "poses")))
        store = cls(rows, *(arrays[name] for name in ("offsets", "low", "high")))
        size = len(rows.descriptors)
        wanted = {
            "media": (np.int64, rows.media.shape[:1]),
            "starts": (np.int64, (len(rows.media) + 1,)),
            "descriptors": (np.uint64, (size, 2)),
            "poses": (np.uint8, (size, 2)),
            "offsets": (np.uint32, (WORDS, _KEYS + 1)),
            "low": (np.uint16, (WORDS, size)),
            "high": (np.uint64, (WORDS, _high_words(size))),
        }
        for name, (dtype, shape) in wanted.items():
            if arrays[name].dtype != dtype or arrays[name].shape != shape:
                raise IndexFormatError(f"the {name} of its features have another shape or type than the rest")
        if not (_rises_to(rows.starts, size) and all(_rises_to(each, size) for each in store.offsets)):
            raise IndexFormatError("the rows or lists of its features do not lie one after another")
        return store

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Yield what is to be written, by the names of `ARRAYS`."""
        for name in ARRAYS:
            yield name, getattr(self.rows if name in FeatureRows.__slots__ else self, name)

    def near(self, features: FeatureSet, probes: npt.NDArray[np.uint16], unread: U64) -> tuple[I64, I64, I64]:
        """Return (query number, row, distance) of rows near `features` that share a word, each once.

        A word is shared if it differs by one of `probes`; lists marked in `unread`,
        uint64 (8, 1024), a bit each, are left out.
        """
        lists = [_frozen(array) for array in (self.rows.descriptors, self.offsets, self.low, self.high)]
        asked = [_frozen(array) for array in (words_of(features.descriptors), longs_of(features.descriptors))]
        found = loaded_loops().agreements(*lists, _frozen(unread), *asked, _frozen(probes), RADIUS)
        return found[:, 0], found[:, 1], found[:, 2]


def loaded_loops() -> ModuleType:
    """Load the compiled loops: half a second that whoever asks about no features shall not wait."""
    from clonedetect.index import agreements  # noqa: PLC0415  see above

    return agreements


def words_of(descriptors: U8) -> npt.NDArray[np.uint16]:
    """Return the eight words of each descriptor, uint16 (n, 8)."""
    return np.ascontiguousarray(descriptors).view(">u2").astype(np.uint16).reshape(-1, WORDS)


def longs_of(descriptors: U8) -> U64:
    """Return the two halves of each descriptor, uint64 (n, 2)."""
    return np.ascontiguousarray(descriptors).view("<u8").astype(np.uint64, copy=False).reshape(-1, 2)


def poses_of(points: npt.NDArray[np.float32]) -> U8:
    """Return scale and angle of each point, float32 (n, 4), as `FeatureRows` keeps them."""
    scale = np.clip(np.rint(np.log2(np.maximum(points[:, 2], 1e-3)) * 16 + 64), 0, 255)
    angle = np.rint(points[:, 3] * (256 / 360)) % 256
    return np.stack([scale, angle], axis=1).astype(np.uint8)


def _high_words(rows: int) -> int:
    return (rows + _KEYS * ((rows >> 16) + 1) + 63) // 64


def _rises_to(starts: npt.NDArray[Any], last: int) -> bool:
    return bool(starts[0] == 0 and starts[-1] == last and (starts[1:] >= starts[:-1]).all())


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plain read-only view: loops are compiled for each kind of array, so they meet one."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
