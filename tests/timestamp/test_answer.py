"""What answers are worth, judged by rfc3161-client, by openssl, and by the verifier that ships."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clonedetect.errors import DependencyError, VerificationError
from clonedetect.evidence.shipped.verify import Stamp, ToolMissing, openssl_judge
from clonedetect.timestamp.answer import judge, new_query
from clonedetect.timestamp.custody import time_text
from clonedetect.timestamp.openssl import judge_with_openssl
from tests.timestamp.authority import make_authority

MESSAGE = b'{"what": "a head"}\n'
FIXTURE = Path(__file__).parent / "expired"


def by_program(message, query, answer, roots):
    return judge(message, query, answer, roots).time


def by_openssl(message, query, answer, roots):
    return judge_with_openssl(message, query, answer, roots)


def as_shipped(message, query, answer, roots):
    try:
        return datetime.fromisoformat(openssl_judge(Stamp("it", message, query, answer), roots)[0])
    except ValueError as error:
        raise VerificationError(str(error)) from error


EVERY = pytest.mark.parametrize("verdict", [by_program, by_openssl, as_shipped], ids=lambda one: one.__name__)


@pytest.fixture
def stamp(authority):
    query = new_query(MESSAGE)
    return MESSAGE, query, authority.reply(query), authority.roots.read_bytes()


@EVERY
def test_an_answer_that_holds_gives_its_time(stamp, verdict):
    assert abs(verdict(*stamp) - datetime.now(UTC)) < timedelta(minutes=1)


def test_all_verifiers_read_the_same_time(stamp):
    assert judge_with_openssl(*stamp) == judge(*stamp).time == as_shipped(*stamp)
    assert judge(*stamp).by == "rfc3161-client"


def test_what_the_strict_reader_refuses_is_put_to_openssl_and_said_to_be_its_word(new_authority):
    """openssl sends a chain along unsorted, which is no DER."""
    one = new_authority(sends_chain=True)
    query = new_query(MESSAGE)
    told = judge(MESSAGE, query, one.reply(query), one.roots.read_bytes())
    assert told.by == "openssl"


def spoiled(stamp, other, **changes):
    message, query, answer, roots = stamp
    given = {"message": message, "query": query, "answer": answer, "roots": roots, **changes}
    return tuple(given.values())


CHANGES = {
    "another message": lambda stamp, own, other: {"message": b"another head"},
    "another query": lambda stamp, own, other: {"query": new_query(MESSAGE)},
    "a query of another message": lambda stamp, own, other: {"query": new_query(b"another head")},
    "another answer": lambda stamp, own, other: {"answer": own.reply(new_query(b"another head"))},
    "another answer to the same message": lambda stamp, own, other: {"answer": own.reply(new_query(MESSAGE))},
    "an answer of another authority": lambda stamp, own, other: {"answer": other.reply(stamp[1])},
    "other roots": lambda stamp, own, other: {"roots": other.roots.read_bytes()},
    "an answer cut short": lambda stamp, own, other: {"answer": stamp[2][:-1]},
    "half an answer": lambda stamp, own, other: {"answer": stamp[2][: len(stamp[2]) // 2]},
    "no answer": lambda stamp, own, other: {"answer": b""},
    "no query": lambda stamp, own, other: {"query": b""},
    "a page": lambda stamp, own, other: {"answer": b"<html>"},
    "a refusal": lambda stamp, own, other: {"answer": bytes.fromhex("30053003020102")},
}


@EVERY
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_else_passes(stamp, authority, new_authority, verdict, change):
    changed = spoiled(stamp, None, **change(stamp, authority, new_authority()))
    with pytest.raises(VerificationError):
        verdict(*changed)


def flipped(answer: bytes, place: int) -> bytes:
    return answer[:place] + bytes([answer[place] ^ 4]) + answer[place + 1 :]


@EVERY
def test_a_flipped_bit_of_digest_or_time_is_noticed(stamp, verdict):
    message, query, answer, roots = stamp
    digest = answer.index(hashlib.sha256(message).digest())
    moment = answer.index(f"{judge(*stamp).time:%Y%m%d%H%M%SZ}".encode())
    for place in (*range(digest, digest + 32, 7), *range(moment, moment + 14, 4), len(answer) - 9):
        with pytest.raises(VerificationError):
            verdict(message, query, flipped(answer, place), roots)


@EVERY
def test_no_flipped_bit_anywhere_gives_another_time(stamp, verdict):
    """Some bytes around the signed ones mean nothing: with them changed it may hold, for the same time."""
    message, query, answer, roots = stamp
    right, refused = judge(*stamp).time, 0
    places = range(7, len(answer), 41)
    for place in places:
        try:
            assert verdict(message, query, flipped(answer, place), roots) == right
        except VerificationError:
            refused += 1
    assert refused > len(places) / 2


@EVERY
def test_a_certificate_that_had_expired_by_then_proves_nothing(new_authority, verdict):
    one = new_authority(ends=datetime.now(UTC) - timedelta(days=1))
    query = new_query(MESSAGE)
    with pytest.raises(VerificationError, match="expired"):
        verdict(MESSAGE, query, one.reply(query), one.roots.read_bytes())


@EVERY
def test_a_certificate_for_something_else_proves_nothing(tmp_path, verdict):
    one = make_authority(tmp_path / "one", is_for_time=False)
    query = new_query(MESSAGE)
    with pytest.raises(VerificationError, match=r"purpose|extended key usage|KeyPurpose"):
        verdict(MESSAGE, query, one.reply(query), one.roots.read_bytes())


@EVERY
def test_a_certificate_that_expired_since_proves_what_it_proved(verdict):
    """Made once, by a certificate of one minute; see `expired/README.md`."""
    stamp = tuple(
        (FIXTURE / name).read_bytes() for name in ("message", "query.tsq", "answer.tsr", "roots.pem")
    )
    assert time_text(verdict(*stamp)) == (FIXTURE / "time").read_text().strip()


def test_the_shipped_verifier_says_that_a_certificate_expired_since():
    message, query, answer, roots = (
        (FIXTURE / name).read_bytes() for name in ("message", "query.tsq", "answer.tsr", "roots.pem")
    )
    told = openssl_judge(Stamp("it", message, query, answer), roots)
    assert told[1] == "openssl as of that time: today the authority's certificate no longer holds"


def test_without_openssl_a_strict_answer_is_judged_all_the_same(stamp, new_authority, monkeypatch):
    one = new_authority(sends_chain=True)
    query = new_query(MESSAGE)
    loose = one.reply(query)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert judge(*stamp).by == "rfc3161-client"
    with pytest.raises(DependencyError, match="openssl"):
        judge(MESSAGE, query, loose, one.roots.read_bytes())
    with pytest.raises(ToolMissing, match="openssl is not installed"):
        as_shipped(*stamp)


def test_an_openssl_without_timestamps_is_a_missing_tool_and_no_verdict(stamp, tmp_path, monkeypatch):
    program = tmp_path / "openssl"
    program.write_text("#!/bin/sh\necho \"Invalid command 'ts'\" >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    with pytest.raises(ToolMissing, match="knows no timestamps"):
        as_shipped(*stamp)
