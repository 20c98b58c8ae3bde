"""Words that a caption marks as somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["end_of_own_words", "is_quotation"]

_PAIRS = (
    ("“", "”"),
    ("„", "“"),
    ("«", "»"),
    ("»", "«"),
    ("「", "」"),
    ("『", "』"),
    ("《", "》"),
    ("‹", "›"),
)
_QUOTED = re.compile(
    "|".join(
        [
            f"{re.escape(opening)}[^{re.escape(closing)}]{{12,}}{re.escape(closing)}"
            for opening, closing in _PAIRS
        ]
        + ['(?<!\\w)"[^"]{12,}"']
    )
)
_SUNG = re.compile(
    "[\u2669-\u266c\U0001f3b5\U0001f3b6\U0001f3bc][^\u2669-\u266c\U0001f3b5\U0001f3b6\U0001f3bc]{12,}"
)
_ATTRIBUTED = re.compile(
    r"(?P<before>[^\s])?(?P<space>\s{0,9})(?P<dash>-{2,9}|[—–―]{1,9}|[-~])\s{0,9}(?P<name>[^\n—–―#@]{2,60}?)\s*(?:[#@][^\n]*)?$"
)
_DASH = re.compile(r"(?:(?<=\s)|(?<=[.!?…。！？”»\"'’」』)]))(?:-{2,9}|[—–―]{1,9})(?=\s|\w|《)")
_SENTENCE_ENDS = ".!?…。！？।۔؟”»\"'’」』"
_MAX_NAME_WORDS = 6
_MAX_UNCASED_NAME = 20
_LONG_WORD = 4
_HALF = 0.5


def is_quotation(raw: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether the matched `spans` of a caption are a quotation by the caption's own marks.

    Either half of the matched characters stand between quotation marks or from
    one music sign to the next (a song's words), or the caption ends in a dash
    and a name (``... -- Seneca``). Who else may have quoted the same words, no
    index can know.
    """
    matched = sum(end - start for start, end in spans)
    quoted = [match.span() for match in (*_QUOTED.finditer(raw), *_SUNG.finditer(raw))]
    inside = sum(max(0, min(end, last) - max(start, first)) for start, end in spans for first, last in quoted)
    return bool(matched) and (inside >= _HALF * matched or _is_attributed(raw))


def end_of_own_words(raw: str) -> int:
    """Return where the words of a caption end and an attribution begins, its length where there is none.

    An attribution is what follows the last dash of two hyphens or more, or long
    dash, that stands alone or begins a line: a name, years, a profession, a
    source. Other captions have the same one: of two posts that quote one author
    half the characters can be equal. No more than seven eighths of a caption are one.
    """
    found = None
    for found in _DASH.finditer(raw):  # noqa: B007  the last one counts
        pass
    if found is None or found.start() < len(raw) / 8:
        return len(raw)
    return found.start()


def _is_attributed(raw: str) -> bool:
    found = _ATTRIBUTED.search(raw.rstrip())
    if found is None:
        return False
    ends_sentence = found["before"] is None or found["before"] in _SENTENCE_ENDS or "\n" in found["space"]
    if not ends_sentence and (found["dash"] in "-~" or not found["space"]):
        return False
    return _is_name(found["name"], ends_sentence=ends_sentence)


def _is_name(text: str, *, ends_sentence: bool) -> bool:
    """Return whether a few words look like a name: capitalised, or short where nothing has case."""
    words = [word.strip("()[].,;:") for word in text.split()]
    if not 0 < len(words) <= _MAX_NAME_WORDS or not words[0]:
        return False
    if text.upper() == text.lower():
        return ends_sentence and len(text) <= _MAX_UNCASED_NAME
    return words[0][0].isupper() and all(word[0].isupper() for word in words if len(word) >= _LONG_WORD)
