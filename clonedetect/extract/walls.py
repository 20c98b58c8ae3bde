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
from dataclasses import dataclass
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from clonedetect.extract import wall_words as words
from clonedetect.extract.charset import decode
from clonedetect.extract.dom import parse
from clonedetect.extract.json_page import sniff_json
from clonedetect.extract.media_urls import absolute
from clonedetect.extract.scripts import JsonValue
from clonedetect.models.capture import Outcome

__all__ = ["Wall", "classify"]

Wall = tuple[Outcome, str]

TINY_CHARS = 1_200
"""Readable characters that interstitials stay under; measured ones have 100 to 700."""

_BLOCKED = frozenset({401, 403, 405, 406, 422, 429, 503})
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
    facts = _look(parse(text), final_url)
    checks: tuple[Callable[[], Wall | None], ...] = (
        lambda: _challenge(status, facts),
        lambda: _login(facts, url, final_url),
        lambda: _parked(facts, final_url),
        lambda: _not_found(status, facts),
    )
    return next((wall for check in checks if (wall := check()) is not None), None)


def _is_examined(status: int) -> bool:
    return 200 <= status < 300 or status in _BLOCKED


@dataclass(frozen=True, slots=True)
class _Facts:
    """What walls are told by; `chars` counts readable characters, `own_chars` those outside forms."""

    text: str
    title: str
    heading: str
    chars: int
    own_chars: int
    media: int
    links: int
    sponsored: int
    away: int
    scripts: str
    script_sources: tuple[str, ...]
    has_widget: bool
    has_hidden_form: bool
    has_password: bool
    refreshes_itself: bool
    noscript: str
    has_root: bool


def _look(tree: LexborHTMLParser, final_url: str) -> _Facts:
    noscript = " ".join(_text(node) for node in tree.css("noscript"))
    scripts = "\n".join(node.text() or "" for node in tree.css("script:not([src])"))
    sources = tuple(node.attributes.get("src") or "" for node in tree.css("script[src], iframe[src]"))
    refresh = tree.css_first('meta[http-equiv="refresh" i]')
    links = [(node, absolute(final_url, node.attributes.get("href") or "")) for node in tree.css("a[href]")]
    host = urlsplit(final_url).hostname
    outside = [address for _, address in links if address and urlsplit(address).hostname != host]
    title = _text(tree.css_first("title"))
    heading = " ".join(_text(node) for node in tree.css("h1, h2")[:4])
    has_password = tree.css_first("input[type=password i]") is not None
    has_hidden_form = any(_is_hidden_form(form) for form in tree.css("form"))
    has_root = tree.css_first("#root, #app, #__next, #__nuxt, app-root, [data-reactroot]") is not None
    has_widget = tree.css_first("[data-sitekey], [data-captcha]") is not None
    media = sum(1 for node in tree.css("img, video, picture > source") if not _is_small(node))
    sponsored = sum(
        1 for node, _ in links if "sponsored" in (node.attributes.get("rel") or "").lower().split()
    )
    for node in tree.css("script, style, noscript, template, svg"):
        node.decompose()
    text = _text(tree.body)
    for form in tree.css("form, nav, footer"):
        form.decompose()
    return _Facts(
        text=text,
        chars=len(text),
        own_chars=len(_text(tree.body)),
        media=media,
        links=len(links),
        sponsored=sponsored,
        away=len(outside),
        scripts=scripts,
        script_sources=sources,
        has_widget=has_widget or any(words.WIDGET_SOURCE.search(source) for source in sources),
        refreshes_itself=refresh is not None and _is_own(refresh, final_url),
        noscript=noscript,
        title=title,
        heading=heading,
        has_password=has_password,
        has_hidden_form=has_hidden_form,
        has_root=has_root,
    )


def _text(node: LexborNode | None) -> str:
    return " ".join((node.text(separator=" ") or "").split()) if node is not None else ""


def _is_hidden_form(form: LexborNode) -> bool:
    """Whether a form has fields, none of which a person could fill in or press."""
    fields = [(one.attributes.get("type") or "text").lower() for one in form.css("input")]
    has_visible = any(kind != "hidden" for kind in fields) or bool(form.css("textarea, select, button"))
    return bool(fields) and not has_visible


def _is_small(node: LexborNode) -> bool:
    sizes = [node.attributes.get(name) or "" for name in ("width", "height")]
    return all(size.isdigit() and int(size[:6]) <= 64 for size in sizes)


