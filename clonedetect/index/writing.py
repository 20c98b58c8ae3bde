"""One item into the tables, or out of them: what changed, and what stayed under its old number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self

import msgspec
from sqlite_utils import Database

from clonedetect.index.digests import item_digest, media_digest, text_digest
from clonedetect.index.identifiers import keys_of, replace_keys
from clonedetect.index.rows import delete_media, delete_text, insert_media, insert_text
from clonedetect.models.ids import ItemId, MediaId, TextId
from clonedetect.models.item import Item, Media, Visibility
from clonedetect.models.signal import ImageSignals, TextSignals

__all__ = [
    "INSERT_ITEM",
    "Change",
    "ItemContents",
    "ItemRow",
    "Provenance",
    "Written",
    "drop_item",
    "item_row",
    "next_number",
    "write_item",
]

_WIDEST_FIRST: Final = tuple(Visibility)
"""The enum lists the classes from the widest audience to the narrowest."""


class Change(StrEnum):
    """What adding an item did."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an item was read from: the source as named, its line if it has lines."""

    source: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What happened to one item, and its digest before and after."""

    change: Change
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True, eq=False)
class ItemContents:
    """An item with its signals and the digests of all of it, ready to be written."""

    item: Item
    media_signals: tuple[ImageSignals | None, ...]
    media_digests: tuple[bytes, ...]
    text_signals: TextSignals | None
    digest: bytes

    @classmethod
    def of(
        cls, item: Item, media_signals: Sequence[ImageSignals | None], text_signals: TextSignals | None
    ) -> Self:
        """Put `item` and its signals together; raises ValueError where they do not belong together."""
        if len(media_signals) != len(item.media):
            raise ValueError(f"{len(media_signals)} signals for {len(item.media)} media of {item.item_id}")
        if text_signals is not None and item.caption is None:
            raise ValueError(f"{item.item_id} has text signals and no caption")
        if text_signals is not None and not text_signals.normalised:
            text_signals = None  # nothing but signs and emoji: all such captions would be each other's copies
        item = _completed(item, media_signals)
        media = tuple(media_digest(*pair) for pair in zip(item.media, media_signals, strict=True))
        text = text_digest(item.caption or "", text_signals) if text_signals is not None else None
        return cls(item, tuple(media_signals), media, text_signals, item_digest(item, media, text))


def write_item(
    db: Database,
    contents: ItemContents,
    *,
    fingerprint: bytes,
    provenance: Provenance,
    generation: int,
    at: datetime,
) -> Written:
    """Store an item in place of what was stored of it; `at` is when it was first indexed, if it is new."""
    item = contents.item
    row = db.execute("SELECT digest, json FROM items WHERE item_id = ?", (item.item_id,)).fetchone()
    old = None if row is None else msgspec.json.decode(row[1], type=Item)
    first = at if old is None else old.first_indexed_at
    item = replace(item, first_indexed_at=item.first_indexed_at or first)
    db.execute(_UPSERT, (*item_row(item, contents.digest, fingerprint, provenance), None))
    _write_media(db, item, contents, generation)
    if row is not None and row[0] == contents.digest:
        return Written(Change.UNCHANGED, row[0], contents.digest)
    _write_text(db, item, contents.text_signals, generation)
    _write_identifiers(db, item, old)
    db.execute("DELETE FROM removed_items WHERE item_id = ?", (item.item_id,))
    if row is None:
        return Written(Change.ADDED, None, contents.digest)
    return Written(Change.UPDATED, row[0], contents.digest)


def drop_item(db: Database, item_id: ItemId, *, generation: int, at: datetime) -> bytes | None:
    """Take an item out of every table, leave a tombstone, and return its digest; None if there was none."""
    row = db.execute("SELECT digest, number, json FROM items WHERE item_id = ?", (item_id,)).fetchone()
    if row is None:
        return None
    replace_keys(db, row[1], keys_of(msgspec.json.decode(row[2], type=Item)), ())
    media = db.execute("SELECT media_id FROM media WHERE item_id = ?", (item_id,)).fetchall()
    for (media_id,) in media:
        delete_media(db, MediaId(media_id), generation=generation)
    text = db.execute("SELECT text_id FROM texts WHERE item_id = ?", (item_id,)).fetchone()
    if text is not None:
        delete_text(db, TextId(text[0]), generation=generation)
    db.execute("DELETE FROM items WHERE item_id = ?", (item_id,))
    removed_at = at.astimezone(UTC).isoformat(timespec="seconds")
    db.execute("INSERT OR REPLACE INTO removed_items VALUES (?, ?)", (item_id, removed_at))
    return bytes(row[0])


INSERT_ITEM: Final = """
INSERT INTO items
  (item_id, account_id, handle, permalink, visibility, json, source, line, fingerprint, digest, number)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
