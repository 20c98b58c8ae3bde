"""The tables of ``index.db``, and how it is opened: one writer, many readers, never a newer schema.

An older schema is read as it is, and brought up to ours by whoever writes next.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlite_utils import Database

from clonedetect.errors import IndexFormatError, InputError
from clonedetect.index.identifiers import RULES, refill

__all__ = [
    "BUSY_TIMEOUT_S",
    "CONTENT_SCHEMA",
    "DATABASE",
    "SCHEMA",
    "connect",
    "create_tables",
    "has_tables",
    "identifier_rules",
]

DATABASE: Final = "index.db"
SCHEMA: Final = 4
CONTENT_SCHEMA: Final = 1
"""What the snapshot id says the content is: other tables for equal content leave it as it is."""
BUSY_TIMEOUT_S: Final = 5
WRITER_CACHE_KB: Final = 128 * 1024
LOG_PAGES: Final = 64 * 1024

_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE algorithms (kind TEXT PRIMARY KEY, specification TEXT NOT NULL) STRICT;
CREATE TABLE generations (
  number INTEGER PRIMARY KEY, lineage TEXT NOT NULL, snapshot_id TEXT NOT NULL, committed_at TEXT NOT NULL
) STRICT;
CREATE TABLE items (
  number INTEGER PRIMARY KEY, item_id TEXT NOT NULL UNIQUE, account_id TEXT, handle TEXT, permalink TEXT,
  visibility TEXT NOT NULL, json TEXT NOT NULL, source TEXT NOT NULL, line INTEGER,
  fingerprint BLOB NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TABLE identifiers (key INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number))
  STRICT, WITHOUT ROWID;
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
CREATE TABLE signals (
  media_id INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (media_id, name)
) STRICT;
CREATE TABLE texts (
  text_id INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL UNIQUE REFERENCES items (item_id),
  owner TEXT NOT NULL, raw TEXT NOT NULL, normalised TEXT NOT NULL, exact TEXT NOT NULL,
  content BLOB NOT NULL, fingerprints BLOB NOT NULL, minhash BLOB NOT NULL,
  generation INTEGER NOT NULL
) STRICT;
CREATE INDEX texts_exact ON texts (exact, owner);
CREATE INDEX texts_generation ON texts (generation);
CREATE TABLE removed_media (media_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
CREATE INDEX removed_media_generation ON removed_media (generation);
CREATE TABLE removed_texts (text_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
CREATE INDEX removed_texts_generation ON removed_texts (generation);
CREATE TABLE removed_items (item_id TEXT PRIMARY KEY, removed_at TEXT NOT NULL) STRICT;
CREATE TABLE refusals (source TEXT NOT NULL, place TEXT NOT NULL, line INTEGER, reason TEXT NOT NULL) STRICT;
CREATE INDEX refusals_source ON refusals (source);
INSERT INTO meta VALUES ('generation', 0), ('purged', 0), ('content', zeroblob(2048));
"""

_TO_SCHEMA_2: Final = """
DROP TABLE postings; DROP TABLE bands; DROP INDEX items_account;
ALTER TABLE texts ADD COLUMN generation INTEGER NOT NULL DEFAULT {last};
CREATE INDEX texts_generation ON texts (generation);
CREATE TABLE removed_texts (text_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
CREATE INDEX removed_texts_generation ON removed_texts (generation);
UPDATE meta SET value = {last} WHERE key = 'purged'"""
"""Lookups of captions became files below ``hot/``. Every caption counts as stored by the last commit, and
files of any earlier one as outdated: an older program did not note when a caption came or went."""

_TO_SCHEMA_3: Final = """
CREATE TABLE signals (
  media_id INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (media_id, name)
) STRICT"""
"""The operator's signals got a table. Local features are packed from here on, which an older program cannot
read; those that are there stay as they are."""

_TO_SCHEMA_4: Final = """
CREATE TABLE numbered (
  number INTEGER PRIMARY KEY, item_id TEXT NOT NULL UNIQUE, account_id TEXT, handle TEXT, permalink TEXT,
  visibility TEXT NOT NULL, json TEXT NOT NULL, source TEXT NOT NULL, line INTEGER,
  fingerprint BLOB NOT NULL, digest BLOB NOT NULL
) STRICT;
INSERT INTO numbered SELECT rowid, item_id, account_id, handle, permalink, visibility, json, source, line,
  fingerprint, digest FROM items;
DROP TABLE items;
ALTER TABLE numbered RENAME TO items;
CREATE TABLE identifiers (key INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number))
  STRICT, WITHOUT ROWID"""
