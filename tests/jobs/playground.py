"""A platform of five posts, made-up hosts on one loopback port, grants over them, and the command line."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from click.testing import CliRunner
from PIL import Image

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.cli.main import cli
from clonedetect.demo.captions import POSTS, Post
from clonedetect.demo.pages import CopiedPost, lazy_post
from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.jobs.indexing import add_sources
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Peer, Purpose
from clonedetect.models.ids import digest_of
from clonedetect.models.permit import Permit

HTML = "text/html; charset=utf-8"
PUBLISHED = ("p-1001", "p-2001", "p-3001", "p-7001")
LATER = "p-9001"
"""A post that is indexed only when a test adds it."""
NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def post(item_id: str) -> Post:
    return next(one for one in POSTS if one.item_id == item_id)


@dataclass(frozen=True)
class Platform:
    """The platform's pictures and listings below `folder`, and the index made of them."""

    folder: Path
    index: Path

    def picture(self, item_id: str) -> bytes:
        return (self.folder / f"{item_id}.jpg").read_bytes()

    def listing(self, *item_ids: str) -> Path:
        path = self.folder / f"{'-'.join(item_ids)[:60]}.jsonl"
        rows = [
            {
                "item_id": one.item_id,
                "account_id": one.account_id,
                "permalink": f"https://lumigram.example/p/{one.item_id}/",
                "caption": one.caption,
                "media": [{"path": f"{one.item_id}.jpg", "kind": "image"}],
            }
            for one in map(post, item_ids)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path

    def index_in(self, folder: Path, *item_ids: str) -> Path:
        """Make (or grow) an index of these posts."""
        assert add_sources(folder, [self.listing(*item_ids)], workers=1).refused == 0
        return folder


def write_pictures(folder: Path, *item_ids: str) -> Platform:
    """Write the pictures of these posts, to be indexed by who needs it."""
    for item_id in item_ids:
        picture = photograph(post(item_id).picture)
        picture.thumbnail((640, 640))
        (folder / f"{item_id}.jpg").write_bytes(jpeg(picture))
    return Platform(folder, folder / "index")


def make_platform(folder: Path) -> Platform:
    platform = write_pictures(folder, *PUBLISHED, LATER)
    platform.index_in(platform.index, *PUBLISHED)
    return platform


def recompressed(picture: bytes, quality: int = 60) -> bytes:
    with Image.open(io.BytesIO(picture)) as image:
        return jpeg(image.convert("RGB"), quality)


def copy_page(item_id: str, image: str, host: str = "clone.example", caption: str | None = None) -> bytes:
    one = post(item_id)
    return lazy_post(host, CopiedPost(one, image, one.caption if caption is None else caption)).encode()


Answer = tuple[int, str, bytes]
Reply = Answer | bytes | Callable[[], Answer]


class Web:
    """Serves `replies` (URL to reply) for any host from a thread, and counts what was asked.

    A reply is HTML, or status, type and body, or a function that gives these.
    """

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies = dict(replies)
        self.moved: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner, self.port = self._call(self._serve(0))

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, port: int) -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        return runner, runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.Response:
        url = f"http://{request.host}{request.raw_path}"
        self.asked[url] += 1
        if url in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[url]})
        found = self.replies.get(url, (404, "text/plain", b"not here"))
        if callable(found):
            found = found()
        status, kind, body = (200, HTML, found) if isinstance(found, bytes) else found
        return web.Response(status=status, headers={"Content-Type": kind}, body=body)

    @property
    def pages_asked(self) -> int:
        return self.asked.total()

    def pause(self) -> None:
        """Listen no more."""
        self._call(self._runner.cleanup())

    def go_on(self) -> None:
        """Listen on the same port again."""
        self._runner, _ = self._call(self._serve(self.port))

    def close(self) -> None:
        self.pause()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def write_grant(
    path: Path,
    port: int,
    hosts: Iterable[str],
    *,
    grant_id: str = "g-1",
    case: str = "CASE-1",
    window: tuple[timedelta, timedelta] = (timedelta(hours=-1), timedelta(hours=1)),
    media: Iterable[str] = (),
    limits: str = "",
    more: str = "",
    development: bool = True,
) -> Path:
    begins, ends = (datetime.now(UTC) + part for part in window)
    named = [(host, "page") for host in hosts] + [(host, "media") for host in media]
    rules = "".join(
        f'[[grant.hosts]]\nhost = "{host}"\nrole = "{role}"\n'
        + ('api_prefixes = ["/api"]\n' if role == "page" else "")
        for host, role in named
    )
    pins = "".join(f'"{host}" = "127.0.0.1:{port}"\n' for host, _ in named)
    path.write_text(
        f"""[grant]
id = "{grant_id}"
case = "{case}"
approved_by = "A. Approver"
legal_basis = "terms of service"
purpose = "tests"
valid_from = {begins:%Y-%m-%dT%H:%M:%SZ}
valid_to = {ends:%Y-%m-%dT%H:%M:%SZ}
contact = "trust@example.org"
{rules}
[grant.limits]
{"min_delay_s = 0.01" if development else ""}
{limits}
{more}
"""
        + (
            f"[grant.development]\nallow_loopback = true\n[grant.development.resolve]\n{pins}"
            if development
            else ""
        )
    )
    return path


