"""Handles, tags and ids in text, paths and JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract import identifiers
from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.page import IdentifierKind as Kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with @netmaker_hans.", [(Kind.HANDLE, "netmaker_hans")]),
        ("(@a.b)", [(Kind.HANDLE, "a.b")]),
        ("mail me@host.example", []),
        ("@@twice", []),
        ("#harbour #Fähre #海", [(Kind.HASHTAG, "harbour"), (Kind.HASHTAG, "Fähre"), (Kind.HASHTAG, "海")]),
        ("＃海", [(Kind.HASHTAG, "海")]),
        ("#1 and &#39; and a#b", []),
    ],
)
def test_text_names(text, found):
    assert list(identifiers.of_text(text)) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/p/CxHarbour01/", [(Kind.SHORTCODE, "CxHarbour01")]),
        ("/en/reel/CxHarbour01", [(Kind.SHORTCODE, "CxHarbour01")]),
        ("/post/CxHarbour01", [(Kind.SHORTCODE, "CxHarbour01")]),
        ("/media/3141592653589793238", [(Kind.NUMERIC_ID, "3141592653589793238")]),
        ("/profile/lena.fischt", [(Kind.HANDLE, "lena.fischt")]),
        ("/v/lena.fischt/", [(Kind.HANDLE, "lena.fischt")]),
        ("/user-profile/lena", [(Kind.HANDLE, "lena")]),
        ("/@lena", [(Kind.HANDLE, "lena")]),
        ("/profile/lena/3141592653589793238",
         [(Kind.HANDLE, "lena"), (Kind.NUMERIC_ID, "3141592653589793238")]),
        ("/api/v1/userInfoByUsername/lena", [(Kind.HANDLE, "lena")]),
        ("/tags/Hafen/", [(Kind.HASHTAG, "Hafen")]),
        ("/tag/%E6%B5%B7", [(Kind.HASHTAG, "海")]),
        ("/about/us", []),
        ("/p/x", []),
    ],
)  # fmt: skip
def test_a_path_names(path, found):
    assert list(identifiers.of_path(f"https://clone.example{path}")) == found


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("username", "@lena", (Kind.HANDLE, "lena")),
        ("owner_username", "lena", (Kind.HANDLE, "lena")),
        ("shortcode", "CxHarbour01", (Kind.SHORTCODE, "CxHarbour01")),
        ("code", "CxHarbour01", (Kind.SHORTCODE, "CxHarbour01")),
        ("code", "error", None),
        ("id", "3141592653589793238_17841", (Kind.NUMERIC_ID, "3141592653589793238")),
        ("mediaId", "31415926", (Kind.NUMERIC_ID, "31415926")),
        ("id", "12", None),
        ("caption", "lena", None),
    ],
)
def test_a_json_field_identifies(key, value, found):
    assert identifiers.of_key(key, value) == found


def test_a_hotlink_is_an_address_on_another_host():
    found = list(identifiers.of_media("https://cdn.example/a.jpg", None, "https://clone.example/"))
    assert found == [(Kind.HOTLINK, "https://cdn.example/a.jpg")]
    assert list(identifiers.of_media("https://clone.example/a.jpg", None, "https://clone.example/")) == []
    assert list(identifiers.of_media("data:image/png,x", None, "https://clone.example/")) == []


def test_known_shortcodes_decode():
    assert identifiers.numeric_id("AAAAAAAAABC") == 64 + 2
    assert identifiers.numeric_id("BAAAAAAAAA-") == 64**10 + 62
    assert identifiers.numeric_id("AAAAAAAAABCprivate_part") == 66
    assert identifiers.shortcode(0) == "A"


@given(st.integers(min_value=64**10, max_value=64**11 - 1))
def test_shortcodes_of_eleven_characters_decode_to_what_they_encode(number):
    assert identifiers.numeric_id(identifiers.shortcode(number)) == number


@pytest.mark.parametrize("code", ["has space", "é"])
def test_what_is_no_shortcode_is_refused(code):
    with pytest.raises(ValueError, match="base64url"):
        identifiers.numeric_id(code)


def test_negative_ids_are_refused():
    with pytest.raises(ValueError, match="not negative"):
        identifiers.shortcode(-1)


def test_identifiers_beyond_the_limit_are_counted():
    html = "".join(f"<p>#tag{number}x</p>" for number in range(9))
    page = read_page(html.encode(), "https://clone.example/", "text/html", PageLimits(identifiers=4))
    assert len(page.identifiers) == 4
    assert page.omitted == (("too many identifiers", 5),)
    data = ",".join(f'{{"shortcode": "Code{number}abc"}}' for number in range(9))
    page = read_page(f"[{data}]".encode(), "https://clone.example/", "", PageLimits(identifiers=4))
    assert page.omitted == (("too many identifiers", 5),)
