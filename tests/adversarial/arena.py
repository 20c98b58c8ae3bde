"""Hostile hosts on loopback that say exactly the bytes they are told, and whole scans against them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from clonedetect.archive.record import ArchivedRecord, iterate
from clonedetect.case.store import CaseStore
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.scanning import ScanEvent, ScanRequest, ScanSummary, scan
from clonedetect.models.case import CaseContents

_PINS = "[grant.development.resolve]"
Reply = bytes | Sequence[bytes] | Callable[[], bytes | AsyncIterator[bytes]]
"""A response on the wire: whole, in pieces, made when asked for, or for as long as anybody reads."""


class ResetError(Exception):
    """Raised by a reply that wants its connection reset instead of closed."""


GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def reply(body: bytes | str, content_type: str = "text/html; charset=utf-8", *, extra: str = "") -> bytes:
    """Return a plain 200 with `body`; `extra` holds further header lines, each with its line end."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{extra}Content-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def page(inside: str) -> bytes:
    """Return a page that is no wall: some words of its own around `inside`."""
    words = "<h1>Pictures of everybody</h1><p>Look at the newest pictures that people have posted today.</p>"
    return reply(
        f"<!doctype html><html><head><title>Viewer</title></head><body>{words}{inside}</body></html>"
    )


def redirect(location: str, status: int = 302) -> bytes:
    """Return a redirect to exactly `location`."""
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@dataclass(slots=True)
class Host:
    """One made-up host: what it answers, what it was asked, and how many connections it got."""

    name: str
    replies: dict[str, Reply]
    address: str = "127.0.0.1"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    first_asked_at: dict[str, float] = field(default_factory=dict)
    connections: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request and hang up."""
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("latin-1")
            self.asked.append(target)
            self.first_asked_at.setdefault(target, time.monotonic())
            found = self.replies.get(target, GONE)
            made = found() if callable(found) else found
            if isinstance(made, AsyncIterator):
                await _send(made, reader, writer)
                return
            for piece in [made] if isinstance(made, bytes) else made:
                writer.write(piece)
                await writer.drain()
        except ResetError:
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side hung up, which is its right
        finally:
            writer.close()


async def _send(
    pieces: AsyncIterator[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send for as long as the other side is there; it says nothing more, so what comes is its end."""

    async def send() -> None:
        async for piece in pieces:
            writer.write(piece)
            await writer.drain()

    sending, leaving = asyncio.ensure_future(send()), asyncio.ensure_future(reader.read())
    await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (sending, leaving):
        task.cancel()
    for error in await asyncio.gather(sending, leaving, return_exceptions=True):
        if isinstance(error, ResetError):
            raise error


class Hosts:
    """Runs hosts in a thread of their own while it is open."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterable[Host]:
        return iter(self._hosts.values())

    async def _start(self) -> None:
        for host in self._hosts.values():
            server = await asyncio.start_server(host.answer, host.address, host.port)
            host.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as taken:
        taken.bind((address, 0))
        return int(taken.getsockname()[1])


@dataclass(slots=True)
class Arena:
    """Grant, index and case of one scan below `folder`."""

    folder: Path
    hosts: Hosts
    events: list[ScanEvent] = field(default_factory=list)

    def grant(
        self,
        *,
        rules: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        valid_for: timedelta = timedelta(hours=1),
        valid_since: timedelta = timedelta(hours=1),
        limits: str = "min_delay_s = 0",
        unpinned: Iterable[str] = (),
        development: bool = True,
        name: str = "grant",
    ) -> Path:
        """Write a grant over `rules` (host to further TOML lines; all hosts as pages if not given)."""
        chosen = {host.name: 'role = "page"' for host in self.hosts} if rules is None else rules
        pairs = chosen.items() if isinstance(chosen, Mapping) else chosen
        told = "".join(f'[[grant.hosts]]\nhost = "{host}"\n{lines}\n' for host, lines in pairs)
        now = datetime.now(UTC)
        text = f"""[grant]
id = "adversarial-{name}"
case = "ADVERSARIAL"
approved_by = "Nobody"
legal_basis = "None needed: loopback"
valid_from = {now - valid_since:%Y-%m-%dT%H:%M:%SZ}
valid_to = {now + valid_for:%Y-%m-%dT%H:%M:%SZ}
contact = "trust@platform.example"
{told}[grant.limits]
{limits}
"""
        if development:
            pins = "".join(
                f'"{host.name}" = "{host.address}:{host.port}"\n'
                for host in self.hosts
                if host.name not in unpinned and not host.name[0].isdigit()
            )
            text += (
                "[grant.development]\nallow_loopback = true\ntls = false\n[grant.development.resolve]\n"
                + pins
            )
        path = self.folder / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def index(self, rows: Iterable[Mapping[str, object]]) -> Path:
        """Make the platform's index from items as JSON lines hold them; media paths are below `folder`."""
        listing = self.folder / "posts.jsonl"
        listing.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        result = add_sources(self.folder / "index", [listing], workers=1)
        assert not result.refusals
        return self.folder / "index"

    def picture(self, name: str, data: bytes) -> str:
        """Keep one of the platform's pictures and return its path for an index row."""
        path = self.folder / "pictures" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return str(path.relative_to(self.folder))

    def scan(
        self,
        grant: Path,
        *seeds: str,
        index: Path | None = None,
        settings: Path | None = None,
        approvers: tuple[Path, ...] = (),
        crawl: bool = True,
        on_event: Callable[[ScanEvent], None] | None = None,
    ) -> ScanSummary:
        """Run one scan; without an `index` nothing is judged."""
        request = ScanRequest(
            grant=grant,
            index=index,
            case=self.case,
            seeds=seeds,
            approvers=approvers,
            settings=settings,
            crawl=crawl,
            analyse=index is not None,
            workers=1,
        )

        def tell(event: ScanEvent) -> None:
            self.events.append(event)
            if on_event is not None:
                on_event(event)

        return scan(request, tell)

    @property
    def case(self) -> Path:
        """The case's folder."""
        return self.folder / "case"

    @property
    def contents(self) -> CaseContents:
        """Everything the case holds now."""
        with CaseStore.read(self.case) as store:
            return store.contents()

    def outcomes(self) -> dict[str, str]:
        """Return how each address ended, robots.txt left out."""
        return {c.url: str(c.outcome) for c in self.contents.captures if c.purpose != "robots"}

    def records(self) -> list[ArchivedRecord]:
        """Return every WARC record of the case."""
        return [one for path in sorted(self.case.glob("archive/*.warc.gz")) for one in iterate(path)]
