"""Finds the pictures that style sheets and `srcset` attributes name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Candidate", "css_images", "parse_srcset"]

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"@import[^;]{0,2000}(?:;|\Z)", re.IGNORECASE)
# An opening parenthesis ends the unquoted form, or "url(url(url(" would be read once from every start.
# The group is atomic because an escape can be read in several ways, and trying them all is exponential.
_URL = re.compile(
    r"""\burl\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'"""
    r"""|((?>[^()"'\s\\]|\\[0-9a-fA-F]{1,6}[ \t\n]?|\\.)*))\s*\)""",
    re.IGNORECASE | re.DOTALL,
)
_IMAGE_SET = re.compile(r"image-set\(((?:[^()]|\([^()]*\))*)\)", re.IGNORECASE)
_STRING = re.compile(r"""(?:^|,)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\r\f]?|(.))", re.DOTALL)
_NOT_PICTURES = re.compile(
    r"\.(?:woff2?|ttf|otf|eot|css)(?:[?#]|$)|^#|^data:(?:font|application|text)", re.IGNORECASE
)


def css_images(css: str) -> Iterator[str]:
    """Yield the addresses in ``url()`` and ``image-set()`` of a style sheet or declaration, but for fonts."""
    if "(" not in css:
        return
    css = _IMPORT.sub("", _COMMENT.sub(" ", css))
    for match in _URL.finditer(css):
        yield from _picture(match.group(1) or match.group(2) or match.group(3) or "")
    for match in _IMAGE_SET.finditer(css):
        for string in _STRING.finditer(match.group(1)):
            yield from _picture(string.group(1) or string.group(2) or "")


def _picture(raw: str) -> Iterator[str]:
    address = _ESCAPE.sub(_unescaped, raw).strip()
    if address and not _NOT_PICTURES.search(address):
        yield address


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1) is None:
        return "" if match.group(2) == "\n" else match.group(2)
    number = int(match.group(1), 16)
    is_character = 0 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else "\ufffd"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address of a `srcset`; `is_largest` holds for exactly one of them."""

    url: str
    is_largest: bool


def parse_srcset(value: str) -> tuple[Candidate, ...]:
    """Return the distinct candidates of a `srcset` in their order.

    Splits as the HTML standard does: an address ends at white space, so it may
    hold commas; only trailing commas end a candidate. The largest is the one
    with the greatest width, else the greatest density.
    """
    sizes: dict[str, float] = {}
    position, length = 0, len(value)
    while position < length:
        start = position = _skip(value, position, " \t\n\r\f,")
        while position < length and value[position] not in " \t\n\r\f":
            position += 1
        url = value[start:position]
        bare = url.rstrip(",")
        descriptor = ""
        if bare == url:
            end = _end_of_descriptor(value, position)
            descriptor, position = value[position:end], end + 1
        if bare:
            sizes[bare] = max(sizes.get(bare, 0.0), _size(descriptor))
    if not sizes:
        return ()
    largest = max(sizes, key=lambda url: sizes[url])
    return tuple(Candidate(url, url == largest) for url in sizes)


def _skip(value: str, position: int, characters: str) -> int:
    while position < len(value) and value[position] in characters:
        position += 1
    return position


def _end_of_descriptor(value: str, position: int) -> int:
    depth = 0
    for index in range(position, len(value)):
        character = value[index]
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth <= 0:
            return index
    return len(value)


def _size(descriptor: str) -> float:
    """Return the width or the density of a descriptor; one without either means a density of 1."""
    numbers = re.findall(r"(\d{1,6}(?:\.\d{1,6})?)[wxh]\b", descriptor)
    return max((float(number) for number in numbers), default=1.0)
