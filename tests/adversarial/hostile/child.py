"""One scan as a program of its own, so that its sockets and its memory can be watched from outside.

Usage: child.py ORDER.json. The order names grant, index, case and seeds, shorter limits than a
user has, answers for made-up names (a list of lists: one an answer, the last one for good), and at
which write of the archive the disk is full (0: never). Events go to standard output as JSON lines,
with the moment (CLOCK_MONOTONIC, seconds); so does every address that a socket of this process is
connected or bound to and every name that is looked up, told by the interpreter itself.
"""

from __future__ import annotations

import errno
import json
import socket
import sys
import time
from itertools import chain, repeat
from pathlib import Path

import msgspec

from clonedetect.archive.warc import WarcArchive
from clonedetect.crawl.events import CaptureEvent, RefusalEvent
from clonedetect.crawl.limits import Limits
from clonedetect.errors import ClonedetectError
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.scanning import NoteEvent, ScanEvent, ScanRequest, scan


def say(kind: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": kind, "at": time.monotonic(), **fields}) + "\n")
    sys.stdout.flush()


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.bind", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple):  # others are paths, of our own machine
            say(event, address=address[0], port=address[1])
    elif event == "socket.getaddrinfo":
        say(event, name=str(arguments[0]))


def tell(event: ScanEvent) -> None:
    match event:
        case CaptureEvent(capture):
            fields = ("url", "final_url", "purpose", "outcome", "reason", "status", "content_digest")
            say("capture", **{name: getattr(capture, name) for name in fields})
        case RefusalEvent(refusal):
            say("refusal", url=refusal.url, reason=refusal.reason, where=refusal.where)
        case PageDone(analysis):
            verdict = analysis.verdict
            say(
                "judged",
                url=verdict.page_url,
                verdict=verdict.verdict,
                items=verdict.items,
                kinds=verdict.kinds,
                unseen=verdict.not_examined,
                reasons=verdict.reasons,
            )
        case NoteEvent(text):
            say("note", text=text)


def answer_names(names: dict[str, list[list[str]]]) -> None:
    """Answer these names as hostile DNS would; every other made-up name has no address."""
    begun = {name: chain(answers, repeat(answers[-1])) for name, answers in names.items()}
    real = socket.getaddrinfo

    def told(host: object, port: int, *rest: object, **more: object):
        if not isinstance(host, str) or not host.endswith(".example"):
            return real(host, port, *rest, **more)
        addresses = next(begun[host]) if host in begun else []
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in addresses
        ]

    socket.getaddrinfo = told


def fill_disk(at: int) -> None:
    """Let the archive's write number `at`, and every later one, meet a full disk."""
    real, calls = WarcArchive._write, 0

    def write(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls >= at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    WarcArchive._write = staticmethod(write)


def main(order: dict[str, object]) -> int:
    answer_names(order["names"])
    if order["disk_full_at"]:
        fill_disk(order["disk_full_at"])
    sys.addaudithook(watch)
    request = ScanRequest(
        grant=Path(order["grant"]),
        index=Path(order["index"]) if order["index"] else None,
        case=Path(order["case"]),
        seeds=tuple(order["seeds"]),
        approvers=tuple(map(Path, order["approvers"])),
        analyse=bool(order["index"]),
        workers=order["workers"],
        fetching=msgspec.convert(order["limits"], Limits),
    )
    try:
        summary = scan(request, tell)
    except ClonedetectError as error:
        say("error", name=type(error).__name__, text=str(error))
        return int(error.exit_code)
    say("summary", stopped_by=summary.stopped_by, refusals=summary.refusals, not_visited=summary.not_visited)
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
