"""Keys are read strictly, written privately, and never overwritten or printed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from clonedetect.errors import InputError
from clonedetect.grant.keys import (
    Ed25519PrivateKey,
    fingerprint,
    is_encrypted_key,
    new_key,
    parse_private_key,
    parse_public_keys,
    private_pem,
    public_key_path,
    public_pem,
    read_private_key,
    read_public_keys,
)


def test_a_new_key_is_private_and_its_public_half_is_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = new_key(path, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key_path(path) == tmp_path / "key.pem.pub.pem"
    (published,) = read_public_keys(public_key_path(path))
    assert fingerprint(read_private_key(path).public_key()) == fingerprint(published) == made
    assert made.startswith("sha256:")
    assert not is_encrypted_key(path.read_bytes())


def test_an_encrypted_key_opens_with_its_password_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = new_key(path, b"sesame")
    assert is_encrypted_key(path.read_bytes())
    assert fingerprint(read_private_key(path, b"sesame").public_key()) == made
    for password, reason in ((b"wrong", "wrong password"), (None, "its password is needed")):
        with pytest.raises(InputError, match=reason) as refused:
            read_private_key(path, password)
        assert str(path) in str(refused.value)
        assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("taken", ["key.pem", "key.pem.pub.pem"])
def test_no_key_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("precious")
    with pytest.raises(InputError, match="not overwritten"):
        new_key(tmp_path / "key.pem", None)
    assert [file.name for file in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "precious"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        new_key(tmp_path / "no" / "key.pem", None)
    with pytest.raises(InputError, match="cannot be read"):
        read_private_key(tmp_path / "key.pem")


def test_an_empty_password_is_refused(approver: Ed25519PrivateKey) -> None:
    with pytest.raises(InputError, match="empty password"):
        private_pem(approver, b"")


def test_what_is_no_private_ed25519_key_is_refused(approver: Ed25519PrivateKey) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    other = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem, reason in (
        (other, "not an Ed25519 key"),
        (b"", "no private key"),
        (b"hello", "no private key"),
        (public_pem(approver.public_key()), "no private key"),
        (private_pem(approver)[:60] + b"\n-----END PRIVATE KEY-----\n", "no private key"),
    ):
        with pytest.raises(InputError, match=f"k: {reason}"):
            parse_private_key(pem, name="k")
    with pytest.raises(InputError, match="not encrypted, but a password"):
        parse_private_key(private_pem(approver), name="k", password=b"x")


def test_a_file_may_hold_several_public_keys(
    approver: Ed25519PrivateKey, second_approver: Ed25519PrivateKey
) -> None:
    bundle = (
        b"# first\n" + public_pem(approver.public_key()) + b"\n" + public_pem(second_approver.public_key())
    )
    keys = parse_public_keys(bundle, name="k")
    assert [fingerprint(key) for key in keys] == [
        fingerprint(approver.public_key()),
        fingerprint(second_approver.public_key()),
    ]


def test_what_is_no_public_ed25519_key_is_refused(approver: Ed25519PrivateKey) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    other = elliptic.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ours = public_pem(approver.public_key())
    for pem, reason in (
        (b"", "no public key"),
        (other, "not Ed25519"),
        (ours + other, "not Ed25519"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "damaged"),
        (private_pem(approver), "private key where a public one belongs"),
    ):
        with pytest.raises(InputError, match=reason):
            parse_public_keys(pem, name="k")
