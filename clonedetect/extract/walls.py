"""Tells pages that keep the content from us, or have none, from pages that show it.

Recognised by structure: what stands on the page besides words, how much there
is of it, and what the page makes the browser do. A word list alone never
decides, and a page with content of its own is never a wall, whatever it is
called. `None` claims nothing more than that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from clonedetect.extract import wall_words as words
from clonedetect.extract.charset import decode
from clonedetect.extract.dom import parse
from clonedetect.extract.json_page import sniff_json
from clonedetect.extract.page import read_page
from clonedetect.extract.scripts import JsonValue
from clonedetect.extract.wall_facts import FULL_CHARS, Facts, is_full, look
from clonedetect.models.capture import Outcome

__all__ = ["Wall", "classify"]

Wall = tuple[Outcome, str]

TINY_CHARS = 1_200
"""Readable characters that interstitials stay under; measured ones have 100 to 700."""

_BLOCKED = frozenset({401, 403, 405, 406, 422, 429, 503})
_ERROR_CHARS = 350
_ERROR_CHARS_BESIDE_A_PICTURE = 100
"""Readable characters that an error page has besides its heading."""

_SCRIPTED_CHARS = 400
"""Readable characters beside a script that acts for the page."""

_SHELL_CHARS = 60
"""Readable characters outside links that a shell has at most: "loading" in any language."""

_CONTENT_MEDIA = 3
"""A logo, an icon and a banner; a page with more pictures shows something."""


def classify(
    status: int, headers: Sequence[tuple[str, str]], content: bytes, url: str, final_url: str
) -> Wall | None:
    """Return the outcome and a sentence for a page that is a wall, or None for any other page.

    `headers` are (name, value) pairs, `content` the decoded body, `url` what
    was asked and `final_url` what answered. Statuses decide alone only where
    they are plain: 401 is a login wall, 429 a rate limit.
    """
    fields = {name.lower(): value for name, value in headers}
    if status == 401:
        return Outcome.LOGIN_WALL, "the server asks for credentials (401)"
    if fields.get("cf-mitigated", "").lower() == "challenge":
        return Outcome.CHALLENGE_PAGE, "the server says that it sent a challenge (cf-mitigated)"
    wall = _classify_content(status, fields.get("content-type", ""), content, url, final_url)
    if wall is None and status == 429:
        return Outcome.RATE_LIMITED, "the server says that there were too many requests (429)"
    return wall


def _classify_content(
    status: int, content_type: str, content: bytes, url: str, final_url: str
) -> Wall | None:
    if not content.strip() or not _is_examined(status):
        return None
    text = decode(content, content_type).text
    value, is_json = sniff_json(text, content_type)
    if is_json:
        return _json_wall(status, value)
    if "json" in content_type.lower() or content_type.lower().startswith(
        ("image/", "video/", "audio/", "font/")
    ):
        return None
    if len(text) > FULL_CHARS and is_full(parse(text)):
        return None
    facts = look(parse(text), url, final_url)
    checks: tuple[Callable[[], Wall | None], ...] = (
        lambda: _challenge(status, facts),
        lambda: _login(facts, url, final_url),
        lambda: _parked(facts, final_url),
        lambda: _not_found(status, facts),
        lambda: _limited(status, facts),
        lambda: _sent_away(status, facts),
        lambda: _shell(status, facts, content, final_url, content_type),
    )
    return next((wall for check in checks if (wall := check()) is not None), None)


def _is_examined(status: int) -> bool:
    return 200 <= status < 300 or status in _BLOCKED


def _challenge(status: int, facts: Facts) -> Wall | None:
    """A nearly empty page that makes the browser, or the person, prove itself.

    1. Something acts: a captcha widget, an element with a service's key where nothing can be
       filled in, a form that nobody can fill in or that asks for the letters of a picture,
       a refresh to the same site, or a script that sets a cookie, sends something or holds a
       token, and loads again.
    2. Something says so: a status of refusal, words of waiting or checking in
       title or heading, or nothing on the page but the act.
    3. With the hint that scripts or cookies are needed, three signs in all; two where there is
       not one word, picture or link on the page. A code asked for is a sign and the act.
    """
    if (
        facts.chars > TINY_CHARS
        or facts.marks.media > _CONTENT_MEDIA
        or facts.marks.links > 15
        or facts.marks.has_password
    ):
        return None
    acts = _acts(facts)
    is_bare = facts.chars < 100 and not facts.marks.has_root and not facts.marks.links
    says = {
        f"status {status}": status in _BLOCKED,
        "a title of waiting or checking": bool(words.WAITING.search(f"{facts.title} {facts.heading}")),
        "nothing else on the page": is_bare,
        "a field for the letters of a picture": facts.marks.has_code_form,
    }
    signs = [*_true(acts), *_true(says)]
    if words.NEEDS_SCRIPT.search(f"{facts.marks.noscript} {facts.text}"):
        signs.append("a hint that scripts or cookies are needed")
    is_alone = facts.marks.refreshes_itself and len(_true(acts)) == 1 and status not in _BLOCKED
    is_blank = is_bare and not facts.chars and not facts.marks.media and not facts.marks.has_fields
    enough = 4 if is_alone else 2 if is_blank else 3
    if _true(acts) and _true(says) and len(signs) >= enough:
        return Outcome.CHALLENGE_PAGE, f"a nearly empty page with {', '.join(signs)}"
    return None


def _acts(facts: Facts) -> dict[str, bool]:
    marks = facts.marks
    does = _script_does(facts)
    return {
        "a captcha widget": marks.has_widget,
        "an element with a service's key": facts.has_key and not marks.has_fields and not marks.has_widget,
        "a form without visible fields": marks.has_hidden_form,
        "a form for a code": marks.has_code_form and facts.own_chars < 300,
        "a refresh to itself": marks.refreshes_itself,
        f"a script that {' and '.join(does)} and loads again": bool(does),
        "a script made for challenges": bool(words.CHALLENGE_SCRIPT.search(marks.scripts)),
    }


def _script_does(facts: Facts) -> list[str]:
    """Return what scripts do before they load again; one sign, however much it is.

    A short article with a counter sets cookies, sends and holds keys too: only next to no text counts.
    """
    scripts = facts.marks.scripts
    if not words.RELOAD.search(scripts) or facts.chars > _SCRIPTED_CHARS:
        return []
    does = {
        "sets a cookie": words.COOKIE_SET.search(scripts) is not None,
        "sends something": words.SENDS.search(scripts) is not None,
        "holds a token": words.TOKEN.search(scripts) is not None,
    }
    return _true(does)


def _true(claims: dict[str, bool]) -> list[str]:
    return [claim for claim, holds in claims.items() if holds]


def _login(facts: Facts, url: str, final_url: str) -> Wall | None:
    """An account's form that is all there is, or that another address was answered with."""
    if facts.marks.media > _CONTENT_MEDIA:
        return None
    place = _path(final_url)
    has_door = facts.marks.has_account_field or facts.marks.doors > 0
    if facts.marks.is_bounce and (facts.marks.has_password or (has_door and facts.own_chars < 600)):
        door = "a password form" if facts.marks.has_password else "a form or buttons for an account"
        return (
            Outcome.LOGIN_WALL,
            f"the address leads to {door} at {place}, which carries the address asked for",
        )
    if not facts.marks.has_password:
        return None
    was_sent = _path(url) != place and words.LOGIN_PATH.search(place) is not None
    if was_sent and facts.own_chars < FULL_CHARS:
        return Outcome.LOGIN_WALL, f"the address leads to a password form at {place}"
    if facts.own_chars < 600 and facts.marks.links <= 60:
        return Outcome.LOGIN_WALL, "a password form is all that the page has"
    return None


