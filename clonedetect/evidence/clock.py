"""How far the clock was off: what the system said, and what the servers' own Date fields say.

A server's Date has whole seconds and is written somewhere between request and
answer, so one of them bounds the offset to a second or so; of many servers the
median is as good as their clocks.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from clonedetect.models.clock import ClockReading

__all__ = ["ClockAccount", "ServerClocks", "clock_account", "clock_sentence"]

_HALF_SECOND = 0.5
"""A Date is cut to its second: on average the server's clock stood half a second further."""


@dataclass(frozen=True, slots=True)
class ServerClocks:
    """How far our clock was ahead of the servers', in seconds: over the medians of `hosts` hosts."""

    hosts: int
    answers: int
    median_s: float
    least_s: float
    greatest_s: float


@dataclass(frozen=True, slots=True)
class ClockAccount:
    """What is known of the clock: `said` has the readings in words, `servers` is None where none told one."""

    readings: tuple[ClockReading, ...]
    said: tuple[str, ...]
    servers: ServerClocks | None


def clock_account(
    readings: Sequence[ClockReading], exchanges: Iterable[Mapping[str, object]]
) -> ClockAccount:
    """Return what is known of the clock; `exchanges` are those of the metadata records."""
    return ClockAccount(tuple(readings), tuple(map(str, readings)), _servers(exchanges))


def clock_sentence(account: ClockAccount) -> str:
    """Return the same in a sentence or two for the report."""
    said = account.said[-1] if account.said else "no reading was taken"
    own = f"The clock, by the system's word: {said}."
    servers = account.servers
    if servers is None:
        return f"{own} No server told the time."
    between = f"{servers.least_s:+.1f} to {servers.greatest_s:+.1f} s"
    return (
        f"{own} By the Date fields of {servers.hosts} servers it was {servers.median_s:+.1f} s ahead"
        f" (median; {between})."
    )


def _servers(exchanges: Iterable[Mapping[str, object]]) -> ServerClocks | None:
    by_host: dict[str, list[float]] = {}
    for exchange in exchanges:
        offset = _offset_s(exchange)
        if offset is not None:
            by_host.setdefault(urlsplit(str(exchange["url"])).hostname or "", []).append(offset)
    if not by_host:
        return None
    medians = [statistics.median(offsets) for offsets in by_host.values()]
    return ServerClocks(
        hosts=len(medians),
        answers=sum(map(len, by_host.values())),
        median_s=round(statistics.median(medians), 3),
        least_s=round(min(medians), 3),
        greatest_s=round(max(medians), 3),
    )


def _offset_s(exchange: Mapping[str, object]) -> float | None:
    headers = exchange.get("headers")
    if not isinstance(headers, list):
        return None
    told = next((value for name, value in headers if name.lower() == "date"), None)
    started, finished = (datetime.fromisoformat(str(exchange[key])) for key in ("started_at", "finished_at"))
    if told is None:
        return None
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    middle = started + (finished - started) / 2
    try:
        return (middle - moment).total_seconds() - _HALF_SECOND
    except OverflowError:
        return None
