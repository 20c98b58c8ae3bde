"""One spelling per URL, and no spelling where parsers differ."""

from __future__ import annotations

import copy

import pytest

from clonedetect.errors import InputError, UrlError
from clonedetect.grant.urls import MAX_URL_LENGTH, normalise, normalise_path, resolve


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://Clone.EXAMPLE/Profile/X", "https://clone.example/Profile/X"),
        ("https://clone.example", "https://clone.example/"),
        ("https://clone.example?x=1", "https://clone.example/?x=1"),
        ("https://clone.example/?", "https://clone.example/"),
        ("https://clone.example#/p", "https://clone.example/"),
        ("https://clone.example/a#b?c", "https://clone.example/a"),
        ("https://clone.example.:443/", "https://clone.example/"),
        ("http://clone.example:/", "http://clone.example/"),
        ("http://clone.example:00080/", "http://clone.example/"),
        ("http://clone.example:443/", "http://clone.example:443/"),
        ("https://clone.example/a/./b/../c", "https://clone.example/a/c"),
        ("https://clone.example/../../a", "https://clone.example/a"),
        ("https://clone.example/a/..", "https://clone.example/"),
        ("https://clone.example/a/b/.", "https://clone.example/a/b/"),
        ("https://clone.example/a/%2E%2e/b/%2e/.%2E/c", "https://clone.example/c"),
        ("https://clone.example/a//../b", "https://clone.example/a/b"),
        ("https://clone.example/.//x", "https://clone.example//x"),
        ("https://clone.example/%7euser/%61%2d", "https://clone.example/~user/a-"),
        ("https://clone.example/%c3%a9?x=%2f%2e", "https://clone.example/%C3%A9?x=%2F."),
        ("https://clone.example/é?ü=1", "https://clone.example/%C3%A9?%C3%BC=1"),
        ('https://clone.example/a|b^{"}', "https://clone.example/a%7Cb%5E%7B%22%7D"),
        ("https://clone.example/?a=50%&b=%zz", "https://clone.example/?a=50%25&b=%25zz"),
        ("https://clone.example/%252561", "https://clone.example/%252561"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://CAFÉ.example/", "https://xn--caf-dma.example/"),
        ("https://xn--caf-dma.example/", "https://xn--caf-dma.example/"),
        ("https://ｃｌｏｎｅ。example/", "https://clone.example/"),
        ("https://a_b.r3---x.example/", "https://a_b.r3---x.example/"),
        ("http://93.184.216.34:8080/", "http://93.184.216.34:8080/"),
        ("http://93.184.216.34./", "http://93.184.216.34/"),
        ("http://[2001:DB8:0:0::1]:80/", "http://[2001:db8::1]/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]/"),
    ],
)
def test_equivalent_spellings_have_one_normal_form(url: str, normal: str) -> None:
    assert str(normalise(url)) == normal


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "absolute"),
        ("clone.example/", "absolute"),
        ("//clone.example/", "absolute"),
        ("ftp://clone.example/", "absolute"),
        ("file:///etc/passwd", "absolute"),
        ("http:clone.example/", "absolute"),
        ("http:/clone.example/", "absolute"),
        ("http:\\\\clone.example/", "backslash"),
        ("http://clone.example\\@evil.example/", "backslash"),
        ("http://evil.example\\.clone.example/", "backslash"),
        ("http://clone.example/a\\..\\b", "backslash"),
        ("http://clone.example/?q=\\", "backslash"),
        ("http:///clone.example/", "no host"),
        ("http://:80/", "no host"),
        ("http://?x", "no host"),
        ("http://./", "empty label"),
        ("http://clone..example/", "empty label"),
        ("http://clone.example../", "empty label"),
        ("http://user@clone.example/", "user name"),
        ("http://clone.example:80@evil.example/", "user name"),
        ("http://clone.example@/", "user name"),
        ("http://clone.example:0/", "port"),
        ("http://clone.example:65536/", "port"),
        ("http://clone.example:999999999999/", "port"),
        ("http://clone.example:8a/", "port"),
        ("http://clone.example:-1/", "port"),
        ("http://clone.example:٨٠/", "port"),
        ("http://clone.example:80:81/", "port"),
        (" http://clone.example/", "whitespace"),
        ("http://clone.example/ ", "whitespace"),
        ("http://clone.example/a b", "whitespace"),
        ("http://clone.example/\u00a0", "whitespace"),
        ("http://clone.example/\u3000", "whitespace"),
        ("\ufeffhttp://clone.example/", "whitespace"),
        ("ht\ntp://clone.example/", "control"),
        ("http://clo\tne.example/", "control"),
        ("http://clone.example/\r\nX-Header: 1", "control"),
        ("http://clone.example/\x00", "control"),
        ("http://clone.example/\x7f", "control"),
        ("http://clone.example/\ud800", "surrogate"),
        ("http://clone%2eexample/", "percent sign in the host"),
        ("http://%63lone.example/", "percent sign in the host"),
        ("http://clone.example/%2f", "encoded slash"),
        ("http://clone.example/a%2F..%2Fb", "encoded slash"),
        ("http://clone.example/%5C", "encoded slash"),
        ("http://clone.example/%255c", "encoded slash"),
        ("http://clone.example/%25252f", "encoded slash"),
        ("http://clone.example/%25%32%66", "encoded slash"),
        ("http://clone.example/%c0%af", "encoded slash"),
        ("http://clone.example/%252e%252e/", "dot encoded twice"),
        ("http://clone.example/%25%32%65/", "dot encoded twice"),
        ("http://clone.example/%c0%ae/", "dot encoded twice"),
        ("http://clone.example/a/..;/b", "parameter"),
        ("http://clone.example/a/..;x=1/b", "parameter"),
        ("http://clone.example/a/%2e%2e%3b/b", "parameter"),
        ("http://clone.example/100%", "starts no escape"),
        ("http://clone.example/%u002f", "starts no escape"),
        ("http://127.1/", "four plain decimal"),
        ("http://2130706433/", "four plain decimal"),
        ("http://0x7f.1/", "four plain decimal"),
        ("http://0x7f000001/", "four plain decimal"),
        ("http://0177.0.0.1/", "four plain decimal"),
        ("http://127.0.0.01/", "four plain decimal"),
        ("http://127.0.0.1.1/", "four plain decimal"),
        ("http://256.1.1.1/", "four plain decimal"),
        ("http://clone.0x/", "four plain decimal"),
        ("http://１２７.1/", "four plain decimal"),
        ("http://①②⑦.1/", "four plain decimal"),
        ("http://[fe80::1%25eth0]/", "zone id"),
        ("http://[fe80::1%eth0]/", "zone id"),
        ("http://[::1/", "zone id, or without"),
        ("http://[::1]x/", "after the bracket"),
        ("http://[127.0.0.1]/", "not an IPv6"),
        ("http://[]/", "not an IPv6"),
        ("http://::1/", "port"),
        ("http://clone.exam ple/", "whitespace"),
        ("http://clone<.example/", "no host name has"),
        ("http://clone,example/", "no host name has"),
        (f"http://{'a' * 64}.example/", "no host name has"),
        (f"http://{'a.' * 130}example/", "253"),
        ("http://xn--zzzzzz.example/", "internationalised"),
        ("http://xn--.example/", "internationalised"),
        ("http://☃.example/", "host name"),
        ("http://clone.example/" + "a" * MAX_URL_LENGTH, "longer"),
        ("http://clone.example/" + "é" * 600, "once escaped"),
    ],
)
def test_a_url_that_parsers_could_differ_on_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(UrlError) as refused:
        normalise(url)
    assert reason in refused.value.reason
    assert refused.value.url == url
    assert isinstance(refused.value, InputError)
    copied = copy.copy(refused.value)
    assert (copied.url, copied.reason, str(copied)) == (url, refused.value.reason, str(refused.value))


