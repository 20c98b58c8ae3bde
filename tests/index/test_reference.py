from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clonedetect.errors import IndexFormatError, InputError
from clonedetect.index import hothashes
from clonedetect.index.hamming import HammingIndex
from clonedetect.index.models import Tables
from clonedetect.index.postings import TextPostings
from clonedetect.index.reference import HotSource, OpenIndex, open_index
from clonedetect.index.store import IndexStore, SignalKind
from clonedetect.models.ids import ItemId, MediaId, TextId
from clonedetect.models.item import Item, Media
from clonedetect.models.minhash import BAND_ROWS, BANDS, band_keys, jaccard
from clonedetect.models.reference import TextCost
from clonedetect.models.signal import VIEWS_PER_MEDIA, Algorithm, FeatureSet
from clonedetect.protocols import CharacterModel, FeatureVotes, HashIndex, Postings, ReferenceIndex

Open = Callable[[], IndexStore]
Library = Any  # conftest's, which cannot be imported by name
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


class SharedDescriptors:
    """Votes by counting equal descriptors: a true lookup, however slow."""

    def __init__(self, source: HotSource) -> None:
        self.source = source
        self.held: dict[MediaId, set[bytes]] = {}
        for media, counts, _, descriptors in source.features():
            parts = np.split(descriptors, np.cumsum(counts)[:-1])
            self.held |= {
                MediaId(int(n)): set(map(bytes, part)) for n, part in zip(media, parts, strict=True)
            }

    def close(self) -> None:
        """Nothing is under way."""

    def vote(self, features: FeatureSet, limit: int) -> tuple[tuple[MediaId, int], ...]:
        asked = set(map(bytes, features.descriptors))
        votes = [(number, len(asked & held)) for number, held in self.held.items() if asked & held]
        return tuple(sorted(votes, key=lambda vote: (-vote[1], vote[0]))[:limit])


class SeenCharacters:
    """A model to which a character is worth its rarity among the captions."""

    version = "seen/1"

    def __init__(self, captions: tuple[str, ...]) -> None:
        self.captions = captions
        self.text = "".join(captions)

    def bits(self, text: str) -> np.ndarray:
        return np.array([-np.log2((self.text.count(c) + 1) / (len(self.text) + 40)) for c in text])

    def costs(self, texts: Sequence[str]) -> tuple[TextCost, ...]:
        return tuple(TextCost(self.bits(text), len(self.text) > 100) for text in texts)


class SeenModels:
    """Makes models of seen characters, whose tables are the captions themselves."""

    def learned(self, captions: Iterable[Sequence[str]], tables: Tables | None = None) -> SeenCharacters:
        known = "" if tables is None else bytes(tables["text"]).decode()
        return SeenCharacters((*known.splitlines(), *(text for some in captions for text in some)))

    def tables(self, model: CharacterModel) -> Tables:
        assert isinstance(model, SeenCharacters)
        return {"text": np.frombuffer("\n".join(model.captions).encode(), np.uint8)}


def opened(store: IndexStore) -> OpenIndex:
    return open_index(store.folder, votes=SharedDescriptors, model=SeenModels())


def hits(index: OpenIndex, bits: bytes, radius: int = 0) -> list[int]:
    query = np.frombuffer(bits, np.uint8).reshape(1, 32)
    return [int(number) for number in index.hashes.range_search(query, radius)[1]]


def as_protocol(index: OpenIndex) -> tuple[ReferenceIndex, HashIndex, FeatureVotes, Postings, CharacterModel]:
    """Let mypy-checked readers of this file see that the parts fit the protocols they are used by."""
    return index, index.hashes, index.votes, index.postings, index.model


