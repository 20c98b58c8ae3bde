"""Reads the links, media and attribute texts of one element."""

from __future__ import annotations

import re

from clonedetect.extract.amp import AMP_DATA, amp_player
from clonedetect.extract.css import css_images, parse_srcset
from clonedetect.extract.dom import Element
from clonedetect.extract.harvest import (
    LARGEST,
    PLACEHOLDER,
    SMALLER,
    Harvest,
    NestedKind,
)
from clonedetect.extract.media_urls import looks_like_media
from clonedetect.models.item import MediaKind
from clonedetect.models.page import BlockKind, LinkKind

__all__ = ["read_element", "read_meta"]

_PICTURE_TAGS = frozenset({"img", "image", "amp-img", "amp-anim", "input", "picture"})
_VIDEO_TAGS = frozenset({"video", "amp-video", "audio"})
_LAZY = re.compile(
    r"^data-(?:[\w-]*-)?(?:src|original|lazy|bg|background|image|img|thumb|thumbnail|full|large|hires|photo"
    r"|lazyload|echo)(?:-[\w-]+)?$"
)
_LAZY_PLAIN = frozenset({"lazy-src", "lazysrc", "nitro-lazy-src", "original", "file"})
"""Attributes of lazy pictures without ``data-``, as scripts from before that had them."""

_LAZY_SET = re.compile(r"^data-[\w-]*srcset$")
_NEXT = re.compile(r"^data-(?:[\w-]*-)?next(?:-(?:url|page|href|link))?$")
_API = re.compile(r"^data-(?:[\w-]*-)?(?:api|endpoint|ajax|load|fetch|remote)(?:-?(?:url|href|src))?$")
_EMPTY_NAMES = re.compile(
    r"(?:blank|spacer|placeholder|pixel|1x1|transparent|loading|lazy)[\w.-]*\.\w{3,4}$", re.IGNORECASE
)
_META_MEDIA = {
    "og:image": MediaKind.IMAGE,
    "og:image:url": MediaKind.IMAGE,
    "og:image:secure_url": MediaKind.IMAGE,
    "twitter:image": MediaKind.IMAGE,
    "twitter:image:src": MediaKind.IMAGE,
    "image": MediaKind.IMAGE,
    "thumbnail": MediaKind.IMAGE,
    "thumbnailurl": MediaKind.IMAGE,
    "og:video": MediaKind.VIDEO,
    "og:video:url": MediaKind.VIDEO,
    "og:video:secure_url": MediaKind.VIDEO,
    "contenturl": MediaKind.VIDEO,
}
_META_TEXT_WORDS = (
    "description og:description twitter:description og:title twitter:title title caption articlebody"
    " headline name og:image:alt twitter:image:alt dc.description abstract"
)
_META_TEXT = frozenset(_META_TEXT_WORDS.split())


def read_element(harvest: Harvest, element: Element, level: int) -> None:
    """Take the links, media and texts that the attributes of `element` hold."""
    attributes = element.attributes
    if not attributes:
        return
    _read_links(harvest, element)
    _read_media(harvest, element)
    for name, value in attributes.items():
        if name in {"alt", "title", "aria-label"}:
            harvest.add_text(value, BlockKind.ALT, element.place.at(f"/@{name}"))
        elif name == "style":
            for url in css_images(value):
                harvest.add_media(url, "css", element.place, alt=_alt(element))
        elif name.startswith("data-") and value:
            _read_data(harvest, element, name, value, level)


def read_meta(harvest: Harvest, element: Element) -> None:
    """Take the pictures and descriptions of a ``<meta>``."""
    attributes = element.attributes
    content = attributes.get("content", "")
    name = (attributes.get("property") or attributes.get("name") or attributes.get("itemprop", "")).lower()
    if name in _META_MEDIA:
        harvest.add_media(content, f"meta:{name}", element.place, kind=_META_MEDIA[name])
    elif name in _META_TEXT:
        harvest.add_text(content, BlockKind.META, element.place.at("/@content"))
    elif attributes.get("http-equiv", "").lower() == "refresh":
        match = re.match(r"\s*\d[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?[\"']?([^\"']+)", content, re.IGNORECASE)
        if match:
            harvest.add_link(match.group(1), LinkKind.PAGE, element.place)


def _read_links(harvest: Harvest, element: Element) -> None:
    attributes, place = element.attributes, element.place
    href = attributes.get("href", "")
    relations = attributes.get("rel", "").lower().split()
    if element.tag in {"a", "area"} and href:
        kind = looks_like_media(href)
        if kind is not None:
            harvest.add_media(href, f"{element.tag}[href]", place, kind=kind, alt=_alt(element))
        else:
            harvest.add_link(href, LinkKind.PAGINATION if "next" in relations else LinkKind.PAGE, place)
    elif element.tag == "link" and href:
        _read_link_element(harvest, element, href, relations)
    elif element.tag in {"iframe", "frame", "amp-iframe"} and attributes.get("src"):
        harvest.add_link(attributes["src"], LinkKind.FRAME, place)
    elif element.tag in AMP_DATA and attributes.get("src"):
        harvest.add_link(attributes["src"], LinkKind.API, place)
    elif element.tag.startswith("amp-") and (player := amp_player(element.tag, attributes)):
        harvest.add_link(player, LinkKind.FRAME, place)
    elif element.tag in {"object", "embed"}:
        shown = attributes.get("data" if element.tag == "object" else "src", "")
        if shown and looks_like_media(shown) is None:
            harvest.add_link(shown, LinkKind.FRAME, place)


