"""Rounds of second looks: which URLs are asked again, each once a round, over runs and kills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

__all__ = ["Round", "Rounds"]

_REOPEN = """
UPDATE frontier SET state = 'pending', tries = 0, not_before = 0, reason = '', round = ?
WHERE state = 'done' AND purpose IN ('page', 'api', 'media') AND EXISTS (
  SELECT 1 FROM captures
  WHERE captures.url = frontier.url AND captures.purpose = frontier.purpose AND captures.grant_id = ?
)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One round; `urls` of it are still to be asked, and `is_new` claims that it begins now."""

    number: int
    urls: int
    is_new: bool


class Rounds:
    """The rounds of one case; under one grant at most one is open.

    A round is begun in one transaction, which marks its URLs and makes them
    pending: from there on they are leased, recorded and completed like any
    other, so that a run killed at any moment goes on with the same round.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, grant_id: str, now: datetime) -> Round:
        """Go on with the open round under this grant, or begin one over all it has captured.

        Pages, API answers and media are asked again, whatever came of them;
        robots.txt and sitemaps have ages of their own.
        """
        with self._database.atomic():
            sql = "SELECT max(round) FROM rounds WHERE grant_id = ? AND ended_at IS NULL"
            (number,) = self._database.execute(sql, [grant_id]).fetchone()
            is_new = number is None
            if is_new:
                (last,) = self._database.execute("SELECT coalesce(max(round), 0) FROM rounds").fetchone()
                number = last + 1
                row = {"round": number, "grant_id": grant_id, "began_at": now.timestamp(), "ended_at": None}
                self._database.table("rounds").insert(row)
                self._database.execute(_REOPEN, [number, grant_id])
                self._database.execute("UPDATE shapes SET asked = 0")
            return Round(number, self._waiting(number), is_new)

    def end(self, grant_id: str, now: datetime) -> None:
        """Close the open round, if there is one: a run has asked for all that could be asked."""
        sql = "UPDATE rounds SET ended_at = ? WHERE grant_id = ? AND ended_at IS NULL"
        self._database.execute(sql, [now.timestamp(), grant_id])

    def _waiting(self, number: int) -> int:
        sql = "SELECT count(*) FROM frontier WHERE round = ? AND state IN ('pending', 'leased')"
        return int(self._database.execute(sql, [number]).fetchone()[0])
