"""What a site says again from page to page: interface strings, which prove nothing, and copied pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import Digest
from clonedetect.models.minhash import EMPTY, band_keys, jaccard
from clonedetect.models.page import BlockKind, PageContent
from clonedetect.signals.many import many_signals_of
from clonedetect.signals.normalise import normalise
from clonedetect.signals.text import exact_digest

__all__ = ["near_copies", "repeated_blocks"]

_LEAST_PAGES = 5
_LEAST_SHARE = 0.5
_SAME_BLOCK: Final = 0.7
"""Estimated Jaccard similarity from which two blocks are one string with other numbers or names in it."""
_SAME_PAGE: Final = 0.9
_LEAST_CHARACTERS: Final = 15
"""Shorter blocks are never evidence, and their likeness says nothing."""
_LEAST_PAGE: Final = 200


def repeated_blocks(pages: Iterable[PageContent]) -> frozenset[Digest]:
    """Return the digests of blocks that stand on at least five pages and half of the site's pages.

    A block counts on every page that has it or a near duplicate of it (by
    MinHash): ``See 1,204 photos of X`` is one interface string, whatever is
    filled in. A caption is rightly on its post, its profile and a tag page or
    two, which is why two or three pages are not yet an interface string.
    """
    texts: dict[str, set[int]] = defaultdict(set)
    count = 0
    for number, page in enumerate(pages):
        count = number + 1
        for block in page.blocks:
            texts[normalise(block.text).text].add(number)
    least = max(_LEAST_PAGES, count * _LEAST_SHARE)
    long = [text for text in texts if len(text) >= _LEAST_CHARACTERS]
    seen = [texts[text] for text in long]
    repeated = {text for text, on in texts.items() if len(on) >= least}
    for group in _alike(long, _SAME_BLOCK):
        if len(set().union(*(seen[place] for place in group))) >= least:
            repeated.update(long[place] for place in group)
    return frozenset(map(exact_digest, repeated))


def near_copies(
    pages: Iterable[tuple[str, PageContent]], repeated: Collection[Digest] = ()
) -> dict[str, str]:
    """Return the addresses of pages that say what an earlier one says, each with that one's address.

    By MinHash over what stands in their blocks, interface strings left out; a
    page of less than 200 letters is like many and a copy of none.
    """
    urls: list[str] = []
    texts: list[str] = []
    for url, page in pages:
        leaves = [normalise(block.text).text for block in page.blocks if block.kind is BlockKind.LEAF]
        told = "".join(text for text in leaves if exact_digest(text) not in repeated)
        if len(told) >= _LEAST_PAGE:
            urls.append(url)
            texts.append(told)
    copies = {}
    for group in _alike(texts, _SAME_PAGE):
        first, *others = sorted(group)
        copies.update({urls[place]: urls[first] for place in others})
    return copies


def _alike(texts: Sequence[str], least: float) -> list[list[int]]:
    """Return groups of two texts or more that are alike, directly or through others, by their places."""
    if len(texts) < 2:
        return []
    signatures = np.stack([one.minhash for one in many_signals_of(texts)])
    parent = np.arange(len(texts))
    for one, other in _pairs(signatures):
        if float(jaccard(signatures[one], signatures[other][None])[0]) >= least:
            parent[_root(parent, other)] = _root(parent, one)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(texts)):
        groups[_root(parent, place)].append(place)
    return [group for group in groups.values() if len(group) > 1]


def _pairs(signatures: npt.NDArray[np.uint32]) -> set[tuple[int, int]]:
    """Return neighbours among the texts that share a band: enough to join all of them."""
    filled = np.flatnonzero(~(signatures == EMPTY).all(axis=1))
    keys = band_keys(signatures[filled])
    pairs: set[tuple[int, int]] = set()
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        is_same = keys[order[1:], band] == keys[order[:-1], band]
        numbers = filled[order]
        pairs.update(pair for pair, same in zip(pairwise(numbers.tolist()), is_same, strict=True) if same)
    return pairs


def _root(parent: npt.NDArray[np.int64], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = int(parent[place])
    return place
