"""A body that the case holds is archived once; whoever reads the later records gets it, byte for byte."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from clonedetect.archive.record import field_of, read_record
from clonedetect.archive.warc import iterate, read_facts, restore
from clonedetect.case.store import CaseStore
from clonedetect.crawl.decode import decode_record
from clonedetect.crawl.fetch import Fetcher
from clonedetect.crawl.rounds import Rounds
from clonedetect.errors import VerificationError
from clonedetect.evidence.shipped.verify import read_records
from clonedetect.models.capture import Capture, Purpose
from clonedetect.models.ids import digest_of

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
LARGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
SMALL = b"\x89PNG\r\n\x1a\n" + b"small"


def png(body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "image/png", **headers}, body


def captured(case, name: str) -> Capture:
    return next(one for one in case.store.captures() if one.url.endswith(name))


def record_of(case, capture: Capture):
    return read_record(case.store.folder, capture.hops[-1].response)


@pytest.fixture
def repeating(case, serve, loopback):
    """A page that shows one picture under two addresses, and a small one under two."""
    replies = {
        "/": loopback.page(images=("/i/1.png", "/i/3.png")),
        "/again": loopback.page(images=("/i/2.png", "/i/4.png")),
        "/i/1.png": png(LARGE, **{"X-Served": "first"}),
        "/i/2.png": png(LARGE, **{"X-Served": "second"}),
        "/i/3.png": png(SMALL),
        "/i/4.png": png(SMALL),
    }
    site = serve(replies)

    async def crawl(path: str):
        async with Fetcher(operator="Tests", contact="tests@example.org") as fetcher:
            crawler = case.crawler(loopback.permits(site.port), fetch=fetcher.fetch)
            return await crawler.run([site.base + path], asyncio.Event())

    for path in ("/", "/again"):  # what ends together is recorded together, and then nothing is held yet
        asyncio.run(crawl(path))
    return site


def first_and_second(case) -> tuple[Capture, Capture]:
    pair = [one for one in case.store.captures() if one.url.endswith(("/1.png", "/2.png"))]
    assert len(pair) == 2
    return pair[0], pair[1]


def test_only_the_head_of_a_repeated_body_is_archived_and_says_where_the_body_is(case, repeating):
    first, second = first_and_second(case)
    header, block = record_of(case, second)
    held, held_block = record_of(case, first)
    assert (field_of(header, "WARC-Type"), field_of(held, "WARC-Type")) == ("revisit", "response")
    assert field_of(header, "WARC-Profile") == IDENTICAL
    assert field_of(header, "WARC-Refers-To") == field_of(held, "WARC-Record-ID")
    assert field_of(header, "WARC-Refers-To-Target-URI") == first.url
    assert field_of(header, "WARC-Refers-To-Date") == field_of(held, "WARC-Date")
    assert field_of(header, "WARC-Payload-Digest") == digest_of(LARGE)
    assert block.endswith(b"\r\n\r\n")
    assert b"X-Served" in block
    assert held_block.endswith(LARGE)


def test_what_is_restored_is_what_came(case, repeating):
    for capture in first_and_second(case):
        (exchange,) = restore(case.store.folder, capture, case.store.content(capture.record_id)).exchanges
        served = b"first" if capture.url.endswith("/1.png") else b"second"
        assert exchange.response.endswith(LARGE)
        assert b"X-Served: " + served in exchange.response[: exchange.header_length]
        assert decode_record(exchange.response, exchange.header_length) == LARGE
        assert capture.payload_digest == capture.content_digest == digest_of(LARGE)
        assert capture.wire_size == len(exchange.response)


def test_a_small_body_is_stored_again(case, repeating):
    kinds = [
        field_of(record_of(case, one)[0], "WARC-Type")
        for one in case.store.captures()
        if one.url.endswith(("/3.png", "/4.png"))
    ]
    assert kinds == ["response", "response"]


def test_the_archive_satisfies_warcio(case, repeating):
    files = [str(case.store.folder / name) for name in case.archive.files()]
    subprocess.run([sys.executable, "-m", "warcio.cli", "check", *files], check=True, capture_output=True)


def test_a_body_that_is_damaged_is_stored_again(case, repeating, loopback):
    first, _ = first_and_second(case)
    ref = first.hops[-1].response
    path = case.store.folder / ref.file
    data = bytearray(path.read_bytes())
    data[ref.offset + ref.length // 2] ^= 1
    path.write_bytes(bytes(data))
    Rounds(case.store.database).begin(loopback.GRANT, datetime.now(UTC))
    case.run(loopback.permits(repeating.port), [])
    again = [one for one in case.store.captures() if one.url == first.url][-1]
    header, block = record_of(case, again)
    assert field_of(header, "WARC-Type") == "response"
    assert block.endswith(LARGE)


def test_a_body_that_was_changed_where_it_lies_is_noticed_in_every_capture_that_has_it(case, repeating):
    first, second = first_and_second(case)
    ref = first.hops[-1].response
    path = case.store.folder / ref.file
    data = bytearray(path.read_bytes())
    data[ref.offset + ref.length // 2] ^= 1
    path.write_bytes(bytes(data))
    for capture in (first, second):
        with pytest.raises(VerificationError):
            restore(case.store.folder, capture, LARGE)


def test_a_second_look_without_validators_stores_no_body_twice(case, serve, loopback):
    site = serve({"/": loopback.page(images=("/i/1.png",)), "/i/1.png": png(LARGE)})
    permit_for = loopback.permits(site.port)
    case.run(permit_for, [f"{site.base}/"])
    for _ in range(3):
        Rounds(case.store.database).begin(loopback.GRANT, datetime.now(UTC))
        case.run(permit_for, [])
        Rounds(case.store.database).end(loopback.GRANT, datetime.now(UTC))
    captures = [one for one in case.store.captures() if one.purpose is Purpose.MEDIA]
    kinds = [field_of(record_of(case, one)[0], "WARC-Type") for one in captures]
    assert kinds == ["response", "revisit", "revisit", "revisit"]
    bodies = {read_facts(case.store.folder, one).exchanges[0].body for one in captures[1:]}
    assert bodies == {captures[0].hops[0].response}  # never a chain
    for capture in captures:
        assert restore(case.store.folder, capture, LARGE).exchanges[0].response.endswith(LARGE)


def test_the_shipped_reader_recomputes_what_a_stranger_can(case, repeating):
    _, second = first_and_second(case)
    with (case.store.folder / second.hops[-1].response.file).open("rb") as stream:
        records = {record.record_id: record for record in read_records(stream)}
    record = records[second.record_id]
    held = records[record.fields["warc-refers-to"].strip("<>")]
    assert record.problems == held.problems == ()
    assert held.payload_digest == record.fields["warc-payload-digest"] == second.payload_digest


# Kills


def test_runs_that_are_killed_restore_every_body(serve, loopback, tmp_path):
    from tests.crawler.test_killed_runs import run

    site = serve(loopback.small_site(6))
    site.replies.update({f"/i/{n}.png": png(LARGE) for n in range(6)})
    folder, chance, killed = tmp_path / "case", random.Random(7), 0
    while killed < 4 and run(folder, site.base, chance.randint(20, 120)) == -signal.SIGKILL:
        killed += 1
    assert killed >= 2
    assert run(folder, site.base, 0) == 0
    with CaseStore.read(folder) as store:
        captures = [one for one in store.captures() if one.url.endswith(".png")]
        assert set(Counter(one.url for one in captures).values()) == {1}
        for capture in captures:
            content = store.content(capture.record_id)
            assert restore(folder, capture, content).exchanges[0].response.endswith(content)
    kinds = Counter(
        field_of(record.header, "WARC-Type")
        for path in sorted((folder / "archive").glob("*.warc.gz"))
        for record in iterate(path)
    )
    assert kinds["response"] + kinds["revisit"] == 6 + 6 + 2  # pages, pictures, a logo and robots.txt
    assert kinds["revisit"] >= 1
