"""The folder Instagram hands out on "download your information", in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.assembly import Place, asset_in, below, source_row
from clonedetect.index.importers.json_array import Element, elements, parsed, small_json
from clonedetect.index.importers.markup import repaired
from clonedetect.index.importers.rows import RefusedRow, SourceRow
from clonedetect.models.item import Visibility

__all__ = ["files", "is_export", "looks_like_posts", "read", "refuse_unreadable"]

_FOLDERS: Final = (
    "your_instagram_activity/content",
    "your_instagram_activity/media",
    "your_instagram_activity",
    "content",
)
_PATTERNS: Final = (
    "posts.json",
    "posts_*.json",
    "stories.json",
    "reels.json",
    "igtv_videos.json",
    "other_content.json",
    "archived_posts.json",
)
_KEYS: Final = frozenset(
    {"ig_stories", "ig_reels_media", "ig_igtv_media", "ig_other_media", "ig_archived_post_media"}
)
_PROFILES: Final = (
    "personal_information/personal_information/personal_information.json",
    "personal_information/personal_information.json",
    "account_information/personal_information.json",
)
_HEAD: Final = re.compile(rb'^\s*(?:\{\s*"ig_[a-z_]+"\s*:\s*)?\[\s*(?:\]|\{[^\[]*?"(?:media|uri)"\s*:)')
_MARKS: Final = ("your_instagram_activity", "personal_information", "ads_information")
_OLD_MARKS: Final = ("media.json", "messages.json")
"""What lies at the root of older exports, of another shape, beside pictures of messages."""

_NEVER_SHOWN: Final = ("$.ig_archived_post_media", "$.ig_other_media")
_STORY_LIFE: Final = timedelta(hours=24)


class _Media(msgspec.Struct, frozen=True):
    uri: str
    creation_timestamp: int = 0
    title: str = ""


class _Post(msgspec.Struct, frozen=True):
    media: tuple[_Media, ...] = ()
    uri: str | None = None
    title: str = ""
    creation_timestamp: int = 0


def looks_like_posts(head: bytes) -> bool:
    """Whether `head`, the first bytes of a JSON file, begins a list of Instagram's posts."""
    return _HEAD.match(head) is not None and b'"uri"' in head


def is_export(folder: Path) -> bool:
    """Whether `folder` holds a file of posts where an export has it, and it reads like one."""
    for path in files(folder):
        with path.open("rb") as file:
            if looks_like_posts(file.read(64 * 1024)):
                return True
    return False


def refuse_unreadable(folder: Path) -> None:
    """Raise InputError for an export that is no JSON, or of a shape unknown here.

    As a folder of pictures it would go in with those of private messages.
    """
    is_old = all((folder / mark).is_file() for mark in _OLD_MARKS)
    if is_old or any((folder / mark).is_dir() for mark in _MARKS):
        raise InputError(
            f"{folder} looks like an export of Instagram and holds no posts in JSON that can be read: ask "
            "for a new one, in JSON, not HTML; --format directory takes all pictures, those of messages too"
        )


def files(folder: Path) -> list[Path]:
    """Return the files of posts, stories and reels of an export, in the order they are read."""
    return [
        path
        for place in _FOLDERS
        for pattern in _PATTERNS
        for path in sorted((folder / place).glob(pattern))
        if path.is_file()
    ]


def read(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield posts, reels and stories of the export `path`; a file's address begins at its root.

    ``item_id`` is the handle, if the export tells it, and the first file's
    address. The posts of an account set to private are the followers', archived
    ones and ``other_content`` (where drafts are) private; of others the export
    does not tell, and public is assumed.
    """
    profile = _Profile(path)
    done = 0
    for file in files(path):
        for element in elements(file, _KEYS):
            if isinstance(element, RefusedRow):
                yield RefusedRow(element.source, element.line, element.reason, done + element.position)
            else:
                yield _row(path, file, profile, element, done + element.position)
        done += file.stat().st_size


class _Profile:
    """What the export tells of its owner; labels are those of an account in English."""

    def __init__(self, root: Path) -> None:
        told = next((found for name in _PROFILES if (found := small_json(root / name)) is not None), None)
        self.handle = _labelled(told, "Username")
        self.is_private = _labelled(told, "Private Account") == "True"


def _labelled(value: Any, label: str) -> str | None:
    """Return the value under `label` in the first profile of `value`."""
    try:
        found = value["profile_user"][0]["string_map_data"][label]["value"]
    except (KeyError, IndexError, TypeError):
        return None
    return repaired(found) if isinstance(found, str) and found else None


def _row(
    root: Path, file: Path, profile: _Profile, element: Element, position: int
) -> SourceRow | RefusedRow:
    place = Place(str(file), element.line, position, element.where)
    try:
        post = parsed(element, _Post)
    except InputError as error:
        return RefusedRow(str(file), element.line, str(error), position)
    entries = post.media or ((_Media(post.uri, post.creation_timestamp),) if post.uri else ())
    if not entries:
        return place.refused("a post without files")
    caption = next((title for title in (post.title, *(entry.title for entry in entries)) if title), "")
    published = post.creation_timestamp or entries[0].creation_timestamp
    visibility = Visibility.FOLLOWERS if profile.is_private else None
    if element.where.startswith(_NEVER_SHOWN):
        visibility = Visibility.PRIVATE
    try:
        at = datetime.fromtimestamp(published, UTC) if published else None
        media = [_medium(root, repaired(entry.uri)) for entry in entries]
    except (OverflowError, OSError, ValueError) as error:
        return place.refused(f"creation_timestamp {published} is no time ({error})")
    except InputError as error:
        return place.refused(str(error))
    uri = repaired(entries[0].uri)
    fields = {
        "item_id": f"{profile.handle}/{uri}" if profile.handle else uri,
        "handle": profile.handle,
        "caption": repaired(caption),
        "published_at": at,
        "expires_at": at + _STORY_LIFE if at and element.where.startswith("$.ig_stories") else None,
        "visibility": visibility,
    }
    return source_row(place, fields, media)


def _medium(root: Path, uri: str) -> dict[str, str | None]:
    place = {"url": uri} if "://" in uri else {"path": below(root, uri)}
    return {**place, "asset_id": asset_in(uri)}
