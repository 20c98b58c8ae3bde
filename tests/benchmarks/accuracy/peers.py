"""Other perceptual hashes on the same queries: one hash a picture, as they are commonly used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image

Picture = Image.Image
Hashes = npt.NDArray[np.uint8]

CROP_RESISTANT_OTHERS: Final = 100
"""Other pictures each sampled query is compared with: the method takes a quarter of a second a picture."""
CROP_RESISTANT_EACH: Final = 10
"""One query in so many is sampled."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A hash: its length and the distance up to which its users call two pictures the same."""

    bits: int
    customary: int
    hashed: Callable[[Picture], bytes]


def _packed(found: imagehash.ImageHash) -> bytes:
    return np.packbits(found.hash.ravel()).tobytes()


def _pdq(picture: Picture) -> bytes:
    vector, _ = pdqhash.compute(np.asarray(picture))
    return np.packbits(vector.astype(bool)).tobytes()


PEERS: Final = {
    "phash 64": Peer(64, 10, lambda picture: _packed(imagehash.phash(picture))),
    "dhash 64": Peer(64, 10, lambda picture: _packed(imagehash.dhash(picture))),
    "whash 64": Peer(64, 10, lambda picture: _packed(imagehash.whash(picture))),
    "phash 256": Peer(256, 40, lambda picture: _packed(imagehash.phash(picture, hash_size=16))),
    "PDQ": Peer(256, 31, _pdq),
}
"""Customary: 10 of 64 bits, the same share of 256, and 31, at which PDQ hashes are exchanged."""


def peer_hashes(data: bytes) -> tuple[dict[str, bytes], dict[str, float]]:
    """Return every peer's hash of a picture, and the milliseconds of processor each takes with decoding."""
    started = time.process_time()
    picture = Image.open(BytesIO(data)).convert("RGB")
    decoding = time.process_time() - started
    hashes, spent = {}, {}
    for name, peer in PEERS.items():
        started = time.process_time()
        hashes[name] = peer.hashed(picture)
        spent[name] = 1e3 * (time.process_time() - started + decoding)
    return hashes, spent


@dataclass(frozen=True, slots=True)
class PeerIndex:
    """The peers' hashes of all indexed pictures, uint8 (n, bytes) by method, in the order of `items`."""

    items: tuple[str, ...]
    hashes: Mapping[str, Hashes]

    def nearest(
        self, hashes: Mapping[str, bytes], true: str, others: npt.NDArray[np.bool_]
    ) -> dict[str, tuple[int | None, int]]:
        """Return the bits to the picture `true`, None where it is not here, and to the nearest other."""
        found = {}
        for name, stored in self.hashes.items():
            asked = np.frombuffer(hashes[name], np.uint8)
            distances = np.bitwise_count(stored ^ asked).sum(axis=1, dtype=np.int64)
            own = int(distances[self.items.index(true)]) if true in self.items else None
            nearest = int(distances[others].min()) if others.any() else 8 * stored.shape[1]
            found[name] = (own, nearest)
        return found


def peer_index(pictures: Iterable[tuple[str, bytes]], kept: Path) -> PeerIndex:
    """Hash pictures by item, or read what an earlier call kept in the file `kept`."""
    if kept.exists():
        with np.load(kept, allow_pickle=False) as stored:
            return PeerIndex(tuple(stored["items"].tolist()), {name: stored[name] for name in PEERS})
    items, columns = [], {name: [] for name in PEERS}
    for item, data in pictures:
        items.append(item)
        hashes, _ = peer_hashes(data)
        for name, column in columns.items():
            column.append(np.frombuffer(hashes[name], np.uint8))
    arrays = {name: np.stack(column) for name, column in columns.items()}
    partial = kept.with_suffix(".partial.npz")
    np.savez(partial, items=np.array(items), **arrays)
    partial.rename(kept)
    return PeerIndex(tuple(items), arrays)


class CropResistant:
    """imagehash's crop-resistant hash, by file; hashes are kept, for one costs a quarter of a second."""

    def __init__(self) -> None:
        self._kept: dict[Path, imagehash.ImageMultiHash] = {}

    def matches(self, data: bytes, true: Path, others: Iterable[Path]) -> tuple[tuple[bool, int, int], float]:
        """Return whether `true` is matched, how many of `others`, of how many, and the milliseconds."""
        picture = Image.open(BytesIO(data)).convert("RGB")
        started = time.process_time()
        asked = imagehash.crop_resistant_hash(picture)
        spent = 1e3 * (time.process_time() - started)
        wrong = [bool(asked.matches(self._of(path))) for path in others]
        return (bool(asked.matches(self._of(true))), sum(wrong), len(wrong)), spent

    def _of(self, path: Path) -> imagehash.ImageMultiHash:
        if path not in self._kept:
            with Image.open(path) as picture:
                self._kept[path] = imagehash.crop_resistant_hash(picture.convert("RGB"))
        return self._kept[path]
