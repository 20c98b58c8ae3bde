"""Recall by transformation, and false confirmations on the hardest pairs, over a folder of photographs.

    CLONEDETECT_BENCH_DATA=folder python -m pytest tests/benchmarks/bench_image.py -m benchmark -s --timeout 0

The folder holds ``images/originals`` and ``images/distractors``. CLONEDETECT_BENCH_QUERIES
(default 8) is the number of originals that are transformed, CLONEDETECT_BENCH_DISTRACTORS
(default 300) how many distractors lie in the index beside all originals.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageOps

from clonedetect.match.candidates import ImageOutcome, match_image
from clonedetect.match.mask import MaskCache
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

pytestmark = pytest.mark.benchmark

DATA = Path(os.environ.get("CLONEDETECT_BENCH_DATA", Path(__file__).parents[2] / "../shared/data")) / "images"
QUERIES = int(os.environ.get("CLONEDETECT_BENCH_QUERIES", "8"))
DISTRACTORS = int(os.environ.get("CLONEDETECT_BENCH_DISTRACTORS", "300"))
THRESHOLDS = ImageThresholds()


def load(name: str) -> ModuleType:
    key = f"clonedetect_benchmarks_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


transforms = load("image_transforms")
MemoryIndex = load("memory_index").MemoryIndex


def files(folder: str) -> list[Path]:
    if not (DATA / folder).is_dir():
        pytest.skip(f"no photographs in {DATA / folder}: set CLONEDETECT_BENCH_DATA")
    return sorted(path for path in (DATA / folder).iterdir() if path.suffix in {".jpg", ".png"})


def sample(paths: list[Path], count: int, seed: int) -> list[Path]:
    order = np.random.default_rng(seed).permutation(len(paths))
    return [paths[i] for i in order[:count]]


def indexed(pictures: Iterable[tuple[str, bytes]]):
    index = MemoryIndex()
    for name, data in pictures:
        index.add(name, image_signals(data), f"account of {name}")
    return index


@pytest.fixture(scope="module")
def held() -> list[Path]:
    return files("originals") + sample(files("distractors"), DISTRACTORS, 1)


@pytest.fixture(scope="module")
def index(held):
    started = time.perf_counter()
    built = indexed((path.name, path.read_bytes()) for path in held)
    print(f"\n{len(held)} pictures indexed, {1e3 * (time.perf_counter() - started) / len(held):.0f} ms each")
    return built


@pytest.fixture(scope="module")
def masks() -> MaskCache:
    return MaskCache()


def of(outcome: ImageOutcome, name: str) -> str:
    return next((str(m.verdict) for m in outcome.matches if m.item_id == name), "missed")


def false(outcome: ImageOutcome, name: str = "") -> int:
    return sum(m.verdict is Verdict.CONFIRMED and m.item_id != name for m in outcome.matches)


def test_recall_by_transformation(index, held, masks, record):
    total: Counter[str] = Counter()
    wrong, spent = 0, [0.0, 0.0]
    queries = sample(files("originals"), QUERIES, 2)
    for name in transforms.TRANSFORMS:
        counts: Counter[str] = Counter()
        for path in queries:
            data = transforms.transformed(name, Image.open(path), path.name)
            started = time.perf_counter()
            query = query_image(data)
            prepared = time.perf_counter()
            outcome = match_image(query, index, THRESHOLDS, masks=masks)
            spent[0] += prepared - started
            spent[1] += time.perf_counter() - prepared
            counts[of(outcome, path.name)] += 1
            wrong += false(outcome, path.name)
        total.update(counts)
        section = f"Pictures by transformation, confirmed of {len(queries)}"
        record(section, name, counts["confirmed"])
        print(f"{name:28s}", *(f"{kind} {counts[kind]:3d}" for kind in ("confirmed", "possible", "missed")))
    number = total.total()
    print(
        f"of {number}: confirmed {total['confirmed'] / number:.1%}, possible {total['possible'] / number:.1%}"
    )
    each = [1e3 * seconds / number for seconds in spent]
    print(f"false confirmations {wrong}; prepare {each[0]:.0f} ms, match {each[1]:.0f} ms")
    section = f"Pictures, {len(queries)} originals transformed, against {len(held)} indexed"
    record(section, "confirmed", 100 * total["confirmed"] / number, "%", ">= 85")
    record(section, "possible", 100 * total["possible"] / number, "%")
    record(section, "false confirmations", wrong, f"of {number} queries", "<= 0")
    record(section, "preparing a query, by the clock", each[0], "ms")
    record(section, "matching a query, by the clock", each[1], "ms")
    assert wrong == 0
    assert total["confirmed"] / number > 0.85


def test_photographs_of_one_floor_are_not_confused(index, held, masks, record):
    strangers = sample([p for p in files("distractors") if p not in set(held)], 12 * QUERIES, 3)
    counts: Counter[str] = Counter()
    for path in strangers:
        outcome = match_image(query_image(path.read_bytes()), index, THRESHOLDS, masks=masks)
        counts[str(outcome.verdict)] += 1
    print(f"\n{len(strangers)} pictures that are not indexed, many of the same floor: {dict(counts)}")
    of = f"of {len(strangers)}"
    record("Pictures that are not indexed", "confirmed", counts["confirmed"], of, "<= 0")
    record("Pictures that are not indexed", "shown to people", counts["possible"], of)
    assert counts["confirmed"] == 0


def textured(picture: Image.Image) -> Image.Image:
    """A frame that is itself photographic in texture."""
    page = transforms.scenery(np.random.default_rng(5), (900, 900))
    page.paste(ImageOps.fit(picture, (380, 380)), (260, 260))
    return page


FRAMES = {
    "phone": transforms.phone_screen,
    "dark phone": lambda picture: transforms.phone_screen(picture, dark=True),
    "meme": transforms.meme,
    "desktop": transforms.desktop_screen,
    "textured": textured,
}


@pytest.mark.parametrize("frame", FRAMES)
def test_different_photographs_in_one_template(frame, record):
    put = FRAMES[frame]
    chosen = sample(files("originals"), 4 + QUERIES, 4)
    photographs = [Image.open(path).convert("RGB") for path in chosen]
    others = [query_image(transforms.jpeg(put(p), 80)) for p in photographs[4:]]
    print()
    for count in (1, 2, 4):
        index = indexed((chosen[i].name, transforms.jpeg(put(photographs[i]), 85)) for i in range(count))
        masks = MaskCache()
        alone = [match_image(q, index, THRESHOLDS, masks=masks) for q in others]
        beside = [
            match_image(q, index, THRESHOLDS, masks=masks, siblings=(others[i - 1],))
            for i, q in enumerate(others)
        ]
        true = Counter()
        for i in range(count):
            small = transforms.resized(put(photographs[i]), 640)
            outcome = match_image(query_image(transforms.jpeg(small, 70)), index, THRESHOLDS, masks=masks)
            true[of(outcome, chosen[i].name)] += 1
        wrong = sum(false(o) for o in alone + beside)
        print(
            f"{frame}, {count} in the index: false confirmations {wrong} of {2 * len(others)}, "
            f"shown to people {sum(bool(o.matches) for o in alone)}; true copies {dict(true)}"
        )
        what = f"{frame}, {count} in the index"
        record("False confirmations by one template", what, wrong, f"of {2 * len(others)}", "<= 0")
        assert wrong == 0
