"""The bank of pictures that prove nothing, from the settings to a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from clonedetect.errors import InputError
from clonedetect.jobs.banks import Banks, read_banks
from clonedetect.jobs.negative import negative_bank
from clonedetect.settings.file import read_settings
from tests.jobs.playground import Platform, command, recompressed

pytestmark = pytest.mark.xdist_group("match")


@pytest.fixture
def folder(platform: Platform, tmp_path: Path) -> Path:
    """Two pictures and a hidden file, one of them below a folder of its own."""
    (tmp_path / "bank" / "memes").mkdir(parents=True)
    (tmp_path / "bank" / "logo.png").write_bytes(recompressed(platform.picture("p-3001")))
    (tmp_path / "bank" / "memes" / "2.jpg").write_bytes(recompressed(platform.picture("p-2001")))
    (tmp_path / "bank" / ".thumbs").write_bytes(b"nothing")
    return tmp_path


def read(folder: Path, *names: str) -> Banks:
    listed = ", ".join(f'"{name}"' for name in names)
    (folder / "settings.toml").write_text(f"[banks]\nnegative_images = [{listed}]\n")
    return read_banks(read_settings(folder / "settings.toml"))


def test_a_folder_and_a_picture_are_read_and_told_by_their_names(folder) -> None:
    negative = negative_bank(read(folder, "bank", "bank/memes/2.jpg").negative)
    assert negative is not None
    assert [str(picture.item_id) for picture in negative.pictures] == ["bank/logo.png", "bank/memes/2.jpg"]
    assert all(picture.features is not None for picture in negative.pictures)


def test_the_digest_of_the_bank_is_recorded_and_follows_content_not_order(folder) -> None:
    before = read(folder, "bank").recorded
    assert "# bank sha256:" in before
    assert "of 2 pictures" in before
    (folder / "bank" / "logo.png").rename(folder / "bank" / "zzz.png")
    assert read(folder, "bank").recorded == before
    (folder / "bank" / "zzz.png").write_bytes((folder / "bank" / "memes" / "2.jpg").read_bytes())
    assert read(folder, "bank").recorded != before


def test_no_bank_is_none(folder) -> None:
    assert negative_bank(read(folder).negative) is None


def test_what_is_no_picture_is_refused_by_its_name(folder) -> None:
    (folder / "bank" / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"bank/notes\.txt"):
        negative_bank(read(folder, "bank").negative)


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_what_is_not_there_and_a_folder_without_a_picture_are_refused(folder, name: str) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / ".hidden").write_bytes(b"")
    with pytest.raises(InputError, match=name):
        read(folder, name)


def test_a_file_that_changes_between_listing_and_hashing_is_refused(folder) -> None:
    files = read(folder, "bank").negative
    (folder / "bank" / "logo.png").write_bytes(b"other")
    with pytest.raises(InputError, match="changed while it was read"):
        negative_bank(files)


def test_a_picture_of_the_bank_confirms_nothing_through_the_command_line(platform, folder) -> None:
    suspects = folder / "suspects"
    suspects.mkdir()
    (suspects / "stock.jpg").write_bytes(recompressed(platform.picture("p-2001"), 60))
    (suspects / "copy.jpg").write_bytes(recompressed(platform.picture("p-1001"), 60))
    words = ("match", platform.index, suspects, "--json")
    plain = {Path(str(row["query"])).name: row["verdict"] for row in command(*words).events}
    assert plain == {"stock.jpg": "confirmed", "copy.jpg": "confirmed"}
    read(folder, "bank")
    ended = command(*words, "--settings", folder / "settings.toml")
    rows = {Path(str(row["query"])).name: row for row in ended.events}
    assert {name: row["verdict"] for name, row in rows.items()} == plain | {"stock.jpg": "possible"}
    assert "in the negative bank: bank/memes/2.jpg" in rows["stock.jpg"]["reasons"]


def test_a_bank_that_cannot_be_read_ends_the_command_before_anything_is_matched(platform, folder) -> None:
    (folder / "bank" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    read(folder, "bank")
    ended = command(
        "match", platform.index, folder / "bank" / "logo.png", "--settings", folder / "settings.toml"
    )
    assert (ended.code, ended.out) == (3, "")
    assert "broken.jpg" in ended.err
