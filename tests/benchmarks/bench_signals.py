r"""What the built-in signals propose that hashes and local features do not, and what they cost.

    CLONEDETECT_BENCH_DATA=folder python -m pytest tests/benchmarks/bench_signals.py -m benchmark -s \
      --timeout 0

The folder holds ``images/originals`` and ``images/distractors``, all of which are indexed but the backdrops.
CLONEDETECT_BENCH_QUERIES (default 24) is the number of development pictures that are transformed. Set
OPENBLAS_NUM_THREADS=1 where other work runs beside: threads that wait for each other count as processor time.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import image_transforms as transforms
from accuracy.split import DataMissingError, Part, Pictures, name_of, read_pictures, same_works, sampled
from clonedetect.index.reference import OpenIndex
from clonedetect.index.vectors import VectorIndex
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.candidates import HASH_CANDIDATES, ImageOutcome, image_candidates, match_image
from clonedetect.match.mask import MaskCache
from clonedetect.match.proposals import propose
from clonedetect.models.match import Verdict
from clonedetect.models.reference import Generation
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.slot import Signal
from clonedetect.signals.image import QueryImage, query_image
from clonedetect.signals.slot import BUILT_IN

pytestmark = pytest.mark.benchmark

DATA = Path(os.environ.get("CLONEDETECT_BENCH_DATA", Path(__file__).parents[2] / "../shared/data")) / "images"
QUERIES = int(os.environ.get("CLONEDETECT_BENCH_QUERIES", "24"))
THRESHOLDS = ImageThresholds()
SECTION = "Signals in the slot"
MILLION = 1_000_000
RADII = {"block-mean": (32, 48, 64, 80), "gradients": (400, 500, 600, 700)}


@dataclass(frozen=True, slots=True)
class Asked:
    """One transformed picture: whether anything else proposed it, and its distance and rank by signal."""

    name: str
    transform: str
    is_proposed: bool
    distances: dict[str, tuple[int | None, int]]
    before: str
    after: str


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    try:
        return read_pictures(DATA)
    except DataMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def index(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIndex]:
    cv2.setNumThreads(1)
    folder = tmp_path_factory.mktemp("signals")
    rows = (
        {"item_id": name_of(path), "account_id": name_of(path), "media": [{"path": str(path.absolute())}]}
        for path in pictures.indexed
    )
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    names = [signal.name for signal in BUILT_IN]
    result = add_sources(folder / "index", [folder / "posts.jsonl"], signals=names, workers=2)
    assert result.refused == 0
    print(f"{result.items} pictures indexed in {result.seconds:.0f} s")
    with open_reference(folder / "index", signals=BUILT_IN) as opened:
        yield opened


def test_true_items_that_nothing_else_proposes(pictures: Pictures, index: OpenIndex, record) -> None:
    asked = [
        ask(path, transform, pictures, index)
        for path in sampled(pictures.part(Part.DEVELOPMENT), QUERIES, 5)
        for transform in transforms.TRANSFORMS
    ]
    left = [one for one in asked if not one.is_proposed]
    record(SECTION, "queries, each a development picture transformed", len(asked))
    record(SECTION, "true item proposed by hashes or local features", len(asked) - len(left), "queries")
    print("not proposed:", Counter(one.transform for one in left).most_common())
    for signal in BUILT_IN:
        for radius in RADII[signal.name]:
            told = f"{signal.name}, radius {radius}"
            hit = [one for one in asked if is_hit(one, signal, radius)]
            if radius == signal.radius:
                record(SECTION, f"{told}: true item proposed", len(hit), "queries")
                record(SECTION, f"{told}: of those, by nothing else", sum(not one.is_proposed for one in hit))
            print(f"{told}: {len(hit)} proposed, {sum(not one.is_proposed for one in hit)} by it alone")
    changed = [(one.name, one.transform, one.before, one.after) for one in asked if one.before != one.after]
    print("verdicts that changed:", changed)
    record(SECTION, "verdicts of the true item that all signals together changed", len(changed))


def is_hit(one: Asked, signal: Signal, radius: int) -> bool:
    distance, rank = one.distances[signal.name]
    return distance is not None and distance <= radius and rank < signal.most


def ask(path: Path, transform: str, pictures: Pictures, index: OpenIndex) -> Asked:
    with Image.open(path) as picture:
        query = query_image(transforms.transformed(transform, picture, name_of(path), pictures.backdrops))
    works = same_works(name_of(path))
    hashed = image_candidates(query, index, THRESHOLDS)
    near = [one.media_id for one in hashed if one.route is not None][:HASH_CANDIDATES]
    voted = [one.media_id for one in hashed if one.route is None]
    is_proposed = name_of(path) in {each.item_id for each in index.images([*near, *voted])}
    distances = {signal.name: ranked(query, index, signal, works) for signal in BUILT_IN}
    before = after = ""
    if not is_proposed:
        before = verdict_of(match_image(query, index, THRESHOLDS), name_of(path))
        after = verdict_of(match_image(query, index, THRESHOLDS, signals=BUILT_IN), name_of(path))
    return Asked(name_of(path), transform, is_proposed, distances, before, after)


def ranked(
    query: QueryImage, index: OpenIndex, signal: Signal, works: frozenset[str]
) -> tuple[int | None, int]:
    """Return the distance of the true item, None beyond the widest radius, and how many others are nearer."""
    wide = replace(signal, radius=max(RADII[signal.name]), most=len(RADII) * MILLION)
    proposed = propose(query, index, (wide,), frozenset()).candidates
    items = [each.item_id for each in index.images([one.media_id for one in proposed])]
    place = next((place for place, item in enumerate(items) if item in works), None)
    if place is None:
        return None, len(items)
    route = proposed[place].signal
    assert route is not None
    words = route.distance.split()[0]
    return int(words) if "." not in words else round(1000 * float(words)), place


def verdict_of(outcome: ImageOutcome, item: str) -> str:
    return str(next((match.verdict for match in outcome.matches if match.item_id == item), Verdict.NONE))


def test_what_asking_costs_where_nothing_is_found(pictures: Pictures, index: OpenIndex, record) -> None:
    """Backdrops are in no index: hashes, votes and signals are all asked of each."""
    queries = [query_image(path.read_bytes()) for path in pictures.backdrops]
    wrong: Counter[str] = Counter()
    for name, signals in (("none", ()), *((one.name, (one,)) for one in BUILT_IN)):
        masks, compared = MaskCache(), 0
        for query in queries:  # features are kept with a query: made once, before the clock
            assert query.features is not None
        started = time.process_time()
        for query in queries:
            outcome = match_image(query, index, THRESHOLDS, masks=masks, signals=signals)
            compared += outcome.compared
            wrong[f"{name} confirmed"] += sum(one.verdict is Verdict.CONFIRMED for one in outcome.matches)
            wrong[f"{name} possible"] += sum(one.verdict is Verdict.POSSIBLE for one in outcome.matches)
        spent = 1000 * (time.process_time() - started) / len(queries)
        record(SECTION, f"picture that is not indexed, signals: {name}", round(spent, 1), "ms")
        record(SECTION, f"pictures compared with it, signals: {name}", round(compared / len(queries), 2))
    print(dict(wrong))
    frames = [query.frame for query in queries]
    for signal in BUILT_IN:
        started = time.process_time()
        for frame in frames:
            signal.value(frame)
        spent = 1000 * (time.process_time() - started) / len(frames)
        record(SECTION, f"{signal.name}: one value of a picture", round(spent, 2), "ms")


@pytest.mark.parametrize("size", [256, 576, 1024])
def test_a_scan_of_a_million_vectors(size: int, tmp_path: Path, record) -> None:
    values = np.random.default_rng(1).integers(0, 256, (MILLION, size), dtype=np.uint8)
    VectorIndex.build(
        tmp_path / "v", values, np.arange(MILLION, dtype=np.int64), generation=Generation(1, "")
    )
    index = VectorIndex.open(tmp_path / "v")
    index.range_search(values[:1], 500)  # read once: the page cache holds it
    for count in (1, 4, 64):
        taken = []
        for _ in range(3):
            started = time.perf_counter()
            numbers, _, _ = index.range_search(values[:count], 500)
            taken.append(time.perf_counter() - started)
            assert set(numbers.tolist()) == set(range(count))
        record(
            SECTION,
            f"a million values of {size} bytes, {count} at once, best of 3",
            round(min(taken), 3),
            "s",
        )
