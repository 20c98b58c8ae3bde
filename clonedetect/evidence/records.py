"""The case's archive and custody log for a package: joined, read back, and cut at the right line."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clonedetect.errors import IncompleteError, VerificationError
from clonedetect.evidence.shipped.verify import WARC, Record, custody_problems, read_records
from clonedetect.models.capture import Capture, Hop, RecordRef

__all__ = ["JoinedArchive", "custody_lines", "join_archives"]

UNSEALED_ACTIONS = ("export", "seal", "verify", "notice")
"""What happens to packages, not to the case: trailing lines of this kind stay out of a package."""


@dataclass(frozen=True, slots=True)
class JoinedArchive:
    """All WARC files of a case in one: where each began, and every record in order."""

    starts: dict[str, int]
    records: tuple[Record, ...]

    def moved(self, capture: Capture) -> Capture:
        """Return `capture` with its records' places in the joined file."""
        hops = tuple(self._moved_hop(hop) for hop in capture.hops)
        return replace(capture, hops=hops, facts=self._moved_ref(capture.facts))

    def _moved_hop(self, hop: Hop) -> Hop:
        return replace(hop, request=self._moved_ref(hop.request), response=self._moved_ref(hop.response))

    def _moved_ref(self, ref: RecordRef | None) -> RecordRef | None:
        if ref is None:
            return None
        if ref.file not in self.starts:
            raise IncompleteError(
                f"{ref.record_id} is said to lie in {ref.file}, which is no archive of the case"
            )
        return replace(ref, file=WARC, offset=self.starts[ref.file] + ref.offset)


def join_archives(case_folder: Path, names: Sequence[str], target: Path) -> JoinedArchive:
    """Write the case's WARC files one after the other (RFC 1952 allows it) and read them back.

    Raises IncompleteError where a file is missing or none is named,
    VerificationError where a record is torn or does not have its digest.
    """
    if not names:
        raise IncompleteError("the case holds no archive: there is nothing to export")
    starts: dict[str, int] = {}
    with target.open("xb") as joined:
        for name in names:
            starts[name] = joined.tell()
            try:
                with (case_folder / name).open("rb") as part:
                    shutil.copyfileobj(part, joined, 1 << 20)
            except FileNotFoundError as error:
                raise IncompleteError(f"{name} is missing from the case") from error
    try:
        with target.open("rb") as stream:
            records = tuple(read_records(stream))
    except (ValueError, LookupError, zlib.error) as error:
        raise VerificationError(f"the case's archive cannot be read whole: {error}") from error
    for record in records:
        if record.problems:
            raise VerificationError(f"the case's archive was changed: {record.problems[0]}")
    return JoinedArchive(starts, records)


def custody_lines(path: Path) -> bytes:
    """Return the custody log up to the last capture, analysis or decision, its chain checked.

    Raises IncompleteError where there is none, VerificationError where a link does not hold.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError as error:
        raise IncompleteError(f"the case has no custody log: {path.name} is missing") from error
    try:
        problems = custody_problems(lines)
        while lines and str(json.loads(lines[-1])["action"]).startswith(UNSEALED_ACTIONS):
            lines.pop()
    except (ValueError, LookupError, TypeError) as error:
        raise VerificationError(f"custody.jsonl is not a custody log: {error}") from error
    if problems or not lines:
        raise VerificationError(
            f"custody.jsonl was changed: {problems[0] if problems else 'it holds no act'}"
        )
    return b"".join(lines)
