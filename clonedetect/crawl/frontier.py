"""The queue of known URLs, in the tables of the case's database: resumable at any moment.

States: ``pending`` (to be asked), ``leased`` (a worker asks), ``captured``
(asked and recorded; its links are still to be read), ``done``, ``refused``
(by the grant, robots.txt or the address guard), ``parked`` (its host sent us
away for longer than we wait), ``skipped`` (known, deliberately not asked;
the reason says why), ``failed`` (a defect of ours stopped it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sqlite_utils import Database

from clonedetect.crawl.draw import Draw
from clonedetect.crawl.order import SEED_PRIORITY, Worth, priority_of
from clonedetect.crawl.shapes import shape_of
from clonedetect.crawl.shapetable import ShapeTable
from clonedetect.crawl.spelling import spelling_of
from clonedetect.crawl.spellingtable import SpellingTable
from clonedetect.crawl.traps import ANOTHER_SPELLING, TRAP
from clonedetect.models.capture import Purpose

__all__ = ["Entry", "Frontier", "NewEntry", "State"]


class State(StrEnum):
    """Where one known URL stands."""

    PENDING = "pending"
    LEASED = "leased"
    CAPTURED = "captured"
    DONE = "done"
    REFUSED = "refused"
    PARKED = "parked"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A URL to be known, in normal form; smaller `priority` comes first."""

    url: str
    purpose: Purpose
    host: str
    depth: int = 0
    priority: int = 0
    parent: str | None = None
    state: State = State.PENDING
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One leased row; `tries` is how often it was captured before, in this `round` (0: the first look)."""

    id: int
    url: str
    purpose: Purpose
    host: str
    depth: int
    parent: str | None
    tries: int
    round: int = 0


_PAGES = (Purpose.PAGE, Purpose.API)
_SEEN = ("", "ok", "not_modified")
_NEVER = 1 << 31
"""Deeper than anything: whatever stands there, its links are still to be read."""

_COLUMNS = "id, url, purpose, host, depth, parent, tries, round"

# A URL met again nearer to a seed may be asked after all, or its links may be followed further. They are
# read again from what was recorded, so that the set of pages does not depend on the order of answers.
_INSERT = """
INSERT INTO frontier
  (url, purpose, host, priority, depth, parent, state, reason, draw, shape, spelling,
   lease_until, not_before, tries)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)
"""

# A trap is one however near it lies, but for the operator who names it; what a sitemap named and a page
# links to is worth what that link is.
_REOPENS = (
    f"state = 'skipped' AND (excluded.priority = {SEED_PRIORITY} OR (excluded.depth < frontier.depth "
    f"AND reason NOT LIKE '{TRAP}%' AND reason != '{ANOTHER_SPELLING}'))"
)
_BY_SITEMAP = priority_of(Worth.SITEMAP, 0)

_ENQUEUE = f"""{_INSERT}
ON CONFLICT (url, purpose) DO UPDATE SET
  depth = min(frontier.depth, excluded.depth), parent = excluded.parent, priority = excluded.priority,
  reason = CASE WHEN {_REOPENS} THEN excluded.reason ELSE reason END,
  state = CASE WHEN {_REOPENS} THEN excluded.state
               WHEN excluded.depth < frontier.depth AND state = 'done' AND purpose IN ('page', 'api')
               THEN 'captured'
               ELSE state END
WHERE excluded.depth < frontier.depth
   OR (frontier.priority >= {_BY_SITEMAP} AND excluded.priority < {_BY_SITEMAP})
