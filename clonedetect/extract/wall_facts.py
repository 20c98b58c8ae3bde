"""What a page shows besides its words, counted once: the facts that walls are told by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit

from publicsuffixlist import PublicSuffixList
from selectolax.lexbor import LexborHTMLParser, LexborNode

from clonedetect.extract import wall_words as words
from clonedetect.extract.media_urls import absolute

__all__ = ["FULL_CHARS", "Facts", "Marks", "is_full", "look"]

_PROSE = "p, h1, h2, h3, h4, article, li, td, blockquote, figcaption, pre, dd"
"""Elements that people write into; a shell that scripts are to fill has none."""

_BUSY = "[role=progressbar i], [aria-busy=true i], [class*=spin i], [class*=loading i], [class*=loader i]"
"""Elements that only say that something is still to come."""

_ACCOUNT_FIELDS = (
    "input[type=password i], input[type=tel i], input[type=email i], input[autocomplete*=username i],"
    "input[autocomplete*=one-time-code i]"
)
_UNREAD = "script, style, noscript, template, svg"
_ASIDE = "form, nav, footer"
FULL_CHARS = 3_000
"""Readable characters outside forms and menus from which on no check of `walls` says anything."""

_FEW_CHARS = 1_200
_CODE_LENGTH = 10
"""Characters at most that the field for a code from a picture takes."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands in the markup; `media` leaves out what is 64 pixels and less.

    `own_queries` counts links that ask this very address something, `doors` those through another house's
    account. `leads_to` is the address of another site that the page sends its reader to by itself, "" for
    none; `is_bounce` holds where the address that answered carries the one that was asked for.
    """

    media: int
    links: int
    sponsored: int
    away: int
    own_queries: int
    doors: int
    scripts: str
    has_scripts: bool
    has_widget: bool
    has_hidden_form: bool
    has_code_form: bool
    has_fields: bool
    has_account_field: bool
    has_password: bool
    has_root: bool
    refreshes_itself: bool
    leads_to: str
    is_bounce: bool
    noscript: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What walls are told by; `chars` counts readable characters, `own_chars` those outside forms and menus.

    `unlinked_chars` are those outside links too, on short pages. A key is a service's, on an element;
    a stage is an element with a name and without words. Neither is looked for where there is much to read.
    """

    marks: Marks
    title: str
    heading: str
    text: str
    chars: int
    own_chars: int
    unlinked_chars: int
    has_key: bool
    has_prose: bool
    has_stage: bool


def is_full(tree: LexborHTMLParser) -> bool:
    """Whether the page in `tree` says more than any wall does, forms and menus left out; it is taken apart.

    One that asks for a password is looked at closely, however much it says.
    """
    if tree.css_first("input[type=password i]") is not None:
        return False
    _remove(tree, f"{_UNREAD}, {_ASIDE}")
    return len(text_of(tree.body)) > FULL_CHARS


def look(tree: LexborHTMLParser, url: str, final_url: str) -> Facts:
    """Count what the page in `tree` shows; it is taken apart on the way."""
    marks = _marks(tree, url, final_url)
    title, heading = text_of(tree.css_first("title")), " ".join(map(text_of, tree.css("h1, h2")[:4]))
    _remove(tree, _UNREAD)
    text = text_of(tree.body)
    has_key = len(text) <= _FEW_CHARS and any(map(_has_key, tree.css("div, span, form, section")))
    _remove(tree, _ASIDE)
    own_chars = len(text_of(tree.body))
    is_short = own_chars <= _FEW_CHARS  # else nothing below matters, and large pages have many elements
    if is_short:
        _remove(tree, f"a, header, {_BUSY}")
    return Facts(
        marks=marks,
        title=title,
        heading=heading,
        text=text,
        chars=len(text),
        own_chars=own_chars,
        unlinked_chars=len(text_of(tree.body)) if is_short else own_chars,
        has_key=has_key,
        has_prose=not is_short or any(map(text_of, tree.css(_PROSE))),
        has_stage=is_short and any(map(_is_stage, tree.css("div, main, section"))),
    )


