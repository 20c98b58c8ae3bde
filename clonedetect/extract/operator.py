"""Reads what a captured document says of its operator: accounts, contacts, template, shape of its data.

Only structure counts: where a script, an attribute or a footer has something. What prose and captions say is
somebody else's, copied along with the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from clonedetect.extract.charset import decode
from clonedetect.extract.contacts import (
    contacts_of_link,
    is_contact_address,
    is_foot,
    mails_in,
    uncovered_mail,
)
from clonedetect.extract.dom import Element, Enter, Leave, Text, parse, walk
from clonedetect.extract.json_page import sniff_json
from clonedetect.extract.outline import Outline, key_paths
from clonedetect.extract.places import NO_ENTRY, EntryTree, Place, Step
from clonedetect.extract.program_text import program_text
from clonedetect.extract.scripts import JsonValue
from clonedetect.extract.service_ids import (
    Account,
    accounts_in_data,
    accounts_in_list,
    accounts_in_program,
    accounts_in_url,
    named_account,
)
from clonedetect.models.trait import PageTraits, TraitKind

__all__ = ["MADE_WITH", "read_operator"]

MAX_VALUES = 200
"""Values of one page; more is no operator's page but a list of others'."""

MADE_WITH = {
    "wordpress": "WordPress",
    "wix.com": "Wix",
    "squarespace": "Squarespace",
    "shopify": "Shopify",
    "blogger": "Blogger",
    "joomla": "Joomla",
    "drupal": "Drupal",
    "ghost": "Ghost",
    "webflow": "Webflow",
    "tilda": "Tilda",
    "weebly": "Weebly",
    "godaddy": "GoDaddy",
    "mastodon": "Mastodon",
    "pixelfed": "Pixelfed",
    "hugo": "Hugo",
    "jekyll": "Jekyll",
    "docusaurus": "Docusaurus",
    "mediawiki": "MediaWiki",
    "phpbb": "phpBB",
    "xenforo": "XenForo",
    "discourse": "Discourse",
    "prestashop": "PrestaShop",
    "opencart": "OpenCart",
    "typo3": "TYPO3",
}
"""Systems whose templates many sites share, by how ``<meta name=generator>`` begins."""

_PROGRAMS = frozenset(
    {"", "module", "text/javascript", "application/javascript", "application/ecmascript", "text/plain"}
)
_MAX_JSON = 2_000_000
_WORDPRESS = re.compile(r"/wp-(?:content|includes)/")


def read_operator(content: bytes, url: str, content_type: str = "") -> PageTraits:
    """Return what a document says of its operator, nothing for bytes that are none.

    A document is read as JSON, as a list of sellers (``ads.txt``), or as HTML. Documents within it
    (frames, templates, markup in data) are left out: what is copied stands there. Raises
    InputError for markup that the parser refuses.
    """
    if b"\x00" in content[:1_024] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return PageTraits()
    text = decode(content, content_type).text
    value, is_json = sniff_json(text, content_type)
    if is_json:
        return PageTraits(keys=key_paths(value))
    if _path_of(url).endswith("ads.txt") and not text.lstrip().startswith("<"):
        return PageTraits(values=tuple(dict.fromkeys(accounts_in_list(text)))[:MAX_VALUES])
    reader = _Reader(is_contact_address(url))
    root = parse(text).root
    if root is not None:
        reader.read(root)
    return reader.traits()


@dataclass(slots=True)
class _Reader:
    is_contact_page: bool
    values: dict[tuple[TraitKind, str], None] = field(default_factory=dict)
    outline: Outline = field(default_factory=Outline)
    icons: dict[str, None] = field(default_factory=dict)
    made_with: str = ""
    _feet: int = 0
    _is_wordpress: bool = False

    def read(self, root: LexborNode) -> None:
        for event in walk(root, Place(Step("")), EntryTree()):
            if isinstance(event, Enter):
                self._enter(event.element)
            elif isinstance(event, Leave):
                self.outline.leave(event.element)
                self._feet -= self._is_own_foot(event.element)
            elif self._feet:
                self._foot_text(event)

    def traits(self) -> PageTraits:
        return PageTraits(
            values=tuple(self.values),
            outline=self.outline.paths(),
            made_with=self.made_with or ("WordPress" if self._is_wordpress else ""),
            inline_icons=tuple(self.icons)[:4],
        )

    def _enter(self, element: Element) -> None:
        self.outline.enter(element)
        self._feet += self._is_own_foot(element)
        attributes, tag = element.attributes, element.tag
        if tag == "script":
            self._script(element)
        elif tag == "meta":
            self._meta(attributes)
        elif tag == "link":
            self._link(attributes)
        elif tag in {"iframe", "img", "amp-pixel"}:
            self._take(accounts_in_url(attributes.get("src", "") or attributes.get("data-src", "")))
        for name in ("data-ad-client", "data-ad-host"):
            self._take_named(attributes.get(name, ""))
        if self._speaks(element):
            self._contact(element)

    def _is_own_foot(self, element: Element) -> bool:
        """Whether a foot begins: the page's own, not that of one of its entries."""
        return element.place.entry == NO_ENTRY and is_foot(element)

    def _speaks(self, element: Element) -> bool:
        return bool(self._feet) or (self.is_contact_page and element.place.entry == NO_ENTRY)

    def _contact(self, element: Element) -> None:
        attributes = element.attributes
        if element.tag == "a" and attributes.get("href"):
            self._take(contacts_of_link(attributes["href"].strip()))
        if attributes.get("data-cfemail"):
            self._take((TraitKind.MAIL, mail) for mail in uncovered_mail(attributes["data-cfemail"]))

    def _foot_text(self, event: Text) -> None:
        if event.element.place.entry == NO_ENTRY:
            self._take((TraitKind.MAIL, mail) for mail in mails_in(event.text))

    def _script(self, element: Element) -> None:
        attributes = element.attributes
        source = attributes.get("src", "") or attributes.get("data-src", "")
        if source:
            self._is_wordpress |= _WORDPRESS.search(source) is not None
            self._take(accounts_in_url(source))
            self._own_counter(source, attributes)
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        text = element.raw_text
        if not text.strip():
            return
        if kind.endswith("json"):
            if len(text) <= _MAX_JSON and kind != "application/ld+json":
                self._take(accounts_in_data(_value(text)))
        elif kind in _PROGRAMS:
            self._take(accounts_in_program(program_text(text)))

    def _own_counter(self, source: str, attributes: dict[str, str]) -> None:
        """Take the site's number with a counter that is named beside its script's address."""
        name = _path_of(source).rpartition("/")[2]
        if "data-domain" in attributes and ("plausible" in source or name.startswith("script.")):
            for domain in attributes["data-domain"][:200].split(","):
                self._take(
                    [(TraitKind.ANALYTICS_ACCOUNT, f"plausible:{domain.strip().lower()}")]
                    if domain.strip()
                    else ()
                )
        if re.fullmatch(r"[0-9a-f-]{36}", attributes.get("data-website-id", "").lower()):
            self._take([(TraitKind.ANALYTICS_ACCOUNT, f"umami:{attributes['data-website-id'].lower()}")])
        if attributes.get("data-cf-beacon"):
            beacon = _value(attributes["data-cf-beacon"])
            token = beacon.get("token") if isinstance(beacon, dict) else None
            if isinstance(token, str) and re.fullmatch(r"[0-9a-f]{32}", token):
                self._take([(TraitKind.ANALYTICS_ACCOUNT, f"cloudflare:{token}")])

    def _meta(self, attributes: dict[str, str]) -> None:
        name, content = attributes.get("name", "").lower(), attributes.get("content", "").strip()
        if name in {"google-adsense-account", "google-adsense-platform-account"}:
            self._take_named(content)
        elif name == "generator" and not self.made_with:
            known = (label for start, label in MADE_WITH.items() if content.lower().startswith(start))
            self.made_with = next(known, "")

    def _link(self, attributes: dict[str, str]) -> None:
        href = attributes.get("href", "").strip()
        self._is_wordpress |= "stylesheet" in attributes.get("rel", "").lower() and bool(
            _WORDPRESS.search(href)
        )
        if "icon" in attributes.get("rel", "").lower().split() and href[:11].lower() == "data:image/":
            self.icons.setdefault(href)

    def _take_named(self, text: str) -> None:
        account = named_account(text.strip())
        self._take([account] if account else ())

    def _take(self, found: Iterable[Account]) -> None:
        for kind, value in found:
            if len(self.values) < MAX_VALUES:
                self.values.setdefault((kind, value))


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
