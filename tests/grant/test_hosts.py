"""What an address is, and where public suffixes end."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from clonedetect.grant.hosts import (
    is_global_address,
    is_loopback_name,
    literal_address,
    normalise_host,
    registrable_domain,
)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::5db8:d822",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_no_special_address_counts_as_public(text: str) -> None:
    assert not is_global_address(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450:4001::1"])
def test_plain_unicast_addresses_count_as_public(text: str) -> None:
    assert is_global_address(ip_address(text))


def test_a_mapped_address_is_unwrapped_and_a_name_is_no_address() -> None:
    assert str(literal_address("::ffff:a00:1")) == "10.0.0.1"
    assert str(literal_address("2001:db8::1")) == "2001:db8::1"
    assert literal_address("clone.example") is None


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("clone.example", "clone.example"),
        ("a.b.clone.example", "clone.example"),
        ("example", None),
        ("co.uk", None),
        ("shop.co.uk", "shop.co.uk"),
        ("github.io", None),
        ("user.github.io", "user.github.io"),
        ("a.user.github.io", "user.github.io"),
        ("xn--p1ai", None),
        ("clone.xn--p1ai", "clone.xn--p1ai"),
    ],
)
def test_the_private_section_of_the_suffix_list_counts(host: str, domain: str | None) -> None:
    assert registrable_domain(host) == domain


def test_only_localhost_and_below_are_loopback_by_name() -> None:
    assert is_loopback_name("localhost")
    assert is_loopback_name("a.localhost")
    assert not is_loopback_name("localhost.example")
    assert not is_loopback_name("notlocalhost")


@pytest.mark.parametrize("text", ["[::1", "[::1%lo]", "::1", "a b", "", "1.2.3", "a..b", "-\u0301.example"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        normalise_host(text)
