"""The seal: one small head over all manifests and the custody log, signed with Ed25519.

It names the timestamp authorities that are asked about it afterwards
(`stamping`), so that an answer that is missing is told from none asked for.

The signature is the raw 64 bytes that
``openssl pkeyutl -verify -pubin -inkey signer.pub.pem -rawin -in head.json -sigfile head.json.sig``
checks. Ed25519 is deterministic, so the same case sealed with the same key
gives the same bytes again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from clonedetect.errors import InputError, VerificationError
from clonedetect.evidence.shipped.verify import MANIFESTS, ROOTS, fingerprint, head_bytes, normal_fingerprint
from clonedetect.timestamp.authorities import Asked

__all__ = ["seal", "signer_fingerprint"]


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signer_fingerprint(text: str) -> str:
    """Return the fingerprint that `text` is, or of the public key in the PEM file that it names.

    Raises InputError where it is neither.
    """
    path = Path(text)
    try:
        if not path.is_file():
            return normal_fingerprint(text)
        key = load_pem_public_key(path.read_bytes())
    except (ValueError, OSError, UnsupportedAlgorithm) as error:
        raise InputError(f"--signer {text!a} is neither a fingerprint nor a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"--signer {text!a} is not an Ed25519 key")
    return fingerprint(_public_pem(key))


def seal(root: Path, key: Ed25519PrivateKey | None, asked: Asked | None = None) -> str | None:
    """Write ``seal/`` for the bag in `root` and return the signer's fingerprint, None without a key.

    With `asked` the head says whom, and holds the digest of their roots. The
    signature is checked before it counts; VerificationError if it does not hold.
    """
    manifests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in MANIFESTS}
    length, last = 0, "0" * 64
    with (root / "data" / "custody.jsonl").open("rb") as lines:
        for line in lines:
            length, last = length + 1, hashlib.sha256(line).hexdigest()
    folder = root / "seal"
    folder.mkdir()
    pem = _public_pem(key.public_key()) if key else None
    named = [(one.name, one.url) for one in asked.authorities] if asked else []
    roots = asked.roots if asked else b""
    head = head_bytes(manifests, (length, last), pem, named, roots)
    if asked:
        (root / ROOTS).write_bytes(roots)
    (folder / "head.json").write_bytes(head)
    if key is None or pem is None:
        return None
    signature = key.sign(head)
    try:
        key.public_key().verify(signature, (folder / "head.json").read_bytes())
    except InvalidSignature as error:
        raise VerificationError("the head read back from disk is not the one that was signed") from error
    (folder / "signer.pub.pem").write_bytes(pem)
    (folder / "head.json.sig").write_bytes(signature)
    return fingerprint(pem)
