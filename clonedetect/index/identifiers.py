"""What identifies an item: handle, account, native ids, permalink, ids and addresses of its pictures.

Every identifier is one row of 48 bits of a hash and the item's number. A row found
is looked at again by the item itself, so that a collision of hashes costs a moment and
says nothing wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import msgspec
import xxhash
from sqlite_utils import Database

from clonedetect.extract import identifiers
from clonedetect.extract.media_urls import asset_ids
from clonedetect.models.item import Item, Media
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Identified

__all__ = [
    "AT_MOST",
    "RULES",
    "Wanted",
    "as_stored",
    "find",
    "identifiers_of",
    "insert_keys",
    "key_of",
    "keys_of",
    "refill",
    "replace_keys",
]

RULES: Final = 1
"""The version of what identifies an item; where another made the table, it is filled anew."""

AT_MOST: Final = 8
"""Items returned of one identifier: a handle has thousands, and they are one account's."""

Wanted = tuple[IdentifierKind, str]

_SPACES: Final = {
    IdentifierKind.HANDLE: "h",
    IdentifierKind.ACCOUNT: "a",
    IdentifierKind.NUMERIC_ID: "n",
    IdentifierKind.PERMALINK: "p",
    IdentifierKind.ASSET_ID: "s",
    IdentifierKind.HOTLINK: "m",
}
_KEY_BITS: Final = 48  # SQLite keeps such a number in six bytes, the next size is eight
_KEYS_AT_ONCE: Final = 500  # fewer than the variables that SQLite takes
_ITEMS_AT_ONCE: Final = 10_000
_NATIVE: Final = frozenset({IdentifierKind.SHORTCODE, IdentifierKind.NUMERIC_ID})
_NUMBER: Final = re.compile(r"(\d{8,25})(?:_\d{1,25})?")
_LONG_NUMBER: Final = re.compile(r"(\d{11,25})(?:_\d{1,25})?")
_ADDRESS: Final = re.compile(
    r"https?://(?:[^/?#@]*@)?([^/?#:]+)(?::\d*)?([^?#]*)(?:\?([^#]*))?", re.IGNORECASE
)
_TELLING: Final = re.compile(r"(?=[^/]*\d)[^/]{12,}")
"""A segment of a media path that may tell one file from all others."""


def as_stored(kind: IdentifierKind, value: str) -> Wanted:
    """Return the one kind and spelling under which an identifier is looked up.

    The spelling of what identifies nothing is empty. Shortcodes and numbers are one kind
    (`NUMERIC_ID`): both are a post's own id. Handles lose their @ and case; permalinks
    their scheme, ``www.``, query and final slash; addresses of media everything but their
    path, since content hosts and signatures change, and paths that name no file of their
    own are left out.
    """
    if kind is IdentifierKind.HANDLE:
        return kind, value.strip().removeprefix("@").casefold()
    if kind is IdentifierKind.PERMALINK:
        return kind, _permalink(*_parts(value))
    if kind is IdentifierKind.HOTLINK:
        return kind, _media_path(value)
    if kind is IdentifierKind.HASHTAG:
        return kind, ""
    return IdentifierKind.NUMERIC_ID if kind in _NATIVE else kind, value.strip()


def identifiers_of(item: Item) -> frozenset[Wanted]:
    """Return everything that identifies `item`, as it is stored."""
    found = {*_of_account(item.account_id or "", item.handle or ""), *_listed(item)}
    for permalink, ids in _addresses(item):
        found.add((IdentifierKind.PERMALINK, permalink))
        found.update((IdentifierKind.NUMERIC_ID, value) for value in ids)
    return frozenset(found)


def key_of(stored: Wanted) -> int:
    """Return the number under which an identifier `as_stored` stands, -2^47 to 2^47 - 1.

    A permalink stands under the post's own id, where it has one.
    """
    kind, value = stored
    if kind is IdentifierKind.PERMALINK:
        kind, value = next(((IdentifierKind.NUMERIC_ID, one) for one in _ids_in(value)), stored)
    return _hash(_SPACES[kind], value)


def keys_of(item: Item) -> tuple[int, ...]:
    """Return the keys of all that identifies `item`, each once."""
    keys = set(_account_keys(item.account_id or "", item.handle or ""))
    keys.update([_hash(_SPACES[kind], value) for kind, value in _listed(item)])
    for permalink, ids in _addresses(item):
        keys.update([_hash("n", value) for value in ids] or [_hash("p", permalink)])
    return tuple(keys)


@lru_cache(maxsize=16_384)  # accounts have many posts, and often they come together
def _account_keys(account_id: str, handle: str) -> tuple[int, ...]:
    return tuple(key_of(wanted) for wanted in _of_account(account_id, handle))


def _hash(space: str, value: str) -> int:
    digest = xxhash.xxh3_64_intdigest(f"{space}{value}".encode("utf-8", "replace"))
    return int(digest >> (64 - _KEY_BITS)) - (1 << (_KEY_BITS - 1))


def insert_keys(db: Database, keys: Iterable[Sequence[int]]) -> None:
    """Store pairs of key and item's number; many are best in order, so that a page is changed once."""
    db.conn.executemany("INSERT INTO identifiers VALUES (?, ?)", keys)


