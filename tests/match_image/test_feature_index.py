import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index.featurefiles import mapped_layers, write_layers
from clonedetect.index.features import FeatureIndex, Layer
from clonedetect.index.featurestore import FeatureRows, FeatureStore
from clonedetect.models.ids import MediaId
from clonedetect.models.reference import Generation
from clonedetect.models.signal import FeatureSet


def random_features(seed: int, count: int = 120) -> FeatureSet:
    random = np.random.default_rng(seed)
    points = np.column_stack(
        [
            random.uniform(0, 400, count),
            random.uniform(0, 300, count),
            random.uniform(2, 30, count),
            random.uniform(0, 360, count),
        ]
    ).astype(np.float32)
    return FeatureSet(points, random.integers(0, 256, (count, 16), dtype=np.uint8), 400, 300)


def worn(
    features: FeatureSet, bits: int, *, scale: float = 1.0, turn: float = 0.0, seed: int = 0
) -> FeatureSet:
    """The same features, each with `bits` bits turned over, in a picture scaled and turned."""
    random = np.random.default_rng(seed)
    descriptors = np.unpackbits(features.descriptors, axis=1)
    for row in descriptors:
        row[random.choice(128, bits, replace=False)] ^= 1
    points = features.points.copy()
    points[:, 2] *= scale
    points[:, 3] = (points[:, 3] + turn) % 360
    return FeatureSet(points, np.packbits(descriptors, axis=1), features.width, features.height)


def written(folder, entries) -> FeatureIndex:
    layer = Layer.of(FeatureStore.of(FeatureRows.of_entries(entries)))
    write_layers(folder, [layer], generation=Generation(7, "seven"), lineage="ab")
    return FeatureIndex(mapped_layers(folder)[0])


@pytest.fixture
def pictures() -> dict[MediaId, FeatureSet]:
    return {MediaId(n): random_features(n) for n in range(1, 41)}


@pytest.fixture(params=["built", "added", "half and half"])
def index(request, pictures, tmp_path) -> FeatureIndex:
    entries = list(pictures.items())
    built = {"built": 40, "added": 0, "half and half": 20}[request.param]
    index = written(tmp_path / "features", entries[:built])
    for media, features in entries[built:]:
        index.add(media, features)
    return index


@pytest.mark.parametrize(("bits", "least"), [(0, 110), (8, 90), (15, 60)])
def test_a_worn_picture_gets_most_votes(index, pictures, bits, least):
    asked = worn(pictures[MediaId(7)], bits, scale=0.4, turn=100)
    (first, votes), *_ = index.vote(asked, 5)
    assert first == 7
    assert votes >= least


def test_a_stranger_gets_no_votes(index):
    assert index.vote(random_features(999), 5) == ()


def test_votes_that_disagree_on_scale_and_turn_do_not_add_up(index, pictures):
    features = pictures[MediaId(3)]
    points = features.points.copy()
    points[:, 3] = np.random.default_rng(1).permutation(points[:, 3])
    points[:, 2] = np.random.default_rng(2).permutation(points[:, 2])
    scrambled = FeatureSet(points, features.descriptors, features.width, features.height)
    assert dict(index.vote(scrambled, 5)).get(MediaId(3), 0) < dict(index.vote(features, 5))[MediaId(3)] / 2


def test_removed_pictures_are_not_returned(index, pictures):
    index.remove([MediaId(7), MediaId(1000)])
    assert index.vote(pictures[MediaId(7)], 5) == ()
    assert len(index) == 39


def test_a_picture_added_again_is_held_once_with_its_new_features(index, pictures):
    index.add(MediaId(7), random_features(500))
    assert len(index) == 40
    assert index.vote(pictures[MediaId(7)], 5) == ()
    assert index.vote(random_features(500), 5)[0][0] == 7


def test_answers_do_not_depend_on_the_order_of_adding(pictures):
    one, other = FeatureIndex(), FeatureIndex()
    for media in pictures:
        one.add(media, pictures[media])
    for media in reversed(pictures):
        other.add(media, pictures[media])
    asked = worn(pictures[MediaId(11)], 12)
    assert one.vote(asked, 10) == other.vote(asked, 10)


