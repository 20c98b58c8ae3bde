"""Whom a letter concerns, from the records alone; what they do not tell is for a person to look up."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from clonedetect.evidence.notices.contacts import Contact
from clonedetect.evidence.notices.defang import shortened
from clonedetect.evidence.notices.groups import Group
from clonedetect.evidence.notices.kinds import Grouping
from clonedetect.evidence.notices.origins import Certificate, Origin
from clonedetect.evidence.view import site_of
from clonedetect.models.capture import Capture

__all__ = ["Address", "Recipient", "recipient_of"]

MAX_TOLD: Final = 20
MAX_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Address:
    """One network address that served material, with what its connections showed over all of it.

    Of each at most 20 are told, cut at 200 characters: who answers may answer each time with something else.
    """

    address: str
    ports: tuple[int, ...]
    servers: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    intermediaries: tuple[tuple[str, str], ...]
    dns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """The addressee by its key, sites and addresses concerned, recorded contacts, what is not recorded."""

    grouping: Grouping
    key: str
    sites: tuple[str, ...]
    addresses: tuple[Address, ...]
    contacts: tuple[Contact, ...]
    not_recorded: tuple[str, ...]


def recipient_of(
    group: Group,
    grouping: Grouping,
    origin: Callable[[Capture], Origin],
    contacts: Callable[[str], tuple[Contact, ...]],
) -> Recipient:
    """Return what the records tell of the one a letter goes to; `origin` and `contacts` read them."""
    served = [place for entry in group.entries for place in entry.served]
    sites = tuple(sorted({site_of(entry.page.located) for entry in group.entries}))
    origins: dict[str, list[Origin]] = {}
    for place in served:
        origins.setdefault(place.address, []).append(origin(place.capture))
    addresses = tuple(_address(key, origins[key]) for key in sorted(origins))
    found = tuple(contact for site in sites for contact in contacts(site))
    return Recipient(
        grouping, group.key, sites, addresses, found, tuple(_not_recorded(addresses, sites, found))
    )


def _is_address(site: str) -> bool:
    try:
        return bool(ipaddress.ip_address(site))
    except ValueError:
        return False


def _address(address: str, origins: list[Origin]) -> Address:
    certificates = {one.certificate.digest: one.certificate for one in origins if one.certificate}
    return Address(
        address,
        tuple(sorted({one.port for one in origins})),
        tuple(sorted({shortened(one.server, MAX_LENGTH) for one in origins if one.server}))[:MAX_TOLD],
        tuple(_short(certificates[digest]) for digest in sorted(certificates))[:MAX_TOLD],
        tuple(sorted(dict(pair for one in origins for pair in one.intermediaries).items())),
        tuple(sorted({name for one in origins for name in one.dns}))[:MAX_TOLD],
    )


def _short(certificate: Certificate) -> Certificate:
    subject, issuer = (shortened(name, MAX_LENGTH) for name in (certificate.subject, certificate.issuer))
    return replace(certificate, subject=subject, issuer=issuer)


def _not_recorded(
    addresses: tuple[Address, ...], sites: tuple[str, ...], contacts: tuple[Contact, ...]
) -> list[str]:
    told = [
        f"The abuse contact of the network of {one.address}: look it up (RDAP or WHOIS of the address)."
        for one in addresses
    ]
    told += [
        f"Whether {who} stands between the site and its host at {one.address}: {by} names it; such a network"
        " passes notices on, or names the host."
        for one in addresses
        for who, by in one.intermediaries
    ]
    told += [
        f"The registrar of {site}: look it up (RDAP of the domain)."
        for site in sites
        if not _is_address(site)
    ]
    told += [
        f"A contact of the operator of {site}: no recorded page of the site states one."
        for site in sites
        if not any(site_of(one.page_url) == site for one in contacts)
    ]
    return told
