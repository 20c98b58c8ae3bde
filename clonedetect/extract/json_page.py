"""Reads JSON: whole documents of viewer APIs, hydration data, and the JSON inside scripts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from clonedetect.extract import identifiers
from clonedetect.extract.harvest import Harvest, NestedKind, Omission
from clonedetect.extract.media_urls import looks_like_media
from clonedetect.extract.paging import endpoints, id_endpoints
from clonedetect.extract.places import Place
from clonedetect.extract.scripts import (
    JsonValue,
    TooDeep,
    find_json,
    flight_text,
    is_hydration,
    literals,
)
from clonedetect.models.item import MediaKind
from clonedetect.models.page import BlockKind, DeclarationKind, LinkKind

__all__ = [
    "is_json_sequence",
    "is_prose",
    "read_flight",
    "read_json_text",
    "read_json_value",
    "read_script",
    "scrubbed",
    "sniff_json",
]

MAX_DEPTH = 200
_MAX_STRING = 1_000_000

_GUARD = re.compile(r"\s*(?:\)\]\}',?|for\s*\(;;\);|while\s*\(1\);|&&&START&&&)\s*")
_CALLBACK = re.compile(r"\s*(?:/\*\*/\s*)?[\w$.]{1,100}\(\s*(?=[{\[])")
_BETWEEN = re.compile("[ \t\r\n\x1e]*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ELEMENT = re.compile(r"<[a-zA-Z][^<>]{0,2000}>")
_END_TAG = re.compile(r"</[a-zA-Z]")
_SHOWN = re.compile(r"<(?:img|video|source)\b[^<>]{0,2000}\bsrc\s*=")
_CODE = re.compile(
    r"function\s*\(|=>|;\s*\}|\}\s*\)|\bvar\s+\w+\s*=|!important|@media|[{;]\s*[\w-]+\s*:\s*[^;{}]+;"
)
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.:,;%&?#|~-]+")
_PICTURE_KEY = re.compile(
    r"(?:image|img|picture|photo|thumb(?:nail)?|pic|avatar|cover|poster|display|media|src|preview)"
    r"(?:_?(?:url|src|uri|link|hd|large|full|small|original))*s?$"
)
_VIDEO_KEY = re.compile(r"(?:video|clip|reel)(?:_?(?:url|src|uri|link|hd))*$|playable_?url$")
_PICTURE_OWNER = re.compile(
    r"\.(?:images?|thumbnails?|(?:image_?versions2?|display_?resources|thumbnail_?resources)(?:\.candidates)?|@image)$"
)
_VIDEO_OWNER = re.compile(r"\.(?:video_?versions|video_?resources|@video)$")
_OWN_ADDRESS = frozenset({"url", "uri", "content_url"})
"""Fields that say where a picture is by what they are a field of, and nothing by themselves."""

_TYPES = {"ImageObject": "@image", "Photograph": "@image", "VideoObject": "@video"}
_NEXT_KEY = re.compile(
    r"(?:next(?:_?(?:url|page|page_?url|href|link|uri|max_?url))?|load_?more(?:_?url)?|more_?url)$"
)
_LINK_KEY = re.compile(r"(?:url|href|link|permalink|canonical(?:_?url)?|page_?url|post_?url|share_?url)$")
_API_KEY = re.compile(r"(?:api|endpoint|ajax)(?:_?(?:url|href|uri))?$")
_TEXT_KEY = re.compile(
    r"(?:caption|text|title|description|desc|alt|accessibility_?caption|alternative_?headline|biography|bio|full_?name"
    r"|content|body|article_?body|headline|name|comment|message|summary|html|raw|snippet)(?:_?text)?$"
)
_ALT_KEYS = ("accessibility_caption", "accessibilityCaption", "alt", "alt_text", "altText", "caption")


@dataclass(frozen=True, slots=True)
class _Item:
    value: JsonValue
    key: str
    place: Place
    depth: int
    alt: str
    owner: str = ""
    """The fields around it, the nearest last; ``@image`` and ``@video`` for what an object says it is."""


def sniff_json(text: str, content_type: str) -> tuple[JsonValue, bool]:
    """Return the value of a document that is JSON, and whether it is one.

    Content decides: guards against script inclusion and callbacks are taken
    off, the header only settles what a bare string or number is.
    """
    says_json = "json" in content_type.lower()
    guard = _GUARD.match(text)
    body = text[guard.end() :] if guard else text
    body = body.strip(" \t\r\n\ufeff")
    callback = _CALLBACK.match(body)
    if callback and body.rstrip("; \t\r\n").endswith(")"):
        body = body[callback.end() :].rstrip("; \t\r\n")[:-1]
    if not says_json and body[:1] not in {"{", "["}:
        return None, False
    try:
        return json.loads(body, strict=False), True
    except (ValueError, RecursionError):
        return None, False


def is_json_sequence(text: str) -> bool:
    """Whether `text` is whole JSON values one after another (JSON lines, RFC 7464) and nothing else.

    What nests too deep to be decoded is counted as such, and not as cut short.
    """
    decoder = json.JSONDecoder(strict=False)
    position = 0
    try:
        while gap := _BETWEEN.match(text, position):
            if gap.end() == len(text):
                return True
            position = decoder.raw_decode(text, gap.end())[1]
    except ValueError:
        return False
    except RecursionError:
        return True
    return False


def read_json_text(harvest: Harvest, text: str, place: Place, level: int) -> bool:
    """Take what the JSON within `text` holds; return whether there was any."""
    found = False
    try:
        for one in find_json(text):
            found = True
            read_json_value(harvest, one.value, place, level)
    except TooDeep:
        harvest.omitted[Omission.JSON_DEPTH] += 1
        return True
    return found


def read_script(harvest: Harvest, script: str, place: Place, level: int) -> None:
    """Take the data that a script carries: JSON values, flight rows, strings of JavaScript objects.

    Of strings outside JSON only media addresses are taken, and prose where
    the script is recognised as carrying the page's data; the words of a
    program are no content.
    """
    covered: list[tuple[int, int]] = []
    try:
        for found in find_json(script):
            covered.append((found.start, found.end))
            read_json_value(harvest, found.value, place.at(f"~{found.start}"), level)
    except TooDeep:
        harvest.omitted[Omission.JSON_DEPTH] += 1
    has_data = is_hydration(script)
    spans = iter(sorted(covered))
    span = next(spans, None)
    quoted = list(literals(script))
    for address in endpoints(harvest.url, quoted):
        harvest.add_link(address, LinkKind.API, place)
    for address in id_endpoints(quoted):
        harvest.add_declaration(DeclarationKind.ENDPOINT, address, place)
    for literal in quoted:
        while span is not None and span[1] <= literal.start:
            span = next(spans, None)
        if span is not None and span[0] <= literal.start < span[1]:
            continue
        at = place.at(f"~{literal.start}")
        if has_data:
            _read_string(harvest, _Item(literal.text, literal.key, at, 0, ""), level)
        elif "/" in literal.text and (kind := looks_like_media(literal.text)) is not None:
            harvest.add_media(scrubbed(literal.text), "script", at, kind=kind)


def read_flight(harvest: Harvest, scripts: list[str], place: Place, level: int) -> None:
    """Take the rows of a React flight stream, pushed piecewise by several scripts."""
    text = flight_text("\n".join(scripts))
    if text:
        read_json_text(harvest, text, place.at("#flight"), level)


def read_json_value(harvest: Harvest, value: JsonValue, place: Place, level: int) -> None:
    """Take what a decoded JSON value holds; objects in a list are entries."""
    stack = [_Item(value, "", place.at("#$"), 0, "")]
    while stack:
        item = stack.pop()
        harvest.json_values += 1
        if harvest.json_values > harvest.limits.json_values:
            harvest.omitted[Omission.JSON_SIZE] += 1 + len(stack)
            return
        if isinstance(item.value, dict | list):
            if item.depth >= MAX_DEPTH:
                harvest.omitted[Omission.JSON_DEPTH] += 1
            else:
                stack.extend(reversed(_parts(harvest, item)))
        elif isinstance(item.value, str):
            _read_string(harvest, item, level)
        elif isinstance(item.value, int) and not isinstance(item.value, bool) and 0 < item.value < 10**25:
            _identify(harvest, item.key, str(item.value), item.place)


def _parts(harvest: Harvest, item: _Item) -> list[_Item]:
    depth = item.depth + 1
    if isinstance(item.value, dict):
        alt = next(
            (one for key in _ALT_KEYS if isinstance(one := item.value.get(key), str) and one), item.alt
        )
        owner = _owner(item)
        return [
            _Item(value, key, item.place.at(f".{scrubbed(key)[:64]}"), depth, alt, owner)
            for key, value in item.value.items()
        ]
    parts = []
    for number, value in enumerate(item.value if isinstance(item.value, list) else ()):
        place = item.place.at(f"[{number}]")
        if isinstance(value, dict):
            place = Place(place.path, harvest.entries.add(place.path, place.entry))
        parts.append(_Item(value, item.key, place, depth, item.alt, item.owner))
    return parts


def _owner(item: _Item) -> str:
    """Return the fields around what an object holds, its type by schema.org last if that is a picture's."""
    named = item.value.get("@type") if isinstance(item.value, dict) else None
    typed = _TYPES.get(named, "") if isinstance(named, str) else ""
    return f"{item.owner[-64:]}.{_snake(item.key)}{'.' if typed else ''}{typed}"


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()


