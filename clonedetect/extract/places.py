"""Where on a page something stands: locators, and the entries that hold picture and caption together."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NO_ENTRY", "EntryTree", "Place", "Step"]

NO_ENTRY = -1


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a locator; the text is built only for what is kept."""

    text: str
    parent: Step | None = None

    def __str__(self) -> str:
        parts = []
        step: Step | None = self
        while step is not None:
            parts.append(step.text)
            step = step.parent
        return "".join(reversed(parts))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A locator and the entry it lies in (NO_ENTRY: none)."""

    path: Step
    entry: int = NO_ENTRY

    def at(self, text: str) -> Place:
        """Return the place one step further, in the same entry."""
        return Place(Step(text, self.path), self.entry)


@dataclass(slots=True)
class _Entry:
    path: Step
    parent: int
    has_text: bool = False
    has_media: bool = False


class EntryTree:
    """The repeated siblings of a page, nested as they are found."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, path: Step, parent: int) -> int:
        """Return the number of a new entry at `path` within `parent`."""
        self._entries.append(_Entry(path, parent))
        return len(self._entries) - 1

    def mark_text(self, number: int) -> None:
        """Note that entry `number`, and so all around it, holds text."""
        while number != NO_ENTRY and not self._entries[number].has_text:
            self._entries[number].has_text = True
            number = self._entries[number].parent

    def mark_media(self, number: int) -> None:
        """Note that entry `number`, and so all around it, holds a picture."""
        while number != NO_ENTRY and not self._entries[number].has_media:
            self._entries[number].has_media = True
            number = self._entries[number].parent

    def locator(self, number: int) -> str:
        """Return the locator by which the contents of entry `number` belong together, "" for none.

        It is the innermost entry that holds both text and a picture: the
        pictures of one post are repeated siblings too, and so are its
        comments. Where there is none, it is the entry itself.
        """
        if number == NO_ENTRY:
            return ""
        around = number
        while around != NO_ENTRY:
            entry = self._entries[around]
            if entry.has_text and entry.has_media:
                return str(entry.path)
            around = entry.parent
        return str(self._entries[number].path)
