"""Indexes of schema 1, made here by that schema's own tables, are read and brought up to date."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.counts import stats
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.rows import read_features
from clonedetect.index.schema import DATABASE
from clonedetect.index.store import IndexStore
from clonedetect.models.ids import ItemId, TextId
from clonedetect.models.page import IdentifierKind

Library = Any  # conftest's, which cannot be imported by name
WHEN = datetime(2026, 11, 1, tzinfo=UTC)
COUNT = 4

SCHEMA_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE algorithms (kind TEXT PRIMARY KEY, specification TEXT NOT NULL) STRICT;
CREATE TABLE generations (
  number INTEGER PRIMARY KEY, lineage TEXT NOT NULL, snapshot_id TEXT NOT NULL, committed_at TEXT NOT NULL
) STRICT;
CREATE TABLE items (
  item_id TEXT PRIMARY KEY, account_id TEXT, handle TEXT, permalink TEXT, visibility TEXT NOT NULL,
  json TEXT NOT NULL, source TEXT NOT NULL, line INTEGER, fingerprint BLOB NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX items_account ON items (account_id);
CREATE TABLE media (
  media_id INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL REFERENCES items (item_id),
  position INTEGER NOT NULL, kind TEXT NOT NULL, path TEXT, digest TEXT, width INTEGER, height INTEGER,
  content BLOB NOT NULL, generation INTEGER NOT NULL
) STRICT;
CREATE INDEX media_item ON media (item_id, position);
CREATE INDEX media_digest ON media (digest);
CREATE INDEX media_generation ON media (generation);
CREATE TABLE hashes (media_id INTEGER PRIMARY KEY, views BLOB NOT NULL, bits BLOB NOT NULL) STRICT;
CREATE TABLE images (
  media_id INTEGER PRIMARY KEY, quality INTEGER NOT NULL, phash16 BLOB NOT NULL, flags TEXT NOT NULL,
  thumbnail BLOB NOT NULL
) STRICT;
CREATE TABLE features (
  media_id INTEGER PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, points BLOB NOT NULL,
  descriptors BLOB NOT NULL
) STRICT;
CREATE TABLE texts (
  text_id INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL UNIQUE REFERENCES items (item_id),
  owner TEXT NOT NULL, raw TEXT NOT NULL, normalised TEXT NOT NULL, exact TEXT NOT NULL,
  content BLOB NOT NULL, fingerprints BLOB NOT NULL, minhash BLOB NOT NULL
) STRICT;
CREATE INDEX texts_exact ON texts (exact, owner);
CREATE TABLE postings (gram INTEGER NOT NULL, text_id INTEGER NOT NULL, PRIMARY KEY (gram, text_id))
  STRICT, WITHOUT ROWID;
CREATE TABLE bands (band INTEGER NOT NULL, text_id INTEGER NOT NULL, PRIMARY KEY (band, text_id))
  STRICT, WITHOUT ROWID;
CREATE TABLE removed_media (media_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
CREATE INDEX removed_media_generation ON removed_media (generation);
CREATE TABLE removed_items (item_id TEXT PRIMARY KEY, removed_at TEXT NOT NULL) STRICT;
CREATE TABLE refusals (source TEXT NOT NULL, place TEXT NOT NULL, line INTEGER, reason TEXT NOT NULL) STRICT;
CREATE INDEX refusals_source ON refusals (source);
INSERT INTO meta VALUES ('generation', 0), ('purged', 0), ('content', zeroblob(2048));
"""


COPIED = (
    "algorithms",
    "generations",
    "items",
    "media",
    "hashes",
    "images",
    "features",
    "removed_media",
    "removed_items",
)


@pytest.fixture
def old(tmp_path: Path, library: Library) -> Path:
    """An index of schema 1: the rows of one of ours, in the old tables, with the old lookups."""
    new = tmp_path / "new"
    with IndexStore.open_or_create(new, algorithms=library.algorithms) as store:
        for number in range(COUNT):
            library.add(store, library.item(number))
    folder = tmp_path / "old"
    folder.mkdir()
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(f"{SCHEMA_1} INSERT INTO meta VALUES ('schema', 1);")
    connection.execute("ATTACH ? AS new", (str(new / DATABASE),))
    for table in COPIED:
        names = [name for _, name, *_ in connection.execute(f"PRAGMA main.table_info({table})")]
        connection.execute(f"INSERT INTO {table} SELECT {', '.join(names)} FROM new.{table}")
    for media_id, *row in connection.execute("SELECT * FROM features").fetchall():
        features = read_features(*row)
        raw = (features.points.tobytes(), features.descriptors.tobytes(), media_id)
        connection.execute("UPDATE features SET points = ?, descriptors = ? WHERE media_id = ?", raw)
    columns = "text_id, item_id, owner, raw, normalised, exact, content, fingerprints, minhash"
    connection.execute(f"INSERT INTO texts SELECT {columns} FROM new.texts")
    kept = "key NOT IN ('schema', 'identifiers')"
    connection.execute(f"INSERT OR REPLACE INTO meta SELECT * FROM new.meta WHERE {kept}")
    connection.executemany("INSERT INTO postings VALUES (?, ?)", [(n, 1) for n in range(1000)])
    connection.executemany("INSERT INTO bands VALUES (?, ?)", [(n, 1) for n in range(1000)])
    connection.close()
    return folder


