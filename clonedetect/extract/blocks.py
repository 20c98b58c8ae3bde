"""Turns the text nodes of a document into blocks: leaves between block elements, and whole entries."""

from __future__ import annotations

from clonedetect.extract.dom import INLINE, Element
from clonedetect.extract.harvest import Harvest
from clonedetect.extract.places import Place
from clonedetect.models.page import BlockKind

__all__ = ["Runs"]

_MAX_ENTRY = 20_000
"""Characters of an entry beyond which only its leaves are taken: it is a list, not a post."""


class Runs:
    """Collects runs of text as elements come and go.

    Inline elements do not end a run, ``<br>`` is one space, everything else
    ends it. The characters stay as the page has them; only white space around
    a block is left out.
    """

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._parts: list[str] = []
        self._place: Place | None = None
        self._leaves: list[str] = []
        self._open: list[int] = []
        self.visible_chars = 0
        self._unseen = 0

    def enter(self, element: Element) -> None:
        """An element begins."""
        if element.tag == "br":
            self._parts.append(" ")
        elif element.tag not in INLINE or element.is_entry:
            self.flush()
        if element.is_entry:
            self._open.append(len(self._leaves))
        if element.tag == "noscript":
            self._unseen += 1

    def leave(self, element: Element) -> None:
        """An element ends."""
        if element.tag not in INLINE or element.is_entry:
            self.flush()
        if element.tag == "noscript":
            self._unseen -= 1
        if element.is_entry:
            self._close(element)

    def text(self, text: str, element: Element) -> None:
        """A text node of `element`."""
        if self._place is None:
            if not text.strip():
                return
            self._place = element.place
        self._parts.append(text)

    def flush(self) -> None:
        """End the run, if one is open."""
        if self._place is not None:
            text = "".join(self._parts).strip()
            if text:
                self._leaves.append(text)
                self.visible_chars += 0 if self._unseen else len(text)
                self._harvest.add_text(text, BlockKind.LEAF, self._place)
        self._parts.clear()
        self._place = None

    def _close(self, element: Element) -> None:
        leaves = self._leaves[self._open.pop() :]
        if len(leaves) < 2 or sum(map(len, leaves)) > _MAX_ENTRY:
            return
        self._harvest.add_text("\n".join(leaves), BlockKind.ENTRY, element.place)