def _is_own(refresh: LexborNode, final_url: str) -> bool:
    content = refresh.attributes.get("content") or ""
    _, mark, target = content.lower().partition("url=")
    if not mark:
        return True
    address = absolute(final_url, content[-len(target) :].strip("\"' "))
    return address is not None and urlsplit(address).hostname == urlsplit(final_url).hostname


def _challenge(status: int, facts: _Facts) -> Wall | None:
    """A nearly empty page that makes the browser prove itself.

    1. Something acts: a captcha widget, a form nobody can fill in, a refresh
       to the same site, or a script that sets a cookie and loads again.
    2. Something says so: a status of refusal, words of waiting or checking in
       title or heading, or nothing on the page but the act.
    3. With the hint that scripts or cookies are needed, three signs in all.
    """
    if facts.chars > TINY_CHARS or facts.media > _CONTENT_MEDIA or facts.links > 15 or facts.has_password:
        return None
    reloads = bool(words.COOKIE_SET.search(facts.scripts)) and bool(words.RELOAD.search(facts.scripts))
    acts = {
        "a captcha widget": facts.has_widget,
        "a form without visible fields": facts.has_hidden_form,
        "a refresh to itself": facts.refreshes_itself,
        "a script that sets a cookie and loads again": reloads,
        "a script made for challenges": bool(words.CHALLENGE_SCRIPT.search(facts.scripts)),
    }
    says = {
        f"status {status}": status in _BLOCKED,
        "a title of waiting or checking": bool(words.WAITING.search(f"{facts.title} {facts.heading}")),
        "nothing else on the page": facts.chars < 100 and not facts.has_root and not facts.links,
    }
    signs = [*_true(acts), *_true(says)]
    if words.NEEDS_SCRIPT.search(f"{facts.noscript} {facts.text}"):
        signs.append("a hint that scripts or cookies are needed")
    is_alone = facts.refreshes_itself and len(_true(acts)) == 1 and status not in _BLOCKED
    if _true(acts) and _true(says) and len(signs) >= (4 if is_alone else 3):
        return Outcome.CHALLENGE_PAGE, f"a nearly empty page with {', '.join(signs)}"
    return None


def _true(claims: dict[str, bool]) -> list[str]:
    return [claim for claim, holds in claims.items() if holds]


def _login(facts: _Facts, url: str, final_url: str) -> Wall | None:
    """A password form that is all there is, or what another address was answered with."""
    if not facts.has_password or facts.media > _CONTENT_MEDIA:
        return None
    was_sent = _path(url) != _path(final_url) and words.LOGIN_PATH.search(_path(final_url)) is not None
    if was_sent and facts.own_chars < 3_000:
        return Outcome.LOGIN_WALL, f"the address leads to a password form at {_path(final_url)}"
    if facts.own_chars < 600 and facts.links <= 60:
        return Outcome.LOGIN_WALL, "a password form is all that the page has"
    return None


def _parked(facts: _Facts, final_url: str) -> Wall | None:
    """A domain without a site: offered for sale by name, or filled with sponsored links."""
    host = (urlsplit(final_url).hostname or "").removeprefix("www.")
    head = f"{facts.title} {facts.heading}".lower()
    if facts.media > _CONTENT_MEDIA or facts.chars > 3_000:
        return None
    names_itself = bool(host) and host in f"{head} {facts.text.lower()}"
    is_offered = words.FOR_SALE.search(head) is not None and (names_itself or "domain" in head)
    if is_offered or (facts.chars < TINY_CHARS and names_itself and words.FOR_SALE.search(facts.text)):
        return Outcome.PARKED, f"the domain {host} is offered for sale or parked"
    is_feed = facts.sponsored >= 3 and facts.sponsored * 2 >= facts.links and facts.away * 2 >= facts.links
    if is_feed and facts.own_chars < TINY_CHARS and facts.media == 0:
        return (
            Outcome.PARKED,
            f"{facts.sponsored} of {facts.links} links are sponsored and there is no content",
        )
    return None


def _not_found(status: int, facts: _Facts) -> Wall | None:
    """A success that says in title or heading that there is nothing, and shows nothing else."""
    if not 200 <= status < 300 or facts.chars > 2_000 or facts.media > _CONTENT_MEDIA:
        return None
    for place, text in (("title", facts.title), ("heading", facts.heading)):
        match = words.NOT_FOUND.search(text)
        # A caption that ends in "not found" fills a heading; an error message is the heading.
        if match and len(text) <= 120 and facts.own_chars < TINY_CHARS:
            return Outcome.SOFT_404, f"status {status}, but the {place} says {match.group().strip()!r}"
    return None


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
