from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clonedetect.errors import IndexFormatError, InputError, LockedError
from clonedetect.index import store as store_module
from clonedetect.index.audit import verify
from clonedetect.index.digests import ContentSum
from clonedetect.index.hotsource import HotSource
from clonedetect.index.lock import FileLock
from clonedetect.index.rows import packed_features, read_features
from clonedetect.index.store import COMMIT_EVERY, IndexStore, SignalKind
from clonedetect.index.writing import Provenance
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media, MediaKind, Visibility, VisibilitySpan
from clonedetect.models.signal import Algorithm, FeatureSet

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def rows(store: IndexStore, table: str) -> int:
    return int(store.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def everything(store: IndexStore) -> dict[str, int]:
    tables = ("items", "media", "hashes", "images", "features", "texts")
    return {table: rows(store, table) for table in tables}


def test_an_item_comes_back_as_it_was_given(open_store: Open, library: Library) -> None:
    item = library.item(
        1,
        handle="maria",
        hashtags=("sea", "storm"),
        published_at=WHEN,
        first_indexed_at=WHEN,
        minor=True,
        canary=True,
        visibility=(VisibilitySpan(Visibility.PUBLIC, since=WHEN), VisibilitySpan(Visibility.PRIVATE)),
        native_ids=("a1",),
    )
    with open_store() as store:
        assert library.add(store, item) == "added"
        found = store.item(ItemId("item-1"))
        assert found is not None
        assert found.media[0].digest is not None
        assert (found.media[0].width, found.media[0].height) == (320, 240)
        assert replace(found, media=item.media) == item
        assert store.item(ItemId("item-2")) is None


def test_the_same_item_again_changes_nothing(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        before = store.snapshot()
        assert library.add(store, library.item(1)) == "unchanged"
        assert store.snapshot() == before


def test_an_unchanged_item_needs_no_hashing_and_an_edited_one_does(
    open_store: Open, library: Library
) -> None:
    item = library.item(1)
    with open_store() as store:
        assert store.needs(item)
        library.add(store, item)
        assert not store.needs(item)
        assert store.needs(replace(item, caption="another"))
        library.picture(1).write_bytes(library.picture_bytes(99))
        assert store.needs(item)


def test_a_file_that_changed_while_it_was_hashed_is_hashed_again(open_store: Open, library: Library) -> None:
    item = library.item(1)
    with open_store() as store:
        library.add(store, item, fingerprint=b"of the moment before")
        assert store.needs(item)


def test_a_touched_file_is_looked_at_again_and_found_unchanged(open_store: Open, library: Library) -> None:
    item = library.item(1)
    with open_store() as store:
        library.add(store, item)
        library.picture(1).write_bytes(library.picture_bytes(1) + b"")
        assert library.add(store, item) == "unchanged"
        assert not store.needs(item)


def test_an_edited_caption_replaces_the_old_lookups(open_store: Open, library: Library) -> None:
    item = library.item(1)
    with open_store() as store:
        library.add(store, item)
        old = everything(store)
        media = store.db.execute("SELECT media_id FROM media").fetchall()
        text = store.db.execute("SELECT text_id FROM texts").fetchall()
        assert library.add(store, replace(item, caption="Short and new, of one line.")) == "updated"
        assert store.db.execute("SELECT media_id FROM media").fetchall() == media
        assert store.db.execute("SELECT text_id FROM texts").fetchall() == text
        assert everything(store) == old
        assert not verify(store).faults


def test_a_changed_picture_gets_a_new_number_and_leaves_a_tombstone(
    open_store: Open, library: Library
) -> None:
    with open_store() as store:
        library.add(store, library.item(1, pictures=(1, 2, 3)))
        assert library.add(store, library.item(1, pictures=(3, 4, 1))) == "updated"
        found = store.db.execute("SELECT media_id, position FROM media ORDER BY position").fetchall()
        assert found == [(3, 0), (4, 1), (1, 2)]
        assert store.db.execute("SELECT media_id FROM removed_media").fetchall() == [(2,)]
        assert not verify(store).faults


def test_one_picture_twice_in_an_item_keeps_both_numbers(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1, pictures=(1, 1)))
        library.add(store, library.item(1, pictures=(1, 1), caption="edited, long enough to count"))
        found = store.db.execute("SELECT media_id, position FROM media ORDER BY position").fetchall()
        assert found == [(1, 0), (2, 1)]


def test_a_moved_file_changes_no_content_but_its_path(
    open_store: Open, library: Library, tmp_path: Path
) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        before = store.snapshot()
        moved = tmp_path / "moved.png"
        moved.write_bytes(library.picture_bytes(1))
        item = library.item(1)
        item = replace(item, media=(replace(item.media[0], path=str(moved)),))
        assert library.add(store, item) == "unchanged"
        assert store.snapshot() == before
        assert store.db.execute("SELECT path FROM media").fetchone() == (str(moved),)


def test_a_caption_that_normalises_to_nothing_is_no_text(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1, caption="🎉🎉🎉"))
        assert rows(store, "texts") == 0
        assert store.item(ItemId("item-1")).caption == "🎉🎉🎉"
        assert not verify(store).faults


