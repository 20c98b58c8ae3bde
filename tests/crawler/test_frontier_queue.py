from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.case.schema import connect
from clonedetect.crawl.frontier import Frontier, NewEntry, State
from clonedetect.models.capture import Purpose


@pytest.fixture
def database(tmp_path):
    opened = connect(tmp_path / "case.db", is_new=True)
    yield opened
    opened.close()


@pytest.fixture
def frontier(database):
    return Frontier(database)


def entry(path: str, host: str = "a.example", purpose: Purpose = Purpose.PAGE, **changes) -> NewEntry:
    return NewEntry(f"https://{host}/{path}", purpose, host, **changes)


def lease(frontier, *arguments, **options):
    """Claim one URL, None if none is due."""
    return next(iter(frontier.lease(*arguments, **options)), None)


def test_a_url_is_known_once_for_each_purpose(frontier):
    frontier.enqueue([entry("x"), entry("x"), entry("x", purpose=Purpose.MEDIA)])
    frontier.enqueue([entry("x")])
    assert frontier.counts() == {State.PENDING: 2}


def test_leases_go_by_priority_then_age_within_the_host(frontier):
    frontier.enqueue(
        [entry("late", priority=2), entry("first"), entry("second"), entry("b", host="b.example")]
    )
    leased = [lease(frontier, "a.example", 0, 60).url.rpartition("/")[2] for _ in range(3)]
    assert leased == ["first", "second", "late"]
    assert lease(frontier, "a.example", 0, 60) is None
    assert frontier.pending_hosts() == ("b.example",)


def test_a_lease_is_held_once_and_comes_back_when_it_expires(frontier):
    frontier.enqueue([entry("x")])
    first = lease(frontier, "a.example", 0, 60)
    frontier.recover(59, is_only_writer=False)
    assert lease(frontier, "a.example", 59, 120) is None
    frontier.recover(60, is_only_writer=False)
    assert lease(frontier, "a.example", 60, 120) == first
    frontier.recover(61, is_only_writer=True)
    assert lease(frontier, "a.example", 61, 120) == first


def test_a_released_lease_is_due_when_it_says(frontier):
    frontier.enqueue([entry("x")])
    leased = lease(frontier, "a.example", 0, 60)
    frontier.release(leased.id, not_before=30)
    assert lease(frontier, "a.example", 29, 60) is None
    assert frontier.next_due("a.example") == 30
    assert lease(frontier, "a.example", 30, 60) == leased
    assert frontier.next_due("a.example") is None


def test_pictures_can_be_taken_alone(frontier):
    frontier.enqueue([entry("page"), entry("pic", purpose=Purpose.MEDIA, priority=9)])
    assert lease(frontier, "a.example", 0, 60, only_media=True).purpose is Purpose.MEDIA
    assert lease(frontier, "a.example", 0, 60, only_media=True) is None
    assert frontier.next_due("a.example", only_media=True) is None
    assert frontier.next_due("a.example") == 0


def test_a_capture_moves_the_row_and_counts(frontier):
    frontier.enqueue([entry("x")])
    leased = lease(frontier, "a.example", 0, 60)
    frontier.capture(leased.id, State.PENDING, not_before=5, reason="rate_limited")
    again = lease(frontier, "a.example", 5, 60)
    assert (again.id, again.tries) == (leased.id, 1)
    frontier.capture(leased.id, State.CAPTURED)
    assert [e.id for e in frontier.captured(10)] == [leased.id]
    frontier.complete([leased.id], "ok")
    assert frontier.counts() == {State.DONE: 1}
    assert frontier.unvisited() == 0


def test_what_is_met_nearer_to_a_seed_is_read_again_without_being_asked(frontier):
    frontier.enqueue([entry("page", depth=3), entry("deep", depth=4, state=State.SKIPPED, reason="too deep")])
    leased = lease(frontier, "a.example", 0, 60)
    frontier.complete([leased.id])
    frontier.enqueue([entry("page", depth=3), entry("deep", depth=4)])
    assert frontier.counts() == {State.DONE: 1, State.SKIPPED: 1}
    frontier.enqueue([entry("page", depth=2), entry("deep", depth=3)])
    assert frontier.counts() == {State.CAPTURED: 1, State.PENDING: 1}
    assert frontier.state_of(leased.id) == (State.CAPTURED, 2)
    assert lease(frontier, "a.example", 0, 60).url.endswith("/deep")


