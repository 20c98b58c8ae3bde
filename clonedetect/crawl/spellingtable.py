"""Which of several spellings of one page is asked: one that was linked, and others only where it fails."""

from __future__ import annotations

from sqlite_utils import Database

from clonedetect.crawl.order import SEED_PRIORITY
from clonedetect.crawl.traps import ANOTHER_SPELLING

__all__ = ["SpellingTable"]

# The first that was linked is asked, but a plain one rather than another. A plus before a column keeps
# SQLite from reading all that is pending by its index.
_YIELD_TO_PLAIN = f"""
UPDATE frontier SET state = 'skipped', reason = '{ANOTHER_SPELLING}'
WHERE +state = 'pending' AND tries = 0 AND round = 0 AND priority > {SEED_PRIORITY} AND url != spelling
AND spelling IN (SELECT spelling FROM frontier WHERE id > ? AND +state = 'pending' AND url = spelling)
"""  # noqa: S608  names are ours

_FOLD = f"""
UPDATE frontier SET state = 'skipped', reason = '{ANOTHER_SPELLING}'
WHERE id > ? AND +state = 'pending' AND priority > {SEED_PRIORITY} AND EXISTS (
  SELECT 1 FROM frontier AS other
  WHERE other.spelling = frontier.spelling AND other.purpose = frontier.purpose
  AND other.id < frontier.id AND +other.state NOT IN ('skipped', 'refused', 'failed')
)
"""  # noqa: S608  names are ours

_MOST_SPELLINGS = 3
"""Spellings of one page that are asked where the ones before did not give it."""

_NEXT = f"""
UPDATE frontier SET state = 'pending', reason = '' WHERE id = (
  SELECT min(other.id) FROM frontier AS own JOIN frontier AS other
  ON other.spelling = own.spelling AND other.purpose = own.purpose
  WHERE own.id = ? AND +other.state = 'skipped'
  AND other.reason = '{ANOTHER_SPELLING}'
  AND (SELECT count(*) FROM frontier AS asked WHERE asked.spelling = own.spelling AND asked.tries > 0)
      < {_MOST_SPELLINGS}
)
"""  # noqa: S608  names are ours


class SpellingTable:
    """The spellings of the pages of one case; callers group calls into transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fold(self, newest: int) -> None:
        """Leave out the rows after number `newest` that are other spellings of pages that are known."""
        self._database.execute(_YIELD_TO_PLAIN, [newest])
        self._database.execute(_FOLD, [newest])

    def ask_another(self, id_: int) -> None:
        """Ask for another spelling of a page that row `id_` did not give, if there is one, three in all."""
        self._database.execute(_NEXT, [id_])
