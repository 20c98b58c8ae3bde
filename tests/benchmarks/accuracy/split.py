"""Which picture serves what: tuning, calibration and the published table never share one."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

BACKDROPS: Final = 60
"""Distractors of the development part that stand beside ours in compositions, and are never indexed."""

SEEN: Final = 32
"""Pictures of the table that earlier tables asked: their wrong verdicts were looked at."""

DRAWN_BY: Final = "Debian"
"""Sources that begin so are desktop wallpapers, most of them drawn rather than photographed."""

SAME_WORKS: Final = (frozenset({"originals/gnome-ba_0309.jpg", "originals/gnome-ba_0310.jpg"}),)
"""Pictures that are one work, by eye: day and night of one wallpaper."""


class Part(StrEnum):
    """What a picture may be used for."""

    DEVELOPMENT = "development"
    CALIBRATION = "calibration"
    TABLE = "table"


def part_of(name: str) -> Part:
    """Return the part of a file name: a quarter develops, a quarter calibrates, half is the table."""
    quarter = hashlib.sha256(name.encode()).digest()[0] % 4
    return (Part.DEVELOPMENT, Part.CALIBRATION, Part.TABLE, Part.TABLE)[quarter]


def name_of(path: Path) -> str:
    """Return a picture's name, with its folder: a file name may be in both."""
    return f"{path.parent.name}/{path.name}"


def same_works(name: str) -> frozenset[str]:
    """Return the names that are the same work as `name`, itself included."""
    return next((works for works in SAME_WORKS if name in works), frozenset({name}))


class DataMissingError(Exception):
    """There is no folder of pictures to measure on."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A folder of pictures, split; paths are in the order of names.

    `originals` and `distractors` are indexed, `backdrops` are not. `drawn` are
    names of pictures that are no photographs. `digest` is over all names and contents.
    """

    originals: tuple[Path, ...]
    distractors: tuple[Path, ...]
    backdrops: tuple[Path, ...]
    drawn: frozenset[str]
    digest: str

    @property
    def indexed(self) -> tuple[Path, ...]:
        """All pictures that lie in the index."""
        return (*self.originals, *self.distractors)

    def part(self, part: Part) -> tuple[Path, ...]:
        """Return the originals of one part."""
        return tuple(path for path in self.originals if part_of(path.name) is part)

    def asked(self, part: Part) -> tuple[Path, ...]:
        """Return the originals of one part as they are asked; of the table those that no earlier one had."""
        chosen = sampled(self.part(part), len(self.originals), 2)
        return chosen[SEEN:] if part is Part.TABLE else chosen

    def named(self, name: str) -> Path:
        """Return the picture of this name, as `name_of` gives it."""
        return next(path for path in (*self.indexed, *self.backdrops) if name_of(path) == name)


def read_pictures(folder: Path) -> Pictures:
    """Split the folder that holds `originals` and `distractors`; `manifest.csv` beside them tells sources.

    Raises DataMissingError where they are not there.
    """
    found = {kind: _files(folder / kind) for kind in ("originals", "distractors")}
    backdrops = tuple(p for p in found["distractors"] if part_of(p.name) is Part.DEVELOPMENT)[:BACKDROPS]
    total = hashlib.sha256()
    for path in (*found["originals"], *found["distractors"]):
        total.update(
            f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return Pictures(
        originals=found["originals"],
        distractors=tuple(p for p in found["distractors"] if p not in set(backdrops)),
        backdrops=backdrops,
        drawn=_drawn(folder / "manifest.csv"),
        digest=total.hexdigest(),
    )


def sampled(paths: Sequence[Path], count: int, seed: int) -> tuple[Path, ...]:
    """Return `count` of `paths` in an order that the seed decides; a smaller sample begins a larger one."""
    order = np.random.default_rng(seed).permutation(len(paths))
    return tuple(paths[place] for place in order[:count])


def _files(folder: Path) -> tuple[Path, ...]:
    files = folder.iterdir() if folder.is_dir() else ()
    paths = tuple(sorted(path for path in files if path.suffix.lower() in {".jpg", ".jpeg", ".png"}))
    if not paths:
        raise DataMissingError(
            f"benchmark data is not here: no pictures in {folder}; set CLONEDETECT_BENCH_DATA"
        )
    return paths


def _drawn(manifest: Path) -> frozenset[str]:
    if not manifest.is_file():
        return frozenset()
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return frozenset(row["file"] for row in rows if row["source"].startswith(DRAWN_BY))