def test_the_longest_url_is_still_permitted() -> None:
    url = "http://clone.example/"
    url += "a" * (MAX_URL_LENGTH - len(url))
    assert len(str(normalise(url))) == MAX_URL_LENGTH


def test_a_mapped_address_is_sent_as_written_and_decided_unwrapped() -> None:
    url = normalise("http://[::ffff:127.0.0.1]/")
    assert url.host == "::ffff:7f00:1"
    assert str(url.address) == "127.0.0.1"
    assert normalise("http://clone.example/").address is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://clone.example:443/a?b", "https://clone.example"),
        ("http://clone.example:8080/a", "http://clone.example:8080"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin_leaves_default_ports_out(url: str, origin: str) -> None:
    assert normalise(url).origin == origin


def test_a_path_keeps_case_and_reserved_characters() -> None:
    assert normalise_path("/A;b/C,d@e:f+g/(h)'!*=&$") == "/A;b/C,d@e:f+g/(h)'!*=&$"


@pytest.mark.parametrize(
    ("reference", "absolute"),
    [
        ("b.jpg", "https://clone.example/a/b.jpg"),
        ("/my photo.jpg", "https://clone.example/my%20photo.jpg"),
        ("  \n/x\t/y \n", "https://clone.example/x/y"),
        ("?q=1", "https://clone.example/a/page?q=1"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("http://other.example/", "http://other.example/"),
        ("../../up", "https://clone.example/up"),
    ],
)
def test_references_resolve_as_browsers_resolve_them(reference: str, absolute: str) -> None:
    assert resolve(normalise("https://clone.example/a/page?x=1"), reference) == absolute


@pytest.mark.parametrize("reference", ["\\\\evil.example/x", "/\\evil.example", "///evil.example/x", "////x"])
def test_a_reference_that_browsers_read_as_another_host_has_no_normal_form(reference: str) -> None:
    with pytest.raises(UrlError):
        normalise(resolve(normalise("https://clone.example/a"), reference))


def test_a_reference_that_cannot_be_resolved_is_refused() -> None:
    with pytest.raises(UrlError, match="cannot be resolved"):
        resolve(normalise("https://clone.example/a"), "http://[::1/x")
