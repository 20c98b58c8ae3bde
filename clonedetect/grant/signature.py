"""Ed25519 over the exact bytes, and who has to have signed before a grant is worth anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clonedetect.errors import NotPermittedError
from clonedetect.grant.keys import fingerprint
from clonedetect.grant.terms import Grant, RobotsPolicy
from clonedetect.models.ids import digest_of

__all__ = ["REHEARSAL", "SIGNATURE_SIZE", "Authorization", "authorize", "sign", "verify_signature"]

SIGNATURE_SIZE = 64
"""Bytes of a raw Ed25519 signature (RFC 8032)."""

REHEARSAL = "rehearsal"
"""What stands for the approver where nobody signed."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """Who made a grant valid: fingerprints, or "rehearsal" as the approver of an unsigned one.

    `is_rehearsal` also holds for a signed grant with ``[grant.development]``.
    """

    approver: str
    countersigner: str | None
    is_rehearsal: bool


def sign(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the 64 raw bytes that ``openssl pkeyutl -verify -rawin`` accepts for `data`."""
    return key.sign(data)


def verify_signature(data: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Whether `signature` is this key's over exactly `data`."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def authorize(
    grant: Grant,
    data: bytes,
    signature: bytes | None,
    countersignature: bytes | None,
    approvers: Sequence[Ed25519PublicKey],
) -> Authorization:
    """Return who authorized the grant whose file holds `data`, or raise NotPermittedError.

    1. `data` are the bytes `grant` was parsed from
    2. a signature that is there verifies against an approver, in a rehearsal
       too; one that is not there is excused only by ``[grant.development]``
    3. a countersignature that is there verifies against another approver than
       the signature's; an override of robots.txt must have one
    """
    if digest_of(data) != grant.digest:  # 1
        raise NotPermittedError(f"grant {grant.grant_id}: these are not the bytes it was parsed from")
    signer = _signer(grant, data, signature, approvers, "signature")  # 2
    if signer is None and not grant.is_rehearsal:
        raise NotPermittedError(
            f"grant {grant.grant_id} is unsigned; an approver signs it with: clonedetect grant sign"
        )
    second = _signer(grant, data, countersignature, approvers, "countersignature")  # 3
    if second is not None and signer is None:
        raise NotPermittedError(f"grant {grant.grant_id} is countersigned and not signed")
    if second is not None and second == signer:
        raise NotPermittedError(f"grant {grant.grant_id}: one key ({signer}) made both its signatures")
    if grant.robots.policy is RobotsPolicy.OVERRIDE and second is None:
        raise NotPermittedError(
            f"grant {grant.grant_id} overrides robots.txt and lacks a second approver's countersignature; "
            "have one run: clonedetect grant sign GRANT --key KEY --countersign"
        )
    return Authorization(signer or REHEARSAL, second, grant.is_rehearsal)


def _signer(
    grant: Grant, data: bytes, signature: bytes | None, approvers: Sequence[Ed25519PublicKey], name: str
) -> str | None:
    if signature is None:
        return None
    for approver in approvers:
        if verify_signature(data, signature, approver):
            return fingerprint(approver)
    if not approvers:
        raise NotPermittedError(
            f"grant {grant.grant_id} is signed, but nobody said whose signature counts: "
            "add --approvers FILE.pub.pem, or signing.approvers in the settings"
        )
    raise NotPermittedError(
        f"grant {grant.grant_id}: the {name} cannot be accepted: none of the "
        f"{len(approvers)} approvers' keys verifies it; "
        "either the file was changed after signing, or its signer is not among --approvers"
    )
