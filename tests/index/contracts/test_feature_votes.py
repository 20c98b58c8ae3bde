"""What every `FeatureVotes` promises: answers follow from the pictures held, whatever led to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.index import featurefiles
from clonedetect.index import features as features_module
from clonedetect.index.featurefiles import mapped_layers, write_layers
from clonedetect.index.features import FeatureIndex, Layer
from clonedetect.index.featurestore import FeatureRows, FeatureStore
from clonedetect.models.ids import MediaId
from clonedetect.models.reference import Generation
from clonedetect.models.signal import FeatureSet

Held = dict[MediaId, FeatureSet]
Make = Callable[[Path, Held], FeatureIndex]


def drawn(seed: int, count: int = 40) -> FeatureSet:
    """Return features drawn from `seed`; seeds ten apart share half of them."""
    rng = np.random.default_rng(seed % 10)
    points = (rng.random((count, 4)) * (400, 300, 28, 360) + (0, 0, 2, 0)).astype(np.float32)
    descriptors = rng.integers(0, 256, (count, 16), np.uint8)
    descriptors[: count // 2] = np.random.default_rng(seed + 1000).integers(
        0, 256, (count // 2, 16), np.uint8
    )
    return FeatureSet(points, descriptors, 400, 300)


def layer(entries: Iterable[tuple[MediaId, FeatureSet]]) -> Layer:
    return Layer.of(FeatureStore.of(FeatureRows.of_entries(entries)))


def built(folder: Path, held: Held) -> FeatureIndex:
    return FeatureIndex([layer(held.items())])


def opened(folder: Path, held: Held) -> FeatureIndex:
    write_layers(folder, [layer(reversed(held.items()))], generation=Generation(1, "one"), lineage="a")
    return FeatureIndex(mapped_layers(folder)[0])


def added(folder: Path, held: Held) -> FeatureIndex:
    index = FeatureIndex()
    for media_id, features in reversed(held.items()):
        index.add(media_id, features)
    return index


def half_added(folder: Path, held: Held) -> FeatureIndex:
    entries = list(held.items())
    index = opened(folder, dict(entries[::2]))
    for media_id, features in entries[1::2]:
        index.add(media_id, features)
    return index


def in_segments(folder: Path, held: Held) -> FeatureIndex:
    """Files written three times over, of which each generation keeps the last one's segments."""
    entries = list(held.items())
    layers: tuple[Layer, ...] = ()
    for number in range(3):
        new = [layer([*entries[number::3], (MediaId(90 + number), drawn(number))])]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(featurefiles, "_GROWTH", 0)
            write_layers(folder, [*layers, *new], generation=Generation(number, ""), lineage="a")
        layers = tuple(each.without(np.arange(90, 93)) for each in mapped_layers(folder)[0])
    assert len(layers) == 3 or len(held) < 3
    return FeatureIndex(layers)


def replaced_and_removed(folder: Path, held: Held) -> FeatureIndex:
    """Files that hold another picture under each id, and one more; all is put right afterwards."""
    wrong = {media_id: drawn(500 + media_id) for media_id in held} | {MediaId(99): drawn(3)}
    index = opened(folder, wrong)
    index.add(MediaId(98), drawn(4))
    index.remove([MediaId(98), MediaId(99), MediaId(1234)])
    for media_id, features in held.items():
        index.add(media_id, features)
    return index


@pytest.fixture(
    params=[built, opened, added, half_added, in_segments, replaced_and_removed],
    ids=lambda make: make.__name__,
)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """A new folder each time: what is built is never built over."""
    made = iter(range(10**6))
    return lambda: tmp_path / f"features-{next(made)}"


seeds = st.lists(st.integers(0, 29), max_size=8)
examples = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def pictures(numbers: list[int]) -> Held:
    return {MediaId(place + 1): drawn(number) for place, number in enumerate(numbers)}


@examples
@given(numbers=seeds, asked=st.integers(0, 29), limit=st.integers(0, 9))
def test_answers_depend_on_the_pictures_held_alone(
    make: Make, folder: Callable[[], Path], numbers: list[int], asked: int, limit: int
) -> None:
    held = pictures(numbers)
    index = make(folder(), held)
    votes = index.vote(drawn(asked), limit)
    assert len(index) == len(held)
    assert votes == built(folder(), held).vote(drawn(asked), limit)
    assert list(votes) == sorted(votes, key=lambda vote: (-vote[1], vote[0]))
    assert len(votes) <= limit
    assert {media_id for media_id, _ in votes} <= set(held)
    own = {media_id for media_id, number in zip(held, numbers, strict=True) if number == asked}
    assert {media_id for media_id, _ in votes} >= set(sorted(own)[:limit])


change = st.tuples(st.sampled_from(["add", "remove"]), st.integers(1, 8), st.integers(0, 29))


@examples
@given(numbers=seeds, steps=st.lists(change, max_size=8), asked=st.integers(0, 29))
def test_changes_are_seen_by_the_next_vote_and_the_removed_never_return(
    make: Make, folder: Callable[[], Path], numbers: list[int], steps: list, asked: int
) -> None:
    held = pictures(numbers)
    index = make(folder(), held)
    for what, place, number in steps:
        media_id = MediaId(place)
        if what == "add":
            index.add(media_id, drawn(number))
            held[media_id] = drawn(number)
        else:
            index.remove([media_id])
            held.pop(media_id, None)
        votes = index.vote(drawn(asked), 9)
        assert {voted for voted, _ in votes} <= set(held)
        assert votes == added(folder(), held).vote(drawn(asked), 9)
        assert len(index) == len(held)


def test_nothing_votes_for_nothing(make: Make, folder: Callable[[], Path]) -> None:
    nothing = FeatureSet(np.zeros((0, 4), np.float32), np.zeros((0, 16), np.uint8), 9, 9)
    assert make(folder(), {}).vote(drawn(1), 5) == ()
    assert make(folder(), pictures([1, 2])).vote(nothing, 5) == ()


@pytest.mark.parametrize(("budget", "cap"), [(10**9, 4096), (0, 4096), (10**9, 2), (0, 2)])
def test_answers_do_not_depend_on_how_layers_divide_the_pictures_where_limits_bite(
    make: Make, folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, budget: int, cap: int
) -> None:
    monkeypatch.setattr(features_module, "SHORTLIST", 3)
    monkeypatch.setattr(features_module, "PROBE_BUDGET", budget)
    monkeypatch.setattr(features_module, "LIST_CAP", cap)
    held = pictures([1, 11, 21, 2, 12, 1, 1, 3, 11])
    asked = [drawn(number) for number in (1, 11, 2, 3, 4)]
    index, whole = make(folder(), held), built(folder(), held)
    assert [index.vote(each, 9) for each in asked] == [whole.vote(each, 9) for each in asked]
    assert any(whole.vote(each, 9) for each in asked)
