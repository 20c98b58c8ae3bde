import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index.features import FeatureIndex
from clonedetect.models.ids import MediaId
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


@pytest.fixture
def pictures() -> dict[MediaId, FeatureSet]:
    return {MediaId(n): random_features(n) for n in range(1, 41)}


@pytest.fixture(params=["built", "added", "half and half"])
def index(request, pictures, tmp_path) -> FeatureIndex:
    entries = list(pictures.items())
    built = {"built": 40, "added": 0, "half and half": 20}[request.param]
    index = FeatureIndex.build(tmp_path / "features", entries[:built])
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
    built = FeatureIndex.build(tmp_path / "f", pictures.items())
    opened = FeatureIndex.open(tmp_path / "f")
    asked = worn(pictures[MediaId(5)], 10)
    assert built.vote(asked, 10) == opened.vote(asked, 10) != ()
    assert len(opened) == 40


def test_the_limit_holds_and_ties_go_by_id():
    same = random_features(1)
    index = FeatureIndex()
    for media in (9, 4, 6):
        index.add(MediaId(media), same)
    assert [media for media, _ in index.vote(same, 2)] == [4, 6]


def test_nothing_in_nothing_out(tmp_path):
    empty = FeatureIndex.build(tmp_path / "f", [])
    assert len(empty) == 0
    assert empty.vote(random_features(1), 5) == ()
    nothing = FeatureSet(np.zeros((0, 4), np.float32), np.zeros((0, 16), np.uint8), 10, 10)
    assert empty.vote(nothing, 5) == ()


def test_many_pictures_are_shortlisted_and_the_right_one_still_wins():
    index = FeatureIndex()
    for number in range(300):
        index.add(MediaId(number), random_features(number, 40))
    assert index.vote(worn(random_features(123, 40), 6), 3)[0][0] == 123


def test_unusable_files_are_refused(pictures, tmp_path):
    with pytest.raises(IndexFormatError):
        FeatureIndex.open(tmp_path / "absent")
    FeatureIndex.build(tmp_path / "f", pictures.items())
    with pytest.raises(FileExistsError):
        FeatureIndex.build(tmp_path / "f", [])
    header = tmp_path / "f" / "header.json"
    whole = header.read_text()
    header.write_text(whole.replace('"schema":1', '"schema":2'))
    with pytest.raises(IndexFormatError, match="schema 2"):
        FeatureIndex.open(tmp_path / "f")
    header.write_text(whole.replace('"pictures":40', '"pictures":41'))
    with pytest.raises(IndexFormatError, match="incomplete"):
        FeatureIndex.open(tmp_path / "f")
