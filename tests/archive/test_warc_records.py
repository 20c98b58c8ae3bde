from __future__ import annotations

import dataclasses
import gzip
import itertools
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from clonedetect.archive.record import build_member, field_of
from clonedetect.archive.warc import iterate, read_facts, read_record, restore
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Outcome, WireFidelity
from clonedetect.models.ids import RecordId, digest_of

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<p>hello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\n\r\n"

ODD_RESPONSES = {
    "plain": PLAIN,
    "no_body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "odd_spacing": b"HTTP/1.1  200   OK \r\nX-A :  two  \r\n\tfolded: line\r\nx-b:no space\r\n\r\nbody",
    "bare_newlines": b"HTTP/1.0 200 OK\nServer: x\n\nbody",
    "chunked": CHUNKED,
    "chunked_cut": CHUNKED[:-9],
    "chunked_nonsense": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"<p>hello", mtime=0),
    "gzip_cut": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"<p>hello" * 99)[:20],
    "gzip_invalid": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all",
    "deflate_chunked": b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"b\r\n%b\r\n0\r\n\r\n" % zlib.compress(b"abc"),
    "cut_in_header": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "cut_in_status": b"HTT",
    "header_only_newline": b"\r\n",
    "random": bytes(range(256)) * 3,
    "http_09": b"<html>no header at all\n\nbut a blank line</html>",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody",
    "blank_continuation": b"HTTP/1.1 200 OK\r\nA: b\r\n \r\nC: d\r\n\r\nbody",
    "control_line": b"HTTP/1.1 200 OK\r\nA: b\r\n\x1c\x1d\r\nC: d\r\n\r\nbody",
    "unicode_blank_line": b"HTTP/1.1 200 OK\r\nA: b\r\n\xe2\x80\xa8\r\nC: d\r\n\r\nbody",
    "latin1": b"HTTP/1.1 200 OK\r\nX: caf\xe9\r\n\r\nbody \xff\xfe",
    "warc_inside": b"HTTP/1.1 200 OK\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n\x1f\x8b\x08",
}


def header_length(name: str) -> int:
    response = ODD_RESPONSES[name]
    if name in ("random", "http_09", "cut_in_header", "cut_in_status", "header_only_newline"):
        return 0
    if name == "bare_newlines":
        return response.index(b"\n\n") + 2
    return (
        response.rindex(b"\r\n\r\nbody") + 4
        if b"\r\n\r\nbody" in response
        else response.index(b"\r\n\r\n") + 4
    )


