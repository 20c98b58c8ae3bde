"""``match --visualise``: one picture a match, in a folder that is the operator's alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image

from clonedetect.jobs.visualising import _safe
from clonedetect.match.sheet import WIDTH
from clonedetect.models.ids import digest_of
from tests.jobs.playground import Platform, command, post, recompressed

pytestmark = pytest.mark.xdist_group("match")


@pytest.fixture
def copy(platform: Platform, tmp_path: Path) -> Path:
    path = tmp_path / "a b..\u202ecopy.jpg"
    path.write_bytes(recompressed(platform.picture("p-1001")))
    return path


def drawn(platform: Platform, copy: Path, *options: object):
    return command("match", platform.index, copy, "--visualise", copy.parent / "drawn", "--json", *options)


def test_each_match_of_a_picture_is_drawn_and_its_row_names_the_file(platform, copy) -> None:
    words = copy.parent / "words.txt"
    words.write_text(f"Somebody wrote:\n{post('p-3001').caption}\n", "utf-8")
    ended = drawn(platform, copy, words)
    assert ended.code == 0
    (row,) = [one for one in ended.events if one["query_kind"] == "image"]
    path = Path(str(row["picture"]))
    assert path == copy.parent / "drawn" / "a_b.._copy.jpg-p-1001-1.png"
    assert path.name in ended.err
    with Image.open(path) as image:
        assert (image.format, image.width) == ("PNG", WIDTH)
    assert "picture" not in next(one for one in ended.events if one["query_kind"] == "text")
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_run_gives_the_same_bytes_and_replaces_only_what_it_drew(platform, copy) -> None:
    path = Path(str(drawn(platform, copy).events[0]["picture"]))
    first = path.read_bytes()
    assert Path(str(drawn(platform, copy).events[0]["picture"])).read_bytes() == first
    path.write_bytes(copy.read_bytes())
    ended = drawn(platform, copy)
    assert ended.code == 3
    assert "was not drawn by this program" in ended.err
    assert path.read_bytes() == copy.read_bytes()
    path.unlink()
    elsewhere = copy.parent / "elsewhere"
    elsewhere.write_bytes(first)
    path.symlink_to(elsewhere)
    assert drawn(platform, copy).code == 3
    assert elsewhere.read_bytes() == first


def test_without_the_option_rows_are_as_before(platform, copy) -> None:
    ended = command("match", platform.index, copy, "--json")
    assert "picture" not in ended.events[0]
    assert ended.err == ""


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_matched(platform, copy) -> None:
    (copy.parent / "drawn").write_bytes(b"")
    ended = drawn(platform, copy)
    assert (ended.code, ended.out) in ((2, ""), (3, ""))
    assert "drawn" in ended.err


def test_our_own_blocked_picture_is_never_drawn(platform, copy) -> None:
    (copy.parent / "blocked.txt").write_text(digest_of(platform.picture("p-1001")))
    settings = copy.parent / "settings.toml"
    settings.write_text('[banks]\nblocked_digests = ["blocked.txt"]\n')
    ended = drawn(platform, copy, "--settings", settings)
    assert ended.events[0]["item_id"] == "p-1001"
    assert ended.events[0]["picture"] is None
    assert "not drawn: withheld" in ended.err
    assert list((copy.parent / "drawn").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "hidden"),
        ("\u202e\x00/", "_"),
        ("x" * 500, "x" * 60),
        ("-rf", "-rf"),
    ],
)
def test_names_never_leave_the_folder(name: str, safe: str) -> None:
    assert _safe(name) == safe


def test_the_small_copy_stands_in_for_a_file_that_is_gone(platform, copy, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    own = tmp_path / "platform" / "own.jpg"
    own.write_bytes(platform.picture("p-1001"))
    assert command("index", "add", tmp_path / "index", own.parent).code == 0
    words = ("match", tmp_path / "index", copy, "--visualise", tmp_path / "drawn", "--json")
    path = Path(str(command(*words).events[0]["picture"]))
    with Image.open(path) as image:
        before = image.convert("RGB")
    own.unlink()
    assert Path(str(command(*words).events[0]["picture"])) == path
    with Image.open(path) as image:
        after = image.convert("RGB")
    left, right = (850, before.height // 3, 1500, before.height // 2), (100, before.height // 3, 700, 700)
    assert _colour(before.crop(left)) > 5
    assert _colour(after.crop(left)) == 0
    assert _colour(after.crop(right)) > 5


def _colour(image: Image.Image) -> int:
    """Return the widest spread of red and blue in a part of a sheet: none where it is grey."""
    red, _, blue = image.split()
    return max(abs(a - b) for a, b in zip(red.tobytes(), blue.tobytes(), strict=True))
