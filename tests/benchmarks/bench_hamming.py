"""Hash lookup against a flat scan and multi-index hashing of faiss, on random and on skewed hashes.

    python -m pytest tests/benchmarks/bench_hamming.py -m benchmark -s --timeout 0

CLONEDETECT_BENCH_HASHES is how many, ten million by default; a hundred million take 17 GB of disk and
as much memory as there is for the files' pages. CLONEDETECT_BENCH_FAISS=0 leaves faiss out. Each rate
is the best of three runs, by the clock on the wall and, so that a machine shared with others does not
decide, by processor time of this process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clonedetect.index import mih
from clonedetect.index.hamming import HammingIndex, Layout

pytestmark = pytest.mark.benchmark

COUNT = int(os.environ.get("CLONEDETECT_BENCH_HASHES", "10000000"))
WITH_FAISS = os.environ.get("CLONEDETECT_BENCH_FAISS", "1") == "1"
SKEWED = min(COUNT, 10_000_000)
BATCH = 1000
ALONE = 500
PLANTED = 4096  # 128 at each distance 0-31
CHECKED = 96  # queries whose every hit is compared with a flat scan
CHUNK = 4_000_000
MIB = 1 << 20
GAUGE = """
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
"""
BUILDER = f"""
import sys, time
import numpy as np
from clonedetect.index.hamming import HammingIndex, Layout
{GAUGE}
hashes = np.load(sys.argv[1], mmap_mode="r")
HammingIndex(hashes[:1000], np.arange(1000), layout=Layout.MIH)  # compiles
started, used = time.perf_counter(), time.process_time()
HammingIndex.build(sys.argv[2], hashes, np.arange(len(hashes)), layout=Layout.MIH)
print(time.perf_counter() - started, time.process_time() - used, peak())
"""
SEARCHER = f"""
import sys
import numpy as np
from clonedetect.index.hamming import HammingIndex
{GAUGE}
index = HammingIndex.open(sys.argv[1])
index.range_search(np.load(sys.argv[2]), 31)
print(peak())
"""

Figure = tuple[str, float, str]


class Rate:
    """Calls a second, by the clock and by processor time, each the best of some runs."""

    def __init__(self, action: Callable[[], object], calls: int, runs: int = 3) -> None:
        clock = processor = float("inf")
        for _ in range(runs):
            started, used = time.perf_counter(), time.process_time()
            action()
            clock = min(clock, time.perf_counter() - started)
            processor = min(processor, time.process_time() - used)
        self.clock, self.processor = calls / clock, calls / processor

    def figures(self, what: str, unit: str = "queries/s") -> list[Figure]:
        return [(what, self.clock, unit), (f"{what}, by processor time", self.processor, unit)]


def told(section: str, figures: list[Figure], record: Callable[..., None]) -> None:
    """Print a table of what was measured, a row a figure, and keep it."""
    print("\n\n| what | value | unit |\n|---|---|---|")
    for what, value, unit in figures:
        record(section, what, value, unit)
        print(f"| {what} | {value:,.0f} | {unit} |" if value >= 100 else f"| {what} | {value:.3g} | {unit} |")


def run(program: str, *arguments: Path) -> list[float]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def flipped(bits: np.ndarray, distances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = rng.random((len(bits), 256)).argsort(axis=1)
    return bits ^ np.packbits(order < distances[:, None], axis=1)


def is_exact(index: HammingIndex, hashes: np.ndarray, queries: np.ndarray) -> bool:
    """Whether every hit is what a flat scan finds, no more, no fewer, in order; ids are row numbers."""
    numbers, rows, distances = mih.flat(
        mih._frozen(hashes.view(np.uint64)), mih._frozen(queries.view(np.uint64)), 31
    )
    order = np.lexsort((rows, distances, numbers))
    wanted = (numbers[order], rows[order], distances[order])
    return all(map(np.array_equal, index.range_search(queries, 31), wanted))


def recall(index: HammingIndex, queries: np.ndarray, rows: np.ndarray, distances: np.ndarray) -> float:
    numbers, ids, away = index.range_search(queries, 31)
    right = (ids == rows[numbers]) & (away == distances[numbers])
    return len(np.unique(numbers[right])) / len(queries)


def faiss_figures(hashes: np.ndarray, queries: np.ndarray, ours: float) -> list[Figure]:
    """Rates of faiss on one thread, and ours in multiples of them, both by processor time on one thread."""
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(1)
    figures: list[Figure] = []
    indexes = {
        "faiss BinaryFlat": faiss.IndexBinaryFlat(256),
        "faiss BinaryMultiHash of 16 bands of 16 bits, 1 flip": faiss.IndexBinaryMultiHash(256, 16, 16),
    }
    for name, index in indexes.items():
        if hasattr(index, "nflip"):
            index.nflip = 1
        index.add(np.ascontiguousarray(hashes))
        part = queries[:20]
        rate = Rate(lambda index=index, part=part: index.range_search(part, 32), 20, runs=2).processor
        figures += [
            (f"{name}, one thread", rate, "queries/s"),
            (f"ours against {name}", ours / rate, "times"),
        ]
    return figures


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone afterwards: what stays behind would be gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def hashes(folder: Path) -> np.ndarray:
    """Random hashes in a mapped file, made in parts."""
    path = folder / "hashes.npy"
    stored = np.lib.format.open_memmap(path, "w+", np.uint8, (COUNT, 32))
    rng = np.random.default_rng(1)
    for first in range(0, COUNT, CHUNK):
        size = min(CHUNK, COUNT - first)
        stored[first : first + size] = rng.integers(0, 2**64, (size, 4), np.uint64).view(np.uint8)
    stored.flush()
    del stored
    return np.load(path, mmap_mode="r")


def test_lookup(hashes: np.ndarray, folder: Path, record: Callable[..., None]) -> None:
    rng = np.random.default_rng(2)
    rows, distances = np.sort(rng.choice(COUNT, PLANTED, replace=False)), np.arange(PLANTED) % 32
    near = flipped(hashes[rows], distances, rng)
    strangers = rng.integers(0, 256, (BATCH - 32, 32), np.uint8)
    queries = rng.permutation(np.concatenate((near[:32], strangers)))
    figures: list[Figure] = [("hashes", COUNT, "")]

    took, worked, memory = run(BUILDER, folder / "hashes.npy", folder / "hot")
    figures += [("build, digests and writing included", took, "s"), ("build, by processor time", worked, "s")]
    figures.append(("peak memory of the build, mapped pages included", memory, "MiB"))
    size = sum(path.stat().st_size for path in (folder / "hot").iterdir())
    figures.append(("files", size / MIB, "MiB"))

    started = time.perf_counter()
    index = HammingIndex.open(folder / "hot")
    figures.append(("open", (time.perf_counter() - started) * 1000, "ms"))
    index.range_search(queries[:1], 31)  # loads the compiled loops
    found = recall(index, near, rows, distances)
    figures.append((f"recall of {PLANTED:,} neighbours at distances 0-31", found, ""))
    on_one = 0.0
    for radius in (31, 48):
        for threads in (2, 1):
            rate = Rate(lambda r=radius, t=threads: index.range_search(queries, r, threads=t), BATCH)
            figures += rate.figures(f"radius {radius}, batches of {BATCH:,}, {threads} threads")
            on_one = rate.processor if (radius, threads) == (31, 1) else on_one

        def one_by_one(radius: int = radius) -> None:
            for number in range(ALONE):
                index.range_search(queries[number : number + 1], radius)

        figures += Rate(one_by_one, ALONE, runs=2).figures(f"radius {radius}, one at a time")
    np.save(folder / "queries.npy", near)
    (memory,) = run(SEARCHER, folder / "hot", folder / "queries.npy")
    figures.append((f"peak memory of a process that opens it and asks {PLANTED:,} queries", memory, "MiB"))
    words, asked = mih._frozen(hashes.view(np.uint64)), mih._frozen(queries[:200].view(np.uint64))
    figures += Rate(lambda: mih.flat(words, asked, 31), 200, runs=2).figures("compiled flat scan, one thread")
    sample = np.concatenate((near[:: PLANTED // CHECKED], strangers[:CHECKED]))
    agrees = is_exact(index, hashes, sample)
    if WITH_FAISS:
        figures += faiss_figures(hashes, queries, on_one)
    told(f"Hash lookup, {COUNT:,} hashes", figures, record)
    assert found == 1.0
    assert agrees


def skewed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return random hashes, the rows of 1 % that share two bands, and of 0.5 % with up to eight bits set."""
    hashes = rng.integers(0, 2**64, (SKEWED, 4), np.uint64).view(np.uint8)
    rows = rng.permutation(SKEWED)
    shared, blank = rows[: SKEWED // 100], rows[-(SKEWED // 200) :]
    hashes[shared, 10:14] = (0x5A, 0xC3, 0x11, 0x77)
    hashes[blank] = flipped(np.zeros((len(blank), 32), np.uint8), rng.integers(0, 9, len(blank)), rng)
    return hashes, shared, blank


def test_skewed_lookup(record: Callable[..., None]) -> None:
    """Queries of strangers and neighbours, then drawn like the set: each at half the uniform rate or more."""
    rng = np.random.default_rng(3)
    uniform = rng.integers(0, 2**64, (SKEWED, 4), np.uint64).view(np.uint8)
    near = flipped(uniform[:32], np.arange(32), rng)
    strangers = rng.integers(0, 256, (BATCH - 32, 32), np.uint8)
    index = HammingIndex(uniform, np.arange(SKEWED), layout=Layout.MIH)
    batch = np.concatenate((near, strangers))
    even = {
        threads: Rate(lambda t=threads: index.range_search(batch, 31, threads=t), BATCH) for threads in (2, 1)
    }
    del index, uniform
    hashes, shared, blank = skewed(rng)
    index = HammingIndex(hashes, np.arange(SKEWED), layout=Layout.MIH)
    near = flipped(hashes[rng.choice(SKEWED, 32)], np.arange(32), rng)
    of_shared = flipped(hashes[shared[: BATCH // 100]], np.arange(BATCH // 100), rng)
    of_blank = flipped(hashes[blank[: BATCH // 200]], np.arange(BATCH // 200), rng)
    drawn = np.concatenate((near, of_shared, of_blank))
    batches = {
        "strangers and 32 neighbours": np.concatenate((near, strangers)),
        "1 % of a shared band": np.concatenate((near, of_shared, strangers))[:BATCH],
        "1 % of a shared band, 0.5 % nearly blank": np.concatenate((drawn, strangers))[:BATCH],
    }
    figures: list[Figure] = [("skewed hashes", SKEWED, "")]
    shares = []
    for threads, rate in even.items():
        figures += rate.figures(f"uniform, batches of {BATCH:,}, {threads} threads")
        for name, queries in batches.items():
            hits = len(index.range_search(queries, 31)[0])
            found = Rate(lambda q=queries, t=threads: index.range_search(q, 31, threads=t), BATCH)
            what = f"skewed, {name}, {threads} threads"
            figures += found.figures(what)
            figures.append((f"{what}: hits", found.clock * hits / BATCH, "hits/s"))
            shares.append(found.processor / rate.processor)
            figures.append((f"{what}: share of uniform, by processor time", shares[-1] * 100, "%"))
    agrees = is_exact(index, hashes, drawn)
    told(f"Hash lookup, {SKEWED:,} hashes that crowd", figures, record)
    assert agrees
    assert min(shares) >= 0.5


def test_lookup_while_merging(hashes: np.ndarray, folder: Path, record: Callable[..., None]) -> None:
    """Files of eight ninths, the rest in memory, merged while searches go on."""
    first = COUNT * 8 // 9
    HammingIndex.build(folder / "hot", hashes[:first], np.arange(first), layout=Layout.MIH)
    index = HammingIndex.open(folder / "hot")
    queries = np.random.default_rng(4).integers(0, 256, (BATCH, 32), np.uint8)
    queries[:16], queries[16:32] = hashes[:16], hashes[-16:]
    index.range_search(queries[:1], 31)
    figures: list[Figure] = [("hashes in files", first, ""), ("hashes added in memory", COUNT - first, "")]
    started = time.perf_counter()
    index.add(hashes[first:], np.arange(first, COUNT))
    figures.append(("adding them", time.perf_counter() - started, "s"))
    wanted = index.range_search(queries, 31)
    figures += Rate(lambda: index.range_search(queries, 31), BATCH).figures(
        "radius 31 with the added in memory"
    )
    started, asked, longest = time.perf_counter(), 0, 0.0
    merge = index.merge_in_background(folder / "hot")
    while not merge.is_over:
        began = time.perf_counter()
        assert all(map(np.array_equal, index.range_search(queries, 31), wanted))
        longest, asked = max(longest, time.perf_counter() - began), asked + BATCH
    took = time.perf_counter() - started
    figures += [("merge in the background", took, "s"), ("radius 31 meanwhile", asked / took, "queries/s")]
    figures.append((f"longest batch of {BATCH:,} meanwhile", longest * 1000, "ms"))
    started = time.perf_counter()
    assert all(map(np.array_equal, index.range_search(queries, 31), wanted))
    figures.append(
        ("first batch after it, which maps the new files", (time.perf_counter() - started) * 1000, "ms")
    )
    told(f"Hash lookup while merging, {COUNT:,} hashes", figures, record)
    assert merge.is_written
    assert index.changed == 0
