"""A Mastodon archive: ``outbox.json`` (ActivityStreams 2.0) and the media beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import (
    Place,
    Skips,
    asset_in,
    below,
    caption_of,
    first_there,
    path_of_url,
    source_row,
    time_of,
)
from clonedetect.index.importers.json_array import Element, elements, parsed, small_json
from clonedetect.index.importers.markup import html_text
from clonedetect.index.importers.rows import RefusedRow, SkippedRow, SourceRow
from clonedetect.models.item import Visibility

__all__ = ["outbox_of", "read"]

_PUBLIC: Final = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
_FILES: Final = "media_attachments/"
_POSTS: Final = frozenset({"Note", "Article", "Question", "Page", "Image", "Video"})


def outbox_of(path: Path) -> Path:
    """Return the outbox of an archive's folder, or the file itself."""
    return path / "outbox.json" if path.is_dir() else path


def read(path: Path, media: Path | None = None) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the posts of an archive, its files looked for below `media`, else beside the outbox.

    What others wrote (``Announce``) and activities without a post are passed
    over, counted once. Public and unlisted posts are public; posts to the
    followers' collection alone are the followers'; all others are private.
    """
    outbox = outbox_of(path)
    skips = Skips(str(outbox))
    reader = _Posts(outbox, media or outbox.parent, small_json(outbox.with_name("actor.json")))
    for element in elements(outbox, {"orderedItems"}):
        if isinstance(element, RefusedRow):
            yield element
            continue
        try:
            activity = parsed(element, dict[str, Any])
        except InputError as error:
            yield RefusedRow(str(outbox), element.line, str(error), element.position)
            continue
        post = activity.get("object")
        if activity.get("type") != "Create" or not isinstance(post, dict) or post.get("type") not in _POSTS:
            skips.add(_kind(activity))
            continue
        yield reader.row(element, activity, post)
    yield from skips.rows(outbox.stat().st_size)


def _kind(activity: Mapping[str, Any]) -> str:
    kind = str(activity.get("type"))[:40]
    if kind == "Announce":
        return "Announce, a post of somebody else's"
    return f"{kind}, which is no post"


class _Posts:
    """Posts to rows, with what the archive says of its owner."""

    def __init__(self, outbox: Path, media: Path, actor: Any) -> None:
        self._source = str(outbox)
        self._media = media
        told = actor if isinstance(actor, dict) else {}
        self._handle = told.get("preferredUsername")
        self._followers = told.get("followers")

    def row(
        self, element: Element, activity: Mapping[str, Any], post: Mapping[str, Any]
    ) -> SourceRow | RefusedRow:
        place = Place(self._source, element.line, element.position, element.where)
        author = post.get("attributedTo") or activity.get("actor")
        told = post if "to" in post or "cc" in post else activity
        try:
            fields = {
                "item_id": post.get("id"),
                "account_id": author if isinstance(author, str) else None,
                "handle": self._handle if isinstance(self._handle, str) else None,
                "permalink": post.get("url") if isinstance(post.get("url"), str) else post.get("id"),
                "caption": caption_of(_text(post, "summary"), _text(post, "name"), _text(post, "content")),
                "hashtags": _hashtags(post),
                "published_at": time_of(_string(post.get("published") or activity.get("published"))),
                "edited_at": time_of(_string(post.get("updated"))),
                "visibility": self._visibility(told),
                "lang": _language(post),
            }
            media = [self._medium(entry) for entry in _list(post.get("attachment")) if _is_seen(entry)]
        except InputError as error:
            return place.refused(str(error))
        return source_row(place, fields, media)

    def _visibility(self, told: Mapping[str, Any]) -> str:
        audience = {str(name) for name in (*_list(told.get("to")), *_list(told.get("cc")))}
        if audience & _PUBLIC:
            return Visibility.PUBLIC
        if any(name == self._followers or name.endswith("/followers") for name in audience):
            return Visibility.FOLLOWERS
        return Visibility.PRIVATE

    def _medium(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        url = _address(entry.get("url"))
        kind = _string(entry.get("mediaType")).partition("/")[0]
        medium: dict[str, Any] = {
            "kind": kind if kind in {"image", "video"} else None,
            "width": entry.get("width") or None,
            "height": entry.get("height") or None,
            "asset_id": asset_in(url),
        }
        if "://" not in url:
            whole = path_of_url(url)
            _, _, tail = whole.rpartition(_FILES)  # before it: a bucket, where media were kept in one
            names = dict.fromkeys((whole, _FILES + tail)) if tail != whole else (whole,)
            return medium | {"path": first_there([below(self._media, name) for name in names])}
        return medium | {"url": url}


def _address(url: Any) -> str:
    """Return the address of an attachment, which may be a list of links (Pleroma, Akkoma)."""
    for one in _list(url):
        found = one.get("href") if isinstance(one, dict) else one
        if isinstance(found, str) and found:
            return found
    raise InputError("an attachment without a url")


def _text(post: Mapping[str, Any], key: str) -> str:
    return html_text(_string(post.get(key)))


def _string(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{str(value)[:40]!r} stands where text belongs")
    return value


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _is_seen(entry: Any) -> bool:
    """Whether an attachment can be looked at: sounds and link cards have no picture."""
    if not isinstance(entry, dict):
        raise InputError("an attachment that is no object")
    kind = _string(entry.get("mediaType")).partition("/")[0]
    return kind in {"image", "video"} or (not kind and entry.get("type") in {"Document", "Image", "Video"})


def _hashtags(post: Mapping[str, Any]) -> tuple[str, ...]:
    tags = [tag for tag in _list(post.get("tag")) if isinstance(tag, dict) and tag.get("type") == "Hashtag"]
    return tuple(_string(tag.get("name")).removeprefix("#") for tag in tags if tag.get("name"))


def _language(post: Mapping[str, Any]) -> str | None:
    found = post.get("contentMap")
    return str(next(iter(found))) if isinstance(found, dict) and len(found) == 1 else None