def _read_link_element(harvest: Harvest, element: Element, href: str, relations: list[str]) -> None:
    if "next" in relations:
        harvest.add_link(href, LinkKind.PAGINATION, element.place)
    named = element.attributes.get("itemprop", "").lower()
    if named in _META_MEDIA:
        harvest.add_media(href, f"meta:{named}", element.place, kind=_META_MEDIA[named])
    if "image_src" in relations:
        harvest.add_media(href, "link[rel=image_src]", element.place)
    if {"preload", "prefetch"} & set(relations):
        kinds = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO}
        as_kind = kinds.get(element.attributes.get("as", "").lower())
        if as_kind is not None:
            harvest.add_media(href, f"link[as={as_kind}]", element.place, kind=as_kind)


def _read_media(harvest: Harvest, element: Element) -> None:
    tag, attributes, place = element.tag, element.attributes, element.place
    alt = _alt(element)
    if tag in _PICTURE_TAGS:
        for name in sorted(_LAZY_PLAIN.intersection(attributes)) if tag == "img" else ():
            harvest.add_media(attributes[name], name, place, alt=alt)
        if "src" in attributes:
            mark = PLACEHOLDER if _is_placeholder(attributes) else ""
            harvest.add_media(attributes["src"], f"{tag}[src]{mark}", place, alt=alt)
        for name in ("href", "xlink:href"):
            if tag == "image" and name in attributes:
                harvest.add_media(attributes[name], "image[href]", place, alt=alt)
    elif tag in _VIDEO_TAGS:
        if "src" in attributes and tag != "audio":
            harvest.add_media(attributes["src"], f"{tag}[src]", place, kind=MediaKind.VIDEO, alt=alt)
        if "poster" in attributes:
            harvest.add_media(attributes["poster"], "poster", place, alt=alt)
    else:
        _read_other_media(harvest, element)
    for name in ("srcset", "imagesrcset"):
        if name in attributes:
            _read_srcset(harvest, element, name)


def _read_other_media(harvest: Harvest, element: Element) -> None:
    tag, attributes, place = element.tag, element.attributes, element.place
    if tag == "source" and "src" in attributes:
        known = looks_like_media(attributes["src"]) or MediaKind.VIDEO
        if not attributes.get("type", "").lower().startswith("audio/"):
            harvest.add_media(attributes["src"], "source[src]", place, kind=known)
    elif "background" in attributes:
        harvest.add_media(attributes["background"], f"{tag}[background]", place)
    elif tag not in {"script", "iframe", "frame", "track"}:
        for name in ("src", "data", "poster"):
            kind = looks_like_media(attributes.get(name, ""))
            if kind is not None:
                harvest.add_media(attributes[name], f"{tag}[{name}]", place, kind=kind)


def _read_srcset(harvest: Harvest, element: Element, name: str) -> None:
    candidates = parse_srcset(element.attributes[name])
    for candidate in candidates:
        mark = "" if len(candidates) == 1 else LARGEST if candidate.is_largest else SMALLER
        harvest.add_media(candidate.url, f"{name}{mark}", element.place, alt=_alt(element))


def _read_data(harvest: Harvest, element: Element, name: str, value: str, level: int) -> None:
    place = element.place
    start = value.lstrip()[:1]
    if start in {"{", "["}:
        harvest.add_nested(NestedKind.JSON, value, place.at(f"/@{name}"), level + 1)
    elif _LAZY_SET.match(name):
        _read_srcset(harvest, element, name)
    elif _NEXT.match(name) and re.search(r"[/?]", value):
        harvest.add_link(value, LinkKind.PAGINATION, place)
    elif "url(" in value:
        for url in css_images(value):
            harvest.add_media(url, name, place, alt=_alt(element))
    elif (kind := _data_media(element, name, value)) is not None:
        harvest.add_media(value, name, place, kind=kind, alt=_alt(element))
    elif _API.match(name) and "/" in value:
        harvest.add_link(value, LinkKind.API, place)
    elif start == "<" and "</" in value:
        harvest.add_nested(NestedKind.HTML, value, place.at(f"/@{name}"), level + 1)
    elif " " in value.strip() and re.search(r"[^\W\d_]{2}", value):
        harvest.add_text(value, BlockKind.ALT, place.at(f"/@{name}"))


def _data_media(element: Element, name: str, value: str) -> MediaKind | None:
    kind = looks_like_media(value)
    if kind is not None:
        return kind
    is_address = "/" in value and not re.search(r"[\s{}<>\"]", value)
    if _LAZY.match(name) and is_address and element.tag not in {"iframe", "script", "a"}:
        return MediaKind.VIDEO if element.tag in _VIDEO_TAGS else MediaKind.IMAGE
    return None


def _alt(element: Element) -> str:
    attributes = element.attributes
    return attributes.get("alt") or attributes.get("title") or attributes.get("aria-label", "")


def _is_placeholder(attributes: dict[str, str]) -> bool:
    source = attributes["src"].strip()
    if attributes.get("width") == "1" and attributes.get("height") == "1":
        return True
    if source[:5].lower() == "data:":
        # The smallest real photographs are a few kilobytes; blank GIFs and SVGs are under 400 bytes.
        return len(source) < 400 or "blur" in attributes.get("class", "")
    is_lazy = any(_LAZY.match(name) or _LAZY_SET.match(name) or name in _LAZY_PLAIN for name in attributes)
    return is_lazy and bool(_EMPTY_NAMES.search(source.partition("?")[0]))
