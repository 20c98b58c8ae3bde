"""Finds JSON and string literals inside scripts, within bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Found", "JsonValue", "Literal", "TooDeep", "find_json", "flight_text", "is_hydration", "literals"]

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None

MAX_ATTEMPTS = 5_000
MAX_LITERALS = 20_000

_DECODER = json.JSONDecoder(strict=False)
_START = re.compile(r"[{\[](?=\s*[\"{\[\d\-tfn\]}])")
_DOUBLE = r'"(?:[^"\\\n]|\\.)*"'
_SINGLE = r"'(?:[^'\\\n]|\\.)*'"
_CALL = re.compile(
    rf"\b(?:JSON\.parse|decodeURIComponent|unescape)\(\s*(?:decodeURIComponent\(\s*)?({_DOUBLE}|{_SINGLE})",
    re.DOTALL,
)
_FLIGHT = re.compile(rf"__next_f\s*(?:=[^;\n]{{0,80}})?\.push\(\s*\[\s*1\s*,\s*({_DOUBLE})", re.DOTALL)
_OPENING = re.compile(r"(?:([A-Za-z_$][\w$]{0,60})\s*:\s*)?([\"'])")
# Possessive: what a quote opens ends in one place or in none.
_INSIDE = {quote: re.compile(rf"{quote}(?:[^{quote}\\\n]|\\.)*+", re.DOTALL) for quote in ('"', "'")}
_HYDRATION = re.compile(
    r"__NUXT__|_sharedData|__next_f|__NEXT_DATA__|__remixContext|__sveltekit|\b__[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*__\b"
    r"|\bwindow\.[\w$]*(?:State|STATE|Data|DATA|Props|PROPS|Cache|CACHE)\s*="
)
_JS_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


class TooDeep(ValueError):  # noqa: N818  a bound that was reached, counted by the caller
    """JSON nested beyond what the decoder follows."""


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON value within a script, at [start, end)."""

    value: JsonValue
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string of a script with the property name before it ("" if there is none)."""

    key: str
    text: str
    start: int


def is_hydration(script: str) -> bool:
    """Whether a script looks like it carries the page's data rather than its behaviour."""
    return _HYDRATION.search(script) is not None


def find_json(script: str) -> Iterator[Found]:
    """Yield the objects and arrays that stand in `script` as JSON, outermost first.

    ``JSON.parse("...")`` arguments are opened too. The work is bounded by the
    length of the script, whatever stands in it. Raises TooDeep for nesting
    beyond the interpreter's limit.
    """
    for match in _CALL.finditer(script):
        text = unquoted(match.group(1))
        yield from _values(
            unquote(text) if text[:3].upper() in {"%7B", "%5B"} else text, offset=match.start()
        )
    yield from _values(script)


def _values(text: str, offset: int | None = None) -> Iterator[Found]:
    position, attempts = 0, 0
    budget = 4 * len(text) + 100_000  # characters that may be read in vain
    while attempts < MAX_ATTEMPTS and budget > 0:
        match = _START.search(text, position)
        if match is None:
            return
        attempts += 1
        start = match.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            budget -= max(error.pos - start, 1)
            position = start + 1
            continue
        except RecursionError as error:
            raise TooDeep("JSON is nested deeper than the decoder follows") from error
        except ValueError:  # an integer of more digits than the interpreter converts
            position = start + 1
            continue
        position = end
        yield Found(value, start if offset is None else offset, end if offset is None else offset)


def flight_text(scripts: str) -> str:
    """Return the joined rows of a React flight stream; they are cut anywhere between two pushes."""
    return "".join(unquoted(match.group(1)) for match in _FLIGHT.finditer(scripts))


def literals(script: str) -> Iterator[Literal]:
    """Yield the quoted strings of a script, unescaped, with the property names they are given to."""
    position = number = 0
    unclosed = {'"': 0, "'": 0}  # up to where no quote closes: of a row of escaped quotes each would be asked
    while number < MAX_LITERALS and (match := _OPENING.search(script, position)) is not None:
        quote, start = match.group(2), match.start(2)
        position = match.end()
        inside = None if start < unclosed[quote] else _INSIDE[quote].match(script, start)
        if inside is None:
            continue
        if script[inside.end() : inside.end() + 1] != quote:
            unclosed[quote] = inside.end()
            continue
        position, number = inside.end() + 1, number + 1
        yield Literal(match.group(1) or "", unquoted(script[start:position]), match.start())


def unquoted(literal: str) -> str:
    """Return the string that a JavaScript string literal, quotes included, stands for."""
    return _JS_ESCAPE.sub(_unescaped, literal[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1) or match.group(2) or match.group(3)
    if code is None:
        return _PLAIN_ESCAPES.get(match.group(4), match.group(4))
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"
