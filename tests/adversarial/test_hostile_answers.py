"""What hosts send, however hostile: a typed outcome, the very bytes in the archive, and the run goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from clonedetect.archive.record import field_of
from tests.adversarial.arena import Arena, Host, page, reply

WARCIO = Path(sys.executable).with_name("warcio")
UNANNOUNCED = b"and more that nobody announced"
ODD = {
    "/spacing": b"HTTP/1.1  200   Fine  enough \r\ncOnTeNt-TyPe:text/html\r\nX-Odd :  a\t b  \r\n"
    b"Content-Length:   0000017  \r\nX-Same: 1\r\nx-same:2\r\n\r\n<p>seventeen</p>\r\n",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding:  Chunked\r\nContent-Type: text/html\r\n\r\n"
    b"0005;a=b\r\n<p>on\r\nA \r\ne paragrap\r\n00000\r\nX-Trailer: t\r\n\r\n",
    "/bare": b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<p>bare line feeds</p>",
    "/old": b"HTTP/1.0 200\r\nContent-Type: text/html\r\n\r\n<p>until the end</p>",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<p>i",
    "/excess": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/html\r\n\r\n<p>abc" + UNANNOUNCED,
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n<p>cut",
    "/folded": b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 3\r\n\r\n<p>",
    "/high": b"HTTP/1.1 200 \xff\xfe\r\nX-High: \xe9\x80\x01\r\nContent-Length: 3\r\n\r\n<p>",
    "/both": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n<p>smuggled",
    "/twice": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\n<p>abcdef",
    "/noise": bytes(range(256)) * 4,
    "/nothing": b"",
    "/empty": b"HTTP/1.1 204 No Content\r\n\r\nbut there is some",
    "/warc": b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nWARC/1.1\r\nWARC-Type: warcinfo\r\n\r\n",
}


def test_the_archive_holds_what_the_socket_gave_byte_for_byte(arena: Callable[..., Arena]) -> None:
    by_drops = {f"{path}-dripped": [bytes([b]) for b in whole] for path, whole in ODD.items()}
    site = arena(Host("clone.example", {**ODD, **by_drops, "/end": page("the end")}))
    seeds = [f"http://clone.example{path}" for path in (*ODD, *by_drops, "/end")]

    site.scan(site.grant(), *seeds)

    blocks = {
        field_of(record.header, "WARC-Target-URI"): record.block
        for record in site.records()
        if field_of(record.header, "WARC-Type") == "response"
    }
    sent = {f"http://clone.example{path}": whole for path, whole in ODD.items()}
    sent |= {f"http://clone.example{path}": b"".join(parts) for path, parts in by_drops.items()}
    told = site.outcomes()
    for url, whole in sent.items():
        got = blocks.get(url, b"")
        # What is broken, has no body, or goes on after its announced end in drops, may end where the client
        # hung up, and never holds anything else.
        is_whole = told[url] == "ok" and not whole.startswith(b"HTTP/1.1 204")
        if url.endswith("/excess-dripped"):
            assert whole.startswith(got), url
            assert got.startswith(whole.removesuffix(UNANNOUNCED)), url
        else:
            assert got == whole if is_whole else whole.startswith(got), url
        assert got or not whole, url
    assert told["http://clone.example/end"] == "ok"
    assert all(capture.fidelity == "exact" for capture in site.contents.captures)


def test_another_reader_finds_every_record_whole(arena: Callable[..., Arena]) -> None:
    site = arena(Host("clone.example", ODD))

    site.scan(site.grant(), *(f"http://clone.example{path}" for path in ODD))

    for path in site.case.glob("archive/*.warc.gz"):
        done = subprocess.run([str(WARCIO), "check", str(path)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")


NO_PAGES = {
    "/picture": reply(b"\xff\xd8\xff\xe0" + bytes(2_000), "text/html"),
    "/archive": reply(b"PK\x03\x04" + bytes(2_000), "text/html"),
    "/nothing": reply(b""),
    "/nul": reply(bytes(5_000)),
    "/utf16": reply("<p>wide".encode("utf-16"), "text/html; charset=utf-16"),
    "/unknown": reply(b"<p>\xff\xfe\x81", "text/html; charset=klingon"),
    "/surrogates": page(
        '<a href="/&#xD800;">x</a><img src="/\\ud800.jpg">&#xDFFF;<p title="&#xD83D;">&#0;</p>'
    ),
    "/json-surrogates": reply(
        b'{"url": "http://clone.example/\\ud800", "image": "/\\udfff.jpg", "caption": "a \\ud800 b"}',
        "application/json",
    ),
    "/deep-json": reply(b"[" * 100_000 + b"]" * 100_000, "application/json"),
    "/numbers": reply(b"[" + b"9" * 1_000_000 + b", 1e999, -0]", "application/json"),
    "/entities": page("&#x110000;&#xFFFFFFFF;&lt;&amp;amp;" * 2_000),
    "/xml": reply(b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "application/xml"),
    "/svg": reply(b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>", "image/svg+xml"),
}


def test_a_document_that_is_no_page_is_inconclusive_and_ends_neither_crawl_nor_analysis(
    arena: Callable[..., Arena],
) -> None:
    site = arena(Host("clone.example", {**NO_PAGES, "/end": page("the end")}))
    index = site.index(
        [{"item_id": "1", "account_id": "a", "caption": "nobody writes this on the pages here"}]
    )

    site.scan(site.grant(), *(f"http://clone.example{path}" for path in (*NO_PAGES, "/end")), index=index)

    told = {verdict.page_url: verdict for verdict in site.contents.verdicts}
    assert len(told) >= len(NO_PAGES) + 1
    assert told["http://clone.example/picture"].verdict == "inconclusive"
    assert told["http://clone.example/archive"].verdict == "inconclusive"
    assert told["http://clone.example/end"].verdict == "none"


def test_addresses_that_are_no_unicode_are_refused_like_any_other(arena: Callable[..., Arena]) -> None:
    site = arena(Host("clone.example", {"/": page("fine")}))

    site.scan(site.grant(), "http://clone.example/", "http://clone.example/\udcff")

    assert site.outcomes()["http://clone.example/"] == "ok"
    assert len(site.contents.refusals) == 1
