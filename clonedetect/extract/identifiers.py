"""Reads handles, hashtags and native ids out of addresses and text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from clonedetect.extract.media_urls import asset_ids
from clonedetect.models.page import IdentifierKind

__all__ = ["is_api", "numeric_id", "of_media", "of_path", "of_segments", "of_text", "shortcode"]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}

Found = tuple[IdentifierKind, str]

_HANDLE = re.compile(r"(?<![\w@./])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![\w@])")
_HASHTAG = re.compile(r"(?<![\w&#/])[#＃](\w{1,100})")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?")
_CODE = re.compile(r"[A-Za-z0-9_-]{5,40}")
_DIGITS = re.compile(r"\d{5,25}")
_LONG_DIGITS = re.compile(r"\d{14,25}")
_TAG = re.compile(r"\w{1,100}")

_CODE_SEGMENTS = frozenset({"p", "reel", "reels", "tv"})
_ID_SEGMENTS = frozenset({"media", "post", "posts", "photo", "video", "status"})
_NAME_SEGMENTS = frozenset(
    {"profile", "user-profile", "v", "user", "users", "u", "stories", "userinfobyusername"}
)
_TAG_SEGMENTS = frozenset({"tag", "tags", "hashtag", "hashtags"})


def is_api(url: str) -> bool:
    """Whether the path of `url` says that a program, not a person, reads it."""
    segments = [one.lower() for one in urlsplit(url).path.split("/")]
    return "api" in segments or "graphql" in segments or segments[-1].endswith(".json")


def numeric_id(code: str) -> int:
    """Return the number a shortcode stands for (base64url digits, most significant first).

    Private posts carry a longer code whose first 11 characters count.
    Raises ValueError for a character that is no digit.
    """
    number = 0
    for character in code[:11]:
        if character not in _VALUES:
            raise ValueError(f"{code!r} is no shortcode: {character!r} is not base64url")
        number = number * 64 + _VALUES[character]
    return number


def shortcode(number: int) -> str:
    """Return the shortcode of a numeric id; the inverse of `numeric_id`."""
    if number < 0:
        raise ValueError(f"{number} is no id: ids are not negative")
    digits = ""
    while number or not digits:
        number, value = divmod(number, 64)
        digits = _ALPHABET[value] + digits
    return digits


def of_text(text: str) -> Iterator[Found]:
    """Yield the @handles and #hashtags of `text`, without their marks."""
    if "@" in text:
        for match in _HANDLE.finditer(text):
            yield IdentifierKind.HANDLE, match.group(1)
    if "#" in text or "＃" in text:
        for match in _HASHTAG.finditer(text):
            if not match.group(1).isdigit():
                yield IdentifierKind.HASHTAG, match.group(1)


def of_path(url: str) -> Iterator[Found]:
    """Yield what the path of `url` names: ``/p/CODE/``, ``/media/DIGITS``, ``/profile/NAME`` and the like.

    A last segment of 14 digits or more below another one is taken for an id, too.
    """
    try:
        yield from of_segments([unquote(one) for one in urlsplit(url).path.split("/") if one])
    except ValueError:
        return


def of_segments(segments: Sequence[str]) -> Iterator[Found]:
    """Yield what a path of these segments, decoded and none of them empty, names; see `of_path`."""
    for before, after in pairwise(segments):
        kind = before.lower()
        if kind in _CODE_SEGMENTS and _CODE.fullmatch(after):
            yield IdentifierKind.SHORTCODE, after
        elif kind in _TAG_SEGMENTS and _TAG.fullmatch(after):
            yield IdentifierKind.HASHTAG, after
        elif kind in _ID_SEGMENTS and _DIGITS.fullmatch(after):
            yield IdentifierKind.NUMERIC_ID, after
        elif kind in _ID_SEGMENTS and len(after) == 11 and _CODE.fullmatch(after):
            yield IdentifierKind.SHORTCODE, after
        elif kind in _NAME_SEGMENTS and _NAME.fullmatch(after) and not after.isdigit():
            yield IdentifierKind.HANDLE, after.removeprefix("@")
    for segment in segments:
        if segment.startswith("@") and _NAME.fullmatch(segment[1:]):
            yield IdentifierKind.HANDLE, segment[1:]
    is_last = len(segments) >= 2 and segments[-2].lower() not in _ID_SEGMENTS
    if is_last and _LONG_DIGITS.fullmatch(segments[-1]):
        yield IdentifierKind.NUMERIC_ID, segments[-1]


def of_media(url: str, unwrapped_url: str | None, page_url: str) -> Iterator[Found]:
    """Yield the asset ids of a picture's address, and the address itself where another host serves it.

    A hotlink's value is the full address; whose host it is, is for the
    platform's settings to say.
    """
    address = unwrapped_url or url
    if address.startswith("data:"):
        return
    for value in asset_ids(address):
        yield IdentifierKind.ASSET_ID, value
    try:
        is_elsewhere = urlsplit(address).hostname != urlsplit(page_url).hostname
    except ValueError:
        return
    if is_elsewhere:
        yield IdentifierKind.HOTLINK, address


def of_key(key: str, value: str) -> Found | None:
    """Return what a JSON field of this name and value identifies, if anything."""
    name = key.lower().replace("_", "").replace("-", "")
    if name in _JSON_NAMES and _NAME.fullmatch(value.removeprefix("@")):
        return IdentifierKind.HANDLE, value.removeprefix("@")
    if name in {"shortcode", "code"} and _CODE.fullmatch(value) and (name != "code" or len(value) == 11):
        return IdentifierKind.SHORTCODE, value
    if name in _JSON_IDS:
        head = value.partition("_")[0]
        if re.fullmatch(r"\d{8,25}", head):
            return IdentifierKind.NUMERIC_ID, head
    return None


_JSON_NAMES = frozenset({"username", "ownerusername", "screenname", "handle", "uniqueid", "authorname"})
_JSON_IDS = frozenset({"id", "pk", "strongid", "mediaid", "postid", "userid", "ownerid", "igid", "fbid"})
