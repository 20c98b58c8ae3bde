"""What of an item's hashtags and place stands in the same entry, where it is rare enough to say something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from clonedetect.extract.identifiers import of_text
from clonedetect.models.item import Item
from clonedetect.models.page import IdentifierKind, TextBlock
from clonedetect.protocols import ReferenceIndex
from clonedetect.signals.normalise import normalise

__all__ = ["shared_features"]

_RARE_BITS: Final = 40.0
"""What words beside an identifier must carry together; a common hashtag has about a dozen bits."""


def shared_features(
    item: Item, entry: str, blocks: Sequence[TextBlock], index: ReferenceIndex
) -> tuple[str, ...]:
    """Return the item's hashtags and place that the entry has, if together they are rare, else nothing.

    Rare means 40 bits or more under the index's character model. They corroborate an
    identifier in the same entry, and identify nothing by themselves.
    """
    if not entry or not (item.hashtags or item.location):
        return ()
    texts = [block.text for block in blocks if block.entry == entry]
    found = {one for text in texts for one in of_text(text)}
    tags = {value.casefold() for kind, value in found if kind is IdentifierKind.HASHTAG}
    own = dict.fromkeys(tag.removeprefix("#") for tag in item.hashtags)
    shared = [f"#{tag}" for tag in own if tag.casefold() in tags]
    if item.location and any(item.location.casefold() in text.casefold() for text in texts):
        shared.append(item.location)
    return tuple(shared) if _bits(shared, index) >= _RARE_BITS else ()


def _bits(words: Iterable[str], index: ReferenceIndex) -> float:
    return sum(float(index.model.bits(normalise(word).text).sum()) for word in words)
