"""The tables of ``case.db`` and the steps that lead from one schema number to the next.

Records are JSON of the model values, beside the columns that are looked up;
docs/case.md describes them. A step is never changed once released: a new
schema is a new step at the end.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from clonedetect.errors import IndexFormatError, InputError

__all__ = ["SCHEMA", "STEPS", "connect", "schema_of"]

BUSY_TIMEOUT_MS = 10_000


def _case_tables(database: Database) -> None:
    table = database.table
    table("meta").create({"key": str, "value": str}, pk="key")
    table("grants").create(
        {"seq": int, "grant_id": str, "digest": str, "record": str}, pk="seq", not_null={"grant_id", "digest"}
    )
    table("grants").create_index(["grant_id"], unique=True)
    table("runs").create(
        {"run_id": int, "grant_id": str, "started_at": float, "last_at": float, "ended": str}, pk="run_id"
    )
    table("captures").create(
        {
            "seq": int,
            "facts_id": str,
            "url": str,
            "purpose": str,
            "outcome": str,
            "record_id": str,
            "content_digest": str,
            "grant_id": str,
            "wire_size": int,
            "archive_file": str,
            "archive_end": int,
            "captured_at": float,
            "record": str,
        },
        pk="seq",
        not_null={"facts_id", "url", "purpose", "outcome", "record"},
    )
    table("captures").create_index(["facts_id"], unique=True)
    table("captures").create_index(["url", "purpose"])
    table("captures").create_index(["record_id"])
    table("captures").create_index(["archive_file", "archive_end"])
    table("captures").create_index(["grant_id", "purpose", "wire_size"])
    table("refusals").create(
        {"seq": int, "url": str, "purpose": str, "place": str, "reason": str, "record": str}, pk="seq"
    )
    table("refusals").create_index(["url", "purpose", "place", "reason"], unique=True)
    table("analyses").create({"analysis_id": int, "record": str}, pk="analysis_id")
    table("verdicts").create(
        {"seq": int, "analysis_id": int, "page_url": str, "standing": int, "record": str}, pk="seq"
    )
    database.execute("CREATE UNIQUE INDEX verdicts_standing ON verdicts (page_url) WHERE standing")
    table("findings").create(
        {"seq": int, "finding_id": str, "analysis_id": int, "page_url": str, "standing": int, "record": str},
        pk="seq",
    )
    database.execute("CREATE UNIQUE INDEX findings_standing ON findings (finding_id) WHERE standing")
    table("findings").create_index(["page_url", "standing"])
    table("findings").create_index(["finding_id"], index_name="findings_by_id")
    table("reference_copies").create(
        {"seq": int, "item_id": str, "media_key": str, "analysis_id": int, "record": str}, pk="seq"
    )
    table("reference_copies").create_index(["item_id", "media_key"])
    table("decisions").create({"seq": int, "finding_id": str, "record": str}, pk="seq")


def _frontier_tables(database: Database) -> None:
    database.table("frontier").create(
        {
            "id": int,
            "url": str,
            "purpose": str,
            "host": str,
            "priority": int,
            "depth": int,
            "parent": str,
            "state": str,
            "lease_until": float,
            "not_before": float,
            "tries": int,
            "reason": str,
        },
        pk="id",
        not_null={"url", "purpose", "host", "state"},
    )
    database.table("frontier").create_index(["url", "purpose"], unique=True)
    database.table("frontier").create_index(["state", "host", "priority", "id"])
    database.table("host_pauses").create({"host": str, "until": float, "reason": str}, pk="host")


def _sample_table(database: Database) -> None:
    database.table("samples").create({"seq": int, "frame_digest": str, "record": str}, pk="seq")


def _clock_table(database: Database) -> None:
    database.table("clock_readings").create({"seq": int, "record": str}, pk="seq")


def _supplied_table(database: Database) -> None:
    database.table("supplied_files").create({"digest": str, "record": str}, pk="digest", not_null={"record"})


def _trait_tables(database: Database) -> None:
    table = database.table
    columns = {
        "seq": int,
        "analysis_id": int,
        "site": str,
        "kind": str,
        "value": str,
        "standing": int,
        "record": str,
    }
    table("traits").create(columns, pk="seq", not_null={"analysis_id", "site", "kind", "record"})
    table("traits").create_index(["site", "standing"])
    table("traced_sites").create(
        {"seq": int, "analysis_id": int, "site": str, "rules": int},
        pk="seq",
        not_null={"analysis_id", "site"},
    )
    table("traced_sites").create_index(["analysis_id", "site", "rules"])


def _frontier_order(database: Database) -> None:
    """What orders and bounds the frontier: rounds of second looks, shapes and spellings of pages, draws."""
    for column in ("round INTEGER NOT NULL DEFAULT 0", "draw INTEGER NOT NULL DEFAULT 0"):
        database.execute(f"ALTER TABLE frontier ADD COLUMN {column}")
    for column in ("shape TEXT", "spelling TEXT"):
        database.execute(f"ALTER TABLE frontier ADD COLUMN {column}")
    database.execute("DROP INDEX IF EXISTS idx_frontier_state_host_priority_id")
    database.table("frontier").create_index(["state", "host", "priority", "draw", "id"])
    database.execute("CREATE INDEX frontier_shape ON frontier (host, shape) WHERE shape IS NOT NULL")
    database.execute("CREATE INDEX frontier_spelling ON frontier (spelling) WHERE spelling IS NOT NULL")
    database.table("rounds").create(
        {"round": int, "grant_id": str, "began_at": float, "ended_at": float}, pk="round"
    )
    database.table("shapes").create(
        {"host": str, "shape": str, "worth": int, "asked": int, "closed": str}, pk=("host", "shape")
    )
    # Of a response that brings a body again only the head is archived: the body is looked up by its digest.
    database.execute(
        "CREATE INDEX captures_payload ON captures (json_extract(record, '$.payload_digest')) "
        "WHERE record_id IS NOT NULL"
    )
    database.table("page_draws").create({"seq": int, "frame_digest": str, "record": str}, pk="seq")


Step = Callable[[Database], None]

STEPS: tuple[tuple[str, Step], ...] = (
    ("case tables", _case_tables),
    ("frontier tables", _frontier_tables),
    ("sample table", _sample_table),
    ("clock table", _clock_table),
    ("supplied table", _supplied_table),
    ("trait tables", _trait_tables),
    ("frontier order", _frontier_order),
)
"""Named steps; the schema number is how many of them a database has behind it."""

SCHEMA = len(STEPS)

OLDEST_READABLE = 2
"""The schema from which on a case is read as it is: what later steps added is empty there."""


def connect(path: Path, *, is_new: bool = False, is_read_only: bool = False) -> Database:
    """Return the database at `path`, brought to this program's schema unless it is only read.

    One that is only read may be older, down to `OLDEST_READABLE`.

    Commits outlive a kill but not always a power cut (``synchronous=NORMAL``,
    a third of the time); the case syncs what is not in the archive. Raises IndexFormatError for a
    newer schema, and for an older one that may not be written; InputError
    for a file that is no case database.
    """
    if is_new:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    mode = "ro" if is_read_only else "rw"
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    try:
        database = Database(connection, execute_plugins=False)
        _prepare(database, path, is_read_only=is_read_only)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise InputError(f"{path} cannot be opened as a case database: {error}") from error
    except BaseException:
        connection.close()
        raise
    return database


def _prepare(database: Database, path: Path, *, is_read_only: bool) -> None:
    database.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    found = schema_of(database)
    if found > SCHEMA:
        raise IndexFormatError(
            f"{path} has schema {found}, this program knows {SCHEMA}: use a newer clonedetect"
        )
    if not is_read_only:
        database.enable_wal()
        database.execute("PRAGMA synchronous=NORMAL")
        _migrate(database, found)
    elif found < OLDEST_READABLE:
        raise IndexFormatError(f"{path} has schema {found}; open it for writing once to bring it to {SCHEMA}")


def schema_of(database: Database) -> int:
    """Return how many steps `database` has behind it."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _migrate(database: Database, found: int) -> None:
    for number, (_, step) in enumerate(STEPS[found:], start=found + 1):
        with database.atomic():
            step(database)
            database.execute(f"PRAGMA user_version={number}")