def opened(folder: Path) -> OpenIndex:
    return open_index(folder, votes=lambda _: None, model=lambda _: None)


def schema_of(folder: Path) -> tuple[int, set[str]]:
    connection = sqlite3.connect(folder / DATABASE)
    (number,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return number, tables


def finds(index: OpenIndex, library: Library, number: int) -> bool:
    text = library.hash_text(library.item(number).caption)
    by_gram = {
        index.texts([found])[0].item_id for found, _ in index.postings.candidates([text.fingerprints], [9])[0]
    }
    by_band = {entry.item_id for entry in index.texts(index.postings.near_duplicates(text.minhash[None])[0])}
    return f"item-{number}" in by_gram & by_band


def test_an_older_index_is_read_as_it_is(old: Path, library: Library) -> None:
    for _ in range(2):
        with opened(old) as index:
            assert all(finds(index, library, number) for number in range(COUNT))
    with IndexStore.open(old) as store:
        assert stats(store).captions == COUNT
        assert verify(store).faults == ()
        assert not store.has_identifiers
    number, tables = schema_of(old)
    assert number == 1
    assert "postings" in tables


def test_an_older_index_is_brought_up_to_date_by_whoever_writes(old: Path, library: Library) -> None:
    with IndexStore.open(old) as store:
        snapshot = store.snapshot()
    with IndexStore.open(old, writable=True, algorithms=library.algorithms) as store:
        assert store.snapshot() == snapshot
        assert library.add(store, library.item(1)) == "unchanged"
        library.add(store, library.item(COUNT))
        store.remove([ItemId("item-2")], at=WHEN)
        assert verify(store).faults == ()
    number, tables = schema_of(old)
    assert number == 4
    assert not tables & {"postings", "bands"}
    assert tables >= {"signals", "identifiers"}
    with opened(old) as index:
        assert [finds(index, library, number) for number in range(COUNT + 1)] == [
            True,
            True,
            False,
            True,
            True,
        ]
        account = (IdentifierKind.ACCOUNT, "account-3")
        assert [item.item_id for item in index.identified([account])[account].items] == ["item-3"]


def test_equal_content_has_one_snapshot_id_whatever_the_schema(
    old: Path, tmp_path: Path, library: Library
) -> None:
    with IndexStore.open(old, writable=True), IndexStore.open(tmp_path / "new") as new:
        wanted = new.snapshot().snapshot_id
    with IndexStore.open(old) as store:
        assert store.snapshot().snapshot_id == wanted


def test_files_built_before_an_older_program_wrote_again_are_not_trusted(old: Path, library: Library) -> None:
    with opened(old) as index:
        assert finds(index, library, 1)
    connection = sqlite3.connect(old / DATABASE)  # what an older program does that takes a caption away
    connection.execute("DELETE FROM texts WHERE item_id = 'item-1'")
    connection.execute(
        "INSERT INTO generations SELECT number + 1, 'later', snapshot_id, committed_at "
        "FROM generations ORDER BY number DESC LIMIT 1"
    )
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
    connection.commit()
    connection.close()
    with IndexStore.open(old, writable=True):
        pass
    with opened(old) as index:
        text = library.hash_text(library.item(1).caption)
        assert TextId(2) not in index.postings.near_duplicates(text.minhash[None])[0]
        assert len(index.postings) == COUNT - 1


def test_a_migration_that_fails_leaves_the_older_index(old: Path) -> None:
    connection = sqlite3.connect(old / DATABASE)
    connection.execute("CREATE TABLE removed_texts (in_the_way INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(Exception, match="removed_texts"), IndexStore.open(old, writable=True):
        pass
    number, tables = schema_of(old)
    assert number == 1
    assert {"postings", "bands"} <= tables


def test_a_copy_without_its_hot_files_answers_alike(old: Path, tmp_path: Path, library: Library) -> None:
    with opened(old) as index:
        text = library.hash_text(library.item(3).caption)
        wanted = index.postings.candidates([text.fingerprints], [9])[0]
    copy = shutil.copytree(old, tmp_path / "copy", ignore=shutil.ignore_patterns("hot"))
    with opened(copy) as index:
        assert index.postings.candidates([text.fingerprints], [9])[0] == wanted
