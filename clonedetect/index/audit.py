"""Whether an index still is what was written, checked row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from clonedetect.errors import ClonedetectError
from clonedetect.index.digests import ContentSum, item_digest, media_digest, text_digest, views_of
from clonedetect.index.featurefiles import SCHEMA as FEATURES_SCHEMA
from clonedetect.index.hamming import SCHEMA as HAMMING_SCHEMA
from clonedetect.index.hotfiles import read_plan, verify_arrays
from clonedetect.index.hotsignals import folder_of
from clonedetect.index.identifiers import keys_of
from clonedetect.index.models import SCHEMA as MODEL_SCHEMA
from clonedetect.index.reference import HotSource
from clonedetect.index.rows import read_features, read_text_signals, read_thumbnail
from clonedetect.index.schema import DATABASE
from clonedetect.index.store import HOT, IndexStore
from clonedetect.index.texts import SCHEMA as TEXTS_SCHEMA
from clonedetect.index.texts import block_of, opened_postings
from clonedetect.index.vectors import SCHEMA as VECTORS_SCHEMA
from clonedetect.models.ids import Digest
from clonedetect.models.item import Item, Media
from clonedetect.models.signal import ImageSignals, ViewHash
from clonedetect.models.slot import Distance

__all__ = ["Verification", "verify"]

_CAPTIONS_AT_ONCE: Final = 4096
_HOT_SCHEMAS: Final = {
    "hashes": HAMMING_SCHEMA,
    "features": FEATURES_SCHEMA,
    "texts": TEXTS_SCHEMA,
    "characters": MODEL_SCHEMA,
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, by name with its count, and what is wrong, in sentences."""

    checked: dict[str, int]
    faults: tuple[str, ...]


def verify(store: IndexStore, *, read_files: bool = False) -> Verification:
    """Recompute everything that can be recomputed from `store`, and name every difference.

    1. SQLite's own check of the file. 2. Every item's digest from its row and
    its signals. 3. The snapshot id from all items. 4. The lookups of every
    caption, no more and no fewer. 5. The hot files' elements. 6. That each picture
    has a value of each of the operator's signals. 7. The identifiers of every item, no
    more and no fewer. 8. With `read_files`, the digest of
    every picture and video that is still in place.
    """
    checked: dict[str, int] = {}
    faults: list[str] = []
    for name, check in _CHECKS.items():
        checked[name] = 0
        for fault in check(store):
            checked[name] += 1
            if fault:
                faults.append(fault)
    if read_files:
        found = list(_check_files(store))
        checked["files"] = len(found)
        faults += [fault for fault in found if fault]
    return Verification(checked, tuple(faults))


def _check_database(store: IndexStore) -> Iterator[str]:  # 1
    for (line,) in store.db.execute("PRAGMA integrity_check").fetchall():
        yield "" if line == "ok" else f"{store.folder / DATABASE}: {line}"


def _check_items(store: IndexStore) -> Iterator[str]:  # 2, 3
    total = ContentSum()
    for item_id, data, digest in store.db.execute("SELECT item_id, json, digest FROM items"):
        total.add(digest)
        try:
            is_same = _recomputed(store, msgspec.json.decode(data, type=Item)) == digest
        except (ClonedetectError, ValueError, msgspec.DecodeError) as error:
            yield f"item {item_id} cannot be read back ({error}); import it again"
            continue
        yield "" if is_same else f"item {item_id} is not what was stored; remove it and import it again"
    if total.state != bytes(store.db.execute("SELECT value FROM meta WHERE key = 'content'").fetchone()[0]):
        yield "the snapshot id does not belong to these items; import the sources into a new index"


def _recomputed(store: IndexStore, item: Item) -> bytes:
    rows = store.db.execute(
        "SELECT media_id, digest FROM media WHERE item_id = ? ORDER BY position", (item.item_id,)
    ).fetchall()
    ordered = sorted(range(len(item.media)), key=lambda number: item.media[number].position)
    if len(rows) != len(item.media):
        raise ValueError(f"{len(rows)} of {len(item.media)} media are there")
    contents = dict[int, bytes]()
    for number, (media_id, digest) in zip(ordered, rows, strict=True):
        media = replace(item.media[number], digest=digest)
        contents[number] = _recomputed_media(store, media_id, media)
    row = store.db.execute(
        "SELECT raw, normalised, exact, fingerprints, minhash FROM texts WHERE item_id = ?", (item.item_id,)
    ).fetchone()
    text = text_digest(row[0], read_text_signals(row[1:])) if row else None
    return item_digest(item, [contents[number] for number in range(len(item.media))], text)


