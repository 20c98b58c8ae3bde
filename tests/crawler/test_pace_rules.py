from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.pace import (
    Answer,
    Pace,
    PaceLimits,
    Pacer,
    address_key,
    domain_key,
    host_key,
)
from clonedetect.models.capture import Peer, Purpose
from clonedetect.models.ids import digest_of
from clonedetect.models.permit import Permit

FINE = Answer(is_ok=True, is_throttled=False, elapsed_s=0.1)


def throttled(retry_after_s: float | None = None) -> Answer:
    return Answer(is_ok=False, is_throttled=True, elapsed_s=0.01, retry_after_s=retry_after_s)


@pytest.fixture
def pace():
    return Pace(PaceLimits())


def test_requests_of_one_registrable_domain_are_spaced_together(pace):
    pace.start("www.clone.co.uk", 10)
    assert pace.next_slot("www.clone.co.uk", 10) == 1
    assert pace.next_slot("media.clone.co.uk", 10.25) == 0.75
    assert pace.next_slot("other.co.uk", 10) == 0
    assert pace.next_slot("www.clone.co.uk", 11) == 0


def test_requests_to_one_address_are_spaced_whatever_their_name(pace):
    pace.learn_address("a.example", "192.0.2.7")
    pace.finish("b.test", 0, Answer(is_ok=True, is_throttled=False, elapsed_s=0.1, address="192.0.2.7"))
    pace.start("a.example", 10)
    assert pace.next_slot("b.test", 10) == 1
    assert pace.next_slot("c.test", 10) == 0


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("www.clone.example", "clone.example"),
        ("a.b.github.io", "b.github.io"),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("127.0.0.1:8081", "127.0.0.1:8081"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_domains_are_registrable_ones(host, key):
    assert domain_key(host) == key


def test_on_loopback_every_port_is_a_machine():
    assert address_key(Peer("127.0.0.1", 8081)) == "127.0.0.1:8081"
    assert address_key(Peer("::1", 8081)) == "[::1]:8081"
    assert address_key(Peer("192.0.2.7", 443)) == "192.0.2.7"
    common = ("grant", digest_of(b""), "rule", datetime.now(UTC))
    assert (
        host_key(Permit("http://127.0.0.1:81/", Purpose.PAGE, "http", "127.0.0.1", 81, *common))
        == "127.0.0.1:81"
    )
    assert (
        host_key(Permit("http://x.example/", Purpose.PAGE, "http", "x.example", 80, *common)) == "x.example"
    )


def test_one_host_has_room_for_as_many_as_allowed():
    pace = Pace(PaceLimits(per_host=2))
    for expected in (True, True, False):
        assert pace.has_room("a.example") is expected
        pace.enter("a.example")
    pace.leave("a.example")
    pace.leave("a.example")
    assert pace.has_room("a.example")


def test_retry_after_pauses_the_host_not_its_neighbour(pace):
    pace.start("a.example", 0)
    pace.finish("a.example", 0, throttled(120))
    assert pace.next_slot("a.example", 0) == 120
    assert pace.next_slot("b.test", 0) == 0
    assert pace.state("a.example", 20).paused_s == 100


def test_a_shorter_answer_does_not_shorten_a_pause(pace):
    pace.finish("a.example", 0, throttled(120))
    pace.finish("a.example", 10, throttled(1))
    assert pace.next_slot("a.example", 10) == 110


def test_without_retry_after_the_pause_doubles_until_the_host_is_parked(pace):
    pauses = []
    for _ in range(8):
        now = 10_000.0 * len(pauses)
        pace.finish("a.example", now, throttled())
        pauses.append(pace.next_slot("a.example", now))
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, math.inf]
    assert not pace.has_room("a.example")


def test_a_success_ends_the_doubling(pace):
    pace.finish("a.example", 0, throttled())
    pace.finish("a.example", 100, FINE)
    pace.finish("a.example", 200, throttled())
    assert pace.next_slot("a.example", 200) == 30


@pytest.mark.parametrize(("asked", "parked"), [(3599, False), (3600, True), (1e9, True)])
def test_an_hour_or_more_parks_the_host(asked, parked, pace):
    pace.finish("a.example", 0, throttled(asked))
    assert pace.state("a.example", 0).is_parked is parked
    assert (pace.next_slot("a.example", 0) == math.inf) is parked


def test_robots_may_slow_us_down_but_not_beyond_reason(pace):
    pace.start("a.example", 0)
    pace.honour_crawl_delay("a.example", 12)
    assert pace.next_slot("a.example", 0) == 12
    pace.honour_crawl_delay("a.example", 0.01)
    assert pace.next_slot("a.example", 0) == 1
    pace.honour_crawl_delay("a.example", 1e6)
    assert pace.next_slot("a.example", 0) == 300


def test_a_slow_host_is_asked_more_slowly_up_to_a_bound(pace):
    for _ in range(20):
        pace.finish("a.example", 0, Answer(is_ok=True, is_throttled=False, elapsed_s=500))
    assert 59 < pace.state("a.example", 0).delay_s <= 60


@given(
    answers=st.lists(
        st.builds(Answer, st.booleans(), st.booleans(), st.floats(0, 1000), st.none() | st.floats(0, 1e5)),
        max_size=30,
    )
)
def test_the_delay_never_falls_on_anything_but_success(answers):
    pace, limits = Pace(PaceLimits()), PaceLimits()
    for answer in answers:
        before = pace.state("a.example", 0).delay_s
        pace.finish("a.example", 0, answer)
        after = pace.state("a.example", 0).delay_s
        assert limits.min_delay_s <= after <= limits.longest_adaptive_s
        if not answer.is_ok:
            assert after >= before


@given(
    waits=st.lists(st.tuples(st.sampled_from(["a.x.example", "b.x.example"]), st.floats(0, 3)), max_size=40)
)
def test_starts_are_never_closer_than_the_delay(waits):
    pace, now, started = Pace(PaceLimits(min_delay_s=0.75)), 0.0, []
    for host, later in waits:
        now += later
        if pace.next_slot(host, now) == 0:
            pace.start(host, now)
            started.append(now)
    assert all(second - first >= 0.75 - 1e-9 for first, second in pairwise(started))


def test_the_pacer_waits_its_turn_by_the_clock(monkeypatch):
    now, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pacer = Pacer(Pace(PaceLimits()), lambda: now[0])

    async def turns() -> list[bool]:
        return [await pacer.turn("a.example") for _ in range(3)]

    assert asyncio.run(turns()) == [True, True, True]
    assert slept == [1.0, 1.0]


def test_the_pacer_does_not_wait_for_a_parked_host():
    pacer = Pacer(Pace(PaceLimits()), lambda: 0.0)
    pacer.pace.pause("a.example", 0, 7200)
    assert asyncio.run(pacer.turn("a.example")) is False
