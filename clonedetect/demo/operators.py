"""Who runs the rehearsal's sites: what an operator's have in common, and what shared services put everywhere.

Two operators run several sites each, with the same accounts, icons and contacts. The traps are
innocent: an advertising platform's account, a consent service's container and a network's header stand on
clones of both operators and on their neighbours, who have nothing to do with either.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw

__all__ = ["AD_PLATFORM", "CONSENT", "Dressing", "Operator", "dressing_of", "headers_of", "icon_of"]

AD_PLATFORM = "ca-host-pub-1556223355139109"
"""The advertising account of a platform, as it stands on the pages of all its users."""

CONSENT = "GTM-C0N5ENT"
"""A consent service's container: no list names it, and sites that have nothing else in common have it."""

NETWORK = (
    ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA"),
    ("CF-Cache-Status", "DYNAMIC"),
    ("Server", "cloudflare"),
    ("X-Frame-Options", "DENY"),
)
"""The header of a network for delivering content, the same for all its customers."""


@dataclass(frozen=True, slots=True)
class Operator:
    """What all sites of one operator have; `prefix` names the classes of its pages."""

    prefix: str
    publisher: str
    counter: str
    contact: str
    colours: tuple[str, str]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Dressing:
    """What surrounds the content of a page: markup for the head, above and below it."""

    head: str = ""
    above: str = ""
    below: str = "<footer>Not affiliated with anybody. All rights reserved.</footer>"


NORTH = Operator(
    prefix="nx",
    publisher="ca-pub-7788990011223344",
    counter='<script async src="https://www.googletagmanager.com/gtag/js?id=G-N0RTH4X7"></script>'
    "<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}"
    "gtag('js',new Date());gtag('config','G-N0RTH4X7');</script>",
    contact='<a href="mailto:desk@northpixel.example">Contact</a>',
    colours=("#1f4e79", "#ffe9a8"),
    headers=(
        ("X-Frame-Options", "SAMEORIGIN"),
        ("X-Gallery", "nx-3"),
        ("Cache-Control", "no-cache"),
        ("Server", "nx-edge"),
        ("Pragma", "no-cache"),
    ),
)
SOUTH = Operator(
    prefix="gl",
    publisher="ca-pub-4455667788990011",
    counter='<script>(function(m){m[88112233]=1})(window);ym(88112233, "init", {clickmap:true});</script>',
    contact='<a href="https://t.me/south_pics">Telegram</a>',
    colours=("#7a1f2b", "#d9f2e6"),
    headers=(
        ("Cache-Control", "public"),
        ("X-Engine", "glook"),
        ("Server", "glookd"),
        ("Referrer-Policy", "origin"),
        ("X-Robots-Tag", "all"),
    ),
)

_SITES = {
    "picvault.example": NORTH,
    "lumigrarn.example": NORTH,
    "storyspy.example": NORTH,
    "gramlook.example": SOUTH,
    "toppost.example": SOUTH,
    "slowpics.example": SOUTH,
}
_ON_PLATFORM = frozenset({"picvault.example", "gramlook.example", "memeboard.example"})
_WITH_CONSENT = frozenset({"picvault.example", "toppost.example", "memeboard.example", "greetings.example"})
_BEHIND_NETWORK = frozenset(
    {"lumigrarn.example", "gramlook.example", "quietlens.example", "memeboard.example"}
)


_ABOVE = (
    '<div class="NAME-bar"><div class="NAME-inner">'
    '<a class="NAME-logo" href="#top"><span class="NAME-mark"></span></a>'
    '<nav class="NAME-nav"><ul class="NAME-list">'
    '<li class="NAME-item"><a class="NAME-link" href="#new">New</a></li></ul></nav>'
    '<form class="NAME-search" action="/search"><label class="NAME-label"><input name="q"></label>'
    '<button class="NAME-go"><i class="NAME-glass"></i></button></form></div></div>'
    '<div class="NAME-ad"><div class="NAME-slot"><small class="NAME-small">Ad</small></div></div>'
)
_BELOW = (
    '<footer class="NAME-foot"><div class="NAME-columns">'
    '<section class="NAME-column"><h4 class="NAME-head">Help</h4><p class="NAME-line">WHO</p></section>'
    '<section class="NAME-column"><dl class="NAME-facts"><dt class="NAME-term">Note</dt>'
    '<dd class="NAME-text">Not affiliated with anybody.</dd></dl></section></div></footer>'
)


def headers_of(host: str) -> tuple[tuple[str, str], ...]:
    """Return the header fields that a host sends beside the usual ones, in their order."""
    if host in _BEHIND_NETWORK:
        return NETWORK
    operator = _SITES.get(host)
    return operator.headers if operator else ()


def dressing_of(host: str) -> Dressing:
    """Return what surrounds the pages of a host; those of no operator have next to nothing."""
    operator = _SITES.get(host)
    shared = _shared(host)
    if operator is None:
        return Dressing(head=shared)
    name = operator.prefix
    head = (
        f'<link rel="icon" href="/favicon.ico">{operator.counter}{shared}'
        f'<script async src="https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client={operator.publisher}"></script>'
    )
    return Dressing(
        head, _ABOVE.replace("NAME", name), _BELOW.replace("NAME", name).replace("WHO", operator.contact)
    )


def _shared(host: str) -> str:
    """Return what services put on the pages of all their users."""
    consent = (
        f'<script async src="https://www.googletagmanager.com/gtm.js?id={CONSENT}"></script>'
        if host in _WITH_CONSENT
        else ""
    )
    platform = (
        f'<meta name="google-adsense-platform-account" content="{AD_PLATFORM}">'
        if host in _ON_PLATFORM
        else ""
    )
    return consent + platform


@cache
def icon_of(host: str) -> bytes:
    """Return the icon of a host as ICO, empty for a host that has none."""
    operator = _SITES.get(host)
    if operator is not None:
        return _drawn(*operator.colours, operator.prefix)
    return _drawn("#222222", "#ffffff", "q") if host == "quietlens.example" else b""


def _drawn(ground: str, ink: str, letters: str) -> bytes:
    image = Image.new("RGB", (32, 32), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((3, 3, 28, 28), outline=ink, width=3)
    draw.text((9, 9), letters, fill=ink)
    buffer = io.BytesIO()
    image.save(buffer, "ICO", sizes=[(32, 32)])
    return buffer.getvalue()
