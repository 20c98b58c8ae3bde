"""Runs a scan as a process of its own and watches what it connects to and how much memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import clonedetect

PROGRAM = Path(__file__).with_name("child.py")
SAMPLE_S = 0.02
PAGE_READER = "clonedetect.extract.look"
PICTURE_READER = "clonedetect.signals.image"


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident bytes of one process at one moment; `role` is "scan", or what a worker was made to read."""

    at: float
    pid: int
    role: str
    resident: int


@dataclass(slots=True)
class Watched:
    """How a scan went: exit code, events, samples of memory, errors it wrote."""

    code: int
    events: list[dict[str, object]]
    samples: list[Sample]
    errors: str
    seconds: float

    def of(self, kind: str) -> list[dict[str, object]]:
        """Return the events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    def connected(self) -> set[tuple[str, int]]:
        """Return every address a socket was connected or sent to, but for the first.

        That one is the recording's own proof, against a socket which this process listens on.
        """
        reached = [e for e in self.events if e["event"] in {"socket.connect", "socket.sendto"}]
        return {(str(e["address"]), int(str(e["port"]))) for e in reached[1:]}

    def peak(self, role: str, since: float = 0.0, until: float = float("inf")) -> int:
        """Return the most bytes a process of `role` held between two moments, 0 if none was seen."""
        return max((s.resident for s in self.samples if s.role == role and since <= s.at <= until), default=0)

    def level(self, role: str, at: float) -> int:
        """Return what a process of `role` held at a moment: its idle level, if it was idle then."""
        near = [s for s in self.samples if s.role == role and s.at <= at]
        return near[-1].resident if near else 0


@dataclass(slots=True)
class Sampler:
    """Notes, about every 20 ms, what a process and its children hold."""

    pid: int
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _roles: dict[int, str] = field(default_factory=dict)

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            for pid in (self.pid, *_children(self.pid)):
                if held := resident(pid):
                    self.samples.append(Sample(time.monotonic(), pid, self._role(pid), held))

    def _role(self, pid: int) -> str:
        if pid == self.pid:
            return "scan"
        if pid not in self._roles:
            found = _role_of(pid)
            if not found:
                return "starting"  # forked, and not yet the program it is to be
            self._roles[pid] = found
        return self._roles[pid]


def children(pid: int) -> dict[int, str]:
    """Return the workers of a process, with what each was made to read."""
    return {child: role for child in _children(pid) if (role := _role_of(child))}


def _role_of(pid: int) -> str:
    words = _read(f"/proc/{pid}/cmdline")
    return next((role for role in (PICTURE_READER, PAGE_READER) if role in words), "")


def _children(pid: int) -> list[int]:
    found = []
    for task in _listed(f"/proc/{pid}/task"):
        found += [int(child) for child in _read(f"/proc/{pid}/task/{task}/children").split()]
    return found


def _listed(folder: str) -> list[str]:
    try:
        return [entry.name for entry in Path(folder).iterdir()]
    except OSError:  # the process ended meanwhile
        return []


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds, 0 if it is gone."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _kill(process: subprocess.Popen[str], when: Callable[[], bool] | None, at_latest: float) -> None:
    """Kill the process when it is to be, and at the latest at a moment; return when it has ended."""
    while process.poll() is None:
        if time.monotonic() > at_latest or (when is not None and when()):
            process.kill()
            return
        time.sleep(SAMPLE_S)


def watched_scan(
    folder: Path,
    grant: Path,
    seeds: Iterable[str],
    *,
    case: Path,
    index: Path | None = None,
    approvers: Iterable[Path] = (),
    limits: Mapping[str, float] | None = None,
    names: Mapping[str, list[list[str]]] | None = None,
    disk_full_at: int = 0,
    workers: int = 1,
    kill_when: Callable[[], bool] | None = None,
    timeout_s: float = 600,
) -> Watched:
    """Run one scan and return how it went; it is killed (SIGKILL) as soon as `kill_when` says so."""
    order = folder / "order.json"
    order.write_text(
        json.dumps(
            {
                "grant": str(grant),
                "index": str(index) if index else "",
                "case": str(case),
                "seeds": list(seeds),
                "approvers": [str(path) for path in approvers],
                "limits": dict(limits or {}),
                "names": dict(names or {}),
                "disk_full_at": disk_full_at,
                "workers": workers,
            }
        )
    )
    environment = os.environ | {"PYTHONPATH": str(Path(clonedetect.__file__).parents[1])}
    began = time.monotonic()
    with (folder / "errors.txt").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(order)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
        watch = threading.Thread(target=_kill, args=(process, kill_when, began + timeout_s), daemon=True)
        watch.start()
        events: list[dict[str, object]] = []
        assert process.stdout is not None
        with process, Sampler(process.pid) as sampler:
            events.extend(map(json.loads, process.stdout))
            code = process.wait()
        watch.join()
        errors.seek(0)
        return Watched(code, events, sampler.samples, errors.read(), time.monotonic() - began)
