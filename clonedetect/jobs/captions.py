"""Items of words alone, some hundreds at a time: hashed and made into rows in one go.

A chunk travels to its worker as MessagePack and comes back as rows of plain
values, so that neither side spends its time on taking objects apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from clonedetect.index.captions import PreparedCaptions, prepared
from clonedetect.index.writing import Provenance
from clonedetect.models.item import Item
from clonedetect.models.signal import TextSignals
from clonedetect.signals.many import many_text_signals
from clonedetect.signals.text import text_signals

__all__ = ["CHUNK", "CaptionChunk", "HashedCaptions", "hash_captions"]

CHUNK: Final = 512
"""Items of one chunk: 256 to 1,024 cost the same each, and fewer lose less with a worker."""

_WORDS_AT_MOST: Final = 200_000  # characters hashed at once: memory grows with them, not with items


class CaptionChunk(msgspec.Struct, frozen=True):
    """Items without media that are not in the index, from one source; `at` is when they are first indexed."""

    source: str
    at: datetime
    items: tuple[Item, ...]
    lines: tuple[int | None, ...]

    def __len__(self) -> int:
        return len(self.items)

    def halves(self) -> tuple[CaptionChunk, CaptionChunk]:
        """Return two chunks that are this one together."""
        middle = len(self) // 2
        first = CaptionChunk(self.source, self.at, self.items[:middle], self.lines[:middle])
        return first, CaptionChunk(self.source, self.at, self.items[middle:], self.lines[middle:])


@dataclass(frozen=True, slots=True, eq=False)
class HashedCaptions:
    """The rows of those items that could be hashed, and by place why the others could not."""

    rows: PreparedCaptions
    unusable: dict[int, str]


_decoder: Final = msgspec.msgpack.Decoder(CaptionChunk)


def hash_captions(data: bytes) -> HashedCaptions:
    """Hash a chunk, given as MessagePack; what goes wrong with an item is returned, not raised."""
    chunk = _decoder.decode(data)
    unusable: dict[int, str] = {}
    try:
        signals = _hashed_together(chunk.items)
    except Exception:  # noqa: BLE001  a worker's outer edge: one caption must not end an import
        signals = _hashed_alone(chunk.items, unusable)
    places = [place for place in range(len(chunk)) if place not in unusable]
    rows = prepared(
        [chunk.items[place] for place in places],
        [signals[place] for place in places],
        [Provenance(chunk.source, chunk.lines[place]) for place in places],
        at=chunk.at,
    )
    return HashedCaptions(rows, unusable)


def _hashed_together(items: Sequence[Item]) -> list[TextSignals | None]:
    """Hash in runs of bounded length, so that a few enormous captions cost no more memory than one."""
    signals: list[TextSignals | None] = []
    run: list[str] = []
    size = 0
    for item in items:
        caption = item.caption or ""
        if run and size + len(caption) > _WORDS_AT_MOST:
            signals += many_text_signals(run)
            run, size = [], 0
        run.append(caption)
        size += len(caption)
    return signals + list(many_text_signals(run))


def _hashed_alone(items: Sequence[Item], unusable: dict[int, str]) -> list[TextSignals | None]:
    signals: list[TextSignals | None] = []
    for place, item in enumerate(items):
        try:
            signals.append(text_signals(item.caption or ""))
        except Exception as error:  # noqa: BLE001  as above
            unusable[place] = f"hashing failed: {type(error).__name__}: {error}"
            signals.append(None)
    return signals
