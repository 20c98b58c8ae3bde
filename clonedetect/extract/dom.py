"""Walks a parsed document in order and tells which repeated siblings are entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from clonedetect.errors import InputError
from clonedetect.extract.places import NO_ENTRY, EntryTree, Place

__all__ = ["INLINE", "Element", "Enter", "Leave", "Text", "parse", "walk"]

MAX_DEPTH = 512
"""Browsers stop nesting here too; what is deeper is read at this depth's locator."""

_INLINE_WORDS = (
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark nobr"
    " picture q rp rt ruby s samp small source span strike strong sub sup time tt u var wbr"
)
INLINE = frozenset(_INLINE_WORDS.split())
"""Elements that do not end a run of text."""

_UNREAD = frozenset({"script", "style", "iframe", "template"})
_NEVER_ENTRY_WORDS = (
    "area base br button circle col g h1 h2 h3 h4 h5 h6 head hr iframe img input link meta noscript"
    " option p param path picture rect script source style svg td th template title track use video"
    " wbr"
)
_NEVER_ENTRY = frozenset(_NEVER_ENTRY_WORDS.split())
_BARE_ENTRY = frozenset({"article", "dd", "figure", "li", "tr"})
_PICTURES = frozenset({"img", "picture", "video", "amp-img", "svg"})
_SHOWN = "img, picture, video, amp-img"
_STATE = re.compile(r"\d|^(?:active|current|selected|first|last|odd|even|hidden|visible|is-\w+|has-\w+)$")


@dataclass(slots=True, eq=False)
class Element:
    """One element with its attributes (a name without a value has "")."""

    node: LexborNode
    tag: str
    attributes: dict[str, str]
    place: Place
    depth: int
    is_entry: bool = False

    @property
    def raw_text(self) -> str:
        """The text directly inside, as scripts and style sheets have it."""
        parts = []
        child = self.node.child
        while child is not None:
            if child.is_text_node:
                parts.append(child.text_content or "")
            child = child.next
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Enter:
    """An element begins."""

    element: Element


@dataclass(frozen=True, slots=True)
class Leave:
    """An element ends."""

    element: Element


@dataclass(frozen=True, slots=True)
class Text:
    """A text node of `element`."""

    element: Element
    text: str


def parse(html: str) -> LexborHTMLParser:
    """Return the document of `html`.

    `noscript` is parsed as markup, and `selectedcontent` is not filled (it
    would multiply hostile content). Raises InputError where there is none.
    """
    try:
        return LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)
    except (SelectolaxError, ValueError) as error:
        raise InputError(f"the document cannot be parsed as HTML: {error}") from error


def walk(root: LexborNode, place: Place, entries: EntryTree) -> Iterator[Enter | Leave | Text]:
    """Yield the nodes below and with `root` in document order; `place` is that of its parent.

    The insides of scripts, style sheets, frames and templates are left to the
    caller. Works without recursion, whatever the depth.
    """
    if root.is_element_node:
        name = root.tag or ""
        first = Element(root, name, _attributes(root), place.at(f"/{name}"), 0)
    else:
        first = Element(root, "", {}, place, 0)
    stack: list[Element | Leave | Text] = [first]
    while stack:
        item = stack.pop()
        if isinstance(item, Leave | Text):
            yield item
            continue
        yield Enter(item)
        stack.append(Leave(item))
        if item.tag not in _UNREAD:
            stack.extend(reversed(_children(item, entries)))


def _children(parent: Element, entries: EntryTree) -> list[Element | Leave | Text]:
    children: list[Element | Leave | Text] = []
    elements: list[Element] = []
    positions: Counter[str] = Counter()
    node = parent.node.child
    while node is not None:
        if node.is_element_node:
            tag = node.tag or ""
            positions[tag] += 1
            place = parent.place
            if parent.depth < MAX_DEPTH:
                place = place.at(f"/{tag}" if tag in {"head", "body"} else f"/{tag}[{positions[tag]}]")
            element = Element(node, tag, _attributes(node), place, parent.depth + 1)
            elements.append(element)
            children.append(element)
        elif node.is_text_node:
            children.append(Text(parent, node.text_content or ""))
        node = node.next
    if len(elements) >= 3:
        _mark_entries(elements, entries)
    return children


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name: value or "" for name, value in node.attributes.items()}


def _mark_entries(siblings: list[Element], entries: EntryTree) -> None:
    """Make entries of siblings that share tag and class, three or more.

    Class words with digits and words of state are not compared: a feed names
    its entries ``post-1 active``, ``post-2``. Without a class the first
    children must agree as well, or header, main and footer would be entries.
    """
    keys = [_key(one) if one.tag not in _NEVER_ENTRY else None for one in siblings]
    counts = Counter(key for key in keys if key is not None)
    marked = [
        (element, key)
        for element, key in zip(siblings, keys, strict=True)
        if key is not None and counts[key] >= 3 and (element.tag not in INLINE or _is_container(element.node))
    ]
    is_paired = _are_pairs(marked)
    entry = NO_ENTRY
    for number, (element, _) in enumerate(marked):
        place = element.place
        if not is_paired or number % 2 == 0:
            entry = entries.add(place.path, place.entry)
        element.place = Place(place.path, entry)
        element.is_entry = True


def _are_pairs(marked: list[tuple[Element, tuple[str, ...]]]) -> bool:
    """Return whether pictures and their descriptions alternate as siblings: each pair is one entry.

    Of the two kinds of sibling one has a picture each and the other none, but text.
    """
    keys = [key for _, key in marked]
    if len(keys) < 6 or len(keys) % 2 or keys[0] == keys[1] or keys != keys[:2] * (len(keys) // 2):
        return False
    first, second = ([element.node for element, _ in marked[start::2]] for start in (0, 1))
    return _are_picture_and_text(first, second) or _are_picture_and_text(second, first)


def _are_picture_and_text(pictures: list[LexborNode], texts: list[LexborNode]) -> bool:
    has_pictures = all(node.css_first(_SHOWN) is not None for node in pictures)
    return has_pictures and all(node.css_first(_SHOWN) is None and node.text(strip=True) for node in texts)


def _key(element: Element) -> tuple[str, ...]:
    words = sorted(word for word in element.attributes.get("class", "").split() if not _STATE.search(word))
    if words or element.tag in _BARE_ENTRY:
        return (element.tag, *words)
    return (element.tag, "", *_shape(element.node))


def _shape(node: LexborNode) -> tuple[str, ...]:
    shape: list[str] = []
    child = node.first_child
    while child is not None and len(shape) < 3:
        if child.is_element_node:
            shape.append(f"{child.tag}.{child.attributes.get('class') or ''}")
        child = child.next
    return tuple(shape)


def _is_container(node: LexborNode) -> bool:
    """Whether an inline element holds a block or a picture, at most two levels down."""
    level = [node]
    for _ in range(2):
        below = [child for one in level for child in one.iter()]
        if any(child.tag in _PICTURES or child.tag not in INLINE for child in below):
            return True
        level = below[:16]
    return False
