"""A site on loopback, a plain fetch, and a crawl over them; also run as a program that kills itself.

Usage: loopback.py CASE BASE_URL KILL_AT [refetch]: crawls, and ends by SIGKILL at the
KILL_AT-th durable step (a sync, before and after; an SQL statement), if there are that many.
With `refetch` it takes a second look first.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from aiohttp import web

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.crawler import Crawler, CrawlLimits, Hooks
from clonedetect.crawl.frontier import Frontier
from clonedetect.crawl.hooks import Examined
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.recorder import Recorder
from clonedetect.crawl.rounds import Rounds
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Peer, Purpose
from clonedetect.models.ids import digest_of
from clonedetect.models.item import MediaKind
from clonedetect.models.page import Link, LinkKind, MediaRef, PageContent
from clonedetect.models.permit import Permit, Refusal

Reply = tuple[int, dict[str, str], bytes]
GRANT = "2026-0117"


class Site:
    """Serves `replies` (path to reply, or to a function of how often it was asked) from a thread."""

    def __init__(self, replies: dict[str, Reply | Callable[[int], Reply]]) -> None:
        self.replies = replies
        self.asked: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.times: list[tuple[str, float]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner, self.port = self._call(self._serve())
        self.base = f"http://127.0.0.1:{self.port}"

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path_qs
        self.asked[path] += 1
        self.times.append((path, self._loop.time()))
        if path.startswith("/hang"):
            await asyncio.Event().wait()
        found = self.replies.get(path, (404, {}, b"not here"))
        status, headers, body = found(self.asked[path]) if callable(found) else found
        if headers.get("ETag", "") in request.headers.getall("If-None-Match", []):
            self.unchanged[path] += 1
            return web.Response(status=304, headers={"ETag": headers["ETag"]})
        return web.Response(status=status, headers=headers, body=body)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def page(
    *links: str, images: tuple[str, ...] = (), apis: tuple[str, ...] = (), videos: tuple[str, ...] = ()
) -> Reply:
    parts = [f'<a href="{link}">x</a>' for link in links]
    parts += [f'<img src="{image}">' for image in images]
    parts += [f'<div data-next="{api}"></div>' for api in apis]
    parts += [f'<video src="{video}"></video>' for video in videos]
    return 200, {"Content-Type": "text/html"}, "".join(parts).encode()


def picture(name: str) -> Reply:
    return 200, {"Content-Type": "image/png"}, f"picture {name}".encode()


def small_site(pages: int = 12) -> dict[str, Reply | Callable[[int], Reply]]:
    """A clone in small: every page links to the next ones and shows a picture of its own and a shared one."""
    replies: dict[str, Reply | Callable[[int], Reply]] = {
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private\n")
    }
    for number in range(pages):
        links = [f"/p/{n}" for n in (2 * number + 1, 2 * number + 2) if n < pages]
        replies[f"/p/{number}"] = page(
            *links, "/private/x", "http://elsewhere.example/", images=(f"/i/{number}.png", "/i/logo.png")
        )
        replies[f"/i/{number}.png"] = picture(str(number))
    replies["/i/logo.png"] = picture("logo")
    return replies


def with_validators(replies: dict[str, Reply]) -> dict[str, Reply]:
    """The same replies, each with an ETag that is its body's; a Site answers 304 to it."""
    return {
        path: (status, {**headers, "ETag": f'"{digest_of(body)[7:23]}"'}, body) if status == 200 else reply
        for path, reply in replies.items()
        for status, headers, body in [reply]
    }


async def fetch(permit: Permit, *, follow, etag=None, last_modified=None) -> FetchResult:
    """Speak HTTP/1.1 on one connection a hop and keep the bytes."""
    url, exchanges, seen = permit.url, (), set()
    start = url
    while True:
        try:
            exchange = await _exchange(url, etag if not exchanges else None)
        except OSError as error:
            return FetchResult(start, url, permit.purpose, Outcome.CONNECT_ERROR, str(error), exchanges)
        exchanges += (exchange,)
        headers = {name.lower(): value for name, value in exchange.headers}
        if exchange.status in (301, 302) and "location" in headers:
            seen.add(url)
            target = urljoin(url, headers["location"])
            if target in seen:
                return FetchResult(start, url, permit.purpose, Outcome.REDIRECT_LOOP, "a loop", exchanges)
            answer = await follow(target)
            if isinstance(answer, Refusal):
                return FetchResult(
                    start, url, permit.purpose, Outcome.BLOCKED_SCOPE, answer.reason, exchanges
                )
            url = answer.url
            continue
        outcome = {
            200: Outcome.OK,
            304: Outcome.NOT_MODIFIED,
            429: Outcome.RATE_LIMITED,
            404: Outcome.GONE,
        }.get(exchange.status, Outcome.HTTP_ERROR)
        retry = headers.get("retry-after")
        return FetchResult(
            start, url, permit.purpose, outcome, "" if outcome is Outcome.OK else f"status {exchange.status}",
            exchanges, exchange.response[exchange.header_length :], headers.get("content-type", ""),
            None if retry is None else float(retry),
        )  # fmt: skip


async def _exchange(url: str, etag: str | None = None) -> Exchange:
    parts = urlsplit(url)
    started = datetime.now(UTC)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    request = (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{condition}Connection: close\r\n\r\n".encode()
    )
    try:
        writer.write(request)
        response = await reader.read()
    finally:
        writer.close()
    length = response.index(b"\r\n\r\n") + 4
    status_line, *lines = response[:length].decode("latin-1").split("\r\n")
    headers = tuple(tuple(line.split(": ", 1)) for line in lines if line)
    return Exchange(
        url, request, response, length, started, datetime.now(UTC), int(status_line.split()[1]), headers,
        Peer(parts.hostname, parts.port),
    )  # fmt: skip


