"""What a scan does at this moment, redrawn in place where standard error is a terminal.

A thread of its own draws the last thing that was told. A terminal that is
slow, or stopped with Ctrl-S, so holds up the picture and never the scan.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.live import Live

from clonedetect.cli.crawl_view import crawl_line, crawl_view
from clonedetect.cli.judging_view import Judged, judging_line, judging_view
from clonedetect.cli.lines import line, room, span
from clonedetect.crawl.events import ProgressEvent
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.scanning import ScanEvent, StepEvent

__all__ = ["LiveView"]

_A_SECOND: Final = 2.0
"""Redraws a second."""

_PLAIN_EVERY_S: Final = 30.0
"""Seconds between two lines on a terminal that cannot move its cursor."""

_LONG_S: Final = 2.0


class LiveView:
    """Keeps the last event of each kind, and draws what they say; `console` is that of progress.

    Shows nothing where `console` is quiet or no terminal, nor with `is_shown` false.
    """

    def __init__(self, console: Console, *, is_shown: bool) -> None:
        self._console = console
        self._is_shown = is_shown and console.is_terminal and not console.quiet
        self._since = self._last_line = time.monotonic()
        self._now_done: StepEvent | ProgressEvent | Judged = StepEvent("starting")
        self._crawl: ProgressEvent | None = None
        self._judged: Judged | None = None
        self._live = Live(
            console=console,
            get_renderable=self._drawn,
            refresh_per_second=_A_SECOND,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        if self._is_shown:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @property
    def standing(self) -> str:
        """What was done so far, "" before anything was."""
        if self._judged is not None:
            return f"judged {self._judged.pages:,} of {self._judged.total:,} pages"
        if self._crawl is not None:
            return f"{self._crawl.captures:,} captured, {self._crawl.pending:,} waiting"
        return ""

    def tell(self, event: ScanEvent) -> None:
        """Take in one event; what does not say how the scan stands changes nothing."""
        now = time.monotonic()
        if isinstance(event, ProgressEvent):
            self._now_done = self._crawl = event
        elif isinstance(event, StepEvent):
            if not isinstance(self._now_done, StepEvent) or _kind(self._now_done) != _kind(event):
                self._since = now
            self._now_done = event
        elif isinstance(event, PageDone):
            self._now_done = self._judged = (self._judged or Judged(now, now)).after(event, now)
        else:
            return
        if self._is_shown and self._console.is_dumb_terminal and now - self._last_line >= _PLAIN_EVERY_S:
            self._last_line = now
            width = room(self._console.width)
            self._console.print(line(self._line(now, width), width))

    def _drawn(self) -> RenderableType:
        now, (width, height) = time.monotonic(), self._console.size
        match self._now_done:
            case ProgressEvent() as event:
                return crawl_view(event, width, height)
            case Judged() as judged:
                return judging_view(judged, now, width, height)
            case _:
                return line(self._line(now, room(width)), room(width))

    def _line(self, now: float, width: int) -> str:
        match self._now_done:
            case ProgressEvent() as event:
                return crawl_line(event, width)
            case Judged() as judged:
                return judging_line(judged, now, width)
            case StepEvent(text):
                elapsed = now - self._since
                return f"{text} ({span(elapsed)})" if elapsed >= _LONG_S else text


def _kind(step: StepEvent) -> str:
    """Return a step without its count, which changes while it is the same step."""
    return step.text.partition(":")[0]
