"""What the case knows of each shape of pages: their worth, how many were asked, whether enough were."""

from __future__ import annotations

from sqlite_utils import Database

from clonedetect.crawl.order import SEED_PRIORITY, Worth, priority_of, worth_of

__all__ = ["ShapeTable"]

_COUNT = """
INSERT INTO shapes (host, shape, worth, asked, closed)
SELECT host, shape, ?, 1, '' FROM frontier WHERE id = ? AND shape IS NOT NULL
ON CONFLICT (host, shape) DO UPDATE SET asked = asked + 1
"""

_LEARN = """
INSERT INTO shapes (host, shape, worth, asked, closed) VALUES (?, ?, ?, 0, '')
ON CONFLICT (host, shape) DO UPDATE SET worth = excluded.worth WHERE excluded.worth < shapes.worth
"""

_CLOSE = """
INSERT INTO shapes (host, shape, worth, asked, closed) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (host, shape) DO UPDATE SET closed = excluded.closed
"""

# What the operator named is asked whatever its shape; a second look asks again what was asked once.
_SKIP = """
UPDATE frontier SET state = 'skipped', reason = ?
WHERE state = 'pending' AND round = 0 AND host = ? AND shape = ? AND priority > ?
"""

_SKIP_PATH = """
UPDATE frontier SET state = 'skipped', reason = ?
WHERE +state = 'pending' AND round = 0 AND host = ? AND url >= ? AND url < ? AND priority > ?
"""

_CONFIRMED = """
SELECT DISTINCT frontier.host, frontier.shape FROM verdicts JOIN frontier ON frontier.url = verdicts.page_url
WHERE verdicts.standing AND frontier.shape IS NOT NULL
AND json_extract(verdicts.record, '$.verdict') = 'confirmed'
"""


_HOSTS_IN_MEMORY = 256


class ShapeTable:
    """The shapes of one case, by host; callers group calls into transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, dict[str, tuple[Worth, str]]] = {}

    def count(self, id_: int) -> None:
        """Note that a page of the shape of row `id_` was asked; what is no page is ignored."""
        self._database.execute(_COUNT, [int(Worth.UNKNOWN), id_])

    def is_full(self, host: str, shape: str, cap: int) -> bool:
        """Whether so many pages of a shape were asked, in the round that runs, and it is still open."""
        sql = "SELECT 1 FROM shapes WHERE host = ? AND shape = ? AND asked >= ? AND closed = ''"
        return self._database.execute(sql, [host, shape, cap]).fetchone() is not None

    def known(self, host: str) -> dict[str, tuple[Worth, str]]:
        """Return, by shape or closed path, what was learned, and why no more are asked ("": they are)."""
        if host not in self._known:
            while len(self._known) >= _HOSTS_IN_MEMORY:
                del self._known[next(iter(self._known))]
            sql = "SELECT shape, worth, closed FROM shapes WHERE host = ? AND (worth != ? OR closed != '')"
            told = self._database.execute(sql, [host, int(Worth.UNKNOWN)])
            self._known[host] = {shape: (Worth(worth), closed) for shape, worth, closed in told}
        return self._known[host]

    def learn(self, host: str, shape: str, worth: Worth) -> None:
        """Note what pages of a shape showed, and move its waiting siblings forward."""
        changed = self._database.execute(_LEARN, [host, shape, int(worth)]).rowcount > 0
        if changed:
            self._note(host, shape, worth=worth)
            expected = worth_of(shape, worth)
            sql = (
                "UPDATE frontier SET priority = ? + min(max(depth, 0), 99) "
                "WHERE state = 'pending' AND host = ? AND shape = ? AND priority > ? AND priority < ?"
            )
            sitemap = priority_of(Worth.SITEMAP, 0)
            self._database.execute(sql, [priority_of(expected, 0), host, shape, SEED_PRIORITY, sitemap])

    def addresses(self, parent: str, placeholder: str, limit: int) -> tuple[str, ...]:
        """Return linked pages whose shape has `placeholder`, of the host of `parent`, oldest first."""
        sql = (
            "SELECT url FROM frontier WHERE host = (SELECT host FROM frontier WHERE url = ? LIMIT 1) "
            "AND shape IS NOT NULL AND instr(shape, ?) > 0 AND purpose = 'page' ORDER BY id LIMIT ?"
        )
        return tuple(url for (url,) in self._database.execute(sql, [parent, placeholder, limit]))

    def beginnings(self, host: str, reason: str) -> tuple[str, ...]:
        """Return the API addresses of a host that are known as beginnings, left out for `reason`."""
        sql = (
            "SELECT url FROM frontier WHERE host = ? AND shape IS NOT NULL AND purpose = 'api' "
            "AND +state = 'skipped' AND reason = ? ORDER BY id"
        )
        return tuple(url for (url,) in self._database.execute(sql, [host, reason]))

    def learn_verdicts(self) -> None:
        """Learn from the standing verdicts of earlier analyses which shapes were confirmed."""
        for host, shape in self._database.execute(_CONFIRMED).fetchall():
            self.learn(host, shape, Worth.CONFIRMED)

    def close(self, host: str, shape: str, reason: str) -> None:
        """Ask for no more pages of a shape; those that wait are left out for `reason`, seeds excepted."""
        self._note(host, shape, closed=reason)
        self._database.execute(_CLOSE, [host, shape, int(Worth.UNKNOWN), reason])
        self._database.execute(_SKIP, [reason, host, shape, SEED_PRIORITY])

    def close_path(self, host: str, address: str, reason: str) -> None:
        """Ask for no more queries of one path; `address` is a URL up to its question mark."""
        self._note(host, address, closed=reason)
        self._database.execute(_CLOSE, [host, address, int(Worth.UNKNOWN), reason])
        within = [f"{address}?", f"{address}@"]  # in code points the one follows the other
        self._database.execute(_SKIP_PATH, [reason, host, *within, SEED_PRIORITY])

    def _note(self, host: str, shape: str, *, worth: Worth | None = None, closed: str | None = None) -> None:
        """Have what is in memory say what the table will say."""
        known = self._known.get(host)
        if known is not None:
            before = known.get(shape, (Worth.UNKNOWN, ""))
            known[shape] = (before[0] if worth is None else worth, before[1] if closed is None else closed)

    def fullest(self, at_least: int) -> tuple[tuple[str, str], ...]:
        """Return the open shapes of which so many pages or more were asked."""
        sql = "SELECT host, shape FROM shapes WHERE asked >= ? AND closed = ''"
        return tuple((host, shape) for host, shape in self._database.execute(sql, [at_least]))
