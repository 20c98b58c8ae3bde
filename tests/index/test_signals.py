"""The operator's signals in an index: kept with each picture, looked up, and never missing in silence."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index import hotsignals
from clonedetect.index.audit import verify
from clonedetect.index.counts import stats
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.store import IndexStore
from clonedetect.jobs.compacting import compact_index
from clonedetect.models.ids import ItemId
from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import Signal
from clonedetect.signals.image import image_signals_with
from clonedetect.signals.slot import BUILT_IN

Library = Any  # conftest's, which cannot be imported by name
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def put(folder: Path, library: Library, numbers: range, signals: tuple[Signal, ...] = BUILT_IN) -> None:
    with IndexStore.open_or_create(
        folder, algorithms=library.algorithms, signals=[signal.stored for signal in signals]
    ) as store:
        for number in numbers:
            made = image_signals_with(library.picture_bytes(number), signals)
            store.add_item(library.item(number), [made], None)


@contextmanager
def opened(folder: Path, signals: tuple[Signal, ...] = BUILT_IN) -> Iterator[OpenIndex]:
    with open_index(
        folder,
        votes=lambda _: None,
        model=lambda _: None,
        signals=[signal.stored for signal in signals],
    ) as index:
        yield index


def nearest(index: OpenIndex, library: Library, signal: Signal, numbers: range) -> list[list[str]]:
    """Return for each picture that is asked about the items at distance 0."""
    told = []
    for number in numbers:
        asked = dict(image_signals_with(library.picture_bytes(number), (signal,)).values)[signal.name]
        query = np.frombuffer(asked, np.uint8).reshape(1, -1)
        _, ids, _ = index.neighbours(signal.name).range_search(query, 0)
        told.append([reference.item_id for reference in index.images((ids // 32).tolist())])
    return told


@pytest.fixture(params=BUILT_IN, ids=lambda signal: signal.name)
def signal(request: pytest.FixtureRequest) -> Signal:
    return request.param


def test_lookups_follow_additions_edits_and_removals(
    tmp_path: Path, library: Library, signal: Signal
) -> None:
    folder = tmp_path / "index"
    put(folder, library, range(1, 4))
    with opened(folder) as index:  # built
        assert nearest(index, library, signal, range(1, 5)) == [["item-1"], ["item-2"], ["item-3"], []]
    plan = (folder / "hot" / f"signal-{signal.name}" / "plan.json").read_bytes()
    put(folder, library, range(4, 5))
    with IndexStore.open_or_create(
        folder, algorithms=library.algorithms, signals=[one.stored for one in BUILT_IN]
    ) as store:
        made = image_signals_with(library.picture_bytes(9), BUILT_IN)
        store.add_item(library.item(2, pictures=(9,)), [made], None)
    with opened(folder) as index:  # opened, and caught up in memory
        assert nearest(index, library, signal, range(1, 5)) == [["item-1"], [], ["item-3"], ["item-4"]]
        assert nearest(index, library, signal, range(9, 10)) == [["item-2"]]
    assert (folder / "hot" / f"signal-{signal.name}" / "plan.json").read_bytes() == plan
    with IndexStore.open(folder, writable=True) as store:
        store.remove([ItemId("item-3")], at=WHEN)
        assert store.db.execute("SELECT count(*) FROM signals").fetchone() == (2 * 3,)
    assert not (folder / "hot").exists()
    with opened(folder) as index:
        assert nearest(index, library, signal, range(3, 5)) == [[], ["item-4"]]


def test_compacting_writes_files_of_exactly_the_last_commit(
    tmp_path: Path, library: Library, signal: Signal
) -> None:
    folder = tmp_path / "index"
    put(folder, library, range(1, 3))
    with opened(folder) as index:
        assert nearest(index, library, signal, range(1, 2)) == [["item-1"]]
    put(folder, library, range(3, 4))
    compact_index(folder)
    compact_index(folder)
    with opened(folder) as index:
        assert len(index.neighbours(signal.name)) == 3
        assert index.neighbours(signal.name).snapshot() == index.snapshot()
        assert nearest(index, library, signal, range(3, 4)) == [["item-3"]]
    with IndexStore.open(folder) as store:
        assert verify(store).faults == ()
        assert verify(store).checked["signals"] == 3 * 2


def test_signals_and_local_features_stand_in_files_of_one_generation(
    tmp_path: Path, library: Library, signal: Signal
) -> None:
    folder = tmp_path / "index"
    put(folder, library, range(1, 3))
    compact_index(folder)
    names = ("features", f"signal-{signal.name}")
    with IndexStore.open(folder) as store:
        plans = [json.loads((folder / "hot" / name / "plan.json").read_text("utf-8")) for name in names]
        assert [plan["generation"] for plan in plans] == [store.snapshot().number] * 2
        assert {f"hot/{name}" for name in names} <= stats(store).tiers.keys()
        assert verify(store).faults == ()
        for name in names:
            path = max((folder / "hot" / name).glob("*.npy"), key=lambda path: path.stat().st_size)
            path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
        assert [Path(fault.split(" ")[0]).parent.name for fault in verify(store).faults] == list(names)


def test_files_are_written_anew_when_much_changed(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotsignals, "_DELTA_AT_LEAST", 1)
    folder, signal = tmp_path / "index", BUILT_IN[1]
    plan = folder / "hot" / f"signal-{signal.name}" / "plan.json"
    put(folder, library, range(1, 3))
    with opened(folder) as index:
        nearest(index, library, signal, range(1, 2))
    before = plan.read_bytes()
    put(folder, library, range(3, 5))
    with opened(folder) as index:
        assert nearest(index, library, signal, range(1, 5)) == [[f"item-{n}"] for n in range(1, 5)]
    assert plan.read_bytes() != before


def test_damaged_files_are_built_again(tmp_path: Path, library: Library, signal: Signal) -> None:
    folder = tmp_path / "index"
    put(folder, library, range(1, 3))
    with opened(folder) as index:
        nearest(index, library, signal, range(1, 2))
    (folder / "hot" / f"signal-{signal.name}" / "plan.json").write_bytes(b"{")
    with IndexStore.open(folder) as store:
        assert any("cannot be read" in fault for fault in verify(store).faults)
    with opened(folder) as index:
        assert nearest(index, library, signal, range(1, 3)) == [["item-1"], ["item-2"]]


def test_lookups_are_made_in_memory_where_nothing_may_be_written(
    tmp_path: Path, library: Library, signal: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "index", library, range(1, 3))
    monkeypatch.setattr("os.access", lambda *_: False)
    with opened(tmp_path / "index") as index:
        assert nearest(index, library, signal, range(1, 3)) == [["item-1"], ["item-2"]]
    assert not (tmp_path / "index" / "hot").exists()


def test_a_state_from_before_a_removal_leaves_no_files(tmp_path: Path, library: Library) -> None:
    folder, signal = tmp_path / "index", BUILT_IN[1]
    put(folder, library, range(1, 4))
    with opened(folder) as index:
        with IndexStore.open(folder, writable=True) as store:
            store.remove([ItemId("item-2")], at=WHEN)
        assert nearest(index, library, signal, range(1, 4)) == [["item-1"], ["item-2"], ["item-3"]]
        assert not list((folder / "hot").rglob("*.npy"))


def test_an_index_says_which_signals_made_it(tmp_path: Path, library: Library) -> None:
    put(tmp_path / "with", library, range(1, 3))
    put(tmp_path / "without", library, range(1, 3), ())
    with IndexStore.open(tmp_path / "with") as store:
        found = stats(store)
        assert {
            name: count for name, count in found.signals.items() if "block" in name or "gradient" in name
        } == {
            "block-mean/1(16 x 16 blocks, median)": 2,
            "gradients/1(8 x 8 cells of 8 px, 9 directions)": 2,
        }
        with_signals = store.snapshot()
    with IndexStore.open(tmp_path / "without") as store:
        assert len(stats(store).signals) == len(library.algorithms)
        assert store.snapshot().snapshot_id != with_signals.snapshot_id


BLOCK_MEAN = BUILT_IN[0]
NEWER = replace(BLOCK_MEAN, algorithm=Algorithm("block-mean", 2, "other blocks"))


@pytest.mark.parametrize(
    ("made_with", "asked_with", "told"),
    [
        ((), (BLOCK_MEAN,), "was made without the signal block-mean, which the settings name"),
        (
            (BLOCK_MEAN,),
            (NEWER,),
            r"made by hamming of 32 bytes: block-mean/1\(.*installed is .*block-mean/2",
        ),
    ],
    ids=["without it", "with other parameters"],
)
def test_an_index_made_otherwise_says_so_when_it_is_opened(
    tmp_path: Path, library: Library, made_with: tuple[Signal, ...], asked_with: tuple[Signal, ...], told: str
) -> None:
    put(tmp_path / "index", library, range(1, 2), made_with)
    with pytest.raises(IndexFormatError, match=told), opened(tmp_path / "index", asked_with):
        pass
    with pytest.raises(IndexFormatError, match=told):
        put(tmp_path / "index", library, range(2, 3), asked_with)


def test_pictures_are_not_added_without_a_signal_that_the_others_have(
    tmp_path: Path, library: Library
) -> None:
    put(tmp_path / "index", library, range(1, 2))
    with pytest.raises(IndexFormatError, match=r'Name it: \[signals\] active = \["block-mean"\]'):
        put(tmp_path / "index", library, range(2, 3), BUILT_IN[1:])
    with opened(tmp_path / "index", ()) as index:  # reading without it is no gap
        assert len(index.hashes)


def test_an_empty_index_takes_other_signals(tmp_path: Path, library: Library) -> None:
    put(tmp_path / "index", library, range(0))
    with IndexStore.open(tmp_path / "index") as store:
        assert store.signals == tuple(signal.stored for signal in BUILT_IN)
    put(tmp_path / "index", library, range(1, 2), BUILT_IN[:1])
    with IndexStore.open(tmp_path / "index") as store:
        assert store.signals == (BLOCK_MEAN.stored,)
    put(tmp_path / "bare", library, range(0), ())
    with pytest.raises(IndexFormatError, match="made without"), opened(tmp_path / "bare"):
        pass


def test_asking_a_signal_that_is_not_held_is_an_error(tmp_path: Path, library: Library) -> None:
    put(tmp_path / "index", library, range(1, 2), ())
    with (
        opened(tmp_path / "index", ()) as index,
        pytest.raises(ValueError, match="holds no signal block-mean"),
    ):
        index.neighbours("block-mean")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM signals WHERE name = 'gradients' AND media_id = 2", "no value of the signal gradients"),
        ("UPDATE signals SET value = zeroblob(32) WHERE name = 'block-mean'", "is not what was stored"),
    ],
    ids=["missing", "changed"],
)
def test_verify_finds_values_that_are_not_what_was_stored(
    tmp_path: Path, library: Library, damage: str, told: str
) -> None:
    put(tmp_path / "index", library, range(1, 4))
    connection = sqlite3.connect(tmp_path / "index" / "index.db")
    connection.execute(damage)
    connection.commit()
    connection.close()
    with IndexStore.open(tmp_path / "index") as store:
        assert any(told in fault for fault in verify(store).faults)


AFTER_SCHEMA_2 = (
    "DROP TABLE signals",
    "DROP TABLE identifiers",
    "DELETE FROM meta WHERE key = 'identifiers'",
    """CREATE TABLE plain (
      item_id TEXT PRIMARY KEY, account_id TEXT, handle TEXT, permalink TEXT, visibility TEXT NOT NULL,
      json TEXT NOT NULL, source TEXT NOT NULL, line INTEGER, fingerprint BLOB NOT NULL, digest BLOB NOT NULL
    ) STRICT""",
    "INSERT INTO plain SELECT item_id, account_id, handle, permalink, visibility, json, source, line, "
    "fingerprint, digest FROM items",
    "DROP TABLE items",
    "ALTER TABLE plain RENAME TO items",
)
"""What takes out of an index what later schemas brought."""


def test_an_index_of_schema_2_is_read_and_brought_up_to_date(tmp_path: Path, library: Library) -> None:
    folder = tmp_path / "index"
    put(folder, library, range(1, 3), ())
    connection = sqlite3.connect(folder / "index.db")
    for statement in AFTER_SCHEMA_2:
        connection.execute(statement)
    connection.execute("UPDATE meta SET value = 2 WHERE key = 'schema'")
    connection.commit()
    connection.close()
    copy = shutil.copytree(folder, tmp_path / "copy")
    with IndexStore.open(copy) as store:
        assert verify(store).faults == ()
        assert stats(store).pictures == 2
        snapshot = store.snapshot()
    with IndexStore.open(copy, writable=True) as store:
        assert store.db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (4,)
        assert store.snapshot() == snapshot
        store.remove([ItemId("item-1")], at=WHEN)
        assert verify(store).faults == ()
