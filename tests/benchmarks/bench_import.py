"""A million captions into an index: rate, memory, disk, the repeat, and what looking them up costs.

Rows are made from a seed by ``made_captions.py``; ``CLONEDETECT_BENCH_ITEMS``
asks for another number. The import is the command itself, watched from outside:
processor time and resident memory are those of it and all its workers.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.store import IndexStore
from clonedetect.signals.text import text_signals

pytestmark = pytest.mark.benchmark

ITEMS = int(os.environ.get("CLONEDETECT_BENCH_ITEMS", "1000000"))
QUERIES = 1000
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
AT_HOME = 2048  # rows that are imported before a worker starts: fewer say nothing about the rate
FIGURES: list[tuple[str, float, str]] = []
"""What was measured, in order: (what, value, unit)."""


def load_generator():
    path = Path(__file__).with_name("made_captions.py")
    spec = importlib.util.spec_from_file_location("_bench_made_captions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Watched:
    """What one command used, with all processes it started."""

    output: str = ""
    wall_s: float = 0.0
    peak_bytes: int = 0
    ticks: dict[int, int] = field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        return sum(self.ticks.values()) / TICKS

    def look(self, pid: int) -> None:
        resident = 0
        for number in family(pid):
            try:
                fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            self.ticks[number] = int(fields[11]) + int(fields[12])
            resident += int(fields[21]) * PAGE
        self.peak_bytes = max(self.peak_bytes, resident)


def family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child))


def watch(*command: str) -> Watched:
    found = Watched()
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            found.look(process.pid)
            time.sleep(0.05)
        found.output = process.stdout.read()
    found.wall_s = time.perf_counter() - started
    assert process.returncode == 0, found.output
    return found


def note(what: str, value: float, unit: str) -> None:
    FIGURES.append((what, value, unit))


def imported(folder: Path, source: Path, name: str) -> dict[str, object]:
    done = watch(sys.executable, "-m", "clonedetect", "index", "add", str(folder), str(source), "--json")
    note(f"{name}, by the clock", ITEMS / done.wall_s, "items/s")
    note(f"{name}, processor time of all processes", done.cpu_s / ITEMS * 1e6, "us/item")
    note(f"{name}, peak resident memory of all processes", done.peak_bytes / 2**20, "MiB")
    return json.loads(done.output.splitlines()[-1])


def opened(folder: Path) -> OpenIndex:
    return open_index(folder, votes=lambda _: None, model=lambda _: None)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("import") / "posts.jsonl"
    load_generator().write_rows(path, ITEMS)
    note("rows", ITEMS, "items")
    note("size of the source", path.stat().st_size / ITEMS, "bytes/item")
    return path


@pytest.fixture(scope="module")
def index(source: Path) -> Path:
    folder = source.parent / "index"
    result = imported(folder, source, "import")
    assert (result["added"], result["refused"]) == (ITEMS, 0)
    note("index.db", (folder / "index.db").stat().st_size / ITEMS, "bytes/caption")
    return folder


def test_the_repeat_of_an_unchanged_source_changes_nothing(index: Path, source: Path) -> None:
    with IndexStore.open(index) as store:
        before = store.snapshot()
    assert imported(index, source, "repeat")["unchanged"] == ITEMS
    with IndexStore.open(index) as store:
        assert store.snapshot() == before


def test_lookups_are_built_opened_and_asked(index: Path, source: Path) -> None:
    build = (
        "import sys; from clonedetect.index.reference import open_index; "
        "print(len(open_index(sys.argv[1], votes=id, model=id).postings))"
    )
    done = watch(sys.executable, "-c", build, str(index))
    assert int(done.output) == ITEMS
    note("hot/texts, built by the clock", done.wall_s, "s")
    note("hot/texts, processor time of the build", done.cpu_s, "s")
    note("hot/texts, peak memory of the build, mapped pages included", done.peak_bytes / 2**20, "MiB")
    note("hot/texts", size_of(index / "hot" / "texts") / ITEMS, "bytes/caption")
    started = time.perf_counter()
    with opened(index) as found:
        assert len(found.postings) == ITEMS
        note("hot/texts, opened", (time.perf_counter() - started) * 1e3, "ms")
        ask(found, source)


def ask(index: OpenIndex, source: Path) -> None:
    """Look up captions of the index by half of their words; each must find itself, or one equal to it."""
    with source.open(encoding="utf-8") as lines:
        drawn = sorted(random.Random(7).sample(range(ITEMS), min(QUERIES, ITEMS)))
        wanted = set(drawn)
        captions = [json.loads(line)["caption"] for number, line in enumerate(lines) if number in wanted]
    signals = [text_signals(caption) for caption in captions]
    halves = [text_signals(caption[: len(caption) // 2]) for caption in captions]
    spent = {"candidates of half a caption": 0.0, "near duplicates of a caption": 0.0}
    missed = 0
    for number, whole, half in zip(drawn, signals, halves, strict=True):
        started = time.process_time()
        found = index.postings.candidates([half.fingerprints], [50])[0]
        spent["candidates of half a caption"] += time.process_time() - started
        started = time.process_time()
        near = index.postings.near_duplicates(whole.minhash[None])[0]
        spent["near duplicates of a caption"] += time.process_time() - started
        same = set(index.postings.with_digests([whole.exact])[0])
        assert same <= set(near)
        assert number + 1 in same
        missed += not same & {number for number, _ in found}
    for what, seconds in spent.items():
        note(f"{what}, processor time", seconds / len(drawn) * 1e3, "ms")
    note("captions found by half their words", 1 - missed / len(drawn), "of 1")
    assert missed <= len(drawn) // 50


def test_the_bounds_that_are_promised(record: Callable[..., None]) -> None:
    values = {what: value for what, value, _ in FIGURES}
    assert values["import, peak resident memory of all processes"] < 1024
    print()
    for what, value, unit in FIGURES:
        print(f"{what:75s} {value:12,.2f} {unit}")
        record(f"Importing {ITEMS:,} captions", what, value, unit)
