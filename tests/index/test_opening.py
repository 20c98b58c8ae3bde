"""An index as matching opens it: true signals, local features and the character model."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index import featurefiles, votes
from clonedetect.index.hotfiles import read_plan
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.reference import open_index
from clonedetect.index.store import IndexStore
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.models.ids import ItemId
from clonedetect.signals.image import image_signals
from clonedetect.signals.text import text_signals

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name


@pytest.fixture
def source(tmp_path: Path, library: Library) -> Path:
    rows = [
        {"item_id": f"p{n}", "account_id": "a", "caption": f"The {n}th boat came home at dusk", "media": [
            {"path": str(library.picture(n))}]}
        for n in range(5)
    ]  # fmt: skip
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "posts.jsonl"


def test_matching_finds_pictures_and_captions_by_every_lookup(
    tmp_path: Path, source: Path, library: Library
) -> None:
    add_sources(tmp_path / "index", [source], workers=1)
    signals = image_signals(library.picture(3).read_bytes())
    text = text_signals("The 3th boat came home at dusk!")
    for _ in range(2):  # built the first time, opened the second
        with open_reference(tmp_path / "index") as index:
            query = np.frombuffer(signals.hashes[0].bits, np.uint8).reshape(1, 32)
            numbers, ids, distances = index.hashes.range_search(query, 31)
            assert (numbers[0], ids[0] // 32, distances[0]) == (0, 4, 0)
            assert index.votes.vote(signals.features, 3)[0][0] == 4
            assert index.postings.with_digests([text.exact])[0] == (4,)
            assert index.texts([4])[0].normalised == text.normalised
            assert index.model.bits(text.normalised).shape == (len(text.normalised),)
            assert "index" in index.model.version


def test_an_index_of_other_algorithms_is_not_matched_against(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
    with pytest.raises(IndexFormatError, match="signals made by"):
        open_reference(store.folder)


def voters(store: IndexStore, library: Library, seeds: range) -> dict[int, int]:
    """Return for each picture that is asked about which one gets most votes."""
    with open_index(store.folder, votes=votes.feature_votes, model=lambda _: None) as index:
        found = {
            seed: index.votes.vote(library.hash_picture(library.picture_bytes(seed)).features, 1)
            for seed in seeds
        }
    return {seed: int(best[0][0]) for seed, best in found.items() if best}


def segments(store: IndexStore) -> dict[str, int]:
    """Return the segments that the plan names, with the number of pictures in each."""
    plan = read_plan(store.folder / "hot" / "features", schema=2)
    return {name[:8]: file.shape[0] for name, file in plan.arrays.items() if name.endswith("-media")}


def wait_for_merge(store: IndexStore) -> None:
    """Open the lookup as a match does, and let what it writes in the background be written."""
    with open_index(store.folder, votes=votes.feature_votes, model=lambda _: None) as index:
        if index.votes.merge is not None:
            assert index.votes.merge.wait(30)
            assert index.votes.merge.error is None


def test_feature_files_follow_changes_and_only_what_is_new_is_written(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store() as store:
        for number in (1, 2, 3):
            library.add(store, library.item(number))
        assert voters(store, library, range(1, 4)) == {1: 1, 2: 2, 3: 3}
        first = segments(store)
        assert list(first.values()) == [3]
        library.add(store, library.item(4))
        library.add(store, library.item(2, pictures=(5,)))
        wait_for_merge(store)
        assert voters(store, library, range(1, 6)) == {1: 1, 3: 3, 4: 4, 5: 5}
        assert segments(store) == first
        monkeypatch.setattr(votes, "_DELTA_AT_MOST", 1)
        monkeypatch.setattr(featurefiles, "_GROWTH", 0)
        monkeypatch.setattr(featurefiles, "_WORN", 1)
        wait_for_merge(store)
        assert segments(store) == {**first, "00000002": 2}
        assert voters(store, library, range(1, 6)) == {1: 1, 3: 3, 4: 4, 5: 5}
        monkeypatch.undo()
        votes.renew_votes(source_of(store))
        assert segments(store) == {"00000003": 4}
        assert voters(store, library, range(1, 6)) == {1: 1, 3: 3, 4: 4, 5: 5}


def source_of(store: IndexStore) -> HotSource:
    return HotSource(store.folder / "hot" / "features", store.snapshot(), store.lineage, store.db)


def test_an_import_extends_the_files_by_what_is_new(
    tmp_path: Path, source: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sources(tmp_path / "index", [source], workers=1)
    with IndexStore.open(tmp_path / "index") as store:
        assert not (store.folder / "hot" / "features").exists()
        voters(store, library, range(1))
        assert segments(store) == {"00000001": 5}
    row = {"item_id": "more", "media": [{"path": str(library.picture(n))} for n in (7, 8)]}
    (tmp_path / "more.jsonl").write_text(json.dumps(row))
    monkeypatch.setattr(votes, "_DELTA_AT_MOST", 1)
    monkeypatch.setattr(featurefiles, "_GROWTH", 1)
    add_sources(tmp_path / "index", [tmp_path / "more.jsonl"], workers=1)
    with IndexStore.open(tmp_path / "index") as store:
        assert segments(store) == {"00000001": 5, "00000002": 2}
        assert read_plan(store.folder / "hot" / "features", schema=2).lineage == store.lineage
    with open_reference(tmp_path / "index") as index:
        assert index.votes.merge is None
        for number, media in {0: 1, 4: 5, 7: 6, 8: 7}.items():
            features = image_signals(library.picture(number).read_bytes()).features
            assert index.votes.vote(features, 1)[0][0] == media


def test_a_reader_of_an_older_state_leaves_the_files_of_a_later_one(
    open_store: Open, library: Library
) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        folder = store.folder
    with IndexStore.open(folder) as older:
        with open_store() as store:
            library.add(store, library.item(2))
        with IndexStore.open(folder) as newer:
            assert len(votes.feature_votes(source_of(newer))) == 2
            plan = read_plan(folder / "hot" / "features", schema=2)
        assert len(votes.feature_votes(source_of(older))) == 1
        assert read_plan(folder / "hot" / "features", schema=2) == plan


def test_what_came_in_great_number_is_written_before_it_is_asked_about(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_BEHIND_AT_MOST", 1)
    monkeypatch.setattr(featurefiles, "ROWS_AT_MOST", 500)
    with open_store() as store:
        library.add(store, library.item(1))
        voters(store, library, range(1))
        for number in (2, 3, 4):
            library.add(store, library.item(number))
        assert voters(store, library, range(1, 5)) == {1: 1, 2: 2, 3: 3, 4: 4}
        assert sum(segments(store).values()) == 4
        assert len(segments(store)) > 1
        assert read_plan(store.folder / "hot" / "features", schema=2).lineage == store.lineage


def test_a_merge_gives_way_to_whoever_writes_and_answers_meanwhile(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_DELTA_AT_MOST", 0)
    with open_store() as store:
        library.add(store, library.item(1))
        voters(store, library, range(1))
        first = segments(store)
        library.add(store, library.item(2))
        with FileLock(store.folder / "hot" / "features" / "build.lock"):
            wait_for_merge(store)
            assert voters(store, library, range(1, 3)) == {1: 1, 2: 2}
        assert segments(store) == first
        wait_for_merge(store)
        assert segments(store) != first


def test_what_was_removed_meanwhile_is_not_written_by_a_merge(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_DELTA_AT_MOST", 0)
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        voters(store, library, range(1))
        library.add(store, library.item(3))
        folder = store.folder / "hot" / "features"
    with IndexStore.open(store.folder) as reader:
        source = source_of(reader)
        found = votes._standing(source, folder)
        kept = {path.name: path.read_bytes() for path in folder.iterdir()}
        with open_store() as store:
            store.remove([ItemId("item-1")], at=datetime.now(UTC))
        assert not folder.exists()
        folder.mkdir(parents=True)
        for name in ("", "plan.json"):  # nothing there, then files that a slower process put back
            if name:
                for path, content in kept.items():
                    (folder / path).write_bytes(content)
            merge = votes._merging(source, folder, found.layers, found.built)
            assert merge.wait(30)
            assert merge.error is None
            assert {path.name for path in folder.iterdir()} <= set(kept)
    assert voters(store, library, range(1, 4)) == {2: 2, 3: 3}


def test_removed_pictures_get_no_votes_and_leave_no_files(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        voters(store, library, range(1, 3))
        stale = {path.name for path in (store.folder / "hot" / "features").glob("*.npy")}
        store.remove([ItemId("item-1")], at=datetime.now(UTC))
        assert not (store.folder / "hot").exists()
        assert voters(store, library, range(1, 3)) == {2: 2}
        now = {path.name for path in (store.folder / "hot" / "features").glob("*descriptors*.npy")}
        assert not now & stale


def test_damaged_feature_files_and_those_of_an_older_program_are_built_again(
    open_store: Open, library: Library
) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        folder = store.folder / "hot" / "features"
        (folder / f"1-{store.lineage}").mkdir(parents=True)
        (folder / f"1-{store.lineage}" / "header.json").write_text("{}")
        assert voters(store, library, range(1, 2)) == {1: 1}
        assert not [path for path in folder.iterdir() if path.is_dir()]
        for damaged in ("{", '{"schema": 1}'):
            (folder / "plan.json").write_text(damaged)
            assert voters(store, library, range(1, 2)) == {1: 1}
            assert segments(store) == {"00000001": 1}
        next(folder.glob("*descriptors*.npy")).unlink()
        assert voters(store, library, range(1, 2)) == {1: 1}


def test_features_are_looked_up_in_memory_where_nothing_may_be_written(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
    monkeypatch.setattr("os.access", lambda *_: False)
    assert voters(store, library, range(1, 3)) == {1: 1, 2: 2}
    assert not (store.folder / "hot").exists()