@dataclass(frozen=True)
class Ended:
    """How one command ended: its code, the JSON lines it printed, and both streams as text."""

    code: int
    out: str
    err: str
    events: list[dict[str, object]] = field(default_factory=list)

    def of(self, event: str) -> list[dict[str, object]]:
        return [one for one in self.events if one.get("event") == event]

    @property
    def summary(self) -> dict[str, object]:
        assert self.events[-1]["event"] == "summary"
        return self.events[-1]


def command(*arguments: object) -> Ended:
    """Run the command line in this process; a defect is raised, not hidden behind a code."""
    ended = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    lines = ended.stdout.splitlines()
    events = [json.loads(line) for line in lines] if lines and all(line[:1] == "{" for line in lines) else []
    return Ended(ended.exit_code, ended.stdout, ended.stderr, events)


@dataclass(frozen=True)
class Scene:
    """A grant, an index and a case, to be scanned."""

    folder: Path
    grant: Path
    index: Path

    @property
    def case(self) -> Path:
        return self.folder / "case"

    def scan(self, *arguments: object, case: Path | None = None, index: Path | None = None) -> Ended:
        words = ("--grant", self.grant, "--index", index or self.index, "--case", case or self.case)
        return command("scan", *words, "--workers", "1", *arguments)


def standing(case: Path) -> dict[str, tuple[object, ...]]:
    """Return what is said of each page of a case, and on what grounds."""
    with CaseStore.read(case) as store:
        found = Counter(
            (one.page_url, one.finding_id, one.match.item_id, str(one.match.verdict))
            for one in store.findings()
        )
        return {
            one.page_url: (
                str(one.verdict),
                one.items,
                one.reasons,
                one.not_examined,
                sorted(row[1:] for row in found if row[0] == one.page_url),
            )
            for one in store.verdicts()
        }


def record(
    store: CaseStore,
    archive: WarcArchive,
    url: str,
    body: bytes,
    kind: str = HTML,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    ended: tuple[Outcome, str] = (Outcome.OK, ""),
) -> None:
    """Put one page or picture into a case as a crawl would have, without a crawl."""
    fields = (("Content-Type", kind), *headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()
    exchange = Exchange(
        url=url,
        request=b"GET / HTTP/1.1\r\n\r\n",
        response=head + body,
        header_length=len(head),
        started_at=NOW,
        finished_at=NOW,
        status=200,
        headers=fields,
        peer=Peer("127.0.0.1", 80),
    )
    purpose = Purpose.MEDIA if kind.startswith("image/") else Purpose.PAGE
    outcome, reason = ended
    result = FetchResult(url, url, purpose, outcome, reason, (exchange,), body, kind)
    permit = Permit(url, purpose, "http", "clone.example", 80, "g", digest_of(b""), "rule", NOW)
    store.put_object(body)
    store.record_capture(archive.append(result, permit, captured_at=NOW), actor="test")


def make_case(folder: Path, captured: Mapping[str, tuple[bytes, str]]) -> Path:
    """Make a case of these captures."""
    with CaseStore.create(folder, "CASE-1", custody=CustodyLog.open, now=NOW, actor="test") as store:
        archive = WarcArchive.open(folder, "CASE-1", known={}, custody=store.custody, now=NOW)
        for url, (body, kind) in captured.items():
            record(store, archive, url, body, kind)
    return folder
