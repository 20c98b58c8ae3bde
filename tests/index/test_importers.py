from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import InputError
from clonedetect.index.importers import (
    RefusedRow,
    SourceFormat,
    SourceRow,
    jsonl,
    read_source,
    recognise,
    source_size,
)
from clonedetect.index.importers.kinds import kind_of
from clonedetect.index.importers.repeats import FirstRows
from clonedetect.models.item import Item, MediaKind, Visibility, VisibilitySpan

JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(60)
SHA = "ab" * 32
PDQ = "0f" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "media" / "b.png").write_bytes(PNG)
    (tmp_path / "media" / "c.mp4").write_bytes(MP4)
    (tmp_path / "media" / "text.jpg").write_bytes(b"no picture at all")
    (tmp_path / "media" / "empty.jpg").touch()
    return tmp_path


def write_jsonl(folder: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (folder / "posts.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder / "posts.jsonl"


def items(path: Path, **values: object) -> list[Item]:
    rows = list(read_source(path, recognise(path), **values))
    assert [row for row in rows if isinstance(row, RefusedRow)] == []
    return [row.item for row in rows if isinstance(row, SourceRow)]


def refusals(path: Path, **values: object) -> list[tuple[int | None, str]]:
    rows = read_source(path, recognise(path), **values)
    return [(row.line, row.reason) for row in rows if isinstance(row, RefusedRow)]


def test_a_full_row_becomes_the_item_it_says(folder: Path) -> None:
    path = write_jsonl(
        folder,
        {
            "item_id": "17",
            "account_id": "a",
            "handle": "maria",
            "permalink": "https://p.example/17",
            "caption": "By the sea",
            "hashtags": ["sea"],
            "location": "Pärnu",
            "published_at": "2026-05-01T14:00:00+02:00",
            "first_indexed_at": "2026-05-02T00:00:00Z",
            "edited_at": "2026-05-03T00:00:00Z",
            "deleted_at": "2026-06-01T00:00:00Z",
            "expires_at": "2027-01-01T00:00:00Z",
            "visibility": [
                {"class": "public", "from": "2026-05-01T12:00:00Z", "to": "2026-05-09T00:00:00Z"},
                {"class": "private", "from": "2026-05-09T00:00:00Z"},
            ],
            "media": [
                {"path": "media/c.mp4", "position": 1},
                {
                    "path": "media/a.jpg",
                    "position": 0,
                    "url": "https://cdn.example/a",
                    "asset_id": "x1",
                    "sha256": SHA.upper(),
                    "width": 1080,
                    "height": 720,
                    "kind": "image",
                },
                {"pdq": PDQ.upper(), "position": 2},
            ],
            "lang": "et",
            "rights_basis": "author",
            "minor": True,
            "canary": True,
            "allowed_domains": ["press.example"],
            "native_ids": ["n1"],
        },
    )
    (item,) = items(path)
    assert item.published_at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert str(item.published_at.tzinfo) == "UTC"
    assert item.visibility[1] == VisibilitySpan(
        Visibility.PRIVATE, since=datetime(2026, 5, 9, tzinfo=UTC), until=None
    )
    assert (item.minor, item.canary, item.lang, item.hashtags) == (True, True, "et", ("sea",))
    assert (item.allowed_domains, item.native_ids) == (("press.example",), ("n1",))
    first, second, third = item.media
    assert (first.kind, first.path) == (MediaKind.IMAGE, str(folder / "media" / "a.jpg"))
    assert (first.digest, first.asset_id, first.width) == (f"sha256:{SHA}", "x1", 1080)
    assert (second.kind, second.position) == (MediaKind.VIDEO, 1)
    assert (third.path, third.hashes) == (None, (("pdq", PDQ),))


def test_the_least_row_is_an_id_and_a_caption_or_media(folder: Path) -> None:
    path = write_jsonl(
        folder, {"item_id": "1", "caption": "c"}, b"", {"item_id": "2", "media": [{"pdq": PDQ}]}
    )
    first, second = items(path)
    assert first.visibility == (VisibilitySpan(Visibility.PUBLIC, assumed=True),)
    assert (first.media, second.caption, second.media[0].position) == ((), None, 0)


BAD_ROWS = {
    "no json": (b"{", "not valid JSON: the line ends inside an object"),
    "not utf-8": (b'{"item_id": "\xff"}', "not UTF-8 text; save the file as UTF-8"),
    "lone surrogate": (b'{"item_id": "\\ud800", "caption": "c"}', "surrogate"),
    "no object": (b'["item_id"]', "must be an object and is a list"),
    "unknown key": (
        {"item_id": "1", "caption": "c", "captoin": "c"},
        "unknown field captoin: did you mean caption?",
    ),
    "unknown media key": (
        {"item_id": "1", "media": [{"file": "x"}]},
        "media[0]: unknown field file: known are asset_id",
    ),
    "no id": ({"caption": "c"}, "item_id is missing"),
    "empty id": ({"item_id": "", "caption": "c"}, "item_id: is empty"),
    "long id": ({"item_id": "x" * 513, "caption": "c"}, "item_id: is longer than 512 characters"),
    "numeric id": (
        {"item_id": 17, "caption": "c"},
        "item_id: must be a text and is a whole number; put it in quotes",
    ),
    "nothing in it": ({"item_id": "1"}, "needs a caption or media"),
    "empty caption": ({"item_id": "1", "caption": ""}, "needs a caption or media"),
    "time without zone": (
        {"item_id": "1", "caption": "c", "published_at": "2026-05-01T14:00:00"},
        "published_at: not a time with its zone; write 2026-05-01T10:00:00Z",
    ),
    "unknown class": (
        {"item_id": "1", "caption": "c", "visibility": "friends"},
        "visibility: 'friends' is none of public",
    ),
    "no classes": ({"item_id": "1", "caption": "c", "visibility": []}, "visibility: an empty list"),
    "times swapped": (
        {
            "item_id": "1",
            "caption": "c",
            "visibility": [{"class": "public", "from": "2026-05-02T00:00:00Z", "to": "2026-05-01T00:00:00Z"}],
        },
        "visibility[0]: `to` is not after `from`",
    ),
    "flag as word": (
        {"item_id": "1", "caption": "c", "minor": "yes"},
        "minor: must be true or false and is a text; write it without quotes",
    ),
    "missing file": (
        {"item_id": "1", "media": [{"path": "media/a.jpg"}, {"path": "media/none.jpg"}]},
        "media[1]: no such file",
    ),
    "folder for a file": ({"item_id": "1", "media": [{"path": "media"}]}, "no such file"),
    "nul in path": ({"item_id": "1", "media": [{"path": "a\0b"}]}, "media[0]: "),
    "no picture": ({"item_id": "1", "media": [{"path": "media/text.jpg"}]}, "neither a picture nor a video"),
    "empty file": (
        {"item_id": "1", "media": [{"path": "media/empty.jpg", "kind": "image"}]},
        "empty.jpg is empty",
    ),
    "url alone": ({"item_id": "1", "media": [{"url": "https://x.example/"}]}, "never fetched"),
    "short sha256": (
        {"item_id": "1", "media": [{"sha256": "ab"}]},
        "media[0].sha256: not a hash of 64 hexadecimal digits",
    ),
    "sha256 and newline": (
        {"item_id": "1", "media": [{"sha256": SHA + "\n"}]},
        "media[0].sha256: not a hash of 64 hexadecimal digits",
    ),
    "long pdq": ({"item_id": "1", "media": [{"pdq": PDQ + "0"}]}, "media[0].pdq: not a hash of 64"),
    "pdq of a video": ({"item_id": "1", "media": [{"path": "media/c.mp4", "pdq": PDQ}]}, "this is a video"),
    "width nought": (
        {"item_id": "1", "media": [{"pdq": PDQ, "width": 0}]},
        "media[0].width: must be at least 1",
    ),
    "one place twice": (
        {"item_id": "1", "media": [{"pdq": PDQ, "position": 1}, {"pdq": PDQ}]},
        "two media have one position",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused_by_line_and_reason_and_the_rest_goes_in(folder: Path, name: str) -> None:
    row, expected = BAD_ROWS[name]
    path = write_jsonl(folder, {"item_id": "a", "caption": "c"}, b"", row, {"item_id": "z", "caption": "c"})
    rows = list(read_source(path, SourceFormat.JSONL))
    refused = [row for row in rows if isinstance(row, RefusedRow)]
    assert [row.item.item_id for row in rows if isinstance(row, SourceRow)] == ["a", "z"]
    assert [(row.source, row.line) for row in refused] == [(str(path), 3)]
    assert expected in refused[0].reason


def test_a_picture_of_a_kind_we_do_not_know_is_taken_at_its_word(folder: Path) -> None:
    path = write_jsonl(folder, {"item_id": "1", "media": [{"path": "media/text.jpg", "kind": "image"}]})
    assert items(path)[0].media[0].kind is MediaKind.IMAGE


def test_content_decides_against_a_declared_kind(folder: Path) -> None:
    path = write_jsonl(folder, {"item_id": "1", "media": [{"path": "media/c.mp4", "kind": "image"}]})
    assert items(path)[0].media[0].kind is MediaKind.VIDEO


def test_paths_may_be_absolute_or_lead_out_of_the_folder(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    absolute = str(folder / "media" / "a.jpg")
    path = write_jsonl(
        inner,
        {"item_id": "1", "media": [{"path": absolute}]},
        {"item_id": "2", "media": [{"path": "../media/a.jpg"}]},
    )
    assert [item.media[0].path for item in items(path)] == [absolute, str(inner / "../media/a.jpg")]


def test_a_line_too_long_is_refused_and_reading_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 100)
    path = write_jsonl(
        folder,
        {"item_id": "1", "caption": "c"},
        {"item_id": "2", "caption": "x" * 500},
        b'{"item_id":"3","caption":"c"}',
    )
    rows = list(read_source(path, SourceFormat.JSONL))
    assert [type(row).__name__ for row in rows] == ["SourceRow", "RefusedRow", "SourceRow"]
    assert (rows[1].line, rows[2].line) == (2, 3)
    assert [row.position for row in rows][-1] == source_size(path, SourceFormat.JSONL)


def test_a_mark_at_the_beginning_does_no_harm(folder: Path) -> None:
    path = folder / "posts.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"item_id": "1", "caption": "c"}\r\n{"item_id": "2", "caption": "c"}')
    assert [item.item_id for item in items(path)] == ["1", "2"]


CLASSES = [
    ("logged_in", "", False),
    ("logged_in", "logged_in", True),
    ("private", "logged_in,followers", False),
    ([{"class": "private"}, {"class": "public"}], "", True),
    ([{"class": "private"}, {"class": "followers"}], "followers", True),
]


@pytest.mark.parametrize(("visibility", "admit", "goes_in"), CLASSES)
def test_what_was_never_public_needs_to_be_admitted(
    folder: Path, visibility: object, admit: str, goes_in: bool
) -> None:
    path = write_jsonl(folder, {"item_id": "1", "caption": "c", "visibility": visibility})
    classes = {Visibility(name) for name in admit.split(",") if name}
    found = refusals(path, admit=classes)
    assert (found == []) is goes_in
    if not goes_in:
        assert found[0][0] == 1
        assert "item 1 was never public" in found[0][1]
        assert "--admit" in found[0][1]


# -- CSV ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_whatever_separates_and_encodes_it(
    folder: Path, delimiter: str, encoding: str
) -> None:
    header = [
        "Item_ID",
        "account_id",
        "caption",
        "hashtags",
        "minor",
        "published_at",
        "media",
        "media_sha256",
    ]
    row = ["17", "a", '"Zwei ""Zeilen""\nund, ein; Ende"', "sea| sun", "true", "2026-05-01T14:00:00Z"]
    row += ["media/a.jpg|media/b.png", f"|{SHA}"]
    text = "\r\n".join(
        [delimiter.join(header), delimiter.join(row), "", delimiter.join(["18", "", "x"] + [""] * 5)]
    )
    path = folder / "posts.csv"
    path.write_bytes(text.encode(encoding))
    assert recognise(path) is SourceFormat.CSV
    first, second = items(path)
    assert first.caption == 'Zwei "Zeilen"\nund, ein; Ende'
    assert (first.hashtags, first.minor, first.account_id) == (("sea", "sun"), True, "a")
    assert first.published_at == datetime(2026, 5, 1, 14, tzinfo=UTC)
    assert [media.path for media in first.media] == [
        str(folder / "media" / name) for name in ("a.jpg", "b.png")
    ]
    assert [media.digest for media in first.media] == [None, f"sha256:{SHA}"]
    assert (second.item_id, second.account_id, second.media) == ("18", None, ())


def test_bad_rows_of_a_table_are_refused_by_their_first_line(folder: Path) -> None:
    path = folder / "posts.csv"
    path.write_bytes(
        b'item_id,caption,media_width,media_path\n1,"two\nlines",,\n2,short\n3,c,wide,media/a.jpg\n'
        b"4,\xff,,\n,c,,\n5,good,,\n6,c,,media/none.jpg\n"
    )
    rows = list(read_source(path, SourceFormat.CSV))
    assert [row.item.item_id for row in rows if isinstance(row, SourceRow)] == ["1", "5"]
    found = {row.line: row.reason for row in rows if isinstance(row, RefusedRow)}
    assert list(found) == [4, 5, 6, 7, 9]
    for line, expected in {
        4: "2 cells under 4 columns",
        5: "media[0].width: must be a whole number",
        6: "caption: is not UTF-8",
        7: "item_id",
        9: "media/none.jpg",
    }.items():
        assert expected in found[line]


def test_a_cell_too_large_is_refused_and_reading_goes_on(folder: Path) -> None:
    path = folder / "posts.csv"
    path.write_text(f"item_id,caption\n1,{'x' * 200_000}\n2,good\n")
    rows = list(read_source(path, SourceFormat.CSV))
    assert "field larger" in rows[0].reason
    assert rows[-1].item.item_id == "2"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("item_id,captoin", "unknown columns 'captoin'; did you mean caption?"),
        ("item_id,caption,caption", "twice"),
        ("caption,handle", "no header with a column item_id"),
    ],
)
def test_a_header_that_is_not_ours_is_refused_whole(folder: Path, header: str, expected: str) -> None:
    path = folder / "posts.csv"
    path.write_text(f"{header}\n1,2,3\n")
    (row,) = read_source(path, SourceFormat.CSV)
    assert (row.line, expected in row.reason) == (1, True)


# -- folders ------------------------------------------------------------------------------------------------


def test_each_file_of_a_folder_is_an_item_by_its_path(folder: Path) -> None:
    (folder / "media" / ".hidden.jpg").write_bytes(JPEG)
    (folder / "media" / ".git").mkdir()
    (folder / "media" / ".git" / "x.jpg").write_bytes(JPEG)
    (folder / "media" / "Deep er").mkdir()
    (folder / "media" / "Deep er" / "ü.webp").write_bytes(b"RIFF\x00\x00\x00\x00WEBP" + bytes(20))
    (folder / "media" / "loop").symlink_to(folder / "media")
    assert recognise(folder / "media") is SourceFormat.DIRECTORY
    rows = list(read_source(folder / "media", SourceFormat.DIRECTORY))
    good = {row.item.item_id: row.item for row in rows if isinstance(row, SourceRow)}
    assert list(good) == ["a.jpg", "b.png", "c.mp4", "Deep er/ü.webp"]
    assert good["c.mp4"].media[0].kind is MediaKind.VIDEO
    assert good["a.jpg"].media[0].path == str(folder / "media" / "a.jpg")
    bad = [row for row in rows if isinstance(row, RefusedRow)]
    assert [(row.source, row.line) for row in bad] == [
        (str(folder / "media" / name), None) for name in ("empty.jpg", "text.jpg")
    ]
    assert source_size(folder / "media", SourceFormat.DIRECTORY) == rows[-1].position == 6


def test_file_names_that_are_no_text_or_too_long_are_refused_by_name(folder: Path) -> None:
    (folder / "media" / os.fsdecode(b"\xff.jpg")).write_bytes(JPEG)
    deep = folder / "media" / ("d" * 250) / ("e" * 250)
    deep.mkdir(parents=True)
    (deep / ("f" * 30)).write_bytes(JPEG)
    reasons = {
        row.source.rpartition("/")[2]: row.reason
        for row in read_source(folder / "media", SourceFormat.DIRECTORY)
        if isinstance(row, RefusedRow)
    }
    assert "not UTF-8" in reasons["\\udcff.jpg"]
    assert "longer than 512" in reasons["f" * 30]


# -- telling formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b'[{"item_id": "1"}]', "JSON array"),
        (JPEG, "picture or video"),
        (b"\x1f\x8b" + bytes(20), "compressed"),
        (b"a,b,c\n1,2,3\n", "none of the formats"),
        (b"\xff\xfe", "none of the formats"),
    ],
    ids=["empty", "array", "picture", "gzip", "strange table", "mark alone"],
)
def test_what_is_no_source_is_refused_with_what_it_looks_like(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "source").write_bytes(content)
    with pytest.raises(InputError, match=expected):
        recognise(tmp_path / "source")


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl does not exist"):
        recognise(tmp_path / "none.jsonl")


