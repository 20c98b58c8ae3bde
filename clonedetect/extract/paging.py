"""Addresses that a document does not spell out, and that follow from its own: the next page, an endpoint.

Only what the document's address or the document itself shows is used: a cursor goes
where its address has one already. Nothing is guessed of a server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urljoin, urlsplit

from clonedetect.extract.identifiers import is_api
from clonedetect.extract.scripts import JsonValue, Literal

__all__ = ["endpoints", "id_endpoints", "next_addresses"]

_MORE = re.compile(r"(?:has_?next(?:_?page)?|has_?more|more_?available)")
_CURSOR = re.compile(r"(?:next(?:_?(?:cursor|max_?id|page|token|offset))?|end_?cursor|cursor)")
_PARAMETER = re.compile(
    r"(?:next|after|cursor|end_?cursor|max_?id|page(?:_?(?:no|num|number|token))?|p|pg|offset|start|token)"
)
_COUNTED = re.compile(r"(?:page(?:_?(?:no|num|number))?|p|pg)")
_DEEPEST = 4
_LONGEST = 500
_BY_NAME = re.compile(r"(?:by[-_]?(?:user[-_]?)?name|user[-_]?info|username)/$", re.IGNORECASE)
_BY_ID = re.compile(r"/(?:stories|story|highlights?|reels?|posts?|media|feed)/$", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:https?://[^/\s]+)?/[\w./~%?&=+,-]*")
_PROFILE = re.compile(r"(?:profiles?|users?|u|v|viewer|story-viewer|stories|user-profile)", re.IGNORECASE)


def next_addresses(url: str, value: JsonValue) -> Iterator[str]:
    """Yield the addresses of what follows the JSON document `value` that `url` gave.

    1. nothing where it says that there is no more (``has_next: false``)
    2. its cursor (``next``, ``end_cursor``, ``next_max_id`` ...), where it is no
       address of its own, in place of the one parameter of `url` that takes one
    3. a cursor that is a query: that query
    4. without a cursor, and where it says that there is more, the next page number
    """
    for part in _records(value, _DEEPEST):
        told = {key.lower(): one for key, one in part.items()}
        more = [one for key, one in told.items() if _MORE.fullmatch(key)]
        if any(one is False for one in more):
            continue  # 1
        cursors = [one for key, one in told.items() if _CURSOR.fullmatch(key) and _is_cursor(one)]
        if not cursors and any(one is True for one in more):
            yield from _counted_up(url)  # 4
        for cursor in cursors[:1]:
            text = str(cursor)
            following = urljoin(url, text) if text.startswith("?") else _with_cursor(url, text)  # 3, 2
            if following is not None and following != url:
                yield following


def endpoints(url: str, found: Iterable[Literal]) -> Iterator[str]:
    """Yield API addresses that a script of the page `url` holds as strings.

    One that ends where a name would follow (``/api/userInfoByUsername/``) gets
    the name in the page's own address, ``/profile/NAME``, and none without it.
    """
    name = _subject(url)
    for text in filter(_is_endpoint, (literal.text for literal in found)):
        if not text.endswith(("/", "=", "?", "&")):
            yield text
        elif name and _BY_NAME.search(text):
            yield text + name


def id_endpoints(found: Iterable[Literal]) -> Iterator[str]:
    """Yield the API addresses that end where an id would follow: ``/api/stories/``."""
    for text in filter(_is_endpoint, (literal.text for literal in found)):
        if text.endswith("/") and _BY_ID.search(text):
            yield text


def _is_endpoint(text: str) -> bool:
    return len(text) <= _LONGEST and _ENDPOINT.fullmatch(text) is not None and is_api(text)


def _records(value: JsonValue, levels: int) -> Iterator[dict[str, JsonValue]]:
    if isinstance(value, dict):
        yield value
        if levels:
            for part in value.values():
                if isinstance(part, dict):
                    yield from _records(part, levels - 1)


def _is_cursor(value: JsonValue) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = str(value)
    is_address = text.startswith(("/", "http://", "https://"))
    return bool(text) and len(text) <= _LONGEST and text.isprintable() and not is_address


def _with_cursor(url: str, cursor: str) -> str | None:
    """Return `url` with its one paging parameter set to `cursor`; None if it has none or several."""
    pairs = urlsplit(url).query.split("&")
    places = [place for place, pair in enumerate(pairs) if _PARAMETER.fullmatch(_name(pair))]
    if len(places) != 1:
        return None
    return _replaced(url, pairs, places[0], quote(cursor, safe=""))


def _counted_up(url: str) -> Iterator[str]:
    pairs = urlsplit(url).query.split("&")
    places = [place for place, pair in enumerate(pairs) if _COUNTED.fullmatch(_name(pair))]
    number = pairs[places[0]].partition("=")[2] if len(places) == 1 else ""
    if number.isascii() and number.isdigit() and len(number) < 10:
        yield _replaced(url, pairs, places[0], str(int(number) + 1))


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()


def _replaced(url: str, pairs: list[str], place: int, value: str) -> str:
    changed = [*pairs[:place], f"{pairs[place].partition('=')[0]}={value}", *pairs[place + 1 :]]
    return urlsplit(url)._replace(query="&".join(changed), fragment="").geturl()


def _subject(url: str) -> str:
    """Return the name in the address of a profile, "" for any other page."""
    segments = [segment for segment in urlsplit(url).path.split("/") if segment]
    if len(segments) >= 2 and _PROFILE.fullmatch(segments[-2]):
        return segments[-1]
    return ""