def replace_keys(db: Database, number: int, before: Iterable[int], after: Iterable[int]) -> None:
    """Make the keys of one item those of `after`, where they were those of `before`."""
    old, new = set(before), set(after)
    db.conn.executemany(
        "DELETE FROM identifiers WHERE key = ? AND number = ?", [(key, number) for key in old - new]
    )
    insert_keys(db, ((key, number) for key in new - old))


def refill(db: Database) -> None:
    """Store the keys of every item anew, from the items alone."""
    db.execute("DELETE FROM identifiers")
    rows = db.execute("SELECT number, json FROM items ORDER BY number")
    decoder = msgspec.json.Decoder(Item)
    while block := rows.fetchmany(_ITEMS_AT_ONCE):
        pairs = ((key, number) for number, data in block for key in keys_of(decoder.decode(data)))
        insert_keys(db, sorted(pairs))


def find(db: Database, wanted: Collection[Wanted]) -> dict[Wanted, Identified]:
    """Return the items of each of `wanted` that has any, at most `AT_MOST` of each, in order of arrival."""
    by_key: dict[int, list[tuple[Wanted, Wanted]]] = {}
    for one in wanted:
        stored = as_stored(*one)
        if stored[1]:
            by_key.setdefault(key_of(stored), []).append((one, stored))
    found: dict[Wanted, Identified] = {}
    for key, numbers in _numbers(db, list(by_key)):
        items = [(item, identifiers_of(item)) for item in (_item(db, number) for number in numbers)]
        for one, stored in by_key[key]:
            same = tuple(item for item, named in items if stored in named)
            if same:
                found[one] = Identified(same[:AT_MOST], len(numbers) <= AT_MOST)
    return found


def _numbers(db: Database, keys: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield each of `keys` that is stored, with the first numbers under it, one more than are returned."""
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        part = keys[first : first + _KEYS_AT_ONCE]
        marks = ",".join(["(?)"] * len(part))
        # Whether a key is there is asked of all at once: next to none of a page's are.
        sql = (
            f"SELECT column1 FROM (VALUES {marks}) "  # noqa: S608  marks
            "WHERE EXISTS (SELECT 1 FROM identifiers WHERE key = column1)"
        )
        for (key,) in db.execute(sql, part).fetchall():
            rows = db.execute(
                "SELECT number FROM identifiers WHERE key = ? ORDER BY number LIMIT ?", (key, AT_MOST + 1)
            )
            yield key, [row[0] for row in rows.fetchall()]


def _item(db: Database, number: int) -> Item:
    row = db.execute("SELECT json FROM items WHERE number = ?", (number,)).fetchone()
    return msgspec.json.decode(row[0], type=Item)


def _of_account(account_id: str, handle: str) -> Iterator[Wanted]:
    if account_id:
        yield IdentifierKind.ACCOUNT, account_id.strip()
    name = as_stored(IdentifierKind.HANDLE, handle)
    if name[1]:
        yield name


def _listed(item: Item) -> Iterator[Wanted]:
    """Yield the post's own ids as they are listed, and what identifies its pictures."""
    for value in item.native_ids:
        number = _NUMBER.fullmatch(value.strip())
        if value.strip():
            yield IdentifierKind.NUMERIC_ID, number[1] if number else value.strip()
    number = _LONG_NUMBER.fullmatch(item.item_id)
    if number:
        yield IdentifierKind.NUMERIC_ID, number[1]
    for media in item.media:
        yield from (one for one in (as_stored(*named) for named in _of_media(media)) if one[1])


def _addresses(item: Item) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each permalink of a post, with the ids in it; its id here may be one."""
    for address in (item.permalink, item.item_id):
        permalink = _permalink(*_parts(address)) if address is not None and "://" in address else ""
        if permalink:
            yield permalink, tuple(_ids_in(permalink))


def _ids_in(permalink: str) -> Iterator[str]:
    """Yield the ids that a permalink as it is stored names: host and path, decoded."""
    _, *segments = permalink.split("/")
    yield from (value for kind, value in identifiers.of_segments(segments) if kind in _NATIVE)


def _of_media(media: Media) -> Iterator[Wanted]:
    if media.asset_id:
        yield IdentifierKind.ASSET_ID, media.asset_id
    if media.url:
        yield IdentifierKind.HOTLINK, media.url
        for value in asset_ids(media.url):
            yield IdentifierKind.ASSET_ID, value


def _parts(url: str) -> tuple[str, str, str]:
    """Return host in lower case, decoded path and query of an address; empty for what is none.

    A third of what ``urlsplit`` takes, of which an import feels every call.
    """
    found = _ADDRESS.match(url.strip())
    if found is None:
        return "", "", ""
    host, path, query = found.groups("")
    return host.lower().rstrip("."), unquote(path) if "%" in path else path, query


def _permalink(host: str, path: str, query: str) -> str:
    path = path.rstrip("/")
    if not host or not path:
        # A post that its query alone names, as ?p=12 does, keeps it.
        return f"{host}/?{query}" if host and query else ""
    return f"{host.removeprefix('www.').removeprefix('m.')}{path}"


def _media_path(url: str) -> str:
    _, path, _ = _parts(url) if "://" in url else ("", unquote(url.partition("?")[0]), "")
    return path if any(_TELLING.fullmatch(one) for one in path.split("/")) else ""
