"""A certificate's fingerprints and names, from certificates made for the test."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clonedetect.errors import InputError
from clonedetect.extract.certificate import read_certificate

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def certificate(key, names: tuple[str, ...], *, organisation: str = "", issuer: str = "Test CA") -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "clone.example")]
    if organisation:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=90))
    )
    if names:
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


def test_names_are_sorted_and_the_issuer_is_named(key) -> None:
    der = certificate(key, ("WWW.clone.example", "*.clone.example"))
    told = read_certificate(der)
    assert told.names == ("*.clone.example", "www.clone.example")
    assert (told.issuer, told.is_self_signed, told.subject) == ("CN=Test CA", False, "")
    assert told.digest == f"sha256:{hashlib.sha256(der).hexdigest()}"


def test_a_renewed_certificate_keeps_the_fingerprint_of_its_key(key) -> None:
    first, second = (
        read_certificate(certificate(key, names)) for names in (("a.example",), ("a.example", "b.example"))
    )
    assert first.digest != second.digest
    assert first.key_digest == second.key_digest


def test_a_subject_counts_where_it_names_an_organisation(key) -> None:
    told = read_certificate(certificate(key, (), organisation="Pixel Ltd", issuer="clone.example"))
    assert told.subject == "O=Pixel Ltd,CN=clone.example"
    assert told.names == ()


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01", b"no certificate"])
def test_bytes_that_are_no_certificate_are_an_error(der: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_certificate(der)