def test_a_parked_host_rests_until_its_time(frontier):
    frontier.enqueue([entry("x"), entry("y"), entry("z", host="b.example")])
    frontier.park("a.example", 3600, "asked to wait")
    assert frontier.pending_hosts() == ("b.example",)
    assert frontier.unvisited() == 3
    frontier.recover(3599, is_only_writer=True)
    assert frontier.pending_hosts() == ("b.example",)
    frontier.recover(3600, is_only_writer=True)
    assert frontier.pending_hosts() == ("a.example", "b.example")


def test_pauses_outlive_a_run(frontier):
    frontier.pause("a.example", 100, "429")
    frontier.pause("a.example", 200, "429")
    assert frontier.pauses(150) == (("a.example", 200.0),)
    assert frontier.pauses(200) == ()


def test_refusals_are_put_again_to_the_next_grant_and_failures_are_not(frontier):
    frontier.enqueue([entry("x"), entry("y")])
    for state in (State.REFUSED, State.FAILED):
        frontier.fail(lease(frontier, "a.example", 0, 60).id, state, "why")
    frontier.recover(0, is_only_writer=True)
    assert frontier.counts() == {State.PENDING: 1, State.FAILED: 1}


def test_host_counts_and_caps(frontier):
    frontier.enqueue([entry("x"), entry("y"), entry("pic", purpose=Purpose.MEDIA)])
    leased = lease(frontier, "a.example", 0, 60)
    frontier.capture(leased.id, State.DONE)
    assert frontier.host_counts() == {"a.example": (2, 1)}
    frontier.skip_pages("a.example", "enough")
    assert lease(frontier, "a.example", 0, 60).purpose is Purpose.MEDIA
    assert frontier.counts()[State.SKIPPED] == 1


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from("elcfr"), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=60
    )
)
def test_no_url_is_ever_lost_or_doubled(moves, tmp_path_factory):
    database = connect(tmp_path_factory.mktemp("db") / "case.db", is_new=True)
    frontier, known, leased = Frontier(database), set(), []
    for move, number, depth in moves:
        if move == "e":
            frontier.enqueue([entry(str(number), depth=depth, priority=depth)])
            known.add(number)
        elif move == "l" and (claim := lease(frontier, "a.example", 0, 60)):
            assert claim.id not in [other.id for other in leased]
            leased.append(claim)
        elif move == "c" and leased:
            frontier.complete([leased.pop().id])
        elif move == "f" and leased:
            frontier.fail(leased.pop().id, State.FAILED, "x")
        elif move == "r" and leased:
            frontier.release(leased.pop().id)
    assert sum(frontier.counts().values()) == len(known)
    assert frontier.counts().get(State.LEASED, 0) == len(leased)
    database.close()


@pytest.mark.benchmark
def test_rate_of_three_hundred_thousand_urls(frontier, database):
    hosts = [f"h{number}.example" for number in range(1000)]
    entries = [entry(str(number), host=random.Random(number).choice(hosts)) for number in range(300_000)]
    began = time.perf_counter()
    for start in range(0, len(entries), 2000):
        frontier.enqueue(entries[start : start + 2000])
    inserted = time.perf_counter() - began
    began = time.perf_counter()
    with database.atomic():
        for number in range(10_000):
            frontier.complete([lease(frontier, hosts[number % 1000], 0, 60).id])
    batched = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(1000):
        frontier.complete([lease(frontier, hosts[number], 0, 60).id])
    single = time.perf_counter() - began
    began = time.perf_counter()
    assert len(frontier.pending_hosts()) == 1000
    listed = time.perf_counter() - began
    print(  # noqa: T201  a benchmark's result
        f"\ninsert {300_000 / inserted:,.0f}/s, lease and complete {10_000 / batched:,.0f}/s in one commit, "
        f"{1000 / single:,.0f}/s one by one (synced), 1,000 hosts in {listed * 1000:.1f} ms"
    )
