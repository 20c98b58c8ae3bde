"""How recall and false accepts move with the main thresholds, on the calibration pictures.

    PYTHONPATH=tests/benchmarks python -m accuracy.calibrate

Each value is tried alone, all else as shipped, on the same queries: calibration pictures under every
transformation, and a part of the accuracy run's frames and backgrounds. CLONEDETECT_ACCURACY_QUERIES
is the number of pictures (2, about ten minutes of two cores). It prints a table and changes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Final

import image_transforms as transforms
from accuracy.bench import Bench, Stage, build_indexes
from accuracy.document import table
from accuracy.records import BACKGROUND, RECALL, Task
from accuracy.run import DATA, WORK, WORKERS, identity, pictures_here
from accuracy.scenes import Scenes
from accuracy.split import Part, name_of, same_works, sampled
from clonedetect.match import image, overlay, rules
from clonedetect.match.candidates import ImageOutcome, match_image
from clonedetect.match.mask import MaskCache
from clonedetect.models.ids import ItemId
from clonedetect.models.match import Verdict
from clonedetect.signals.image import query_image

SHIPPED: Final = ("as shipped", 0.0)
VALUES: Final[dict[str, tuple[float, ...]]] = {
    "inliers": (10, 12, 20, 25),
    "agree": (0.7, 0.75, 0.85, 0.9),
    "largest_disagreement": (0.04, 0.12, 0.16),
    "strong_inliers": (30, 50),
    "strong_agree": (0.3, 0.5),
    "block_ncc": (0.45, 0.5, 0.6, 0.65),
    "exact_radius": (23, 40, 48),
    "ALTERED_DISAGREEMENT": (0.04, 0.06, 0.08, 0.1, 0.15),
    "INTERLEAVED": (0.7, 0.8, 0.9, 0.95),
    "CONTRADICTED": (-1.0, 0.0, 2.0, 3.0),
    "BELIEVED_CHANGE": (0.02, 0.05),
}
"""Fields of `ImageThresholds`, and the constants of `CONSTANTS`."""
CONSTANTS: Final[dict[str, ModuleType]] = {
    "ALTERED_DISAGREEMENT": rules,
    "INTERLEAVED": overlay,
    "CONTRADICTED": image,
    "BELIEVED_CHANGE": rules,
}

SCENES_SHARE: Final = 16
"""One in so many of the queries in frames and before backgrounds is asked."""
_TOGETHER: Final = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """Counts at one setting: copies confirmed and possible; wrong queries by set, and how many confirmed."""

    copies: int = 0
    confirmed: int = 0
    possible: int = 0
    beside: int = 0
    framed: int = 0
    framed_false: int = 0
    before: int = 0
    before_false: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@contextmanager
def setting(bench: Bench, name: str, value: float) -> Iterator[None]:
    """Give one threshold another value for a while; AttributeError or TypeError where it is none."""
    thresholds = bench.thresholds
    module = CONSTANTS.get(name)
    shipped = None if module is None else getattr(module, name)
    if module is not None:
        setattr(module, name, value)
    elif name != SHIPPED[0]:
        bench.thresholds = replace(thresholds, **{name: value})
    try:
        yield
    finally:
        bench.thresholds = thresholds
        if module is not None:
            setattr(module, name, shipped)


def tried() -> tuple[tuple[str, float], ...]:
    """Return every threshold with each of its values, as shipped first."""
    return (SHIPPED, *((name, value) for name, values in VALUES.items() for value in values))


def moved(bench: Bench, tasks: tuple[Task, ...]) -> tuple[Moved, ...]:
    """Return what came of `tasks` at each setting of `tried`; each query is prepared once."""
    totals = [Moved()] * len(tried())
    masks = [MaskCache() for _ in tried()]
    for task in tasks:
        query, stage = query_image(bench.scenes.query(task)), bench.stage(task)
        for place, (name, value) in enumerate(tried()):
            with setting(bench, name, value):
                outcome = match_image(query, stage.index, bench.thresholds, masks=masks[place])
            totals[place] += _counted(task, outcome, stage)
    return tuple(totals)


def _counted(task: Task, outcome: ImageOutcome, stage: Stage) -> Moved:
    verdicts = {match.item_id: match.verdict for match in outcome.matches}
    works = same_works(stage.true)
    false = any(v is Verdict.CONFIRMED and item not in works for item, v in verdicts.items())
    if stage.true:
        true = verdicts.get(ItemId(stage.true))
        return Moved(1, true is Verdict.CONFIRMED, true is Verdict.POSSIBLE, false)
    if task.kind == BACKGROUND:
        return Moved(before=1, before_false=false)
    return Moved(framed=1, framed_false=false)


def main() -> int:
    """Return 0 where the table was printed or there are no pictures, which is said."""
    pictures = pictures_here()
    if pictures is None:
        return 0
    scenes = Scenes(pictures, Part.CALIBRATION)
    work = WORK / identity(pictures).run_id
    build_indexes(work, scenes)
    Bench.open(work, DATA, Part.CALIBRATION).close()
    count = int(os.environ.get("CLONEDETECT_ACCURACY_QUERIES", "2"))
    chosen = sampled(pictures.part(Part.CALIBRATION), count, 2)
    tasks = [Task(RECALL, name, name_of(path)) for path in chosen for name in transforms.TRANSFORMS]
    tasks += scenes.hardest_tasks()[::SCENES_SHARE]
    totals = [Moved()] * len(tried())
    chunks = [tuple(tasks[start : start + _TOGETHER]) for start in range(0, len(tasks), _TOGETHER)]
    with ProcessPoolExecutor(
        WORKERS, mp_context=get_context("spawn"), initializer=_open, initargs=(work,)
    ) as pool:
        for done, part in enumerate(pool.map(_moved, chunks), 1):
            totals = [total + at for total, at in zip(totals, part, strict=True)]
            print(f"{min(len(tasks), done * _TOGETHER)} of {len(tasks)} queries", file=sys.stderr)
    rows = [
        (name, "" if name == SHIPPED[0] else value, *_row(total))
        for (name, value), total in zip(tried(), totals, strict=True)
    ]
    head = ("threshold", "value", "confirmed", "possible", "beside", "false in frames", "before backgrounds")
    print(table(head, rows))
    return 0


_bench: Bench | None = None


def _open(work: Path) -> None:
    global _bench  # noqa: PLW0603  a worker opens its indexes once
    _bench = Bench.open(work, DATA, Part.CALIBRATION)


def _moved(tasks: tuple[Task, ...]) -> tuple[Moved, ...]:
    assert _bench is not None
    return moved(_bench, tasks)


def _row(total: Moved) -> tuple[object, ...]:
    share = f"{100 * total.confirmed / max(1, total.copies):.1f} %"
    return (
        f"{total.confirmed} of {total.copies} ({share})",
        total.possible,
        total.beside,
        f"{total.framed_false} of {total.framed}",
        f"{total.before_false} of {total.before}",
    )


if __name__ == "__main__":
    sys.exit(main())
