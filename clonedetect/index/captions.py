"""New items of words alone as finished rows: all that storing them computes, and may be computed elsewhere.

An import of captions is bound by this, not by the disk. It needs no database
and no clock, so worker processes do it, and the writer only executes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.index.digests import ContentSum, fingerprint_of
from clonedetect.index.identifiers import insert_keys, keys_of
from clonedetect.index.rows import INSERT_TEXT, TextRow, text_row
from clonedetect.index.writing import INSERT_ITEM, ItemContents, ItemRow, Provenance, item_row, next_number
from clonedetect.models.item import Item
from clonedetect.models.signal import TextSignals

__all__ = ["PreparedCaptions", "prepared", "write_new"]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCaptions:
    """Rows of items that have a caption and no media, in order, and the sum of their digests.

    `texts` holds None for a caption of nothing but signs, `keys`, int64 (n, 2), the keys of
    all identifiers in order, each with its item's place here; `content` is a `ContentSum.state`.
    """

    items: tuple[ItemRow, ...]
    texts: tuple[TextRow | None, ...]
    keys: npt.NDArray[np.int64]
    content: bytes

    @classmethod
    def nothing(cls) -> Self:
        """Return no rows."""
        return cls((), (), np.zeros((0, 2), np.int64), ContentSum().state)

    def __len__(self) -> int:
        return len(self.items)

    def joined(self, other: PreparedCaptions) -> PreparedCaptions:
        """Return these rows and then those of `other`."""
        total = ContentSum(self.content)
        total.join(ContentSum(other.content))
        keys = np.concatenate([self.keys, np.add(other.keys, [0, len(self)])])
        return PreparedCaptions(self.items + other.items, self.texts + other.texts, keys, total.state)


def prepared(
    items: Sequence[Item],
    signals: Sequence[TextSignals | None],
    provenances: Sequence[Provenance],
    *,
    at: datetime,
) -> PreparedCaptions:
    """Return the rows of `items`, first indexed `at` unless they say otherwise.

    Raises ValueError for an item with media, or signals without a caption.
    """
    rows: list[ItemRow] = []
    texts: list[TextRow | None] = []
    digests: list[bytes] = []
    for item, text, provenance in zip(items, signals, provenances, strict=True):
        contents = ItemContents.of(item, (), text)
        dated = item if item.first_indexed_at else replace(item, first_indexed_at=at)
        rows.append(item_row(dated, contents.digest, fingerprint_of(item), provenance))
        words = contents.text_signals
        texts.append(None if words is None else text_row(item, item.caption or "", words))
        digests.append(contents.digest)
    total = ContentSum()
    total.add_all(digests)
    return PreparedCaptions(tuple(rows), tuple(texts), _keys(items), total.state)


def _keys(items: Sequence[Item]) -> npt.NDArray[np.int64]:
    """Return the keys of all identifiers in order, each with its item's place."""
    each = [keys_of(item) for item in items]
    places = np.repeat(np.arange(len(each)), [len(keys) for keys in each])
    keys = np.array([key for keys in each for key in keys], np.int64)
    order = np.argsort(keys, kind="stable")
    return np.column_stack([keys[order], places[order]])


def write_new(db: Database, captions: PreparedCaptions, *, generation: int) -> None:
    """Insert the rows; sqlite3.IntegrityError where one of the items is there already."""
    first = next_number(db)
    db.conn.executemany(INSERT_ITEM, ((*row, number) for number, row in enumerate(captions.items, first)))
    keys, places = captions.keys.T
    insert_keys(db, zip(keys.tolist(), (places + first).tolist(), strict=True))
    texts = ((None, *row, generation) for row in captions.texts if row is not None)
    db.conn.executemany(INSERT_TEXT, texts)
    if db.execute("SELECT 1 FROM removed_items LIMIT 1").fetchone() is not None:
        db.conn.executemany(
            "DELETE FROM removed_items WHERE item_id = ?", ((row[0],) for row in captions.items)
        )
