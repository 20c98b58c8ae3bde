"""What an index gives back of the platform's own content, for comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item
from clonedetect.models.signal import FeatureSet, Thumbnail

__all__ = ["Generation", "Identified", "ImageReference", "TextCost", "TextReference"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One state of an index: its number, and a digest over everything in it that decides."""

    number: int
    snapshot_id: str


@dataclass(frozen=True, slots=True)
class Identified:
    """The items that carry one identifier, in the order they were indexed; `is_all` if there are no more."""

    items: tuple[Item, ...]
    is_all: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ImageReference:
    """One indexed picture as the index keeps it.

    `thumbnail` and `features` are None where only a hash is known; `bits` is
    the full view's 32 bytes; `path` where its file was when it was indexed;
    `views` are the names of its stored hashes, in the order of their numbers.
    """

    media_id: MediaId
    item_id: ItemId
    account_id: AccountId | None
    permalink: str | None
    digest: Digest | None
    width: int
    height: int
    quality: int
    bits: bytes
    thumbnail: Thumbnail | None
    features: FeatureSet | None
    path: str | None = None
    views: tuple[str, ...] = ()

    def view(self, number: int) -> str:
        """Return the name of the stored hash of this number; empty where there is none."""
        return self.views[number] if number < len(self.views) else ""


@dataclass(frozen=True, slots=True)
class TextReference:
    """One indexed caption."""

    text_id: TextId
    item_id: ItemId
    account_id: AccountId | None
    permalink: str | None
    raw: str
    normalised: str


@dataclass(frozen=True, slots=True, eq=False)
class TextCost:
    """What a caption says under the index's character model, the caption itself left out.

    bits: float64 (n,), of each character; `is_sufficient` says whether the model
    knows enough of its language to tell rare from common.
    """

    bits: npt.NDArray[np.float64]
    is_sufficient: bool
