"""RSS 0.9-2.0, RSS 1.0 (RDF) and Atom 1.0, and sitemaps with images, videos or news."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import Place, Skips, caption_of, source_row, time_of
from clonedetect.index.importers.markup import html_text
from clonedetect.index.importers.rows import RefusedRow, SkippedRow, SourceRow
from clonedetect.index.importers.xml_records import Node, records

__all__ = ["read_feed", "read_sitemap"]

_ATOM: Final = "www.w3.org/2005/Atom"
_CONTENT: Final = "purl.org/rss/1.0/modules/content"
_DC: Final = "purl.org/dc/"
_MEDIA: Final = "search.yahoo.com/mrss"
_IMAGE: Final = "schemas/sitemap-image"
_VIDEO: Final = "schemas/sitemap-video"
_NEWS: Final = "schemas/sitemap-news"


def read_feed(path: Path) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the entries of a feed: title and text as caption, media by their URLs."""
    for node in records(path, {"item", "entry"}):
        yield node if isinstance(node, RefusedRow) else _entry(path, node)


def read_sitemap(path: Path) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the addresses of a sitemap that carry words: news titles, captions and titles of pictures.

    Addresses without any are passed over, counted once.
    """
    skips = Skips(str(path))
    for node in records(path, {"url", "sitemap"}):
        if isinstance(node, RefusedRow):
            yield node
        elif node.name == "sitemap":
            reason = "is another sitemap, which is not fetched: feed its file"
            yield Place(str(path), node.line, node.position).refused(f"{node.value('loc')[:200]} {reason}")
        elif (row := _address(path, node)) is not None:
            yield row
        else:
            skips.add("an address without caption or title")
    yield from skips.rows(path.stat().st_size)


def _entry(path: Path, node: Node) -> SourceRow | RefusedRow:
    place = Place(str(path), node.line, node.position)
    link = _link(node)
    try:
        published = time_of(_first(node, "pubDate", "published", "issued") or node.value("date", _DC) or None)
        fields = {
            "item_id": node.value("guid") or node.value("id", _ATOM) or link,
            "handle": _author(node),
            "permalink": link,
            "caption": caption_of(_words(node, "title"), _body(node)),
            "published_at": published,
            "edited_at": time_of(node.value("updated", _ATOM) or None),
        }
    except InputError as error:
        return place.refused(str(error))
    return source_row(place, fields, list(_enclosures(node)))


def _first(node: Node, *names: str) -> str:
    return next((value for name in names if (value := node.value(name))), "")


def _words(node: Node, name: str) -> str:
    """Return the text of a child, whose markup is escaped unless its type says otherwise."""
    child = next((child for child in node.all(name) if _MEDIA not in child.namespace), None)
    if child is None:
        return ""
    is_plain = child.attributes.get("type") in {"text", "xhtml"}
    is_atom = _ATOM in child.namespace and "type" not in child.attributes
    return child.text if is_plain or is_atom else html_text(child.text)


def _body(node: Node) -> str:
    whole = html_text(node.value("encoded", _CONTENT)) or _words(node, "content")
    return whole or _words(node, "description") or _words(node, "summary")


def _author(node: Node) -> str | None:
    name = next((found for author in node.all("author", _ATOM) if (found := author.value("name"))), "")
    return name or node.value("creator", _DC) or node.value("author", "") or None


def _link(node: Node) -> str | None:
    for child in node.all("link"):
        if _ATOM not in child.namespace and child.text:
            return child.text
        if child.attributes.get("rel", "alternate") == "alternate" and child.attributes.get("href"):
            return child.attributes["href"]
    guids = [child for child in node.all("guid") if child.attributes.get("isPermaLink", "true") == "true"]
    return guids[0].text if guids and "://" in guids[0].text else None


def _enclosures(node: Node) -> Iterator[dict[str, Any]]:
    """Yield the pictures and videos an entry names, each address once."""
    named = [
        (child.attributes.get("url"), child.attributes.get("type", "")) for child in node.all("enclosure")
    ]
    named += [
        (child.attributes.get("href"), child.attributes.get("type", ""))
        for child in node.all("link")
        if child.attributes.get("rel") == "enclosure"
    ]
    named += [
        (child.attributes.get("url"), child.attributes.get("type") or child.attributes.get("medium", ""))
        for child in node.below("content", _MEDIA)
    ]
    for url, kind in dict.fromkeys(named):
        if url and kind.partition("/")[0] in {"image", "video"}:
            yield {"url": url, "kind": kind.partition("/")[0]}


def _address(path: Path, node: Node) -> SourceRow | RefusedRow | None:
    place = Place(str(path), node.line, node.position)
    news = next(iter(node.all("news", _NEWS)), None)
    images = node.all("image", _IMAGE)
    videos = node.all("video", _VIDEO)
    words = [news.value("title", _NEWS)] if news else []
    words += [image.value(name) for image in images for name in ("title", "caption")]
    words += [video.value(name) for video in videos for name in ("title", "description")]
    caption = caption_of(*(html_text(word) for word in words))
    if caption is None:
        return None
    publication = next(iter(news.all("publication", _NEWS)), None) if news else None
    try:
        published = time_of(news.value("publication_date", _NEWS)) if news else None
    except InputError as error:
        return place.refused(str(error))
    media = [{"url": image.value("loc"), "kind": "image"} for image in images if image.value("loc")]
    media += [{"url": url, "kind": "video"} for video in videos if (url := video.value("content_loc"))]
    fields = {
        "item_id": node.value("loc"),
        "permalink": node.value("loc"),
        "caption": caption,
        "published_at": published,
        "lang": publication.value("language", _NEWS) if publication else None,
    }
    return source_row(place, fields, media)
