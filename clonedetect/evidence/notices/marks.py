"""Where the platform's marks stand on a recorded page: in its text, or in its name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["MarkUse", "mark_uses"]

MAX_BYTES: Final = 4_000_000
MIN_IN_NAME: Final = 4
"""Characters from which on a mark inside a host name is no coincidence of letters."""

_TAG: Final = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class MarkUse:
    """One mark on one page: how often in its text as a word, and whether its host name holds it."""

    mark: str
    in_text: int
    is_in_name: bool


def mark_uses(marks: Iterable[str], url: str, source: bytes) -> tuple[MarkUse, ...]:
    """Return the marks that stand on the page at `url`, in the order given; case is not regarded.

    Text is what stands outside tags and scripts: an address of the platform's in a link is no use of its
    mark. The first 4 MB of `source` are read.
    """
    text = _text(source[:MAX_BYTES].decode("utf-8", "replace")).casefold()
    name = re.sub(r"[\W_]", "", (urlsplit(url).hostname or "").casefold())
    uses = []
    for mark in marks:
        word = re.compile(rf"(?<!\w){re.escape(mark.casefold())}(?!\w)")
        squeezed = re.sub(r"[\W_]", "", mark.casefold())
        is_in_name = len(squeezed) >= MIN_IN_NAME and squeezed in name
        use = MarkUse(mark, len(word.findall(text)), is_in_name)
        if use.in_text or use.is_in_name:
            uses.append(use)
    return tuple(uses)


def _text(source: str) -> str:
    first, *rest = re.split(r"<script", source, flags=re.IGNORECASE)
    kept = [first]
    for part in rest:
        inside, _, after = part.partition("</script")
        kept.append(after if after or inside != part else "")
    return html.unescape(_TAG.sub(" ", " <".join(kept)))
