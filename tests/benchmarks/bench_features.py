"""Hot files of local features: built from the database, extended by some hundreds of pictures, asked.

    python -m pytest tests/benchmarks/bench_features.py -m benchmark -s --timeout 0

CLONEDETECT_BENCH_PICTURES is how many pictures, twenty thousand by default, each of 320 features drawn
from a seed: lists of true pictures are less even.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clonedetect.index.counts import bytes_by_tier
from clonedetect.index.hotsource import HotSource
from clonedetect.index.store import HOT, IndexStore
from clonedetect.index.votes import extend_votes, feature_votes, renew_votes
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.ids import ItemId, digest_of
from clonedetect.models.item import Item, Media
from clonedetect.models.signal import FeatureSet, ImageSignals, Thumbnail

pytestmark = pytest.mark.benchmark

COUNT = int(os.environ.get("CLONEDETECT_BENCH_PICTURES", "20000"))
MORE = 300
FEATURES = 320
SECTION = f"Local features of {COUNT:,} pictures"


def drawn(number: int) -> ImageSignals:
    """Return signals of which only the features matter here."""
    rng = np.random.default_rng(number)
    points = rng.random((FEATURES, 4), np.float32) * np.array([447, 335, 30, 360], np.float32)
    return ImageSignals(
        digest=digest_of(str(number).encode()),
        width=448,
        height=336,
        quality=100,
        hashes=(),
        phash16=bytes(32),
        thumbnail=Thumbnail(np.zeros((2, 2), np.uint8)),
        features=FeatureSet(points, rng.integers(0, 256, (FEATURES, 16), np.uint8), 448, 336),
    )


def add(folder: Path, numbers: range) -> None:
    with IndexStore.open_or_create(folder, algorithms=index_algorithms()) as store, store.batch():
        for number in numbers:
            item = Item(ItemId(str(number)), media=(Media(0),))
            store.add_item(item, [drawn(number)], fingerprint=b"drawn")


def timed(folder: Path, action: Callable[[HotSource], object]) -> tuple[float, float]:
    """Return processor seconds and seconds by the clock of `action` on the index's features."""
    with IndexStore.open(folder) as store:
        source = HotSource(folder / HOT / "features", store.snapshot(), store.lineage, store.db)
        spent, began = time.process_time(), time.perf_counter()
        action(source)
        return time.process_time() - spent, time.perf_counter() - began


def test_features(tmp_path: Path, record: Callable[..., None]) -> None:
    folder = tmp_path / "index"
    add(folder, range(5))
    timed(folder, feature_votes)  # compiles the loops
    add(folder, range(5, COUNT))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent, clock = timed(folder, renew_votes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record(SECTION, "built from the database, by processor time", COUNT * FEATURES / spent, "features/s")
    record(SECTION, "built from the database, by the clock", COUNT * FEATURES / clock, "features/s")
    record(SECTION, "peak memory before the build", before, "MiB")
    record(SECTION, "peak memory of the build, mapped pages included", peak, "MiB")
    for tier, size in bytes_by_tier(folder).items():
        record(SECTION, tier, size / COUNT, "bytes/picture")
    record(SECTION, "opened", 1000 * min(timed(folder, feature_votes)[1] for _ in range(5)), "ms")

    old = {path.name for path in (folder / HOT / "features").iterdir()}
    add(folder, range(COUNT, COUNT + MORE))
    spent, clock = timed(folder, extend_votes)
    new = [path for path in (folder / HOT / "features").iterdir() if path.name not in old]
    record(SECTION, f"extended by {MORE} pictures, processor time", 1000 * spent, "ms")
    record(SECTION, f"extended by {MORE} pictures, by the clock", 1000 * clock, "ms")
    record(SECTION, f"written for {MORE} pictures", sum(path.stat().st_size for path in new) / 2**20, "MiB")

    def ask(source: HotSource) -> None:
        index = feature_votes(source)
        assert len(index) == COUNT + MORE
        asked = [drawn(number).features for number in range(0, COUNT + MORE, (COUNT + MORE) // 100)]
        index.vote(asked[0], 12)
        began = time.process_time()
        found = [index.vote(features, 12)[0] for features in asked]
        spent = time.process_time() - began
        record(SECTION, "votes of a picture, processor time", 1000 * spent / len(asked), "ms")
        assert all(votes == FEATURES for _, votes in found)

    timed(folder, ask)
