"""What every `ReferenceIndex` of the same pictures answers alike, whatever led to its state."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from clonedetect.index import hothashes
from clonedetect.index.reference import open_index
from clonedetect.index.store import IndexStore
from clonedetect.index.votes import feature_votes
from clonedetect.jobs.compacting import compact_index
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.ids import ItemId, MediaId, digest_of
from clonedetect.models.item import Item, Media
from clonedetect.models.page import IdentifierKind
from clonedetect.models.signal import ImageSignals
from clonedetect.models.slot import Signal
from clonedetect.protocols import ReferenceIndex
from clonedetect.signals.image import image_signals_with
from clonedetect.signals.slot import BUILT_IN

PICTURES = 4


def drawn(seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    done, data = cv2.imencode(".png", cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC))
    assert done
    return bytes(data.tobytes())


@pytest.fixture(scope="module")
def signals() -> dict[int, ImageSignals]:
    """True signals of pictures 1 to 4, which the indexes hold, and of a stranger."""
    return {number: image_signals_with(drawn(number), BUILT_IN) for number in range(1, PICTURES + 2)}


def put(folder: Path, signals: dict[int, ImageSignals], numbers: range) -> None:
    stored = [signal.stored for signal in BUILT_IN]
    with IndexStore.open_or_create(folder, algorithms=index_algorithms(), signals=stored) as store:
        for number in numbers:
            item = Item(
                ItemId(f"item-{number}"),
                permalink=f"https://platform.example/p/item-{number}",
                media=(Media(0),),
            )
            store.add_item(item, [signals[number]], None, fingerprint=b"drawn")


def held_in_memory(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    path = Path(__file__).parents[2] / "benchmarks" / "memory_index.py"
    specification = importlib.util.spec_from_file_location("contracts_memory_reference", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    index = module.MemoryIndex(BUILT_IN)
    for number in range(1, PICTURES + 1):
        index.add(f"item-{number}", signals[number])
    return index


def opened(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    put(folder, signals, range(1, PICTURES + 1))
    return open_index(folder, votes=feature_votes, model=lambda _: None)


def behind(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    """Hot files of the first half alone."""
    half = PICTURES // 2
    put(folder, signals, range(1, half + 1))
    with open_index(folder, votes=feature_votes, model=lambda _: None) as index:
        assert len(index.hashes)
        assert index.votes
        assert all(len(index.neighbours(signal.name)) == half for signal in BUILT_IN)
    return opened(folder, signals)


def merged(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    index = behind(folder, signals)
    assert index.hashes._merge.merge.wait(60)
    return index


def compacted(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    behind(folder, signals).close()
    compact_index(folder)
    return opened(folder, signals)


def after_a_removal(folder: Path, signals: dict[int, ImageSignals]) -> Any:
    """One more picture was there, and was taken out for good."""
    behind(folder, signals).close()
    put(folder, signals, range(PICTURES + 1, PICTURES + 2))
    with IndexStore.open(folder, writable=True) as store:
        store.remove([ItemId(f"item-{PICTURES + 1}")], at=datetime(2026, 11, 1, tzinfo=UTC))
    return open_index(folder, votes=feature_votes, model=lambda _: None)


Make = Callable[[Path, dict[int, ImageSignals]], Any]


@pytest.fixture(
    params=[held_in_memory, opened, behind, merged, compacted, after_a_removal],
    ids=lambda make: make.__name__,
)
def index(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    signals: dict[int, ImageSignals],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ReferenceIndex]:
    monkeypatch.setattr(hothashes, "_DELTA_SHARE", 10**6)
    monkeypatch.setattr(hothashes, "_DELTA_AT_LEAST", 8)
    made = request.param(tmp_path / "index", signals)
    yield made
    if hasattr(made, "close"):
        made.close()


def test_each_view_of_each_picture_is_found_and_no_stranger(
    index: ReferenceIndex, signals: dict[int, ImageSignals]
) -> None:
    for number in range(1, PICTURES + 1):
        views = np.frombuffer(b"".join(view.bits for view in signals[number].hashes), np.uint8).reshape(
            -1, 32
        )
        numbers, ids, distances = index.hashes.range_search(views, 0)
        assert (ids // 32 == number).all()
        assert set(ids[numbers == np.arange(len(views))[numbers]] % 32) == set(range(len(views)))
        assert not distances.any()
    stranger = np.frombuffer(signals[PICTURES + 1].hashes[0].bits, np.uint8).reshape(1, 32)
    assert not len(index.hashes.range_search(stranger, 0)[0])
    assert index.hashes.exact


def test_answers_equal_those_of_the_index_in_memory(
    index: ReferenceIndex, signals: dict[int, ImageSignals], tmp_path: Path
) -> None:
    plain = held_in_memory(tmp_path, signals)
    for asked in signals.values():
        query = np.frombuffer(b"".join(view.bits for view in asked.hashes), np.uint8).reshape(-1, 32)
        for radius in (0, 31, 120, 256):
            found, wanted = (each.hashes.range_search(query, radius) for each in (index, plain))
            assert all(map(np.array_equal, found, wanted))
        assert asked.features is not None
        assert index.votes.vote(asked.features, 5) == plain.votes.vote(asked.features, 5)


@pytest.mark.parametrize("signal", BUILT_IN, ids=lambda signal: signal.name)
def test_the_values_of_a_signal_are_looked_up_alike(
    index: ReferenceIndex, signals: dict[int, ImageSignals], tmp_path: Path, signal: Signal
) -> None:
    plain = held_in_memory(tmp_path, signals).neighbours(signal.name)
    asked = np.frombuffer(b"".join(dict(each.values)[signal.name] for each in signals.values()), np.uint8)
    queries = asked.reshape(-1, signal.size_bytes)
    for radius in (0, signal.radius, signal.distance.farthest - 1):
        found = index.neighbours(signal.name).range_search(queries, radius)
        assert all(map(np.array_equal, found, plain.range_search(queries, radius)))
    numbers, ids, _ = index.neighbours(signal.name).range_search(queries, 0)
    assert list(zip(numbers.tolist(), ids.tolist(), strict=True)) == [
        (number, 32 * (number + 1)) for number in range(PICTURES)
    ]
    assert index.neighbours(signal.name).exact


def test_pictures_are_returned_in_the_order_asked_and_by_their_bytes(
    index: ReferenceIndex, signals: dict[int, ImageSignals]
) -> None:
    images = index.images([MediaId(3), MediaId(77), MediaId(1)])
    assert [image.item_id for image in images] == ["item-3", "item-1"]
    assert [image.permalink for image in images] == [
        "https://platform.example/p/item-3",
        "https://platform.example/p/item-1",
    ]
    assert [(image.width, image.height, image.bits) for image in images] == [
        (signals[n].width, signals[n].height, signals[n].hashes[0].bits) for n in (3, 1)
    ]
    assert [image.media_id for image in index.images_with_digest(digest_of(drawn(2)))] == [2]
    assert index.images_with_digest(digest_of(b"nobody's")) == ()
    held = index.item(ItemId("item-2"))
    assert held is not None
    assert held.item_id == "item-2"
    assert index.item(ItemId("item-99")) is None
    assert index.texts([]) == ()


def test_an_item_is_found_by_its_permalink_and_no_other(index: ReferenceIndex) -> None:
    assert index.has_identifiers
    asked = [
        (IdentifierKind.PERMALINK, f"https://www.platform.example/p/item-{number}/?x=1")
        for number in range(1, PICTURES + 3)
    ]
    asked += [(IdentifierKind.HANDLE, "nobody"), (IdentifierKind.HASHTAG, "item-1")]
    asked += [(IdentifierKind.PERMALINK, "")]
    found = index.identified(asked)
    assert {one: [item.item_id for item in known.items] for one, known in found.items()} == {
        one: [ItemId(f"item-{number}")] for number, one in enumerate(asked[:PICTURES], 1)
    }
    assert all(known.is_all for known in found.values())
    assert not index.identified([])
