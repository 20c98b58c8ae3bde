"""Who has to have signed before a grant is worth anything; openssl agrees about every signature and key."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import NotPermittedError
from clonedetect.grant.document import parse_grant
from clonedetect.grant.keys import (
    Ed25519PrivateKey,
    fingerprint,
    parse_private_key,
    parse_public_keys,
    private_pem,
    public_pem,
)
from clonedetect.grant.signature import REHEARSAL, SIGNATURE_SIZE, authorize, sign, verify_signature

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")

OVERRIDE = 'policy = "override"\nreason = "a court order names the site"'


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run([str(OPENSSL), *map(str, arguments)], check=True, capture_output=True).stdout


@given(data=st.binary(max_size=200), flip=st.integers(0, SIGNATURE_SIZE * 8 - 1))
def test_a_signature_holds_for_its_bytes_and_for_no_other(data: bytes, flip: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"key").digest())
    signature = sign(data, key)
    assert len(signature) == SIGNATURE_SIZE
    assert sign(data, key) == signature
    assert verify_signature(data, signature, key.public_key())
    assert not verify_signature(data + b"\0", signature, key.public_key())
    damaged = bytearray(signature)
    damaged[flip // 8] ^= 1 << flip % 8
    assert not verify_signature(data, bytes(damaged), key.public_key())
    assert not verify_signature(data, signature[:-1], key.public_key())


def test_signatures_are_those_of_rfc_8032() -> None:
    # RFC 8032, section 7.1, test 2.
    key = Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert sign(b"\x72", key).hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@needs_openssl
def test_openssl_verifies_what_we_sign_and_we_verify_what_it_signs(
    tmp_path: Path, approver: Ed25519PrivateKey, whole_grant: str
) -> None:
    data, signature, public = tmp_path / "g", tmp_path / "g.sig", tmp_path / "pub.pem"
    data.write_bytes(whole_grant.encode())
    signature.write_bytes(sign(whole_grant.encode(), approver))
    public.write_bytes(public_pem(approver.public_key()))
    verify = ["pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", data, "-sigfile", signature]
    assert b"Verified Successfully" in openssl(*verify)

    private, theirs = tmp_path / "key.pem", tmp_path / "theirs.sig"
    openssl("genpkey", "-algorithm", "ed25519", "-out", private)
    openssl("pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", data, "-out", theirs)
    key = parse_private_key(private.read_bytes(), name="key.pem")
    assert verify_signature(data.read_bytes(), theirs.read_bytes(), key.public_key())
    assert sign(data.read_bytes(), key) == theirs.read_bytes()


@needs_openssl
@pytest.mark.parametrize("cipher", ["-aes-256-cbc", "-aes-128-cbc"])
def test_keys_that_openssl_encrypted_open_with_their_password(tmp_path: Path, cipher: str) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "pub.pem"
    openssl("genpkey", "-algorithm", "ed25519", cipher, "-pass", "pass:sesame", "-out", private)
    openssl("pkey", "-in", private, "-passin", "pass:sesame", "-pubout", "-out", public)
    key = parse_private_key(private.read_bytes(), name="key.pem", password=b"sesame")
    (published,) = parse_public_keys(public.read_bytes(), name="pub.pem")
    assert fingerprint(key.public_key()) == fingerprint(published)


@needs_openssl
def test_openssl_opens_the_keys_we_write_and_finds_the_same_fingerprint(
    tmp_path: Path, approver: Ed25519PrivateKey
) -> None:
    for name, password in (("plain.pem", None), ("encrypted.pem", b"sesame")):
        private = tmp_path / name
        private.write_bytes(private_pem(approver, password))
        der = openssl("pkey", "-in", private, "-passin", "pass:sesame", "-pubout", "-outform", "DER")
        assert f"sha256:{hashlib.sha256(der).hexdigest()}" == fingerprint(approver.public_key())


class Case:
    """One grant's bytes with its parsed form, to be authorized in several ways."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.grant = parse_grant(self.data, name="g")

    def by(self, *keys: Ed25519PrivateKey | bytes | None) -> tuple[bytes | None, bytes | None]:
        made = [key if key is None or isinstance(key, bytes) else sign(self.data, key) for key in keys]
        return made[0], made[1] if len(made) > 1 else None


@pytest.fixture
def case(whole_grant: str) -> Callable[[str], Case]:
    return lambda more="": Case(
        whole_grant.replace('policy = "obey"', OVERRIDE) if more == "override" else whole_grant + more
    )


