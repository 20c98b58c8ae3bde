"""How custody says that it was timestamped, or that an authority failed.

What is timestamped is one line of the log, byte for byte with its newline. Its
SHA-256 is what the next line names as `prev`, so that the timestamp binds every
line before it too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clonedetect.models.ids import Digest, digest_of
from clonedetect.timestamp.authorities import Authority

__all__ = ["FAILED", "TIMESTAMPED", "CustodyStamp", "failed_subject", "owed", "stamps_in", "time_text"]

TIMESTAMPED = "timestamped"
FAILED = "timestamp_failed"
_MAX_REASON = 300


def time_text(time: datetime) -> str:
    """Return a time as evidence writes an authority's: UTC, without zeros behind the second."""
    text = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text.rstrip('0').rstrip('.')}Z"


@dataclass(frozen=True, slots=True)
class CustodyStamp:
    """The first `length` lines existed at `time`, by the answer of `url`; `head` is the last one's SHA-256.

    `query`, `answer` and `roots` are the digests of objects.
    """

    length: int
    head: Digest
    time: str
    query: Digest
    answer: Digest
    roots: Digest
    url: str

    def __str__(self) -> str:
        """Return the subject of the custody line."""
        parts = (self.length, self.head, self.time, self.query, self.answer, self.roots, self.url)
        return " ".join(map(str, parts))

    @classmethod
    def parse(cls, subject: str) -> CustodyStamp:
        """Return what a subject says; raises ValueError for what is none."""
        length, head, time, query, answer, roots, url = subject.split(" ")
        return cls(int(length), Digest(head), time, Digest(query), Digest(answer), Digest(roots), url)


def failed_subject(length: int, line: bytes, url: str, reason: str) -> str:
    """Return the subject of the custody line for an authority that gave no timestamp."""
    return f"{length} {digest_of(line)} {url} {reason[:_MAX_REASON]}"


def stamps_in(lines: Sequence[bytes]) -> tuple[CustodyStamp, ...]:
    """Return the timestamps that a log names, in order; raises ValueError where a line says nonsense."""
    marked = (line for line in lines if b'"action":"timestamped"' in line)
    return tuple(CustodyStamp.parse(json.loads(line)["subject"]) for line in marked)


def owed(path: Path, authorities: Sequence[Authority]) -> tuple[Authority, ...]:
    """Return the authorities that have not yet timestamped the last capture of the log at `path`."""
    captured, bound = 0, dict.fromkeys((one.url for one in authorities), 0)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if b'"action":"capture"' in line:
                captured = number
            elif b'"action":"timestamped"' in line:
                stamp = CustodyStamp.parse(json.loads(line)["subject"])
                bound[stamp.url] = max(bound.get(stamp.url, 0), stamp.length)
    return tuple(one for one in authorities if bound[one.url] < captured)
