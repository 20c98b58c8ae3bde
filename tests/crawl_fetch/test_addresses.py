"""The deny list, checked at every edge and against an independent oracle."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.addresses import refusal_of

DENIED = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "8000::/1",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]

ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "3ffe:ffff::1",
]

SPELLED_OUT = [
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "credentials"),
    ("100.100.100.200", "metadata"),
    ("192.0.0.192", "metadata"),
    ("168.63.129.16", "cloud"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("::ffff:127.0.0.1", "loopback"),
    ("64:ff9b::7f00:1", "NAT64 form of 127.0.0.1"),
    ("64:ff9b:1::a9fe:a9fe", "169.254.169.254"),
    ("2002:7f00:1::", "6to4 form of 127.0.0.1"),
    ("2002:0808:0808::1", "disguise"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2a00::5efe:a00:1", "ISATAP form of 10.0.0.1"),
    ("fe80::1%eth0", "interface"),
    ("224.0.0.251", "multicast"),
    ("255.255.255.255", "broadcast"),
]


@pytest.mark.parametrize("network", DENIED)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_a_denied_range_is_denied_from_its_first_to_its_last_address(network: str, allow_loopback: bool):
    block = ip_network(network)
    step = max(1, block.num_addresses // 257)
    for number in [*range(0, block.num_addresses, step), block.num_addresses - 1]:
        address = block[number]
        if allow_loopback and address.is_loopback and not getattr(address, "ipv4_mapped", None):
            continue
        assert refusal_of(address, allow_loopback=allow_loopback), address


@pytest.mark.parametrize("address", ALLOWED)
def test_the_public_internet_and_the_neighbours_of_denied_ranges_are_allowed(address: str):
    assert refusal_of(address, allow_loopback=False) is None


@pytest.mark.parametrize(("address", "reason"), SPELLED_OUT)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_the_reason_names_what_the_address_is(address: str, reason: str, allow_loopback: bool):
    assert reason in (refusal_of(address, allow_loopback=allow_loopback) or "allowed")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.255.255.255", "::1"])
def test_loopback_is_allowed_only_where_the_permit_says_so(address: str):
    assert "loopback" in (refusal_of(address, allow_loopback=False) or "allowed")
    assert refusal_of(address, allow_loopback=True) is None


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "127.0.0.01", "1.2.3"]
)
def test_text_that_is_no_canonical_address_is_refused(text: str):
    assert refusal_of(text, allow_loopback=True)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_nothing_the_standard_library_calls_special_is_allowed(address: IPv4Address):
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified
    if special:
        assert refusal_of(address, allow_loopback=False)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_outside_global_unicast_is_allowed(address: IPv6Address):
    if address.exploded[0] not in "23" or not address.is_global:
        assert refusal_of(address, allow_loopback=False)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_no_disguise_of_any_ipv4_address_is_allowed(number: int, allow_loopback: bool):
    for base, shift in (
        ("::", 0),
        ("::ffff:0:0", 0),
        ("::ffff:0:0:0", 0),
        ("64:ff9b::", 0),
        ("64:ff9b:1::", 0),
        ("2002::", 80),
    ):
        disguised = IPv6Address(int(ip_address(base)) | number << shift)
        if disguised != IPv6Address("::1"):
            assert refusal_of(disguised, allow_loopback=allow_loopback), disguised