def test_a_picture_is_found_by_hash_features_and_digest(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in range(1, 6):
            library.add(store, library.item(number, permalink=f"https://p.example/{number}"))
        snapshot = store.snapshot()
        signals = library.hash_picture(library.picture_bytes(3))
        with opened(store) as index:
            (number,) = hits(index, signals.hashes[0].bits)
            assert hits(index, signals.hashes[2].bits) == [number + 2]
            assert number % VIEWS_PER_MEDIA == 0
            (found,) = index.images([MediaId(number // VIEWS_PER_MEDIA)])
            assert (found.item_id, found.account_id, found.permalink) == (
                "item-3",
                "account-3",
                "https://p.example/3",
            )
            assert (found.width, found.height, found.quality) == (320, 240, signals.quality)
            assert (found.digest, found.bits) == (signals.digest, signals.hashes[0].bits)
            assert found.path == str(library.picture(3))
            assert np.array_equal(found.thumbnail.pixels, signals.thumbnail.pixels)
            assert np.array_equal(found.features.points, signals.features.points)
            assert np.array_equal(found.features.descriptors, signals.features.descriptors)
            assert index.votes.vote(signals.features, 1)[0][0] == found.media_id
            assert [image.media_id for image in index.images_with_digest(signals.digest)] == [found.media_id]
            assert index.item(ItemId("item-3")).account_id == "account-3"
            assert index.snapshot() == snapshot == index.hashes.snapshot()
            assert len(as_protocol(index)) == 5


def test_images_come_in_the_order_asked_and_removed_ones_not_at_all(
    open_store: Open, library: Library
) -> None:
    with open_store() as store:
        for number in (1, 2, 3):
            library.add(store, library.item(number))
        store.remove([ItemId("item-2")], at=WHEN)
        with opened(store) as index:
            ids = [MediaId(number) for number in (3, 2, 1, 3)]
            assert [image.item_id for image in index.images(ids)] == ["item-3", "item-1", "item-3"]
            texts = index.texts([TextId(3), TextId(2), TextId(1)])
            assert [text.item_id for text in texts] == ["item-3", "item-1"]


def test_removal_reaches_every_lookup(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        item = library.item(2)
        with opened(store) as index:
            before = (index.hashes, index.votes, index.postings)
            assert len(before[0]) == 6
        store.remove([item.item_id], at=WHEN)
        signals, text = library.hash_picture(library.picture_bytes(2)), library.hash_text(item.caption)
        with opened(store) as index:
            assert hits(index, signals.hashes[0].bits) == []
            assert MediaId(2) not in dict(index.votes.vote(signals.features, 10))
            assert index.images_with_digest(signals.digest) == ()
            assert index.postings.with_digests([text.exact])[0] == ()
            assert TextId(2) not in index.postings.near_duplicates(text.minhash[None])[0]
            assert TextId(2) not in dict(index.postings.candidates([text.fingerprints], [10])[0])
            assert text.normalised not in index.model.captions
            assert index.item(item.item_id) is None


def test_hot_files_follow_changes_without_being_rebuilt(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (1, 2, 3):
            library.add(store, library.item(number))
        with opened(store) as index:
            assert len(index.hashes) == 9
        plan = store.folder / "hot" / "hashes" / "plan.json"
        written = plan.stat().st_mtime_ns
        library.add(store, library.item(4))
        library.add(store, library.item(2, pictures=(7,)))
        with opened(store) as index:
            found = {
                seed: hits(index, library.hash_picture(library.picture_bytes(seed)).hashes[0].bits)
                for seed in (1, 2, 3, 4, 7)
            }
            assert index.hashes.snapshot().number < index.snapshot().number
        assert found == {1: [32], 2: [], 3: [96], 4: [128], 7: [160]}
        assert plan.stat().st_mtime_ns == written


def test_an_index_that_is_behind_answers_at_once_and_is_merged_beside(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hothashes, "_DELTA_AT_LEAST", 2)
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        with opened(store) as index:
            assert len(index.hashes) == 6
        library.add(store, library.item(3))
        bits = library.hash_picture(library.picture_bytes(3)).hashes[0].bits
        with opened(store) as index:
            assert hits(index, bits) == [96]
            assert index.hashes.snapshot().number < index.snapshot().number
            assert merged(index)
            assert hits(index, bits) == [96]
            assert index.hashes.changed == 0
        with opened(store) as index:
            assert index.hashes.snapshot() == index.snapshot()
            assert hits(index, bits) == [96]


def merged(index: OpenIndex) -> bool:
    """Wait for the merge that opening the hashes began, and return whether it wrote its files."""
    merging = index.hashes._merge
    if merging is None:
        return index.hashes.changed == 0
    assert merging.merge.wait(60)
    return merging.merge.is_written


def test_hot_files_are_built_anew_when_more_is_new_than_old(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hothashes, "_DELTA_AT_LEAST", 2)
    with open_store() as store:
        library.add(store, library.item(1))
        with opened(store) as index:
            assert len(index.hashes) == 3
        for number in (2, 3):
            library.add(store, library.item(number))
        with opened(store) as index:
            assert len(index.hashes) == 9
            assert index.hashes.snapshot() == index.snapshot()


def test_a_reader_of_an_older_state_leaves_newer_files_alone(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        older = opened(store)
        library.add(store, library.item(2))
        with opened(store) as newer:
            assert len(newer.hashes) == 6
        with older:
            assert len(older.hashes) == 3
            assert older.hashes.snapshot() == older.snapshot()
        with opened(store) as newer:
            assert newer.hashes.changed == 0


def test_a_merge_that_a_removal_overtakes_leaves_nothing_behind(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever removes drops the hot files that are there; those of a merge may come later."""
    monkeypatch.setattr(hothashes, "_DELTA_AT_LEAST", 2)
    bits = library.hash_picture(library.picture_bytes(2)).hashes[0].bits
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        with opened(store) as index:
            assert len(index.hashes) == 6
        library.add(store, library.item(3))
    build = HammingIndex.build

    def removing(*arguments: Any, **named: Any) -> None:
        with IndexStore.open(store.folder, writable=True) as writer:
            writer.remove([ItemId("item-2")], at=WHEN)
        build(*arguments, **named)

    monkeypatch.setattr(HammingIndex, "build", removing)
    with opened(store) as index:
        assert hits(index, bits) == [64]
        assert merged(index)
    monkeypatch.setattr(HammingIndex, "build", build)
    assert not [path for path in store.folder.rglob("*.npy") if bits in path.read_bytes()]
    with opened(store) as index:
        assert hits(index, bits) == []


def test_removal_leaves_no_hash_on_disk(open_store: Open, library: Library) -> None:
    bits = library.hash_picture(library.picture_bytes(2)).hashes[0].bits
    with open_store() as store:
        for number in (1, 2):
            library.add(store, library.item(number))
        with opened(store) as index:
            assert len(index.hashes) == 6
        kept = {path: path.read_bytes() for path in (store.folder / "hot" / "hashes").iterdir()}
        store.remove([ItemId("item-2")], at=WHEN)
        for path, data in kept.items():  # what a slower reader of the older state would have left
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        with opened(store) as index:
            assert len(index.hashes) == 3
        for path in (store.folder / "hot" / "hashes").iterdir():
            assert bits not in path.read_bytes()


def test_hot_files_of_another_history_are_not_trusted(
    open_store: Open, library: Library, tmp_path: Path
) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        with IndexStore.open_or_create(tmp_path / "twin", algorithms=library.algorithms) as twin:
            library.add(twin, library.item(2))
            with opened(twin) as index:
                assert len(index.hashes) == 3
            (twin.folder / "hot").rename(store.folder / "hot")
        with opened(store) as index:
            assert index.hashes.snapshot() == store.snapshot()
            assert hits(index, library.hash_picture(library.picture_bytes(2)).hashes[0].bits) == []
            assert hits(index, library.hash_picture(library.picture_bytes(1)).hashes[0].bits) == [32]


def test_damaged_hot_files_are_built_again(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        with opened(store) as index:
            assert len(index.hashes) == 3
        (store.folder / "hot" / "hashes" / "plan.json").write_bytes(b"{")
        with opened(store) as index:
            assert len(index.hashes) == 3


def test_an_index_in_a_folder_nobody_may_write_to_is_read(
    open_store: Open, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: mode != os.W_OK and access(path, mode)
    )  # a super-user may write everywhere, so permissions alone would test nothing
    with opened(store) as index:
        assert hits(index, library.hash_picture(library.picture_bytes(1)).hashes[0].bits) == [32]
        assert index.votes.source.folder is None
    assert not (store.folder / "hot").exists()
    assert not (store.folder / "index.db-wal").exists()


def test_an_open_index_stays_as_it_was(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        with opened(store) as index:
            library.add(store, library.item(2))
            store.remove([ItemId("item-1")], at=WHEN)
            assert len(index.hashes) == 3
            assert index.model.captions == (library.hash_text(library.item(1).caption).normalised,)
            assert [text.item_id for text in index.texts([TextId(1), TextId(2)])] == ["item-1"]


def test_what_is_known_by_hash_or_digest_only_says_so(open_store: Open, library: Library) -> None:
    digest = library.hash_picture(library.picture_bytes(1)).digest
    media = (Media(0, hashes=(("pdq", "0f" * 32),)), Media(1, digest=digest, width=5, height=6))
    with open_store() as store:
        store.add_item(Item(ItemId("x"), media=media), [None, None])
        with opened(store) as index:
            assert hits(index, b"\x0f" * 32) == [32]
            (by_hash,) = index.images([MediaId(1)])
            assert (by_hash.bits, by_hash.thumbnail, by_hash.features) == (b"\x0f" * 32, None, None)
            (by_digest,) = index.images_with_digest(digest)
            assert (by_digest.media_id, by_digest.bits, by_digest.quality) == (2, b"", 0)
            assert (by_digest.width, by_digest.height, by_digest.account_id) == (5, 6, None)


def test_owners_are_the_accounts_with_the_same_text_or_a_near_copy(
    open_store: Open, library: Library
) -> None:
    text = "We walked along the harbour wall until the lamps came on and the last ferry had left us behind"
    captions = {
        1: ("a", text),
        2: ("b", text.upper() + "!"),
        3: ("c", text.replace("last", "late")),
        4: ("a", f"«{text}…»"),
        5: ("d", "Something else entirely, about bread and salt and the price of both in winter"),
        6: ("e", text[: len(text) // 2]),
    }
    with open_store() as store:
        for number, (account, caption) in captions.items():
            library.add(store, library.item(number, pictures=(), account_id=account, caption=caption))
        with opened(store) as index:
            owners = index.owners([TextId(n) for n in range(1, 8)])
    assert owners == (3, 3, 3, 3, 1, 1, 0)


def test_items_without_account_own_their_text_by_handle_or_alone(open_store: Open, library: Library) -> None:
    text = "We walked along the harbour wall until the lamps came on"
    handles = ("maria", "maria", None, None)
    with open_store() as store:
        for number, handle in enumerate(handles):
            library.add(
                store, library.item(number, pictures=(), account_id=None, handle=handle, caption=text)
            )
        with opened(store) as index:
            assert index.owners([TextId(1), TextId(4)]) == (3, 3)


def test_texts_asked_together_are_answered_as_each_alone(open_store: Open, library: Library) -> None:
    captions = [
        f"Caption {n}: the {word} boat came home before the rain"
        for n, word in enumerate(["red", "blue", "green", "yellow", "white", "black", "brown"])
    ]
    with open_store() as store:
        for number, caption in enumerate(captions[:5], start=1):
            library.add(store, library.item(number, pictures=(), caption=caption))
        with opened(store) as index:
            asked = [library.hash_text(text) for text in (*captions, "", "nothing in common")]
            prints = [one.fingerprints for one in asked]
            together = index.postings.candidates(prints, [3] * len(prints), 2.0)
            assert together == tuple(index.postings.candidates([one], [3], 2.0)[0] for one in prints)
            near = index.postings.near_duplicates(np.stack([one.minhash for one in asked]))
            assert near == tuple(index.postings.near_duplicates(one.minhash[None])[0] for one in asked)
            equal = index.postings.with_digests([one.exact for one in asked])
            assert equal == tuple(index.postings.with_digests([one.exact])[0] for one in asked)
    assert [len(found) for found in equal] == [1] * 5 + [0] * 4
    assert all(score >= 2.0 * np.log1p(5) for found in together for _, score in found)


def test_of_one_text_only_its_rarest_grams_are_read(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in range(1, 7):
            caption = (
                f"the same long opening words of a series {'only here zebra quartz' if number == 4 else ''}"
            )
            library.add(store, library.item(number, pictures=(), caption=caption))
        with opened(store) as index:
            query = library.hash_text(
                "the same long opening words of a series only here zebra quartz"
            ).fingerprints
            rare = sum(len(postings_of(index, gram)) == 1 for gram in query.tolist())
            assert 0 < rare < len(query)
            whole = index.postings.candidates([query], [10])[0]
            few = TextPostings(store.db, index.postings.layers, 6, read_at_most=rare).candidates(
                [query], [10]
            )[0]
    assert whole[0][0] == 4
    assert len(whole) == 6
    assert [number for number, _ in few] == [4]


def postings_of(index, gram: int) -> tuple[tuple[TextId, float], ...]:
    return index.postings.candidates([np.array([gram], np.uint64)], [100])[0]


def test_candidates_rank_by_what_is_rare(open_store: Open, library: Library) -> None:
    shared = "good morning everybody"
    captions = [f"{shared}", f"{shared} zebra quartz", f"{shared} zebra quartz vexed", "nothing of the kind"]
    with open_store() as store:
        for number, caption in enumerate(captions):
            library.add(store, library.item(number, pictures=(), caption=caption))
        with opened(store) as index:
            query = library.hash_text("the zebra quartz vexed us").fingerprints
            found = index.postings.candidates([query], [10])[0]
            assert [number for number, _ in found] == [3, 2]
            assert found[0][1] > found[1][1] > 0
            assert index.postings.candidates([query], [1])[0] == found[:1]
            assert index.postings.candidates([query], [0])[0] == ()
            assert index.postings.candidates([query[:0]], [5])[0] == ()
            capped = TextPostings(store.db, index.postings.layers, 4, frequency_cap=1)
            assert [number for number, _ in capped.candidates([query], [10])[0]] == [3]
            assert capped.candidates([library.hash_text(shared).fingerprints], [10])[0] == ()
            assert index.postings.with_digests([library.hash_text("GOOD morning, everybody.").exact])[0] == (
                1,
            )


def test_equal_scores_come_by_number(open_store: Open, library: Library) -> None:
    with open_store() as store:
        for number in (3, 1, 2):
            library.add(store, library.item(number, pictures=(), caption="the very same words"))
        with opened(store) as index:
            found = index.postings.candidates([library.hash_text("the very same words").fingerprints], [2])[0]
    assert [number for number, _ in found] == [1, 2]


def test_bands_find_near_copies_and_pass_over_strangers(library: Library) -> None:
    one = library.hash_text("We walked along the harbour wall until the lamps came on").minhash
    near = library.hash_text("We walked along the harbour wall until the lights came on").minhash
    far = library.hash_text("Something else entirely, about bread and salt").minhash
    assert len(set(band_keys(one).tolist())) == BANDS
    assert np.isin(band_keys(one), band_keys(near)).any()
    assert not np.isin(band_keys(one), band_keys(far)).any()
    assert (band_keys(np.stack([one, far])) == [band_keys(one), band_keys(far)]).all()
    assert len(set(band_keys(np.zeros(BANDS * BAND_ROWS, np.uint32)).tolist())) == BANDS
    assert jaccard(one, np.stack([one, far])).tolist() == [1.0, float((one == far).mean())]


def test_an_index_of_other_algorithms_is_not_opened(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
    newer = library.algorithms | {SignalKind.VIEWS: Algorithm("pdq", 2, "")}
    with pytest.raises(IndexFormatError, match="pdq/1"):
        open_index(store.folder, votes=SharedDescriptors, model=SeenModels(), algorithms=newer)
    with pytest.raises(InputError, match="holds no index"):
        open_index(store.folder / "none", votes=SharedDescriptors, model=SeenModels())


def test_a_feature_source_tells_what_changed_since(open_store: Open, library: Library) -> None:
    with open_store() as store:
        library.add(store, library.item(1))
        first = store.snapshot().number
        lineage = store.lineage
        library.add(store, replace(library.item(1, pictures=(2, 1))))
        library.add(store, library.item(1, pictures=(2,)))
        with opened(store) as index:
            source = index.votes.source
            assert source.covers(first, lineage)
            assert not source.covers(first, "another")
            assert not source.covers(99, lineage)
            assert [block[0].tolist() for block in source.features(since=first)] == [[2]]
            assert source.pictures_with_features(first) == 1
            assert source.removed_since(first).tolist() == [1]
            assert source.folder == store.folder / "hot" / "features"