def _read_string(harvest: Harvest, item: _Item, level: int) -> None:
    text = scrubbed(item.value) if isinstance(item.value, str) else ""
    stripped = text.strip()
    if len(stripped) < 2 or _identify(harvest, item.key, stripped, item.place):
        return
    key = _snake(item.key)
    if _read_address(harvest, key, stripped, item):
        return
    if len(stripped) > _MAX_STRING and stripped[0] not in "{[<":
        harvest.omitted[Omission.JSON_SIZE] += 1
    elif stripped[0] in "{[" and stripped[-1] in "}]" and ('"' in stripped):
        harvest.add_nested(NestedKind.JSON, stripped, item.place, level + 1)
    elif "<" in stripped and _is_markup(stripped):
        harvest.add_nested(NestedKind.HTML, stripped, item.place, level + 1)
    elif is_prose(stripped, is_named=bool(_TEXT_KEY.search(key))):
        harvest.add_text(text, BlockKind.JSON, item.place)


def _is_markup(text: str) -> bool:
    has_element = _ELEMENT.search(text) is not None and _END_TAG.search(text) is not None
    return has_element or _SHOWN.search(text) is not None


def _read_address(harvest: Harvest, key: str, text: str, item: _Item) -> bool:
    """Take `text` if it is an address, and return whether it was one."""
    if (len(text) > 8_192 and not text.startswith("data:")) or re.search(r"\s", text):
        return False
    kind = looks_like_media(text)
    is_address = text.startswith(("http://", "https://", "//", "/")) and len(text) > 1
    if kind is None and is_address:
        if _VIDEO_KEY.search(key):
            kind = MediaKind.VIDEO
        elif _PICTURE_KEY.search(key):
            kind = MediaKind.IMAGE
        else:
            kind = _kind_by_owner(key, item.owner)
    if kind is not None:
        harvest.add_media(text, "json", item.place, kind=kind, alt=scrubbed(item.alt))
        return True
    if not is_address:
        return False
    if _NEXT_KEY.search(key):
        harvest.add_link(text, LinkKind.PAGINATION, item.place)
    elif _API_KEY.search(key):
        harvest.add_link(text, LinkKind.API, item.place)
    elif _LINK_KEY.search(key):
        harvest.add_link(text, LinkKind.PAGE, item.place)
    return True


