import pytest
from hypothesis import given
from hypothesis import strategies as st

from accuracy.intervals import by_picture, upper_bound, wilson


@pytest.mark.parametrize(
    ("hits", "asked", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe 1998, table I"),
        pytest.param(15, 148, 0.0624, 0.1605, id="Newcombe 1998, second"),
        pytest.param(0, 20, 0.0, 0.1611, id="Newcombe 1998, none"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe 1998, one"),
    ],
)
def test_wilson_gives_the_published_intervals(hits, asked, low, high) -> None:
    assert wilson(hits, asked) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_an_interval_holds_the_share_and_mirrors(asked, share) -> None:
    hits = round(share * asked)
    low, high = wilson(hits, asked)
    assert 0 <= low <= hits / asked <= high <= 1
    assert wilson(asked - hits, asked) == pytest.approx((1 - high, 1 - low))


def test_nothing_seen_is_bounded_by_three_in_n() -> None:
    assert upper_bound(0, 20_000) == pytest.approx(0.00015)
    assert upper_bound(0, 2) == 1.0
    assert upper_bound(0, 0) == 1.0


def test_something_seen_is_bounded_by_wilson() -> None:
    assert upper_bound(1, 29) == wilson(1, 29)[1]


def test_pictures_drawn_anew_widen_what_hangs_together() -> None:
    shares = [1.0] * 8 + [0.0] * 2
    low, high = by_picture(shares)
    assert low < wilson(800, 1000)[0] < wilson(800, 1000)[1] < high
    assert by_picture([0.9] * 5) == pytest.approx((0.9, 0.9))
    assert by_picture([]) == (0.0, 1.0)
