"""Every end of a fetch has a type, a reason, and the bytes that came."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import brotli
import pytest
import zstandard

from clonedetect.crawl.fetch import Fetcher, Limits, user_agent
from clonedetect.errors import InputError, NotPermittedError
from clonedetect.models.capture import Outcome, Purpose

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
MP4 = b"\0\0\0\x18ftypisom" + bytes(500)


def response(status: str = "200 OK", body: bytes = b"hello", **headers: str) -> bytes:
    fields = {"Content-Length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200 OK", Outcome.OK),
        ("203 Non-Authoritative", Outcome.OK),
        ("300 Multiple Choices", Outcome.HTTP_ERROR),
        ("302 Found", Outcome.HTTP_ERROR),
        ("304 Not Modified", Outcome.HTTP_ERROR),
        ("400 Bad Request", Outcome.HTTP_ERROR),
        ("401 Unauthorized", Outcome.LOGIN_WALL),
        ("403 Forbidden", Outcome.HTTP_ERROR),
        ("404 Not Found", Outcome.GONE),
        ("410 Gone", Outcome.GONE),
        ("429 Too Many Requests", Outcome.RATE_LIMITED),
        ("451 Unavailable For Legal Reasons", Outcome.HTTP_ERROR),
        ("500 Oops", Outcome.HTTP_ERROR),
        ("503 Busy", Outcome.HTTP_ERROR),
        ("999 Denied", Outcome.HTTP_ERROR),
    ],
)
def test_each_status_has_its_outcome(lab, status: str, outcome: Outcome):
    result, _ = lab.fetch(response(status))
    assert result.outcome is outcome
    assert result.exchanges[-1].status == int(status[:3])
    assert bool(result.reason) is (outcome is not Outcome.OK)
    if not status.startswith("304"):
        assert result.content == b"hello"


def test_a_shield_that_asks_for_a_challenge_is_a_challenge_page(lab):
    result, _ = lab.fetch(response("403 Forbidden", cf_mitigated="challenge"))
    assert result.outcome is Outcome.CHALLENGE_PAGE


def test_a_conditional_request_carries_its_validators_and_ends_as_not_modified(lab):
    result, server = lab.fetch(
        b"HTTP/1.1 304 Not Modified\r\n\r\n", etag='W/"1"', last_modified="Sat, 21 Nov 2026 10:00:00 GMT"
    )
    assert result.outcome is Outcome.NOT_MODIFIED
    assert b'If-None-Match: W/"1"\r\n' in server.received[0]
    assert b"If-Modified-Since: Sat, 21 Nov 2026 10:00:00 GMT\r\n" in server.received[0]


def test_a_validator_that_would_break_the_header_is_not_sent(lab):
    result, server = lab.fetch(response(), etag='"1"\r\nX-Evil: 1')
    assert result.outcome is Outcome.OK
    assert b"Evil" not in server.received[0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("86400", 3600.0),
        ("9" * 400, 3600.0),
        ("Sun, 22 Nov 2026 12:05:00 GMT", 300.0),
        ("Thu, 31 Dec 2099 23:59:59 GMT", 3600.0),
        ("Sun, 22 Nov 2020 12:05:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:01:00 -0000", 60.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_and_capped(lab, value: str, seconds: float | None):
    result, _ = lab.fetch(response("429 Too Many Requests", Retry_After=value))
    assert result.outcome is Outcome.RATE_LIMITED
    assert result.retry_after_s == seconds


def light_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=5)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_a_bomb_is_an_outcome_and_its_bytes_are_kept(lab, name: str):
    pack = {"gzip": gzip.compress, "br": light_brotli, "zstd": zstandard.compress}[name]
    bomb = pack(bytes(20_000_000))
    result, _ = lab.fetch(response(body=bomb, Content_Encoding=name))
    assert result.outcome is Outcome.BOMB
    assert result.content == b""
    assert result.exchanges[0].response.endswith(bomb)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"x" * 100)[:-9], "gzip"),
        (b"no gzip", "gzip"),
        (gzip.compress(gzip.compress(b"x")), "gzip, gzip"),
        (b"x", "sdch"),
    ],
    ids=["cut", "invalid", "stacked", "unknown"],
)
def test_a_body_that_cannot_be_decoded_is_an_outcome(lab, body: bytes, encoding: str):
    result, _ = lab.fetch(response(body=body, Content_Encoding=encoding))
    assert result.outcome is Outcome.DECODE_ERROR
    assert result.content == b""
    assert result.exchanges[0].response.endswith(body)


def test_an_error_page_that_cannot_be_decoded_stays_an_error_page(lab):
    result, _ = lab.fetch(response("404 Not Found", b"no gzip", Content_Encoding="gzip"))
    assert result.outcome is Outcome.GONE


def test_a_large_encoded_page_is_decoded_whole(lab):
    page = b"".join(b"<p>%d</p>" % (n * 7919) for n in range(300_000))
    result, _ = lab.fetch(response(body=gzip.compress(page), Content_Encoding="gzip"))
    assert result.outcome is Outcome.OK
    assert result.content == page


@pytest.mark.parametrize("framing", ["length", "chunked", "until the end"])
def test_a_body_past_its_limit_is_cut_off_and_kept_so_far(lab, framing: str):
    async def endless(channel) -> None:
        head = {
            "length": b"Content-Length: 99999999999\r\n",
            "chunked": b"Transfer-Encoding: chunked\r\n",
            "until the end": b"",
        }[framing]
        await channel.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        while True:
            await channel.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    result, server = lab.fetch(endless, limits=Limits(page_bytes=100_000))
    kept = result.exchanges[0].response
    assert result.outcome is Outcome.TOO_LARGE
    assert result.content == b""
    assert 50_000 < len(kept) < 1_000_000
    assert server.sent[0].startswith(kept)
    assert result.exchanges[0].truncated == result.reason


@pytest.mark.parametrize(
    ("purpose", "outcome"), [(Purpose.API, Outcome.OK), (Purpose.PAGE, Outcome.TOO_LARGE)]
)
def test_each_purpose_has_its_own_limit(lab, purpose: Purpose, outcome: Outcome):
    limits = Limits(page_bytes=1000, api_bytes=9000)
    result, _ = lab.fetch(response(body=b"x" * 5000), purpose=purpose, limits=limits)
    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("start", "outcome"), [(MP4, Outcome.OK), (PNG, Outcome.TOO_LARGE)], ids=["video", "image"]
)
def test_only_what_is_seen_to_be_a_video_may_be_as_large_as_one(lab, start: bytes, outcome: Outcome):
    async def media(channel) -> None:
        await channel.send(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n")
        await channel.send(start + bytes(300_000))

    limits = Limits(image_bytes=100_000, video_bytes=1_000_000)
    result, _ = lab.fetch(media, purpose=Purpose.MEDIA, limits=limits)
    assert result.outcome is outcome


def test_a_video_is_seen_to_be_one_also_where_its_first_bytes_drip(lab):
    async def media(channel) -> None:
        await channel.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in MP4[:16]:
            await channel.send(b"1\r\n%c\r\n" % byte)
            await asyncio.sleep(0)
        await channel.send(b"%x\r\n" % 300_000 + bytes(300_000) + b"\r\n0\r\n\r\n")

    limits = Limits(image_bytes=100_000, video_bytes=1_000_000)
    result, _ = lab.fetch(media, purpose=Purpose.MEDIA, limits=limits)
    assert result.outcome is Outcome.OK


def test_large_videos_pass_one_after_another(lab):
    async def media(channel) -> None:
        await channel.send(b"HTTP/1.1 200 OK\r\n\r\n" + MP4)
        for _ in range(40):
            await channel.send(bytes(20_000))

    async def run():
        limits = Limits(image_bytes=100_000, video_bytes=1_000_000)
        async with lab.serving(media) as server, lab.fetcher(limits) as fetcher:
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/v", purpose=Purpose.MEDIA)
            fetches = [fetcher.fetch(permit, follow=lab.refuse_all) for _ in range(4)]
            return await asyncio.gather(*fetches)

    results = asyncio.run(run())
    assert [result.outcome for result in results] == [Outcome.OK] * 4
    assert {len(result.content) for result in results} == {len(MP4) + 800_000}


def test_a_large_body_that_waits_for_its_turn_loses_none_of_its_time(lab):
    async def media(channel) -> None:
        await channel.send(b"HTTP/1.1 200 OK\r\n\r\n" + PNG + bytes(40_000))
        if b"/drip" in channel.request:
            while True:
                await channel.send(b"x")
                await asyncio.sleep(0.02)

    async def run():
        limits = Limits(large_bytes=10_000, fetch_s=1.0)
        async with lab.serving(media) as server, lab.fetcher(limits) as fetcher:
            base = f"http://127.0.0.1:{server.port}"
            permits = [lab.permit_for(f"{base}/{n}", purpose=Purpose.MEDIA) for n in ("drip", "a", "b")]
            return await asyncio.gather(*(fetcher.fetch(one, follow=lab.refuse_all) for one in permits))

    results = asyncio.run(run())
    assert [result.outcome for result in results] == [Outcome.TIMEOUT, Outcome.OK, Outcome.OK]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (PNG, Outcome.OK),
        (MP4, Outcome.OK),
        (b"\xff\xd8\xff\xe0" + bytes(20), Outcome.OK),
        (b"RIFF\0\0\0\0WEBPVP8 ", Outcome.OK),
        (b"\0\0\0\x1cftypavif", Outcome.OK),
        (b"<html>not a picture</html>", Outcome.NOT_MEDIA),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Outcome.NOT_MEDIA),
        (b"", Outcome.NOT_MEDIA),
        (b"BMW is a car maker", Outcome.NOT_MEDIA),
    ],
    ids=["png", "mp4", "jpeg", "webp", "avif", "html", "svg", "empty", "text"],
)
def test_media_are_told_by_their_bytes_whatever_the_header_says(lab, body: bytes, outcome: Outcome):
    result, _ = lab.fetch(response(body=body, Content_Type="image/jpeg"), purpose=Purpose.MEDIA)
    assert result.outcome is outcome
    assert result.content == body
    assert result.content_type == "image/jpeg"


async def silence(channel) -> None:
    await channel.until_gone()


async def dripped_body(channel) -> None:
    await channel.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await channel.send(b"x")
        await asyncio.sleep(0.01)


async def dripped_headers(channel) -> None:
    await channel.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await channel.send(b"X: y\r\n"[:3])
        await asyncio.sleep(0.01)


async def interim_drip(channel) -> None:
    while True:
        await channel.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("script", [dripped_body, dripped_headers, interim_drip])
def test_a_dripped_response_ends_in_time_and_keeps_its_bytes(lab, script):
    result, server = lab.fetch(
        script, limits=Limits(idle_s=5, fetch_s=0.5, headers=10_000, field_bytes=100_000)
    )
    assert result.outcome is Outcome.TIMEOUT
    assert "0.5 s" in result.reason
    assert result.exchanges[0].response
    assert server.sent[0].startswith(result.exchanges[0].response)


def test_a_server_that_says_nothing_ends_in_time(lab):
    result, _ = lab.fetch(silence, limits=Limits(idle_s=0.2, fetch_s=8))
    assert result.outcome is Outcome.TIMEOUT
    assert "nothing came for 0.2 s" in result.reason


def test_a_flood_of_interim_responses_is_bounded(lab):
    async def flood(channel) -> None:
        while True:
            await channel.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)

    result, _ = lab.fetch(flood, limits=Limits(head_bytes=200_000))
    assert result.outcome is Outcome.PROTOCOL_ERROR
    assert len(result.exchanges[0].response) == 200_000


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"X-%d: y\r\n" % n for n in range(500)),
        b"X-Large: " + b"y" * 100_000 + b"\r\n",
    ],
    ids=["too many", "too long"],
)
def test_headers_past_their_limits_are_a_protocol_error(lab, flood: bytes):
    result, server = lab.fetch(b"HTTP/1.1 200 OK\r\n" + flood + b"Content-Length: 5\r\n\r\nhello")
    assert result.outcome is Outcome.PROTOCOL_ERROR
    assert result.content == b""
    assert server.sent[0].startswith(result.exchanges[0].response)


def test_a_reset_before_any_answer_is_a_connection_error_asked_once(lab):
    async def reset(channel) -> None:
        channel.reset()

    result, server = lab.fetch(reset)
    assert result.outcome is Outcome.CONNECT_ERROR
    assert server.connections == 1


def test_an_empty_answer_is_a_connection_error_asked_once(lab):
    result, server = lab.fetch(b"")
    assert result.outcome is Outcome.CONNECT_ERROR
    assert result.exchanges[0].response == b""
    assert result.exchanges[0].request == server.received[0]
    assert server.connections == 1


def test_a_reset_in_the_body_keeps_what_had_come(lab):
    async def reset(channel) -> None:
        await channel.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        channel.reset()

    result, server = lab.fetch(reset)
    assert result.outcome is Outcome.PROTOCOL_ERROR
    assert result.exchanges[0].response == server.sent[0]
    assert result.exchanges[0].truncated


def test_a_closed_port_is_a_connection_error(lab):
    async def run():
        async with lab.serving(b"") as server:
            port = server.port
        async with lab.fetcher() as fetcher:
            return await fetcher.fetch(lab.permit_for(f"http://127.0.0.1:{port}/"), follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.CONNECT_ERROR
    assert result.reason.startswith("no connection: Connection refused")
    assert "Errno" not in result.reason
    assert result.exchanges[0].request == b""


def test_a_handshake_that_never_ends_is_a_timeout(lab):
    async def run():
        async with lab.serving(silence, waits=False) as server, lab.fetcher(Limits(connect_s=0.2)) as fetcher:
            permit = lab.permit_for(f"https://127.0.0.1:{server.port}/")
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.TIMEOUT
    assert "no connection within 0.2 s" in result.reason


def test_a_name_server_that_never_answers_is_a_timeout(lab):
    class Silent(lab.Fixed):
        async def resolve(self, host, port=0, family=0):
            await asyncio.Event().wait()

    async def run():
        async with lab.fetcher(Limits(fetch_s=0.2), resolver=Silent([])) as fetcher:
            return await fetcher.fetch(lab.permit_for("http://slow.example/"), follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.TIMEOUT
    assert "gave no address within 0.2 s" in result.reason


def test_the_clock_is_that_of_the_system_where_none_is_given(lab):
    async def run():
        async with (
            lab.serving(response()) as server,
            Fetcher(operator="Ops", contact="trust@example.org") as fetcher,
        ):
            permit = replace(
                lab.permit_for(f"http://127.0.0.1:{server.port}/"),
                valid_to=datetime.now(UTC) + timedelta(hours=1),
            )
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    exchange = asyncio.run(run()).exchanges[0]
    assert exchange.started_at.tzinfo is UTC
    assert exchange.started_at <= exchange.finished_at


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=3)])
def test_a_permit_is_void_from_its_end_on_and_nothing_is_asked(lab, late: timedelta):
    async def run():
        async with lab.serving(response()) as server:
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/")
            async with lab.fetcher(now=lambda: permit.valid_to + late) as fetcher:
                return await fetcher.fetch(permit, follow=lab.refuse_all), server

    result, server = asyncio.run(run())
    assert result.outcome is Outcome.GRANT_EXPIRED
    assert result.exchanges == ()
    assert server.connections == 0


def test_a_url_past_its_length_is_not_asked(lab):
    result, server = lab.fetch(response(), path="/" + "a" * 2_083)
    assert result.outcome is Outcome.BLOCKED_SCOPE
    assert server.connections == 0


@pytest.mark.parametrize(
    "changes",
    [{"host": "other.example"}, {"port": 1}, {"scheme": "https"}, {"url": "http://user@127.0.0.1/"}],
    ids=["host", "port", "scheme", "userinfo"],
)
def test_a_permit_that_contradicts_itself_is_an_error(lab, changes):
    async def run():
        async with lab.fetcher() as fetcher:
            permit = replace(lab.permit_for("http://127.0.0.1/"), **changes)
            await fetcher.fetch(permit, follow=lab.refuse_all)

    with pytest.raises(NotPermittedError):
        asyncio.run(run())


def test_a_cancelled_fetch_stays_cancelled_and_closes_its_connection(lab):
    async def run():
        closed = asyncio.Event()
        started = asyncio.Event()

        async def wait(channel) -> None:
            started.set()
            await channel.until_gone()
            closed.set()

        async with lab.serving(wait) as server, lab.fetcher() as fetcher:
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/")
            task = asyncio.create_task(fetcher.fetch(permit, follow=lab.refuse_all))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(closed.wait(), 5)

    asyncio.run(run())


def test_a_fetcher_that_is_not_open_refuses(lab):
    fetcher = lab.fetcher()
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(fetcher.fetch(lab.permit_for("http://127.0.0.1/"), follow=lab.refuse_all))
    with pytest.raises(RuntimeError, match="not open"):
        fetcher.wire_test  # noqa: B018  reading it is the test


def test_the_user_agent_is_one_plain_line():
    agent = user_agent("Café (Ltd)\r\nX-Evil: 1", "trust@example.org")
    assert agent.endswith("(Cafe LtdX-Evil: 1; trust@example.org)")


@pytest.mark.parametrize(("operator", "contact"), [("", "a@b.example"), ("Ops", ""), ("信頼", "a@b.example")])
def test_an_anonymous_fetcher_is_refused(operator: str, contact: str):
    with pytest.raises(InputError, match="operator and a contact"):
        Fetcher(operator=operator, contact=contact)


def test_http_dates_are_those_the_standard_library_writes(lab):
    value = format_datetime(lab.NOW + timedelta(seconds=90), usegmt=True)
    result, _ = lab.fetch(response("503 Busy", Retry_After=value))
    assert (result.outcome, result.retry_after_s) == (Outcome.HTTP_ERROR, 90.0)
