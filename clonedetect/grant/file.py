"""The edge to the disk: a grant's file with what stands beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clonedetect.errors import GrantError, InputError, NotPermittedError
from clonedetect.grant.document import parse_grant
from clonedetect.grant.keys import Ed25519PrivateKey, Ed25519PublicKey, fingerprint
from clonedetect.grant.signature import SIGNATURE_SIZE, Authorization, authorize, sign, verify_signature
from clonedetect.grant.terms import Grant

__all__ = ["SignedGrant", "read_grant", "sign_grant_file"]

_MAX_GRANT_BYTES = 4_000_000
_MAX_CA_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A grant with its file's exact bytes, and its signatures where they were found."""

    grant: Grant
    data: bytes
    signature: bytes | None
    countersignature: bytes | None

    def authorize(self, approvers: Sequence[Ed25519PublicKey]) -> Authorization:
        """Return who authorized it, or raise NotPermittedError (see `signature.authorize`)."""
        return authorize(self.grant, self.data, self.signature, self.countersignature, approvers)


def read_grant(path: Path) -> SignedGrant:
    """Read ``GRANT``, ``GRANT.sig``, ``GRANT.countersig`` and the file `development.ca` names.

    Raises GrantError for a malformed grant, a signature of another size than
    64 bytes, or a root that cannot be read (it is not asked for where TLS is
    spoken in clear). Nothing is verified yet.
    """
    data = _read(path, _MAX_GRANT_BYTES)
    grant = parse_grant(data, name=str(path))
    return SignedGrant(
        _with_trust_root(grant, path),
        data,
        _read_signature(_beside(path, "sig")),
        _read_signature(_beside(path, "countersig")),
    )


def sign_grant_file(path: Path, key: Ed25519PrivateKey, *, countersign: bool = False) -> tuple[Path, Grant]:
    """Sign the grant at `path`; return the signature's file and the grant it is over.

    Raises GrantError for a malformed grant, InputError where another signature
    stands already, NotPermittedError for a countersignature without a
    signature, or by the signature's own key.
    """
    signed = read_grant(path)
    if countersign:
        _check_countersigner(path, signed, key)
    target = _beside(path, "countersig" if countersign else "sig")
    standing = signed.countersignature if countersign else signed.signature
    signature = sign(signed.data, key)
    if standing is not None and standing != signature:
        raise InputError(f"{target} holds another signature; remove it first if it is no longer wanted")
    _write(target, signature)
    return target, signed.grant


def _check_countersigner(path: Path, signed: SignedGrant, key: Ed25519PrivateKey) -> None:
    if signed.signature is None:
        raise NotPermittedError(f"{path} is not signed yet; the first approver signs before the second")
    if verify_signature(signed.data, signed.signature, key.public_key()):
        raise NotPermittedError(
            f"{path} is signed by this very key ({fingerprint(key.public_key())}); "
            "a countersignature is a second approver's"
        )


def _with_trust_root(grant: Grant, path: Path) -> Grant:
    development = grant.development
    if development is None or development.ca is None or not development.tls:
        return grant
    try:
        root = _read(path.parent / development.ca, _MAX_CA_BYTES)
    except InputError as error:
        raise GrantError(f"{path}: grant.development.ca: {error}") from None
    if b"-----BEGIN CERTIFICATE-----" not in root:
        raise GrantError(f"{path}: grant.development.ca: {development.ca} holds no certificate in PEM")
    return replace(grant, development=replace(development, trust_root=root))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _read_signature(path: Path) -> bytes | None:
    if not path.exists():
        return None
    signature = _read(path, SIGNATURE_SIZE)
    if len(signature) != SIGNATURE_SIZE:
        raise GrantError(f"{path}: {len(signature)} bytes, but a raw Ed25519 signature has {SIGNATURE_SIZE}")
    return signature


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise GrantError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > limit:
        raise GrantError(f"{path}: over {limit:,} bytes")
    return data


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = _beside(path, "part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