def warcio_check(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "warcio.cli", "check", "-v", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_warcio_verifies_both_digests_of_every_odd_response(open_archive, exchange, tmp_path, put):
    archive = open_archive()
    for name, response in ODD_RESPONSES.items():
        made = exchange(response, url=f"https://clone.example/{name}", header_length=header_length(name))
        put(made, archive=archive)
    checked = warcio_check(tmp_path / "archive/00001.warc.gz")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "fail" not in checked.stdout
    assert "not checked" not in checked.stdout
    assert checked.stdout.count("digest pass") == 1 + 3 * len(ODD_RESPONSES)


def test_warcio_tells_a_changed_body(exchange, tmp_path, put):
    put(exchange(PLAIN))
    path = tmp_path / "archive/00001.warc.gz"
    forged = tmp_path / "forged.warc"
    forged.write_bytes(gzip.decompress(path.read_bytes()).replace(b"\r\n\r\n<p>hello", b"\r\n\r\n<p>jello"))
    checked = warcio_check(forged)
    assert checked.returncode == 1
    assert "block digest failed" in checked.stdout
    assert "payload digest failed" in checked.stdout


@pytest.mark.parametrize("name", ODD_RESPONSES)
def test_blocks_are_the_bytes_of_the_socket(name, exchange, tmp_path, put):
    made = exchange(ODD_RESPONSES[name], header_length=header_length(name))
    capture = put(made)
    _, request = read_record(tmp_path, capture.hops[0].request)
    header, response = read_record(tmp_path, capture.hops[0].response)
    assert (request, response) == (made.request, made.response)
    assert capture.payload_digest == digest_of(response[made.header_length :])
    assert field_of(header, "warc-block-digest") == digest_of(response)
    stated = field_of(header, "WARC-Payload-Digest")
    assert stated in (None, capture.payload_digest)
    assert (stated is None) == (name in DISPUTED_PAYLOADS)


DISPUTED_PAYLOADS = {
    "cut_in_header", "cut_in_status", "header_only_newline", "random", "http_09", "interim",
    "blank_continuation", "control_line", "unicode_blank_line",
}  # fmt: skip


def test_records_name_peer_time_request_and_file(open_archive, exchange, tmp_path, put):
    archive = open_archive()
    put(exchange(PLAIN), archive=archive)
    with (tmp_path / archive.files()[0]).open("rb") as stream:
        records = [(r.rec_type, r.rec_headers) for r in ArchiveIterator(stream)]
    kinds = [kind for kind, _ in records]
    warcinfo, request, response, metadata = (headers for _, headers in records)
    assert kinds == ["warcinfo", "request", "response", "metadata"]
    assert warcinfo.get_header("WARC-Filename") == "00001.warc.gz"
    assert response.get_header("WARC-IP-Address") == "192.0.2.7"
    assert response.get_header("WARC-Date") == "2026-11-22T06:00:00.123456Z"
    assert response.get_header("WARC-Concurrent-To") == request.get_header("WARC-Record-ID")
    assert request.get_header("WARC-Concurrent-To") == response.get_header("WARC-Record-ID")
    assert response.get_header("Content-Type") == "application/http;msgtype=response"
    assert metadata.get_header("WARC-Warcinfo-ID") == warcinfo.get_header("WARC-Record-ID")


def test_facts_keep_tls_dns_and_authorization(put, exchange, permit, tmp_path):
    capture = put(exchange(PLAIN), parent_url="https://clone.example/up", depth=2)
    facts = read_facts(tmp_path, capture)
    assert facts.capture == dataclasses.replace(capture, facts=None)
    assert (facts.capture.grant_id, facts.capture.grant_digest, facts.capture.rule) == (
        permit.grant_id, permit.grant_digest, permit.rule,
    )  # fmt: skip
    assert (facts.capture.parent_url, facts.capture.depth) == ("https://clone.example/up", 2)
    (hop,) = facts.exchanges
    assert hop.tls.certificates == (b"leaf der", b"root der")
    assert hop.certificate_digests == (digest_of(b"leaf der"), digest_of(b"root der"))
    assert hop.dns == ("192.0.2.7",)


def test_a_fetch_without_any_bytes_leaves_its_facts(open_archive, fetched, permit, now, tmp_path):
    archive = open_archive()
    result = fetched(outcome=Outcome.DNS_ERROR, reason="clone.example has no address", content=b"")
    capture = archive.append(result, permit, captured_at=now)
    assert (capture.record_id, capture.payload_digest, capture.content_digest) == (None, None, None)
    assert read_facts(tmp_path, capture).capture.reason == "clone.example has no address"
    assert warcio_check(tmp_path / archive.files()[0]).returncode == 0


def test_redirects_are_one_capture_with_every_hop(put, exchange, fetched, tmp_path):
    first = exchange(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n", status=302, headers=(("location", "/b"),))
    second = exchange(PLAIN, url="https://clone.example/b", fidelity=WireFidelity.RECONSTRUCTED)
    result = fetched(first, second)
    capture = put(result=result)
    assert [(hop.url, hop.status, hop.location) for hop in capture.hops] == [
        ("https://clone.example/", 302, "/b"),
        ("https://clone.example/b", 200, None),
    ]
    assert capture.record_id == capture.hops[1].response.record_id
    assert capture.fidelity is WireFidelity.RECONSTRUCTED
    assert capture.wire_size == len(first.response) + len(second.response)
    assert restore(tmp_path, capture, result.content) == result


@pytest.mark.parametrize(
    ("reason", "word"), [("length: over 4 MB", "length"), ("time", "time"), ("reset by peer", "unspecified")]
)
def test_truncation_is_said_in_warcs_words(reason, word, exchange, tmp_path, put):
    made = exchange(PLAIN[:-3], truncated=reason)
    capture = put(made)
    header, _ = read_record(tmp_path, capture.hops[0].response)
    assert field_of(header, "WARC-Truncated") == word
    assert read_facts(tmp_path, capture).exchanges[0].truncated == reason


def test_restore_gives_the_fetch_back(put, exchange, fetched, tmp_path):
    result = fetched(
        exchange(CHUNKED), retry_after_s=7.5, reason="a sentence", final_url="https://clone.example/z"
    )
    capture = put(result=result)
    assert restore(tmp_path, capture, result.content) == result
    with pytest.raises(VerificationError, match="content given"):
        restore(tmp_path, capture, b"other")


def test_a_url_cannot_add_a_header_line(put, exchange, fetched, tmp_path):
    made = fetched(exchange(PLAIN, url="https://clone.example/\r\nWARC-Type: warcinfo\r\n\r\n/ü"))
    capture = put(result=made)
    header, _ = read_record(tmp_path, capture.hops[0].response)
    assert field_of(header, "WARC-Type") == "response"
    assert field_of(header, "WARC-Target-URI").startswith("https://clone.example/%0D%0AWARC-Type:%20warcinfo")
    assert capture.url == made.url


def test_files_follow_each_other_by_size(open_archive, exchange, tmp_path, put):
    archive = open_archive(rotate_bytes=1)
    captures = [put(exchange(PLAIN), archive=archive) for _ in range(3)]
    assert [c.facts.file for c in captures] == list(archive.files())
    assert archive.files() == tuple(f"archive/0000{n}.warc.gz" for n in (1, 2, 3))
    assert warcio_check(*(tmp_path / name for name in archive.files())).returncode == 0
    again = open_archive({c.facts.file: c.facts.offset + c.facts.length for c in captures}, rotate_bytes=1)
    assert put(exchange(PLAIN), archive=again).facts.file == "archive/00004.warc.gz"


def test_a_reopened_file_goes_on_under_its_warcinfo(open_archive, exchange, tmp_path, put):
    put(exchange(PLAIN))
    archive = open_archive()
    put(exchange(PLAIN), archive=archive)
    records = list(iterate(tmp_path / archive.files()[0]))
    named = {field_of(r.header, "WARC-Warcinfo-ID") for r in records[1:]}
    assert named == {field_of(records[0].header, "WARC-Record-ID")}
    assert [field_of(r.header, "WARC-Type") for r in records].count("warcinfo") == 1


def test_the_same_fetch_gives_the_same_bytes(exchange, now, tmp_path, put):
    from clonedetect.archive.custody import CustodyLog
    from clonedetect.archive.warc import WarcArchive

    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        ids = (RecordId(f"urn:uuid:00000000-0000-0000-0000-{n:012}") for n in itertools.count())
        log = CustodyLog.open(folder / "custody.jsonl", now)
        archive = WarcArchive.open(
            folder, "C", known={}, custody=log, now=now, new_id=lambda ids=ids: next(ids)
        )
        put(exchange(PLAIN), archive=archive)
        log.close()
        made.append((folder / archive.files()[0]).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("field", ["offset", "length", "record_id", "block_digest", "file"])
def test_a_reference_that_is_off_is_refused(field, exchange, tmp_path, put):
    capture = put(exchange(PLAIN))
    ref = capture.hops[0].response
    wrong = {
        "offset": ref.offset + 1,
        "length": ref.length - 1,
        "record_id": RecordId("urn:uuid:0"),
        "block_digest": digest_of(b""),
        "file": "archive/00009.warc.gz",
    }
    with pytest.raises(VerificationError):
        read_record(tmp_path, dataclasses.replace(ref, **{field: wrong[field]}))


def test_a_flipped_bit_anywhere_is_told(exchange, tmp_path, put):
    capture = put(exchange(PLAIN))
    ref = capture.hops[0].response
    path = tmp_path / ref.file
    whole = path.read_bytes()
    harmless = {ref.offset + n for n in range(3, 10)}  # gzip's own flag, time, level and system
    for at in range(ref.offset, ref.offset + ref.length):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        if at in harmless:
            continue
        with pytest.raises(VerificationError):
            read_record(tmp_path, ref)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(block=st.binary(max_size=3000), value=st.text(max_size=60))
def test_members_read_back_as_built(block, value, tmp_path):
    fields = (("WARC-Type", "resource"), ("WARC-Target-URI", value), ("X-Value", value))
    (tmp_path / "x.warc.gz").write_bytes(build_member(fields, block) * 2)
    first, second = iterate(tmp_path / "x.warc.gz")
    assert first.block == second.block == block
    assert second.offset == first.length
    assert field_of(first.header, "Content-Length") == str(len(block))
    assert len(first.header) == 4


@pytest.mark.parametrize(
    "raw",
    [
        b"not a record",
        b"WARC/1.0\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
        b"WARC/1.1\r\nno colon\r\n\r\n\r\n\r\n",
        b"WARC/1.1\r\nContent-Length: 5\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nContent-Length: \xc2\xb2\r\n\r\nab\r\n\r\n",
        b"WARC/1.1\r\nContent-Length: 0\r\nWARC-Block-Digest: sha256:00\r\n\r\n\r\n\r\n",
    ],
)
def test_what_is_no_record_is_named_with_its_place(raw, tmp_path):
    good = build_member((("WARC-Type", "resource"),), b"x")
    (tmp_path / "x.warc.gz").write_bytes(good + gzip.compress(raw))
    records = iterate(tmp_path / "x.warc.gz")
    next(records)
    with pytest.raises(VerificationError, match=rf"x\.warc\.gz at {len(good)}"):
        next(records)
