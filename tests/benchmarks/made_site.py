"""A large site on loopback, served by a process of its own; also that process's program.

Usage: made_site.py PORTS PAGES PICTURES: prints one line of JSON, its ports; answers until its
standard input closes; then prints another: requests, the longest concurrency and the
shortest distance between two starts of each port, in seconds.

Every page has 18 KB, as profile pages of clone sites do: a heap of links (page n leads to
2n+1 and 2n+2 and back to earlier ones), captions, and, if asked for, pictures of a host
that no grant names.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

PAGE_BYTES = 18_000
WORDS = [
    "amber",
    "bridge",
    "candle",
    "desert",
    "ember",
    "forest",
    "garden",
    "harbor",
    "island",
    "jacket",
    "kettle",
    "lantern",
    "meadow",
    "needle",
]


def page(number: int, pages: int, pictures: int) -> bytes:
    """Return the body of page `number` of a site of `pages`."""
    rng = random.Random(number)
    onward = [n for n in (2 * number + 1, 2 * number + 2) if n < pages]
    back = [rng.randrange(pages) for _ in range(4)]
    parts = [f"<!doctype html><html><head><title>Profile {number}</title></head><body><main>"]
    parts += [f'<a href="/p/{n}/">post {n}</a>' for n in (*onward, *back)]
    parts += [
        f'<img src="https://pictures.example/{number}/{n}.jpg" alt="photo {n}">' for n in range(pictures)
    ]
    size = sum(map(len, parts))
    while size < PAGE_BYTES:
        caption = " ".join(rng.choices(WORDS, k=24))
        parts.append(
            f'<div class="post"><p class="caption">{caption}</p><span>{rng.randrange(9999)}</span></div>'
        )
        size += len(parts[-1])
    return "".join([*parts, "</main></body></html>"]).encode()


def head_of(body: bytes, kind: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response head for `body`."""
    return (
        b"HTTP/1.1 " + status + b"\r\nServer: made\r\nContent-Type: " + kind + b"\r\nContent-Length: "
        + str(len(body)).encode() + b"\r\nDate: Thu, 26 Nov 2026 00:00:00 GMT\r\nETag: \"one\"\r\n\r\n"
    )  # fmt: skip


@dataclass(slots=True)
class Seen:
    """What one port saw."""

    requests: int = 0
    under_way: int = 0
    most: int = 0
    starts: list[float] = field(default_factory=list)


class _Answers(asyncio.Protocol):
    def __init__(self, responses: dict[bytes, bytes], seen: Seen, clock, is_noting: bool) -> None:
        self._responses = responses
        self._seen = seen
        self._clock = clock
        self._is_noting = is_noting
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._seen.under_way += 1
        self._seen.most = max(self._seen.most, self._seen.under_way)
        if self._is_noting:
            self._seen.starts.append(self._clock())

    def connection_lost(self, exc: BaseException | None) -> None:
        self._seen.under_way -= 1

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            request, self._pending = self._pending[:end], self._pending[end + 4 :]
            self._seen.requests += 1
            path = request.split(b" ", 2)[1]
            self._transport.write(self._responses.get(path, self._responses[b"404"]))
            if b"onnection: close" in request:
                self._transport.close()
                return


async def _serve(ports: int, pages: int, pictures: int) -> None:
    loop = asyncio.get_running_loop()
    responses = {}
    for number in range(pages):
        body = page(number, pages, pictures)
        responses[f"/p/{number}/".encode()] = head_of(body, b"text/html; charset=utf-8") + body
    for path, kind, body in ((b"/robots.txt", b"text/plain", b"User-agent: *\nDisallow: /private\n"),):
        responses[path] = head_of(body, kind) + body
    responses[b"404"] = head_of(b"no", b"text/plain", b"404 Not Found") + b"no"
    seen = [Seen() for _ in range(ports)]
    servers = []
    for one in seen:
        made = lambda one=one: _Answers(responses, one, loop.time, ports > 1)  # noqa: E731
        servers.append(await loop.create_server(made, "127.0.0.1", 0, backlog=1024))
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    told = [
        {
            "requests": one.requests,
            "most": one.most,
            "closest_s": min((b - a for a, b in pairwise(one.starts)), default=None),
        }
        for one in seen
    ]
    print(json.dumps(told), flush=True)


class Site:
    """The running site; `told` holds what each port saw once it is closed."""

    def __init__(self, process: subprocess.Popen[bytes], ports: list[int]) -> None:
        self.ports = ports
        self.told: list[dict[str, float]] = []
        self._process = process

    def close(self) -> None:
        """End the site and take in what it saw."""
        out, _ = self._process.communicate(timeout=60)
        self.told = json.loads(out)


@contextmanager
def serving(ports: int, pages: int, pictures: int = 0) -> Iterator[Site]:
    """Run the site for the length of the block."""
    arguments = [sys.executable, str(Path(__file__)), str(ports), str(pages), str(pictures)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    killer = threading.Timer(3600, process.kill)
    killer.start()
    try:
        yield (site := Site(process, json.loads(process.stdout.readline())))
        if not site.told:
            site.close()
    finally:
        killer.cancel()
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
