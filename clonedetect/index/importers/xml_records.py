"""Records of a long XML document, one at a time, by an expat parser that is told to trust nothing.

A document type declaration ends the reading: it is where entities are declared
that expand without bound or name files (CWE-776, CWE-611), and no feed, sitemap
or WordPress export needs one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from clonedetect.index.importers.rows import RefusedRow

__all__ = ["Node", "records", "root_of"]

MAX_RECORD_CHARACTERS: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 200
_CHUNK_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Node:
    """One element: namespace, local name, attributes, and text and elements in their order."""

    namespace: str
    name: str
    attributes: dict[str, str]
    line: int
    position: int = 0
    parts: list[str | Node] = field(default_factory=list)

    def all(self, name: str, namespace: str | None = None) -> list[Node]:
        """Return the children of that name, in a namespace that contains `namespace`; "" means in none."""
        return [
            part
            for part in self.parts
            if isinstance(part, Node) and part.name == name and _is_in(part.namespace, namespace)
        ]

    def value(self, name: str, namespace: str | None = None) -> str:
        """Return the text of the first such child, stripped; "" if there is none."""
        found = self.all(name, namespace)
        return found[0].text if found else ""

    def below(self, name: str, namespace: str) -> Iterator[Node]:
        """Yield the elements of that name at any depth."""
        for part in self.parts:
            if isinstance(part, Node):
                if part.name == name and _is_in(part.namespace, namespace):
                    yield part
                yield from part.below(name, namespace)

    @property
    def text(self) -> str:
        """All text in this element and below, stripped."""
        return "".join(part if isinstance(part, str) else part.inner for part in self.parts).strip()

    @property
    def inner(self) -> str:
        """All text, with a break where a block of XHTML ends."""
        end = "\n" if self.name in {"p", "div", "br", "li"} else ""
        return "".join(part if isinstance(part, str) else part.inner for part in self.parts) + end


def _is_in(namespace: str, wanted: str | None) -> bool:
    return wanted is None or (wanted in namespace if wanted else not namespace)


class _StopError(Exception):
    """Why no more of a document is read."""


def records(path: Path, names: Collection[str]) -> Iterator[Node | RefusedRow]:
    """Yield the outermost elements whose local name is in `names`, each once it has ended.

    What cannot be read further is one refusal with its line, and ends it.
    """
    builder = _Builder(frozenset(names))
    try:
        with path.open("rb") as file:
            fed = 0
            while chunk := file.read(_CHUNK_BYTES):
                fed += len(chunk)
                builder.feed(chunk, fed)
                yield from builder.taken(fed)
            builder.feed(b"", fed, is_final=True)
            yield from builder.taken(fed)
    except _StopError as stop:
        yield from builder.taken(fed)
        yield RefusedRow(str(path), builder.line, f"{stop}; the rest is not read", fed)
    except (expat.ExpatError, LookupError, ValueError) as error:
        yield from builder.taken(fed)
        reason = f"no well-formed XML ({error}); the rest is not read"
        yield RefusedRow(str(path), builder.line, reason, fed)


def root_of(head: bytes) -> tuple[str, str, str] | None:
    """Return namespace and name of a document's first element and the namespaces declared up to it.

    None where `head`, a document's first bytes, begins no XML.
    """
    found: list[tuple[str, str]] = []
    namespaces: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        namespace, local = name.rpartition(" ")[::2]
        found.append((namespace, local))
        raise _StopError("the root is known, and no more is parsed: nothing behind it is expanded")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartNamespaceDeclHandler = lambda _, address: namespaces.append(address or "")
    try:
        parser.Parse(head, False)
    except _StopError:
        return (*found[0], " ".join(namespaces))
    except (expat.ExpatError, LookupError, ValueError):
        return None
    return None


class _Builder:
    """Builds records of what expat reports."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._stack: list[Node] = []
        self._done: list[Node] = []
        self._size = 0
        self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    @property
    def line(self) -> int:
        return self._parser.CurrentLineNumber

    def feed(self, data: bytes, fed: int, *, is_final: bool = False) -> None:
        self._parser.Parse(data, is_final)
        if fed - self._parser.CurrentByteIndex > MAX_RECORD_CHARACTERS:
            raise _StopError(f"one tag of more than {MAX_RECORD_CHARACTERS // 2**20} MB")

    def taken(self, position: int) -> Iterator[Node]:
        done, self._done = self._done, []
        for node in done:
            node.position = position
            yield node

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _StopError(f"elements nested more than {MAX_DEPTH} deep")
        if self._stack or local in self._names:
            node = Node(
                namespace,
                local,
                {key.rpartition(" ")[2]: value for key, value in attributes.items()},
                self.line,
            )
            if self._stack:
                self._stack[-1].parts.append(node)
            self._stack.append(node)
            self._count(len(name) + sum(map(len, attributes.values())) + 100)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._stack:
            node = self._stack.pop()
            if not self._stack:
                self._done.append(node)
                self._size = 0

    def _characters(self, text: str) -> None:
        if self._stack:
            self._stack[-1].parts.append(text)
            self._count(len(text))

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_RECORD_CHARACTERS:
            raise _StopError(f"one record of more than {MAX_RECORD_CHARACTERS // 2**20} MB")

    def _doctype(self, *_: object) -> None:
        raise _StopError("a document type declaration, which may declare entities, is refused")
