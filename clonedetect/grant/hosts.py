"""Host names and addresses in one spelling, and what may be said of an address without asking DNS."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import idna
from publicsuffixlist import PublicSuffixList

__all__ = [
    "Address",
    "is_global_address",
    "is_loopback_name",
    "literal_address",
    "normalise_host",
    "registrable_domain",
]

Address = IPv4Address | IPv6Address

# Letters, digits, hyphens anywhere, underscores: what resolves in the wild and what browsers accept.
_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
# The WHATWG "ends in a number" check: a browser reads such a host as an IPv4 address or not at all.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_MAX_HOST_LENGTH = 253  # RFC 1035, without the final dot
# `is_global` lets these through (Python 3.11) although they lead to private or special places.
_NEVER_GLOBAL_V4 = tuple(
    map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "168.63.129.16/32"))
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_NEVER_GLOBAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


@lru_cache(maxsize=2048)
def normalise_host(text: str) -> str:
    """Return a host as it is resolved: ASCII, lower case, no brackets, no final dot.

    Names go through UTS 46 (non-transitional, as browsers do) and IDNA 2008;
    IPv6 literals come in brackets and leave compressed. Raises ValueError with
    the reason for anything else, among it every IPv4 spelling but four plain
    decimal numbers (``127.1``, ``0x7f.1``, ``2130706433``), and zone ids.
    """
    if not text:
        raise ValueError("no host")
    if text.startswith("["):
        return _normal_ipv6(text)
    if "%" in text:
        raise ValueError("a percent sign in the host")
    name = _to_ascii(text)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _normal_ipv4(name)
    if len(name) > _MAX_HOST_LENGTH:
        raise ValueError(f"a host over {_MAX_HOST_LENGTH} characters")
    for label in labels:
        _check_label(label)
    return name


@lru_cache(maxsize=2048)
def literal_address(host: str) -> Address | None:
    """Return the address that a normal host spells, IPv4-mapped IPv6 unwrapped; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_global_address(address: Address) -> bool:
    """Whether an unwrapped address is plain public unicast, tunnels and translations excluded."""
    if not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER_GLOBAL_V4)
    return address in _GLOBAL_UNICAST_V6 and not any(address in network for network in _NEVER_GLOBAL_V6)


def is_loopback_name(host: str) -> bool:
    """Whether a name is loopback by definition (RFC 6761): ``localhost`` and below."""
    return host == "localhost" or host.endswith(".localhost")


def registrable_domain(host: str) -> str | None:
    """Return the registrable domain of a normal name; None at or above a public suffix.

    The public suffix list's private section counts: ``user.github.io`` is one.
    """
    domain: str | None = _public_suffixes().privatesuffix(host)
    return domain


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _to_ascii(text: str) -> str:
    try:
        mapped = text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False)
        name = mapped.removesuffix(".")
        labels = [
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in name.split(".")
        ]
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"not a host name ({error})") from None
    return ".".join(labels)


def _check_label(label: str) -> None:
    if not label:
        raise ValueError("an empty label in the host")
    if not _LABEL.fullmatch(label):
        raise ValueError("a character or length that no host name has")
    if label.startswith("xn--"):
        try:
            round_trip = idna.alabel(idna.ulabel(label)).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError(f"not a valid internationalised label ({error})") from None
        if round_trip != label:
            raise ValueError("an internationalised label that is not in its one spelling")


def _normal_ipv4(name: str) -> str:
    try:
        return str(IPv4Address(name))
    except ValueError:
        raise ValueError("a number as host that is not four plain decimal numbers") from None


def _normal_ipv6(text: str) -> str:
    inner = text[1:-1]
    if not text.endswith("]") or "%" in inner:
        raise ValueError("an IPv6 address with a zone id, or without its closing bracket")
    try:
        address = IPv6Address(inner)
    except ValueError:
        raise ValueError("not an IPv6 address between the brackets") from None
    if address.ipv4_mapped:
        # yarl and browsers write the tail of a mapped address in hexadecimal, Python 3.13 with dots.
        high, low = divmod(int(address.ipv4_mapped), 1 << 16)
        return f"::ffff:{high:x}:{low:x}"
    return address.compressed
