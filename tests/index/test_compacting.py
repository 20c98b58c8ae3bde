"""Compacting changes no answer: what is stale goes, what is found stays, one process at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from clonedetect.cli.main import cli
from clonedetect.errors import InputError, LockedError
from clonedetect.index import hothashes
from clonedetect.index.audit import verify
from clonedetect.index.featurefiles import SCHEMA as FEATURES_SCHEMA
from clonedetect.index.hotfiles import read_plan
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.store import IndexStore
from clonedetect.index.votes import feature_votes
from clonedetect.jobs.compacting import HOT_LOOKUPS, compact_index
from clonedetect.models.ids import ItemId

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name
GONE = datetime(2026, 11, 1, tzinfo=UTC)


def opened(folder: Path) -> OpenIndex:
    return open_index(folder, votes=feature_votes, model=lambda _: None)


def answers(folder: Path, library: Library, seeds: range) -> list[tuple[list[int], tuple]]:
    """Return what hashes and features find of each picture."""
    found = []
    with opened(folder) as index:
        for seed in seeds:
            signals = library.hash_picture(library.picture_bytes(seed))
            query = np.frombuffer(signals.hashes[0].bits, np.uint8).reshape(1, 32)
            found.append(
                (index.hashes.range_search(query, 31)[1].tolist(), index.votes.vote(signals.features, 3))
            )
    return found


@pytest.fixture
def behind(open_store: Open, library: Library) -> Path:
    """An index whose hot files lag: items were added and edited since, one was removed before."""
    with open_store() as store:
        for number in range(1, 6):
            library.add(store, library.item(number))
        store.remove([ItemId("item-5")], at=GONE)
        answers(store.folder, library, range(1, 3))
        library.add(store, library.item(6))
        library.add(store, library.item(2, pictures=(7,)))
        return store.folder


def test_compacting_keeps_every_answer_and_the_state(behind: Path, library: Library) -> None:
    before = answers(behind, library, range(1, 8))
    with IndexStore.open(behind) as store:
        state = store.snapshot()
    done = compact_index(behind)
    assert (done.generation, done.snapshot_id) == (state.number, state.snapshot_id)
    assert answers(behind, library, range(1, 8)) == before
    assert before[0][0]
    assert not before[1][0]
    with opened(behind) as index:
        assert index.hashes.snapshot() == state
        assert index.hashes.changed == 0
    with IndexStore.open(behind) as store:
        assert verify(store).faults == ()
        assert store.snapshot() == state


def test_compacting_drops_what_is_stale(behind: Path, library: Library) -> None:
    hot = behind / "hot"
    (hot / "hashes" / "rows00-0123.tmp").write_bytes(b"half")
    (hot / "hashes" / "hash-0123.npy").write_bytes(b"named by no plan")
    (hot / "features" / "1-ab").mkdir()
    (hot / "features" / "00000001-low-0123.npy").write_bytes(b"named by no plan")
    compact_index(behind)
    with IndexStore.open(behind) as store:
        plan = read_plan(hot / "features", schema=FEATURES_SCHEMA)
        assert (plan.generation, plan.lineage) == (store.snapshot().number, store.lineage)
    named = {file.file for file in plan.arrays.values()}
    assert {path.name for path in (hot / "features").iterdir()} == named | {"plan.json", "build.lock"}
    assert len(named) == 8  # one segment, and what is gone from it: nothing
    assert len(list((hot / "hashes").iterdir())) == 3
    written = {path: path.stat().st_mtime_ns for path in hot.rglob("*.npy")}
    compact_index(behind)
    assert {path: path.stat().st_mtime_ns for path in hot.rglob("*.npy")} == written


def test_compacting_gives_the_space_of_removed_items_back(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in range(40):
            library.add(store, library.item(number, pictures=()))
            library.add(store, library.item(1000 + number, pictures=(number % 3,)))
        store.remove([ItemId(f"item-{1000 + number}") for number in range(40)], at=GONE)
        folder = store.folder
    size = (folder / "index.db").stat().st_size
    done = compact_index(folder)
    assert (folder / "index.db").stat().st_size < size / 2
    assert done.size_bytes_before >= size
    assert done.size_bytes_after == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_compacting_waits_for_no_writer_and_disturbs_no_reader(
    behind: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IndexStore.open(behind, writable=True), pytest.raises(LockedError, match="process"):
        compact_index(behind)
    monkeypatch.setattr(hothashes, "_DELTA_AT_LEAST", 0)  # so that the reader merges at the same time
    signals = library.hash_picture(library.picture_bytes(3))
    query = np.frombuffer(signals.hashes[0].bits, np.uint8).reshape(1, 32)
    with opened(behind) as reader:
        found = reader.hashes.range_search(query, 31)[1].tolist()
        compact_index(behind)
        assert reader.hashes.range_search(query, 31)[1].tolist() == found != []
        assert reader.images([3])


def test_each_folder_below_hot_is_renewed_by_its_own(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        folder, state = store.folder, store.snapshot()
    seen = []
    compact_index(folder, lookups={**HOT_LOOKUPS, "others": seen.append})
    assert [(source.folder, source.generation) for source in seen] == [(folder / "hot" / "others", state)]


def test_an_empty_index_is_compacted(open_store: Open) -> None:
    with open_store() as store:
        folder = store.folder
    assert compact_index(folder).size_bytes_after > 0
    with opened(folder) as index:
        assert len(index.hashes) == 0


def test_the_command_tells_bytes_and_generation(behind: Path) -> None:
    answer = CliRunner().invoke(cli, ["index", "compact", str(behind), "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.output)
    assert set(told) == {"size_bytes_before", "size_bytes_after", "generation", "snapshot_id"}
    with IndexStore.open(behind) as store:
        assert told["generation"] == store.snapshot().number
    with IndexStore.open(behind, writable=True):
        locked = CliRunner().invoke(cli, ["index", "compact", str(behind)])
    assert locked.exit_code == 3
    assert "is being written by process" in locked.output


def test_nothing_is_compacted_where_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no index"):
        compact_index(tmp_path)
