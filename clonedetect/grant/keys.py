"""Ed25519 keys in PEM: read as openssl writes them, made for their owner's eyes only."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from clonedetect.errors import InputError
from clonedetect.models.ids import digest_of

__all__ = [
    "Ed25519PrivateKey",
    "Ed25519PublicKey",
    "fingerprint",
    "is_encrypted_key",
    "new_key",
    "parse_private_key",
    "parse_public_keys",
    "private_pem",
    "public_key_path",
    "public_pem",
    "read_pem",
    "read_private_key",
    "read_public_keys",
]

_PUBLIC_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return ``sha256:`` and the digest of the key's SubjectPublicKeyInfo in DER.

    ``openssl pkey -pubin -in KEY -outform DER | sha256sum`` gives the same digits.
    """
    return str(digest_of(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    """Return a private key as PKCS#8 PEM, encrypted under `password` unless that is None."""
    if password is not None and not password:
        raise InputError("an empty password encrypts nothing; give one, or none at all")
    encryption: KeySerializationEncryption = (
        NoEncryption() if password is None else BestAvailableEncryption(password)
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def is_encrypted_key(pem: bytes) -> bool:
    """Whether a PKCS#8 PEM asks for a password."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def parse_private_key(pem: bytes, *, name: str, password: bytes | None = None) -> Ed25519PrivateKey:
    """Return the Ed25519 key of a PKCS#8 PEM; `name` stands in messages, the content never does.

    Raises InputError for another algorithm, a wrong or missing password, or no key at all.
    """
    if is_encrypted_key(pem) and password is None:
        raise InputError(f"{name}: the key is encrypted; its password is needed")
    if not is_encrypted_key(pem) and password is not None:
        raise InputError(f"{name}: the key is not encrypted, but a password was given")
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = "wrong password, or a damaged key" if password is not None else "no private key in PEM"
        raise InputError(f"{name}: {wrong}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{name}: not an Ed25519 key; make one with: clonedetect key new FILE")
    return key


def parse_public_keys(pem: bytes, *, name: str) -> tuple[Ed25519PublicKey, ...]:
    """Return all Ed25519 public keys of a PEM file, at least one.

    Raises InputError where there is none, or one of another algorithm.
    """
    if b"PRIVATE KEY-----" in pem:
        raise InputError(f"{name}: a private key where a public one belongs; keep it to yourself")
    keys = []
    for block in _PUBLIC_BLOCK.findall(pem):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            raise InputError(f"{name}: a damaged public key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise InputError(f"{name}: a public key that is not Ed25519")
        keys.append(key)
    if not keys:
        raise InputError(f"{name}: no public key in PEM")
    return tuple(keys)


def read_pem(path: Path) -> bytes:
    """Read a key's file; raises InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def read_private_key(path: Path, password: bytes | None = None) -> Ed25519PrivateKey:
    """Read a private key's file; InputError as `parse_private_key`, or where it cannot be read."""
    return parse_private_key(read_pem(path), name=str(path), password=password)


def read_public_keys(path: Path) -> tuple[Ed25519PublicKey, ...]:
    """Read a file of public keys; InputError as `parse_public_keys`, or where it cannot be read."""
    return parse_public_keys(read_pem(path), name=str(path))


def public_key_path(path: Path) -> Path:
    """Return where `new_key` puts the public half: beside the private one, ``.pub.pem`` added."""
    return path.with_name(f"{path.name}.pub.pem")


def new_key(path: Path, password: bytes | None) -> str:
    """Make a key at `path` (0600) and its public half beside it; return the fingerprint.

    Raises InputError, with nothing written, where either file exists.
    """
    key = Ed25519PrivateKey.generate()
    public_path = public_key_path(path)
    secret = private_pem(key, password)
    _create(public_path, public_pem(key.public_key()), 0o644)
    try:
        _create(path, secret, 0o600)
    except BaseException:
        public_path.unlink()
        raise
    return fingerprint(key.public_key())


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise InputError(f"{path} exists and is not overwritten; choose another name") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