def _recomputed_media(store: IndexStore, media_id: int, media: Media) -> bytes:
    hashes = store.db.execute("SELECT views, bits FROM hashes WHERE media_id = ?", (media_id,)).fetchone()
    image = store.db.execute(
        "SELECT quality, phash16, flags, thumbnail FROM images WHERE media_id = ?", (media_id,)
    ).fetchone()
    if image is None:
        given = b"".join(view.bits for view in views_of(media, None))
        if given != (hashes[1] if hashes else b""):
            raise ValueError("its hash is not the one that came with it")
        return media_digest(media, None)
    features = store.db.execute(
        "SELECT width, height, points, descriptors FROM features WHERE media_id = ?", (media_id,)
    ).fetchone()
    values: list[tuple[str, bytes]] = []
    if store.signals:  # an older schema has no table of them
        values = store.db.execute(
            "SELECT name, value FROM signals WHERE media_id = ? ORDER BY name", (media_id,)
        ).fetchall()
    names: list[tuple[str, str, int]] = msgspec.json.decode(hashes[0]) if hashes else []
    signals = ImageSignals(
        digest=Digest(media.digest or ""),
        width=media.width or 0,
        height=media.height or 0,
        quality=image[0],
        hashes=tuple(
            ViewHash(view, form, hashes[1][32 * number : 32 * number + 32], quality)
            for number, (view, form, quality) in enumerate(names)
        ),
        phash16=image[1],
        thumbnail=read_thumbnail(image[3]),
        features=read_features(*features) if features else None,
        flags=tuple(image[2].split()),
        values=tuple(values),
    )
    return media_digest(media, signals)


def _check_lookups(store: IndexStore) -> Iterator[str]:  # 4
    """Look every caption up by each of its grams and bands, if their files stand."""
    source = HotSource(store.folder / HOT / "texts", store.snapshot(), store.lineage, store.db)
    postings = opened_postings(source)
    expected = np.zeros(2, np.int64)
    rows = store.db.execute("SELECT text_id, fingerprints, minhash, item_id FROM texts ORDER BY text_id")
    while block := rows.fetchmany(_CAPTIONS_AT_ONCE):
        *entries, numbers = block_of([row[:3] for row in block])
        expected += [len(keys) for keys, _ in entries]
        missed = postings.missed(*entries) if postings is not None else frozenset()
        for number, row in zip(numbers.tolist(), block, strict=True):
            yield (
                f"the caption of {row[3]} cannot be found by all its grams; delete {source.folder}"
                if number in missed
                else ""
            )
    if postings is not None and postings.sizes() != tuple(expected.tolist()):
        yield (
            f"{source.folder} holds {postings.sizes()} grams and bands, its captions account for "
            f"{tuple(expected.tolist())}; delete it"
        )


def _check_hot_files(store: IndexStore) -> Iterator[str]:  # 5
    files = dict(_HOT_SCHEMAS)
    for signal in store.signals:
        is_hash = signal.distance is Distance.HAMMING
        files[folder_of(signal)] = HAMMING_SCHEMA if is_hash else VECTORS_SCHEMA
    for name, schema in files.items():
        folder = store.folder / HOT / name
        try:
            faults = verify_arrays(folder, read_plan(folder, schema=schema))
        except FileNotFoundError:
            continue  # built when the index is next searched
        except ClonedetectError as error:
            yield str(error)
            continue
        yield from faults or ("",)


def _check_signals(store: IndexStore) -> Iterator[str]:  # 6
    for signal in store.signals:
        rows = store.db.execute(
            "SELECT item_id, length(value) FROM images JOIN media USING (media_id) LEFT JOIN signals "
            "ON signals.media_id = images.media_id AND name = ? ORDER BY images.media_id",
            (signal.name,),
        )
        for item_id, size in rows:
            is_whole = size == signal.size_bytes
            yield (
                ""
                if is_whole
                else f"item {item_id} has no value of the signal {signal.name}; import it again"
            )


def _check_identifiers(store: IndexStore) -> Iterator[str]:  # 7
    """Look for each identifier of each item; an index of an older schema has none."""
    if not store.has_identifiers:
        return
    expected = 0
    for number, item_id, data in store.db.execute("SELECT number, item_id, json FROM items"):
        try:
            keys = keys_of(msgspec.json.decode(data, type=Item))
        except msgspec.DecodeError:
            return  # said with the items
        expected += len(keys)
        marks = ",".join("?" * len(keys))
        (found,) = store.db.execute(
            f"SELECT count(*) FROM identifiers WHERE key IN ({marks}) AND number = ?",  # noqa: S608  marks
            (*keys, number),
        ).fetchone()
        is_whole = found == len(keys)
        yield "" if is_whole else f"item {item_id} cannot be found by all its identifiers; {_REFILL}"
    (stored,) = store.db.execute("SELECT count(*) FROM identifiers").fetchone()
    if stored != expected:
        yield f"{stored} identifiers are stored, the items account for {expected}; {_REFILL}"


_REFILL: Final = "import the sources into a new index"


def _check_files(store: IndexStore) -> Iterator[str]:  # 8
    rows: list[tuple[Any, ...]] = store.db.execute(
        "SELECT item_id, path, digest FROM media WHERE path IS NOT NULL ORDER BY media_id"
    ).fetchall()
    for item_id, path, digest in rows:
        try:
            with Path(path).open("rb") as file:
                found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        except OSError as error:
            yield f"item {item_id}: {path} cannot be read ({error.strerror}); its thumbnail stands in"
            continue
        yield "" if found == digest else f"item {item_id}: {path} has changed since it was indexed"


_CHECKS: Final = {
    "database": _check_database,
    "items": _check_items,
    "captions": _check_lookups,
    "hot files": _check_hot_files,
    "signals": _check_signals,
    "identifiers": _check_identifiers,
}
