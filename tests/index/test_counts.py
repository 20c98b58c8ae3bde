"""What ``index stats`` counts: contents, growth, copies within an index, the spread of its hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.index import clusters
from clonedetect.index.balance import Balance, hash_balance
from clonedetect.index.clusters import Clusters, caption_clusters, picture_clusters
from clonedetect.index.counts import bytes_by_tier, stats
from clonedetect.index.store import IndexStore
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media, MediaKind, Visibility, VisibilitySpan

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name


def test_stats_count_by_algorithm_class_and_kind(open_store: Open, library: Library) -> None:
    private = (VisibilitySpan(Visibility.PRIVATE), VisibilitySpan(Visibility.LOGGED_IN))
    hidden = Item(ItemId("h"), media=(Media(hashes=(("pdq", "00" * 32),)),), visibility=private, minor=True)
    video = Item(ItemId("v"), media=(Media(kind=MediaKind.VIDEO), Media(1, digest="sha256:00")), canary=True)
    with open_store() as store:
        for number in (1, 2, 8):
            library.add(store, library.item(number))
        store.add_item(hidden, [None])
        store.add_item(video, [None, None])
        store.replace_refusals("s", [("s", 1, "bad")])
        library.add(store, library.item(3))
        store.remove([ItemId("item-3")], at=datetime.now(UTC))
        found = stats(store)
    assert (found.items, found.accounts, found.removed, found.refused) == (5, 2, 1, 1)
    assert (found.pictures, found.hash_only, found.digest_only, found.videos) == (3, 1, 1, 1)
    assert found.captions == 3
    assert found.signals == {
        "pdq/1(square=192)": 10,
        "test-features/1()": 3,
        "winnow/1(n=5)": 3,
    }
    assert found.visibility == {"public": 4, "logged_in": 1}
    assert (found.assumed_public, found.minors, found.canaries) == (4, 1, 1)
    assert found.size_bytes > 50_000
    assert set(found.tiers) == {"database"}
    assert found.snapshot_id.startswith("sha256:")


def test_bytes_are_told_by_tier(tmp_path: Path) -> None:
    sizes = {"index.db": 7, "index.db-wal": 5, "writer.lock": 2, "hot/features/plan.json": 3}
    sizes |= {"hot/features/00000001-low-ab.npy": 11, "hot/hashes/ids-ab.npy": 13, "hot/build.lock": 2}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    assert bytes_by_tier(tmp_path) == {"database": 12, "hot/features": 14, "hot/hashes": 13}


def test_growth_is_by_day_of_first_indexing_and_year_of_publication(open_store: Open) -> None:
    days = [datetime(2026, 3, 1 + number // 2, 23, 30, tzinfo=UTC) for number in range(40)]
    with open_store() as store, store.batch():
        for number, day in enumerate(days):
            published = datetime(2020 + number % 2, 1, 1, tzinfo=UTC) if number else None
            item = Item(ItemId(str(number)), caption="c", first_indexed_at=day, published_at=published)
            store.add_item(item, (), None)
    with open_store() as store:
        growth = stats(store).growth
    assert list(growth.days) == [f"2026-03-{day:02}" for day in range(7, 21)]
    assert set(growth.days.values()) == {2}
    assert (growth.before, growth.published, growth.unknown) == (12, {"2020": 19, "2021": 20}, 1)


def test_an_empty_index_has_no_groups_and_no_growth(open_store: Open) -> None:
    with open_store() as store:
        found = stats(store)
        assert picture_clusters(store) == caption_clusters(store) == Clusters(0, 0, 0, 0, 0)
        assert (found.growth.days, found.growth.before, found.growth.unknown) == ({}, 0, 0)
        balance = hash_balance(store)
    assert (balance.hashes, balance.ones, balance.load, balance.largest) == (0, (), 1.0, 0)
    assert [(one.buckets, round(one.expected)) for one in balance.bins] == [(1 << 20, 1 << 20)]


def test_captions_that_say_the_same_are_a_group_and_several_owners_share_it(
    open_store: Open, library: Library
) -> None:
    told = [("a", "The boats came home"), ("a", "the boats, came home!"), ("b", "THE BOATS CAME HOME")]
    told += [("c", "mine alone, twice"), ("c", "Mine alone, twice."), ("d", "only once")]
    with open_store() as store:
        for number, (account, caption) in enumerate(told):
            item = Item(ItemId(str(number)), account_id=account, caption=caption)
            store.add_item(item, (), library.hash_text(caption))
        assert caption_clusters(store) == Clusters(clusters=2, items=5, largest=3, shared=1, shared_items=3)


def hashed(number: int, bits: bytes, *, account: str | None = None, quality: int = 90) -> Item:
    media = Media(hashes=((f"pdq/full/identity/{quality}", bits.hex()),))
    return Item(ItemId(f"h{number}"), account_id=account or f"owner-{number}", media=(media,))


def flipped(bits: bytes, *places: int) -> bytes:
    array = np.frombuffer(bits, np.uint8).copy()
    for place in places:
        array[place // 8] ^= 128 >> place % 8
    return array.tobytes()


BASE = bytes(np.random.default_rng(3).integers(0, 256, 32, np.uint8))


def groups(open_store: Open, items: Iterable[Item]) -> Clusters:
    with open_store() as store, store.batch():
        for item in items:
            store.add_item(item, [None] * len(item.media))
    with open_store() as store:
        return picture_clusters(store)


def test_pictures_within_ten_bits_are_one_group_over_any_number_of_steps(open_store: Open) -> None:
    chain = [flipped(BASE, *range(9 * step)) for step in range(4)]
    apart = flipped(BASE, *range(100, 111))
    items = [hashed(number, bits) for number, bits in enumerate([*chain, apart])]
    assert groups(open_store, items) == Clusters(1, 4, 4, 1, 4)


def test_hashes_of_little_detail_join_nothing(open_store: Open) -> None:
    items = [hashed(number, BASE, quality=49 + number % 2) for number in range(6)]
    assert groups(open_store, items) == Clusters(1, 3, 3, 1, 3)


def test_equal_bytes_join_what_has_no_hash_and_what_has(open_store: Open) -> None:
    first, second = (f"sha256:{digit * 64}" for digit in "ab")
    items = [
        Item(ItemId("1"), account_id="a", media=(Media(digest=first),)),
        Item(ItemId("2"), account_id="a", media=(Media(digest=first),)),
        Item(ItemId("3"), account_id="a", media=(Media(digest=second), Media(1, digest=second))),
        Item(ItemId("4"), account_id="b", media=(Media(kind=MediaKind.VIDEO, digest=second),)),
    ]
    assert groups(open_store, items) == Clusters(1, 2, 2, 0, 0)


def test_an_item_in_two_groups_counts_once(open_store: Open) -> None:
    other = flipped(BASE, *range(0, 256, 2))
    both = Item(
        ItemId("both"),
        account_id="owner-0",
        media=(Media(hashes=(("pdq", BASE.hex()),)), Media(1, hashes=(("pdq", other.hex()),))),
    )
    items = [both, hashed(0, BASE), hashed(1, other)]
    assert groups(open_store, items) == Clusters(clusters=2, items=3, largest=2, shared=1, shared_items=2)


def test_many_near_hashes_are_grouped_in_batches_that_shrink(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_HITS_AT_ONCE", 50)
    monkeypatch.setattr(clusters, "_MOST_QUERIES", 64)
    rng = np.random.default_rng(5)
    items = [hashed(n, flipped(BASE, *rng.choice(256, 5, replace=False))) for n in range(150)]
    assert groups(open_store, items) == Clusters(1, 150, 150, 1, 150)


def test_bands_and_flat_scan_find_the_same_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    hashes = rng.integers(0, 256, (400, 32), np.uint8)
    for row in range(1, 400, 2):
        hashes[row] = np.frombuffer(
            flipped(hashes[row - 1].tobytes(), *rng.choice(256, 6 + row % 8)), np.uint8
        )
    found = []
    for limit in (0, 10_000):
        monkeypatch.setattr(clusters, "BANDED_FROM", limit)
        pairs = [np.stack(pair, axis=1) for pair in clusters._near(hashes)]
        found.append(sorted(map(tuple, np.concatenate(pairs).tolist())))
    assert found[0] == found[1]
    assert 100 < len(found[0]) < 200


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_joining_gives_the_connected_parts(pairs: list[tuple[int, int]]) -> None:
    parts = {number: {number} for number in range(12)}
    for left, right in pairs:
        merged = parts[left] | parts[right]
        parts |= dict.fromkeys(merged, merged)
    array = np.array(pairs, np.int64).reshape(-1, 2)
    half = len(array) // 2
    labels = clusters._joined(np.arange(12), array[:half, 0], array[:half, 1])
    labels = clusters._joined(labels, array[half:, 0], array[half:, 1])
    assert labels.tolist() == [min(parts[number]) for number in range(12)]


def balance_of(open_store: Open, hashes: np.ndarray) -> Balance:
    with open_store() as store, store.batch():
        for number, row in enumerate(hashes):
            store.add_item(hashed(number, row.tobytes()), [None])
    with open_store() as store:
        return hash_balance(store)


def test_even_hashes_are_balanced_and_fill_buckets_as_expected(open_store: Open) -> None:
    balance = balance_of(open_store, np.random.default_rng(1).integers(0, 256, (3000, 32), np.uint8))
    assert balance.hashes == 3000
    assert all(0.45 < share < 0.55 for share in balance.ones)
    assert sum(one.buckets for one in balance.bins) == 1 << 20
    assert sum(one.least * one.buckets for one in balance.bins[:2]) <= 16 * 3000
    one, two = balance.bins[1], balance.bins[2]
    assert one.buckets == pytest.approx(one.expected, rel=0.02)
    assert two.buckets == pytest.approx(two.expected, rel=0.1)
    assert balance.load == pytest.approx(1, abs=0.01)


def test_skewed_hashes_are_told_by_their_bits_and_their_load(open_store: Open) -> None:
    hashes = np.random.default_rng(1).integers(0, 256, (500, 32), np.uint8)
    hashes[:, :2] = (0, 255)
    balance = balance_of(open_store, hashes)
    assert balance.ones[:8] == (0.0,) * 8
    assert balance.ones[8:16] == (1.0,) * 8
    assert balance.largest == 500
    assert balance.bins[-1].buckets == 1
    assert (balance.bins[-1].least, balance.bins[-1].most) == (256, 511)
    assert balance.load == pytest.approx((500 + 15) / 16 / (1 + 499 / 65536), rel=0.01)
