"""What a page says, as numbers: enough to tell whether another page said it before."""

from __future__ import annotations

import re

__all__ = ["sayings"]

_MOST_BYTES = 1_000_000
_TELLING_BYTES = 15
"""Shorter texts are page numbers, dates and names of months: they tell nothing new."""
_TAG = re.compile(rb"<[^>]{0,4000}>")
_TEXT = re.compile(rb"[^\x00<>\"\\{}\[\]\r\n]+")
_UNSEEN = (b"script", b"style")


def sayings(content: bytes) -> frozenset[int]:
    """Return a number for each text of a page's decoded body, its first megabyte, scripts and styles apart.

    In JSON strings are texts. This is no parsing: a hostile page can say what it likes, in linear time.
    """
    text = content[:_MOST_BYTES]
    for name in _UNSEEN:
        text = _without(text, name)
    found = (one.strip() for one in _TEXT.findall(_TAG.sub(b"\x00", text)))
    return frozenset(hash(one) for one in found if len(one) >= _TELLING_BYTES)


def _without(text: bytes, name: bytes) -> bytes:
    """Return `text` without elements of this name; one that does not end takes all that follows."""
    lower, kept, at = text.lower(), [], 0
    while (start := lower.find(b"<" + name, at)) >= 0:
        kept.append(text[at:start])
        end = lower.find(b"</" + name, start)
        if end < 0:
            return b"\x00".join(kept)
        at = end
    return b"\x00".join([*kept, text[at:]])