"""Takes what `item_row` returns, and the item's number, or None for the next one."""

_UPSERT: Final = f"""
{INSERT_ITEM}
ON CONFLICT (item_id) DO UPDATE SET account_id = excluded.account_id, handle = excluded.handle,
  permalink = excluded.permalink, visibility = excluded.visibility, json = excluded.json,
  source = excluded.source, line = excluded.line, fingerprint = excluded.fingerprint, digest = excluded.digest
"""


def next_number(db: Database) -> int:
    """Return the number of the next new item; nobody else gives one while we write."""
    return int(db.execute("SELECT coalesce(max(number), 0) + 1 FROM items").fetchone()[0])


ItemRow = tuple[str, str | None, str | None, str | None, str, str, str, int | None, bytes, bytes]


def item_row(item: Item, digest: bytes, fingerprint: bytes, provenance: Provenance) -> ItemRow:
    """Return the row of `items` for one item as it is, `first_indexed_at` included, but its number."""
    widest = min((span.visibility for span in item.visibility), key=_WIDEST_FIRST.index)
    return (
        item.item_id,
        item.account_id,
        item.handle,
        item.permalink,
        str(widest),
        msgspec.json.encode(item).decode(),
        provenance.source,
        provenance.line,
        fingerprint,
        digest,
    )


def _write_media(db: Database, item: Item, contents: ItemContents, generation: int) -> None:
    """Keep the numbers of pictures that stayed, give new ones to new, bury those that went."""
    old: dict[bytes, list[MediaId]] = {}
    for media_id, content in db.execute(
        "SELECT media_id, content FROM media WHERE item_id = ? ORDER BY position DESC", (item.item_id,)
    ):
        old.setdefault(content, []).append(MediaId(media_id))
    parts = zip(item.media, contents.media_signals, contents.media_digests, strict=True)
    for media, signals, content in parts:
        kept = old.get(content)
        if kept:
            db.execute(
                "UPDATE media SET position = ?, path = ? WHERE media_id = ?",
                (media.position, media.path, kept.pop()),
            )
        else:
            insert_media(db, item.item_id, media, signals, content=content, generation=generation)
    for media_ids in old.values():
        for media_id in media_ids:
            delete_media(db, media_id, generation=generation)


def _write_text(db: Database, item: Item, signals: TextSignals | None, generation: int) -> None:
    """Keep the number of a caption that was edited, which needs no tombstone: its new row says when."""
    row = db.execute("SELECT text_id FROM texts WHERE item_id = ?", (item.item_id,)).fetchone()
    text_id = TextId(row[0]) if row is not None else None
    if signals is None:
        if text_id is not None:
            delete_text(db, text_id, generation=generation)
        return
    if text_id is not None:
        db.execute("DELETE FROM texts WHERE text_id = ?", (text_id,))
    insert_text(db, item, item.caption or "", signals, generation=generation, text_id=text_id)


def _write_identifiers(db: Database, item: Item, old: Item | None) -> None:
    (number,) = db.execute("SELECT number FROM items WHERE item_id = ?", (item.item_id,)).fetchone()
    replace_keys(db, number, () if old is None else keys_of(old), keys_of(item))


def _completed(item: Item, media_signals: Sequence[ImageSignals | None]) -> Item:
    """Return `item` with what hashing found out, so that rows with and without digests compare."""
    if not media_signals:
        return item
    media: list[Media] = []
    for entry, signals in zip(item.media, media_signals, strict=True):
        if signals is None:
            media.append(entry)
        else:
            media.append(replace(entry, digest=signals.digest, width=signals.width, height=signals.height))
    return replace(item, media=tuple(media))