HEADS = {
    JPEG: "image", PNG: "image", MP4: "video", b"GIF89a": "image", b"BM6": "image", b"II*\0": "image",
    b"MM\0*": "image", b"RIFF0000WEBPVP8 ": "image", b"RIFF0000AVI LIST": "video", b"RIFF0000WAVEfmt ": None,
    b"\0\0\0\x1cftypavif": "image", b"\0\0\0\x1cftypheic": "image", b"\0\0\0\x14ftypqt  ": "video",
    b"\x1a\x45\xdf\xa3": "video", b"\0\0\0\x08wide\0\0": "video", b"%PDF-1.7": None, b"": None,
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_kinds_are_told_by_content(head: bytes) -> None:
    assert kind_of(head) == HEADS[head]


@given(st.binary(max_size=64))
def test_any_bytes_are_a_picture_a_video_or_neither(head: bytes) -> None:
    assert kind_of(head) in {None, MediaKind.IMAGE, MediaKind.VIDEO}


def test_the_first_row_of_an_id_is_remembered() -> None:
    with FirstRows() as rows:
        assert rows.first("1", "a.jsonl", 3) is None
        assert rows.first("2", "folder/x.jpg", None) is None
        assert rows.first("1", "b.jsonl", 9) == "a.jsonl, line 3"
        assert rows.first("2", "b.jsonl", 9) == "folder/x.jpg"