"""Items got numbers of their own, since vacuuming may change rowids, and their identifiers a table, which
is filled from the items. Rows of other tables name an item by its id, which stays."""

_STEPS: Final = MappingProxyType({2: _TO_SCHEMA_2, 3: _TO_SCHEMA_3, 4: _TO_SCHEMA_4})
"""What brings an index of the schema before to each schema."""


def connect(folder: Path, *, writable: bool) -> Database:
    """Open ``index.db`` of `folder`; its tables may be missing yet if `writable`.

    Raises InputError where there is no index, IndexFormatError where the file
    is of a newer schema or no database.
    """
    path = folder / DATABASE
    if not writable and not path.is_file():
        raise InputError(f"{folder} holds no index; make one with: clonedetect index add {folder} SOURCE")
    try:
        if writable:
            _create_private(path)
        connection = sqlite3.connect(_address(path, writable=writable), uri=True, timeout=BUSY_TIMEOUT_S)
    except (sqlite3.Error, OSError) as error:
        raise IndexFormatError(f"{path} cannot be opened ({error})") from error
    db = Database(connection, execute_plugins=False)
    try:
        if writable:
            _prepare_writer(db)
        if has_tables(db):
            _check_schema(db, path)
            if writable:
                _migrate(db)
        elif not writable:
            raise InputError(f"{folder} holds an index that was never begun; repeat the import")
    except sqlite3.DatabaseError as error:
        db.close()
        raise IndexFormatError(f"{path} cannot be opened as an index ({error})") from error
    except InputError:
        db.close()
        raise
    return db


def _create_private(path: Path) -> None:
    """Make the file if there is none, for its owner's eyes: captions and account ids are in it.

    SQLite gives the files of its log the mode of the database.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_writer(db: Database) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # what was reported as added survives a power cut
    db.execute("PRAGMA secure_delete = ON")  # what was removed is overwritten, not just unlinked
    db.execute("PRAGMA foreign_keys = ON")
    # An import inserts at random places of indexes larger than SQLite's 2 MB, and changes their pages
    # again and again: kept in memory and in the log, they are written to the database seldom.
    db.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KB}")
    db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")


def has_tables(db: Database) -> bool:
    """Whether the tables were created; false for a file whose creation was cut short."""
    row = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").fetchone()
    return row is not None


def identifier_rules(db: Database) -> int | None:
    """Return the version of the rules that filled the table of identifiers, None if there is none."""
    row = db.execute("SELECT value FROM meta WHERE key = 'identifiers'").fetchone()
    return int(row[0]) if row else None


def create_tables(db: Database) -> None:
    """Create all tables in one transaction."""
    db.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} "  # noqa: S608  numbers
        f"INSERT INTO meta VALUES ('schema', {SCHEMA}), ('identifiers', {RULES}); COMMIT;"
    )


def _address(path: Path, *, writable: bool) -> str:
    """Return the URI to open; without a log to read, a folder nobody may write to is opened as immutable."""
    if writable:
        return f"{path.absolute().as_uri()}?mode=rwc"
    log = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size):
        return f"{path.absolute().as_uri()}?immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro"


def _check_schema(db: Database, path: Path) -> None:
    row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    number = row[0] if row else None
    if number not in range(1, SCHEMA + 1):
        raise IndexFormatError(
            f"{path} has schema {number}, this program reads 1 to {SCHEMA}; "
            "use the program that made it, or import into a new index: clonedetect index add NEW SOURCE"
        )


def _migrate(db: Database) -> None:
    """Bring an index of an older schema up to ours, step by step in one transaction."""
    db.execute("PRAGMA foreign_keys = OFF")  # a table that others refer to may be made anew
    db.execute("BEGIN IMMEDIATE")
    try:
        (number,) = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        (last,) = db.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
        for reached in range(number + 1, SCHEMA + 1):  # none if another process did it while we waited
            for statement in _STEPS[reached].format(last=int(last)).split(";"):
                db.execute(statement)
            db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (reached,))
        if identifier_rules(db) != RULES:
            refill(db)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('identifiers', ?)", (RULES,))
    except BaseException:
        db.rollback()
        raise
    db.commit()
    db.execute("PRAGMA foreign_keys = ON")
