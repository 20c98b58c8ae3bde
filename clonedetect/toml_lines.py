"""Where every key of a TOML document stands, which the standard parser does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

__all__ = ["KeyPath", "line_numbers"]

KeyPath = tuple[str | int, ...]
"""Keys and array positions from the root to a value."""

# One piece of valid TOML as far as lines need it: strings whole, comments whole, all else by character.
_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|.', re.DOTALL
)


def line_numbers(text: str) -> dict[KeyPath, int]:
    """Return the line of every table header and key of a valid document; keys of inline tables left out.

    `text` must have been accepted by tomllib, line ends as ``\\n``.
    """
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    current: KeyPath = ()
    for pieces, line in _statements(text):
        parts, is_header = _key_of(pieces)
        path = _place((), parts[:-1], counts) if is_header else current
        if is_header:
            is_array = pieces[:2] == ["[", "["]
            path = (*path, parts[-1])
            if is_array:
                lines.setdefault(path, line)
                counts[path] = counts.get(path, -1) + 1
            current = (*path, counts[path]) if path in counts else path
            lines.setdefault(current, line)
            path = current
        else:
            for part in parts:
                path = (*path, part)
                lines.setdefault(path, line)
    return lines


def _place(path: KeyPath, parts: list[str], counts: dict[KeyPath, int]) -> KeyPath:
    for part in parts:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[list[str], int]]:
    pieces: list[str] = []
    line = start = 1
    depth = 0
    for found in _PIECE.finditer(text + "\n"):
        piece = found[0]
        if piece == "\n" and depth == 0:
            if pieces:
                yield pieces, start
            pieces = []
        elif not piece.isspace() and piece[0] != "#":
            start = start if pieces else line
            pieces.append(piece)
            depth += (piece in "[{") - (piece in "]}")
        line += piece.count("\n")


def _key_of(pieces: list[str]) -> tuple[list[str], bool]:
    """Return the dotted key a statement begins with, and whether it is a table header."""
    is_header = pieces[0] == "["
    parts = [""]
    for piece in pieces:
        if piece == "=":
            break
        if piece == ".":
            parts.append("")
        elif piece not in "[]":
            quoted = len(piece) > 1
            parts[-1] += tomllib.loads(f"k = {piece}")["k"] if quoted else piece
    return parts, is_header
