"""An index as hashes alone, for whom may compare and may not see: no picture, no caption."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.hash_items import SCHEMA, HashItem, HashMedium, HashText, HashView
from clonedetect.index.importers.rows import SpanRow
from clonedetect.index.store import IndexStore
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item

__all__ = ["MIN_KEY_BYTES", "hash_lines"]

MIN_KEY_BYTES: Final = 16
"""Account ids are few and guessable: under a short key a list of them is tried in minutes."""

_HASH_BYTES: Final = 32


def hash_lines(store: IndexStore, key: bytes | None) -> Iterator[bytes]:
    """Yield one JSON line for each item of `store`, in the order of ids, as its snapshot stands.

    Accounts are named by HMAC-SHA256 under `key`, and not at all without one.
    Raises InputError for a key shorter than 16 bytes.
    """
    if key is not None and len(key) < MIN_KEY_BYTES:
        raise InputError(f"a key has at least {MIN_KEY_BYTES} bytes; make one with: head -c 32 /dev/urandom")
    algorithms = store.algorithms
    for item_id in store.item_ids():
        item = store.item(item_id)
        if item is None:
            raise InputError(f"item {item_id} is damaged; run: clonedetect index verify {store.folder}")
        yield msgspec.json.encode(_hashed(store, item, key, algorithms)) + b"\n"


def _hashed(store: IndexStore, item: Item, key: bytes | None, algorithms: dict[str, str]) -> HashItem:
    return HashItem(
        schema=SCHEMA,
        algorithms={kind: algorithms[kind] for kind in ("views", "text", "minhash") if kind in algorithms},
        item_id=item.item_id,
        account=_keyed(item, key),
        visibility=tuple(SpanRow(span.visibility, span.since, span.until) for span in item.visibility),
        minor=item.minor,
        canary=item.canary,
        allowed_domains=item.allowed_domains,
        media=tuple(_media(store, item)),
        text=_text(store, item.item_id),
    )


def _keyed(item: Item, key: bytes | None) -> str | None:
    name = item.account_id or item.handle
    if key is None or name is None:
        return None
    return f"hmac-sha256:{hmac.new(key, name.encode(), hashlib.sha256).hexdigest()}"


def _media(store: IndexStore, item: Item) -> Iterator[HashMedium]:
    rows = store.db.execute(
        "SELECT position, digest, width, height, views, bits FROM media LEFT JOIN hashes USING (media_id) "
        "WHERE item_id = ? ORDER BY position",
        (item.item_id,),
    ).fetchall()
    kinds = {medium.position: medium.kind for medium in item.media}
    for position, digest, width, height, views, bits in rows:
        names: list[tuple[str, str, int]] = msgspec.json.decode(views) if views is not None else []
        yield HashMedium(
            position=position,
            kind=kinds[position],
            sha256=digest,
            width=width,
            height=height,
            views=tuple(
                HashView(view, form, quality, bits[_HASH_BYTES * number : _HASH_BYTES * (number + 1)].hex())
                for number, (view, form, quality) in enumerate(names)
            ),
        )


def _text(store: IndexStore, item_id: ItemId) -> HashText | None:
    row = store.db.execute(
        "SELECT exact, fingerprints, minhash FROM texts WHERE item_id = ?", (item_id,)
    ).fetchone()
    return None if row is None else HashText(row[0], row[1].hex(), row[2].hex())
