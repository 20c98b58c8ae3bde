"""Which pages come first: those that look worth most, then those nearest to a seed.

A priority is one whole number, smaller first, and says why in words. It is
decided by the page's shape, by what pages of that shape showed, and by depth;
nothing in it depends on the clock or on chance.
"""

from __future__ import annotations

from enum import IntEnum

from clonedetect.crawl.shapes import is_aside, is_last

__all__ = ["MEDIA_PRIORITY", "SEED_PRIORITY", "Worth", "priority_of", "reason_of", "worth_of"]

MEDIA_PRIORITY = -1
"""Pictures stand before further pages: a page without its pictures proves least."""

SEED_PRIORITY = 0
"""What the operator named."""

_STEP = 100
_DEEPEST = _STEP - 1


class Worth(IntEnum):
    """What is expected of a page, the most first."""

    CONFIRMED = 0
    SHOWN = 1
    UNKNOWN = 2
    ASIDE = 3
    LAST = 4
    SITEMAP = 5


_WORDS = {
    Worth.CONFIRMED: "of the shape of pages that an analysis confirmed",
    Worth.SHOWN: "of the shape of pages that showed pictures of their own",
    Worth.UNKNOWN: "of a shape of which nothing is known",
    Worth.ASIDE: "a search, tag or place: it shows again what stands elsewhere",
    Worth.LAST: "a page for visitors: login, legal text, help",
    Worth.SITEMAP: "named by a sitemap alone",
}


def worth_of(shape: str, learned: Worth | None) -> Worth:
    """Return what is expected of a page of `shape`, of whose siblings `learned` is known.

    That siblings were confirmed counts for every shape; that they showed
    pictures says nothing of searches and tags, which all do.
    """
    if learned is Worth.CONFIRMED:
        return Worth.CONFIRMED
    if is_last(shape):
        return Worth.LAST
    if is_aside(shape):
        return Worth.ASIDE
    return Worth.SHOWN if learned is Worth.SHOWN else Worth.UNKNOWN


def priority_of(worth: Worth, depth: int) -> int:
    """Return the priority of a page, `depth` links away from a seed."""
    return _STEP * (1 + worth) + min(max(depth, 0), _DEEPEST)


def reason_of(priority: int) -> str:
    """Return in words why a page has its priority, its distance left out."""
    if priority < _STEP:
        return "named by the operator" if priority >= SEED_PRIORITY else "a picture or video"
    return _WORDS[Worth(min(priority // _STEP - 1, max(Worth)))]
