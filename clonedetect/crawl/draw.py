"""Which of equal pages come first where a cap keeps a crawl from all it knows: a draw by a recorded seed."""

from __future__ import annotations

from sqlite_utils import Database

from clonedetect.models.sample import order_of

__all__ = ["Draw"]

_STEP = 3
"""How many pages the budget may lose to a page and its repetitions, beside those that became known."""

_WHILE_DRAWING = 64
"""Pages after which it is seen whether the rest can be asked after all; until then they keep their places."""

_WAITING = "state = 'pending' AND purpose IN ('page', 'api')"


class Draw:
    """Gives waiting pages places in the draw while there are more of them than may be asked.

    Without a seed nothing is drawn; pages of one priority then keep the order
    in which they were found, and so they do where the budget is enough.
    """

    def __init__(self, database: Database, seed: str) -> None:
        self._database = database
        self._seed = seed
        self._is_on: bool | None = None
        self._quiet = 0

    def place(self, url: str) -> int:
        """Return the place of a page that becomes known now: 60 bits while there is a draw, else 0."""
        return self._bits(url) if self._is_on else 0

    def mind_budget(self, pages_left: int, *, grown: int | None = None) -> None:
        """Begin or end the draw as `pages_left` demands; pages that wait are placed at once.

        `grown` is how many rows became known since the last time: while they
        cannot have used up what was left over, nothing is counted. Without it all is.
        """
        self._quiet -= _STEP + (self._quiet if grown is None else grown)
        if self._quiet > 0:
            return
        left = max(0, pages_left)
        waiting = self._waiting(left + 1)
        is_on = bool(self._seed) and waiting > left
        self._quiet = _WHILE_DRAWING if is_on else left - waiting
        if is_on == self._is_on:
            return
        self._is_on = is_on
        with self._database.atomic():
            if not is_on:
                sql = f"UPDATE frontier SET draw = 0 WHERE {_WAITING} AND draw != 0"  # noqa: S608  ours
                self._database.execute(sql)
                return
            sql = f"SELECT url, id FROM frontier WHERE {_WAITING}"  # noqa: S608  ours
            places = [(self._bits(url), id_) for url, id_ in self._database.execute(sql)]
            self._database.conn.executemany("UPDATE frontier SET draw = ? WHERE id = ?", places)

    def _waiting(self, most: int) -> int:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM frontier WHERE {_WAITING} LIMIT ?)"  # noqa: S608  ours
        return int(self._database.execute(sql, [most]).fetchone()[0])

    def _bits(self, url: str) -> int:
        return int(order_of(self._seed, url)[:15], 16)
