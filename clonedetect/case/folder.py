"""A case folder opened: lock, database and custody log, and the one way to write to them.

Order of writing: what the files must hold is on disk and synced, then the
custody line, then the rows in one transaction that also notes how far
custody had come. A log that has since lost lines, or is another one, is
told when the case is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from sqlite_utils import Database

from clonedetect.case import objects
from clonedetect.case.lock import CaseLock
from clonedetect.case.schema import connect
from clonedetect.errors import InputError, UsageError, VerificationError
from clonedetect.models.case import CustodyAct

__all__ = ["CaseFolder", "CustodyOpener", "CustodyWriter"]

SqlValue = str | int | float | None

_OWN_NAMES = {"archive", "objects", "custody.jsonl", "case.db", "case.db-wal", "case.db-shm", "case.lock"}


class CustodyWriter(Protocol):
    """The custody log as a case needs it; `archive.custody.CustodyLog` is one."""

    @property
    def mark(self) -> str:
        """Length, and SHA-256 of the last line, of one moment."""
        ...

    def append(self, *, time: datetime, actor: str, action: str, grant: str, subject: str) -> object:
        """Add one line, on disk when this returns."""
        ...

    def append_all(self, acts: Sequence[CustodyAct]) -> object:
        """Add a line for each act, all on disk when this returns."""
        ...

    def holds(self, action: str, subject: str) -> bool:
        """Whether there is a line of this action on this subject."""
        ...

    def head_at(self, length: int) -> str:
        """Return the head the log had at `length` lines; raises VerificationError if it never had."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


CustodyOpener = Callable[[Path, datetime], CustodyWriter]
"""What opens the log; called under the case's lock."""


class CaseFolder:
    """One case folder. `create` and `open` write, under the lock; `read` only reads, beside a writer.

    Not for use by several threads.
    """

    def __init__(
        self, folder: Path, database: Database, *, lock: CaseLock | None, custody: CustodyWriter | None
    ) -> None:
        self.folder = folder
        self.database = database
        """The open database; the frontier keeps its tables in it."""
        self._lock = lock
        self._custody = custody

    @classmethod
    def create(cls, folder: Path, case_id: str, *, custody: CustodyOpener, now: datetime, actor: str) -> Self:
        """Make a new case in `folder`, which may not exist yet or is empty, and open it for writing.

        Raises UsageError if there is a case already, other files, or no folder
        can be made; a creation that was killed is completed.
        """
        if not case_id:
            raise UsageError("a case needs an id")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made a case folder: {error.strerror}") from error
        if strangers := {path.name for path in folder.iterdir()} - _OWN_NAMES:
            raise UsageError(f"{folder} is not empty ({min(strangers)}); choose another folder for the case")
        folder.chmod(0o700)
        with ExitStack() as undo:
            database, lock, log = _take(folder, custody, now, undo, is_new=True)
            case = cls(folder, database, lock=lock, custody=log)
            if case._has_meta("case_id"):
                raise UsageError(f"{folder} holds a case already; open it, or choose another folder")
            for part in ("archive", "objects"):
                (folder / part).mkdir(mode=0o700, exist_ok=True)
            case._begin(case_id, now=now, actor=actor)
            undo.pop_all()
        return case

    @classmethod
    def open(cls, folder: Path, *, custody: CustodyOpener, now: datetime) -> Self:
        """Open the case in `folder` for writing, its custody log checked.

        Raises InputError if there is none, LockedError with the pid of another
        writer, IndexFormatError for a newer schema, VerificationError if
        custody does not hold, or has lost lines that it once had.
        """
        _require_case(folder)
        with ExitStack() as undo:
            database, lock, log = _take(folder, custody, now, undo, is_new=False)
            objects.remove_leftovers(folder)
            case = cls(folder, database, lock=lock, custody=log)
            case._check_custody()
            undo.pop_all()
        return case

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open the case in `folder` for reading only; a writer may be at work meanwhile."""
        _require_case(folder)
        return cls(folder, connect(folder / "case.db", is_read_only=True), lock=None, custody=None)

    def close(self) -> None:
        """Release files and lock."""
        self.database.close()
        if self._custody is not None:
            self._custody.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def case_id(self) -> str:
        """The case's name, as its grants say it."""
        return self._meta("case_id")

    @property
    def is_rehearsal(self) -> bool:
        """Whether any grant ever was one of development; never false again."""
        return self._meta("rehearsal") == "1"

    @property
    def custody(self) -> CustodyWriter:
        """The log; raises UsageError where the case is only read."""
        if self._custody is None:
            raise UsageError(f"{self.folder} is open for reading only")
        return self._custody

    def _begin(self, case_id: str, *, now: datetime, actor: str) -> None:
        def name() -> None:
            self._set_meta("rehearsal", "0")
            self._set_meta("case_id", case_id)

        if self.custody.holds("case_created", case_id):
            self._commit_rows(name)
        else:
            self._commit("case_created", case_id, name, now=now, actor=actor)

    def _insert(self, table: str, **values: SqlValue) -> None:
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  names are ours
        self.database.execute(sql, list(values.values()))

    def _count(self, table: str, condition: str, value: SqlValue) -> int:
        sql = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608  names are ours
        return int(self.database.execute(sql, [value]).fetchone()[0])

    def _meta(self, key: str) -> str:
        row = self.database.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        if row is None:
            raise InputError(
                f"{self.folder / 'case.db'} was never completed (no {key}); create the case again"
            )
        return str(row[0])

    def _set_meta(self, key: str, value: str) -> None:
        self.database.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", [key, value])

    def _commit(
        self,
        action: str,
        subject: str,
        change: Callable[[], None],
        *,
        now: datetime,
        actor: str,
        grant: str = "",
    ) -> None:
        """Log the act and commit `change`, both on disk when this returns."""
        self.custody.append(time=now, actor=actor, action=action, grant=grant, subject=subject)
        self.database.execute("PRAGMA synchronous=FULL")
        try:
            self._commit_rows(change)
        finally:
            self.database.execute("PRAGMA synchronous=NORMAL")

    def _commit_rows(self, change: Callable[[], None]) -> None:
        """Commit what follows from archive and frontier: a power cut may take it back, a kill cannot."""
        with self.database.atomic():
            change()
            self._set_meta("custody", self.custody.mark)

    def _has_meta(self, key: str) -> bool:
        return self._count("meta", "key = ?", key) > 0

    def _check_custody(self) -> None:
        row = self.database.execute("SELECT value FROM meta WHERE key = 'custody'").fetchone()
        if row is None:
            return
        length, head = row[0].split()
        if self.custody.head_at(int(length)) != head:
            raise VerificationError(
                f"{self.folder / 'custody.jsonl'} is not the log this case was written with"
            )


def _take(
    folder: Path, opener: CustodyOpener, now: datetime, undo: ExitStack, *, is_new: bool
) -> tuple[Database, CaseLock, CustodyWriter]:
    lock = CaseLock(folder)
    undo.callback(lock.close)
    database = connect(folder / "case.db", is_new=is_new)
    undo.callback(database.close)
    log = opener(folder / "custody.jsonl", now)
    undo.callback(log.close)
    return database, lock, log


def _require_case(folder: Path) -> None:
    if not (folder / "case.db").is_file():
        raise InputError(f"{folder} holds no case (no case.db in it)")
