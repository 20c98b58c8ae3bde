"""One query at a time against the indexes of the run, and everything that is kept of it."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import cv2
import msgspec
import numpy as np

from accuracy.hiding import HidingIndex
from accuracy.peers import (
    CROP_RESISTANT_EACH,
    CROP_RESISTANT_OTHERS,
    CropResistant,
    PeerIndex,
    peer_hashes,
    peer_index,
)
from accuracy.records import COPY, RECALL, STRANGER, TEMPLATE, Others, Result, Task, seen
from accuracy.scenes import Scenes, background_item, framed_item
from accuracy.split import Part, Pictures, name_of, read_pictures, same_works, sampled
from clonedetect.index.reference import OpenIndex
from clonedetect.jobs.indexing import AddResult, add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.candidates import ImageOutcome, match_image
from clonedetect.match.mask import MaskCache
from clonedetect.models.ids import MediaId
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.settings.document import Settings
from clonedetect.signals.image import query_image

PICTURES_INDEX: Final = "pictures.index"
_READ_AT_ONCE: Final = 200


def build_indexes(work: Path, scenes: Scenes) -> tuple[AddResult, AddResult]:
    """Index all pictures, and what `Scenes.references` makes; each picture is an account of its own.

    What an earlier, interrupted call put in is not hashed again. Raises RuntimeError
    if a picture was refused: shares would be of fewer pictures than are told.
    """
    work.mkdir(parents=True, exist_ok=True)
    made = work / f"frames {scenes.part}"
    made.mkdir(exist_ok=True)
    framed = []
    for item, make in scenes.references().items():
        path = made / f"{zlib.crc32(item.encode()):08x}.jpg"
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(make())
            partial.rename(path)
        framed.append((item, path))
    pictures = [(name_of(path), path) for path in scenes.pictures.indexed]
    return _indexed(work / PICTURES_INDEX, pictures), _indexed(work / frames_index(scenes.part), framed)


def frames_index(part: Part) -> str:
    """Return the name of the index of framed and composed pictures of one part."""
    return f"frames {part}.index"


def _indexed(folder: Path, pictures: Iterable[tuple[str, Path]]) -> AddResult:
    source = folder.with_suffix(".jsonl")
    rows = (
        {"item_id": item, "account_id": f"account of {item}", "media": [{"path": str(path.absolute())}]}
        for item, path in pictures
    )
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = add_sources(folder, [source], workers=2)
    if result.refused:
        raise RuntimeError(f"{result.refused} pictures were not indexed: {result.refusals[:3]}")
    return result


@dataclass(frozen=True, eq=False)
class Held:
    """An open index, its pictures by item, and the peers' hashes of them."""

    index: OpenIndex
    media: dict[str, MediaId]
    peers: PeerIndex

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an index that `build_indexes` made."""
        index = open_reference(folder)
        media: dict[str, MediaId] = {}
        paths: list[tuple[str, Path]] = []
        with folder.with_suffix(".jsonl").open(encoding="utf-8") as rows:
            count = sum(1 for _ in rows)
        for start in range(1, count + 1, _READ_AT_ONCE):
            ids = [MediaId(number) for number in range(start, start + _READ_AT_ONCE)]
            for reference in index.images(ids):
                media[reference.item_id] = reference.media_id
                assert reference.path is not None
                paths.append((reference.item_id, Path(reference.path)))
        if len(media) != count:
            raise RuntimeError(f"{len(media)} of {count} pictures were found in {folder}: build it again")
        peers = peer_index(
            ((item, path.read_bytes()) for item, path in paths), folder.with_suffix(".peers.npz")
        )
        return cls(index, media, peers)

    def without(self, items: Iterable[str]) -> HidingIndex:
        """Return the index as if these items had never been put in."""
        return HidingIndex(self.index, [self.media[item] for item in items if item in self.media])

    def only(self, items: Iterable[str]) -> HidingIndex:
        """Return the index as if nothing but these items had been put in."""
        kept = frozenset(items)
        return self.without(item for item in self.media if item not in kept)

    def others(self, items: frozenset[str], among: frozenset[str] | None = None) -> np.ndarray:
        """Return bool (n,) of `peers.items`: which are none of `items`, `among` those given."""
        here = self.peers.items
        return np.array([item not in items and (among is None or item in among) for item in here], bool)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What a query is asked of: an index over `held`, and the item to be found, if any.

    `allowed` is all the index shows, None where that is all of `held`.
    """

    index: OpenIndex | HidingIndex
    held: Held
    true: str
    allowed: frozenset[str] | None = None