def _parked(facts: Facts, final_url: str) -> Wall | None:
    """A domain without a site: offered for sale by name, or filled with sponsored links."""
    host = (urlsplit(final_url).hostname or "").removeprefix("www.")
    head = f"{facts.title} {facts.heading}".lower()
    if facts.marks.media > _CONTENT_MEDIA or facts.chars > FULL_CHARS:
        return None
    names_itself = bool(host) and host in f"{head} {facts.text.lower()}"
    is_offered = words.FOR_SALE.search(head) is not None and (names_itself or "domain" in head)
    if is_offered or (facts.chars < TINY_CHARS and names_itself and words.FOR_SALE.search(facts.text)):
        return Outcome.PARKED, f"the domain {host} is offered for sale or parked"
    is_search = facts.marks.own_queries >= 5 and facts.marks.own_queries * 5 >= facts.marks.links * 4
    if is_search and names_itself and host in head and facts.unlinked_chars < 200 and facts.marks.media == 0:
        return (
            Outcome.PARKED,
            f"{facts.marks.own_queries} of {facts.marks.links} links are searches of {host} itself",
        )
    is_feed = (
        facts.marks.sponsored >= 3
        and facts.marks.sponsored * 2 >= facts.marks.links
        and facts.marks.away * 2 >= facts.marks.links
    )
    if is_feed and facts.own_chars < TINY_CHARS and facts.marks.media == 0:
        return (
            Outcome.PARKED,
            f"{facts.marks.sponsored} of {facts.marks.links} links are sponsored and there is no content",
        )
    return None


