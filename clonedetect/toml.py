"""Strict TOML: typed tables that name file, line and key in every error, and refuse keys nobody knows."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from clonedetect.errors import InputError
from clonedetect.toml_lines import KeyPath, line_numbers

__all__ = ["Table", "load_toml", "toml_value"]

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_PROSE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_KEY = re.compile(r"\s*(?:\[+\s*)?([\w.\"'-]+)")


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    error: type[InputError]
    lines: dict[KeyPath, int]


class Table:
    """One table of a document, read key by key.

    Getters return a checked value or raise the document's error, naming file,
    line and full key. `known` is checked at once: a misspelt key is reported
    before what is missing because of it.
    """

    def __init__(self, values: dict[str, Any], path: KeyPath, source: _Source, known: Iterable[str]) -> None:
        self._values = values
        self._path = path
        self._source = source
        known = tuple(known)
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known) or 'none'}"
                raise self.error(key, f"unknown key; {hint}")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> tuple[str, ...]:
        """Return the keys that stand in the document, in its order."""
        return tuple(self._values)

    def line(self, key: str | None = None) -> int:
        """Return the line of a key, or of the nearest table around it; 1 where nothing of it exists."""
        path = self._path if key is None else (*self._path, key)
        while path and path not in self._source.lines:
            path = path[:-1]
        return self._source.lines.get(path, 1)

    def error(self, key: str | None, problem: str, position: int | None = None) -> InputError:
        """Return the error for one key (or one element of its array), to be raised."""
        path = self._path if key is None else (*self._path, key)
        if position is not None:
            path = (*path, position)
        return self._source.error(f"{self._source.name}:{self.line(key)}: {_spell(path)}: {problem}")

    def table(self, key: str, known: Iterable[str] | None) -> Table:
        """Return the table under `key`, empty if absent; `known` None admits any key."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"must be a table, not {_kind(value)}")
        return Table(value, (*self._path, key), self._source, value if known is None else known)

    def tables(self, key: str, known: Iterable[str]) -> tuple[Table, ...]:
        """Return the tables of the array under `key`, none if absent."""
        known = tuple(known)
        return tuple(
            Table(value, (*self._path, key, position), self._source, known)
            for position, value in enumerate(self._array(key, dict, "tables", ()))
        )

    def text(self, key: str, default: str | None = None, *, is_prose: bool = False) -> str:
        """Return a string that is not blank, of one line unless it `is_prose`; required without `default`."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"must be a string, not {_kind(value)}")
        if value != default:
            self._check_text(key, value, None, is_prose=is_prose)
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return an array of strings, none of them blank."""
        values = self._array(key, str, "strings", default)
        for position, value in enumerate(values):
            self._check_text(key, value, position)
        return values

    def parsed(
        self, key: str, parse: Callable[[str], T], default: tuple[str, ...] | None = None
    ) -> tuple[T, ...]:
        """Return an array of strings through `parse`, whose ValueError becomes the document's error."""
        found = []
        for position, value in enumerate(self.texts(key, default)):
            try:
                found.append(parse(value))
            except ValueError as error:
                raise self.error(key, f"{value!r}: {error}", position) from None
        return tuple(found)

    def integers(self, key: str, default: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
        """Return an array of whole numbers from `low` to `high`."""
        values: tuple[int, ...] = self._array(key, int, "whole numbers", default)
        for position, value in enumerate(values):
            if not low <= value <= high:
                raise self.error(key, f"{value} is outside {low:,} to {high:,}", position)
        return values

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, f"must be a whole number, not {_kind(value)}")
        if not low <= value <= high:
            raise self.error(key, f"{value} is outside {low:,} to {high:,}")
        return value

    def number(self, key: str, default: float | None, low: float, high: float) -> float:
        """Return a finite number from `low` to `high`."""
        value = self._get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.error(key, f"must be a number, not {_kind(value)}")
        if not math.isfinite(value) or not low <= value <= high:
            raise self.error(key, f"{value} is outside {low:,} to {high:,}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {_kind(value)}")
        return value

    def choice(self, key: str, kinds: type[E], default: E | None = None) -> E:
        """Return one member of an enum, written as its value."""
        value = self.text(key, default)
        try:
            return kinds(value)
        except ValueError:
            raise self.error(key, f"{value!r} is none of {', '.join(kinds)}") from None

    def moment(self, key: str) -> datetime:
        """Return a time in UTC; times of other offsets are converted, times without one refused."""
        value = self._get(key, None)
        if not isinstance(value, datetime):
            raise self.error(key, f"must be a time like 2026-11-01T00:00:00Z, not {_kind(value)}")
        if value.tzinfo is None:
            raise self.error(key, f"{value} has no offset from UTC; write {value.isoformat()}Z")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise self.error(key, f"{value} is out of the calendar in UTC") from None

    def _get(self, key: str, default: object) -> object:
        value = self._values.get(key, default)
        if value is None:
            raise self.error(key, "is missing")
        return value

    def _array(self, key: str, kind: type[T], name: str, default: tuple[T, ...] | None) -> tuple[T, ...]:
        value = self._get(key, default)
        if not isinstance(value, list | tuple):
            raise self.error(key, f"must be an array of {name}, not {_kind(value)}")
        for position, element in enumerate(value):
            if not isinstance(element, kind) or (kind is not bool and isinstance(element, bool)):
                raise self.error(key, f"must be an array of {name}, not of {_kind(element)}", position)
        return tuple(value)

    def _check_text(self, key: str, value: str, position: int | None, *, is_prose: bool = False) -> None:
        if not value.strip():
            raise self.error(key, "must not be empty", position)
        if (_CONTROL_IN_PROSE if is_prose else _CONTROL).search(value):
            one_line = "" if is_prose else "be one line and "
            raise self.error(key, f"must {one_line}hold no control characters", position)


def load_toml(data: bytes, *, name: str, error: type[InputError], known: Iterable[str]) -> Table:
    """Parse a document into its root table; `name` stands in messages, `error` is what is raised.

    Raises `error` for bytes that are not UTF-8 or not TOML 1.0, with the line.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise error(f"{name}:{line}: not UTF-8 (byte 0x{data[problem.start]:02x})") from None
    text = text.replace("\r\n", "\n")
    try:
        values = tomllib.loads(text)
    except ValueError as problem:  # TOMLDecodeError, or Python's limit on the digits of a number
        raise error(_syntax_message(name, text, str(problem))) from None
    except RecursionError:
        raise error(f"{name}:1: nested too deeply to be read") from None
    return Table(values, (), _Source(name, error, line_numbers(text)), known)


def toml_value(value: object) -> str:
    """Return a string, number, flag or tuple of these as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which JSON leaves bare.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(f"no TOML form for {type(value).__name__}")


def _syntax_message(name: str, text: str, problem: str) -> str:
    at_line = _AT_LINE.search(problem)
    lines = text.split("\n")
    number = int(at_line[1]) if at_line else max(1, len(text.rstrip("\n").split("\n")))
    key = _KEY.match(lines[number - 1]) if number <= len(lines) else None
    return f"{name}:{number}: {f'{key[1]}: ' if key else ''}not TOML: {_AT_LINE.sub('', problem)}"


def _spell(path: KeyPath) -> str:
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            bare = part if re.fullmatch(r"[\w-]+", part, re.ASCII) else json.dumps(part)
            spelled += f".{bare}" if spelled else bare
    return spelled or "document"


_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "list": "an array",
    "dict": "a table",
    "datetime": "a time",
    "date": "a date without time",
    "time": "a time of day",
}


def _kind(value: object) -> str:
    return _KINDS[type(value).__name__]