@dataclass(eq=False)
class Bench:
    """Both indexes open in one process; `measure` answers tasks.

    Consecutive tasks about one picture share template masks, as pages of one site do.
    """

    scenes: Scenes
    pictures: Held
    frames: Held
    thresholds: ImageThresholds = field(default_factory=lambda: Settings().thresholds.image)
    crop_resistant: CropResistant = field(default_factory=CropResistant)
    _masks: MaskCache = field(default_factory=MaskCache)
    _hidden_masks: MaskCache = field(default_factory=MaskCache)
    _hidden: tuple[frozenset[str], HidingIndex] | None = None

    @classmethod
    def open(cls, work: Path, data: Path, part: Part = Part.TABLE) -> Self:
        """Open what `build_indexes` made in `work` of the pictures in `data`, on one thread."""
        cv2.setNumThreads(1)
        scenes = Scenes(read_pictures(data), part)
        return cls(scenes, Held.open(work / PICTURES_INDEX), Held.open(work / frames_index(part)))

    def close(self) -> None:
        """Let go of both indexes."""
        self.pictures.index.close()
        self.frames.index.close()

    def measure(self, task: Task) -> Result:
        """Ask one query and keep what came of it."""
        data, stage = self.scenes.query(task), self.stage(task)
        masks = self._hidden_masks if task.kind == STRANGER else self._masks
        result = self._asked(task, data, stage, masks)
        if task.kind != RECALL:
            return result
        query = query_image(data)
        works = same_works(task.picture)
        outcome = match_image(query, self._without(works), self.thresholds, masks=self._hidden_masks)
        return msgspec.structs.replace(
            result,
            hidden=others_in(outcome, "", works),
            crop_resistant=self._crop_resistant(task, data, works, result.peers_ms),
        )

    def stage(self, task: Task) -> Stage:
        """Return the index a task is asked of: the whole, without itself, or one frame's or background's."""
        if task.kind == RECALL:
            return Stage(self.pictures.index, self.pictures, task.picture)
        if task.kind == STRANGER:
            return Stage(self._without(same_works(task.picture)), self.pictures, "")
        if task.kind in {TEMPLATE, COPY}:
            allowed = frozenset(framed_item(task.group, number) for number in range(task.indexed))
        else:
            share = int(task.group.split(" %")[0])
            allowed = frozenset({background_item(int(task.picture.split("+")[0]), share)})
        true = framed_item(task.group, int(task.picture)) if task.kind == COPY else ""
        return Stage(self.frames.only(allowed), self.frames, true, allowed)

    def _asked(self, task: Task, data: bytes, stage: Stage, masks: MaskCache) -> Result:
        started = time.process_time()
        query = query_image(data)
        prepared = time.process_time()
        outcome = match_image(query, stage.index, self.thresholds, masks=masks)
        matched = time.process_time()
        hashes, peers_ms = peer_hashes(data)
        works = same_works(stage.true or task.picture)
        others = stage.held.others(works, stage.allowed)
        return Result(
            task=task,
            outcome=str(outcome.verdict),
            true=next((seen(match) for match in outcome.matches if match.item_id == stage.true), None),
            others=others_in(outcome, stage.true, works),
            pairs=int(others.sum()),
            prepare_ms=round(1e3 * (prepared - started), 2),
            match_ms=round(1e3 * (matched - prepared), 2),
            reasons=outcome.reasons,
            peers=stage.held.peers.nearest(hashes, stage.true, others),
            peers_ms={name: round(spent, 2) for name, spent in peers_ms.items()},
        )

    def _without(self, works: frozenset[str]) -> HidingIndex:
        if self._hidden is None or self._hidden[0] != works:
            self._hidden = works, self.pictures.without(works)
        return self._hidden[1]

    def _crop_resistant(
        self, task: Task, data: bytes, works: frozenset[str], spent: dict[str, float]
    ) -> tuple[bool, int, int] | None:
        """Ask the slow peer about a tenth of the queries; its milliseconds are put with the others'."""
        if zlib.crc32(task.key.encode()) % CROP_RESISTANT_EACH:
            return None
        pictures: Pictures = self.scenes.pictures
        others = sampled(pictures.indexed, CROP_RESISTANT_OTHERS, 7)
        others = tuple(path for path in others if name_of(path) not in works)
        found, taken = self.crop_resistant.matches(data, pictures.named(task.picture), others)
        spent["crop-resistant"] = round(taken, 2)
        return found


def others_in(outcome: ImageOutcome, true: str, works: frozenset[str]) -> Others:
    """Return what was said of items that are not the query's; what is the same work is left out."""
    wrong = [match for match in outcome.matches if match.item_id != true and match.item_id not in works]
    return Others(
        compared=max(0, outcome.compared - bool(true)),
        confirmed=tuple(seen(match) for match in wrong if match.verdict is Verdict.CONFIRMED),
        possible=tuple(seen(match) for match in wrong if match.verdict is Verdict.POSSIBLE),
    )
