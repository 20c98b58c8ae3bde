from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.turns import Turns


def test_hosts_are_looked_at_in_the_order_they_were_called_each_once():
    turns = Turns()
    turns.call("b", "a", "b")
    turns.call("a", "c")
    assert turns.due(0) == ("b", "a", "c")
    assert turns.due(0) == ()


def test_an_alarm_calls_a_host_when_its_time_has_come():
    turns = Turns()
    turns.call_at("late", 5)
    turns.call_at("soon", 2)
    assert turns.wait(0) == 2
    assert turns.due(1.9) == ()
    assert turns.due(2) == ("soon",)
    assert turns.due(5) == ("late",)
    assert turns.wait(5) == math.inf


def test_the_earliest_alarm_of_a_host_counts_and_never_is_none():
    turns = Turns()
    turns.call_at("a", 9)
    turns.call_at("a", 3)
    turns.call_at("a", math.inf)
    turns.call_at("b", math.inf)
    assert turns.due(3) == ("a",)
    assert turns.due(1e9) == ()


def test_what_was_called_does_not_wait():
    turns = Turns()
    turns.call_at("a", 9)
    turns.call("b")
    assert turns.wait(0) == 0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 100))))
def test_no_host_is_forgotten(alarms):
    turns = Turns()
    for host, moment in alarms:
        turns.call_at(host, moment)
    assert set(turns.due(101)) == {host for host, _ in alarms}
