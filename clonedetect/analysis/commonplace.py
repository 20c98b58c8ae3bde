"""Which values unrelated sites are known to share, and why: such a value tells nothing of who runs a site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from clonedetect.analysis.addresses import is_at, site_of_host
from clonedetect.grant.hosts import registrable_domain
from clonedetect.models.trait import Trait, TraitKind

__all__ = ["MANY_NAMES", "why_common"]

MANY_NAMES: Final = 10
"""Registrable domains on one certificate from which on it is a host's for its customers."""


class _Servers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    products: frozenset[str]


class _Certificates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    organisations: tuple[str, ...]


class _Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    samples: frozenset[str]


class _Contacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    domains: tuple[str, ...]
    profiles: frozenset[str]


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: frozenset[str]


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    addresses: dict[str, tuple[str, ...]]
    headers: dict[str, str]
    servers: _Servers
    certificates: _Certificates
    accounts: _Accounts
    icons: dict[str, str]
    icon_paths: dict[str, str]
    contacts: _Contacts
    addresses_of_pages: _Words


@cache
def _common() -> _Common:
    data = (files("clonedetect.analysis") / "common_traits.toml").read_bytes()
    return msgspec.toml.decode(data, type=_Common)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@cache
def _networks() -> tuple[tuple[Network, str], ...]:
    listed = _common().addresses.items()
    return tuple((ipaddress.ip_network(one), service) for service, ranges in listed for one in ranges)


def why_common(trait: Trait) -> str:
    """Return why unrelated sites share this value, "" where nothing is known of it.

    What is told depends on the trait alone. The rules of each kind stand in docs/traits.md, the
    lists in ``common_traits.toml``.
    """
    rule = _RULES.get(trait.kind)
    return rule(trait) if rule is not None else ""


def _account(trait: Trait) -> str:
    if trait.value in _common().accounts.samples:
        return "an example of the service's own, which copied code still has"
    service, _, named = trait.value.partition(":")
    if service == "plausible" and site_of_host(named) == trait.site:
        return "it is the site's own name"
    if service == "matomo" and site_of_host(named.partition("/")[0].partition(":")[0]) == trait.site:
        return "it is the site's own host"
    return ""


def _ad_platform(_: Trait) -> str:
    return "an account of a platform that shows ads for its users"


def _icon(trait: Trait) -> str:
    """Tell stock icons by the digest of their bytes and by where they lie, whatever the fingerprint."""
    known = _common().icons.get(trait.digest)
    known = known or _common().icon_paths.get(trait.context.partition("?")[0].rpartition("/")[2])
    return f"the icon that {known} comes with" if known else ""


def _address(trait: Trait) -> str:
    try:
        network = ipaddress.ip_network(trait.value, strict=False)
    except ValueError:
        return "no address"
    if not network.network_address.is_global:
        return "not a public address: it says nothing of who answers there"
    for shared, service in _networks():
        if network.version == shared.version and network.overlaps(shared):
            return f"{service} answers there for many sites"
    return ""


def _header_order(trait: Trait) -> str:
    names = trait.value.lower().split(", ")
    services = (service for name in names if (service := _common().headers.get(name)))
    service = next(services, "")
    return f"the header is {service}'s, for all its sites" if service else ""


def _server(trait: Trait) -> str:
    parts = [part.strip() for part in trait.value.split(";") if part.strip()]
    unknown = [part for part in parts if _product(part) not in _common().servers.products]
    return "" if unknown else "software that many sites run"


def _product(text: str) -> str:
    return re.sub(r"[/ (].*$", "", text.lower()) if "passenger" not in text.lower() else "phusion passenger"


def _certificate(trait: Trait) -> str:
    return _names_of_many(trait.context.split())


def _certificate_name(trait: Trait) -> str:
    if is_at(trait.value, _common().certificates.names):
        return "a host's name on a certificate for its customers"
    return _names_of_many(trait.context.split())


def _names_of_many(names: list[str]) -> str:
    if any(is_at(name.removeprefix("*."), _common().certificates.names) for name in names):
        return "a certificate that a host holds for its customers"
    if any(name.startswith("*.") and registrable_domain(name[2:]) is None for name in names):
        return "a certificate for everything below a public suffix"
    domains = {site_of_host(name.removeprefix("*.")) for name in names}
    if len(domains) > MANY_NAMES:
        return f"a certificate for {len(domains)} domains is a host's for its customers"
    return ""


def _subject(trait: Trait) -> str:
    said = trait.value.lower()
    known = next(
        (one for one in _common().certificates.organisations if re.search(rf"\bo={one}\b", said)), ""
    )
    return "a service's certificate for its customers" if known else ""


def _issuer(trait: Trait) -> str:
    return "" if trait.context == "self-signed" else "an authority that issues certificates for everybody"


def _made(trait: Trait) -> str:
    return f"made with {trait.context}, whose templates many share" if trait.context else ""


def _url_shape(trait: Trait) -> str:
    words = re.findall(r"[a-z][a-z-]*", re.sub(r"\{\w+\}", "", trait.value))
    return (
        ""
        if set(words) - _common().addresses_of_pages.words
        else "a form of address that every such site has"
    )


def _mail(trait: Trait) -> str:
    if is_at(trait.value.rpartition("@")[2], _common().contacts.domains):
        return "an address that stands in templates, or a service's own"
    return ""


def _profile(trait: Trait) -> str:
    if trait.value.partition(":")[2] in _common().contacts.profiles:
        return "a service's own profile, or a template's"
    return ""


_RULES: Final[dict[TraitKind, Callable[[Trait], str]]] = {
    TraitKind.AD_ACCOUNT: _account,
    TraitKind.ANALYTICS_ACCOUNT: _account,
    TraitKind.AD_PLATFORM: _ad_platform,
    TraitKind.FAVICON_MMH3: _icon,
    TraitKind.FAVICON_SHA256: _icon,
    TraitKind.FAVICON_LOOK: _icon,
    TraitKind.ADDRESS: _address,
    TraitKind.NETWORK: _address,
    TraitKind.HEADER_ORDER: _header_order,
    TraitKind.SERVER: _server,
    TraitKind.CERTIFICATE: _certificate,
    TraitKind.CERTIFICATE_KEY: _certificate,
    TraitKind.CERTIFICATE_NAME: _certificate_name,
    TraitKind.CERTIFICATE_SUBJECT: _subject,
    TraitKind.CERTIFICATE_ISSUER: _issuer,
    TraitKind.TEMPLATE: _made,
    TraitKind.URL_SHAPE: _url_shape,
    TraitKind.MAIL: _mail,
    TraitKind.PROFILE: _profile,
}
