"""How a crawl stands, as lines of a terminal: a pure function of one event and the room there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from clonedetect.cli.lines import cell, count, fitting, line, room, size, span
from clonedetect.crawl.events import Budget, HostProgress, HostStatus, ProgressEvent, Waiting, WaitsFor

__all__ = ["crawl_line", "crawl_view", "state_of", "wait_sentence"]

_LEAST_WIDTH: Final = 60
_LEAST_HEIGHT: Final = 12
_FULL_WIDTH: Final = 77
_WIDE: Final = 100
_MOST_ROWS: Final = 16
_AROUND: Final = 8
"""Lines beside the rows of hosts: what leads, header, sum, and one to see what was printed before."""

_ACTIVE = (HostStatus.ASKING, HostStatus.WAITING)
_STYLES = {
    HostStatus.PAUSED: "yellow",
    HostStatus.PARKED: "yellow",
    HostStatus.CAPPED: "cyan",
    HostStatus.DISALLOWED: "cyan",
    HostStatus.WALLED: "yellow",
}
_MORE = {
    HostStatus.WAITING: "asked in turn",
    HostStatus.PAUSED: "paused",
    HostStatus.PARKED: "parked",
    HostStatus.CAPPED: "at a cap of pages",
    HostStatus.DISALLOWED: "shut by robots.txt",
    HostStatus.WALLED: "behind walls",
    HostStatus.DONE: "done",
}
_LONG_S = 5.0


def crawl_view(event: ProgressEvent, width: int, height: int) -> RenderableType:
    """Return the view for a terminal of `width` by `height`: one line where there is no room for more."""
    if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        return line(crawl_line(event, room(width)), room(width))
    inner = room(width)
    lines = [
        line(_overall(event, inner), inner),
        line(_left(event, inner), inner),
        line(wait_sentence(event.waits_for, event.stopped_by), inner, "bold"),
    ]
    rows = _chosen(event.hosts, min(_MOST_ROWS, height - _AROUND))
    if rows:
        lines += [Text(""), Text(_header(inner), style="dim"), *(_row(row, inner) for row in rows)]
    more = _others(event, rows)
    return Group(*lines, line(more, inner, "dim")) if more else Group(*lines)


def crawl_line(event: ProgressEvent, width: int) -> str:
    """Return the run in one line of at most `width` cells."""
    counts = f"{event.captures:,} captured, {event.pending:,} waiting"
    sentence = wait_sentence(event.waits_for, event.stopped_by)
    told = fitting((counts, sentence), width, "; ")
    return told if told != counts else fitting((counts, _short(event)), width, "; ")


def _short(event: ProgressEvent) -> str:
    """Return the sentence in a few words, for where it has no room."""
    waits_for = event.waits_for
    if event.stopped_by:
        return "ending"
    if waits_for.what is Waiting.PAUSE:
        return f"paused {span(waits_for.seconds)}"
    return "asking" if waits_for.what is Waiting.ANSWER else ""


def _overall(event: ProgressEvent, width: int) -> str:
    rate = f"{event.rate:.1f} a second" if event.rate >= 0.05 else f"{event.rate * 60:.1f} a minute"
    counts = (f"{event.captures:,} captured", f"{event.pending:,} waiting", rate if event.rate else "")
    return fitting((*counts, _time_left(event)), width)


def _time_left(event: ProgressEvent) -> str:
    """Return how long what is known takes, or what ends the run before."""
    if event.left_s is None or event.stopped_by or not event.pending:
        return ""
    ends = [(event.left_s, "")]
    if event.pages_s:
        ends.append((event.pages_s, "max_pages"))
    if event.budget is not None:
        ends.append((event.budget.run_s, "run_time_s"))
    if event.budget is not None and event.budget.grant_s is not None:
        ends.append((event.budget.grant_s, "the grant's end"))
    soonest, why = min(ends)
    return f"{why} comes first, in {span(soonest)}" if why else f"about {span(soonest)} for what is known"


def _left(event: ProgressEvent, width: int) -> str:
    budget = event.budget
    if budget is None:
        return ""
    beyond = f" ({event.beyond_cap:,} more are known)" if event.beyond_cap else ""
    parts = [
        f"left: {budget.pages_left:,} of {budget.max_pages:,} pages{beyond}",
        f"{_bytes_left(budget)} of {size(budget.max_bytes)}",
        f"run {span(budget.run_s)}",
        "" if budget.grant_s is None else f"grant {span(budget.grant_s)}",
    ]
    return fitting(parts, width)


def _bytes_left(budget: Budget) -> str:
    """Return the bytes left, without their unit where it is that of the cap."""
    left, cap = size(max(0, budget.max_bytes - budget.wire_bytes)), size(budget.max_bytes)
    return left.partition(" ")[0] if left[-2:] == cap[-2:] else left


def wait_sentence(waits_for: WaitsFor, stopped_by: str = "") -> str:
    """Return in one sentence what has to happen before the run goes on."""
    host, seconds = waits_for.host, waits_for.seconds
    if stopped_by:
        return f"ending: {stopped_by}"
    if waits_for.what is Waiting.ANSWER:
        if waits_for.hosts == 1:
            return f"asking {host}" + (f" for {span(seconds)}" if seconds >= 2 else "")
        slow = f", {host} for {span(seconds)}" if seconds >= _LONG_S else ""
        return f"asking {waits_for.hosts} hosts{slow}"
    if waits_for.what is Waiting.PAUSE:
        whole = span(waits_for.whole_s)
        asked = f"it asked for {whole}" if waits_for.is_pause_named else f"we pause {whole}"
        return f"waiting for {host}: {asked}, {span(seconds)} are left"
    if waits_for.what is Waiting.TURN:
        return f"waiting for {host}: it is asked once in {span(waits_for.whole_s)}"
    return "reading links" if waits_for.what is Waiting.LINKS else "nothing is left to ask"


def state_of(host: HostProgress) -> str:
    """Return in words how a host stands."""
    return _STATES[host.status](host)


def _asking(host: HostProgress) -> str:
    return f"asking for {span(host.seconds)}" if host.seconds >= 2 else "asking"


def _waiting(host: HostProgress) -> str:
    whole = max(host.delay_s, host.seconds)
    if host.seconds < 0.05:
        return "next"
    left = span(host.seconds)
    return f"waits {left.removesuffix(' s') if whole <= 120 else left} of {span(whole)}"


def _paused(host: HostProgress) -> str:
    return f"paused {span(host.seconds)}: {_why(host)}"


def _why(host: HostProgress) -> str:
    if host.status_code is None:
        return "as told before"
    return f"{host.status_code} Retry-After" if host.is_pause_named else f"answered {host.status_code}"


def _parked(host: HostProgress) -> str:
    if host.until is None or host.seconds <= 0:
        return "parked"
    day = f"{host.until:%d %b} " if host.seconds > 43_200 else ""
    return f"parked until {day}{host.until:%H:%M} UTC"


def _capped(host: HostProgress) -> str:
    return "kept back by max_pages" if host.waiting else f"cap of {host.pages:,} pages reached"


_STATES: Final[Mapping[HostStatus, Callable[[HostProgress], str]]] = {
    HostStatus.ASKING: _asking,
    HostStatus.WAITING: _waiting,
    HostStatus.PAUSED: _paused,
    HostStatus.PARKED: _parked,
    HostStatus.CAPPED: _capped,
    HostStatus.DISALLOWED: lambda _: "robots.txt allows none of it",
    HostStatus.WALLED: lambda _: "gave nothing but walls",
    HostStatus.DONE: lambda _: "done",
}


def _chosen(hosts: Sequence[HostProgress], rows: int) -> list[HostProgress]:
    """Return as many hosts as there are rows: half of them active ones, if others want the room."""
    active = [host for host in hosts if host.status in _ACTIVE]
    others = [host for host in hosts if host.status not in (*_ACTIVE, HostStatus.DONE)]
    taken = active[: max((rows + 1) // 2, rows - len(others))]
    return taken + others[: rows - len(taken)]


def _columns(width: int) -> tuple[int, int, bool, bool]:
    """Return the cells of host and state, and whether all outcomes and the delay have room."""
    if width < _FULL_WIDTH:
        return width - 43, 29, False, False
    if width < _WIDE:
        return width - 56, 29, True, False
    return width - 64, 29, True, True


def _cells(width: int, host: str, state: str, delay: str, numbers: Sequence[str]) -> str:
    host_width, state_width, has_outcomes, has_delay = _columns(width)
    ok, walls, errors, refused, waiting = numbers
    shown = [cell(host, host_width, keeps_end=True), " ", cell(state, state_width)]
    if has_delay:
        shown.append(cell(delay, 8, is_right=True))
    shown.append(cell(ok, 6, is_right=True))
    if has_outcomes:
        shown += [
            cell(walls, 5, is_right=True),
            cell(errors, 4, is_right=True),
            cell(refused, 4, is_right=True),
        ]
    shown.append(cell(waiting, 7, is_right=True))
    return "".join(shown)


def _header(width: int) -> str:
    return _cells(width, "host", "state", "delay", ("ok", "wall", "err", "ref", "left"))


def _row(host: HostProgress, width: int) -> Text:
    numbers = (
        count(host.ok, 5),
        count(host.walls, 4),
        count(host.errors, 3),
        count(host.refused, 3),
        count(host.waiting),
    )
    text = _cells(width, host.host, state_of(host), span(host.delay_s), numbers)
    return Text(text, style=_STYLES.get(host.status, ""), no_wrap=True, overflow="crop")


def _others(event: ProgressEvent, rows: Sequence[HostProgress]) -> str:
    """Return what there is beside the rows, hosts that are asked or wait for their turn as one."""
    left: Counter[HostStatus] = Counter()
    for status, number in event.totals:
        left[HostStatus.WAITING if status in _ACTIVE else status] += number
    for row in rows:
        left[HostStatus.WAITING if row.status in _ACTIVE else row.status] -= 1
    told = [f"{left[status]:,} {words}" for status, words in _MORE.items() if left[status] > 0]
    return f"other hosts: {', '.join(told)}" if told else ""
