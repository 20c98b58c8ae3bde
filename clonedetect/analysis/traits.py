"""The operator traits of a site, from what its archived records show: the same records, the same traits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from clonedetect.analysis.addresses import host_of, site_of_host
from clonedetect.analysis.forms import address_form, header_order, network_of
from clonedetect.extract.contacts import is_contact_address
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.signal import Algorithm
from clonedetect.models.trait import CertificateFacts, IconPrint, PageTraits, Trait, TraitFamily, TraitKind
from clonedetect.signals.icon import LOOK, MMH3
from clonedetect.signals.sketch import SKETCH, sketch_of

__all__ = ["TRAIT_RULES", "ConnectionSeen", "IconSeen", "PageSeen", "Source", "site_traits"]

TRAIT_RULES: Final = 1
"""Version of what is collected and how; traits of another version are collected again."""

LEAST_PATHS: Final = 24
"""Distinct paths below which an outline is like many: a heading, a list and a footer have a dozen."""

LEAST_KEYS: Final = 6
"""Distinct fields below which the shape of an answer is like many."""

LEAST_SHARE: Final = 1 / 3
"""Share of a site's pages that have a contact in their foot from which on it is the site's."""

MOST: Final = {
    TraitKind.TEMPLATE: 8,
    TraitKind.API_SHAPE: 8,
    TraitKind.URL_SHAPE: 32,
    TraitKind.HEADER_ORDER: 4,
}
"""Values of a kind that are kept of a site, those that most records show; of other kinds 64."""

_MOST: Final = 64

_READ = Algorithm("structure", TRAIT_RULES, "scripts, attributes, footers; never prose")
_ORDER = Algorithm("header order", TRAIT_RULES, "names as sent, each once, volatile ones left out")
_FIELDS = Algorithm("header fields", TRAIT_RULES, "Server; X-Powered-By")
_PEER = Algorithm("connection", TRAIT_RULES, "peer and DNS answers; /24 or /48")
_DER = Algorithm(
    "certificate",
    TRAIT_RULES,
    "leaf of the chain: SHA-256 of DER and of SubjectPublicKeyInfo, names, subject, issuer",
)
_SHA256 = Algorithm("sha256", 1, "icon as decoded")
_PATHS = Algorithm(
    "outline", TRAIT_RULES, f"4 elements with their class words, at least {LEAST_PATHS}; {SKETCH}"
)
_KEYS = Algorithm(
    "field paths", TRAIT_RULES, f"names alone, with the address's form, at least {LEAST_KEYS}; {SKETCH}"
)
_FORMS = Algorithm("address form", TRAIT_RULES, "words that stay, {n} digits, {x} others")


@dataclass(frozen=True, slots=True)
class Source:
    """One archived record that shows something: its address, its id, the digest of what was read."""

    url: str
    record_id: RecordId
    digest: Digest


@dataclass(frozen=True, slots=True)
class PageSeen:
    """A document of the site as it was read."""

    source: Source
    traits: PageTraits


@dataclass(frozen=True, slots=True)
class IconSeen:
    """An icon of the site; `path` is the address that answered in the end."""

    source: Source
    print: IconPrint
    path: str


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """One answer: its header (empty where it is no page's), its name's addresses, its certificate.

    `addresses` are the one that answered and the others that the name gave.
    """

    source: Source
    headers: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()
    certificate: CertificateFacts | None = None


@dataclass(slots=True)
class _Collected:
    site: str
    found: dict[tuple[TraitKind, str], Trait] = field(default_factory=dict)

    def add(
        self,
        kind: TraitKind,
        value: str,
        source: Source,
        how: Algorithm,
        *,
        context: str = "",
        sketch: bytes = b"",
    ) -> None:
        """Take a value where it is first seen; once more counts it."""
        known = self.found.get((kind, value))
        if known is None:
            self.found[kind, value] = Trait(
                site=self.site,
                kind=kind,
                value=value,
                source=source.record_id,
                digest=source.digest,
                algorithm=how.name,
                version=how.version,
                parameters=how.parameters,
                sketch=sketch,
                context=context,
            )
        else:
            self.found[kind, value] = replace(known, seen=known.seen + 1, context=known.context or context)

    def kept(self) -> tuple[Trait, ...]:
        """Return what is kept, by kind and value; of too many those that most records show."""
        kept: list[Trait] = []
        for kind in TraitKind:
            own = sorted(
                (one for one in self.found.values() if one.kind is kind),
                key=lambda one: (-one.seen, one.value),
            )
            kept += sorted(own[: MOST.get(kind, _MOST)], key=lambda one: one.value)
        return tuple(kept)


def site_traits(
    site: str, pages: Iterable[PageSeen], icons: Iterable[IconSeen], connections: Iterable[ConnectionSeen]
) -> tuple[Trait, ...]:
    """Return the traits of `site`, a registrable domain, by kind and value.

    The order in which records are given decides only which record is named as the source: give them sorted.
    """
    found = _Collected(site)
    pages = list(pages)
    for page in pages:
        _of_page(found, page)
    _drop_guests(found, pages)
    for icon in icons:
        _of_icon(found, icon)
    for connection in connections:
        _of_connection(found, connection)
    _of_addresses(found, [page.source for page in pages])
    return found.kept()


def _of_page(found: _Collected, page: PageSeen) -> None:
    traits, source = page.traits, page.source
    for kind, value in traits.values:
        found.add(kind, value, source, _READ)
    if len(traits.outline) >= LEAST_PATHS:
        found.add(
            TraitKind.TEMPLATE,
            _digest(traits.outline),
            source,
            _PATHS,
            context=traits.made_with,
            sketch=sketch_of(traits.outline),
        )
    if len(traits.keys) >= LEAST_KEYS:
        form = address_form(source.url)
        words = [f"{form} {key}" for key in traits.keys]
        found.add(TraitKind.API_SHAPE, _digest(words), source, _KEYS, context=form, sketch=sketch_of(words))


def _drop_guests(found: _Collected, pages: Sequence[PageSeen]) -> None:
    """Drop contacts that only some pages have in their foot: they are of who is shown there, not of the site.

    A contact page says it once for all.
    """
    documents = [page for page in pages if page.traits.outline]
    said = {one for page in pages if is_contact_address(page.source.url) for one in page.traits.values}
    for key, trait in list(found.found.items()):
        is_contact = trait.family is TraitFamily.CONTACT
        if is_contact and key not in said and trait.seen < len(documents) * LEAST_SHARE:
            del found.found[key]


def _digest(words: Sequence[str]) -> str:
    joined = "\n".join(words).encode()
    return f"sha256:{hashlib.sha256(joined).hexdigest()}"


def _of_icon(found: _Collected, icon: IconSeen) -> None:
    path = icon.path
    found.add(TraitKind.FAVICON_SHA256, icon.source.digest, icon.source, _SHA256, context=path)
    found.add(TraitKind.FAVICON_MMH3, icon.print.mmh3, icon.source, MMH3, context=path)
    if icon.print.look:
        found.add(TraitKind.FAVICON_LOOK, icon.print.look, icon.source, LOOK, context=path)


def _of_connection(found: _Collected, seen: ConnectionSeen) -> None:
    source = seen.source
    if names := header_order(seen.headers):
        found.add(TraitKind.HEADER_ORDER, ", ".join(names), source, _ORDER)
    if software := _software(seen.headers):
        found.add(TraitKind.SERVER, software, source, _FIELDS)
    for address in dict.fromkeys(seen.addresses):
        found.add(TraitKind.ADDRESS, address, source, _PEER)
    for network in dict.fromkeys(map(network_of, seen.addresses)):
        found.add(TraitKind.NETWORK, network, source, _PEER)
    if seen.certificate is not None:
        _of_certificate(found, seen.certificate, source)


def _of_certificate(found: _Collected, told: CertificateFacts, source: Source) -> None:
    names = " ".join(told.names)
    found.add(TraitKind.CERTIFICATE, told.digest, source, _DER, context=names)
    found.add(TraitKind.CERTIFICATE_KEY, told.key_digest, source, _DER, context=names)
    for domain in sorted({site_of_host(name.removeprefix("*.")) for name in told.names}):
        found.add(TraitKind.CERTIFICATE_NAME, domain, source, _DER, context=names)
    if told.subject:
        found.add(TraitKind.CERTIFICATE_SUBJECT, told.subject, source, _DER)
    issuer = "self-signed" if told.is_self_signed else ""
    found.add(TraitKind.CERTIFICATE_ISSUER, told.issuer, source, _DER, context=issuer)


def _software(headers: Iterable[tuple[str, str]]) -> str:
    named = {name.lower(): value.strip() for name, value in headers}
    return "; ".join(filter(None, (named.get("server", ""), named.get("x-powered-by", ""))))[:200]


def _of_addresses(found: _Collected, sources: Sequence[Source]) -> None:
    """Take the forms of the captured pages' own addresses that have a word and something that varies."""
    forms: Counter[str] = Counter()
    first: dict[str, Source] = {}
    for source in sources:
        if site_of_host(host_of(source.url)) != found.site:
            continue
        form = address_form(source.url)
        first.setdefault(form, source)
        forms[form] += 1
    for form in sorted(forms):
        if "{" in form and re.search(r"[a-z]", re.sub(r"\{\w\}", "", form)):
            found.add(TraitKind.URL_SHAPE, form, first[form], _FORMS)
            key = (TraitKind.URL_SHAPE, form)
            found.found[key] = replace(found.found[key], seen=forms[form])