def _marks(tree: LexborHTMLParser, url: str, final_url: str) -> Marks:
    scripts = "\n".join(node.text() or "" for node in tree.css("script:not([src])"))
    sources = tuple(node.attributes.get("src") or "" for node in tree.css("script[src], iframe[src]"))
    links = tree.css("a[href]")
    resolved = (absolute(final_url, node.attributes.get("href") or "") for node in links)
    addresses = [address for address in resolved if address]
    host, forms, refreshes = urlsplit(final_url).hostname, tree.css("form"), _refreshes(tree)
    has_widget = any(words.WIDGET_SOURCE.search(source) for source in sources)
    return Marks(
        media=sum(1 for node in tree.css("img, video, picture > source") if not _is_small(node)),
        links=len(links),
        sponsored=sum("sponsored" in (node.attributes.get("rel") or "").lower().split() for node in links),
        away=sum(urlsplit(address).hostname != host for address in addresses),
        own_queries=_own_queries(addresses, final_url),
        doors=sum(words.DOOR.search(urlsplit(address).path) is not None for address in addresses),
        scripts=scripts,
        has_scripts=bool(scripts.strip()) or tree.css_first("script[src]") is not None,
        has_widget=has_widget or tree.css_first("[data-sitekey], [data-captcha]") is not None,
        has_hidden_form=any(map(_is_hidden_form, forms)),
        has_code_form=any(map(_is_code_form, forms)),
        has_fields=any(_is_field(node) for node in tree.css("input, textarea, select")),
        has_account_field=tree.css_first(_ACCOUNT_FIELDS) is not None,
        has_password=tree.css_first("input[type=password i]") is not None,
        has_root=tree.css_first("#root, #app, #__next, #__nuxt, app-root, [data-reactroot]") is not None,
        refreshes_itself=any(_is_own(target, final_url) for target in refreshes),
        leads_to=_leads_to(refreshes, scripts, final_url),
        is_bounce=_is_bounce(url, final_url),
        noscript=" ".join(map(text_of, tree.css("noscript"))),
    )


def _remove(tree: LexborHTMLParser, selector: str) -> None:
    for node in tree.css(selector):
        node.decompose()


def text_of(node: LexborNode | None) -> str:
    """Return the text of an element with white space made single, "" for none."""
    return " ".join((node.text(separator=" ") or "").split()) if node is not None else ""


def _is_hidden_form(form: LexborNode) -> bool:
    """Whether a form has fields, none of which a person could fill in or press."""
    fields = form.css("input")
    has_visible = any(_kind(one) != "hidden" for one in fields) or bool(form.css("textarea, select, button"))
    return bool(fields) and not has_visible


def _is_code_form(form: LexborNode) -> bool:
    """Whether a form asks for the few characters of a picture that stands in it, and for nothing else."""
    fields = [one for one in form.css("input") if _is_field(one)]
    if len(fields) != 1 or form.css("textarea, select") or not form.css("img"):
        return False
    length = fields[0].attributes.get("maxlength") or ""
    is_sent = (form.attributes.get("method") or "").lower() == "post"
    return is_sent and length.isdigit() and int(length[:6]) <= _CODE_LENGTH


def _is_field(node: LexborNode) -> bool:
    """Whether a person writes or chooses something here."""
    return node.tag != "input" or _kind(node) not in {"hidden", "submit", "button", "image", "reset"}


def _kind(field: LexborNode) -> str:
    return (field.attributes.get("type") or "text").lower()


def _has_key(node: LexborNode) -> bool:
    """Whether an element carries the long key of a service that is to fill it."""
    return any(
        name.startswith("data-") and words.KEY.fullmatch(value or "") is not None
        for name, value in node.attributes.items()
    )


def _is_stage(node: LexborNode) -> bool:
    """Whether an element has a name for scripts and no word in it."""
    has_name = any(name == "id" or name.startswith("data-") for name in node.attributes)
    return has_name and not text_of(node)


def _is_small(node: LexborNode) -> bool:
    sizes = [node.attributes.get(name) or "" for name in ("width", "height")]
    return all(size.isdigit() and int(size[:6]) <= 64 for size in sizes)


def _refreshes(tree: LexborHTMLParser) -> tuple[str, ...]:
    """Return where a page's refreshes lead, "" for the page itself."""
    found = []
    for node in tree.css('meta[http-equiv="refresh" i]'):
        content = node.attributes.get("content") or ""
        _, mark, target = content.lower().partition("url=")
        found.append(content[-len(target) :].strip("\"' ") if mark and target else "")
    return tuple(found)


def _is_own(target: str, final_url: str) -> bool:
    address = absolute(final_url, target) if target else final_url
    return address is not None and urlsplit(address).hostname == urlsplit(final_url).hostname


def _leads_to(refreshes: Iterable[str], scripts: str, final_url: str) -> str:
    """Return the other site's address that a refresh or a script sends the reader to, "" for none."""
    targets = [absolute(final_url, target) for target in refreshes if target]
    targets += [absolute(final_url, found["target"]) for found in words.SENDS_TO.finditer(scripts)]
    return next((one for one in targets if one and _site(one) != _site(final_url)), "")


def _own_queries(addresses: Iterable[str], final_url: str) -> int:
    """Return how many links ask this very address other questions."""
    own = urlsplit(final_url)
    parts = [urlsplit(address) for address in addresses]
    return sum(
        one.hostname == own.hostname and one.path in {"", "/", own.path} and bool(one.query) for one in parts
    )


def _is_bounce(url: str, final_url: str) -> bool:
    """Whether the address that answered carries the path of the one that was asked for."""
    asked, answered = urlsplit(url), urlsplit(final_url)
    if asked.path in {"", "/"} or asked.path == answered.path:
        return False
    return any(asked.path in value for value in _values(answered.query))


def _values(query: str) -> Iterator[str]:
    for _, value in parse_qsl(query):
        yield value
        yield unquote(value)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _site(address: str) -> str:
    host = urlsplit(address).hostname or ""
    return _suffixes().privatesuffix(host) or host
