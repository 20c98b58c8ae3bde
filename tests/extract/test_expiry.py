"""Until when signed addresses are good."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.expiry import signed_expiry
from clonedetect.models.platform import ExpiryParameter, Platform

BUILT_IN = tuple(map(ExpiryParameter.parse, Platform().expiry_parameters))
URL = "https://cdn.example/a.jpg"


@pytest.mark.parametrize(
    ("query", "end"),
    [
        ("oe=65AB1234", datetime(2024, 1, 20, 0, 22, 12, tzinfo=UTC)),
        ("oh=1&oe=65ab1234&x=2", datetime(2024, 1, 20, 0, 22, 12, tzinfo=UTC)),
        ("X-Amz-Date=20230902T101500Z&X-Amz-Expires=3600", datetime(2023, 9, 2, 11, 15, tzinfo=UTC)),
        ("Expires=1693650000&Signature=x", datetime(2023, 9, 2, 10, 20, tzinfo=UTC)),
        ("oe=never&Expires=1693650000", datetime(2023, 9, 2, 10, 20, tzinfo=UTC)),
    ],
)
def test_a_signed_address_says_until_when_it_is_good(query, end):
    assert signed_expiry(f"{URL}?{query}", BUILT_IN) == end


@pytest.mark.parametrize(
    "query",
    [
        "",
        "oe=never",
        "oe=1",
        "oe=FFFFFFFFF",
        "Expires=3600",
        "Expires=99999999999",
        "Expires=-1693650000",
        "X-Amz-Expires=3600",
        "X-Amz-Date=20230902T101500Z",
        "X-Amz-Date=20231302T101500Z&X-Amz-Expires=3600",
        "X-Amz-Date=2023-09-02&X-Amz-Expires=3600",
        "X-Amz-Date=20230902T101500Z&X-Amz-Expires=1h",
        "oe=٦٥٦٥٦٥٦٥",
    ],
)
def test_other_addresses_do_not_expire(query):
    assert signed_expiry(f"{URL}?{query}", BUILT_IN) is None


def test_only_the_named_parameters_count():
    assert signed_expiry(f"{URL}?oe=65AB1234", [ExpiryParameter.parse("until:seconds")]) is None
    assert signed_expiry("http://[?oe=65AB1234", BUILT_IN) is None


@given(st.text(max_size=60), st.sampled_from(["oe", "Expires", "X-Amz-Date=20230902T101500Z&X-Amz-Expires"]))
def test_any_value_is_answered(value, name):
    end = signed_expiry(f"{URL}?{name}={value}", BUILT_IN)
    assert end is None or 2000 <= end.year < 2100
