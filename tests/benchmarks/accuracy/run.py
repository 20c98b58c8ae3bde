"""The whole run: indexes, two worker processes, results that are kept as they come."""

from __future__ import annotations

import ast
import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import groupby
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

import msgspec

import image_transforms as transforms
from accuracy.bench import Bench, build_indexes
from accuracy.records import RECALL, STRANGER, Result, ResultFile, Task
from accuracy.scenes import Scenes
from accuracy.split import DataMissingError, Part, Pictures, name_of, read_pictures, sampled
from clonedetect.settings.document import Settings

ROOT: Final = Path(__file__).parents[3]
DATA: Final = Path(os.environ.get("CLONEDETECT_BENCH_DATA", ROOT / "../shared/data")).resolve() / "images"
WORK: Final = ROOT / ".bench" / "accuracy"
WORKERS: Final = 2
FULL_QUERIES: Final = 48
"""Table pictures of the published run, each under every transformation."""
FULL_FLOORS: Final = 160
"""Distractors that are asked about while they themselves are taken out of the index."""
TOGETHER: Final = 30
"""Queries after which a worker hands its results over: what an interruption loses, and masks are kept for."""
NOT_INDEXED: Final = "not indexed"
TAKEN_OUT: Final = "taken out of the index"
_MEASURING: Final = ("bench", "hiding", "peers", "records", "scenes", "split")
"""Modules beside this one whose change makes other results."""
_NAMES_THE_RUN: Final = Path("models/calibration.py")
"""Holds the name of the run that measured it, and so cannot be part of it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run's results depend on, and the digest over it that names the run."""

    code: str
    commit: str
    is_dirty: bool
    settings: str
    thresholds: dict[str, float]
    data: str

    @property
    def run_id(self) -> str:
        """Twelve hex digits; equal only for equal code, settings and pictures."""
        told = msgspec.json.encode([self.code, self.settings, self.data])
        return hashlib.sha256(told).hexdigest()[:12]


def pictures_here() -> Pictures | None:
    """Return the pictures to measure on, or None where there are none, which is said."""
    try:
        return read_pictures(DATA)
    except DataMissingError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return None


def identity(pictures: Pictures) -> Identity:
    """Tell the code by what it does: words within it or beside it change nothing; git is asked too."""
    here = Path(__file__).parent
    beside = [here.parent / "image_transforms.py", *(here / f"{name}.py" for name in _MEASURING)]
    settings = Settings()
    return Identity(
        code=code_digest(beside),
        commit=commit(),
        is_dirty=is_dirty(),
        settings=settings.digest,
        thresholds=asdict(settings.thresholds.image),
        data=pictures.digest,
    )


def code_digest(beside: Iterable[Path]) -> str:
    """Return a digest over what the package does, but for the names of runs, and the modules `beside` it."""
    package = ROOT / "clonedetect"
    files = [path for path in sorted(package.rglob("*.py")) if path != package / _NAMES_THE_RUN]
    total = hashlib.sha256()
    for path in (*files, *beside):
        digest = hashlib.sha256(without_words(path.read_text(encoding="utf-8")).encode()).hexdigest()
        total.update(f"{path.relative_to(ROOT).as_posix()} {digest}\n".encode())
    return total.hexdigest()


def commit() -> str:
    """Return the commit that is checked out."""
    return _git("rev-parse", "--short=12", "HEAD") or "unknown"


def is_dirty() -> bool:
    """Whether what is measured differs from the commit that is checked out."""
    return bool(_git("status", "--porcelain", "--", "clonedetect", "tests/benchmarks"))


def without_words(source: str) -> str:
    """Return what a module does, as a dump of its syntax without comments, docstrings and lines."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _is_word(each)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_word(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def tasks_of(scenes: Scenes, queries: int) -> tuple[Task, ...]:
    """Return all that is asked, of `queries` table pictures; tasks about one picture follow each other.

    All tasks of a smaller run are in every larger one. Frames and backgrounds, of
    which each query is one pair, are asked in full from half of the full run on.
    """
    pictures = scenes.pictures
    table = pictures.asked(Part.TABLE)[:queries]
    tasks = [Task(RECALL, name, name_of(path)) for path in table for name in transforms.TRANSFORMS]
    share = min(1.0, queries / FULL_QUERIES)
    strangers = pictures.backdrops[: round(share * len(pictures.backdrops))]
    tasks += [Task(STRANGER, NOT_INDEXED, name_of(path)) for path in strangers]
    floors = sampled(pictures.distractors, round(share * FULL_FLOORS), 3)
    tasks += [Task(STRANGER, TAKEN_OUT, name_of(path)) for path in floors]
    hardest = scenes.hardest_tasks()
    return (*tasks, *(task for task in hardest if _is_asked(task, min(1.0, 2 * share))))


def _is_asked(task: Task, share: float) -> bool:
    """Whether a task is in a run of this share of all; those of a smaller share are in every larger one."""
    return zlib.crc32(task.key.encode()) < share * 2**32


def run(data: Path, work: Path, scenes: Scenes, tasks: tuple[Task, ...]) -> dict[str, Result]:
    """Ask what has no result yet in `work`, and return the results of all `tasks` by key."""
    built = build_indexes(work, scenes)
    print(f"{built[0].items} pictures and {built[1].items} composed ones indexed, {built[0].seconds:.0f} s")
    with ResultFile(work / "results.jsonl") as kept:
        left = kept.left(tasks)
        print(f"{len(tasks)} queries, {len(left)} of them to be asked")
        Bench.open(work, data).close()  # builds what the workers then only open
        started = time.monotonic()
        with _pool(work, data) as pool:
            chunks = [pool.submit(_measure, chunk) for chunk in _chunks(left)]
            done = 0
            try:
                for future in as_completed(chunks):
                    for result in future.result():
                        kept.append(result)
                        done += 1
                    _tell(done, len(left), started)
            except BaseException:  # an interruption too: what waits is not begun any more
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return {task.key: kept.results[task.key] for task in tasks}


def _chunks(tasks: tuple[Task, ...]) -> Iterator[tuple[Task, ...]]:
    """Yield tasks that share template masks: those of one picture, or of one frame, some at a time."""
    for _, group in groupby(tasks, key=lambda t: (t.kind, t.picture if t.kind == RECALL else t.group)):
        members = tuple(group)
        for start in range(0, len(members), TOGETHER):
            yield members[start : start + TOGETHER]


_bench: Bench | None = None


def _pool(work: Path, data: Path) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(WORKERS, mp_context=context, initializer=_open, initargs=(work, data))


def _open(work: Path, data: Path) -> None:
    global _bench  # noqa: PLW0603  a worker opens its indexes once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _bench = Bench.open(work, data)


def _end_with_parent() -> None:
    """End this worker once the run is killed: a pool's workers would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _measure(tasks: tuple[Task, ...]) -> list[Result]:
    assert _bench is not None
    return [_bench.measure(task) for task in tasks]


def _tell(done: int, all_: int, started: float) -> None:
    spent = time.monotonic() - started
    left = spent / max(1, done) * (all_ - done)
    print(f"{done} of {all_}, {spent / 60:.1f} min, about {left / 60:.0f} min left", flush=True)


def _git(*arguments: str) -> str:
    """Return git's answer, empty where there is no git or this is no work tree."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
