"""What a site says again from page to page: interface strings, which prove nothing, and copied pages."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from clonedetect.analysis.likeness import alike_groups
from clonedetect.models.ids import Digest
from clonedetect.models.page import BlockKind, LinkKind, PageContent
from clonedetect.signals.many import many_signals_of
from clonedetect.signals.normalise import normalise
from clonedetect.signals.text import exact_digest

__all__ = ["Repetition", "repetition_of"]

_LEAST_PAGES = 5
_LEAST_SHARE = 0.5
_SAME_BLOCK: Final = 0.7
"""Estimated Jaccard similarity from which two blocks are one string with other numbers or names in it."""
_SAME_PAGE: Final = 0.9
_LEAST_CHARACTERS: Final = 15
"""Shorter blocks are never evidence, and their likeness says nothing."""
_LEAST_PAGE: Final = 200
_LEAST_STOCK: Final = 3
_MOST_STOCK: Final = 600
"""Letters that a stock answer has at most, menu and footer included."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What a site says again: digests of interface strings (`match.text.block_digest`), and copied pages.

    `copies` holds the address of each page that says what an earlier one says, with that one's.
    `stock` holds, of each page that is one of the site's stock answers, at how many addresses it stands.
    """

    blocks: frozenset[Digest]
    copies: Mapping[str, str]
    stock: Mapping[str, int] = field(default_factory=dict)


def repetition_of(pages: Iterable[tuple[str, PageContent]]) -> Repetition:
    """Return what the pages of one site repeat, given with their addresses.

    1. A block on at least five pages and half of the site's is an interface string. It
       counts on every page that has it or a near duplicate of it (by MinHash):
       ``See 1,204 photos of X`` is one string, whatever is filled in. A caption is
       rightly on its post, its profile and a tag page or two, which is why two or
       three pages are not yet enough.
    2. A page is a near copy (by MinHash) of an earlier one that says the same besides;
       one of less than 200 letters is like many and a copy of none.
    3. The very same short page without picture or frame at three addresses or more is a stock answer: it does
       not depend on what was asked for, and so shows none of it.
    """
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    texts: dict[str, set[int]] = defaultdict(set)
    leaves: list[tuple[str, list[str]]] = []
    for number, (url, page) in enumerate(pages):
        said = [(block.kind, normalise(block.text).text) for block in page.blocks]
        for _, text in said:
            texts[text].add(number)
        leaves.append((url, [sys.intern(text) for kind, text in said if kind is BlockKind.LEAF]))
        if not (page.media or page.embeds or any(link.kind is LinkKind.FRAME for link in page.links)):
            alike[tuple(block.text for block in page.blocks if block.kind is BlockKind.LEAF)].append(url)
    repeated = _repeated(texts, max(_LEAST_PAGES, len(leaves) * _LEAST_SHARE))
    return Repetition(frozenset(map(exact_digest, repeated)), _copies(leaves, repeated), _stock(alike))


def _stock(alike: Mapping[tuple[str, ...], list[str]]) -> dict[str, int]:
    return {
        url: len(urls)
        for texts, urls in alike.items()
        if texts and len(urls) >= _LEAST_STOCK and sum(map(len, texts)) <= _MOST_STOCK
        for url in urls
    }


def _repeated(texts: Mapping[str, set[int]], least: float) -> set[str]:
    long = [text for text in texts if len(text) >= _LEAST_CHARACTERS]
    repeated = {text for text, on in texts.items() if len(on) >= least}
    for group in _alike(long, _SAME_BLOCK):
        if len(set().union(*(texts[long[place]] for place in group))) >= least:
            repeated.update(long[place] for place in group)
    return repeated


def _copies(leaves: Sequence[tuple[str, list[str]]], repeated: Collection[str]) -> dict[str, str]:
    urls, told = [], []
    for url, texts in leaves:
        own = "".join(text for text in texts if text not in repeated)
        if len(own) >= _LEAST_PAGE:
            urls.append(url)
            told.append(own)
    copies = {}
    for group in _alike(told, _SAME_PAGE):
        first, *others = sorted(group)
        copies.update({urls[place]: urls[first] for place in others})
    return copies


def _alike(texts: Sequence[str], least: float) -> list[list[int]]:
    """Return groups of two texts or more that are alike, directly or through others, by their places."""
    if len(texts) < 2:
        return []
    return alike_groups(np.stack([one.minhash for one in many_signals_of(texts)]), least)
