"""Which identifiers tell one post or account from everything else on the web, and which others use too.

The index holds the platform's own values. What matters is how likely a stranger's
page has the same one for another reason: a number of a forum's own, a name, a word.
"""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise
from typing import Final

from clonedetect.models.page import IdentifierKind

__all__ = ["Worth", "worth_of"]

_LEAST_HANDLE: Final = 3
_NAME_AT_MOST: Final = 11  # letters of one name or word; longer ones are put together of several
_LEAST_DIGITS: Final = 15  # times in milliseconds have 13, dates with seconds 14
_SEEN_DIGITS: Final = 8
_LEAST_CODE: Final = 8
_SEEN_CODE: Final = 5
_LEAST_CHANGES: Final = 2


class Worth(StrEnum):
    """How much an identifier of this form says by itself."""

    NOTHING = "nothing"
    AMBIGUOUS = "ambiguous"
    DISTINCT = "distinct"


_ALWAYS: Final = {
    IdentifierKind.PERMALINK: Worth.DISTINCT,
    IdentifierKind.HOTLINK: Worth.DISTINCT,
    IdentifierKind.HASHTAG: Worth.NOTHING,
}


def worth_of(kind: IdentifierKind, value: str) -> Worth:
    """Return what a value of this kind is worth, whatever it names.

    1. Handles: nothing under 3 characters or of digits alone; ambiguous if they are letters
       alone, up to 11; distinct otherwise.
    2. Numbers (of posts, accounts, pictures): nothing under 8 digits, ambiguous under 15.
    3. Codes: nothing under 5 characters; distinct from 8 characters on that change at least
       twice between lower case, upper case and digits, as random ones do and words,
       dates and names of sections do not; ambiguous otherwise.
    4. Addresses: distinct. They name the host.
    5. Hashtags: nothing. Anybody writes them.
    """
    if kind is IdentifierKind.HANDLE:  # 1
        return _handle(value)
    if kind in _ALWAYS:  # 4, 5
        return _ALWAYS[kind]
    if value.isdigit():  # 2
        return _by_length(value, _SEEN_DIGITS, _LEAST_DIGITS)
    if "://" in value:
        return Worth.DISTINCT  # an account that is named by its address
    is_random = _changes(value) >= _LEAST_CHANGES  # 3
    return _by_length(value, _SEEN_CODE, _LEAST_CODE if is_random else len(value) + 1)


def _handle(value: str) -> Worth:
    name = value.removeprefix("@")
    if len(name) < _LEAST_HANDLE or name.isdigit():
        return Worth.NOTHING
    return Worth.AMBIGUOUS if name.isalpha() and len(name) <= _NAME_AT_MOST else Worth.DISTINCT


def _by_length(value: str, seen: int, least: int) -> Worth:
    if len(value) < seen:
        return Worth.NOTHING
    return Worth.DISTINCT if len(value) >= least else Worth.AMBIGUOUS


def _changes(value: str) -> int:
    """Count where a character class gives way to another within a word; a capital may begin one."""
    changes = 0
    for word in re.split(r"[^A-Za-z0-9]+", value):
        classes = [_class_of(character) for character in word]
        changes += sum(
            one != other and (one, other) != ("upper", "lower") for one, other in pairwise(classes)
        )
    return changes


def _class_of(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "upper" if character.isupper() else "lower"
