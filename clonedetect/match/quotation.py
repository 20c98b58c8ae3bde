"""Words that a caption marks as somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["is_quotation"]

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
_ATTRIBUTED = re.compile(
    r"(?:^|[\n.!?…。！？।”»\"'’」])\s*(?:--+|[—–―~-])\s*(?P<name>[^\n—–―#@]{2,60})\s*(?:[#@][^\n]*)?$"
)
_MAX_NAME_WORDS = 8
_HALF = 0.5


def is_quotation(raw: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether the matched `spans` of a caption are a quotation by the caption's own marks.

    Either half of the matched characters stand between quotation marks, or the
    caption ends in a dash and a name (``... -- Seneca``). Who else may have
    quoted the same words, no index can know.
    """
    matched = sum(end - start for start, end in spans)
    quoted = [match.span() for match in _QUOTED.finditer(raw)]
    inside = sum(max(0, min(end, last) - max(start, first)) for start, end in spans for first, last in quoted)
    return bool(matched) and (inside >= _HALF * matched or _is_attributed(raw))


def _is_attributed(raw: str) -> bool:
    found = _ATTRIBUTED.search(raw.rstrip())
    if found is None:
        return False
    words = found["name"].split()
    return 0 < len(words) <= _MAX_NAME_WORDS and not words[0][0].islower()
