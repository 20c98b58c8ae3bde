"""Ids as the operator's settings describe them: found, spelled both ways, dated."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.identifiers import shortcode
from clonedetect.match.ambiguity import Worth, worth_of
from clonedetect.match.native import NativeIds
from clonedetect.models.page import IdentifierKind as Kind
from clonedetect.models.platform import Platform
from clonedetect.settings.document import parse_settings
from clonedetect.settings.template import PLATFORMS, platform_example, settings_template

FINDS = re.compile(r"^# finds (\S+) in (\S+)$")


def patterns_and_examples(name: str) -> list[tuple[str, str, str, str]]:
    """Return (key, pattern, value, address) for each line that says what the pattern before it finds."""
    found, key, values = [], "", ()
    for line in platform_example(name).splitlines():
        if told := FINDS.match(line):
            found += [(key, "|".join(values), *told.groups())]
        elif " = " in line and not line.startswith("#"):
            key = line.partition(" = ")[0]
            values = getattr(parse_settings(f"[platform]\n{line}".encode(), name="s")[0].platform, key)
    return found


@pytest.mark.parametrize("name", PLATFORMS)
def test_each_pattern_of_an_example_finds_what_it_says(name):
    examples = patterns_and_examples(name)
    assert len(examples) >= 6
    for key, pattern, value, address in examples:
        groups = {
            group.replace("/", "")
            for match in re.finditer(pattern, address)
            for group in match.groups()
            if group
        }
        assert value in groups, (key, address)
    platform = parse_settings(platform_example(name).encode(), name="s")[0].platform
    patterned = [
        key
        for key in ("shortcode", "numeric_id", "handle", "asset_id")
        if getattr(platform, f"{key}_patterns")
    ]
    assert {key for key, *_ in examples} == {f"{key}_patterns" for key in patterned}


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_times_that_an_example_tells_are_right(name):
    ids = NativeIds.of(parse_settings(platform_example(name).encode(), name="s")[0].platform)
    text = platform_example(name)
    number, made = re.search(r"# (\d+) was made at (\S+)", text).groups()
    assert ids.created_at(Kind.NUMERIC_ID, number) == datetime.fromisoformat(made)
    url, until = re.search(r"# (\S+) is good until (\S+)", text).groups()
    assert ids.expires_at(url) == datetime.fromisoformat(until)


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_example_stands_in_a_whole_file_of_settings(name):
    alone = parse_settings(platform_example(name).encode(), name="s")[0]
    assert parse_settings(settings_template(name).encode(), name="s")[0] == alone
    assert alone.platform != Platform()


@pytest.fixture
def ids() -> NativeIds:
    return NativeIds.of(
        Platform(
            hosts=("photos.example",),
            media_hosts=("cdn.example",),
            numeric_id_patterns=(r"/n/((?:\d{3}/)+)", r"[?&]id=(\d+)"),
            shortcode_is_id=True,
            id_time_shift=23,
            id_epoch_ms=1_314_220_021_721,
        )
    )


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("photos.example", True),
        ("www.photos.example.", True),
        ("a.b.cdn.example", True),
        ("myphotos.example", False),
        ("photos.example.evil.example", False),
        ("example", False),
        ("", False),
    ],
)
def test_hosts(ids: NativeIds, host, is_own):
    assert ids.is_own(host) is is_own


def test_ids_in_folders_and_queries(ids: NativeIds):
    assert ids.in_address("https://v.example/n/110/995/026/x") == ((Kind.NUMERIC_ID, "110995026"),)
    assert ids.in_address("https://v.example/?id=3182886838844302529") == (
        (Kind.NUMERIC_ID, "3182886838844302529"),
    )
    assert ids.in_address(f"https://v.example/?{'a' * 3000}&id=3182886838844302529") == ()


def test_spellings(ids: NativeIds):
    number = (Kind.NUMERIC_ID, "3182886838844302529")
    code = (Kind.SHORTCODE, "Cwr4rddlKTB")
    assert set(ids.spellings(*number)) == set(ids.spellings(*code)) == {number, code}
    assert ids.spellings(Kind.HANDLE, "lena") == ((Kind.HANDLE, "lena"),)
    assert NativeIds.of(Platform()).spellings(*code) == (code,)
    assert ids.spellings(Kind.SHORTCODE, "not a code") == ((Kind.SHORTCODE, "not a code"),)


def test_times(ids: NativeIds):
    made = datetime(2023, 9, 2, 10, 15, 0, 500_000, tzinfo=UTC)
    assert ids.created_at(Kind.SHORTCODE, "Cwr4rddlKTB") == made
    assert ids.created_at(Kind.HANDLE, "3182886838844302529") is None
    assert ids.created_at(Kind.NUMERIC_ID, "9" * 25) is None
    assert NativeIds.of(Platform()).created_at(Kind.NUMERIC_ID, "3182886838844302529") is None


@given(st.integers(0, 2**70))
def test_any_number_is_dated_or_not(number):
    dated = NativeIds.of(Platform(id_time_shift=16)).created_at(Kind.NUMERIC_ID, str(number))
    assert dated is None or dated.year < 2101


@pytest.mark.parametrize(
    ("kind", "value", "worth"),
    [
        (Kind.HANDLE, "jo", Worth.NOTHING),
        (Kind.HANDLE, "2024", Worth.NOTHING),
        (Kind.HANDLE, "lena", Worth.AMBIGUOUS),
        (Kind.HANDLE, "photography", Worth.AMBIGUOUS),
        (Kind.HANDLE, "lena.fischt", Worth.DISTINCT),
        (Kind.HANDLE, "lena2", Worth.DISTINCT),
        (Kind.HANDLE, "lenafischtkrabben", Worth.DISTINCT),
        (Kind.NUMERIC_ID, "12345", Worth.NOTHING),
        (Kind.NUMERIC_ID, "12345678", Worth.AMBIGUOUS),
        (Kind.NUMERIC_ID, "1693649700500", Worth.AMBIGUOUS),
        (Kind.NUMERIC_ID, "20230902101500", Worth.AMBIGUOUS),
        (Kind.NUMERIC_ID, "110995026771980345", Worth.DISTINCT),
        (Kind.ACCOUNT, "17841", Worth.NOTHING),
        (Kind.ACCOUNT, "https://social.example/users/lena", Worth.DISTINCT),
        (Kind.ASSET_ID, "17841400000001001", Worth.DISTINCT),
        (Kind.ASSET_ID, "0a1b2c3d4e5f6071", Worth.DISTINCT),
        (Kind.SHORTCODE, "Cwr4rddlKTB", Worth.DISTINCT),
        (Kind.SHORTCODE, "abcd", Worth.NOTHING),
        (Kind.SHORTCODE, "aB1cD", Worth.AMBIGUOUS),
        (Kind.SHORTCODE, "photography", Worth.AMBIGUOUS),
        (Kind.SHORTCODE, "PhotoGallery", Worth.AMBIGUOUS),
        (Kind.SHORTCODE, "summer-2023", Worth.AMBIGUOUS),
        (Kind.SHORTCODE, "top-10-beaches", Worth.AMBIGUOUS),
        (Kind.SHORTCODE, "p-1001", Worth.AMBIGUOUS),
        (Kind.HASHTAG, "Kutterpullen", Worth.NOTHING),
        (Kind.PERMALINK, "https://photos.example/p/1", Worth.DISTINCT),
    ],
)
def test_what_a_value_is_worth(kind, value, worth):
    assert worth_of(kind, value) is worth


@given(st.integers(3_000_000_000_000_000_000, 3_500_000_000_000_000_000))
def test_no_real_code_says_nothing(number):
    assert worth_of(Kind.SHORTCODE, shortcode(number)) is not Worth.NOTHING


def test_most_real_codes_are_distinct():
    codes = [shortcode(3_000_000_000_000_000_000 + step * 98_765_432_109_877) for step in range(2_000)]
    distinct = sum(worth_of(Kind.SHORTCODE, code) is Worth.DISTINCT for code in codes)
    assert distinct / len(codes) > 0.95
