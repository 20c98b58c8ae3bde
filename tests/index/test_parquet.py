"""Parquet tables as warehouses write them, and broken ones."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clonedetect.errors import InputError
from clonedetect.index.importers import (
    RefusedRow,
    SourceFormat,
    SourceRow,
    check_source,
    read_source,
    recognise,
    source_size,
)
from clonedetect.index.store import IndexStore
from clonedetect.jobs.indexing import add_sources, verify_index
from clonedetect.models.item import Item, MediaKind, Visibility

JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
PDQ = "0f" * 32
SHA = "ab" * 32
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
UTC_US = pa.timestamp("us", tz="UTC")
MEDIA = pa.list_(pa.struct([("path", pa.string()), ("pdq", pa.string()), ("position", pa.int64())]))
SPANS = pa.list_(pa.struct([("class", pa.string()), ("from", UTC_US), ("to", UTC_US)]))


def write(folder: Path, columns: dict[str, object], **options: object) -> Path:
    path = folder / "posts"
    pq.write_table(pa.table(columns), path, **options)
    return path


def read(path: Path) -> list[SourceRow | RefusedRow]:
    return list(read_source(path, recognise(path)))


def items(path: Path) -> list[Item]:
    rows = read(path)
    assert [row for row in rows if isinstance(row, RefusedRow)] == []
    return [row.item for row in rows if isinstance(row, SourceRow)]


def refused(path: Path) -> list[tuple[int | None, str]]:
    return [(row.line, row.reason) for row in read(path) if isinstance(row, RefusedRow)]


FULL = [
    {
        "item_id": "17",
        "account_id": "a",
        "handle": "maria",
        "permalink": "https://p.example/17",
        "caption": "By the sea",
        "hashtags": ["sea", "sun"],
        "published_at": "2026-05-01T12:00:00Z",
        "deleted_at": "2026-06-01T00:00:00Z",
        "visibility": [
            {"class": "public", "from": "2026-05-01T12:00:00Z", "to": "2026-05-09T00:00:00Z"},
            {"class": "private", "from": "2026-05-09T00:00:00Z"},
        ],
        "media": [{"pdq": PDQ, "position": 1}, {"pdq": "5a" * 32, "position": 0}],
        "minor": True,
        "canary": True,
        "allowed_domains": ["press.example"],
        "native_ids": ["n1"],
    },
    {"item_id": "18", "caption": "Alone", "hashtags": [], "minor": False},
]


def full_table(zone: timezone = UTC) -> pa.Table:
    def time(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text).astimezone(zone)

    rows = json.loads(json.dumps(FULL))
    for row in rows:
        for name in ("published_at", "deleted_at"):
            row[name] = time(row.get(name))
        for span in row.get("visibility", ()):
            span["from"], span["to"] = time(span["from"]), time(span.get("to"))
    names = list(FULL[0])
    types = {
        "media": MEDIA,
        "visibility": SPANS,
        "published_at": UTC_US,
        "deleted_at": pa.timestamp("ns", tz="Europe/Tallinn"),
        "minor": pa.bool_(),
        "canary": pa.bool_(),
        **dict.fromkeys(("hashtags", "allowed_domains", "native_ids"), pa.list_(pa.string())),
    }
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    return pa.Table.from_pylist(rows, schema=schema)


def stored(index: Path) -> dict[str, Item]:
    """Return an index's items without the second they were indexed in."""
    with IndexStore.open(index) as store:
        items = {item_id: store.item(item_id) for item_id in store.item_ids()}
    return {item_id: replace(item, first_indexed_at=None) for item_id, item in items.items() if item}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-9))], ids=["utc", "elsewhere"])
