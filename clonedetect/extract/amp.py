"""Components of AMP pages that show another site's post: what they load, told from their attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["AMP_DATA", "amp_player"]

AMP_DATA: Final = frozenset({"amp-list", "amp-state"})
"""Components whose content comes from an interface that `src` names."""

_PLAYERS: Final = {
    "amp-instagram": ("data-shortcode", r"[\w-]{5,40}", "https://www.instagram.com/p/{}/embed/"),
    "amp-twitter": ("data-tweetid", r"\d{5,25}", "https://twitter.com/i/status/{}"),
    "amp-tiktok": ("data-src", r"\d{10,25}", "https://www.tiktok.com/embed/v2/{}"),
    "amp-youtube": ("data-videoid", r"[\w-]{5,40}", "https://www.youtube.com/embed/{}"),
    "amp-vimeo": ("data-videoid", r"\d{3,20}", "https://player.vimeo.com/video/{}"),
    "amp-dailymotion": ("data-videoid", r"\w{3,40}", "https://www.dailymotion.com/embed/video/{}"),
    "amp-imgur": ("data-imgur-id", r"[\w/-]{3,40}", "https://imgur.com/{}/embed"),
}
"""By component: the attribute, the form of its value, and the address that the component loads for it."""

_ADDRESSES: Final = {
    "amp-facebook": "data-href",
    "amp-pinterest": "data-url",
    "amp-reddit": "data-src",
    "amp-tiktok": "data-src",
    "amp-embedly-card": "data-url",
    "amp-iframe": "src",
}
"""Components that name the post's own address."""


def amp_player(tag: str, attributes: Mapping[str, str]) -> str:
    """Return the address that an AMP component shows a post from, "" for any other element.

    The components are those of AMP's own list; what a component of this name does on a page
    without AMP's script nobody knows, so that it counts as a frame that was not seen.
    """
    named = attributes.get(_ADDRESSES.get(tag, ""), "").strip()
    if "//" in named:
        return named
    if tag not in _PLAYERS:
        return ""
    name, form, address = _PLAYERS[tag]
    value = attributes.get(name, "").strip()
    return address.format(value) if re.fullmatch(form, value, re.ASCII) else ""
