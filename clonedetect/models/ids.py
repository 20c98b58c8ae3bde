"""Look-alike strings and numbers, each with a type of its own."""

from __future__ import annotations

import hashlib
from typing import NewType

AccountId = NewType("AccountId", str)
"""The platform's own id of an account."""

ItemId = NewType("ItemId", str)
"""The platform's own id of one post."""

MediaId = NewType("MediaId", int)
"""The index's number of one picture of one item; stable for the index's life."""

TextId = NewType("TextId", int)
"""The index's number of one item's caption; stable for the index's life."""

Digest = NewType("Digest", str)
"""``sha256:`` followed by 64 lower-case hexadecimal digits."""

RecordId = NewType("RecordId", str)
"""A WARC record's ``urn:uuid:...``, without angle brackets."""


def digest_of(data: bytes | bytearray | memoryview) -> Digest:
    """Return the SHA-256 of `data` in the one spelling used everywhere."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")
