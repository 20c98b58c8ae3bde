"""Reads what a document says of itself: where its original is, what it is, what it has loaded."""

from __future__ import annotations

import re

from clonedetect.extract.dom import Element
from clonedetect.extract.harvest import Harvest
from clonedetect.models.page import DeclarationKind

__all__ = ["read_declarations"]

_SOURCES = frozenset({"original", "source", "syndication", "via"})
"""Relations to where a copy was taken from: RFC 7089, Atom (RFC 4287), microformats."""

_LD_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"(?:https?://schema\.org/)?(\w{1,60})"')
_MOST_LD = 200_000


def read_declarations(harvest: Harvest, element: Element) -> None:
    """Take what `element` says of the document it stands in."""
    attributes, tag = element.attributes, element.tag
    if tag in {"link", "a"} and attributes.get("href"):
        _read_relation(harvest, element)
    elif tag == "meta":
        name = (attributes.get("property") or attributes.get("name", "")).lower()
        if name == "og:url":
            _take(harvest, DeclarationKind.CANONICAL, attributes.get("content", ""), element)
        elif name == "og:type":
            _take(harvest, DeclarationKind.TYPE, f"og:{attributes.get('content', '')}", element)
    elif tag == "script":
        _read_script(harvest, element)
    elif tag == "base" and attributes.get("href"):
        _take(harvest, DeclarationKind.BASE, attributes["href"], element)
    elif tag == "source" and attributes.get("url"):  # RSS 2.0, the channel an entry came from
        _take(harvest, DeclarationKind.SOURCE, attributes["url"], element)
    if attributes.get("itemtype"):
        _take(harvest, DeclarationKind.TYPE, attributes["itemtype"].rstrip("/").rpartition("/")[2], element)


def _read_relation(harvest: Harvest, element: Element) -> None:
    attributes = element.attributes
    relations = set(attributes.get("rel", "").lower().split())
    if element.tag == "link" and "canonical" in relations:
        _take(harvest, DeclarationKind.CANONICAL, attributes["href"], element)
    if element.tag == "link" and "alternate" in relations and attributes.get("type"):
        media_type = attributes["type"].lower()
        harvest.add_declaration(DeclarationKind.ALTERNATE, attributes["href"], element.place, media_type)
    if element.tag == "link" and "icon" in relations:
        _take(harvest, DeclarationKind.ICON, attributes["href"], element)
    if relations & _SOURCES or "u-syndication" in attributes.get("class", "").split():
        _take(harvest, DeclarationKind.SOURCE, attributes["href"], element)


def _read_script(harvest: Harvest, element: Element) -> None:
    attributes = element.attributes
    if attributes.get("src"):
        _take(harvest, DeclarationKind.SCRIPT, attributes["src"], element)
    elif attributes.get("type", "").lower().startswith("application/ld+json"):
        for found in _LD_TYPE.finditer(element.raw_text[:_MOST_LD]):
            _take(harvest, DeclarationKind.TYPE, found[1], element)


def _take(harvest: Harvest, kind: DeclarationKind, value: str, element: Element) -> None:
    harvest.add_declaration(kind, value, element.place)
