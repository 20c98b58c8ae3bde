"""The weights and bounds of `match.overlay`: fitted on development pictures, bounded on calibration pictures.

    PYTHONPATH=tests/benchmarks python -m accuracy.outlines

Pairs are made by `accuracy.exchanges` and laid on each other as a query is; the traits of
each outline are kept in `.bench/outlines`, so that an interrupted run goes on. It prints the
weights, and by shape which share of the copies and how many of the exchanges lie above each
bound, and changes nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from accuracy.document import table
from accuracy.exchanges import Pair, pairs
from accuracy.run import ROOT, WORKERS, pictures_here
from accuracy.split import Part
from clonedetect.errors import MediaError
from clonedetect.match.blocks import beside, on_grid
from clonedetect.match.comparison import Comparison, pictures_of
from clonedetect.match.image import best_comparison
from clonedetect.match.overlay import WEIGHTS, Shape
from clonedetect.match.remainder import is_clear, outline_of, writing_of
from clonedetect.match.rules import (
    FEWEST_ANCHORS,
    FEWEST_UNCOVERED,
    SYNTHETIC,
    UNCOVERED_TEXTURED,
    evidence_of,
)
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image
from memory_index import MemoryIndex

PICTURES: Final = 28
"""Pictures of each part; CLONEDETECT_ACCURACY_QUERIES asks another number."""
BATCH: Final = 4
HARDER: Final = 3.0
"""How much more an exchange weighs than a copy: the worst mistake is to take one for a copy."""
RIDGE: Final = 1.0
WRITING: Final = "writing"
WRITTEN: Final = ("meme-text", "mark-diagonal", "mark-tiled", "mark-handle")
"""Copies that are written over; a drawn label or a caption is no writing."""
BOUNDS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)

Row = dict[str, float | str | bool]
Reals = npt.NDArray[np.float64]


def traits_of(pair: Pair) -> list[Row]:
    """Return what the scores and the rules see of a pair: a row of its outline, and one of its writing."""
    thresholds = ImageThresholds()
    index = MemoryIndex()
    try:
        index.add("ours", image_signals(pair.reference), "us")
        query = query_image(pair.query)
    except MediaError:
        return []
    (reference,) = index.pictures.values()
    found = best_comparison(pictures_of(query), reference, thresholds)
    if found is None or reference.thumbnail is None:
        return []
    asked: Row = {"kind": pair.kind, "is_ours": pair.is_ours}
    rows = [] if (told := written(found, reference.thumbnail.pixels)) is None else [asked | told]
    outline = outline_of(found, reference)
    if outline is None:
        return rows
    left = evidence_of(
        replace(found, blocks=found.blocks.uncovered(outline.differing)), reference, is_near=False
    )
    is_open = (
        found.alignment.inliers >= FEWEST_ANCHORS
        and left.visible >= FEWEST_UNCOVERED
        and left.is_spread
        and left.textured >= UNCOVERED_TEXTURED
        and left.inliers >= FEWEST_ANCHORS
        and left.agree >= thresholds.agree
        and left.differing <= thresholds.largest_disagreement
        and left.synthetic <= SYNTHETIC
    )
    shape: Row = {"is_open": is_open, "shape": outline.shape.name, **outline.traits}
    return [*rows, asked | shape]


def written(found: Comparison, thumbnail: npt.NDArray[np.uint8]) -> Row | None:
    """Return what tells writing, `is_open` where ours goes on beside it; None where there is none."""
    if found.alignment.inliers < FEWEST_ANCHORS or (writing := writing_of(found, thumbnail)) is None:
        return None
    left = beside(found.blocks, on_grid(thumbnail), writing.strokes, ImageThresholds().block_ncc)
    return {
        "is_open": is_clear(left, on_grid(thumbnail)),
        "shape": WRITING,
        "ink": writing.ink,
        "explained": writing.explained,
        "sharper": writing.sharper,
        "is_writing": writing.is_writing,
    }


def measured(part: Part, start: int, seed: int) -> list[Row]:
    """Return the rows of a batch of pictures."""
    cv2.setNumThreads(1)
    pictures = pictures_here()
    assert pictures is not None
    made = pairs(pictures, part, BATCH, seed, start=start)
    return [row for pair in made for row in traits_of(pair)]


def rows_of(part: Part, count: int, folder: Path) -> list[Row]:
    """Return the rows of `count` pictures of a part, those of an earlier run read from `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, count, BATCH)
    files = {start: folder / f"{part}-{start}.json" for start in starts}
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = {
            start: pool.submit(measured, part, start, 1) for start in starts if not files[start].exists()
        }
        for start, future in waiting.items():
            files[start].write_text(json.dumps(future.result()), encoding="utf-8")
            print(f"{part}: {start + BATCH} of {count} pictures", file=sys.stderr, flush=True)
    return [row for start in starts for row in json.loads(files[start].read_text(encoding="utf-8"))]


def fitted(rows: Sequence[Row]) -> tuple[float, dict[str, float]]:
    """Return bias and weights of a ridge logistic regression, by Newton's method."""
    names = list(WEIGHTS)
    values = matrix(rows)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    terms = np.column_stack([np.ones(len(rows)), (values - mean) / spread])
    wanted = np.array([bool(row["is_ours"]) for row in rows], dtype=np.float64)
    weight = np.where(wanted > 0, 1.0, HARDER)
    penalty = RIDGE * np.eye(len(names) + 1)
    penalty[0, 0] = 0.0
    found = np.zeros(len(names) + 1)
    for _ in range(50):
        share = 1 / (1 + np.exp(-terms @ found))
        slope = terms.T @ (weight * (wanted - share)) - penalty @ found
        bend = (terms * (weight * share * (1 - share))[:, None]).T @ terms + penalty
        step = np.linalg.solve(bend, slope)
        found += step
        if np.abs(step).max() < 1e-8:
            break
    weights = found[1:] / spread
    return float(found[0] - weights @ mean), dict(zip(names, map(float, weights), strict=True))


def matrix(rows: Iterable[Row]) -> Reals:
    """Return the traits of rows, float64 (n, traits)."""
    return np.array([[float(row[name]) for name in WEIGHTS] for row in rows])


def told(rows: Sequence[Row], scores: Reals) -> str:
    """Return a table by shape: the share of copies and number of exchanges above each bound, the worst."""
    lines = []
    for shape in Shape:
        here = np.array([row["shape"] == shape.name for row in rows])
        ours = np.array([bool(row["is_ours"]) for row in rows])
        copies, exchanges = scores[here & ours], np.sort(scores[here & ~ours])[::-1]
        above = [
            f"{(copies > bound).sum() / max(1, len(copies)):.2f} / {(exchanges > bound).sum()}"
            for bound in BOUNDS
        ]
        worst = " ".join(f"{score:.1f}" for score in exchanges[:4])
        lines.append([shape.name.lower(), f"{len(copies)} / {len(exchanges)}", *above, worst])
    return table(["shape", "copies / exchanges", *(str(bound) for bound in BOUNDS), "worst"], lines)


def told_of_writing(rows: Sequence[Row]) -> str:
    """Return how many copies that are written over, and how many exchanges, pass as writing."""
    lines = []
    for name, here in {
        "copies that are written over": [row for row in rows if row["kind"] in WRITTEN],
        "exchanges": [row for row in rows if not row["is_ours"]],
    }.items():
        outlines = [row for row in here if row["shape"] != WRITING]
        writing = [row for row in here if row["shape"] == WRITING]
        both = sum(bool(row["is_writing"] and row["is_open"]) for row in writing)
        strokes = sum(bool(row["is_writing"]) for row in writing)
        beside = sum(bool(row["is_open"]) for row in writing)
        lines.append([name, str(len(outlines)), str(strokes), str(beside), str(both)])
    return table(["pairs", "with an outline", "of ink", "ours goes on beside", "both"], lines)


def main() -> int:
    """Measure, fit and print."""
    if pictures_here() is None:
        return 0
    count = int(os.environ.get("CLONEDETECT_ACCURACY_QUERIES", PICTURES))
    folder = ROOT / ".bench" / "outlines"
    found = {part: rows_of(part, count, folder) for part in (Part.DEVELOPMENT, Part.CALIBRATION)}
    every = {part: [row for row in rows if row["shape"] != WRITING] for part, rows in found.items()}
    opened = {part: [row for row in rows if row["is_open"]] for part, rows in every.items()}
    bias, weights = fitted(opened[Part.DEVELOPMENT])
    print(f"bias {bias:.2f}")
    print("\n".join(f'"{name}": {value:.2f},' for name, value in weights.items()))
    for part, rows in opened.items():
        scores = bias + matrix(rows) @ np.array(list(weights.values()))
        print(f"\n{part}: {len(every[part])} pairs laid, {len(rows)} left open by the rules\n")
        print(told(rows, scores))
        order = np.argsort(-scores)
        worst = [n for n in order if not rows[n]["is_ours"]][:12]
        print(f"\n{told_of_writing(found[part])}")
        print(
            "\nhighest exchanges:",
            *(f"{rows[n]['kind']} ({scores[n]:.1f}, {rows[n]['shape']});" for n in worst),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
