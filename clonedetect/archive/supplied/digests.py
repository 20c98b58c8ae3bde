"""Digests that a WARC record states of itself, in whatever algorithm and spelling its writer chose."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

__all__ = ["is_known", "is_stated_of"]

_KNOWN = {"sha1": 20, "sha256": 32, "sha512": 64, "md5": 16}
"""Algorithms that are checked, with the bytes of their digests."""


def is_known(stated: str) -> bool:
    """Whether `stated` (``algorithm:value``) can be checked at all."""
    return _parsed(stated) is not None


def is_stated_of(stated: str, candidates: Iterable[bytes]) -> bool:
    """Whether `stated` is the digest of any of `candidates`; False for an algorithm that is not known.

    Values may be hexadecimal or base32, in either case, padded or not. Writers
    differ in what they take for the payload of a chunked response: as stored, or without
    its chunks; hence several candidates.
    """
    parsed = _parsed(stated)
    if parsed is None:
        return False
    algorithm, digest = parsed
    return any(_digest(algorithm, data) == digest for data in candidates)


def _digest(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def _parsed(stated: str) -> tuple[str, bytes] | None:
    name, colon, value = stated.strip().partition(":")
    algorithm = name.lower().replace("-", "")
    size = _KNOWN.get(algorithm)
    value = value.strip().rstrip("=")
    if not colon or size is None:
        return None
    try:
        if len(value) == 2 * size:
            return algorithm, bytes.fromhex(value)
        padded = value.upper() + "=" * (-len(value) % 8)
        digest = base64.b32decode(padded)
    except ValueError:
        return algorithm, b""  # a known algorithm, and no digest of anything
    return algorithm, digest if len(digest) == size else b""
