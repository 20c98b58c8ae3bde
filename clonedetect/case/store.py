"""The case: what was captured, refused, found and decided, under which grants.

The archive and the custody log are the truth, the database is derived from
them where it can be. docs/case.md describes folder and tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from clonedetect.case import objects, rows
from clonedetect.case.folder import CaseFolder, CustodyOpener, CustodyWriter, SqlValue
from clonedetect.case.rows import Usage, decode, encode
from clonedetect.errors import InputError, NotPermittedError, UsageError, VerificationError
from clonedetect.models.capture import Capture, Purpose, RecordRef, RefusalRecord
from clonedetect.models.case import (
    Analysis,
    CaseContents,
    CustodyAct,
    Decision,
    GrantFile,
    HostPause,
    ReferenceCopy,
)
from clonedetect.models.clock import ClockReading
from clonedetect.models.ids import Digest, RecordId, digest_of
from clonedetect.models.match import Finding
from clonedetect.models.sample import PageDraw, Sample
from clonedetect.models.supplied import SuppliedFile
from clonedetect.models.trait import Trait
from clonedetect.models.verdict import PageVerdict

__all__ = ["CaseStore", "CustodyOpener", "CustodyWriter", "Usage"]


def _nothing() -> None:
    """Do nothing more within the transaction."""


_SHORTEST_START = 4
"""Characters of a finding's id that name it, if no other's begins with them."""


_CAPTURE_COLUMNS = (
    "facts_id, url, purpose, outcome, record_id, content_digest, grant_id, wire_size, archive_file,"
    " archive_end, captured_at, record"
)
_INSERT_CAPTURE = f"INSERT INTO captures ({_CAPTURE_COLUMNS}) VALUES ({', '.join('?' * 12)})"  # noqa: S608  ours


def _facts_of(capture: Capture) -> RecordRef:
    if capture.facts is None:
        raise VerificationError(f"the capture of {capture.url} names no record; archive it first")
    return capture.facts


def _capture_act(capture: Capture, actor: str) -> CustodyAct:
    facts = _facts_of(capture)
    subject = f"{facts.record_id} {facts.block_digest}"
    return CustodyAct(capture.captured_at, actor, "capture", capture.grant_id, subject)


class CaseStore(CaseFolder):
    """The records of one case: `create`, `open` or `read` one.

    Satisfies `protocols.RecordReader`. Every method that writes raises
    UsageError where the case is open for reading only.
    """

    def knows_boot(self, boot: str) -> bool:
        """Whether this start of the machine is the one that was noted last.

        If not, it may have stopped before everything written was on its disk.
        """
        return bool(boot) and self._has_meta("boot") and self._meta("boot") == boot

    def note_boot(self, boot: str) -> None:
        """Note which start of the machine writes now."""
        with self.database.atomic():
            self._set_meta("boot", boot)

    # Grants and runs

    def accept_grant(self, grant: GrantFile, case: str, *, is_rehearsal: bool, actor: str) -> bool:
        """Take `grant`, made for `case`, and return whether it is new here.

        Raises NotPermittedError for a grant of another case, and for other
        bytes under an id that is known.
        """
        if case != self.case_id:
            raise NotPermittedError(
                f"grant {grant.grant_id} is for case {case}, and this folder holds {self.case_id}"
            )
        sql = "SELECT digest FROM grants WHERE grant_id = ?"
        row = self.database.execute(sql, [grant.grant_id]).fetchone()
        if row is not None and row[0] != grant.digest:
            raise NotPermittedError(
                f"grant {grant.grant_id} was accepted with other bytes; a changed grant needs a new id"
            )
        if row is not None:
            return False

        def add() -> None:
            self._insert("grants", grant_id=grant.grant_id, digest=grant.digest, record=encode(grant))
            if is_rehearsal:
                self._set_meta("rehearsal", "1")

        subject = f"{grant.digest}{' rehearsal' if is_rehearsal else ''}"
        self._commit("grant_accepted", subject, add, now=grant.accepted_at, actor=actor, grant=grant.grant_id)
        return True

    def grants(self) -> Iterator[GrantFile]:
        """Yield the accepted grants in order."""
        return rows.grants(self.database)

    def begin_run(self, grant_id: str, now: datetime, *, actor: str) -> int:
        """Note that a run under the grant begins, and return its number."""
        at = now.timestamp()

        def add() -> None:
            self._insert("runs", grant_id=grant_id, started_at=at, last_at=at, ended="")

        self._commit("run_begun", grant_id, add, now=now, actor=actor, grant=grant_id)
        return int(self.database.execute("SELECT max(run_id) FROM runs").fetchone()[0])

    def end_run(self, run_id: int, now: datetime, reason: str, *, actor: str) -> None:
        """Note that the run ended, and why."""
        (grant_id,) = self.database.execute("SELECT grant_id FROM runs WHERE run_id = ?", [run_id]).fetchone()

        def update() -> None:
            sql = "UPDATE runs SET last_at = ?, ended = ? WHERE run_id = ?"
            self.database.execute(sql, [now.timestamp(), reason, run_id])

        self._commit("run_ended", f"{run_id} {reason}", update, now=now, actor=actor, grant=grant_id)

    def usage(self, grant_id: str) -> Usage:
        """Return what all runs under the grant have used; a killed run counts to its last capture."""
        return rows.usage_of(self.database, grant_id)

    def note_clock(self, reading: ClockReading, *, actor: str) -> None:
        """Note what the machine's clock is worth now, in custody too."""

        def add() -> None:
            self._insert("clock_readings", record=encode(reading))

        self._commit("clock_read", str(reading), add, now=reading.at, actor=actor)

    def sample(self) -> Sample | None:
        """Return the sample that was drawn for this case, or None."""
        return rows.sample(self.database)

    def put_sample(self, sample: Sample, frame: bytes, *, actor: str) -> None:
        """Keep the one sample of the case and the lines it was drawn from; once more changes nothing.

        Raises UsageError where another was drawn: of two one could choose the
        better; VerificationError where `frame` is not what the sample was drawn from.
        """
        held = self.sample()
        if held is not None:
            if (held.frame_digest, held.seed, held.size) == (sample.frame_digest, sample.seed, sample.size):
                return
            raise UsageError(
                f"the case holds a sample already ({held.size} of {held.frame_size} addresses, seed"
                f" {held.seed}): a case has one, so that nobody chooses between two; start a new case"
            )
        if self.put_object(frame) != sample.frame_digest:
            raise VerificationError("the list of addresses is not the one that the sample was drawn from")

        def add() -> None:
            self._insert("samples", frame_digest=sample.frame_digest, record=encode(sample))

        subject = f"{sample.frame_digest} {sample.size} of {sample.frame_size} seed {sample.seed}"
        if self.custody.holds("sample_drawn", subject):
            self._commit_rows(add)
        else:
            self._commit("sample_drawn", subject, add, now=sample.drawn_at, actor=actor)

    def draw_seed(self, proposed: str) -> str:
        """Return the seed that pages of this case are drawn by: `proposed`, unless one stands already."""
        if not self._has_meta("draw_seed"):
            self._commit_rows(lambda: self._set_meta("draw_seed", proposed))
        return self._meta("draw_seed")

    def put_page_draw(self, draw: PageDraw, frame: bytes, *, actor: str) -> None:
        """Keep how pages were chosen where a cap was met, and the list they were chosen from.

        The same choice once more changes nothing. Raises VerificationError if `frame` is another list.
        """
        held = rows.page_draw(self.database)
        if held is not None and replace(held, drawn_at=draw.drawn_at) == draw:
            return
        if self.put_object(frame) != draw.frame_digest:
            raise VerificationError("the list of pages is not the one that was drawn from")

        def add() -> None:
            self._insert("page_draws", frame_digest=draw.frame_digest, record=encode(draw))

        subject = f"{draw.frame_digest} {draw.asked} of {draw.known} seed {draw.seed}"
        self._commit("pages_drawn", subject, add, now=draw.drawn_at, actor=actor)

    # Captures and refusals

    def archived_until(self) -> Mapping[str, int]:
        """Return up to which byte of each archive file the captures are known here."""
        sql = "SELECT archive_file, max(archive_end) FROM captures GROUP BY archive_file"
        return {file: end for file, end in self.database.execute(sql) if file}

    def record_capture(
        self,
        capture: Capture,
        *,
        actor: str,
        run_id: int | None = None,
        then: Callable[[], None] = _nothing,
        is_adopted: bool = False,
    ) -> None:
        """Write custody line and row of a capture whose records are safe on disk.

        `then` runs within the same transaction: it completes the lease. With
        `is_adopted` the capture was found in the archive after a kill, and
        the custody line is written only if the kill came before it.
        """
        act = _capture_act(capture, actor)

        def add() -> None:
            self._insert_capture(capture)
            self._note_run(run_id, capture.captured_at)
            then()

        if not (is_adopted and self.custody.holds("capture", act.subject)):
            self.custody.append_all([act])
        self._commit_rows(add)

    def log_captures(self, captures: Sequence[Capture], *, actor: str) -> None:
        """Write the custody lines of captures whose records are safe on disk; from any thread."""
        self.custody.append_all([_capture_act(one, actor) for one in captures])

    def enter_captures(
        self, captures: Sequence[Capture], then: Callable[[], None], *, run_id: int | None
    ) -> None:
        """Write the rows of captures that custody knows, all or none; `then` runs in the same transaction."""

        def add() -> None:
            for one in captures:
                self._insert_capture(one)
            self._note_run(run_id, max(one.captured_at for one in captures))
            then()

        self._commit_rows(add)

    def _insert_capture(self, capture: Capture) -> None:
        facts = _facts_of(capture)
        values = (
            facts.record_id,
            capture.url,
            capture.purpose.value,
            capture.outcome.value,
            capture.record_id,
            capture.content_digest,
            capture.grant_id,
            capture.wire_size,
            facts.file,
            facts.offset + facts.length,
            capture.captured_at.timestamp(),
            encode(capture),
        )
        self.database.execute(_INSERT_CAPTURE, values)

    def _note_run(self, run_id: int | None, moment: datetime) -> None:
        if run_id is not None:
            sql = "UPDATE runs SET last_at = max(last_at, ?) WHERE run_id = ?"
            self.database.execute(sql, [moment.timestamp(), run_id])

    def put_refusals(self, refusals: Sequence[RefusalRecord]) -> tuple[RefusalRecord, ...]:
        """Keep refusals within the caller's transaction, each once, and return those that are new.

        The same URL, purpose, place and reason is one refusal, however often it is met.
        """
        sql = (
            "INSERT INTO refusals (url, purpose, place, reason, record) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING"
        )
        return tuple(
            one
            for one in refusals
            if self.database.execute(
                sql, [one.url, one.purpose.value, one.where, one.reason, encode(one)]
            ).rowcount
            > 0
        )

    def record_refusals(
        self, refusals: Sequence[RefusalRecord], *, then: Callable[[], None] = _nothing
    ) -> tuple[RefusalRecord, ...]:
        """Keep refusals as `put_refusals` does, in a transaction of their own; `then` is in it too."""
        new: tuple[RefusalRecord, ...] = ()

        def add() -> None:
            nonlocal new
            new = self.put_refusals(refusals)
            then()

        self._commit_rows(add)
        return new

    def captures(self) -> Iterator[Capture]:
        """Yield every capture, oldest first."""
        return rows.captures(self.database)

    def refusals(self) -> Iterator[RefusalRecord]:
        """Yield every refusal, oldest first."""
        return rows.refusals(self.database)

    def capture_of(self, record_id: RecordId) -> Capture:
        """Return the capture whose last response is `record_id`; VerificationError if none."""
        return rows.find_capture(self.database, record_id)

    def latest_capture(self, url: str, purpose: Purpose) -> Capture | None:
        """Return the newest capture of `url` for `purpose`, or None if it was never asked."""
        return rows.latest_capture(self.database, url, purpose)

    def latest_seen(self, url: str, purpose: Purpose) -> Capture | None:
        """Return the newest `ok` capture of `url`: what stands of it, whatever a later answer was."""
        return rows.latest_seen(self.database, url, purpose)

    def captures_of_body(self, payload_digest: Digest, limit: int = 3) -> Iterator[Capture]:
        """Yield the first captures whose last response had the body of this digest."""
        return rows.captures_of_body(self.database, payload_digest, limit)

    def pauses(self) -> Iterator[HostPause]:
        """Yield until when hosts asked us not to come; also what is over."""
        return rows.pauses(self.database)

    # Supplied files

    def put_supplied(self, supplied: SuppliedFile, notes: Sequence[str], *, actor: str) -> None:
        """Keep what is known of one file that was handed over; of one digest the last holds.

        Each of `notes` is a line for custody, which the caller knows not to be there yet.
        """

        def add() -> None:
            sql = "INSERT OR REPLACE INTO supplied_files (digest, record) VALUES (?, ?)"
            self.database.execute(sql, [supplied.digest, encode(supplied)])

        now = supplied.supplied_at
        for note in notes[:-1]:
            self.custody.append(
                time=now, actor=actor, action="supplied", grant=supplied.grant_id, subject=note
            )
        if notes:
            self._commit("supplied", notes[-1], add, now=now, actor=actor, grant=supplied.grant_id)
        else:
            self._commit_rows(add)

    def supplied(self) -> Iterator[SuppliedFile]:
        """Yield the files that were handed over, in the order of their digests."""
        return rows.supplied(self.database)

    def put_file(self, source: Path) -> tuple[Digest, int]:
        """Keep a file of any size below ``objects/`` and return digest and size once it is on disk."""
        return objects.put_file(self.folder, source)

    # Objects

    def put_object(self, data: bytes, *, is_synced: bool = True) -> Digest:
        """Keep `data` below ``objects/`` and return its digest once it is on disk.

        What is decoded from a record need not be synced: see `objects.put_object`.
        """
        return objects.put_object(self.folder, data, is_synced=is_synced)

    def holds_object(self, digest: Digest, size: int) -> bool:
        """Whether there is a file of `size` bytes for the object of `digest`."""
        return objects.holds_object(self.folder, digest, size)

    def object(self, digest: Digest) -> bytes:
        """Return the object of `digest`; raises VerificationError if missing or changed."""
        return objects.get_object(self.folder, digest)

    def content(self, record_id: RecordId) -> bytes:
        """Return the decoded body of one response record, its digest checked."""
        capture = self.capture_of(record_id)
        if capture.content_digest is None:
            raise VerificationError(f"record {record_id} has no decoded body ({capture.outcome})")
        return self.object(capture.content_digest)

    # Analysis and decisions

    def begin_analysis(
        self,
        *,
        started_at: datetime,
        index_generation: int,
        index_snapshot: str,
        settings: str,
        environment: tuple[tuple[str, str], ...],
        actor: str,
    ) -> Analysis:
        """Note one run of the analysis with everything it decides by, and return it numbered."""
        (last,) = self.database.execute("SELECT coalesce(max(analysis_id), 0) FROM analyses").fetchone()
        analysis = Analysis(
            analysis_id=last + 1,
            started_at=started_at,
            index_generation=index_generation,
            index_snapshot=index_snapshot,
            settings=settings,
            settings_digest=digest_of(settings.encode()),
            environment=environment,
        )

        def add() -> None:
            self._insert("analyses", analysis_id=analysis.analysis_id, record=encode(analysis))

        subject = f"{analysis.analysis_id} {digest_of(encode(analysis).encode())}"
        self._commit("analysis_begun", subject, add, now=started_at, actor=actor)
        return analysis

    def put_page_analysis(
        self,
        analysis_id: int,
        verdict: PageVerdict,
        findings: Sequence[Finding],
        references: Sequence[ReferenceCopy],
        *,
        now: datetime,
        actor: str,
    ) -> None:
        """Make this what stands of one page, at once; what stood before remains as superseded.

        Raises UsageError for a finding of another page and for an analysis that was never begun.
        """
        page = verdict.page_url
        if strangers := [finding.finding_id for finding in findings if finding.page_url != page]:
            raise UsageError(f"finding {strangers[0]} is not of {page}")
        if not self._count("analyses", "analysis_id = ?", analysis_id):
            raise UsageError(f"there is no analysis {analysis_id}")
        common: dict[str, SqlValue] = {"analysis_id": analysis_id, "page_url": page, "standing": 1}

        def replace() -> None:
            for table in ("verdicts", "findings"):
                sql = f"UPDATE {table} SET standing = 0 WHERE page_url = ? AND standing"  # noqa: S608  ours
                self.database.execute(sql, [page])
            self._insert("verdicts", **common, record=encode(verdict))
            for finding in findings:
                self._insert("findings", **common, finding_id=finding.finding_id, record=encode(finding))
            for copy in references:
                self._put_reference(analysis_id, copy)

        digest = digest_of(encode((verdict, tuple(findings))).encode())
        self._commit("analysis", f"{analysis_id} {digest} {page}", replace, now=now, actor=actor)

    def analysed_pages(self, analysis_id: int) -> frozenset[str]:
        """Return the pages whose standing verdict is of this analysis: what a resumed one may skip."""
        sql = "SELECT page_url FROM verdicts WHERE standing AND analysis_id = ?"
        return frozenset(page for (page,) in self.database.execute(sql, [analysis_id]))

    def put_traits(
        self, analysis_id: int, site: str, traits: Sequence[Trait], *, rules: int, now: datetime, actor: str
    ) -> None:
        """Make these the standing traits of one site, at once; what stood before remains as superseded.

        `rules` is the version of what collected them. Raises UsageError for a trait of another site and for
        an analysis that was never begun.
        """
        if strangers := [one.site for one in traits if one.site != site]:
            raise UsageError(f"a trait of {strangers[0]} is not of {site}")
        if not self._count("analyses", "analysis_id = ?", analysis_id):
            raise UsageError(f"there is no analysis {analysis_id}")

        def replace() -> None:
            self.database.execute("UPDATE traits SET standing = 0 WHERE site = ? AND standing", [site])
            for one in traits:
                named: dict[str, SqlValue] = {"kind": one.kind.value, "value": one.value, "standing": 1}
                self._insert("traits", analysis_id=analysis_id, site=site, **named, record=encode(one))
            self._insert("traced_sites", analysis_id=analysis_id, site=site, rules=rules)

        digest = digest_of(encode(tuple(traits)).encode())
        self._commit("traits", f"{analysis_id} {digest} {site}", replace, now=now, actor=actor)

    def traced_sites(self, analysis_id: int, rules: int) -> frozenset[str]:
        """Return the sites whose traits this analysis has collected by these rules."""
        sql = "SELECT site FROM traced_sites WHERE analysis_id = ? AND rules = ?"
        return frozenset(site for (site,) in self.database.execute(sql, [analysis_id, rules]))

    def findings(self) -> Iterator[Finding]:
        """Yield the findings that stand, by page."""
        return rows.findings(self.database)

    def verdicts(self) -> Iterator[PageVerdict]:
        """Yield the verdicts that stand, by page."""
        return rows.verdicts(self.database)

    def finding_id(self, start: str) -> str:
        """Return the whole id of the one finding, standing or superseded, whose id begins with `start`.

        Raises InputError if there is none, if there are several, and for a
        `start` under four characters that is no whole id.
        """
        sql = (
            "SELECT DISTINCT finding_id FROM findings WHERE substr(finding_id, 1, ?) = ? ORDER BY finding_id"
        )
        found = [str(row[0]) for row in self.database.execute(sql, (len(start), start))]
        if start in found:
            return start
        if len(start) < _SHORTEST_START:
            raise InputError(f"{start!r} is too short: give at least {_SHORTEST_START} characters of the id")
        if not found:
            raise InputError(f"the case has no finding {start}; list them with: findings CASE --by finding")
        if len(found) > 1:
            listed = ", ".join(found[:5]) + (" ..." if len(found) > 5 else "")
            raise InputError(
                f"{start} is the beginning of {len(found)} findings' ids: {listed}; give more of it"
            )
        return found[0]

    def decide(self, decision: Decision) -> None:
        """Append a person's decision on a finding, standing or superseded.

        Raises InputError if there is no such finding.
        """
        if not self._count("findings", "finding_id = ?", decision.finding_id):
            raise InputError(
                f"the case has no finding {decision.finding_id}; list them with: findings CASE --by finding"
            )
        record = encode(decision)

        def add() -> None:
            self._insert("decisions", finding_id=decision.finding_id, record=record)

        subject = f"{decision.finding_id} {decision.decision} {digest_of(record.encode())}"
        self._commit("decision", subject, add, now=decision.decided_at, actor=decision.by)

    def decisions(self) -> Iterator[Decision]:
        """Yield every decision, oldest first; the last one on a finding holds."""
        return rows.decisions(self.database)

    def contents(self) -> CaseContents:
        """Return everything of the case as of one moment."""
        return rows.read_contents(self.database, self.folder, self.case_id, is_rehearsal=self.is_rehearsal)

    def _put_reference(self, analysis_id: int, copy: ReferenceCopy) -> None:
        key = (copy.item.item_id, "" if copy.media_id is None else str(copy.media_id))
        sql = (
            "SELECT record FROM reference_copies WHERE item_id = ? AND media_key = ? "
            "ORDER BY seq DESC LIMIT 1"
        )
        row = self.database.execute(sql, key).fetchone()
        record = encode(copy)
        if row is None or decode(row[0], ReferenceCopy, "reference_copies") != copy:
            self._insert(
                "reference_copies", item_id=key[0], media_key=key[1], analysis_id=analysis_id, record=record
            )
