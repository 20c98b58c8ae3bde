"""Finds where a document embeds what other sites publish: frames, cards, quotations."""

from __future__ import annotations

import re

from clonedetect.extract import identifiers
from clonedetect.extract.amp import amp_player
from clonedetect.extract.dom import Element
from clonedetect.extract.harvest import Harvest
from clonedetect.extract.media_urls import looks_like_media
from clonedetect.models.page import EmbedKind, IdentifierKind

__all__ = ["Quotes"]

_LAZY_FRAME = re.compile(r"^data-(?:[\w-]*-)?src$")
_SOURCE = re.compile(r"^data-(?:[\w-]*-)?(?:permalink|embed-url|post-url|href)$")
_CARD = re.compile(r"(?:^|[\s_-])(?:embed|media|tweet|toot|post|video)(?:\s|$)", re.IGNORECASE)
"""How platforms name the block that their script turns into a player: ``NAME-embed``, ``NAME-media``."""

_NATIVE = frozenset({IdentifierKind.SHORTCODE, IdentifierKind.NUMERIC_ID})


class Quotes:
    """Takes the embeds of one document as its elements come and go.

    A frame is one by its address. An element is a quotation if it names its
    source (``cite`` of a block quotation, ``data-...-permalink`` and the like), or if
    it is a card by its class and links to a post.
    """

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._cards: list[Element] = []

    def enter(self, element: Element) -> None:
        """An element begins."""
        attributes, tag = element.attributes, element.tag
        if tag in {"iframe", "frame"}:
            self._take(_frame(attributes), EmbedKind.FRAME, element)
        elif tag.startswith("amp-") and (player := amp_player(tag, attributes)):
            self._take(player, EmbedKind.FRAME, element)
        elif tag in {"object", "embed"}:
            shown = attributes.get("data" if tag == "object" else "src", "")
            if looks_like_media(shown) is None:
                self._take(shown, EmbedKind.FRAME, element)
        elif tag == "a":
            self._link(attributes.get("href", ""))
        elif tag == "blockquote" or any(name.startswith("data-") for name in attributes):
            self._quote(element)

    def leave(self, element: Element) -> None:
        """An element ends."""
        if self._cards and self._cards[-1] is element:
            self._cards.pop()

    def _quote(self, element: Element) -> None:
        attributes = element.attributes
        named = [value for name, value in attributes.items() if _SOURCE.match(name)]
        if element.tag == "blockquote":
            named += [attributes.get("cite", "")]
            if _CARD.search(attributes.get("class", "")):
                self._cards.append(element)
        for url in named:
            self._take(url, EmbedKind.QUOTE, element)

    def _link(self, href: str) -> None:
        """Take a link to a post inside a card: cards that name no source carry it as their last line."""
        if self._cards and any(kind in _NATIVE for kind, _ in identifiers.of_path(href)):
            self._take(href, EmbedKind.QUOTE, self._cards[-1])

    def _take(self, url: str, kind: EmbedKind, element: Element) -> None:
        if "//" in url:
            self._harvest.add_embed(url, kind, element.place)


def _frame(attributes: dict[str, str]) -> str:
    if "//" in attributes.get("src", ""):
        return attributes["src"]
    return next((value for name, value in attributes.items() if _LAZY_FRAME.match(name)), "")
