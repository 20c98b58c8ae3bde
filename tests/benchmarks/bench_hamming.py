"""Hash lookup against a flat scan and multi-index hashing of faiss, on random hashes with planted neighbours.

    python -m pytest tests/benchmarks/bench_hamming.py -m benchmark -s --timeout 0

CLONEDETECT_BENCH_HASHES is how many, ten million by default; CLONEDETECT_BENCH_FAISS=0 leaves faiss
out. Each rate is the best of three runs, by the clock on the wall and, so that a machine shared
with others does not decide, by processor time of this process.
"""

from __future__ import annotations

import os
import resource
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
BATCH = 1000
ALONE = 500
SEARCHER = """
import sys
from pathlib import Path
import numpy as np
from clonedetect.index.hamming import HammingIndex
index = HammingIndex.open(sys.argv[1])
index.range_search(np.load(sys.argv[2]), 31)
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in lines if line.startswith("VmHWM")).split()[1])
"""
PLANTED = 4096  # 128 at each distance 0-31
MIB = 1 << 20

Row = tuple[str, str]


def best(action: Callable[[], object], queries: int, runs: int = 3) -> tuple[float, float]:
    """Return queries per second by the clock and by processor time, each the best of `runs`."""
    by_clock = by_processor = float("inf")
    for _ in range(runs):
        clock, processor = time.perf_counter(), time.process_time()
        action()
        by_clock = min(by_clock, time.perf_counter() - clock)
        by_processor = min(by_processor, time.process_time() - processor)
    return queries / by_clock, queries / by_processor


def searcher_mib(folder: Path, queries: np.ndarray) -> float:
    """Return the peak memory of a process that opens the files and searches, mapped pages included."""
    np.save(folder.parent / "queries.npy", queries)
    command = [sys.executable, "-c", SEARCHER, str(folder), str(folder.parent / "queries.npy")]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def planted(hashes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return queries 0-31 bits from stored hashes, the rows of those, and the distances."""
    rows = rng.choice(len(hashes), PLANTED, replace=False)
    distances = np.arange(PLANTED) % 32
    order = rng.random((PLANTED, 256)).argsort(axis=1)
    flips = np.packbits(order < distances[:, None], axis=1)
    return hashes[rows] ^ flips, rows, distances


def recall(index: HammingIndex, queries: np.ndarray, rows: np.ndarray, distances: np.ndarray) -> float:
    numbers, ids, away = index.range_search(queries, 31)
    right = (ids == rows[numbers]) & (away == distances[numbers])
    return len(np.unique(numbers[right])) / len(queries)


def faiss_rows(hashes: np.ndarray, queries: np.ndarray, ours: float) -> list[Row]:
    """Rates of faiss on one thread, and ours in multiples of them, both by processor time on one thread."""
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(1)
    rows = []
    indexes = {
        "faiss BinaryFlat": (faiss.IndexBinaryFlat(256), 20),
        "faiss BinaryMultiHash (16 bands of 16 bits, 1 flip)": (faiss.IndexBinaryMultiHash(256, 16, 16), 20),
    }
    for name, (index, asked) in indexes.items():
        if hasattr(index, "nflip"):
            index.nflip = 1
        index.add(hashes)
        part = queries[:asked]
        rate = best(lambda index=index, part=part: index.range_search(part, 32), asked, runs=2)[1]
        rows += [
            (name, f"{rate:,.1f} queries/s"),
            (f"clonedetect / {name.split()[1]}, each on one thread", f"{ours / rate:,.0f} x"),
        ]
        del index
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone afterwards: what stays behind would be gigabytes."""
    yield tmp_path / "hot"
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def hashes() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2**64, (COUNT, 4), np.uint64).view(np.uint8)


def test_lookup(hashes: np.ndarray, folder: Path, record: Callable[..., None]) -> None:
    rng = np.random.default_rng(2)
    near, rows, distances = planted(hashes, rng)
    strangers = rng.integers(0, 256, (BATCH - 32, 32), np.uint8)
    queries = rng.permutation(np.concatenate((near[:32], strangers)))
    mih.Bands.of(hashes[:1000]).search(hashes[:1000], queries[:1].view(np.uint64), 31, 1)  # compiles
    table: list[Row] = [("hashes", f"{COUNT:,}")]

    started, used = time.perf_counter(), time.process_time()
    HammingIndex.build(folder, hashes, np.arange(COUNT), layout=Layout.MIH)
    took, worked = time.perf_counter() - started, time.process_time() - used
    table.append(("build, digests and writing included", f"{took:.1f} s ({worked:.1f} s of processor)"))
    size = sum(path.stat().st_size for path in folder.iterdir())
    table.append(("files", f"{size / MIB:,.0f} MiB"))

    started = time.perf_counter()
    index = HammingIndex.open(folder)
    table.append(("open", f"{(time.perf_counter() - started) * 1000:.1f} ms"))
    found = recall(index, near, rows, distances)
    table.append((f"recall of {PLANTED:,} neighbours at distances 0-31", f"{found:.6f}"))
    on_one = 0.0
    for radius in (31, 48):
        for threads in (2, 1):
            rate, worked = best(lambda r=radius, t=threads: index.range_search(queries, r, threads=t), BATCH)
            text = f"{rate:,.0f} queries/s" + (f" ({worked:,.0f} by processor time)" if threads == 1 else "")
            table.append((f"radius {radius}, batches of {BATCH:,}, {threads} threads", text))
            on_one = worked if (radius, threads) == (31, 1) else on_one

        def one_by_one(radius: int = radius) -> None:
            for number in range(ALONE):
                index.range_search(queries[number : number + 1], radius)

        rate, worked = best(one_by_one, ALONE)
        table.append(
            (f"radius {radius}, one at a time", f"{rate:,.0f} queries/s ({worked:,.0f} by processor time)")
        )
    memory = searcher_mib(folder, near)
    table.append(
        (f"peak memory of a process that opens it and asks {PLANTED:,} queries", f"{memory:,.0f} MiB")
    )
    words = mih._frozen(hashes.view(np.uint64))
    asked = mih._frozen(queries[:200].view(np.uint64))
    rate, worked = best(lambda: mih.flat(words, asked, 31), 200)
    table.append(
        ("compiled flat scan, one thread", f"{rate:,.0f} queries/s ({worked:,.0f} by processor time)")
    )
    if WITH_FAISS:
        table += faiss_rows(hashes, queries, on_one)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.append(("peak memory of the benchmark, its own copy of the hashes included", f"{peak:,.0f} MiB"))
    print("\n\n| what | measured |\n|---|---|")
    for what, value in table:
        print(f"| {what} | {value} |")
        record(f"Hash lookup, {COUNT:,} hashes", what, value)
    assert found == 1.0
