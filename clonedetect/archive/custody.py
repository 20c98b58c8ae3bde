"""Who did what, when, under which grant: an append-only, hash-linked log.

One canonical JSON line (sorted keys, no spaces, UTF-8) an act, ``{"seq",
"time", "actor", "action", "grant", "subject", "prev"}``. `seq` counts from 1;
`prev` is the SHA-256 of the previous line with its newline, 64 zeros in the
first. Changing, removing or moving a line breaks every later one; cutting
lines off the end is told by a head kept elsewhere (the case's database, the
package's seal).
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clonedetect.archive.torn import set_aside, sync_folder
from clonedetect.errors import InputError, VerificationError
from clonedetect.models.case import CustodyAct

__all__ = ["NO_LINE", "CustodyEntry", "CustodyLog", "CustodyState", "read_custody", "verify_chain"]

NO_LINE = "0" * 64
"""What the first line names as the one before."""


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One line; `grant` is a grant's id or "", `subject` what the act was done to."""

    seq: int
    time: str
    actor: str
    action: str
    grant: str
    subject: str
    prev: str


@dataclass(frozen=True, slots=True)
class CustodyState:
    """How long a log is, and the SHA-256 (hexadecimal) of its last line; 64 zeros for none."""

    length: int
    head: str


def _line_of(entry: CustodyEntry) -> bytes:
    try:
        return msgspec.json.encode(entry, order="sorted") + b"\n"
    except UnicodeEncodeError as error:
        raise InputError(
            f"custody cannot record {entry.action}: a name in it is not valid Unicode"
        ) from error


def _links(path: Path) -> Iterator[tuple[CustodyEntry, str]]:
    prev = NO_LINE
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            entry = _checked(line, number, prev, path)
            prev = hashlib.sha256(line).hexdigest()
            yield entry, prev


