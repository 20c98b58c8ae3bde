"""Foreign text made safe and legible in HTML: nothing runs, nothing hides, shared passages are marked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["excerpt", "hidden_code_points", "marked", "visible"]

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HIDDEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Code points that draw nothing although Unicode counts them as letters, marks or symbols."""


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    code = ord(character)
    return (
        unicodedata.category(character) in _HIDDEN_CATEGORIES
        or character in _HIDDEN_LETTERS
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0100 <= code <= 0xE01EF
    )


def hidden_code_points(text: str) -> str:
    """Return `text` with each code point that draws nothing, or turns the reading order, as ``⟨U+202E⟩``."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if _is_hidden(c) else c for c in text)


def _shown(text: str) -> Markup:
    parts: list[Markup] = []
    plain = 0
    for place, character in enumerate(text):
        if _is_hidden(character):
            name = unicodedata.name(character, "unnamed control character")
            parts.append(escape(text[plain:place]))
            parts.append(Markup('<span class="cp" title="{}">U+{:04X}</span>').format(name, ord(character)))
            plain = place + 1
    parts.append(escape(text[plain:]))
    return Markup().join(parts)


def visible(text: str) -> Markup:
    """Return foreign text as inert HTML, isolated from the reading direction around it."""
    return Markup("<bdi>{}</bdi>").format(_shown(text))


def _merged(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(0, a), min(length, b)) for a, b in spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """Return foreign text as inert HTML with the spans, [start, end) in code points, inside ``<mark>``.

    Spans may overlap, and are cut to the text.
    """
    parts: list[Markup] = []
    place = 0
    for start, end in _merged(spans, len(text)):
        parts.append(_shown(text[place:start]))
        parts.append(Markup("<mark>{}</mark>").format(_shown(text[start:end])))
        place = end
    parts.append(_shown(text[place:]))
    return Markup("<bdi>{}</bdi>").format(Markup().join(parts))


def excerpt(
    text: str, spans: Sequence[tuple[int, int]], *, longest: int = 4000, around: int = 400
) -> tuple[str, tuple[tuple[int, int], ...], int, int]:
    """Return a part of a long text that holds every span, its spans, and how much is left out around it.

    A text of up to `longest` code points comes back whole; of a longer one
    `around` code points stay on either side of the spans, or its beginning
    where there is no span.
    """
    inside = _merged(spans, len(text))
    if len(text) <= longest:
        return text, tuple(inside), 0, 0
    first = max(0, inside[0][0] - around) if inside else 0
    last = min(len(text), inside[-1][1] + around) if inside else longest
    moved = tuple((start - first, end - first) for start, end in inside)
    return text[first:last], moved, first, len(text) - last
