"""A WordPress export (WXR 1.0 to 1.2): posts, pages and attachments that were published."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import (
    Place,
    Skips,
    below,
    caption_of,
    first_there,
    path_of_url,
    source_row,
)
from clonedetect.index.importers.markup import html_text
from clonedetect.index.importers.rows import RefusedRow, SkippedRow, SourceRow
from clonedetect.index.importers.xml_records import Node, records
from clonedetect.models.item import Visibility

__all__ = ["NAMESPACE", "read"]

NAMESPACE: Final = "wordpress.org/export/"
_CONTENT: Final = "purl.org/rss/1.0/modules/content"
_TYPES: Final = frozenset({"post", "page", "attachment"})
_SHORTCODES: Final = re.compile(r"\[/?(?:caption|gallery|embed|audio|video|playlist)\b[^\]]*\]")
_UPLOADS: Final = "wp-content/uploads/"
_NEVER: Final = "0000-00-00 00:00:00"


def read(path: Path, media: Path | None = None) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield what was published; files of attachments are looked for below `media`, if it is given.

    The file is read twice: an attachment inherits the status of its post, which
    may stand after it, and of a post that the export does not hold nobody knows
    that it was public. Private and password-protected posts are private; drafts
    and the like are refused; menus, revisions and settings are passed over.
    """
    statuses = _statuses(path)
    skips = Skips(str(path))
    for node in records(path, {"item"}):
        if isinstance(node, RefusedRow):
            yield node
        elif (kind := node.value("post_type", NAMESPACE)) in _TYPES:
            yield _row(path, node, kind, statuses, media)
        else:
            skips.add(f"{kind[:40] or 'an item without a type'}, which is no post, page or attachment")
    yield from skips.rows(path.stat().st_size)


def _statuses(path: Path) -> dict[str, str]:
    """Return what each post is that attachments may belong to, by its id."""
    return {
        node.value("post_id", NAMESPACE): sys.intern(_status(node))
        for node in records(path, {"item"})
        if not isinstance(node, RefusedRow) and node.value("post_type", NAMESPACE) != "attachment"
    }


def _status(node: Node) -> str:
    status = node.value("status", NAMESPACE)
    if status == "publish" and node.value("post_password", NAMESPACE):
        return "private"
    return status


def _row(
    path: Path, node: Node, kind: str, statuses: dict[str, str], media: Path | None
) -> SourceRow | RefusedRow:
    post_id = node.value("post_id", NAMESPACE)
    place = Place(str(path), node.line, node.position)
    status = _status(node)
    if kind == "attachment" and status == "inherit":
        parent = node.value("post_parent", NAMESPACE)
        status = "publish" if parent in {"", "0"} else statuses.get(parent, "private")
    if status not in {"publish", "private"}:
        return place.refused(f"{kind} {post_id} is not published (status {status[:40] or 'missing'})")
    try:
        files = [_medium(node, media)] if kind == "attachment" else []
        published = _gmt(node.value("post_date_gmt", NAMESPACE))
        edited = _gmt(node.value("post_modified_gmt", NAMESPACE))
    except InputError as error:
        return place.refused(str(error))
    author = node.value("creator", "purl.org/dc/")
    fields = {
        "item_id": post_id,
        "handle": author,
        "permalink": node.value("link", ""),
        "caption": _caption(node, kind),
        "hashtags": tuple(
            tag.text for tag in node.all("category", "") if tag.attributes.get("domain") == "post_tag"
        ),
        "published_at": published,
        "edited_at": edited if edited != published else None,
        "visibility": Visibility.PUBLIC if status == "publish" else Visibility.PRIVATE,
    }
    return source_row(place, fields, files)


def _caption(node: Node, kind: str) -> str | None:
    """Return what a visitor reads; the title of an attachment is most often the name of its file."""
    content = _SHORTCODES.sub(" ", node.value("encoded", _CONTENT))
    excerpt = node.value("encoded", f"{NAMESPACE}1") if kind == "attachment" else ""
    title = "" if kind == "attachment" else node.value("title", "")
    return caption_of(html_text(title), html_text(excerpt), html_text(content))


def _medium(node: Node, media: Path | None) -> dict[str, str]:
    url = node.value("attachment_url", NAMESPACE) or node.value("guid", "")
    if not url:
        raise InputError("an attachment without its address")
    if media is None:
        return {"url": url}
    whole = path_of_url(url)
    _, _, tail = whole.partition(_UPLOADS)
    candidates = [below(media, name) for name in (_UPLOADS + tail, tail) if tail] or [below(media, whole)]
    return {"url": url, "path": first_there(candidates)}


def _gmt(text: str) -> datetime | None:
    if not text or text == _NEVER:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{text[:40]!r} is no time") from error
