"""Names that a request has a site look up: what viewers that fetch on demand would fetch because we ask.

A page that others link to is there already, whatever name stands in its path.
A search, a query by name and an API look-up by name are answered by asking the
platform; these are probes, and only names that the grant lists may be in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from clonedetect.grant.urls import NormalUrl
from clonedetect.models.capture import Purpose

__all__ = ["probed_names"]

_SEARCH = re.compile(
    r"(?:users?|profiles?|accounts?|names?|tags?|hashtags?|people)?[-_]?"
    r"(?:search|find|look-?up|suggest|autocomplete|typeahead)"
    r"(?:[-_]?(?:users?|profiles?|accounts?|names?|results?|all))?"
)
_BY_NAME = re.compile(r"(?:.*by[-_]?(?:user[-_]?)?(?:name|handle)|.*user[-_]?info|username|handle)")
_PROGRAM = re.compile(r"api|graphql|ajax|rest|wp-json")
_OF_A_NAME = re.compile(r"users?|u|profiles?|accounts?|story|stories|highlights?")
_CATEGORY = re.compile(
    r"all|users?|profiles?|accounts?|people|tags?|hashtags?|posts?|top|recent|results?|page"
)
_PART = re.compile(
    r"comments?|details?|feed|followers?|following|highlights?|images?|info|items?|list|me|media|photos?|reels?|"
    rf"story|stories|tagged|videos?|{_CATEGORY.pattern}"
)
_NAME = re.compile(r"username|uname|handle|nick(?:name)?|screenname|accountname|profilename")
_LOOSE_NAME = re.compile(r"user|account|profile|name")
_QUERY = re.compile(r"q|query|search|keywords?|term|searchterm|searchquery")
_ON_SEARCH = re.compile(rf"s|k|text|value|input|{_LOOSE_NAME.pattern}|{_QUERY.pattern}")
_EXTENSION = re.compile(r"\.(?:json|html?|php|aspx?|jsp)$", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")
_VERSION = re.compile(r"v[0-9.]+")


def probed_names(url: NormalUrl, purpose: Purpose) -> tuple[str, ...]:
    """Return the names that `url`, asked for `purpose`, has the site look up; none for any other request.

    Only pages and API answers are looked at; a picture is what a page shows.

    1. a search: what a segment like ``search`` is followed by, or its query
       parameters say (``q``, ``query``, ``term`` ...); on other paths ``q`` and
       its like count too, unless set to a number
    2. a query by name: ``username``, ``handle`` and their like, on any path
    3. a segment that says so (``userInfoByUsername``): what it is followed by
    4. where a program is asked (purpose API, or a segment like ``api``): what
       ``user``, ``profile``, ``stories`` and their like are followed by or set to,
       unless it is a number, which is an id
    """
    if purpose not in (Purpose.PAGE, Purpose.API):
        return ()
    segments = [_EXTENSION.sub("", part.partition(";")[0]) for part in url.path.split("/") if part]
    words = [unquote(one).lower() for one in segments]
    is_program = purpose is Purpose.API or any(map(_PROGRAM.fullmatch, words))
    is_search = any(map(_SEARCH.fullmatch, words))
    found = [*_followed(segments, words, is_program=is_program)]
    for name, value in _pairs(url):
        is_number = _NUMBER.fullmatch(value) is not None
        asked = _ON_SEARCH.fullmatch(name) if is_search or url.path == "/" else _QUERY.fullmatch(name)
        counts = asked is not None and (is_search or not is_number)  # 1
        counts |= _NAME.fullmatch(name) is not None  # 2
        counts |= is_program and _LOOSE_NAME.fullmatch(name) is not None and not is_number  # 4
        if counts and value:
            found.append(value)
    return tuple(dict.fromkeys(found))


def _followed(segments: list[str], words: list[str], *, is_program: bool) -> Iterator[str]:
    """Yield the segments that are names by what stands before them."""
    is_asked = False
    for place, word in enumerate(words):
        if is_asked and not _CATEGORY.fullmatch(word) and not _NUMBER.fullmatch(word):
            yield _plain(unquote(segments[place]))
            is_asked = False
        elif place and _is_led_by(words[place - 1], word, is_program=is_program):
            yield _plain(unquote(segments[place]))
        is_asked |= _SEARCH.fullmatch(word) is not None  # 1


def _is_led_by(before: str, word: str, *, is_program: bool) -> bool:
    if _BY_NAME.fullmatch(before):
        return True  # 3
    if not is_program or not _OF_A_NAME.fullmatch(before) or _PART.fullmatch(word):
        return False
    is_lookup = _BY_NAME.fullmatch(word) or _SEARCH.fullmatch(word) or _VERSION.fullmatch(word)
    return not (is_lookup or _NUMBER.fullmatch(word))  # 4


def _pairs(url: NormalUrl) -> Iterator[tuple[str, str]]:
    """Yield query and path parameters; names without anything but letters and digits, in lower case."""
    told = [parameter for segment in url.path.split("/") for parameter in segment.split(";")[1:]]
    for part in [*re.split("[&;]", url.query), *told]:
        name, _, value = part.partition("=")
        outer, _, inner = unquote_plus(name).rpartition("[")
        field = outer if inner == "]" else inner
        yield re.sub(r"[\W_]", "", field).lower(), _plain(unquote_plus(value))


def _plain(name: str) -> str:
    return name.strip().removeprefix("@")
