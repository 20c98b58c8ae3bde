"""Lines that fit: foreign text made harmless, cut to cells, times and counts in words."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from clonedetect.evidence.marking import hidden_code_points

__all__ = ["cell", "count", "fitting", "line", "room", "size", "span"]

_MORE = "…"
_WIDEST = 120


def cell(text: str, width: int, *, is_right: bool = False, keeps_end: bool = False) -> str:
    """Return foreign `text` in exactly `width` cells; what is cut is its beginning where `keeps_end`."""
    shown = hidden_code_points(text).replace("\n", " ").replace("\t", " ")
    if cell_len(shown) <= width:
        space = " " * (width - cell_len(shown))
        return space + shown if is_right else shown + space
    if not keeps_end:
        return set_cell_size(shown, max(0, width - 1)) + _MORE[:width]
    while cell_len(shown) > width - 1:
        shown = shown[1:]
    return set_cell_size(_MORE + shown, width)


def line(text: str, width: int, style: str = "") -> Text:
    """Return foreign `text` as one line of at most `width` cells."""
    return Text(cell(text, width).rstrip(), style=style, no_wrap=True, overflow="crop")


def fitting(parts: Iterable[str], width: int, between: str = ", ") -> str:
    """Return the first `parts` that fit into `width` cells, empty ones left out."""
    told = ""
    for part in filter(None, parts):
        longer = f"{told}{between}{part}" if told else part
        if told and cell_len(longer) > width:
            return told
        told = longer
    return told


def count(number: int, width: int = 6) -> str:
    """Return a number in at most `width` characters: exact if it fits, else in thousands or millions."""
    exact = f"{number:,}"
    if len(exact) <= width:
        return exact
    return f"{number // 1000:,}k" if number < 1_000_000 else f"{number // 1_000_000:,}M"


def room(width: int) -> int:
    """Return the cells that a line takes of a terminal: two are left for the ``^C`` that it echoes itself."""
    return max(1, min(width, _WIDEST) - 3)


def size(number: int) -> str:
    """Return bytes as MB or GB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def span(seconds: float) -> str:
    """Return a time in one sensible unit: ``0.8 s``, ``42 s``, ``12 min``, ``3 h 05 min``, ``5 days``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds <= 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours < 48 else f"{hours // 24} days"