"""

_NEXT = """
SELECT id, url, purpose, host, depth, parent, tries, round FROM frontier
WHERE state = 'pending' AND host = ? AND not_before <= ? {media}
ORDER BY priority, draw, id LIMIT ?
"""

_DUE = "SELECT min(not_before) FROM frontier WHERE state = 'pending' AND host = ? {media}"

_PENDING_HOSTS = """
WITH RECURSIVE hosts (host) AS (
  SELECT min(host) FROM frontier WHERE state = 'pending'
  UNION ALL
  SELECT (SELECT min(host) FROM frontier WHERE state = 'pending' AND host > hosts.host)
  FROM hosts WHERE host IS NOT NULL
) SELECT host FROM hosts WHERE host IS NOT NULL
"""


class Frontier:
    """The queue of one case; unique by (normal URL, purpose).

    Times are seconds since the epoch. Callers group calls into transactions;
    each call alone is one.
    """

    def __init__(self, database: Database, *, draw_seed: str = "") -> None:
        self._database = database
        self.draw = Draw(database, draw_seed)
        self.shapes = ShapeTable(database)
        self.spellings = SpellingTable(database)

    def enqueue(self, entries: Iterable[NewEntry]) -> None:
        """Make URLs known; one that is known changes only if it is nearer to a seed now."""
        with self.transaction():
            self._database.conn.executemany(_ENQUEUE, [self._row(entry) for entry in entries])

    def enqueue_unknown(self, entries: Iterable[NewEntry]) -> None:
        """Make URLs known that are not; nothing changes of one that is."""
        sql = f"{_INSERT} ON CONFLICT DO NOTHING"
        with self.transaction():
            self._database.conn.executemany(sql, [self._row(entry) for entry in entries])

    def _row(self, e: NewEntry) -> tuple[str | int | None, ...]:
        draw, shape, spelling = 0, None, None
        if e.purpose in _PAGES:
            draw = self.draw.place(e.url)
            shape, spelling = shape_of(e.url), spelling_of(e.url)
        told = (e.url, e.purpose.value, e.host, e.priority, e.depth, e.parent, e.state.value, e.reason)
        return (*told, draw, shape, spelling)

    def newest(self) -> int:
        """Return the number of the row that became known last, 0 where there is none."""
        return int(self._database.execute("SELECT coalesce(max(id), 0) FROM frontier").fetchone()[0])

    def sitemaps(self, host: str) -> int:
        """Return how many sitemaps of `host` are known."""
        sql = "SELECT count(*) FROM frontier WHERE host = ? AND purpose = 'sitemap'"
        return int(self._database.execute(sql, [host]).fetchone()[0])

    def page_of_each_host(self) -> tuple[str, ...]:
        """Return one page that was asked of every host."""
        sql = "SELECT min(url) FROM frontier WHERE purpose = 'page' AND tries > 0 GROUP BY host"
        return tuple(url for (url,) in self._database.execute(sql))

    def media_since(self, id_: int) -> int:
        """Return how many pictures and videos became known after that row."""
        sql = "SELECT count(*) FROM frontier WHERE id > ? AND purpose = 'media'"
        return int(self._database.execute(sql, [id_]).fetchone()[0])

    def lease(
        self, host: str, now: float, until: float, *, limit: int = 1, only_media: bool = False
    ) -> tuple[Entry, ...]:
        """Claim the next URLs of `host` that are due, at most `limit`, until then; empty if none is due."""
        with self.transaction():
            rows = self._database.conn.execute(
                _NEXT.format(media=_media(only_media)), (host, now, limit)
            ).fetchall()
            if rows:
                marks = ", ".join("?" for _ in rows)
                sql = f"UPDATE frontier SET state = 'leased', lease_until = ? WHERE id IN ({marks})"  # noqa: S608  ours
                self._database.conn.execute(sql, (until, *(row[0] for row in rows)))
        return tuple(map(_entry, rows))

    def complete(self, ids: Iterable[int], reason: str = "") -> None:
        """Close rows for good."""
        with self._database.atomic():
            self._database.conn.executemany(
                "UPDATE frontier SET state = 'done', reason = ? WHERE id = ?", [(reason, id_) for id_ in ids]
            )

    def capture(self, id_: int, state: State, *, not_before: float = 0, reason: str = "") -> None:
        """Note that a URL was captured once more, and where it stands now."""
        sql = "UPDATE frontier SET tries = tries + 1, state = ?, not_before = ?, reason = ? WHERE id = ?"
        self._database.conn.execute(sql, (state.value, not_before, reason, id_))
        self.shapes.count(id_)
        if state is State.DONE and reason not in _SEEN:
            self.spellings.ask_another(id_)

    def capture_page(self, id_: int, *, read_at: int | None, reason: str = "") -> None:
        """Note that a page was captured whose links were followed as of depth `read_at` (None: not yet).

        They are read again if it has been met nearer to a seed meanwhile.
        """
        sql = (
            "UPDATE frontier SET tries = tries + 1, not_before = 0, reason = ?,"
            " state = CASE WHEN depth < ? THEN 'captured' ELSE 'done' END WHERE id = ?"
        )
        depth = _NEVER if read_at is None else read_at
        self._database.conn.execute(sql, (reason, depth, id_))
        self.shapes.count(id_)

    def fail(self, id_: int, state: State, reason: str) -> None:
        """Close a row without a capture: ``refused``, ``failed`` or ``skipped``, and why."""
        self._database.execute(
            "UPDATE frontier SET state = ?, reason = ? WHERE id = ?", [state.value, reason, id_]
        )
        self.spellings.ask_another(id_)

    def release(self, id_: int, *, not_before: float = 0) -> None:
        """Give a lease back unused, to be due again from then on."""
        sql = "UPDATE frontier SET state = 'pending', not_before = ? WHERE id = ? AND state = 'leased'"
        self._database.execute(sql, [not_before, id_])

    def revive(self, url: str, purpose: Purpose) -> None:
        """Make a closed URL due again, as if it had never been asked; unknown ones are ignored."""
        sql = (
            "UPDATE frontier SET state = 'pending', not_before = 0, tries = 0, reason = '' "
            "WHERE url = ? AND purpose = ? AND state IN ('done', 'refused', 'failed')"
        )
        self._database.execute(sql, [url, purpose.value])

    def find(self, url: str, purpose: Purpose) -> Entry | None:
        """Return the row of a URL, or None if it was never known."""
        sql = f"SELECT {_COLUMNS} FROM frontier WHERE url = ? AND purpose = ?"  # noqa: S608  names are ours
        return self._one(sql, [url, purpose.value])

    def state_of(self, id_: int) -> tuple[State, int]:
        """Return state and depth of a row as they stand now."""
        state, depth = self._database.execute(
            "SELECT state, depth FROM frontier WHERE id = ?", [id_]
        ).fetchone()
        return State(state), depth

    def captured(self, limit: int) -> tuple[Entry, ...]:
        """Return rows whose links are still to be read."""
        sql = f"SELECT {_COLUMNS} FROM frontier WHERE state = 'captured' ORDER BY id LIMIT ?"  # noqa: S608  ours
        return tuple(_entry(row) for row in self._database.execute(sql, [limit]))

    def pending_hosts(self) -> tuple[str, ...]:
        """Return the hosts with pending URLs, without scanning them all."""
        return tuple(host for (host,) in self._database.execute(_PENDING_HOSTS))

    def next_due(self, host: str, *, only_media: bool = False) -> float | None:
        """Return when the next pending URL of `host` is due, or None if it has none."""
        (due,) = self._database.execute(_DUE.format(media=_media(only_media)), [host]).fetchone()
        return None if due is None else float(due)

    def skip_pages(self, host: str, reason: str) -> None:
        """Ask for no more pages of `host`; its pictures stay pending, what was seen once stays done."""
        sql = (
            "UPDATE frontier SET state = CASE WHEN round = 0 THEN 'skipped' ELSE 'done' END, reason = ? "
            "WHERE state = 'pending' AND host = ? AND purpose IN ('page', 'api')"
        )
        self._database.execute(sql, [reason, host])

    def park(self, host: str, until: float, reason: str) -> None:
        """Set all pending URLs of `host` aside; a run after `until` takes them up again."""
        sql = (
            "UPDATE frontier SET state = 'parked', not_before = ?, reason = ? "
            "WHERE state = 'pending' AND host = ?"
        )
        self._database.execute(sql, [until, reason, host])

    def pause(self, host: str, until: float, reason: str) -> None:
        """Remember, over runs, until when `host` asked us to wait."""
        sql = "INSERT OR REPLACE INTO host_pauses (host, until, reason) VALUES (?, ?, ?)"
        self._database.execute(sql, [host, until, reason])

    def pauses(self, now: float) -> tuple[tuple[str, float], ...]:
        """Return hosts that still asked us to wait, and until when."""
        sql = "SELECT host, until FROM host_pauses WHERE until > ? ORDER BY host"
        return tuple((host, float(until)) for host, until in self._database.execute(sql, [now]))

    def recover(self, now: float, *, is_only_writer: bool) -> None:
        """Return to pending what an earlier run left: leases, refusals, and parked URLs whose time has come.

        Leases return when expired, and all of them for the only writer. What
        was refused is put to the grant again: it may be another one.
        """
        with self._database.atomic():
            sql = "UPDATE frontier SET state = 'pending' WHERE state = 'leased' AND (? OR lease_until <= ?)"
            self._database.execute(sql, [is_only_writer, now])
            sql = (
                "UPDATE frontier SET state = 'pending', not_before = 0, reason = '' "
                "WHERE state = 'refused' OR (state = 'parked' AND not_before <= ?)"
            )
            self._database.execute(sql, [now])
            self._shape_older()

    def _shape_older(self) -> None:
        """Give shape and spelling to pages of a case from before there were any."""
        sql = "SELECT id, url FROM frontier WHERE shape IS NULL AND purpose IN ('page', 'api')"
        rows = [(shape_of(url), spelling_of(url), id_) for id_, url in self._database.execute(sql)]
        if rows:
            sql = "UPDATE frontier SET shape = ?, spelling = ? WHERE id = ?"
            self._database.conn.executemany(sql, rows)

    def explain_pending(self, reason: str) -> None:
        """Say of everything that is still pending why it was not asked."""
        self._database.execute("UPDATE frontier SET reason = ? WHERE state = 'pending'", [reason])

    def counts(self) -> dict[State, int]:
        """Return how many URLs stand where."""
        rows = self._database.execute("SELECT state, count(*) FROM frontier GROUP BY state")
        return {State(state): number for state, number in rows}

    def unvisited(self) -> int:
        """Return how many URLs are known and were never asked."""
        sql = (
            "SELECT count(*) FROM frontier WHERE tries = 0 AND round = 0 "
            "AND state IN ('pending', 'leased', 'parked', 'skipped', 'failed')"
        )
        return int(self._database.execute(sql).fetchone()[0])

    def icon_parents(self) -> tuple[str, ...]:
        """Return the pages whose origins' icons are known already."""
        sql = "SELECT DISTINCT parent FROM frontier WHERE purpose = 'favicon' AND parent IS NOT NULL"
        return tuple(parent for (parent,) in self._database.execute(sql))

    def host_counts(self) -> dict[str, tuple[int, int]]:
        """Return pending URLs and captured pages of every host."""
        sql = (
            "SELECT host, sum(state = 'pending'), sum(tries > 0 AND purpose IN ('page', 'api')) "
            "FROM frontier GROUP BY host"
        )
        return {host: (pending, pages) for host, pending, pages in self._database.execute(sql)}

    def backlogs(self, *, only_media: bool = False) -> dict[str, tuple[int, int]]:
        """Return pending and parked URLs of every host that has any; all are counted by an index alone."""
        sql = (
            "SELECT state, host, count(*) FROM frontier WHERE state IN ('pending', 'parked') "  # noqa: S608  ours
            f"{_media(only_media)}GROUP BY state, host"
        )
        found: dict[str, tuple[int, int]] = {}
        for state, host, number in self._database.execute(sql):
            pending, parked = found.get(host, (0, 0))
            found[host] = (pending + number, parked) if state == "pending" else (pending, parked + number)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the caller's transaction, or one of our own."""
        if self._database.conn.in_transaction:
            yield
            return
        with self._database.atomic():
            yield

    def _one(self, sql: str, values: list[str | float]) -> Entry | None:
        row = self._database.conn.execute(sql, values).fetchone()
        return None if row is None else _entry(row)


def _media(only_media: bool) -> str:
    return "AND purpose IN ('media', 'favicon') " if only_media else ""


def _entry(row: tuple[int, str, str, str, int, str | None, int, int]) -> Entry:
    return Entry(row[0], row[1], Purpose(row[2]), row[3], row[4], row[5], row[6], row[7])
