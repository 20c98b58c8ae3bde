"""Letters drawn like an ASCII letter, and the letter they are folded to.

Unicode's confusables (UTS 39, by way of ``confusable_homoglyphs``) relate
single shapes; a text must also normalise alike in either case. So each
case-folded letter has one target: that of its small form, else that of its
capital (``н`` looks like nothing, ``Н`` like ``H``: both fold to ``h``). Only
alphabets whose letters pass for Latin are folded; Arabic, Hebrew, Indic, Thai,
Hangul and Han shapes (``ا`` for ``l``) keep their identity.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache

from confusable_homoglyphs import confusables

__all__ = ["confusable_folding", "folding_digest"]

_ALPHABETS = ("LATIN ", "GREEK ", "CYRILLIC ", "ARMENIAN ", "COPTIC ", "CHEROKEE ", "LISU ")


@cache
def confusable_folding() -> dict[str, str]:
    """Return case-folded letter -> ASCII small letter, for letters outside ASCII only."""
    small: dict[str, str] = {}
    capital: dict[str, str] = {}
    for shape, alike in confusables.confusables_data.items():
        if not _is_foldable(shape):
            continue
        target = _target([entry["c"] for entry in alike])
        key = shape.casefold()
        if target and len(key) == 1 and not key.isascii():
            (small if key == shape else capital)[key] = target
    return {**capital, **small}


@cache
def folding_digest() -> str:
    """Return eight hexadecimal digits over the table, so that another table is another algorithm."""
    pairs = sorted(confusable_folding().items())
    return hashlib.sha256("".join(a + b for a, b in pairs).encode()).hexdigest()[:8]


def _is_foldable(shape: str) -> bool:
    return (
        len(shape) == 1
        and not shape.isascii()
        and unicodedata.category(shape).startswith("L")
        and unicodedata.name(shape, "").startswith(_ALPHABETS)
    )


def _target(alike: list[str]) -> str | None:
    """Return the ASCII letter; a capital I is listed as ``l``, and folds as the letter it is."""
    letters = {other for other in alike if len(other) == 1 and other.isascii() and other.isalpha()}
    if not letters:
        return None
    if "I" in letters or "i" in letters:
        return "i"
    return min(letters).lower()
