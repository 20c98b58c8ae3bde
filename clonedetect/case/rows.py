"""Reading a case: its records as values, in the order they were made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlite_utils import Database

from clonedetect.case.schema import STEPS, schema_of
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Capture, Purpose, RefusalRecord
from clonedetect.models.case import (
    Analysis,
    CaseContents,
    Decision,
    GrantFile,
    HostPause,
    NotVisited,
    ReferenceCopy,
)
from clonedetect.models.clock import ClockReading
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.match import Finding
from clonedetect.models.sample import PageDraw, Sample
from clonedetect.models.supplied import SuppliedFile
from clonedetect.models.trait import Trait
from clonedetect.models.verdict import PageVerdict

__all__ = [
    "Usage",
    "captures",
    "decode",
    "encode",
    "find_capture",
    "latest_capture",
    "latest_seen",
    "read_contents",
    "usage_of",
]

T = TypeVar("T")

_SAMPLES_SINCE = 3
"""The schema that added samples: an older case, opened for reading, has none."""

_TRAITS_SINCE = 1 + [name for name, _ in STEPS].index("trait tables")
"""The schema that added traits of operators: an older case, opened for reading, has none."""

_ROUNDS_SINCE = 1 + [name for name, _ in STEPS].index("frontier order")
"""The schema that added second looks and draws of pages."""

QUEUED = "known, and not asked for when the run ended"

_OWN = "json_extract(record, '$.origin') IS NULL"
"""Holds of what this program fetched; what was supplied was not asked for, and costs no host anything."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What all runs under one grant have used; pages are captures of pages and API answers."""

    pages: int
    wire_bytes: int
    run_time_s: float


def encode(record: object) -> str:
    """Return `record` as JSON with sorted keys."""
    return msgspec.json.encode(record, order="sorted").decode()


def decode(text: str, kind: type[T], where: str) -> T:
    """Return the value of one row; raises VerificationError for a row that is none."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise VerificationError(f"a row of {where} in the case database is damaged: {error}") from error


def _rows(database: Database, kind: type[T], table: str, rest: str = "ORDER BY rowid") -> Iterator[T]:
    sql = f"SELECT record FROM {table} {rest}"  # noqa: S608  names are ours
    for (record,) in database.execute(sql):
        yield decode(record, kind, table)


def captures(database: Database) -> Iterator[Capture]:
    """Yield every capture, oldest first."""
    yield from _rows(database, Capture, "captures")


def grants(database: Database) -> Iterator[GrantFile]:
    """Yield every grant in the order of acceptance."""
    yield from _rows(database, GrantFile, "grants")


def findings(database: Database) -> Iterator[Finding]:
    """Yield the findings that stand."""
    yield from _rows(database, Finding, "findings", "WHERE standing ORDER BY page_url, seq")


def judged_by(database: Database) -> tuple[tuple[str, int], ...]:
    """Return which analysis made each finding that stands."""
    rows = database.execute("SELECT finding_id, analysis_id FROM findings WHERE standing ORDER BY finding_id")
    return tuple((finding_id, analysis_id) for finding_id, analysis_id in rows)


def verdicts(database: Database) -> Iterator[PageVerdict]:
    """Yield the verdicts that stand, by page."""
    yield from _rows(database, PageVerdict, "verdicts", "WHERE standing ORDER BY page_url")


def decisions(database: Database) -> Iterator[Decision]:
    """Yield every decision, oldest first."""
    yield from _rows(database, Decision, "decisions")


def analyses(database: Database) -> Iterator[Analysis]:
    """Yield every run of the analysis, oldest first."""
    yield from _rows(database, Analysis, "analyses")


def sample(database: Database) -> Sample | None:
    """Return the sample that the case's addresses were drawn by, None where none was drawn."""
    if schema_of(database) < _SAMPLES_SINCE:
        return None
    return next(_rows(database, Sample, "samples"), None)


def page_draw(database: Database) -> PageDraw | None:
    """Return how pages were chosen when a cap was last met, None if none ever was."""
    if schema_of(database) < _ROUNDS_SINCE:
        return None
    return next(_rows(database, PageDraw, "page_draws", "ORDER BY seq DESC LIMIT 1"), None)


def pages_by_priority(database: Database) -> tuple[tuple[int, int, int], ...]:
    """Return (priority, asked, known) pages; known are those asked and those a wider cap would add."""
    again = "OR round > 0" if schema_of(database) >= _ROUNDS_SINCE else ""
    sql = (
        f"SELECT priority, sum(tries > 0 {again}), count(*) FROM frontier "  # noqa: S608  names are ours
        f"WHERE purpose IN ('page', 'api') "
        f"AND (tries > 0 {again} OR state IN ('pending', 'leased', 'parked')) "
        "GROUP BY priority ORDER BY priority"
    )
    return tuple((priority, asked, known) for priority, asked, known in database.execute(sql))


def known_pages(database: Database) -> Iterator[str]:
    """Yield the addresses that `pages_by_priority` counts as known, by code point, each once."""
    sql = (
        "SELECT DISTINCT url FROM frontier WHERE purpose IN ('page', 'api') "
        "AND (tries > 0 OR round > 0 OR state IN ('pending', 'leased', 'parked')) ORDER BY url"
    )
    for (url,) in database.execute(sql):
        yield url


def clock_readings(database: Database) -> tuple[ClockReading, ...]:
    """Return what was noted of the machine's clock, oldest first; nothing where that was not noted yet."""
    if not database.table("clock_readings").exists():
        return ()
    return tuple(_rows(database, ClockReading, "clock_readings"))


