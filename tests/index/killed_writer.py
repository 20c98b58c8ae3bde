"""What the kill tests run and kill: adds items to an index, says so, and waits for a line."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

from clonedetect.index import store as store_module
from clonedetect.index.store import Change, IndexStore, SignalKind
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

ALGORITHMS = {SignalKind.VIEWS: Algorithm("drawn", 1, "")}


def picture(number: int) -> ImageSignals:
    """Return signals drawn from the picture's number: the store keeps any, and these cost nothing."""
    rng = np.random.default_rng(number)
    return ImageSignals(
        digest=digest_of(str(number).encode()),
        width=100,
        height=100,
        quality=100,
        hashes=tuple(ViewHash(f"v{n}", "identity", rng.bytes(32), 100) for n in range(18)),
        phash16=rng.bytes(32),
        thumbnail=Thumbnail(rng.integers(0, 256, (24, 32), np.uint8)),
        features=FeatureSet(rng.random((9, 4), np.float32), rng.integers(0, 256, (9, 16), np.uint8), 64, 64),
    )


def text(number: int) -> TextSignals:
    """Return fingerprints drawn from the caption's number."""
    rng = np.random.default_rng(number + 10**6)
    words = f"caption{number}"
    return TextSignals(
        words,
        digest_of(words.encode()),
        np.unique(rng.integers(0, 2**64, 30, np.uint64)),
        rng.integers(0, 2**32, 128, np.uint32),
    )


def main(folder: Path, count: int, commit_every: int) -> None:
    """Add `count` items of two pictures and a caption; every third is edited on the way."""
    store_module.COMMIT_EVERY = commit_every
    store_module.COMMIT_AFTER_S = 0
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store, store.batch():
        for number in range(count):
            item = Item(ItemId(f"item-{number}"), caption=f"caption {number}", media=(Media(0), Media(1)))
            fingerprint = hashlib.sha256(item.item_id.encode()).digest()
            change = Change.UNCHANGED
            if store.needs(item, fingerprint):
                pictures = [picture(number), picture(number + 10**5)]
                if number % 3 == 0 and store.item(item.item_id) is None:
                    store.add_item(item, pictures[::-1], text(number + 1), fingerprint=b"draft")
                change = store.add_item(item, pictures, text(number), fingerprint=fingerprint)
            sys.stdout.write(f"{number} {change}\n")
            sys.stdout.flush()
            sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
