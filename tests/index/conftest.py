"""Signals made by real hashing of generated pictures and texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pdqhash
import pytest
import xxhash
from datasketch import MinHash
from PIL import Image

from clonedetect.index.store import IndexStore, SignalKind
from clonedetect.models.ids import ItemId, digest_of
from clonedetect.models.item import Item, Media
from clonedetect.models.signal import (
    Algorithm,
    FeatureSet,
    ImageSignals,
    TextSignals,
    Thumbnail,
    ViewHash,
)

ALGORITHMS = {
    SignalKind.VIEWS: Algorithm("pdq", 1, "square=192"),
    SignalKind.FEATURES: Algorithm("test-features", 1, ""),
    SignalKind.TEXT: Algorithm("winnow", 1, "n=5"),
}


def picture_bytes(seed: int) -> bytes:
    """Return a PNG of soft random shapes, another for every seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), np.uint8)
    pixels = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def hash_picture(data: bytes) -> ImageSignals:
    """Return PDQ of the whole and its quarters, pHash-16, a thumbnail and keypoints of real bytes."""
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    height, width = grey.shape
    views = [("full", grey)]
    views += [(f"tile{n}", grey[: height // 2, n * width // 2 : (n + 1) * width // 2]) for n in (0, 1)]
    hashes = []
    for name, view in views:
        bits, quality = pdqhash.compute(cv2.cvtColor(cv2.resize(view, (192, 192)), cv2.COLOR_GRAY2RGB))
        hashes.append(ViewHash(name, "identity", np.packbits(bits).tobytes(), int(quality)))
    phash = imagehash.phash(Image.fromarray(grey), hash_size=16)
    points, descriptors = cv2.ORB.create(40).detectAndCompute(grey, None)
    frame = np.array([(*p.pt, p.size, p.angle) for p in points], np.float32).reshape(-1, 4)
    found = np.zeros((0, 32), np.uint8) if descriptors is None else descriptors
    return ImageSignals(
        digest=digest_of(data),
        width=width,
        height=height,
        quality=hashes[0].quality,
        hashes=tuple(hashes),
        phash16=np.packbits(phash.hash.reshape(-1)).tobytes(),
        thumbnail=Thumbnail(cv2.resize(grey, (192, 144), interpolation=cv2.INTER_AREA)),
        features=FeatureSet(frame, np.ascontiguousarray(found[:, :16]), width, height),
        flags=("alpha",) if data[25] == 6 else (),
    )


def hash_text(raw: str) -> TextSignals:
    """Return the fingerprints of `raw`: letters and digits, hashed 5-grams, MinHash."""
    normalised = re.sub(r"[\W_]+", "", raw.casefold())
    grams = [normalised[i : i + 5].encode() for i in range(max(0, len(normalised) - 4))]
    sketch = MinHash(num_perm=128)
    sketch.update_batch(grams)
    return TextSignals(
        normalised,
        digest_of(normalised.encode()),
        np.unique(np.array([xxhash.xxh3_64_intdigest(gram) for gram in grams], np.uint64)),
        np.asarray(sketch.hashvalues).astype(np.uint32),
    )


class Library:
    """Pictures on disk, and items of them with signals, each by its seed."""

    algorithms = ALGORITHMS
    picture_bytes = staticmethod(picture_bytes)
    hash_picture = staticmethod(hash_picture)
    hash_text = staticmethod(hash_text)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def picture(self, seed: int) -> Path:
        path = self.folder / f"{seed}.png"
        if not path.exists():
            path.write_bytes(picture_bytes(seed))
        return path

    def item(self, number: int, *, pictures: tuple[int, ...] | None = None, **values: object) -> Item:
        seeds = (number,) if pictures is None else pictures
        media = tuple(Media(position=n, path=str(self.picture(seed))) for n, seed in enumerate(seeds))
        defaults = {
            "account_id": f"account-{number % 7}",
            "caption": f"Caption {number}: the {number * 37 % 101} boats came home before storm {number}",
            "media": media,
        }
        return Item(item_id=ItemId(f"item-{number}"), **(defaults | values))

    def add(self, store: IndexStore, item: Item, **values: object) -> str:
        signals = [
            hash_picture(Path(media.path).read_bytes()) if media.path else None for media in item.media
        ]
        text = hash_text(item.caption) if item.caption else None
        return str(store.add_item(item, signals, text, **values))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Library(folder)


@pytest.fixture
def open_store(tmp_path: Path) -> Callable[[], IndexStore]:
    return lambda: IndexStore.open_or_create(tmp_path / "index", algorithms=ALGORITHMS)
