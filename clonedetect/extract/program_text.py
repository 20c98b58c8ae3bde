"""The code of a script apart from its strings: what a text says is never taken for what a script does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clonedetect.extract.scripts import unquoted

__all__ = ["STRING", "ProgramText", "program_text"]

STRING = r"\x00(\d+)\x00"
"""How a string literal stands in `ProgramText.code`; the number is its place in `strings`."""

MAX_CHARS = 1_000_000
"""Of a longer script only the beginning is read: loaders of services stand in short ones."""

# A string that nothing closes ends with its line, at once and for good: looked at again from each of its
# quotes, it would cost the square of its length. The repetitions are possessive for the same reason.
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?)"""
    r"""|(?P<comment>//[^\n]*|<!--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<slash>/)""",
    re.DOTALL,
)
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,200}+\]){1,500}+/[a-z]{0,8}")
_BEFORE_PATTERN = re.compile(
    r"(?:^|[(,=:\[!&|?{};+*%~<>^\n-]|\b(?:return|typeof|case|in|of|void|do|else))\s*$"
)
_LOOK_BACK = 24


@dataclass(frozen=True, slots=True)
class ProgramText:
    """A script with each string replaced by its number between two NULs; no comments, no patterns."""

    code: str
    strings: tuple[str, ...]


def program_text(script: str) -> ProgramText:
    """Return the code of `script` and its strings, unescaped.

    A slash begins a pattern where an expression may begin, else it divides (ECMA-262, 12). A NUL
    in the script itself becomes a blank.
    """
    script = script[:MAX_CHARS].replace("\x00", " ")
    parts: list[str] = []
    strings: list[str] = []
    position = 0
    while (found := _TOKEN.search(script, position)) is not None:
        parts.append(script[position : found.start()])
        position = found.end()
        if found["string"] is not None:
            parts.append(f"\x00{len(strings)}\x00")
            strings.append(unquoted(_closed(found["string"])))
        elif found["comment"] is not None:
            parts.append(" ")
        else:
            pattern = _pattern_at(script, found.start())
            parts.append("/")
            position = position if pattern is None else pattern.end()
    parts.append(script[position:])
    return ProgramText("".join(parts), tuple(strings))


def _closed(literal: str) -> str:
    """Return a string literal with its final quote, which one that broke off has not."""
    is_closed = len(literal) > 1 and literal[-1] == literal[0]
    return literal if is_closed else f"{literal}{literal[0]}"


def _pattern_at(script: str, place: int) -> re.Match[str] | None:
    before = script[max(0, place - _LOOK_BACK) : place]
    return _PATTERN.match(script, place) if _BEFORE_PATTERN.search(before) else None