def _kind_by_owner(key: str, owner: str) -> MediaKind | None:
    """Return what an address is by what its field is a field of: ``image_versions2.candidates[].url``."""
    if key not in _OWN_ADDRESS:
        return None
    if _VIDEO_OWNER.search(owner):
        return MediaKind.VIDEO if key != "url" or not owner.endswith("@video") else None
    return MediaKind.IMAGE if _PICTURE_OWNER.search(owner) else None


def _identify(harvest: Harvest, key: str, value: str, place: Place) -> bool:
    found = identifiers.of_key(key, value) if key and len(value) <= 64 else None
    if found is not None:
        harvest.add_identifier(found[0], found[1], place)
    return found is not None


def is_prose(text: str, *, is_named: bool) -> bool:
    """Whether a string is something people read, rather than a token, a selector or code.

    `is_named` says that its field is one that holds text; then short texts
    count as well.
    """
    letters = sum(character.isalpha() for character in text[:2_000])
    if letters < 3 or letters * 3 < min(len(text), 2_000):
        return False
    if is_named:
        return not (_OPAQUE.fullmatch(text) and len(text) > 40)
    is_foreign = any(ord(character) > 0x2FF for character in text[:200])
    has_words = len(text) >= 8 and len(text.split(maxsplit=2)) > 1
    return (has_words or is_foreign) and not _CODE.search(text)


def scrubbed(text: str) -> str:
    """Return `text` without lone surrogates, which JSON can spell and UTF-8 cannot."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
