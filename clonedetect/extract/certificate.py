"""Reads a certificate that a server presented: fingerprints, whom it is for, who issued it."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from clonedetect.errors import InputError
from clonedetect.models.ids import digest_of
from clonedetect.models.trait import CertificateFacts

__all__ = ["read_certificate"]

MAX_NAMES = 500


def read_certificate(der: bytes) -> CertificateFacts:
    """Return what a certificate in DER says; raises InputError for bytes that are none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        organisations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return CertificateFacts(
            digest=digest_of(der),
            key_digest=digest_of(key),
            subject=certificate.subject.rfc4514_string() if organisations else "",
            issuer=certificate.issuer.rfc4514_string(),
            is_self_signed=certificate.issuer == certificate.subject,
            names=_names(certificate),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise InputError(f"the certificate cannot be read: {error}") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names = {name.rstrip(".").lower() for name in extension.value.get_values_for_type(x509.DNSName)}
    return tuple(sorted(names))[:MAX_NAMES]
