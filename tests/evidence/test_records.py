"""Reading WARC files that others wrote, and refusing torn ones."""

from __future__ import annotations

import gc
import gzip
import io

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from clonedetect.evidence.shipped import verify as shipped
from clonedetect.evidence.shipped.verify import custody_problems, read_records
from clonedetect.models.ids import digest_of


def record(block: bytes, *fields: tuple[str, str], kind: str = "response") -> bytes:
    head = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", "<urn:uuid:1>"),
        ("Content-Type", "application/http; msgtype=response"),
        ("Content-Length", str(len(block))),
        *fields,
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in head)
    return gzip.compress(b"WARC/1.1\r\n" + lines.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


def read(data: bytes):
    return list(read_records(io.BytesIO(data)))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # warcio leaves its spooled files to the collector
def test_digests_that_warcio_writes_hold():
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="1.1")
    headers = StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.1")
    writer.write_record(writer.create_warcinfo_record("a.warc.gz", {"software": "warcio"}))
    for number in range(5):
        body = io.BytesIO(bytes([number]) * 100_000 * number)
        writer.write_record(
            writer.create_warc_record(f"http://x/{number}", "response", payload=body, http_headers=headers)
        )
    del writer
    gc.collect()
    records = read(buffer.getvalue())
    assert len(records) == 6
    assert all(one.problems == () for one in records)
    assert records[0].block.startswith(b"software: warcio")
    assert [one.offset for one in records[1:]] == [one.offset + one.length for one in records[:-1]]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_records_are_the_same_however_the_bytes_arrive(monkeypatch, chunk):
    block = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + bytes(range(256)) * 9
    data = record(block) + record(b"no header at all") + record(b"HTTP/1.1 200 OK\n\nx")
    whole = read(data)
    monkeypatch.setattr(shipped, "CHUNK", 1 << 20 if chunk == 1 else chunk * 50)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(chunk)

    assert list(read_records(Slow(data))) == whole
    assert whole[0].payload_digest == digest_of(bytes(range(256)) * 9)
    assert whole[1].payload_digest == digest_of(b"no header at all")
    assert whole[2].payload_digest == digest_of(b"x")


@pytest.mark.parametrize(
    ("block", "payload"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nX: \xff\r\n \t\r\nbody", b"body"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody", b"HTTP/1.1 200 OK\r\n\r\nbody"),
    ],
    ids=["no body", "a line of blanks", "interim answer"],
)
def test_the_payload_begins_where_a_line_reader_sees_the_header_end(block, payload):
    assert read(record(block))[0].payload_digest == digest_of(payload)


@pytest.mark.parametrize(
    "field",
    [
        ("WARC-Block-Digest", f"sha256:{'0' * 64}"),
        ("WARC-Payload-Digest", f"sha256:{'0' * 64}"),
        ("WARC-Block-Digest", "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"),
        ("WARC-Block-Digest", "crc32:00000000"),
        ("WARC-Block-Digest", "sha256"),
    ],
)
def test_a_digest_that_does_not_hold_is_a_problem(field):
    (found,) = read(record(b"HTTP/1.1 200 OK\r\n\r\nx", field))
    holds = field[1] == "sha256"
    assert bool(found.problems) is not holds


def test_a_revisit_names_the_payload_of_another_record():
    stated = ("WARC-Payload-Digest", f"sha256:{'0' * 64}")
    assert read(record(b"HTTP/1.1 304 Not Modified\r\n\r\n", stated, kind="revisit"))[0].problems == ()


@pytest.mark.parametrize(
    "data",
    [
        record(b"HTTP/1.1 200 OK\r\n\r\nx")[:-3],
        record(b"x")[:-12] + b"garbage-garbage",
        gzip.compress(b"no warc\r\n\r\n"),
        gzip.compress(b"WARC/1.1\r\nContent-Length: 5\r\nWARC-Type: x\r\n\r\nabc\r\n\r\n"),
        gzip.compress(b"WARC/1.1\r\nContent-Length: 1\r\nWARC-Type: x\r\n\r\nabc\r\n\r\n"),
        gzip.compress(b"WARC/1.1\r\nWARC-Type: x\r\n\r\n\r\n\r\n"),
        gzip.compress(b"WARC/1.1"),
        gzip.compress(b"a" * (3 << 20)),
        b"plain",
    ],
    ids=[
        "cut",
        "garbled",
        "no warc",
        "too short",
        "too long",
        "no length",
        "no end",
        "endless header",
        "no gzip",
    ],
)
def test_what_is_no_whole_record_is_refused(data):
    with pytest.raises(shipped.UNREADABLE):
        read(data)


def test_an_empty_custody_log_is_a_problem():
    assert custody_problems([]) == ["custody holds nothing"]


def test_a_custody_log_that_starts_late_is_a_problem():
    line = (
        b'{"action":"x","actor":"a","grant":"","prev":"' + b"0" * 64 + b'","seq":2,"subject":"","time":"t"}\n'
    )
    assert custody_problems([line]) == ["custody line 1 has the wrong number"]
