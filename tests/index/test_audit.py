from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name


DAMAGE = {
    "another account": ("UPDATE items SET json = replace(json, 'account-1', 'account-2')", "item-1 is not"),
    "no json": ("UPDATE items SET json = '?' WHERE item_id = 'item-1'", "item-1 cannot be read back"),
    "another hash": ("UPDATE hashes SET bits = zeroblob(96) WHERE media_id = 1", "item-1 is not"),
    "no hash": ("DELETE FROM hashes WHERE media_id = 1", "item-1 is not"),
    "another thumbnail": (
        "UPDATE images SET thumbnail = (SELECT thumbnail FROM images WHERE media_id = 2)",
        "item-1 is not",
    ),
    "broken thumbnail": ("UPDATE images SET thumbnail = x'00' WHERE media_id = 1", "item-1 cannot be"),
    "no features": ("DELETE FROM features WHERE media_id = 1", "item-1 is not"),
    "another text": ("UPDATE texts SET raw = 'other' WHERE item_id = 'item-1'", "item-1 is not"),
    "no media": ("DELETE FROM media WHERE media_id = 1", "0 of 1 media"),
    "an item less": ("DELETE FROM items WHERE item_id = 'item-2'", "snapshot id does not belong"),
    "a band more": ("INSERT INTO bands VALUES (1, 1)", "bands holds 75 rows"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_verify_names_what_was_changed_behind_its_back(open_store: Open, library: Library, name: str) -> None:
    statement, expected = DAMAGE[name]
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        assert verify(store).faults == ()
        store.db.execute("PRAGMA foreign_keys = OFF")
        store.db.execute(statement)
        faults = verify(store).faults
    assert any(expected in fault for fault in faults), faults


def test_verify_names_a_caption_that_lost_a_gram(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        gram = store.db.execute("SELECT min(gram) FROM postings").fetchone()
        store.db.execute("DELETE FROM postings WHERE gram = ?", gram)
        assert any("item-1 cannot be found by all its grams" in fault for fault in verify(store).faults)


def test_verify_names_a_hot_file_that_changed(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        folder = store.folder
    with OpenIndex(IndexStore.open(folder), votes=lambda _: None, model=lambda _: None) as opened:
        assert len(opened.hashes) == 3
    with IndexStore.open(folder) as store:
        assert verify(store).checked["hot files"] == 1
        assert verify(store).faults == ()
        (path,) = (folder / "hot" / "hashes").glob("hash-*.npy")
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        assert any("elements" in fault for fault in verify(store).faults)
        path.write_bytes(data[:-1])
        assert any("damaged" in fault for fault in verify(store).faults)


def test_verify_reads_the_files_if_asked(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (1, 2, 3):
            library.add(store, library.item(number))
        Path(library.picture(1)).unlink()
        library.picture(2).write_bytes(b"something else")
        assert verify(store).faults == ()
        found = verify(store, read_files=True)
    assert found.checked["files"] == 3
    assert [fault.split(":")[0] for fault in found.faults] == ["item item-1", "item item-2"]


def test_verify_counts_what_it_checked(open_store: Open, library: Library) -> None:
    with open_store() as store:
        store.add_item(Item(ItemId("t"), caption="words"), (), library.hash_text("some words to be found by"))
        assert verify(store).checked == {"database": 1, "items": 1, "captions": 1, "hot files": 0}
