"""How a site's foot says its operator is reached: mail addresses and profiles, never those in its entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from clonedetect.extract.dom import Element
from clonedetect.models.trait import TraitKind

__all__ = [
    "contacts_of_link",
    "is_contact_address",
    "is_foot",
    "mails_in",
    "services_of",
    "uncovered_mail",
]

_FOOT = re.compile(
    r"^(?:(?:site|page|main|global)[-_]?)?(?:footer|contact|contacts|imprint|impressum|colophon|legal)$",
    re.IGNORECASE,
)
_CONTACT_PATH = re.compile(
    r"/(?:contact(?:-?us)?|impressum|imprint|dmca|abuse|legal|copyright|privacy(?:-?policy)?|terms)(?:\.\w+)?/?$",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"(?<![\w.+-])([a-z0-9][\w.+-]{0,63}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})(?![\w-])", re.IGNORECASE
)
_NAME = re.compile(r"@?[A-Za-z0-9][\w.-]{1,49}")

_NETWORKS = {
    "t.me": "telegram",
    "telegram.me": "telegram",
    "twitter.com": "x",
    "x.com": "x",
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "youtube.com": "youtube",
    "discord.gg": "discord",
    "vk.com": "vk",
    "github.com": "github",
    "linkedin.com": "linkedin",
    "pinterest.com": "pinterest",
    "patreon.com": "patreon",
    "ko-fi.com": "ko-fi",
    "buymeacoffee.com": "buymeacoffee",
}
_BELOW = frozenset({"c", "channel", "user", "company", "in", "s", "invite"})
_ACTIONS = frozenset(
    "share sharer sharer.php intent dialog tr home login plugins hashtag search explore p reel watch pin"
    " status shareArticle share.php policies legal about terms privacy".lower().split()
)
"""What follows a network's host without being anybody's name: share buttons, posts, its own pages."""


def is_foot(element: Element) -> bool:
    """Whether an element is where a site speaks of itself: a footer, an imprint, a contact block."""
    attributes = element.attributes
    if element.tag == "footer" or attributes.get("role", "").lower() == "contentinfo":
        return True
    words = (*attributes.get("class", "").split()[:16], attributes.get("id", ""))
    return element.tag in {"div", "section", "aside", "address"} and any(_FOOT.match(word) for word in words)


def is_contact_address(url: str) -> bool:
    """Whether the page's own address says that it tells how to reach the site."""
    try:
        return _CONTACT_PATH.search(urlsplit(url).path) is not None
    except ValueError:
        return False


def contacts_of_link(href: str) -> Iterator[tuple[TraitKind, str]]:
    """Yield the mail addresses or the profile that a link leads to."""
    if href[:7].lower() == "mailto:":
        for mail in mails_in(unquote(href[7:].partition("?")[0])):
            yield TraitKind.MAIL, mail
        return
    try:
        parts = urlsplit(href)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return
    service = _NETWORKS.get(host)
    segments = [one for one in parts.path.split("/") if one]
    if service is None or not segments:
        return
    if segments[0].lower() in _BELOW and len(segments) > 1:
        segments = segments[1:]
    name = segments[0]
    if name.lower() not in _ACTIONS | _BELOW and _NAME.fullmatch(name):
        yield (
            TraitKind.PROFILE,
            f"{service}:{name.removeprefix('@').lower() if service != 'discord' else name}",
        )


def services_of(hosts: Iterable[str]) -> frozenset[str]:
    """Return by what names profiles on any of these hosts are told."""
    bare = {host.lower().removeprefix("www.") for host in hosts}
    return frozenset(service for host, service in _NETWORKS.items() if host in bare)


def mails_in(text: str) -> Iterator[str]:
    """Yield the mail addresses of a text, in lower case."""
    if "@" in text:
        for found in _MAIL.finditer(text[:20_000]):
            if not found[1].lower().endswith((".png", ".jpg", ".gif", ".webp", ".svg", ".js", ".css")):
                yield found[1].lower()


def uncovered_mail(covered: str) -> Iterator[str]:
    """Yield the mail address that ``data-cfemail`` hides: hexadecimal bytes, each XORed with the first."""
    try:
        data = bytes.fromhex(covered)
    except ValueError:
        return
    if len(data) > 3:
        yield from mails_in(bytes(byte ^ data[0] for byte in data[1:]).decode("latin-1"))