def test_an_approvers_signature_authorizes(
    case: Callable[..., Case], approver: Ed25519PrivateKey, second_approver: Ed25519PrivateKey
) -> None:
    signed = case()
    approvers = [second_approver.public_key(), approver.public_key()]
    found = authorize(signed.grant, signed.data, *signed.by(approver), approvers)
    assert found.approver == fingerprint(approver.public_key())
    assert found.countersigner is None
    assert not found.is_rehearsal


def test_an_unsigned_grant_authorizes_rehearsals_only(
    case: Callable[..., Case], development: str, approver: Ed25519PrivateKey
) -> None:
    rehearsal, plain = case(development), case()
    found = authorize(rehearsal.grant, rehearsal.data, None, None, [])
    assert found.approver == REHEARSAL
    assert found.is_rehearsal
    with pytest.raises(NotPermittedError, match="unsigned"):
        authorize(plain.grant, plain.data, None, None, [approver.public_key()])


def test_a_signed_rehearsal_stays_one(
    case: Callable[..., Case], development: str, approver: Ed25519PrivateKey
) -> None:
    rehearsal = case(development)
    found = authorize(rehearsal.grant, rehearsal.data, *rehearsal.by(approver), [approver.public_key()])
    assert found.approver == fingerprint(approver.public_key())
    assert found.is_rehearsal


@pytest.mark.parametrize("is_development", [False, True], ids=["plain", "development"])
def test_a_signature_that_does_not_verify_is_refused_everywhere(
    case: Callable[..., Case],
    development: str,
    approver: Ed25519PrivateKey,
    second_approver: Ed25519PrivateKey,
    is_development: bool,
) -> None:
    signed = case(development if is_development else "")
    ours = [approver.public_key()]
    for signature, approvers in (
        (signed.by(second_approver)[0], ours),
        (bytes(64), ours),
        (b"", ours),
        (sign(signed.data + b"\n", approver), ours),
    ):
        with pytest.raises(NotPermittedError, match="signature cannot be accepted"):
            authorize(signed.grant, signed.data, signature, None, approvers)


def test_other_bytes_than_those_parsed_are_refused(
    case: Callable[..., Case], approver: Ed25519PrivateKey
) -> None:
    signed = case()
    other = signed.data + b"\n"
    with pytest.raises(NotPermittedError, match="not the bytes"):
        authorize(signed.grant, other, sign(other, approver), None, [approver.public_key()])


def test_overriding_robots_needs_two_different_approvers(
    case: Callable[..., Case], approver: Ed25519PrivateKey, second_approver: Ed25519PrivateKey
) -> None:
    override = case("override")
    both = [approver.public_key(), second_approver.public_key()]
    found = authorize(override.grant, override.data, *override.by(approver, second_approver), both)
    assert found.approver == fingerprint(approver.public_key())
    assert found.countersigner == fingerprint(second_approver.public_key())
    with pytest.raises(NotPermittedError, match="overrides robots"):
        authorize(override.grant, override.data, *override.by(approver), both)
    with pytest.raises(NotPermittedError, match="one key"):
        authorize(override.grant, override.data, *override.by(approver, approver), both)
    with pytest.raises(NotPermittedError, match="countersignature cannot be accepted"):
        authorize(override.grant, override.data, *override.by(approver, second_approver), both[:1])


def test_an_unsigned_rehearsal_cannot_override_robots(
    whole_grant: str, development: str, approver: Ed25519PrivateKey
) -> None:
    override = Case(whole_grant.replace('policy = "obey"', OVERRIDE) + development)
    with pytest.raises(NotPermittedError, match="overrides robots"):
        authorize(override.grant, override.data, None, None, [])
    with pytest.raises(NotPermittedError, match="countersigned and not signed"):
        authorize(override.grant, override.data, None, sign(override.data, approver), [approver.public_key()])


def test_a_countersignature_nobody_asked_for_must_verify_too(
    case: Callable[..., Case], approver: Ed25519PrivateKey
) -> None:
    signed = case()
    with pytest.raises(NotPermittedError, match="countersignature cannot be accepted"):
        authorize(signed.grant, signed.data, *signed.by(approver, bytes(64)), [approver.public_key()])


def test_a_signed_grant_without_approvers_says_which_option_is_missing(
    case: Callable[..., Case], approver: Ed25519PrivateKey
) -> None:
    signed = case("")
    with pytest.raises(NotPermittedError) as refused:
        authorize(signed.grant, signed.data, signed.by(approver)[0], None, [])
    assert str(refused.value) == (
        "grant 2026-0117 is signed, but nobody said whose signature counts: "
        "add --approvers FILE.pub.pem, or signing.approvers in the settings"
    )
