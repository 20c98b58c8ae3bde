import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.analysis.intervals import bounded_share, clustered_share, wilson


@pytest.mark.parametrize(
    ("hits", "asked", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, asked: int, low: float, high: float) -> None:
    found = wilson(hits / asked, asked)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 400), st.integers(0, 400))
def test_an_interval_holds_its_share_and_lies_within_0_and_1(hits: int, missed: int) -> None:
    asked = hits + missed
    found = wilson(hits / asked if asked else 0.0, asked)
    assert 0 <= found.low <= found.high <= 1
    assert not asked or found.low <= hits / asked <= found.high


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_what_was_not_seen_only_ever_widens(hits: int, others: int, unknown: int) -> None:
    asked = hits + others + unknown
    found = bounded_share(hits, unknown, asked)
    for seen_hits in (hits, hits + unknown):
        if asked:
            inner = wilson(seen_hits / asked, asked)
            assert found.low <= inner.low
            assert inner.high <= found.high


def test_nothing_asked_is_anything() -> None:
    assert str(bounded_share(0, 0, 0)) == "0.0% to 100.0%"
    assert str(wilson(0.0, 0)) == "0.0% to 100.0%"


def test_a_census_has_no_error_of_sampling() -> None:
    assert (bounded_share(3, 0, 4, is_census=True).low, bounded_share(3, 0, 4, is_census=True).high) == (
        0.75,
        0.75,
    )
    widened = bounded_share(1, 2, 4, is_census=True)
    assert (widened.low, widened.high) == (0.25, 0.75)


def test_pictures_that_are_alike_within_a_page_are_worth_no_more_than_their_pages() -> None:
    alike = clustered_share([(50, 0, 50)] * 2 + [(0, 0, 50)] * 2)
    assert alike.high - alike.low > wilson(0.5, 5).high - wilson(0.5, 5).low
    mixed = clustered_share([(1, 0, 2)] * 100)
    assert (mixed.low, mixed.high) == pytest.approx((wilson(0.5, 100).low, wilson(0.5, 100).high))


def test_pages_of_one_kind_are_counted_as_pages() -> None:
    none = clustered_share([(0, 0, 40)] * 10)
    assert (none.low, none.high) == (0.0, wilson(0.0, 10).high)


def test_unknown_pictures_count_both_ways() -> None:
    known, unknown = clustered_share([(5, 0, 10)] * 9), clustered_share([(5, 2, 10)] * 9)
    assert unknown.low == known.low
    assert unknown.high > known.high


def test_pages_without_pictures_say_nothing_of_pictures() -> None:
    assert clustered_share([(1, 0, 2)] * 8) == clustered_share([(1, 0, 2)] * 8 + [(0, 0, 0)] * 50)
