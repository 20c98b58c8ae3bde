"""Interface strings: texts that a site repeats from page to page and that so prove nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from clonedetect.match.text import block_digest
from clonedetect.models.ids import Digest
from clonedetect.models.page import PageContent

__all__ = ["repeated_blocks"]

_LEAST_PAGES = 5
_LEAST_SHARE = 0.5


def repeated_blocks(pages: Iterable[PageContent]) -> frozenset[Digest]:
    """Return the digests of blocks that stand on at least five pages and half of the site's pages.

    A caption is rightly on its post, its profile and a tag page or two, which
    is why two or three pages are not yet an interface string.
    """
    seen: Counter[Digest] = Counter()
    count = 0
    for page in pages:
        count += 1
        seen.update({block_digest(block) for block in page.blocks})
    least = max(_LEAST_PAGES, count * _LEAST_SHARE)
    return frozenset(digest for digest, times in seen.items() if times >= least)
