"""Who served something, as far as the records tell: the socket's address, names, certificate, headers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from clonedetect.archive.facts import ExchangeFacts
from clonedetect.archive.warc import read_facts
from clonedetect.errors import IncompleteError
from clonedetect.models.capture import Capture
from clonedetect.models.ids import Digest

__all__ = ["Certificate", "Origin", "origin_of"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The leaf that the socket showed; names are those of its subject, "" where it could not be read."""

    digest: Digest
    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The last connection of one capture.

    `dns` is what the name gave, `intermediaries` (who, by what) the delivery networks that
    headers or certificate name: whoever answers can write a header, so that it is a pointer and no proof.
    """

    address: str
    port: int
    dns: tuple[str, ...] = ()
    server: str = ""
    certificate: Certificate | None = None
    intermediaries: tuple[tuple[str, str], ...] = ()


_HEADERS: Final = {
    "cf-ray": "Cloudflare",
    "x-amz-cf-id": "Amazon CloudFront",
    "x-fastly-request-id": "Fastly",
    "x-akamai-transformed": "Akamai",
    "akamai-grn": "Akamai",
    "x-azure-ref": "Microsoft Azure Front Door",
    "x-sucuri-id": "Sucuri",
    "x-vercel-id": "Vercel",
    "x-nf-request-id": "Netlify",
    "x-github-request-id": "GitHub Pages",
    "x-iinfo": "Imperva",
    "cdn-pullzone": "bunny.net",
    "x-77-pop": "CDN77",
    "x-hw": "Edgio",
}
_SERVERS: Final = {
    "cloudflare": "Cloudflare",
    "akamaighost": "Akamai",
    "bunnycdn": "bunny.net",
    "ddos-guard": "DDoS-Guard",
    "vercel": "Vercel",
    "netlify": "Netlify",
    "cloudfront": "Amazon CloudFront",
    "sucuri": "Sucuri",
    "github.com": "GitHub Pages",
}


def origin_of(folder: Path, capture: Capture) -> Origin:
    """Return what the records below the case `folder` tell of who answered last.

    Raises IncompleteError where no peer is recorded, VerificationError where the record was changed.
    """
    if capture.peer is None:
        raise IncompleteError(f"the capture of {capture.url!a} records no network address")
    address, port = capture.peer.address, capture.peer.port
    if capture.facts is None:
        return Origin(address, port)
    exchange = next(iter(read_facts(folder, capture).exchanges[-1:]), None)
    if exchange is None:
        return Origin(address, port)
    certificate = _certificate(exchange)
    return Origin(
        address,
        port,
        dns=tuple(sorted(exchange.dns)),
        server=", ".join(value for name, value in exchange.headers if name.lower() == "server"),
        certificate=certificate,
        intermediaries=_named(_intermediaries(exchange, certificate)),
    )


def _named(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    by: dict[str, set[str]] = {}
    for who, sign in found:
        by.setdefault(who, set()).add(sign)
    return tuple((who, ", ".join(sorted(by[who]))) for who in sorted(by))


def _certificate(exchange: ExchangeFacts) -> Certificate | None:
    if exchange.tls is None or not exchange.tls.certificates:
        return None
    der = exchange.tls.certificates[0]
    digest = Digest(f"sha256:{hashlib.sha256(der).hexdigest()}")
    try:
        leaf = x509.load_der_x509_certificate(der)
        return Certificate(digest, leaf.subject.rfc4514_string(), leaf.issuer.rfc4514_string())
    except ValueError:
        return Certificate(digest, "", "")


def _intermediaries(exchange: ExchangeFacts, certificate: Certificate | None) -> Iterable[tuple[str, str]]:
    for name, value in exchange.headers:
        if name.lower() in _HEADERS:
            yield _HEADERS[name.lower()], f"header {name.lower()}"
        if name.lower() == "server":
            for word, who in _SERVERS.items():
                if word in value.lower():
                    yield who, "header server"
    subject = certificate.subject.lower() if certificate else ""
    for who in sorted(set(_HEADERS.values()) | set(_SERVERS.values())):
        if who.lower() in subject:
            yield who, "subject of the certificate"