def test_removal_takes_everything_and_overwrites_it(open_store: Open, library: Library) -> None:
    marked = library.item(2, pictures=(5, 6), caption="Unrepeatable words about xylophones in Vladivostok")
    with open_store() as store:
        library.add(store, library.item(1))
        alone = (everything(store), store.snapshot().snapshot_id)
        library.add(store, marked)
        done = store.remove([ItemId("item-2"), ItemId("item-2"), ItemId("never")], at=WHEN)
        assert (done.removed, done.gone_before, done.unknown) == (("item-2",), (), ("never",))
        assert (everything(store), store.snapshot().snapshot_id) == alone
        assert store.remove([ItemId("item-2")], at=WHEN).gone_before == ("item-2",)
        assert not verify(store).faults
    for file in (path for path in store.folder.rglob("*") if path.is_file()):
        assert b"Vladivostok" not in file.read_bytes()


def test_a_removed_item_may_be_added_again(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        before = store.snapshot()
        store.remove([ItemId("item-1")], at=WHEN)
        assert library.add(store, library.item(1)) == "added"
        assert store.snapshot().snapshot_id == before.snapshot_id
        assert store.snapshot().number == before.number + 2
        assert rows(store, "removed_items") == 0


def test_equal_content_has_one_snapshot_id_after_any_history(tmp_path: Path, library: Library) -> None:
    ids = []
    for name, order in (("a", [1, 2, 3]), ("b", [3, 9, 1, 2])):
        with IndexStore.open_or_create(tmp_path / name, algorithms=library.algorithms) as store:
            for number in order:
                library.add(store, library.item(number))
            store.remove([ItemId("item-9")], at=WHEN)
            ids.append(store.snapshot().snapshot_id)
    assert ids[0] == ids[1]


def test_the_snapshot_id_depends_on_signals_text_and_algorithms(tmp_path: Path, library: Library) -> None:
    other = library.algorithms | {SignalKind.VIEWS: Algorithm("pdq", 2, "square=192")}
    variants = [
        (library.algorithms, library.item(1)),
        (other, library.item(1)),
        (library.algorithms, library.item(1, pictures=(2,))),
        (library.algorithms, library.item(1, caption="another caption, as long as the other")),
        (library.algorithms, library.item(1, account_id="somebody")),
        (library.algorithms, library.item(1, visibility=(VisibilitySpan(Visibility.PUBLIC),))),
    ]
    ids = set()
    for number, (algorithms, item) in enumerate(variants):
        with IndexStore.open_or_create(tmp_path / str(number), algorithms=algorithms) as store:
            library.add(store, item)
            ids.add(store.snapshot().snapshot_id)
    assert len(ids) == len(variants)


def test_a_content_sum_is_undone_by_taking_away_in_any_order() -> None:
    one, two = ContentSum(), ContentSum()
    for row in (b"a", b"b", b"c"):
        one.add(row)
    for row in (b"c", b"a", b"x", b"b"):
        two.add(row)
    assert one.state != two.state
    two.take(b"x")
    assert one.state == two.state == ContentSum(one.state).state
    with pytest.raises(ValueError, match="2048 bytes"):
        ContentSum(b"even")


def test_a_batch_commits_every_so_many_items_and_undoes_the_rest(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "COMMIT_AFTER_S", 0)

    def fill(store: IndexStore) -> None:
        with store.batch():
            for number in range(COMMIT_EVERY + 5):
                store.add_item(
                    Item(ItemId(f"i{number}"), caption="c"), (), library.hash_text(f"number {number}")
                )
            raise KeyboardInterrupt

    with open_store() as store:
        first = store.snapshot().number
        with pytest.raises(KeyboardInterrupt):
            fill(store)
        assert store.count() == COMMIT_EVERY
        assert store.snapshot().number == first + 1
        assert not verify(store).faults
        assert list(store.item_ids()) == sorted(f"i{n}" for n in range(COMMIT_EVERY))


def test_a_reader_sees_one_state_and_holds_up_nobody(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        with IndexStore.open(store.folder) as reader:
            before = reader.snapshot()
            library.add(store, library.item(2))
            store.remove([ItemId("item-1")], at=WHEN)
            assert reader.count() == 1
            assert reader.item(ItemId("item-1")) is not None
            assert reader.snapshot() == before
        with IndexStore.open(store.folder) as later:
            assert list(later.item_ids()) == ["item-2"]
            with pytest.raises(ValueError, match="for reading"):
                later.remove([ItemId("item-2")], at=WHEN)


def test_a_second_writer_is_refused_with_the_pid(open_store: Open, library: Library) -> None:
    import os

    with open_store() as store:
        with pytest.raises(LockedError, match=f"process {os.getpid()};"):
            open_store()
        library.add(store, library.item(1))
    with open_store() as store:
        assert store.count() == 1


def test_a_lock_can_be_waited_for(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        pass
    with FileLock(tmp_path / "lock", wait=True) as lock:
        lock.close()
        lock.close()


def test_a_folder_without_an_index_is_refused(tmp_path: Path, library: Library) -> None:
    with pytest.raises(InputError, match="holds no index"):
        IndexStore.open(tmp_path)
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(InputError, match="not empty"):
        IndexStore.open_or_create(tmp_path, algorithms=library.algorithms)
    with pytest.raises(InputError, match="no folder"):
        IndexStore.open_or_create(tmp_path / "photo.jpg", algorithms=library.algorithms)
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "pictures"}


def test_a_creation_cut_short_is_completed_by_the_next(tmp_path: Path, library: Library) -> None:
    (tmp_path / "index.db").touch()
    (tmp_path / "settings.toml").touch()
    with pytest.raises(InputError, match="never begun"):
        IndexStore.open(tmp_path)
    with IndexStore.open_or_create(tmp_path, algorithms=library.algorithms) as store:
        assert store.count() == 0


@pytest.mark.parametrize("writable", [False, True])
def test_a_newer_schema_is_refused(open_store: Open, writable: bool) -> None:
    with open_store() as store:
        folder = store.folder
    connection = sqlite3.connect(folder / "index.db")
    connection.execute("UPDATE meta SET value = 5 WHERE key = 'schema'")
    connection.commit()
    connection.close()
    with pytest.raises(IndexFormatError, match="has schema 5, this program reads 1 to 4"):
        IndexStore.open(folder, writable=writable)


@pytest.mark.parametrize("writable", [False, True])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, writable: bool) -> None:
    (tmp_path / "index.db").write_bytes(b"not a database at all, but long enough to have a header" * 20)
    with pytest.raises(IndexFormatError, match="cannot be opened"):
        IndexStore.open(tmp_path, writable=writable)


def test_signals_of_other_algorithms_are_refused_with_the_way_out(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        folder = store.folder
    newer = library.algorithms | {SignalKind.VIEWS: Algorithm("pdq", 2, "square=256")}
    for attempt in (
        lambda: IndexStore.open(folder, algorithms=newer),
        lambda: IndexStore.open_or_create(folder, algorithms=newer),
    ):
        with pytest.raises(IndexFormatError, match=r"made by pdq/1.*pdq/2.*index add NEW-INDEX"):
            attempt()
    with IndexStore.open(folder, algorithms=library.algorithms) as store:
        assert store.algorithms["views"] == "pdq/1(square=192)"


def test_an_empty_index_takes_the_algorithms_of_its_next_writer(open_store: Open) -> None:
    with open_store() as store:
        folder = store.folder
    newer = {SignalKind.VIEWS: Algorithm("pdq", 2, "")}
    with IndexStore.open(folder, algorithms=newer) as store:
        assert store.count() == 0
    with IndexStore.open_or_create(folder, algorithms=newer) as store:
        assert store.algorithms["views"] == "pdq/2()"


def test_signals_that_do_not_belong_to_the_item_are_refused(open_store: Open, library: Library) -> None:
    with open_store() as store:
        with pytest.raises(ValueError, match="0 signals for 1 media"):
            store.add_item(library.item(1), ())
        with pytest.raises(ValueError, match="no caption"):
            store.add_item(Item(ItemId("x"), media=()), (), library.hash_text("words"))
        signals = library.hash_picture(library.picture_bytes(1))
        many = replace(signals, hashes=signals.hashes * 20)
        with pytest.raises(ValueError, match="views"):
            store.add_item(library.item(1), [many])
        short = replace(signals, hashes=(replace(signals.hashes[0], bits=b"short"),))
        with pytest.raises(ValueError, match="32 bytes"):
            store.add_item(library.item(1), [short])
        text = replace(library.hash_text("enough words to be hashed"), minhash=np.zeros(4, np.uint32))
        with pytest.raises(ValueError, match="MinHash of shape"):
            store.add_item(library.item(1), [signals], text)
        assert everything(store) == dict.fromkeys(everything(store), 0)


def test_hash_only_digest_only_and_video_media_are_kept(open_store: Open, library: Library) -> None:
    digest = library.hash_picture(library.picture_bytes(1)).digest
    media = (
        Media(0, hashes=(("pdq", "0f" * 32),), width=10, height=20),
        Media(1, digest=digest),
        Media(2, MediaKind.VIDEO, path=str(library.picture(4)), digest=digest),
    )
    with open_store() as store:
        store.add_item(Item(ItemId("x"), media=media), [None, None, None])
        assert everything(store) == dict.fromkeys(everything(store), 0) | {
            "items": 1,
            "media": 3,
            "hashes": 1,
        }
        assert not verify(store).faults


def test_refusals_of_a_source_replace_those_of_its_last_import(open_store: Open) -> None:
    with open_store() as store:
        store.replace_refusals("a.jsonl", [("a.jsonl", 3, "bad"), ("a.jsonl", 4, "worse")])
        store.replace_refusals("folder", [("folder/x.txt", None, "no picture")])
        store.replace_refusals("a.jsonl", [("a.jsonl", 4, "worse")])
        found = store.db.execute("SELECT place, line, reason FROM refusals ORDER BY place").fetchall()
    assert found == [("a.jsonl", 4, "worse"), ("folder/x.txt", None, "no picture")]


def test_where_an_item_came_from_is_kept(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1), provenance=Provenance("posts.jsonl", 12))
        assert store.db.execute("SELECT source, line FROM items").fetchall() == [("posts.jsonl", 12)]


@given(
    points=arrays(np.float32, st.tuples(st.integers(0, 40), st.just(4)), elements=st.floats(width=32)),
    seed=st.integers(0, 99),
)
def test_local_features_come_back_to_the_bit(points: np.ndarray, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 256, (len(points), 16), np.uint8)
    stored = packed_features(FeatureSet(points, bits, 9, 7))
    back = read_features(9, 7, *stored)
    assert (back.points.tobytes(), back.descriptors.tobytes()) == (points.tobytes(), bits.tobytes())
    assert (back.points.shape, back.descriptors.shape) == (points.shape, bits.shape)
    unpacked = read_features(9, 7, points.tobytes(), bits.tobytes())  # as schema 2 stored them
    assert (unpacked.points.tobytes(), unpacked.descriptors.tobytes()) == (points.tobytes(), bits.tobytes())


def test_damaged_features_are_named(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        store.db.execute("UPDATE features SET descriptors = substr(descriptors, 1, 99)")
        store.db.conn.commit()
        with pytest.raises(IndexFormatError, match="local features are damaged"):
            list(HotSource(None, store.snapshot(), store.lineage, store.db).features())
        assert any("item-1 cannot be read back" in fault for fault in verify(store).faults)
