from __future__ import annotations

import dataclasses
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from clonedetect.analysis.sampling import draw
from clonedetect.archive.custody import CustodyLog, read_custody
from clonedetect.case.schema import SCHEMA, STEPS, connect
from clonedetect.case.store import CaseStore
from clonedetect.errors import (
    IndexFormatError,
    InputError,
    LockedError,
    NotPermittedError,
    UsageError,
    VerificationError,
)
from clonedetect.models.capture import Outcome, Purpose, RefusalRecord
from clonedetect.models.case import Decision, DecisionKind, NotVisited
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.models.match import Verdict
from clonedetect.models.trait import Trait, TraitKind
from clonedetect.models.verdict import PageClass, PageKind

PAGE = "https://clone.example/a"
NOW = datetime(2026, 11, 3, tzinfo=UTC)
BEFORE_CLASSES = ("page_url", "verdict", "kinds", "items", "accounts", "reasons", "not_examined")
"""The fields that verdicts had before pages had kinds and classes."""

SAMPLED, FRAME = draw(["http://a.example/1", "http://a.example/2"], "7", 1, now=NOW)


def actions(folder: Path) -> list[str]:
    return [entry.action for entry in read_custody(folder / "custody.jsonl")]


def test_a_new_case_is_private_named_and_logged(store, folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert set(files) >= {"case.db", "custody.jsonl", "case.lock"}
    assert set(files.values()) == {0o600}
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("archive", "objects")} == {0o700}
    assert (store.case_id, store.is_rehearsal) == ("CLONE-42", False)
    assert actions(folder) == ["case_created"]


def test_a_case_is_made_once_and_never_over_other_files(store, folder, tmp_path, now):
    store.close()
    with pytest.raises(UsageError, match="holds a case already"):
        CaseStore.create(folder, "CLONE-42", custody=CustodyLog.open, now=now, actor="t")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/letter.txt").touch()
    with pytest.raises(UsageError, match=r"letter\.txt"):
        CaseStore.create(tmp_path / "other", "C", custody=CustodyLog.open, now=now, actor="t")
    with pytest.raises(UsageError, match="needs an id"):
        CaseStore.create(tmp_path / "third", "", custody=CustodyLog.open, now=now, actor="t")


