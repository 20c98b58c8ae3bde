"""Chunked bodies joined, as far as a digest over them needs it."""

from __future__ import annotations

import re

__all__ = ["joined"]

_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")


def joined(body: bytes) -> bytes | None:
    """Return the content of a body in chunks (RFC 9112, 7.1), None for one that is in none, or not whole."""
    parts: list[memoryview] = []
    whole = memoryview(body)
    at = 0
    while True:
        size = _SIZE.match(body, at, at + 16_384)
        if size is None:
            return None
        length, at = int(size[1], 16), size.end()
        if length == 0:
            return b"".join(parts)
        if at + length > len(body):
            return None
        parts.append(whole[at : at + length])
        at += length
        ends = body[at : at + 2]
        if ends == b"\r\n":
            at += 2
        elif ends[:1] == b"\n":
            at += 1
        else:
            return None
