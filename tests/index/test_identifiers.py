"""Items found by what identifies them: kept right when they change, go, and are counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clonedetect.index import identifiers
from clonedetect.index.audit import verify
from clonedetect.index.captions import prepared
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.store import IndexStore, Provenance
from clonedetect.jobs.compacting import compact_index
from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.item import Item, Media
from clonedetect.models.page import IdentifierKind as Kind

Library = Any  # conftest's, which cannot be imported by name
Open = Callable[[], IndexStore]
WHEN = datetime(2026, 11, 1, tzinfo=UTC)

POST = Item(
    ItemId("post-1"),
    account_id=AccountId("a-1"),
    handle="@Lena.Fischt",
    permalink="https://www.photos.example/p/Cwr4rddlKTB/?utm_source=x",
    caption="Boats",
    native_ids=("3182886838844302529_17841400000", "  "),
    media=(
        Media(0, asset_id="17841400000001001", hashes=(("pdq", "0f" * 32),)),
        Media(
            1,
            url="https://cdn-7.photos.example/v/t51/363312345_17841400000001002_512_n.jpg?oe=64F8A1B2",
            hashes=(("pdq", "1e" * 32),),
        ),
    ),
)
NAMES = (
    (Kind.HANDLE, "lena.fischt"),
    (Kind.HANDLE, "@LENA.fischt"),
    (Kind.ACCOUNT, "a-1"),
    (Kind.SHORTCODE, "Cwr4rddlKTB"),
    (Kind.NUMERIC_ID, "3182886838844302529"),
    (Kind.PERMALINK, "http://photos.example/p/Cwr4rddlKTB"),
    (Kind.PERMALINK, "https://m.photos.example/p/Cwr4rddlKTB/#top"),
    (Kind.ASSET_ID, "17841400000001001"),
    (Kind.ASSET_ID, "17841400000001002"),
    (Kind.HOTLINK, "https://cdn-9.photos.example/v/t51/363312345_17841400000001002_512_n.jpg?oe=1"),
)
STRANGERS = (
    (Kind.HANDLE, "lena"),
    (Kind.ACCOUNT, "A-1"),
    (Kind.SHORTCODE, "cwr4rddlktb"),
    (Kind.PERMALINK, "https://other.example/p/Cwr4rddlKTB"),
    (Kind.HASHTAG, "lena.fischt"),
    (Kind.ASSET_ID, "3182886838844302529"),
    (Kind.NUMERIC_ID, "17841400000001001"),
    (Kind.HANDLE, ""),
    (Kind.PERMALINK, "https://["),
)


def opened(folder: Path) -> OpenIndex:
    return open_index(folder, votes=lambda _: None, model=lambda _: None)


def found(folder: Path, *wanted: tuple[Kind, str]) -> dict[tuple[Kind, str], list[str]]:
    with opened(folder) as index:
        return {
            one: [item.item_id for item in known.items] for one, known in index.identified(wanted).items()
        }


@pytest.fixture
def folder(open_store: Open, library: Library) -> Path:
    with open_store() as store:
        store.add_item(POST, (None, None))
        store.add_item(Item(ItemId("post-2"), caption="words"), (), library.hash_text("words of another"))
        return store.folder


def faults(folder: Path) -> tuple[str, ...]:
    with IndexStore.open(folder) as store:
        return verify(store).faults


def test_an_item_is_found_by_each_of_its_names(folder: Path) -> None:
    assert found(folder, *NAMES) == {one: ["post-1"] for one in NAMES}


def test_what_is_another_name_finds_nothing(folder: Path) -> None:
    assert found(folder, *STRANGERS) == {}


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (
            Item(ItemId("https://social.example/users/lena/statuses/110995026771980345")),
            (Kind.NUMERIC_ID, "110995026771980345"),
        ),
        (
            Item(ItemId("https://social.example/users/lena/statuses/110995026771980345")),
            (Kind.PERMALINK, "https://social.example/users/lena/statuses/110995026771980345"),
        ),
        (
            Item(ItemId("1"), permalink="https://social.example/@lena/110995026771980345"),
            (Kind.NUMERIC_ID, "110995026771980345"),
        ),
        (Item(ItemId("3182886838844302529")), (Kind.NUMERIC_ID, "3182886838844302529")),
        (
            Item(ItemId("1"), permalink="https://blog.example/?p=12"),
            (Kind.PERMALINK, "http://blog.example/?p=12"),
        ),
    ],
)
def test_ids_are_read_out_of_addresses(item: Item, name: tuple[Kind, str]) -> None:
    assert identifiers.as_stored(*name) in identifiers.identifiers_of(item)


def test_what_many_may_share_is_no_identifier() -> None:
    item = Item(
        ItemId("post-3"),
        permalink="https://blog.example/",
        media=(Media(0, url="https://a.example/image.jpg"),),
    )
    assert identifiers.identifiers_of(item) == frozenset()


def test_an_edit_changes_the_names_and_no_other(open_store: Open, folder: Path) -> None:
    with open_store() as store:
        store.add_item(replace(POST, handle="hans", native_ids=()), (None, None))
    assert found(folder, (Kind.HANDLE, "hans"), *NAMES[:5]) == {
        (Kind.HANDLE, "hans"): ["post-1"],
        NAMES[2]: ["post-1"],
        NAMES[3]: ["post-1"],
    }
    assert faults(folder) == ()


def test_a_removed_item_leaves_no_name_and_comes_back(open_store: Open, folder: Path) -> None:
    with open_store() as store:
        store.remove([POST.item_id], at=WHEN)
        assert store.db.execute("SELECT count(*) FROM identifiers").fetchone() == (0,)
    assert found(folder, *NAMES) == {}
    assert faults(folder) == ()
    with open_store() as store:
        store.add_item(POST, (None, None))
    assert found(folder, NAMES[0]) == {NAMES[0]: ["post-1"]}


def test_items_of_words_alone_are_found_too(open_store: Open, library: Library, folder: Path) -> None:
    items = [
        Item(ItemId(f"w-{n}"), handle="writer", caption=f"word {n}", native_ids=(f"Code{n}abcXY",))
        for n in range(20)
    ]
    signals = [library.hash_text(item.caption) for item in items]
    rows = prepared(items, signals, [Provenance("s")] * 20, at=WHEN)
    with open_store() as store:
        store.add_captions(rows)
    with opened(folder) as index:
        known = index.identified([(Kind.HANDLE, "Writer")])[(Kind.HANDLE, "Writer")]
    assert [item.item_id for item in known.items] == [f"w-{n}" for n in range(identifiers.AT_MOST)]
    assert not known.is_all
    assert found(folder, (Kind.SHORTCODE, "Code7abcXY")) == {(Kind.SHORTCODE, "Code7abcXY"): ["w-7"]}
    assert faults(folder) == ()


def test_a_vacuumed_index_finds_the_same(open_store: Open, folder: Path) -> None:
    with open_store() as store:
        for number in range(9):
            store.add_item(Item(ItemId(f"x-{number}"), handle=f"user_{number}"), ())
        store.remove([ItemId(f"x-{number}") for number in range(0, 8, 2)], at=WHEN)
    compact_index(folder, lookups={})
    assert found(folder, (Kind.HANDLE, "user_7"), NAMES[3]) == {
        (Kind.HANDLE, "user_7"): ["x-7"],
        NAMES[3]: ["post-1"],
    }
    assert faults(folder) == ()


def test_a_collision_of_hashes_says_nothing_wrong(monkeypatch: pytest.MonkeyPatch, open_store: Open) -> None:
    monkeypatch.setattr(identifiers, "_KEY_BITS", 1)
    with open_store() as store:
        for number in range(4):
            store.add_item(Item(ItemId(f"x-{number}"), handle=f"clash_{number}"), ())
        folder = store.folder
    assert found(folder, *((Kind.HANDLE, f"clash_{number}") for number in range(9))) == {
        (Kind.HANDLE, f"clash_{number}"): [f"x-{number}"] for number in range(4)
    }


def test_more_names_than_one_statement_takes(folder: Path) -> None:
    many = [(Kind.HANDLE, f"nobody_{number}") for number in range(2_500)]
    assert found(folder, *many, NAMES[0]) == {NAMES[0]: ["post-1"]}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "DELETE FROM identifiers WHERE key = (SELECT min(key) FROM identifiers)",
            "item post-1 cannot",
        ),
        ("INSERT INTO identifiers VALUES (1, 1)", "8 identifiers are stored, the items account for 7"),
        (
            "UPDATE identifiers SET number = 2 WHERE key = (SELECT max(key) FROM identifiers)",
            "item post-1 cannot",
        ),
    ],
)
def test_verify_names_what_was_changed(folder: Path, change: str, fault: str) -> None:
    connection = sqlite3.connect(folder / "index.db")
    connection.execute(change)
    connection.commit()
    connection.close()
    assert faults(folder)[0].startswith(fault)


def test_other_rules_are_not_trusted_and_replaced_by_whoever_writes(folder: Path) -> None:
    connection = sqlite3.connect(folder / "index.db")
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'identifiers'")
    connection.execute("DELETE FROM identifiers")
    connection.commit()
    connection.close()
    with opened(folder) as index:
        assert not index.has_identifiers
        assert index.identified(NAMES) == {}
    assert faults(folder) == ()
    with IndexStore.open(folder, writable=True):
        pass
    with opened(folder) as index:
        assert index.has_identifiers
    assert found(folder, *NAMES) == {one: ["post-1"] for one in NAMES}