def _not_found(status: int, facts: Facts) -> Wall | None:
    """A success that says in title or heading that there is nothing, and shows nothing else."""
    if not 200 <= status < 300 or facts.chars > 2_000 or facts.marks.media > _CONTENT_MEDIA:
        return None
    # A song of that name comes with its words, and with its cover.
    shown = facts.own_chars - len(facts.heading)
    if shown > (_ERROR_CHARS_BESIDE_A_PICTURE if facts.marks.media else _ERROR_CHARS):
        return None
    for place, text in (("title", facts.title), ("heading", facts.heading)):
        match = words.NOT_FOUND.search(text)
        # A caption that ends in "not found" fills a heading; an error message is the heading,
        # and what goes on behind a comma or dash is somebody's name for something.
        is_named = match is not None and place == "heading" and words.GOES_ON.match(text[match.end() :])
        if match and len(text) <= 120 and not is_named:
            return Outcome.SOFT_404, f"status {status}, but the {place} says {match.group().strip()!r}"
    return None


def _limited(status: int, facts: Facts) -> Wall | None:
    """A success whose title or heading asks for fewer requests, with next to nothing beside it."""
    if not 200 <= status < 300 or facts.chars > 400 or facts.marks.media or facts.marks.links > 3:
        return None
    match = words.TOO_MANY.search(f"{facts.title} {facts.heading}")
    if match is None:
        return None
    return (
        Outcome.RATE_LIMITED,
        f"status {status}, but the page says {match.group().strip()!r} and nothing else",
    )


def _sent_away(status: int, facts: Facts) -> Wall | None:
    """A page that sends its reader to another site by itself, and shows next to nothing before."""
    if not 200 <= status < 300 or not facts.marks.leads_to or facts.marks.media or facts.marks.has_fields:
        return None
    if facts.own_chars > 120 or facts.marks.links > 2:
        return None
    return (
        Outcome.REDIRECTED_AWAY,
        f"the page itself leads to {facts.marks.leads_to[:200]}, and shows nothing else",
    )


def _shell(status: int, facts: Facts, content: bytes, url: str, content_type: str) -> Wall | None:
    """A success that leaves everything to scripts: an empty stage, and nobody has written a line."""
    is_empty = facts.unlinked_chars < _SHELL_CHARS and not facts.has_prose and not facts.marks.has_fields
    if not 200 <= status < 300 or not (facts.marks.has_scripts and facts.has_stage and is_empty):
        return None
    if facts.marks.media or not read_page(content, url, content_type).is_script_only:
        return None
    return (
        Outcome.NEEDS_RENDERING,
        f"an empty stage for scripts, {facts.unlinked_chars} characters and no picture in the page itself",
    )


def _path(url: str) -> str:
    return urlsplit(url).path.lower()


def _json_wall(status: int, value: JsonValue) -> Wall | None:
    """A short answer whose code, not whose prose, says why there is no content."""
    if not isinstance(value, dict) or len(json.dumps(value)) > 4_000 or _has_items(value):
        return None
    codes = _codes(value)
    for outcome, pattern in words.JSON_CODES:
        for code in codes:
            if pattern.search(code) and (status in _BLOCKED or _is_code(code)):
                return outcome, f"status {status} with the code {code[:80]!r}"
    return None


def _has_items(value: dict[str, JsonValue]) -> bool:
    return any(
        isinstance(one, list) and any(isinstance(part, dict) for part in one) for one in value.values()
    )


def _codes(value: dict[str, JsonValue]) -> list[str]:
    codes = []
    for key, one in value.items():
        if isinstance(one, str) and words.CODE_KEY.fullmatch(key.lower()):
            codes.append(one)
        elif isinstance(one, dict) and words.CODE_KEY.fullmatch(key.lower()):
            codes += _codes(one)
        elif one is True and re.fullmatch(r"[a-z_]*(?:captcha|challenge|login)[a-z_]*", key.lower()):
            codes.append(key)
    return codes


def _is_code(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_.-]{3,60}", text) is not None
