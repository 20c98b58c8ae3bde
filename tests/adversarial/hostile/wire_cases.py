"""Hostile answers as they go over the wire, and what each must end in.

The table of docs/hostile-input.md is made of these and of `picture_cases`.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

import brotli
import zstandard

from tests.adversarial.arena import Reply, ResetError, page, redirect, reply

ZEROS = 200_000_000
ENCODINGS = ("gzip", "deflate", "br", "zstd")
ENGLISH = (
    "The old harbour crane swings a crate of oranges over the frozen canal while two herons wait below, "
    "and the night watchman counts them aloud."
)
JAPANESE = (
    "朝霧の港で古いクレーンが蜜柑の木箱を凍った運河の上にゆっくりと吊り上げ、二羽の青鷺が下で待っている間、"
    "夜警は声に出して数を数えていた。"
)
"""Captions of the index: a page that was read as it was written shows them."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile answer and its end.

    `what` is a line of the documents' table; `outcome` is the capture's, `reason` a part of its
    reason; `verdict` and `unseen` what the page's verdict says, "" where nothing is claimed.
    A case that keeps its host waiting has a host `alone`. `then` is how the same address ends
    when it is asked again, for answers that ask for it.
    """

    name: str
    group: str
    what: str
    reply: Reply
    outcome: str
    reason: str = ""
    verdict: str = "inconclusive"
    unseen: str = ""
    alone: bool = False
    is_media: bool = False
    then: str = ""


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BODY = b"<h1>Pictures of everybody</h1><p>Look at the newest pictures that people have posted today.</p>"


@cache
def zeros(kind: str) -> bytes:
    """Return 200 MB of zeros in one content encoding."""
    makers: dict[str, Callable[[], object]] = {
        "br": lambda: brotli.Compressor(quality=5),
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        "deflate": lambda: zlib.compressobj(9),
        "zstd": lambda: zstandard.ZstdCompressor(level=3).compressobj(),
    }
    packer = makers[kind]()
    work = getattr(packer, "compress", None) or packer.process
    end = getattr(packer, "flush", None) or packer.finish
    piece = bytes(1_000_000)
    return b"".join([*(work(piece) for _ in range(ZEROS // len(piece))), end()])


def _coded(body: Callable[[], bytes], coding: str, kind: str = "text/html") -> Callable[[], bytes]:
    return lambda: reply(body(), kind, extra=f"Content-Encoding: {coding}\r\n")


def _lasting(head: bytes, piece: bytes, wait_s: float = 0.0, first: bytes = b"") -> Reply:
    """Return a reply that goes on for as long as anybody reads."""

    async def pieces() -> AsyncIterator[bytes]:
        yield head + first
        while True:
            yield piece
            await asyncio.sleep(wait_s)

    return pieces


def _then_reset(sent: bytes) -> Reply:
    async def pieces() -> AsyncIterator[bytes]:
        yield sent
        await asyncio.sleep(0.05)
        raise ResetError

    return pieces


def _then_wait(sent: bytes) -> Reply:
    async def pieces() -> AsyncIterator[bytes]:
        yield sent
        await asyncio.Event().wait()

    return pieces


def _slow_down(value: Callable[[], str]) -> Callable[[], Reply]:
    """Return a maker of replies that ask once to come back, and then serve a page."""

    def make() -> Reply:
        asked = 0

        def answer() -> bytes:
            nonlocal asked
            asked += 1
            if asked > 1:
                return page("here you are")
            return f"HTTP/1.1 429 Slow\r\nRetry-After: {value()}\r\nContent-Length: 0\r\n\r\n".encode()

        return answer

    return make


def _in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


def _noise(length: int) -> bytes:
    return random.Random(20261126).randbytes(length)


BOMBS = (
    *(
        Case(
            f"bomb-{kind}",
            "compression",
            f"200 MB of zeros in {kind}",
            _coded(lambda k=kind: zeros(k), kind),
            "bomb",
            f"of {kind} inflate",
        )
        for kind in ENCODINGS
    ),
    Case(
        "bomb-json",
        "compression",
        "the same as JSON",
        _coded(lambda: zeros("gzip"), "gzip", "application/json"),
        "bomb",
        "of gzip inflate",
    ),
    Case(
        "bomb-media",
        "compression",
        "the same as a picture",
        _coded(lambda: gzip.compress(b"\xff\xd8\xff") + zeros("gzip"), "gzip", "image/jpeg"),
        "bomb",
        "of gzip inflate",
        is_media=True,
        unseen="picture: bomb",
    ),
    Case(
        "stacked",
        "compression",
        "gzip within gzip, so named",
        _coded(lambda: gzip.compress(zeros("gzip")), "gzip, gzip"),
        "decode_error",
        "stacked",
    ),
    Case(
        "stacked-fields",
        "compression",
        "br and gzip in two header fields",
        lambda: reply(gzip.compress(b"x"), extra="Content-Encoding: br\r\nContent-Encoding: gzip\r\n"),
        "decode_error",
        "stacked",
    ),
    Case(
        "gzip-invalid",
        "compression",
        "bytes that are no gzip",
        reply(b"\x1f\x8b" + _noise(900), extra="Content-Encoding: gzip\r\n"),
        "decode_error",
        "gzip body is invalid",
    ),
    Case(
        "gzip-cut",
        "compression",
        "gzip that ends early",
        reply(gzip.compress(_noise(9_000))[:4_000], extra="Content-Encoding: gzip\r\n"),
        "decode_error",
        "gzip body is cut",
    ),
    Case(
        "br-invalid",
        "compression",
        "bytes that are no br",
        reply(_noise(900), extra="Content-Encoding: br\r\n"),
        "decode_error",
        "br body",
    ),
    Case(
        "zstd-invalid",
        "compression",
        "bytes that are no zstd",
        reply(_noise(900), extra="Content-Encoding: zstd\r\n"),
        "decode_error",
        "zstd body is invalid",
    ),
    Case(
        "coding-unknown",
        "compression",
        "a content encoding nobody knows",
        reply(b"<p>x", extra="Content-Encoding: klingon\r\n"),
        "decode_error",
        "is not known",
    ),
)

BODIES = (
    Case(
        "endless",
        "bodies",
        "a body without end",
        _lasting(HEAD + b"\r\n", b"<p>and on " * 6_000),
        "too_large",
        "goes on past",
    ),
    Case(
        "endless-chunks",
        "bodies",
        "chunks without end",
        _lasting(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"ea60\r\n" + b"<p>and on " * 6_000 + b"\r\n"),
        "too_large",
        "goes on past",
    ),
    Case(
        "chunk-line",
        "bodies",
        "a chunk's size line without end",
        _lasting(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5", b";" + b"a" * 60_000),
        "too_large",
        "goes on past",
    ),
    Case(
        "endless-picture",
        "bodies",
        "a picture without end",
        _lasting(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", bytes(60_000), first=b"\xff\xd8\xff\xe0"
        ),
        "too_large",
        "goes on past",
        is_media=True,
        unseen="picture: too_large",
    ),
    Case(
        "endless-noise",
        "bodies",
        "a picture of noise without end, which no archive packs smaller",
        _lasting(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", _noise(60_000), first=b"\xff\xd8\xff\xe0"
        ),
        "too_large",
        "goes on past",
        is_media=True,
        unseen="picture: too_large",
    ),
    Case(
        "endless-video",
        "bodies",
        "a picture that turns out to be a video without end",
        _lasting(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
            bytes(60_000),
            first=b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
        ),
        "too_large",
        "goes on past",
        is_media=True,
        unseen="picture: too_large",
    ),
    Case(
        "short",
        "bodies",
        "less than Content-Length says",
        HEAD + b"Content-Length: 600\r\n\r\n<p>cut",
        "protocol_error",
        "not a whole HTTP response",
    ),
    Case(
        "reset",
        "bodies",
        "a reset within the body",
        _then_reset(HEAD + b"Content-Length: 600\r\n\r\n<p>cut"),
        "protocol_error",
    ),
    Case("reset-first", "bodies", "a reset instead of an answer", _then_reset(b""), "connect_error"),
    Case("nothing", "bodies", "a connection closed without a byte", b"", "connect_error"),
    Case(
        "empty", "bodies", "an empty page", reply(b""), "ok", verdict="inconclusive", unseen="an empty page"
    ),
    Case(
        "no-content",
        "bodies",
        "204 with a body",
        b"HTTP/1.1 204 No Content\r\n\r\n<p>there is some",
        "ok",
        verdict="inconclusive",
        unseen="an empty page",
    ),
)

SLOW = (
    Case(
        "drip-body",
        "slowness",
        "a body a byte at a time",
        _lasting(HEAD + b"\r\n", b"x", 0.1),
        "timeout",
        "not finished within",
        alone=True,
    ),
    Case(
        "drip-head",
        "slowness",
        "a head a byte at a time",
        _lasting(HEAD + b"X-Long: ", b"x", 0.1),
        "timeout",
        "not finished within",
        alone=True,
    ),
    Case(
        "drip-chunks",
        "slowness",
        "chunks of one byte, slowly",
        _lasting(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1),
        "timeout",
        "not finished within",
        alone=True,
    ),
    Case(
        "silent",
        "slowness",
        "a connection that never says anything",
        _then_wait(b""),
        "timeout",
        "nothing came for",
        alone=True,
    ),
    Case(
        "silent-body",
        "slowness",
        "a body that stops",
        _then_wait(HEAD + b"Content-Length: 600\r\n\r\n<p>cut"),
        "timeout",
        "nothing came for",
        alone=True,
    ),
    Case(
        "interim-drip",
        "slowness",
        "interim responses (1xx), slowly and without end",
        _lasting(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.1),
        "timeout",
        "not finished within",
        alone=True,
    ),
    Case(
        "interim-flood",
        "slowness",
        "interim responses (1xx) as fast as they go",
        _lasting(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1_000),
        "protocol_error",
    ),
)

HEADS = (
    Case(
        "many-fields",
        "heads",
        "10,000 header fields",
        HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n" + BODY,
        "protocol_error",
    ),
    Case(
        "large-field",
        "heads",
        "a header field of 100 KB",
        HEAD + b"X-Long: " + b"y" * 100_000 + b"\r\n\r\n" + BODY,
        "protocol_error",
    ),
    Case(
        "cookies",
        "heads",
        "300 cookies",
        HEAD + b"".join(b"Set-Cookie: c%d=1\r\n" % n for n in range(300)) + b"\r\n" + BODY,
        "protocol_error",
    ),
    Case(
        "two-lengths",
        "heads",
        "two Content-Length fields that differ",
        HEAD + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\n<p>abcdef",
        "protocol_error",
    ),
    Case(
        "two-framings",
        "heads",
        "Transfer-Encoding beside Content-Length",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n<p>smuggled",
        "protocol_error",
    ),
    Case("noise", "heads", "random bytes", _noise(4_096), "protocol_error"),
    Case("http09", "heads", "HTTP/0.9: a page without a head", b"<html>" + BODY, "protocol_error"),
    Case(
        "endless-head",
        "heads",
        "header fields without end",
        _lasting(HEAD, b"".join(b"X-%d: y\r\n" % n for n in range(5_000))),
        "protocol_error",
    ),
)

REDIRECTED = (
    ("loop", "back to where it came from", "{path}", "redirect_loop", "lead back to"),
    (
        "metadata",
        "169.254.169.254",
        "http://169.254.169.254/latest/meta-data/",
        "redirected_away",
        "not a public address",
    ),
    ("loopback", "127.0.0.2", "http://127.0.0.2:{port}/", "redirected_away", "not a granted host"),
    ("file", "`file:`", "file:///etc/passwd", "blocked_scope", "only absolute http"),
    ("data", "`data:`", "data:text/html,x", "blocked_scope", "only absolute http"),
    (
        "decimal",
        "a decimal number",
        "http://2130706434:{port}/",
        "redirected_away",
        "four plain decimal numbers",
    ),
    (
        "hex",
        "a hexadecimal number",
        "http://0x7f000002:{port}/",
        "redirected_away",
        "four plain decimal numbers",
    ),
    (
        "octal",
        "an octal number",
        "http://0177.0.0.2:{port}/",
        "redirected_away",
        "four plain decimal numbers",
    ),
    ("short-form", "`127.1`", "http://127.1:{port}/", "redirected_away", "four plain decimal numbers"),
    (
        "mapped",
        "an IPv4-mapped IPv6 address",
        "http://[::ffff:127.0.0.2]:{port}/",
        "redirected_away",
        "not a granted host",
    ),
    ("malformed", "something malformed", "http://[::1/", "protocol_error", "leads nowhere"),
    ("space", "an address with a space", "http://clone.example/a b", "protocol_error", "leads nowhere"),
    ("bad-port", "a port that is none", "http://clone.example:99999/", "protocol_error", "leads nowhere"),
    (
        "login-in-address",
        "a user name that looks like the host",
        "http://clone.example@127.0.0.2:{port}/",
        "redirected_away",
        "user name or password",
    ),
    (
        "other-port",
        "another port of the host",
        "http://clone.example:{port}/",
        "blocked_scope",
        "port {port} is not granted",
    ),
    ("other-site", "another site", "http://honeypot.example/", "redirected_away", "not a granted host"),
    (
        "climbing",
        "a path that climbs out of its prefix",
        "http://fenced.example/in/../out",
        "redirected_away",
        "is below none of",
    ),
    (
        "long",
        "an address of 3,000 characters",
        "http://clone.example/" + "a" * 3_000,
        "blocked_scope",
        "characters",
    ),
)
"""(name, what, Location, outcome, reason); `{port}` is the honeypot's, `{path}` the case's own."""


def redirects(port: int) -> tuple[Case, ...]:
    """Return the redirects for a honeypot on `port`, and a chain of seven."""
    cases = [
        Case(
            f"to-{name}",
            "redirects",
            f"to {what}",
            redirect(target.format(port=port, path=f"/to-{name}"), (301, 302, 303, 307, 308)[number % 5]),
            outcome,
            reason.format(port=port),
        )
        for number, (name, what, target, outcome, reason) in enumerate(REDIRECTED)
    ]
    chain = Case("chain", "redirects", "seven in a row", redirect("/chain/1"), "redirect_loop", "more than 5")
    return (*cases, chain)


CHAIN = {f"/chain/{number}": redirect(f"/chain/{number + 1}") for number in range(1, 8)}


def _links(count: int) -> str:
    return "".join(f'<a href="/link/{number}">a link</a>' for number in range(count))


DOCUMENTS = (
    Case(
        "utf16",
        "documents",
        "UTF-16, so declared",
        lambda: reply(f"<h1>Seen</h1><p>{ENGLISH}</p>".encode("utf-16"), "text/html; charset=utf-16"),
        "ok",
        verdict="found",
    ),
    Case(
        "utf16-bare",
        "documents",
        "UTF-16 declared as UTF-8, with a byte-order mark",
        lambda: reply(f"<h1>Seen</h1><p>{ENGLISH}</p>".encode("utf-16"), "text/html; charset=utf-8"),
        "ok",
        verdict="found",
    ),
    Case(
        "charset-unknown",
        "documents",
        "a charset nobody knows",
        lambda: reply(f"<h1>Gesehen</h1><p>{ENGLISH}</p>", "text/html; charset=klingon"),
        "ok",
        verdict="found",
    ),
    Case(
        "shift-jis",
        "documents",
        "Shift_JIS, declared by `meta` alone",
        lambda: reply(
            f"<meta charset=Shift_JIS><h1>港</h1><p>{JAPANESE}</p>".encode("shift_jis"), "text/html"
        ),
        "ok",
        verdict="found",
    ),
    Case(
        "nested",
        "documents",
        "200,000 nested elements",
        reply(b"<div>" * 200_000),
        "parse_killed",
        "the parser was stopped",
    ),
    Case(
        "attributes",
        "documents",
        "100,000 attributes on one element",
        lambda: reply(b"<p " + b" ".join(b"a%d=1" % n for n in range(100_000)) + b">"),
        "parse_killed",
        "the parser was stopped",
    ),
    Case("links", "documents", "10,000 links", lambda: page(_links(10_000)), "ok", unseen="too many links"),
    Case(
        "deep-json",
        "documents",
        "JSON nested 100,000 deep",
        reply(b"[" * 100_000 + b"]" * 100_000, "application/json"),
        "ok",
        unseen="JSON",
    ),
    Case(
        "picture-as-page",
        "documents",
        "a picture's bytes as text/html",
        reply(b"\xff\xd8\xff\xe0" + bytes(2_000), "text/html"),
        "ok",
        unseen="no page",
    ),
    Case("nul", "documents", "5,000 NUL bytes", reply(bytes(5_000)), "ok", unseen="bytes that are no text"),
)

RATES = (
    ("rate-seconds", "429 with `Retry-After: 2`", _slow_down(lambda: "2"), "ok"),
    ("rate-date", "429 with a date two seconds away", _slow_down(_in_two_seconds), "ok"),
    (
        "rate-2099",
        "429 with a date in the year 2099",
        _slow_down(lambda: "Thu, 01 Jan 2099 00:00:00 GMT"),
        "",
    ),
)


def rates() -> tuple[Case, ...]:
    """Return the hosts that ask to slow down, each as if it had never been asked."""
    return tuple(
        Case(
            name,
            "rate limits",
            what,
            make(),
            "rate_limited",
            "429",
            verdict="none" if then else "inconclusive",
            unseen="" if then else "rate_limited",
            alone=True,
            then=then,
        )
        for name, what, make, then in RATES
    )


def make_bombs() -> None:
    """Make what takes seconds to make, before anybody waits for it."""
    for kind in ENCODINGS:
        zeros(kind)


def wire_cases(port: int) -> tuple[Case, ...]:
    """Return all of them, for a honeypot on `port`."""
    return (*BOMBS, *BODIES, *SLOW, *HEADS, *redirects(port), *DOCUMENTS, *rates())


@dataclass(frozen=True, slots=True)
class Forbidden:
    """An address that somebody names as a seed, or a page as a link, and that is never asked for."""

    name: str
    what: str
    url: str
    reason: str


FORBIDDEN = (
    Forbidden(
        "climb",
        "`/in/../out`, where only `/in` is granted",
        "http://fenced.example/in/../out",
        "is below none of",
    ),
    Forbidden(
        "climb-escaped", "the same with `%2e%2e`", "http://fenced.example/in/%2e%2e/out", "is below none of"
    ),
    Forbidden("climb-slash", "the same with `..%2f`", "http://fenced.example/in/..%2fout", "encoded slash"),
    Forbidden(
        "climb-twice",
        "the same with `%252e%252e`",
        "http://fenced.example/in/%252e%252e/out",
        "encoded twice",
    ),
    Forbidden(
        "climb-parameter", "the same with `..;`", "http://fenced.example/in/..;/out", "with a parameter"
    ),
    Forbidden(
        "half-segment",
        "`/inside`, where only `/in` is granted",
        "http://fenced.example/inside",
        "is below none of",
    ),
    Forbidden(
        "userinfo",
        "a user name that looks like the host",
        "http://clone.example@honeypot.example/",
        "user name",
    ),
    Forbidden(
        "userinfo-port",
        "a password that looks like a port",
        "http://clone.example:80@honeypot.example/",
        "user name",
    ),
    Forbidden(
        "backslash", "a backslash before the host", "http://honeypot.example\\@clone.example/", "backslash"
    ),
    Forbidden("port", "another port", "http://clone.example:8081/", "port 8081 is not granted"),
    Forbidden("scheme", "another scheme", "ftp://clone.example/", "only absolute http"),
    Forbidden("host", "a host that nobody granted", "http://honeypot.example/", "not a granted host"),
    Forbidden("below", "a host below the granted one", "http://sub.clone.example/", "not a granted host"),
)

REBOUND = (
    ("loopback", "127.0.0.2", "loopback"),
    ("private", "10.0.0.1", "private"),
    ("metadata", "169.254.169.254", "metadata"),
    ("mapped", "::ffff:127.0.0.2", "IPv4-mapped"),
    ("nat64", "64:ff9b::7f00:2", "NAT64"),
    ("sixtofour", "2002:7f00:2::1", "6to4"),
    ("link-local", "fe80::1", "link-local"),
)
"""(name, what a name answers when it is looked up again, what the refusal says)."""
