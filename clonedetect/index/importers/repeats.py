"""Which row of an import gave an id first, kept on disk: an import may have more ids than memory."""

from __future__ import annotations

import sqlite3
from typing import Self

__all__ = ["FirstRows"]


class FirstRows:
    """The place where each id was first seen.

    SQLite's private temporary database: in memory while small, spilled to a
    nameless file beyond.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(
            "CREATE TABLE seen (item_id TEXT PRIMARY KEY, source TEXT, line INTEGER) STRICT, WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def first(self, item_id: str, source: str, line: int | None) -> str | None:
        """Note an id's place; return the earlier place ("posts.jsonl, line 3") if it has one."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (item_id, source, line)
        )
        if cursor.rowcount:
            return None
        earlier, number = self._connection.execute(
            "SELECT source, line FROM seen WHERE item_id = ?", (item_id,)
        ).fetchone()
        return f"{earlier}, line {number}" if number is not None else str(earlier)
