"""How an analysis stands, as lines of a terminal: pure functions of what was told so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from rich.console import Group, RenderableType

from clonedetect.cli.lines import fitting, line, room, span
from clonedetect.jobs.analysing import PageDone
from clonedetect.models.match import Verdict
from clonedetect.models.reasons import was_stopped

__all__ = ["Judged", "judging_line", "judging_view"]

_LEAST_WIDTH = 60
_LEAST_HEIGHT = 6
_LONG_S = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What an analysis gave so far; monotonic seconds of its first and its last page; killed workers."""

    began: float
    last: float
    pages: int = 0
    total: int = 0
    confirmed: int = 0
    possible: int = 0
    none: int = 0
    inconclusive: int = 0
    stopped: int = 0

    def after(self, event: PageDone, now: float) -> Judged:
        """Return the same with one page more."""
        found = Counter(finding.match.verdict for finding in event.analysis.findings)
        verdict = event.analysis.verdict
        killed = sum(number for reason, number in verdict.not_examined if was_stopped(reason))
        return replace(
            self,
            last=now,
            pages=event.pages,
            total=event.total,
            confirmed=self.confirmed + found[Verdict.CONFIRMED],
            possible=self.possible + found[Verdict.POSSIBLE],
            none=self.none + (verdict.verdict is Verdict.NONE),
            inconclusive=self.inconclusive + (verdict.verdict is Verdict.INCONCLUSIVE),
            stopped=self.stopped + killed,
        )


def judging_view(judged: Judged, now: float, width: int, height: int) -> RenderableType:
    """Return the view for a terminal of `width` by `height`: one line where there is no room for more."""
    inner = room(width)
    first = line(judging_line(judged, now, inner), inner)
    if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        return first
    found = f"findings so far: {judged.confirmed:,} confirmed, {judged.possible:,} possible"
    unseen = (
        f"pages without: {judged.none:,} looked at whole (none), "
        f"{judged.inconclusive:,} not seen whole (inconclusive)"
    )
    lines = [first, line(found, inner, "bold"), line(unseen, inner)]
    if judged.stopped:
        lines.append(line(f"{judged.stopped:,} times a worker was stopped on hostile input", inner, "yellow"))
    return Group(*lines)


def judging_line(judged: Judged, now: float, width: int) -> str:
    """Return the analysis in one line of at most `width` cells."""
    elapsed = judged.last - judged.began
    rate = (judged.pages - 1) / elapsed if elapsed > 0 else 0.0
    left = (judged.total - judged.pages) / rate if rate else 0.0
    here = now - judged.last
    parts = (
        f"judged page {judged.pages:,} of {judged.total:,}",
        "" if not rate else f"{rate:.1f} a second" if rate >= 0.1 else f"{rate * 60:.1f} a minute",
        f"about {span(left)} left" if left >= 2 else "",
        f"on this page for {span(here)}" if here >= _LONG_S and judged.pages < judged.total else "",
    )
    return fitting(parts, width)
