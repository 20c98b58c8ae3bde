from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog, read_custody
from clonedetect.archive.warc import WarcArchive, iterate
from clonedetect.errors import IndexFormatError, VerificationError
from clonedetect.models.capture import Outcome

PLAIN = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(256))


@pytest.fixture
def filled(open_archive, exchange, put):
    archive = open_archive()
    captures = [put(exchange(PLAIN, url=f"https://clone.example/{n}"), archive=archive) for n in range(3)]
    return archive, captures


def end_of(capture):
    return capture.facts.offset + capture.facts.length


def test_what_the_database_does_not_know_is_handed_back(filled, open_archive):
    archive, captures = filled
    (name,) = archive.files()
    assert open_archive().recovered == tuple(captures)
    assert open_archive({name: end_of(captures[1])}).recovered == (captures[2],)
    assert open_archive({name: end_of(captures[2])}).recovered == ()


def test_a_group_cut_anywhere_is_set_aside_and_the_rest_stays(filled, open_archive, tmp_path, exchange, put):
    archive, captures = filled
    path = tmp_path / archive.files()[0]
    whole = path.read_bytes()
    start, end = end_of(captures[1]), end_of(captures[2])
    for length in sorted(random.Random(7).sample(range(start + 1, end), 25)):
        path.write_bytes(whole[:length])
        reopened = open_archive()
        assert reopened.recovered == tuple(captures[:2])
        assert path.read_bytes() == whole[:start]
        kept = [p.read_bytes() for p in (tmp_path / "archive/torn").iterdir()]
        assert whole[start:length] in kept
        fresh = put(exchange(PLAIN), archive=reopened)
        assert open_archive().recovered == (*captures[:2], fresh)
    torn = [entry for entry in read_custody(tmp_path / "custody.jsonl") if entry.action == "torn_record"]
    assert len(torn) == 25
    assert all(f"at {start}" in entry.subject for entry in torn)


def test_a_first_group_cut_leaves_a_file_that_works(open_archive, exchange, tmp_path, put):
    archive = open_archive()
    capture = put(exchange(PLAIN), archive=archive)
    path = tmp_path / archive.files()[0]
    whole = path.read_bytes()
    for length in (0, 5, capture.hops[0].request.offset + 3, len(whole) - 1):
        path.write_bytes(whole[:length])
        reopened = open_archive()
        assert reopened.recovered == ()
        put(exchange(PLAIN), archive=reopened)
        kinds = [dict(record.header)["WARC-Type"] for record in iterate(path)]
        assert kinds == ["warcinfo", "request", "response", "metadata"]


def test_zeros_after_a_power_cut_are_a_torn_end(filled, open_archive, tmp_path):
    archive, captures = filled
    path = tmp_path / archive.files()[0]
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert open_archive().recovered == tuple(captures)
    assert path.stat().st_size == end_of(captures[2])


def test_damage_before_whole_captures_is_refused_not_cut(filled, open_archive, tmp_path):
    archive, captures = filled
    path = tmp_path / archive.files()[0]
    whole = bytearray(path.read_bytes())
    whole[captures[1].hops[0].response.offset + 30] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(VerificationError, match="whole captures follow"):
        open_archive()
    assert path.read_bytes() == bytes(whole)


def test_lost_bytes_and_files_are_refused(filled, open_archive):
    archive, captures = filled
    (name,) = archive.files()
    with pytest.raises(VerificationError, match="bytes and once had"):
        open_archive({name: end_of(captures[2]) + 1})
    with pytest.raises(VerificationError, match="missing"):
        open_archive({"archive/00007.warc.gz": 10})


def test_a_torn_file_that_is_not_the_last_is_refused(open_archive, exchange, tmp_path, put):
    archive = open_archive(rotate_bytes=1)
    for _ in range(2):
        put(exchange(PLAIN), archive=archive)
    first = tmp_path / archive.files()[0]
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(VerificationError, match=r"00001\.warc\.gz is damaged"):
        open_archive(rotate_bytes=1)


def test_a_kill_between_setting_aside_and_cutting_reports_once(filled, open_archive, tmp_path, monkeypatch):
    archive, _ = filled
    path = tmp_path / archive.files()[0]
    path.write_bytes(path.read_bytes()[:-7])
    with monkeypatch.context() as patch:
        patch.setattr(WarcArchive, "_truncate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            open_archive()
    open_archive()
    actions = [entry.action for entry in read_custody(tmp_path / "custody.jsonl")]
    assert actions == ["torn_record"]


def test_a_record_that_does_not_read_back_is_no_record(filled, exchange, put, monkeypatch):
    archive, _ = filled

    def write_less(path: Path, data: bytes) -> None:
        with path.open("ab") as stream:
            stream.write(data[:-9])

    with monkeypatch.context() as patch:
        patch.setattr(WarcArchive, "_write", staticmethod(write_less))
        with pytest.raises(VerificationError, match="does not hold what was written"):
            put(exchange(PLAIN), archive=archive)
    with pytest.raises(VerificationError, match="open the archive again"):
        put(exchange(PLAIN), archive=archive)


def test_facts_of_a_newer_program_are_refused(filled, open_archive, tmp_path):
    from clonedetect.archive.group import FACTS_PROFILE
    from clonedetect.archive.record import build_member

    archive, _ = filled
    path = tmp_path / archive.files()[0]
    fields = (("WARC-Type", "metadata"), ("WARC-Record-ID", "<urn:uuid:1>"), ("Content-Type", FACTS_PROFILE))
    path.write_bytes(path.read_bytes() + build_member(fields, b'{"schema":99}'))
    with pytest.raises(IndexFormatError, match="schema 99"):
        open_archive()


def test_files_and_folders_are_private(filled, open_archive, tmp_path):
    archive, _ = filled
    path = tmp_path / archive.files()[0]
    path.write_bytes(path.read_bytes()[:-1])
    open_archive()
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "archive").rglob("*")}
    assert modes.pop("torn") == 0o700
    assert set(modes.values()) == {0o600}


def test_an_archive_of_nothing_but_failures_recovers_too(open_archive, fetched, permit, now):
    archive = open_archive()
    result = fetched(outcome=Outcome.CONNECT_ERROR, reason="refused", content=b"")
    capture = archive.append(result, permit, captured_at=now)
    assert open_archive().recovered == (capture,)


def test_a_full_disk_is_an_error_and_the_tail_is_cut_later(filled, open_archive, exchange, monkeypatch, put):
    archive, captures = filled

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            put(exchange(PLAIN), archive=archive)
    path = archive.folder / archive.files()[0]
    path.write_bytes(path.read_bytes()[:-20])
    assert open_archive().recovered == tuple(captures)


def test_custody_is_not_needed_to_read(filled, tmp_path, now):
    _, captures = filled
    log = CustodyLog.open(tmp_path / "other.jsonl", now)
    again = WarcArchive.open(tmp_path, "CLONE-42", known={}, custody=log, now=now)
    log.close()
    assert again.recovered == tuple(captures)
