from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clonedetect.evidence.clock import clock_account, clock_sentence
from clonedetect.jobs.clock import read_clock
from clonedetect.models.clock import ClockReading

NOW = datetime(2026, 11, 26, 6, 0, 0, tzinfo=UTC)
READING = ClockReading(NOW, is_synchronised=True, offset_s=-0.000012, max_error_s=0.0123, source="adjtimex")


def exchange(host: str, date: str | None, ahead_s: float = 0.0):
    started = NOW + timedelta(seconds=ahead_s)
    headers = [["Server", "x"], *([["date", date]] if date else [])]
    return {
        "url": f"https://{host}/",
        "headers": headers,
        "started_at": started.isoformat(),
        "finished_at": (started + timedelta(seconds=1)).isoformat(),
    }


def test_the_median_of_the_servers_is_not_moved_by_one_that_is_wrong():
    told = [exchange(f"{n}.example", "Thu, 26 Nov 2026 06:00:00 GMT", 2.0) for n in range(4)]
    told.append(exchange("wrong.example", "Thu, 26 Nov 2020 06:00:00 GMT"))
    servers = clock_account([READING], told).servers
    assert servers.hosts == servers.answers == 5
    assert servers.median_s == 2.0
    assert servers.least_s == 2.0
    assert servers.greatest_s > 1e8


def test_a_server_that_answers_often_counts_once():
    told = [exchange("often.example", "Thu, 26 Nov 2026 06:00:00 GMT", 60.0) for _ in range(9)]
    told += [exchange(f"{n}.example", "Thu, 26 Nov 2026 06:00:00 GMT") for n in range(2)]
    servers = clock_account([], told).servers
    assert (servers.hosts, servers.answers, servers.median_s) == (3, 11, 0.0)


@pytest.mark.parametrize("date", [None, "yesterday", "Thu, 99 Nov 2026 06:00:00 GMT", ""])
def test_what_is_no_date_tells_nothing(date):
    assert clock_account([], [exchange("a.example", date)]).servers is None


def test_the_sentence_says_what_is_known_and_what_is_not():
    assert "No server told the time" in clock_sentence(clock_account([READING], []))
    assert "synchronised, offset -0.000012 s" in clock_sentence(clock_account([READING], []))
    assert "no reading was taken" in clock_sentence(clock_account([], []))
    told = [exchange("a.example", "Thu, 26 Nov 2026 06:00:00 GMT", 3.0)]
    assert "+3.0 s ahead" in clock_sentence(clock_account([ClockReading(NOW)], told))


def test_the_system_is_asked_and_its_clock_left_alone():
    reading = read_clock(NOW)
    assert reading.at == NOW
    assert reading.is_synchronised is None or reading.max_error_s >= 0
    assert read_clock(NOW).source == reading.source
