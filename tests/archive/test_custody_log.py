from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.archive.custody import NO_LINE, CustodyLog, read_custody, verify_chain
from clonedetect.errors import InputError, VerificationError

NOW = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)


def append(log: CustodyLog, subject: str = "s", **changes: object) -> None:
    log.append(
        **{"time": NOW, "actor": "a", "action": "capture", "grant": "g", "subject": subject, **changes}
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "custody.jsonl"


@pytest.fixture
def three(path):
    log = CustodyLog.open(path, NOW)
    for subject in ("one", "two", "three"):
        append(log, subject)
    log.close()
    return path


def test_lines_are_canonical_and_linked_as_a_stranger_checks_them(three):
    prev = "0" * 64
    for number, line in enumerate(three.read_bytes().splitlines(keepends=True), start=1):
        entry = json.loads(line)
        assert (
            line
            == json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        )
        assert sorted(entry) == ["action", "actor", "grant", "prev", "seq", "subject", "time"]
        assert (entry["seq"], entry["prev"]) == (number, prev)
        prev = hashlib.sha256(line).hexdigest()
    assert verify_chain(three).head == prev
    assert verify_chain(three).length == 3


def test_times_are_written_in_utc(path):
    log = CustodyLog.open(path, NOW)
    append(log, time=NOW.astimezone(timezone(timedelta(hours=5))))
    log.close()
    assert [entry.time for entry in read_custody(path)] == ["2026-11-22T06:00:00.000000Z"]


def test_every_change_of_one_byte_is_told(three):
    whole = three.read_bytes()
    last_line_start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(last_line_start):
        three.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(VerificationError, match=r"line [123]"):
            verify_chain(three)


@pytest.mark.parametrize(
    ("keep", "line"), [([1, 2], 1), ([0, 2], 2), ([1, 0, 2], 1), ([0, 0, 1, 2], 2), ([0, 2, 1], 2)]
)
def test_removed_and_moved_lines_are_named(three, keep, line):
    lines = three.read_bytes().splitlines(keepends=True)
    three.write_bytes(b"".join(lines[n] for n in keep))
    with pytest.raises(VerificationError, match=f"line {line}"):
        verify_chain(three)


def test_cut_lines_are_told_by_a_head_kept_elsewhere(three):
    state = verify_chain(three)
    lines = three.read_bytes().splitlines(keepends=True)
    three.write_bytes(b"".join(lines[:2]))
    log = CustodyLog.open(three, NOW)
    with pytest.raises(VerificationError, match="lines were removed"):
        log.head_at(state.length)
    assert log.head_at(0) == NO_LINE
    assert log.head_at(2) == log.head
    log.close()


def test_whitespace_and_duplicate_keys_are_not_canonical(three):
    lines = three.read_bytes().splitlines(keepends=True)
    three.write_bytes(lines[0].replace(b",", b", ", 1))
    with pytest.raises(VerificationError, match="canonical"):
        verify_chain(three)
    three.write_bytes(lines[0].replace(b'"action"', b'"action":"x","action"', 1))
    with pytest.raises(VerificationError, match="canonical"):
        verify_chain(three)


def test_a_torn_last_line_is_set_aside_and_reported(three, tmp_path):
    whole = three.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    three.write_bytes(whole[:-9])
    log = CustodyLog.open(three, NOW)
    assert log.length == 3
    assert [entry.action for entry in read_custody(three)] == ["capture", "capture", "torn_custody"]
    (torn,) = (tmp_path / "archive/torn").iterdir()
    assert torn.read_bytes() == whole[start:-9]
    assert torn.name in [entry.subject for entry in read_custody(three)]
    log.close()
    log = CustodyLog.open(three, NOW)
    assert log.length == 3
    log.close()


def test_a_log_that_is_one_long_torn_line_starts_again(path):
    path.write_bytes(b"x" * 10_000)
    log = CustodyLog.open(path, NOW)
    assert [entry.action for entry in read_custody(path)] == ["torn_custody"]
    log.close()


def test_damage_within_the_log_refuses_to_open(three):
    three.write_bytes(three.read_bytes().replace(b'"two"', b'"twO"'))
    with pytest.raises(VerificationError, match="line 3"):
        CustodyLog.open(three, NOW)


def test_a_missing_log_is_an_error_and_an_empty_one_has_no_lines(path):
    with pytest.raises(VerificationError, match="cannot be read"):
        verify_chain(path)
    with pytest.raises(VerificationError, match="cannot be read"):
        list(read_custody(path))
    path.touch()
    assert (verify_chain(path).length, verify_chain(path).head) == (0, NO_LINE)


def test_holds_looks_for_action_and_subject(three):
    log = CustodyLog.open(three, NOW)
    assert log.holds("capture", "two")
    assert not log.holds("decision", "two")
    assert not log.holds("capture", "tw")
    log.close()


def test_a_name_that_is_not_unicode_is_refused_before_anything_is_written(path):
    log = CustodyLog.open(path, NOW)
    with pytest.raises(InputError, match="Unicode"):
        append(log, actor="\udcff")
    assert (log.length, path.stat().st_size) == (0, 0)
    log.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(subjects=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6))
def test_any_text_survives_and_keeps_the_chain(subjects, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "custody.jsonl"
    log = CustodyLog.open(path, NOW)
    for subject in subjects:
        append(log, subject, actor=subject)
    log.close()
    assert [entry.subject for entry in read_custody(path)] == subjects
    assert verify_chain(path).length == len(subjects)
    assert path.stat().st_mode & 0o777 == 0o600
