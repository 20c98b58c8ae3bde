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
from clonedetect.index import votes
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
            assert index.postings.with_digest(text.exact) == (4,)
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


def builds(store: IndexStore) -> list[str]:
    return sorted(path.name for path in (store.folder / "hot" / "features").iterdir() if path.is_dir())


def test_feature_files_follow_changes_and_are_rebuilt_when_it_pays(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store() as store:
        for number in (1, 2, 3):
            library.add(store, library.item(number))
        assert voters(store, library, range(1, 4)) == {1: 1, 2: 2, 3: 3}
        first = builds(store)
        library.add(store, library.item(4))
        library.add(store, library.item(2, pictures=(5,)))
        assert voters(store, library, range(1, 6)) == {1: 1, 3: 3, 4: 4, 5: 5}
        assert builds(store) == first
        monkeypatch.setattr(votes, "_DELTA_AT_MOST", 1)
        (store.folder / "hot" / "features" / ".9-ab.partial").mkdir()
        assert voters(store, library, range(1, 6)) == {1: 1, 3: 3, 4: 4, 5: 5}
        assert builds(store) == [f"{store.snapshot().number}-{store.lineage}"]


def test_removed_pictures_get_no_votes_and_leave_no_files(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        voters(store, library, range(1, 3))
        stale = builds(store)[0]
        store.remove([ItemId("item-1")], at=datetime.now(UTC))
        assert not (store.folder / "hot").exists()
        assert voters(store, library, range(1, 3)) == {2: 2}
        assert stale not in builds(store)


def test_damaged_feature_files_are_built_again(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        voters(store, library, range(1, 2))
        for path in (store.folder / "hot" / "features").rglob("header.json"):
            path.write_bytes(b"{")
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
