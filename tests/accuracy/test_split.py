import pytest
from PIL import Image

from accuracy import split
from accuracy.split import (
    SAME_WORKS,
    DataMissingError,
    Part,
    name_of,
    part_of,
    read_pictures,
    same_works,
    sampled,
)


@pytest.fixture
def folder(tmp_path):
    for kind, count in (("originals", 12), ("distractors", 30)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / kind / f"p{number:02d}.png")
    rows = "file,source\noriginals/p00.png,Debian wallpapers\noriginals/p01.png,elsewhere\n"
    (tmp_path / "manifest.csv").write_text(rows)
    return tmp_path


def test_a_name_is_always_of_the_same_part() -> None:
    names = ("cid22_0001.jpg", "kodak_0153.jpg", "cid22_0000.jpg", "p06.png")
    parts = [Part.CALIBRATION, Part.TABLE, Part.TABLE, Part.DEVELOPMENT]
    assert [part_of(name) for name in names] == parts


def test_every_original_is_of_one_part_and_no_other(folder) -> None:
    pictures = read_pictures(folder)
    parts = [set(pictures.part(part)) for part in Part]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12
    assert all(parts)


def test_a_new_table_asks_no_picture_of_an_earlier_one(folder, monkeypatch) -> None:
    pictures = read_pictures(folder)
    monkeypatch.setattr(split, "SEEN", 0)
    every = pictures.asked(Part.TABLE)
    assert set(every) == set(pictures.part(Part.TABLE))
    monkeypatch.setattr(split, "SEEN", 2)
    assert pictures.asked(Part.TABLE) == every[2:]
    assert set(pictures.asked(Part.CALIBRATION)) == set(pictures.part(Part.CALIBRATION))


def test_what_stands_beside_ours_is_never_indexed(folder) -> None:
    pictures = read_pictures(folder)
    assert pictures.backdrops
    assert {part_of(path.name) for path in pictures.backdrops} == {Part.DEVELOPMENT}
    assert not set(pictures.backdrops) & set(pictures.indexed)
    assert len(pictures.backdrops) + len(pictures.indexed) == 42


def test_pictures_of_one_file_name_in_both_folders_are_two(folder) -> None:
    pictures = read_pictures(folder)
    both = [path for path in pictures.indexed if path.name == pictures.distractors[0].name]
    assert len({name_of(path) for path in both}) == len(both) == 2
    assert [pictures.named(name_of(path)) for path in both] == both


def test_wallpapers_are_told_from_photographs_by_their_source(folder) -> None:
    assert read_pictures(folder).drawn == {"originals/p00.png"}


def test_the_digest_tells_one_changed_picture(folder) -> None:
    before = read_pictures(folder).digest
    assert read_pictures(folder).digest == before
    Image.new("RGB", (8, 8), (0, 0, 9)).save(folder / "distractors" / "p07.png")
    assert read_pictures(folder).digest != before


def test_a_smaller_sample_begins_a_larger_one(folder) -> None:
    originals = read_pictures(folder).originals
    assert sampled(originals, 9, 2)[:4] == sampled(originals, 4, 2)
    assert sampled(originals, 9, 2) != sampled(originals, 9, 3)


def test_without_pictures_it_says_what_to_set(tmp_path) -> None:
    with pytest.raises(DataMissingError, match="set CLONEDETECT_BENCH_DATA"):
        read_pictures(tmp_path)


def test_a_work_in_two_versions_is_one_whichever_is_asked() -> None:
    day, night = sorted(SAME_WORKS[0])
    assert same_works(day) == same_works(night) == {day, night}
    assert same_works("originals/kodak_0153.jpg") == {"originals/kodak_0153.jpg"}
