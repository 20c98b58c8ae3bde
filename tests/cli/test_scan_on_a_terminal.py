"""A scan on a real terminal of 80 by 24: what is drawn, that it goes, and how an interruption ends."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.jobs.playground import HTML, Scene

ROOT = "http://clone.example/"
REDRAWN = re.compile(r"\x1b\[1A\x1b\[2K")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal with a program on it; `text` is all that was written so far."""

    def __init__(
        self, words: Sequence[object], *, width: int = 80, stdout: int | None = None, **env: str
    ) -> None:
        self._main, shown = pty.openpty()
        fcntl.ioctl(shown, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.program = subprocess.Popen(
            [sys.executable, "-m", "clonedetect", *map(str, words)],
            stdin=shown,
            stdout=shown if stdout is None else stdout,
            stderr=shown,
            env={**environment, "TERM": "xterm-256color", **env},
            start_new_session=True,
        )
        self._shown = shown
        self.text = ""
        self._on_text: Callable[[str], None] = lambda _: None
        self._reader = threading.Thread(target=self._read)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._main, 65536)
            except OSError:
                return
            if not data:
                return
            self.text += data.decode("utf-8", "replace")
            self._on_text(self.text)

    def hold(self) -> None:
        """Stop the output, as Ctrl-S does."""
        termios.tcflow(self._shown, termios.TCOOFF)

    def go_on(self) -> None:
        """Let the output go on, as Ctrl-Q does."""
        termios.tcflow(self._shown, termios.TCOON)

    def ended(self, on_text: Callable[[str], None] = lambda _: None) -> int:
        """Wait for the end, telling `on_text` what is there by now, and return the exit code."""
        self._on_text = on_text
        self._reader.start()
        code = self.program.wait(60)
        os.close(self._shown)
        self._reader.join(10)
        os.close(self._main)
        return code

    @property
    def lines(self) -> list[str]:
        """All lines that were ever drawn, without codes."""
        return [CODES.sub("", line) for line in re.split(r"[\r\n]+", self.text)]

    @property
    def last(self) -> str:
        """What stands there at the end: everything after the view was erased."""
        return CODES.sub("", self.text[self.text.rfind("\x1b[?25h") :])


def words(prepared: Scene, *more: object) -> list[object]:
    return ["scan", "--grant", prepared.grant, "--index", prepared.index, "--case", prepared.case, *more]


@pytest.fixture
def prepared(serve, scene) -> Scene:
    """A site that gives a page and then asks for two minutes, under a grant that ends the run before."""
    web = serve({ROOT: b'<html><body><p>Some words</p><a href="/wait">x</a></body></html>'})
    web.replies[f"{ROOT}wait"] = (429, HTML, b"")
    return scene(web, limits="run_time_s = 4")


def test_the_view_is_drawn_in_place_and_gives_way_to_the_summary(prepared: Scene) -> None:
    terminal = Terminal(words(prepared, "--crawl-only", ROOT))
    assert terminal.ended() == 0, terminal.text
    drawn = "\n".join(terminal.lines)
    assert "waiting for clone.example: we pause 30 s" in drawn
    assert "paused" in drawn
    assert "429" in drawn
    assert REDRAWN.search(terminal.text)
    assert all(len(line) <= 80 for line in terminal.lines)
    assert "Not seen, and why" in terminal.last
    assert "pages rate limited" in terminal.last
    assert "run again after" in terminal.last
    assert "waiting for clone.example" not in terminal.last


def test_an_interruption_leaves_readable_lines_and_says_how_to_go_on(prepared: Scene) -> None:
    terminal = Terminal(words(prepared, "--crawl-only", ROOT))
    sent: list[int] = []

    def interrupt(text: str) -> None:
        if "we pause" in text and not sent:
            sent.append(1)
            terminal.program.send_signal(signal.SIGINT)

    assert terminal.ended(interrupt) == 130, terminal.text
    assert [line for line in terminal.last.splitlines() if line.strip()] == [
        "stopped: 3 captured, 2 waiting; the same command goes on from there",
        "interrupted",
    ]


@pytest.mark.parametrize(
    ("options", "environment"),
    [(("--quiet",), {}), ((), {"TERM": "dumb"})],
    ids=["quiet", "a dumb terminal"],
)
def test_no_view_where_none_is_wanted_or_none_can_be(prepared: Scene, options, environment) -> None:
    terminal = Terminal(words(prepared, "--crawl-only", *options, ROOT), **environment)
    assert terminal.ended() == 0
    assert not REDRAWN.search(terminal.text)
    assert "we pause" not in terminal.text
    assert "Not seen, and why" in terminal.text


def test_without_colour_the_states_are_still_words(prepared: Scene) -> None:
    terminal = Terminal(words(prepared, "--crawl-only", ROOT), NO_COLOR="1")
    assert terminal.ended() == 0
    assert not re.search(r"\x1b\[3[0-7]m", terminal.text)
    assert "answered 429" in "\n".join(terminal.lines)


def test_a_narrow_terminal_gets_one_line(prepared: Scene) -> None:
    terminal = Terminal(words(prepared, "--crawl-only", ROOT), width=40)
    assert terminal.ended() == 0
    before = terminal.text[: terminal.text.rfind("\x1b[?25h")]
    assert "captured" in before
    assert "state" not in before
    assert max(map(len, map(str.rstrip, CODES.sub("", before).replace("\r", "\n").split("\n")))) <= 37


def test_json_goes_to_its_file_untouched_while_the_terminal_shows_how_it_stands(
    prepared: Scene, tmp_path: Path
) -> None:
    with (tmp_path / "events.jsonl").open("wb") as events:
        terminal = Terminal(words(prepared, ROOT), stdout=events.fileno())
        assert terminal.ended() == 0, terminal.text
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {row["event"] for row in rows} == {"capture", "summary"}
    assert "we pause" in terminal.text
    assert "judged page" in terminal.text


def test_a_terminal_that_is_held_up_holds_up_nothing_else(serve, scene, tmp_path: Path) -> None:
    pages = {f"{ROOT}{number}": b"<html><body><p>Some words</p></body></html>" for number in range(400)}
    prepared = scene(serve(pages))
    (tmp_path / "urls.txt").write_text("\n".join(pages))
    path = tmp_path / "events.jsonl"
    watched = threading.Event()

    def captures() -> int:
        return path.read_bytes().count(b'"event":"capture"')

    def hold(text: str) -> None:
        if "captured" in text and not watched.is_set():
            terminal.hold()
            began, deadline = captures(), time.monotonic() + 30
            while captures() < began + 100:
                assert time.monotonic() < deadline, "the crawl waits for the terminal"
                watched.wait(0.05)
            watched.set()
            terminal.go_on()

    with path.open("wb") as events:
        terminal = Terminal(
            words(prepared, "--crawl-only", f"@{tmp_path / 'urls.txt'}"), stdout=events.fileno()
        )
        assert terminal.ended(hold) == 0, terminal.text
    assert watched.is_set()