async def read_page(content: bytes, url: str, content_type: str) -> PageContent:
    """Find links, pictures and videos of the pages made by `page`."""
    text = content.decode()

    def found(pattern: str) -> list[str]:
        return [urljoin(url, match) for match in re.findall(pattern, text)]

    links = [Link(link, LinkKind.PAGE, "a") for link in found('href="([^"]+)"')]
    links += [Link(link, LinkKind.PAGINATION, "div") for link in found('data-next="([^"]+)"')]
    media = [MediaRef(src, MediaKind.IMAGE, "img", "img") for src in found('<img src="([^"]+)"')]
    media += [MediaRef(src, MediaKind.VIDEO, "video", "video") for src in found('<video src="([^"]+)"')]
    return PageContent(url, links=tuple(links), media=tuple(media))


async def examine(result: FetchResult) -> Examined:
    """Read what the page leads to at once, as the sandbox does."""
    if result.outcome is not Outcome.OK:
        return Examined()
    return Examined(page=await read_page(result.content, result.final_url, result.content_type))


class Rules:
    """The Disallow lines and the crawl delay of a robots.txt."""

    basis = "as served"

    def __init__(self, result: FetchResult) -> None:
        text = result.content.decode() if result.outcome is Outcome.OK else ""
        self.disallowed = re.findall(r"Disallow: (\S+)", text)
        delay = re.search(r"Crawl-delay: (\S+)", text)
        self.crawl_delay_s = float(delay[1]) if delay else None
        self.sitemaps = tuple(urljoin(result.final_url, one) for one in re.findall(r"Sitemap: (\S+)", text))
        self.is_unknown = result.outcome in (Outcome.HTTP_ERROR, Outcome.CONNECT_ERROR, Outcome.RATE_LIMITED)

    def allows(self, url: str) -> bool:
        return not self.is_unknown and not any(
            urlsplit(url).path.startswith(path) for path in self.disallowed
        )


def permits(*ports: int, api: str = "/api") -> Callable[[str, Purpose], Permit | Refusal]:
    """The grant: everything on these loopback ports, API answers below one prefix."""

    def permit_for(url: str, purpose: Purpose) -> Permit | Refusal:
        parts = urlsplit(url)
        if parts.hostname != "127.0.0.1" or parts.port not in ports:
            return Refusal(url, purpose, f"{parts.hostname} is not granted")
        if (purpose is Purpose.API) != parts.path.startswith(api):
            return Refusal(url, purpose, f"{parts.path} is not granted as {purpose.value}")
        normal = parts._replace(fragment="").geturl()
        return Permit(
            normal, purpose, "http", "127.0.0.1", parts.port, GRANT, digest_of(b"grant"), "hosts[0]",
            datetime.now(UTC) + timedelta(days=1), allow_loopback=True,
        )  # fmt: skip

    return permit_for


class Case:
    """A case opened for one crawl after the other."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        opening = {"custody": CustodyLog.open, "now": now}
        if (folder / "case.db").exists():
            self.store = CaseStore.open(folder, **opening)
        else:
            self.store = CaseStore.create(folder, "CLONE-42", **opening, actor="tester")
        self.archive = WarcArchive.open(
            folder, "CLONE-42", known=self.store.archived_until(), custody=self.store.custody, now=now
        )
        self.frontier = Frontier(self.store.database)
        self.recorder = Recorder(self.store, self.archive, self.frontier, actor="tester", backoff_s=0)
        self.events = []

    def crawler(self, permit_for, *, limits=None, pace=None, **hooks) -> Crawler:
        given = {
            "fetch": fetch,
            **({} if "read_page" in hooks else {"examine": examine}),
            "read_page": read_page,
            "robots_rules": Rules,
            "on_event": self.events.append,
        }
        return Crawler(
            self.recorder,
            Hooks(permit_for=permit_for, **{**given, **hooks}),
            grant_id=GRANT,
            limits=limits or CrawlLimits(max_depth=10, disk_floor_bytes=0),
            pace=pace or PaceLimits(min_delay_s=0, per_host=4, backoff_s=0),
        )

    def run(self, permit_for, seeds, *, stop=None, **options):
        async def go():
            return await self.crawler(permit_for, **options).run(seeds, stop or asyncio.Event())

        return asyncio.run(go())

    def close(self) -> None:
        self.store.close()


def _kill_at(step: int, case_opened: Callable[[], Case]) -> Case:
    taken = 0
    real_fsync = os.fsync

    def count(_: object = None) -> None:
        nonlocal taken
        taken += 1
        if taken == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def fsync(descriptor: int) -> None:
        count()
        real_fsync(descriptor)
        count()

    os.fsync = fsync
    case = case_opened()
    case.store.database.conn.set_trace_callback(count)
    return case


def main() -> None:
    folder, base, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    case = _kill_at(step, lambda: Case(folder))
    rounds = Rounds(case.store.database)
    if "refetch" in sys.argv[4:]:
        rounds.begin(GRANT, datetime.now(UTC))
    if not case.run(permits(urlsplit(base).port), [f"{base}/p/0"]).stopped_by:
        rounds.end(GRANT, datetime.now(UTC))
    case.close()


if __name__ == "__main__":
    main()