def test_a_creation_that_was_killed_is_completed(folder, now, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(CaseStore, "_commit_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            CaseStore.create(folder, "CLONE-42", custody=CustodyLog.open, now=now, actor="t")
    with CaseStore.create(folder, "CLONE-42", custody=CustodyLog.open, now=now, actor="t") as store:
        assert store.case_id == "CLONE-42"
    assert actions(folder) == ["case_created"]


def test_a_folder_without_a_case_is_refused(tmp_path, now):
    for opening in (CaseStore.read, lambda path: CaseStore.open(path, custody=CustodyLog.open, now=now)):
        with pytest.raises(InputError, match="holds no case"):
            opening(tmp_path)


def test_a_second_writer_is_told_the_pid(store, folder, reopen):
    with pytest.raises(LockedError, match=str(os.getpid())):
        reopen()
    script = (
        "import sys; from pathlib import Path; from clonedetect.case.lock import CaseLock\n"
        "from clonedetect.errors import LockedError\n"
        "try: CaseLock(Path(sys.argv[1]))\n"
        "except LockedError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert f"process {os.getpid()}" in run.stdout
    store.close()
    reopen().close()


def test_the_lock_of_a_dead_process_is_free_even_if_its_child_lives(store, folder, reopen):
    store.close()
    script = (
        "import os, sys, time; from pathlib import Path; from clonedetect.case.lock import CaseLock\n"
        "lock = CaseLock(Path(sys.argv[1]))\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(60)\n"
        "print(child, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        child = int(process.stdout.readline())
        with pytest.raises(LockedError, match=str(process.pid)):
            reopen()
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            reopen().close()
        finally:
            os.kill(child, signal.SIGKILL)


def test_reading_goes_on_beside_a_writer_and_cannot_write(store, folder, capture, grant):
    with CaseStore.read(folder) as reader:
        store.record_capture(capture(), actor="t")
        assert len(list(reader.captures())) == 1
        with pytest.raises(UsageError, match="reading only"):
            reader.record_capture(capture(), actor="t")
        with pytest.raises(UsageError, match="reading only"):
            reader.accept_grant(grant(), "CLONE-42", is_rehearsal=False, actor="t")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.database.execute("DELETE FROM captures")


# Schema


def added_tables():
    """Return the tables that each step adds, by its number."""
    database = Database(memory=True)
    known, added = set(), {}
    for number, (_, step) in enumerate(STEPS, start=1):
        step(database)
        added[number] = set(database.table_names()) - known
        known |= added[number]
    return added


def turn_back(store, schema):
    """Make the case's database one of an older schema."""
    without_order(store.database)
    for step, tables in added_tables().items():
        for table in tables if step > schema else ():
            store.database.table(table).drop()
    store.database.execute(f"PRAGMA user_version={schema}")


def without_order(database):
    """Take back columns and indexes of the step "frontier order"."""
    order = "idx_frontier_state_host_priority_draw_id"
    for index in (order, "frontier_shape", "frontier_spelling", "captures_payload"):
        database.execute(f"DROP INDEX {index}")
    for column in ("round", "draw", "shape", "spelling"):
        database.execute(f"ALTER TABLE frontier DROP COLUMN {column}")
    database.table("frontier").create_index(["state", "host", "priority", "id"])


def test_an_older_case_is_brought_up_by_the_named_steps(store, folder, reopen, capture):
    store.record_capture(capture(), actor="t")
    turn_back(store, 1)
    store.close()
    with pytest.raises(IndexFormatError, match="schema 1; open it for writing once"):
        CaseStore.read(folder)
    with reopen() as again:
        assert "frontier" in again.database.table_names()
        assert len(list(again.captures())) == 1
    assert [name for name, _ in STEPS] == [
        "case tables",
        "frontier tables",
        "sample table",
        "clock table",
        "supplied table",
        "trait tables",
        "frontier order",
    ]


def test_a_frontier_from_before_second_looks_is_read_as_it_is_and_brought_up(store, folder, reopen):
    turn_back(store, len(STEPS) - 1)
    row = "INSERT INTO frontier (url, purpose, host, priority, depth, state, tries, reason)"
    store.database.execute(
        f"{row} VALUES ('http://clone.example/a', 'page', 'clone.example', 1, 1, 'done', 1, '')"
    )
    store.database.execute(
        f"{row} VALUES ('http://clone.example/b', 'page', 'clone.example', 1, 1, 'pending', 0, '')"
    )
    store.close()
    with CaseStore.read(folder) as reader:
        assert [one.url for one in reader.contents().not_visited] == ["http://clone.example/b"]
    with reopen() as again:
        rows = list(again.database.execute("SELECT url, round, draw, shape, spelling FROM frontier"))
        assert rows == [
            ("http://clone.example/a", 0, 0, None, None),
            ("http://clone.example/b", 0, 0, None, None),
        ]
        assert {"rounds", "shapes", "page_draws"} <= set(again.database.table_names())


def test_a_case_from_before_samples_is_read_as_it_is(store, folder, reopen, begin, analyse):
    analyse(begin(), "http://clone.example/1", "f-1")
    old = store.database.execute("SELECT record FROM verdicts").fetchone()[0]
    told = {key: value for key, value in json.loads(old).items() if key in BEFORE_CLASSES}
    store.database.execute("UPDATE verdicts SET record = ?", [json.dumps(told)])
    turn_back(store, 2)
    store.close()
    with CaseStore.read(folder) as reader:
        contents = reader.contents()
    assert (contents.sample, contents.clock, contents.supplied, contents.traits) == (None, (), (), ())
    (verdict,) = contents.verdicts
    assert (verdict.page_kind, verdict.page_class) == (PageKind.OTHER, PageClass.UNCLASSED)
    with reopen() as again:
        assert again.sample() is None
        assert {"samples", "supplied_files"} <= set(again.database.table_names())


def test_a_sample_is_kept_with_the_list_it_was_drawn_from_and_custody_says_so(store, folder, reopen):
    store.put_sample(SAMPLED, FRAME, actor="t")
    assert store.sample() == store.contents().sample == SAMPLED
    assert store.object(SAMPLED.frame_digest) == FRAME
    (line,) = [one for one in read_custody(folder / "custody.jsonl") if one.action == "sample_drawn"]
    assert line.subject == f"{SAMPLED.frame_digest} 1 of 2 seed 7"
    store.close()
    with reopen() as again:
        again.put_sample(replace(SAMPLED, drawn_at=NOW + timedelta(days=1)), FRAME, actor="t")
        assert again.sample() == SAMPLED


@pytest.mark.parametrize("changed", [{"seed": "8"}, {"size": 2}, {"frame_digest": digest_of(b"other")}])
def test_a_second_sample_of_a_case_is_refused(store, changed):
    store.put_sample(SAMPLED, FRAME, actor="t")
    with pytest.raises(UsageError, match="a case has one, so that nobody chooses between two"):
        store.put_sample(replace(SAMPLED, **changed), FRAME, actor="t")


def test_a_sample_killed_between_custody_and_row_is_logged_once(store, folder):
    subject = f"{SAMPLED.frame_digest} 1 of 2 seed 7"
    store.custody.append(time=NOW, actor="t", action="sample_drawn", grant="", subject=subject)
    store.put_sample(SAMPLED, FRAME, actor="t")
    lines = [one for one in read_custody(folder / "custody.jsonl") if one.action == "sample_drawn"]
    assert len(lines) == 1
    assert store.sample() == SAMPLED


def test_a_sample_of_another_list_is_no_sample(store):
    with pytest.raises(VerificationError, match="not the one that the sample was drawn from"):
        store.put_sample(SAMPLED, b"http://other.example/\n", actor="t")
    assert store.sample() is None


def test_a_newer_case_is_refused_by_reader_and_writer(store, folder, reopen):
    store.database.execute(f"PRAGMA user_version={SCHEMA + 1}")
    store.close()
    for opening in (reopen, lambda: CaseStore.read(folder)):
        with pytest.raises(IndexFormatError, match=f"schema {SCHEMA + 1}"):
            opening()


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "case.db").write_bytes(b"hello " * 1000)
    with pytest.raises(InputError, match=r"case\.db cannot be opened"):
        CaseStore.read(tmp_path)


def test_an_unnamed_database_is_told(tmp_path):
    connect(tmp_path / "case.db", is_new=True).close()
    with CaseStore.read(tmp_path) as store, pytest.raises(InputError, match="create the case again"):
        _ = store.case_id


# Grants


def test_a_grant_is_taken_once(store, folder, grant):
    assert store.accept_grant(grant(), "CLONE-42", is_rehearsal=False, actor="t")
    assert not store.accept_grant(grant(), "CLONE-42", is_rehearsal=False, actor="t")
    assert store.accept_grant(grant("second", b"x"), "CLONE-42", is_rehearsal=False, actor="t")
    assert [one.grant_id for one in store.grants()] == ["2026-0117", "second"]
    assert next(store.grants()) == grant()
    assert actions(folder) == ["case_created", "grant_accepted", "grant_accepted"]


def test_other_bytes_under_the_same_id_and_other_cases_are_refused(store, grant):
    store.accept_grant(grant(), "CLONE-42", is_rehearsal=False, actor="t")
    with pytest.raises(NotPermittedError, match="other bytes"):
        store.accept_grant(grant(data=b"changed"), "CLONE-42", is_rehearsal=False, actor="t")
    with pytest.raises(NotPermittedError, match="CLONE-43"):
        store.accept_grant(grant("third"), "CLONE-43", is_rehearsal=False, actor="t")
    assert [one.grant_id for one in store.grants()] == ["2026-0117"]


def test_a_rehearsal_is_one_for_life(store, grant, reopen):
    store.accept_grant(grant("dev"), "CLONE-42", is_rehearsal=True, actor="t")
    store.accept_grant(grant("real", b"real"), "CLONE-42", is_rehearsal=False, actor="t")
    assert store.is_rehearsal
    store.close()
    with reopen() as again:
        assert again.is_rehearsal
        assert again.contents().is_rehearsal


def test_usage_counts_all_runs_of_a_grant(store, capture, now):
    run = store.begin_run("2026-0117", now, actor="t")
    for purpose in (Purpose.PAGE, Purpose.API, Purpose.MEDIA, Purpose.ROBOTS):
        made = capture(purpose=purpose, captured_at=now + timedelta(seconds=30))
        store.record_capture(made, actor="t", run_id=run)
    store.record_capture(capture(grant_id="other"), actor="t")
    second = store.begin_run("2026-0117", now + timedelta(hours=1), actor="t")
    store.end_run(second, now + timedelta(hours=1, seconds=5), "done", actor="t")
    usage = store.usage("2026-0117")
    assert (usage.pages, usage.wire_bytes, usage.run_time_s) == (2, 4000, pytest.approx(35))
    assert store.usage("unknown").pages == 0


# Captures, refusals, objects


def test_custody_comes_before_the_row_and_the_lease_with_it(store, folder, capture):
    made = capture()

    def kill() -> None:
        assert actions(folder)[-1] == "capture"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.record_capture(made, actor="t", then=kill)
    assert list(store.captures()) == []
    store.record_capture(made, actor="t", is_adopted=True)
    assert list(store.captures()) == [made]
    assert actions(folder) == ["case_created", "capture"]


def test_an_adopted_capture_that_custody_does_not_know_is_logged(store, folder, capture):
    made = capture()
    store.record_capture(made, actor="t", is_adopted=True)
    last = list(read_custody(folder / "custody.jsonl"))[-1]
    assert (last.action, last.grant) == ("capture", "2026-0117")
    assert last.subject == f"{made.facts.record_id} {made.facts.block_digest}"


def test_a_capture_is_recorded_once_and_only_from_the_archive(store, capture):
    made = capture()
    store.record_capture(made, actor="t")
    with pytest.raises(sqlite3.IntegrityError):
        store.record_capture(made, actor="t")
    with pytest.raises(VerificationError, match="archive it first"):
        store.record_capture(dataclasses.replace(made, facts=None), actor="t")


def test_captures_are_found_by_record_and_url(store, capture):
    first, second = capture(outcome=Outcome.RATE_LIMITED), capture()
    for one in (first, second):
        store.record_capture(one, actor="t")
    assert store.latest_capture(first.url, Purpose.PAGE) == second
    assert store.latest_capture(first.url, Purpose.MEDIA) is None
    assert store.capture_of(first.record_id) == first
    with pytest.raises(VerificationError, match="no capture of record"):
        store.capture_of(RecordId("urn:uuid:unknown"))
    assert store.archived_until() == {"archive/00001.warc.gz": second.facts.offset + 100}


def test_a_refusal_is_kept_once(store, now):
    refusal = RefusalRecord(PAGE, Purpose.PAGE, "not granted", "enqueue", now)
    later = dataclasses.replace(refusal, refused_at=now + timedelta(seconds=1))
    elsewhere = dataclasses.replace(refusal, where="redirect")
    assert store.record_refusals([refusal, later, elsewhere]) == (refusal, elsewhere)
    assert store.record_refusals([later]) == ()
    assert list(store.refusals()) == [refusal, elsewhere]


def test_objects_are_named_by_digest_and_checked(store, folder, capture):
    digest = store.put_object(b"picture")
    assert store.put_object(b"picture") == digest == digest_of(b"picture")
    name = digest.removeprefix("sha256:")
    path = folder / "objects" / name[:2] / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = capture(content_digest=digest)
    store.record_capture(made, actor="t")
    assert store.content(made.record_id) == b"picture"
    path.write_bytes(b"Picture")
    with pytest.raises(VerificationError, match="has changed"):
        store.object(digest)
    path.unlink()
    with pytest.raises(VerificationError, match="cannot be read"):
        store.content(made.record_id)
    store.put_object(b"picture")
    assert store.object(digest) == b"picture"


def test_a_capture_without_a_body_says_so(store, capture):
    made = capture(outcome=Outcome.BOMB)
    store.record_capture(made, actor="t")
    with pytest.raises(VerificationError, match="no decoded body"):
        store.content(made.record_id)


def test_unfinished_objects_are_removed_and_short_ones_rewritten(store, folder, reopen):
    digest = store.put_object(b"whole object")
    name = digest.removeprefix("sha256:")
    path = folder / "objects" / name[:2] / name
    path.write_bytes(b"whole")
    assert store.put_object(b"whole object") == digest
    assert store.object(digest) == b"whole object"
    leftover = path.with_name("abc.partial")
    leftover.write_bytes(b"half")
    store.close()
    reopen().close()
    assert not leftover.exists()


# Custody against the database


def test_custody_that_lost_lines_or_was_replaced_is_refused(store, folder, reopen, capture, now):
    store.record_capture(capture(), actor="t")
    store.close()
    path = folder / "custody.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(VerificationError, match="lines were removed"):
        reopen()
    path.unlink()
    log = CustodyLog.open(path, now)
    for number in range(3):
        log.append(time=now, actor="forger", action="capture", grant="", subject=str(number))
    log.close()
    with pytest.raises(VerificationError, match="not the log"):
        reopen()
    path.write_bytes(whole)
    reopen().close()


# Analysis and decisions


def test_a_later_analysis_supersedes_page_by_page(store, begin, analyse):
    first = begin()
    analyse(first, PAGE, "f1")
    analyse(first, "https://clone.example/b", "f2")
    second = begin()
    analyse(second, PAGE, kind=Verdict.NONE)
    assert [(v.page_url, v.verdict) for v in store.verdicts()] == [
        (PAGE, Verdict.NONE),
        ("https://clone.example/b", Verdict.CONFIRMED),
    ]
    assert [f.finding_id for f in store.findings()] == ["f2"]
    assert store.database.table("findings").count == 2
    assert store.analysed_pages(second) == {PAGE}
    contents = store.contents()
    assert [a.analysis_id for a in contents.analyses] == [1, 2]
    assert contents.analyses[0].settings_digest == digest_of(b"[thresholds]\n")


def test_a_page_analysis_is_all_or_nothing(store, begin, analyse):
    analysis = begin()
    analyse(analysis, PAGE, "f1")
    with pytest.raises(sqlite3.IntegrityError):
        analyse(analysis, PAGE, "f2", "f2", kind=Verdict.NONE)
    assert [v.verdict for v in store.verdicts()] == [Verdict.CONFIRMED]
    assert [f.finding_id for f in store.findings()] == ["f1"]


def test_findings_of_another_page_and_unknown_analyses_are_refused(store, begin, finding, verdict, now):
    with pytest.raises(UsageError, match="no analysis 1"):
        store.put_page_analysis(1, verdict(PAGE), [], [], now=now, actor="t")
    with pytest.raises(UsageError, match="not of"):
        store.put_page_analysis(begin(), verdict(PAGE), [finding("f", "https://x/")], [], now=now, actor="t")


def test_references_are_the_newest_of_what_stands(store, begin, analyse, reference):
    analysis = begin()
    unused, old, new = reference("item-9"), reference(), reference(caption="sea, edited")
    text = reference(media_id=None)
    analyse(analysis, PAGE, "f1", references=(unused, old, old, text))
    assert store.contents().references == (text, old)
    analyse(analysis, PAGE, "f1", references=(new,))
    contents = store.contents()
    assert contents.references == (text, new)
    assert contents.reference(new.item.item_id, new.media_id) == new
    assert store.database.table("reference_copies").count == 4


def test_decisions_are_appended_and_logged_by_name(store, folder, begin, analyse, now):
    analyse(begin(), PAGE, "f1")
    confirm = Decision("f1", DecisionKind.CONFIRM, "Ann", "", 12.5, now)
    reject = Decision("f1", DecisionKind.REJECT, "Ben", "a meme", None, now)
    for one in (confirm, reject):
        store.decide(one)
    assert tuple(store.decisions()) == store.contents().decisions == (confirm, reject)
    entries = list(read_custody(folder / "custody.jsonl"))[-2:]
    assert [(e.actor, e.action) for e in entries] == [("Ann", "decision"), ("Ben", "decision")]
    with pytest.raises(InputError, match="no finding f9"):
        store.decide(Decision("f9", DecisionKind.UNSURE, "Ann", "", None, now))


def test_the_beginning_of_an_id_names_its_finding_if_no_other_begins_so(store, begin, analyse):
    analyse(begin(), PAGE, "ab12cd34", "ab12ff00", "ab12")
    assert store.finding_id("ab12c") == "ab12cd34"
    assert store.finding_id("ab12") == "ab12"
    for start, told in (
        ("ab1", "too short"),
        ("", "too short"),
        ("ffff", "no finding ffff"),
        ("%b12", "no finding"),
    ):
        with pytest.raises(InputError, match=told):
            store.finding_id(start)
    analyse(begin(), PAGE, "ab12cd34", "ab12cdff")
    with pytest.raises(InputError, match="ab12cd34, ab12cdff; give more of it"):
        store.finding_id("ab12cd")


def test_contents_hold_everything_in_order(store, grant, capture, begin, analyse):
    store.accept_grant(grant(), "CLONE-42", is_rehearsal=False, actor="t")
    made = [capture(), capture(PAGE)]
    for one in made:
        store.record_capture(one, actor="t")
    refusal = RefusalRecord("https://x.example/", Purpose.PAGE, "no", "enqueue", made[0].captured_at, PAGE)
    store.record_refusals([refusal])
    analyse(begin(), PAGE, "f1")
    row = {"url": "https://clone.example/z", "host": "clone.example", "tries": 0, "state": "pending"}
    queued = {**row, "purpose": "page", "reason": "max_pages 2 reached"}
    done = {**row, "purpose": "api", "state": "done", "reason": ""}
    store.database.table("frontier").insert_all([queued, done])
    (store.folder / "archive/00001.warc.gz").touch()
    contents = store.contents()
    assert contents.captures == tuple(made)
    assert contents.refusals == (refusal,)
    assert contents.not_visited == (NotVisited("https://clone.example/z", "max_pages 2 reached"),)
    assert contents.grants == (grant(),)
    assert contents.archive_files == ("archive/00001.warc.gz",)
    with CaseStore.read(store.folder) as reader:
        assert reader.contents() == contents


def test_a_damaged_row_is_named(store, capture):
    store.record_capture(capture(), actor="t")
    store.database.execute("UPDATE captures SET record = '{}'")
    with pytest.raises(VerificationError, match="row of captures"):
        list(store.captures())


def _trait(site: str, value: str) -> Trait:
    digest = digest_of(value.encode())
    return Trait(site, TraitKind.AD_ACCOUNT, value, RecordId("urn:uuid:1"), digest, "structure", 1, "p")


def test_traits_of_a_site_are_replaced_at_once_and_the_superseded_stay(store, begin, folder):
    first, second = begin(), begin()
    store.put_traits(first, "a.example", [_trait("a.example", "pub-1")], rules=1, now=NOW, actor="t")
    store.put_traits(first, "b.example", [_trait("b.example", "pub-2")], rules=1, now=NOW, actor="t")
    store.put_traits(second, "a.example", [_trait("a.example", "pub-3")], rules=1, now=NOW, actor="t")
    assert [one.value for one in store.contents().traits] == ["pub-3", "pub-2"]
    assert store.contents().traits[0] == _trait("a.example", "pub-3")
    kept = store.database.execute("SELECT value, standing FROM traits ORDER BY seq").fetchall()
    assert kept == [("pub-1", 0), ("pub-2", 1), ("pub-3", 1)]
    assert store.traced_sites(first, 1) == {"a.example", "b.example"}
    assert store.traced_sites(second, 2) == frozenset()
    subjects = [one.subject for one in read_custody(folder / "custody.jsonl") if one.action == "traits"]
    assert [subject.split()[::2] for subject in subjects] == [
        ["1", "a.example"],
        ["1", "b.example"],
        ["2", "a.example"],
    ]


def test_a_site_without_traits_is_known_to_have_been_looked_at(store, begin):
    store.put_traits(begin(), "a.example", [], rules=1, now=NOW, actor="t")
    assert store.traced_sites(1, 1) == {"a.example"}
    assert store.contents().traits == ()


def test_traits_of_another_site_or_of_no_analysis_are_refused(store, begin):
    with pytest.raises(UsageError, match=r"b\.example is not of a\.example"):
        store.put_traits(begin(), "a.example", [_trait("b.example", "pub-1")], rules=1, now=NOW, actor="t")
    with pytest.raises(UsageError, match="no analysis 9"):
        store.put_traits(9, "a.example", [], rules=1, now=NOW, actor="t")
