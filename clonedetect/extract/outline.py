"""The skeleton of a document without its content: paths of its elements, names of its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from clonedetect.extract.dom import Element
from clonedetect.extract.json_page import scrubbed
from clonedetect.extract.scripts import JsonValue

__all__ = ["STEPS", "Outline", "key_paths"]

STEPS = 4
"""Elements of one path: it and the three around it. With all of them one wrapper would change every path."""

MAX_PATHS = 4_000
MAX_VALUES = 100_000

_CLASS = re.compile(r"[a-z][a-z_-]{1,30}")
"""Class words that a person chose: those with digits or capitals are counters, or what builds make up."""

_LEFT_OUT = frozenset(
    {"head", "svg", "script", "style", "noscript", "template", "iframe", "br", "wbr", "ins"}
)
"""What other parties put in, or what says nothing of the arrangement."""

_WIDE = 32
_LIKE_DATA = re.compile(r"\d{3}|.{41}|[^\w$@.:-]")


@dataclass(slots=True)
class Outline:
    """Collects the paths of a document as its elements come and go."""

    _steps: list[str] = field(default_factory=list)
    _paths: set[str] = field(default_factory=set)
    _hidden: int = 0

    def enter(self, element: Element) -> None:
        """An element begins."""
        self._hidden += element.tag in _LEFT_OUT
        if self._hidden:
            return
        self._steps.append(_step(element))
        if len(self._paths) < MAX_PATHS:
            self._paths.add("/".join(self._steps[-STEPS:]))

    def leave(self, element: Element) -> None:
        """An element ends."""
        if self._hidden:
            self._hidden -= element.tag in _LEFT_OUT
        elif self._steps:
            self._steps.pop()

    def paths(self) -> tuple[str, ...]:
        """Return each path once, sorted: how often something is repeated is content, not arrangement."""
        return tuple(sorted(self._paths))


def _step(element: Element) -> str:
    words = sorted(
        word for word in set(element.attributes.get("class", "").split()) if _CLASS.fullmatch(word)
    )
    return ".".join((element.tag, *words[:3]))


def key_paths(value: JsonValue) -> tuple[str, ...]:
    """Return the paths of the fields of a JSON value, sorted: names alone, ``[]`` for a list, no value.

    Names that are data themselves (ids, addresses, the keys of a wide table) are ``*``.
    """
    paths: set[str] = set()
    waiting: list[tuple[str, JsonValue, int]] = [("", value, 0)]
    read = 0
    while waiting and read < MAX_VALUES and len(paths) < MAX_PATHS:
        path, one, depth = waiting.pop()
        read += 1
        if depth > 64:
            continue
        if isinstance(one, dict):
            for key, inner in one.items():
                name = "*" if len(one) > _WIDE or _LIKE_DATA.search(key) else scrubbed(key)
                paths.add(f"{path}.{name}")
                waiting.append((f"{path}.{name}", inner, depth + 1))
        elif isinstance(one, list):
            waiting.extend((f"{path}[]", inner, depth + 1) for inner in one)
    return tuple(sorted(paths))