def _checked(line: bytes, number: int, prev: str, path: Path) -> CustodyEntry:
    try:
        entry = msgspec.json.decode(line, type=CustodyEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise VerificationError(f"{path}, line {number}: not a custody entry ({error})") from error
    if _line_of(entry) != line:
        raise VerificationError(f"{path}, line {number}: not in canonical form")
    if entry.seq != number:
        raise VerificationError(f"{path}, line {number}: its number is {entry.seq}")
    if entry.prev != prev:
        raise VerificationError(f"{path}, line {number}: it does not follow the line before it")
    return entry


def read_custody(path: Path) -> Iterator[CustodyEntry]:
    """Yield the entries of the log, each checked against the one before it.

    Raises VerificationError that names the first line that does not hold.
    """
    try:
        for entry, _ in _links(path):
            yield entry
    except OSError as error:
        raise VerificationError(f"custody log {path} cannot be read: {error}") from error


def verify_chain(path: Path) -> CustodyState:
    """Return length and head of the log after checking every link.

    Raises VerificationError that names the first line that does not hold, or
    where there is no log. An empty log has length 0: whoever expects more
    compares with a head kept elsewhere.
    """
    state = CustodyState(0, NO_LINE)
    try:
        for entry, head in _links(path):
            state = CustodyState(entry.seq, head)
    except OSError as error:
        raise VerificationError(f"custody log {path} cannot be read: {error}") from error
    return state


class CustodyLog:
    """The writing end of one log; every entry is on disk when `append` returns.

    Open it under the case's lock: one writer at a time.
    """

    def __init__(self, path: Path, state: CustodyState) -> None:
        self.path = path
        self._state = state
        self._lock = threading.Lock()
        self._stream = path.open("ab", buffering=0)

    @classmethod
    def open(cls, path: Path, now: datetime, actor: str = "clonedetect") -> CustodyLog:
        """Open the log at `path`, made if there is none, after checking its chain.

        A last line without its newline is what a kill leaves behind: it is
        moved to ``archive/torn/`` beside the log, and the log says so. Raises
        VerificationError for anything else that does not hold.
        """
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            sync_folder(path.parent)
        _cut_torn_line(path)
        log = cls(path, verify_chain(path))
        for torn in sorted(_torn_folder(path).glob(f"{path.name}.*")):
            if not log.holds("torn_custody", torn.name):
                log.append(time=now, actor=actor, action="torn_custody", grant="", subject=torn.name)
        return log

    @property
    def mark(self) -> str:
        """Length and head of one moment, as the case's database keeps them."""
        state = self._state
        return f"{state.length} {state.head}"

    @property
    def length(self) -> int:
        """Number of lines."""
        return self._state.length

    @property
    def head(self) -> str:
        """SHA-256 of the last line with its newline, 64 zeros if there is none."""
        return self._state.head

    def append(self, *, time: datetime, actor: str, action: str, grant: str, subject: str) -> CustodyEntry:
        """Add one entry and return it once it is on disk; `time` must carry its zone."""
        return self.append_all([CustodyAct(time, actor, action, grant, subject)])[0]

    def append_all(self, acts: Sequence[CustodyAct]) -> tuple[CustodyEntry, ...]:
        """Add an entry for each act, in order, and return them once all are on disk; from any thread."""
        with self._lock:
            return self._append_all(acts)

    def _append_all(self, acts: Sequence[CustodyAct]) -> tuple[CustodyEntry, ...]:
        state, lines, entries = self._state, [], []
        for act in acts:
            stamp = act.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            entry = CustodyEntry(
                state.length + 1, stamp, act.actor, act.action, act.grant, act.subject, state.head
            )
            lines.append(_line_of(entry))
            entries.append(entry)
            state = CustodyState(entry.seq, hashlib.sha256(lines[-1]).hexdigest())
        self._write(b"".join(lines))
        self._state = state
        return tuple(entries)

    def _write(self, data: bytes) -> None:
        if self._stream.closed:
            raise VerificationError(f"{self.path} took no more lines; open the case again")
        try:
            if self._stream.write(data) != len(data):
                raise OSError(errno.ENOSPC, f"{self.path} took only part of a line")
            os.fsync(self._stream.fileno())
        except OSError:
            self._stream.close()  # the next opening sets the part aside
            raise

    def last_line(self) -> tuple[int, bytes]:
        """Return number and bytes of the last line, newline included; raises VerificationError for none."""
        with self._lock:
            state, end = self._state, self.path.stat().st_size
        with self.path.open("rb") as stream:
            line, start = b"", end
            while start > 0 and b"\n" not in line[:-1]:
                size = min(start, 4096)
                start -= size
                stream.seek(start)
                line = stream.read(size) + line
        line = line[line[:-1].rfind(b"\n") + 1 :]
        if hashlib.sha256(line).hexdigest() != state.head:
            raise VerificationError(f"{self.path}: its end is not the line that was written last")
        return state.length, line

    def holds(self, action: str, subject: str) -> bool:
        """Whether the log has an entry of this `action` on this `subject`."""
        return any(e.action == action and e.subject == subject for e in read_custody(self.path))

    def head_at(self, length: int) -> str:
        """Return the head the log had when it was `length` lines long.

        Raises VerificationError if it never was.
        """
        if length == 0:
            return NO_LINE
        for entry, head in _links(self.path):
            if entry.seq == length:
                return head
        raise VerificationError(
            f"{self.path} has {self.length} lines and once had {length}: lines were removed"
        )

    def close(self) -> None:
        """Release the file."""
        self._stream.close()


def _cut_torn_line(path: Path) -> None:
    """Move an unfinished last line aside."""
    with path.open("r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        start, tail = end, b""
        while start > 0 and b"\n" not in tail:
            start = max(0, start - 4096)
            stream.seek(start)
            tail = stream.read(end - start)
        torn = tail[tail.rfind(b"\n") + 1 :]
        if torn:
            set_aside(_torn_folder(path), f"{path.name}.{end - len(torn)}", torn)
            stream.truncate(end - len(torn))
            stream.flush()
            os.fsync(stream.fileno())


def _torn_folder(path: Path) -> Path:
    archive = path.parent / "archive"
    archive.mkdir(mode=0o700, exist_ok=True)
    return archive / "torn"
