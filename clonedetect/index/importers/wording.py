"""Why a row is refused, in words for whoever wrote it: the field, what is wrong, what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from clonedetect.index.importers.rows import ItemRow, MediaRow, SpanRow
from clonedetect.models.item import MediaKind, Visibility

__all__ = ["did_you_mean", "refusal"]

_PLACE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<place>[^`]*)`", re.DOTALL)
_TYPE: Final = re.compile(r"Expected `(?P<wanted>[a-z |]+)`, got `(?P<given>[a-z]+)`")
_ENUM: Final = re.compile(r"Invalid enum value (?P<given>.*)", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`")
_BOUND: Final = re.compile(r"Expected `int` (?P<sign>>=|<=) (?P<number>-?\d+)")
_LENGTH: Final = re.compile(r"Expected `str` of length <= (?P<most>\d+)")
_TYPES: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "datetime": "a time",
    "null": "nothing",
}
_REMEDIES: Final = {
    ("str", "int"): "put it in quotes",
    ("str", "float"): "put it in quotes",
    ("array", "str"): 'put it in brackets: ["..."]',
    ("bool", "str"): "write it without quotes",
    ("int", "str"): "write it without quotes",
}
_TIME: Final = "not a time with its zone; write 2026-05-01T10:00:00Z"


def refusal(error: Exception, *, is_json: bool) -> str:
    """Return `error`, the decoder's or our own, as a sentence that begins with the field it is about.

    Advice on quoting is for JSON alone; the cells of a table have no types.
    """
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text; save the file as UTF-8"
    text = str(error)
    if text.startswith("Input data was truncated"):
        return "not valid JSON: the line ends inside an object"
    if text.startswith("JSON is malformed: "):
        return f"not valid JSON: {text.removeprefix('JSON is malformed: ')}"
    found = _PLACE.fullmatch(text)
    place, what = (found["place"], found["what"]) if found else ("", text)
    sentence = _sentence(what, place, is_json=is_json)
    return f"{place}: {sentence}" if place else sentence


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a question after the name that is nearest to `name`, or the list of all that are known."""
    near = get_close_matches(name, sorted(known), 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"


def _sentence(what: str, place: str, *, is_json: bool) -> str:
    if "RFC3339" in what or "with a timezone" in what:
        return _TIME
    if found := _UNKNOWN.fullmatch(what):
        return f"unknown field {found['name']}: {did_you_mean(found['name'], _fields(place))}"
    if found := _MISSING.fullmatch(what):
        return f"{found['name']} is missing"
    if found := _ENUM.fullmatch(what):
        values = MediaKind if place.endswith("kind") else Visibility
        return f"{found['given']} is none of {', '.join(values)}"
    if found := _TYPE.fullmatch(what):
        return _type(found["wanted"].split(" | "), found["given"], is_json=is_json)
    return _measure(what)


def _measure(what: str) -> str:
    """Return what is said of a value of the right type that is too large, too small or of another form."""
    if "matching regex" in what:
        return "not a hash of 64 hexadecimal digits"
    if what == "Expected `str` of length >= 1":
        return "is empty"
    if found := _LENGTH.fullmatch(what):
        return f"is longer than {found['most']} characters"
    if found := _BOUND.fullmatch(what):
        return f"must be {'at least' if found['sign'] == '>=' else 'at most'} {found['number']}"
    return what


def _fields(place: str) -> tuple[str, ...]:
    row = {"media": MediaRow, "visibility": SpanRow}.get(place.partition("[")[0], ItemRow)
    return row.__struct_encode_fields__


def _type(wanted: list[str], given: str, *, is_json: bool) -> str:
    wanted = [one for one in wanted if one != "null"] or wanted
    if wanted == ["datetime"]:
        return _TIME
    needed = " or ".join(_TYPES.get(one, one) for one in wanted)
    if not is_json:
        return f"must be {needed}"
    remedy = _REMEDIES.get((wanted[0], given))
    sentence = f"must be {needed} and is {_TYPES.get(given, given)}"
    return f"{sentence}; {remedy}" if remedy else sentence