def test_a_table_gives_the_very_items_that_json_lines_give(tmp_path: Path, zone: timezone) -> None:
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, FULL)))
    pq.write_table(full_table(zone), tmp_path / "posts")
    for name in ("posts.jsonl", "posts"):
        add_sources(tmp_path / f"index of {name}", [tmp_path / name], workers=1)
    expected, found = (stored(tmp_path / f"index of {name}") for name in ("posts.jsonl", "posts"))
    assert found == expected
    assert set(found) == {"17", "18"}
    assert (found["17"].minor, found["17"].canary, found["18"].minor) == (True, True, False)
    assert found["17"].deleted_at == datetime(2026, 6, 1, tzinfo=UTC)
    assert verify_index(tmp_path / "index of posts").faults == ()
    again = add_sources(tmp_path / "index of posts", [tmp_path / "posts"], workers=1)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_a_table_is_read_however_it_was_written(tmp_path: Path, compression: str, version: str) -> None:
    path = write(
        tmp_path,
        {"item_id": [str(n) for n in range(1000)], "caption": [f"c{n % 3}" for n in range(1000)]},
        compression=compression,
        version=version,
        row_group_size=300,
        use_dictionary=compression != "gzip",
    )
    assert recognise(path) is SourceFormat.PARQUET
    rows = read(path)
    assert [row.item.caption for row in rows] == [f"c{n % 3}" for n in range(1000)]
    assert [row.line for row in rows] == list(range(1, 1001))
    places = [row.position for row in rows]
    assert places == sorted(places)
    assert places[-1] == source_size(path, SourceFormat.PARQUET)


def test_media_come_as_columns_of_one_value_or_of_lists(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    lists = {
        "item_id": ["1"],
        "media_path": [["a.jpg", None]],
        "media_sha256": [[None, SHA]],
        "media_kind": [["image", "video"]],
    }
    (item,) = items(write(tmp_path, lists))
    assert [medium.path for medium in item.media] == [str(tmp_path / "a.jpg"), None]
    assert [medium.digest for medium in item.media] == [None, f"sha256:{SHA}"]
    assert item.media[1].kind is MediaKind.VIDEO
    (item, bare) = items(
        write(tmp_path, {"item_id": ["1", "2"], "caption": ["c", "d"], "media_path": ["a.jpg", None]})
    )
    assert (len(item.media), bare.media) == (1, ())


def test_text_and_categories_stand_for_times_and_classes(tmp_path: Path) -> None:
    classes = pa.array(["public", "followers"]).dictionary_encode()
    times = ["2026-05-01T14:00:00+02:00", None]
    path = write(
        tmp_path, {"item_id": ["1", "2"], "caption": ["c", "d"], "visibility": classes, "published_at": times}
    )
    first, second = read(path)
    assert isinstance(first, SourceRow)
    assert first.item.published_at == NOON
    assert isinstance(second, RefusedRow)
    assert "never public (followers)" in second.reason
    admitted = list(read_source(path, SourceFormat.PARQUET, admit={Visibility.FOLLOWERS}))
    assert [type(row) for row in admitted] == [SourceRow, SourceRow]


TABLES = {
    "unknown column": ({"item_id": ["1"], "captoin": ["c"]}, "'captoin'; did you mean caption?"),
    "a table of something else": (
        {"item_id": ["1"]} | {f"x{number}": [1] for number in range(900)},
        "'x4' and 895 more; ",
    ),
    "no id": ({"caption": ["c"]}, "no header with a column item_id"),
    "number as id": ({"item_id": [1], "caption": ["c"]}, "item_id must be text and is int64"),
    "flag as word": ({"item_id": ["1"], "minor": ["yes"]}, "minor must be true or false and is string"),
    "tags in one text": ({"item_id": ["1"], "hashtags": ["a|b"]}, "hashtags must be a list of texts"),
    "date": (
        {"item_id": ["1"], "published_at": pa.array([1], pa.date32())},
        "published_at must be a timestamp with a zone or RFC 3339 text and is date32",
    ),
    "no zone": (
        {"item_id": ["1"], "published_at": pa.array([0], pa.timestamp("us"))},
        "published_at holds times without a zone; write them as timestamps in UTC",
    ),
    "no zone within": (
        {"item_id": ["1"], "visibility": [[{"class": "public", "from": datetime(2026, 5, 1)}]]},  # noqa: DTZ001
        "visibility holds times without a zone",
    ),
    "media of text": ({"item_id": ["1"], "media": ["a.jpg"]}, "media must be a list of structs"),
    "unknown medium": (
        {"item_id": ["1"], "media": [[{"file": "x"}]]},
        "media: unknown field file; known are",
    ),
    "media twice": (
        {"item_id": ["1"], "media": [[{"path": "x"}]], "media_path": ["x"]},
        "as column media and as columns media_",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_not_ours_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    columns, expected = TABLES[name]
    ((line, reason),) = refused(write(tmp_path, columns))
    assert line is None
    assert expected in reason


def test_bad_rows_are_refused_by_number_and_the_rest_goes_in(tmp_path: Path) -> None:
    count = 600
    captions: list[object] = [f"c{n}" for n in range(count)]
    captions[300] = None
    columns = {
        "item_id": ["" if n == 2 else str(n) for n in range(count)],
        "caption": captions,
        "published_at": pa.array([2**62 if n == 400 else 0 for n in range(count)], UTC_US),
        "media": pa.array(
            [[{"path": "none.jpg"}] if n == 5 else [None] if n == 7 else None for n in range(count)], MEDIA
        ),
        "hashtags": [["a", None] if n == 9 else [] for n in range(count)],
    }
    found = dict(refused(write(tmp_path, columns)))
    assert list(found) == [3, 6, 8, 10, 301, 401]
    for line, expected in {
        3: "item_id: is empty",
        6: "media[0]: no such file",
        8: "media[0]: must be an object",
        10: "hashtags[1]: must be a text",
        301: "needs a caption or media",
        401: "a value cannot be read",
    }.items():
        assert expected in found[line]


def test_text_that_is_not_utf_8_falls_alone(tmp_path: Path) -> None:
    captions = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\6\0\0\0"), pa.py_buffer(b"\xff\xfegood")]
    )
    path = write(tmp_path, {"item_id": ["1", "2"], "caption": captions})
    bad, good = read(path)
    assert isinstance(bad, RefusedRow)
    assert "not UTF-8" in bad.reason
    assert isinstance(good, SourceRow)


def test_a_torn_file_gives_what_stands_before_or_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "item_id": [str(n) for n in range(2000)],
            "caption": [f"words {n * 7919 % 2003}" for n in range(2000)],
        },
        row_group_size=500,
        use_dictionary=False,
    )
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    ((line, reason),) = refused(path)
    assert line is None
    assert "cannot be read as Parquet" in reason
    third = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(2).column(1)
    data[third.data_page_offset : third.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    rows = read(path)
    last = rows[-1]
    assert isinstance(last, RefusedRow)
    assert (last.line is not None, "the rest is not read" in last.reason) == (True, True)
    assert 0 < len(rows) - 1 < 2000
    assert all(isinstance(row, SourceRow) for row in rows[:-1])


def test_an_encrypted_table_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "posts").write_bytes(b"PARE" + bytes(50) + b"PARE")
    with pytest.raises(InputError, match="encrypted Parquet table"):
        recognise(tmp_path / "posts")