def test_what_was_built_answers_the_same_after_opening_again(pictures, tmp_path):
    written(tmp_path / "f", pictures.items())
    layers, plan = mapped_layers(tmp_path / "f")
    opened, added = FeatureIndex(layers), FeatureIndex()
    for media, features in pictures.items():
        added.add(media, features)
    asked = worn(pictures[MediaId(5)], 10)
    assert opened.vote(asked, 10) == added.vote(asked, 10) != ()
    assert len(opened) == 40
    assert (plan.generation, plan.snapshot_id, plan.lineage) == (7, "seven", "ab")


def test_the_limit_holds_and_ties_go_by_id():
    same = random_features(1)
    index = FeatureIndex()
    for media in (9, 4, 6):
        index.add(MediaId(media), same)
    assert [media for media, _ in index.vote(same, 2)] == [4, 6]


def test_nothing_in_nothing_out(tmp_path):
    empty = written(tmp_path / "f", [])
    assert len(empty) == 0
    assert empty.vote(random_features(1), 5) == ()
    nothing = FeatureSet(np.zeros((0, 4), np.float32), np.zeros((0, 16), np.uint8), 10, 10)
    assert empty.vote(nothing, 5) == ()


def test_many_pictures_are_shortlisted_and_the_right_one_still_wins():
    index = FeatureIndex()
    for number in range(300):
        index.add(MediaId(number), random_features(number, 40))
    assert index.vote(worn(random_features(123, 40), 6), 3)[0][0] == 123


def test_rows_beyond_a_block_of_65536_are_found(tmp_path):
    """The upper bits of a row number are counted, not stored."""
    many = [(MediaId(number), random_features(number, 1500)) for number in range(150)]
    index = written(tmp_path / "f", many)
    for number in (0, 43, 44, 87, 149):
        asked = FeatureSet(
            *(part[:40] for part in (many[number][1].points, many[number][1].descriptors)), 9, 9
        )
        assert index.vote(asked, 1) == ((MediaId(number), 40),)


def test_unusable_files_are_refused(pictures, tmp_path):
    folder = tmp_path / "f"
    with pytest.raises(FileNotFoundError):
        mapped_layers(folder)
    written(folder, pictures.items())
    plan = folder / "plan.json"
    whole = plan.read_text()
    plan.write_text(whole.replace('"schema": 2', '"schema": 3'))
    with pytest.raises(IndexFormatError, match="schema 3"):
        mapped_layers(folder)
    plan.write_text(whole.replace('"layout": "word lists"', '"layout": "others"'))
    with pytest.raises(IndexFormatError, match="holds no lookup"):
        mapped_layers(folder)
    plan.write_text(whole.replace("-poses", "-others", 1))
    with pytest.raises(IndexFormatError, match="its arrays are"):
        mapped_layers(folder)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("offsets", lambda array: array[:, ::-1], "do not lie one after another"),
        ("starts", lambda array: array + 1, "do not lie one after another"),
        ("low", lambda array: array[:, :-1], "another shape or type"),
        ("high", lambda array: array.astype(np.int64), "another shape or type"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(pictures, name, change, told):
    store = FeatureStore.of(FeatureRows.of_entries(pictures.items()))
    arrays = dict(store.arrays())
    with pytest.raises(IndexFormatError, match=told):
        FeatureStore.from_arrays(arrays | {name: change(arrays[name])})


@pytest.mark.parametrize("bits", [0, 2**64 - 1])
def test_lists_that_say_nonsense_find_no_row_outside(pictures, bits):
    """Files are checked when they are opened for sizes alone, and may be damaged."""
    store = FeatureStore.of(FeatureRows.of_entries(pictures.items()))
    arrays = dict(store.arrays())
    damaged = arrays | {"high": np.full_like(arrays["high"], bits), "low": np.full_like(arrays["low"], 65535)}
    index = FeatureIndex([Layer.of(FeatureStore.from_arrays(damaged))])
    assert index.vote(pictures[MediaId(1)], 5) == ()