def supplied(database: Database) -> Iterator[SuppliedFile]:
    """Yield the files that were handed over; none in a case from before there were any."""
    if database.table("supplied_files").exists():
        yield from _rows(database, SuppliedFile, "supplied_files", "ORDER BY digest")


def traits(database: Database) -> Iterator[Trait]:
    """Yield the operator traits that stand, by site."""
    if schema_of(database) >= _TRAITS_SINCE:
        yield from _rows(database, Trait, "traits", "WHERE standing ORDER BY site, seq")


def refusals(database: Database) -> Iterator[RefusalRecord]:
    """Yield every refusal, oldest first."""
    yield from _rows(database, RefusalRecord, "refusals")


def not_visited(database: Database) -> Iterator[NotVisited]:
    """Yield every URL that was known and never asked, and why."""
    first_look = "AND round = 0" if schema_of(database) >= _ROUNDS_SINCE else ""
    sql = (
        f"SELECT url, reason FROM frontier WHERE tries = 0 {first_look} AND state IN "  # noqa: S608  ours
        "('pending', 'leased', 'parked', 'skipped', 'failed') ORDER BY id"
    )
    for url, reason in database.execute(sql):
        yield NotVisited(url, reason or QUEUED)


def pauses(database: Database) -> Iterator[HostPause]:
    """Yield until when hosts asked us not to come."""
    for host, until in database.execute("SELECT host, until FROM host_pauses ORDER BY host"):
        yield HostPause(host, datetime.fromtimestamp(until, UTC))


def references(database: Database) -> Iterator[ReferenceCopy]:
    """Yield the newest copy of each reference that a standing finding's item has."""
    yield from _rows(
        database,
        ReferenceCopy,
        "reference_copies",
        "WHERE seq IN (SELECT max(seq) FROM reference_copies GROUP BY item_id, media_key) "
        "AND item_id IN (SELECT json_extract(record, '$.match.item_id') FROM findings WHERE standing) "
        "ORDER BY item_id, media_key",
    )


def find_capture(database: Database, record_id: RecordId) -> Capture:
    """Return the capture whose last response is `record_id`; raises VerificationError if there is none."""
    row = database.execute("SELECT record FROM captures WHERE record_id = ?", [record_id]).fetchone()
    if row is None:
        raise VerificationError(f"the case has no capture of record {record_id}")
    return decode(row[0], Capture, "captures")


def latest_capture(database: Database, url: str, purpose: Purpose) -> Capture | None:
    """Return the newest capture of our own of `url` for `purpose`, or None if it was never asked."""
    sql = (
        f"SELECT record FROM captures WHERE url = ? AND purpose = ? AND {_OWN} "  # noqa: S608  ours
        "ORDER BY seq DESC LIMIT 1"
    )
    row = database.execute(sql, [url, purpose.value]).fetchone()
    return None if row is None else decode(row[0], Capture, "captures")


def latest_seen(database: Database, url: str, purpose: Purpose) -> Capture | None:
    """Return the newest capture of `url` that was received whole, or None if there is none."""
    sql = (
        f"SELECT record FROM captures WHERE url = ? AND purpose = ? AND outcome = 'ok' AND {_OWN} "  # noqa: S608  ours
        "ORDER BY seq DESC LIMIT 1"
    )
    row = database.execute(sql, [url, purpose.value]).fetchone()
    return None if row is None else decode(row[0], Capture, "captures")


def captures_of_body(database: Database, payload_digest: Digest, limit: int) -> Iterator[Capture]:
    """Yield captures whose last response had this body, oldest first."""
    sql = (
        "SELECT record FROM captures WHERE json_extract(record, '$.payload_digest') = ? "  # noqa: S608  ours
        f"AND record_id IS NOT NULL AND {_OWN} ORDER BY seq LIMIT ?"
    )
    for (record,) in database.execute(sql, [payload_digest, limit]):
        yield decode(record, Capture, "captures")


def usage_of(database: Database, grant_id: str) -> Usage:
    """Return what all runs under the grant have used so far."""
    sums = "coalesce(sum(purpose IN ('page', 'api')), 0), coalesce(sum(wire_size), 0)"
    sql = f"SELECT {sums} FROM captures WHERE grant_id = ? AND {_OWN}"  # noqa: S608  ours
    pages, wire_bytes = database.execute(sql, [grant_id]).fetchone()
    sql = "SELECT coalesce(sum(last_at - started_at), 0) FROM runs WHERE grant_id = ?"
    (run_time,) = database.execute(sql, [grant_id]).fetchone()
    return Usage(pages, wire_bytes, float(run_time))


def read_contents(database: Database, folder: Path, case_id: str, *, is_rehearsal: bool) -> CaseContents:
    """Return everything of the case as of one moment, whoever writes meanwhile."""
    with database.atomic():
        pages = pages_by_priority(database)
        return CaseContents(
            case_id=case_id,
            is_rehearsal=is_rehearsal,
            grants=tuple(grants(database)),
            captures=tuple(captures(database)),
            refusals=tuple(refusals(database)),
            not_visited=tuple(not_visited(database)),
            analyses=tuple(analyses(database)),
            verdicts=tuple(verdicts(database)),
            findings=tuple(findings(database)),
            references=tuple(references(database)),
            decisions=tuple(decisions(database)),
            archive_files=tuple(f"archive/{p.name}" for p in sorted((folder / "archive").glob("*.warc.gz"))),
            judged_by=judged_by(database),
            sample=sample(database),
            pages_asked=sum(asked for _, asked, _ in pages),
            pages_known=sum(known for *_, known in pages),
            page_draw=page_draw(database),
            clock=clock_readings(database),
            supplied=tuple(supplied(database)),
            traits=tuple(traits(database)),
        )