def test_without_pyarrow_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, {"item_id": ["1"], "caption": ["c"]})
    monkeypatch.setitem(
        sys.modules, "pyarrow.parquet", None
    )  # how Python itself marks what cannot be imported
    with pytest.raises(InputError, match=r"pip install 'clonedetect\[parquet\]'"):
        check_source(path, SourceFormat.PARQUET)


READER = """
import resource, sys
from pathlib import Path
from clonedetect.index.importers import SourceFormat, read_source
next(read_source(Path(sys.argv[2]), SourceFormat.PARQUET))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(1 for _ in read_source(Path(sys.argv[1]), SourceFormat.PARQUET))
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    """One group of 200 MB of text whose words repeat is read in less than 80 MB."""
    captions = pa.DictionaryArray.from_arrays(
        pa.array([n % 50 for n in range(20_000)], pa.int32()),
        pa.array(["x" * 10_000 + str(n) for n in range(50)]),
    )
    small = write(tmp_path, {"item_id": ["1"], "caption": ["c"]}).rename(tmp_path / "small")
    large = write(tmp_path, {"item_id": [str(n) for n in range(20_000)], "caption": captions})
    told = subprocess.run(
        [sys.executable, "-c", READER, str(large), str(small)], capture_output=True, text=True, check=True
    )
    rows, grown_kb = map(int, told.stdout.split())
    assert rows == 20_000
    assert grown_kb < 80 * 1024
