"""Which IP addresses the fetcher may connect to: an own deny list, complete where `is_global` is not.

On CPython 3.11 ``ipaddress.is_global`` lets through NAT64, 6to4, multicast,
site-local, IPv4-compatible and several service addresses (measured), each of
which reaches, or is routed to, somewhere that is not the public internet.
IPv4 is denied by table (IANA special-purpose registry, RFC 6890 and updates,
and cloud service addresses); IPv6 is allowed only inside 2000::/3, the one
block handed out as global unicast (RFC 4291, IANA), minus a table.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["Address", "parse_address", "refusal_of"]

Address = IPv4Address | IPv6Address

_IPV4_DENIED: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("127.0.0.0/8", "loopback"),
        ("169.254.169.254/32", "a cloud metadata service"),
        ("169.254.170.2/32", "a cloud credentials service"),
        ("168.63.129.16/32", "a cloud platform service"),
        ("100.100.100.200/32", "a cloud metadata service"),
        ("192.0.0.192/32", "a cloud metadata service"),
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112 service"),
        ("192.52.193.0/24", "multicast tunnelling"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112 service"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_IPV6_DENIED: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("fd00:ec2::/32", "a cloud metadata service"),
        ("fd20:ce::254/128", "a cloud metadata service"),
        ("::/96", "IPv4-compatible"),
        ("100::/64", "discard only"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "IETF protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "AS112 service"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)

# Forms that carry an IPv4 address: (network, what they are, bits below the carried address).
_IPV4_CARRIERS: tuple[tuple[IPv6Network, str, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), "IPv4-mapped", 0),
    (IPv6Network("::ffff:0:0:0/96"), "IPv4-translated", 0),
    (IPv6Network("64:ff9b::/96"), "NAT64", 0),
    (IPv6Network("64:ff9b:1::/48"), "local NAT64", 0),
    (IPv6Network("2002::/16"), "6to4", 80),
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})


@lru_cache(maxsize=2048)
def parse_address(text: str) -> Address | None:
    """Return the address that `text` spells canonically, or None; a zone (``%eth0``) is not canonical."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def refusal_of(address: str | Address, *, allow_loopback: bool) -> str | None:
    """Return why the fetcher must not connect to `address`, or None if it may.

    `allow_loopback` adds the plain loopback addresses (127.0.0.0/8, ::1) and
    nothing else: no private, link-local or disguised one. Text that is no
    address is refused.
    """
    parsed = parse_address(address) if isinstance(address, str) else address
    if parsed is None:
        return f"{address} is not an address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return f"{parsed} is bound to a network interface"
    if allow_loopback and parsed.is_loopback and _carried(parsed) is None:
        return None
    kind = _denied_ipv4(parsed) if isinstance(parsed, IPv4Address) else _denied_ipv6(parsed)
    return f"{parsed} is {kind}" if kind else None


def _denied_ipv4(address: IPv4Address) -> str | None:
    for network, name in _IPV4_DENIED:
        if address in network:
            return name
    return None if address.is_global else "not global"


def _denied_ipv6(address: IPv6Address) -> str | None:
    carried = _carried(address)
    if carried is not None:
        form, inner = carried
        return f"{form} form of {inner} ({_denied_ipv4(inner) or 'a public address in disguise'})"
    for network, name in _IPV6_DENIED:
        if address in network:
            return name
    if address not in _GLOBAL_UNICAST:
        return "outside global unicast"
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP_MARKS:
        return f"ISATAP form of {IPv4Address(int(address) & 0xFFFFFFFF)}"
    return None if address.is_global else "not global"


def _carried(address: Address) -> tuple[str, IPv4Address] | None:
    """Return the form and the IPv4 address that a transition address hides."""
    if isinstance(address, IPv4Address):
        return None
    for network, form, shift in _IPV4_CARRIERS:
        if address in network:
            return form, IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None
