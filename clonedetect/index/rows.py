"""Pictures and captions as table rows: written, read back, and taken out of every table."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from sqlite_utils import Database

from clonedetect.errors import IndexFormatError
from clonedetect.index.digests import canonical_views, text_digest, views_of
from clonedetect.models.ids import Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item, Media
from clonedetect.models.minhash import BAND_ROWS, BANDS
from clonedetect.models.reference import ImageReference
from clonedetect.models.signal import (
    VIEWS_PER_MEDIA,
    FeatureSet,
    ImageSignals,
    TextSignals,
    Thumbnail,
)

__all__ = [
    "INSERT_TEXT",
    "TextRow",
    "delete_media",
    "delete_text",
    "encoded_thumbnail",
    "image_references",
    "insert_media",
    "insert_text",
    "owner_of",
    "packed_features",
    "read_features",
    "read_text_signals",
    "text_row",
    "unpacked_features",
]

_HASH_BYTES: Final = 32
_MINHASH_DTYPE: Final = "<u4"
_GRAM_DTYPE: Final = "<u8"
_PNG_LEVEL: Final = 4
_ZLIB_LEVEL: Final = 1
"""The sixth takes as many bytes of features."""


def owner_of(item: Item) -> str:
    """Return whose text an item's caption is: the account, else the handle, else nobody but the item."""
    if item.account_id is not None:
        return f"account:{item.account_id}"
    return f"item:{item.item_id}" if item.handle is None else f"handle:{item.handle}"


def insert_media(
    db: Database,
    item_id: ItemId,
    media: Media,
    signals: ImageSignals | None,
    *,
    content: bytes,
    generation: int,
) -> MediaId:
    """Store one picture or video with its signals and return its new number."""
    cursor = db.execute(
        "INSERT INTO media (item_id, position, kind, path, digest, width, height, content, generation) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item_id,
            media.position,
            str(media.kind),
            media.path,
            media.digest,
            media.width,
            media.height,
            content,
            generation,
        ),
    )
    media_id = MediaId(int(cursor.lastrowid or 0))
    views = views_of(media, signals)
    if len(views) > VIEWS_PER_MEDIA:
        raise ValueError(f"{len(views)} views of one picture; an index numbers {VIEWS_PER_MEDIA}")
    if any(len(view.bits) != _HASH_BYTES for view in views):
        raise ValueError(f"every view's hash has {_HASH_BYTES} bytes")
    if views:
        bits = b"".join(view.bits for view in views)
        db.execute("INSERT INTO hashes VALUES (?, ?, ?)", (media_id, canonical_views(views), bits))
    if signals is not None:
        _insert_signals(db, media_id, signals)
    return media_id


def _insert_signals(db: Database, media_id: MediaId, signals: ImageSignals) -> None:
    png = encoded_thumbnail(signals.thumbnail)
    db.execute(
        "INSERT INTO images VALUES (?, ?, ?, ?, ?)",
        (media_id, signals.quality, signals.phash16, " ".join(signals.flags), png),
    )
    found = signals.features
    if found is not None:
        db.execute(
            "INSERT INTO features VALUES (?, ?, ?, ?, ?)",
            (media_id, found.width, found.height, *packed_features(found)),
        )
    for name, value in signals.values:
        db.execute("INSERT INTO signals VALUES (?, ?, ?)", (media_id, name, value))


def delete_media(db: Database, media_id: MediaId, *, generation: int) -> None:
    """Take one picture out of every table and leave its tombstone."""
    for table in ("hashes", "images", "features", "signals", "media"):
        db.execute(f"DELETE FROM {table} WHERE media_id = ?", (media_id,))  # noqa: S608  our own names
    db.execute("INSERT INTO removed_media VALUES (?, ?)", (media_id, generation))


def insert_text(
    db: Database,
    item: Item,
    raw: str,
    signals: TextSignals,
    *,
    generation: int,
    text_id: TextId | None = None,
) -> None:
    """Store one caption, under its old number if it had one."""
    row = text_row(item, raw, signals)
    db.execute(INSERT_TEXT, (text_id, *row, generation))


INSERT_TEXT: Final = "INSERT INTO texts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
"""Takes the number or None, what `text_row` returns, and the generation."""


TextRow = tuple[str, str, str, str, str, bytes, bytes, bytes]


def text_row(item: Item, raw: str, signals: TextSignals) -> TextRow:
    """Return what is stored of one caption, but its number and generation.

    Raises ValueError for a signature that is too short to look up.
    """
    if signals.minhash.ndim != 1 or len(signals.minhash) < BANDS * BAND_ROWS:
        raise ValueError(f"a MinHash of shape {signals.minhash.shape} has no {BANDS} bands of {BAND_ROWS}")
    return (
        item.item_id,
        owner_of(item),
        raw,
        signals.normalised,
        signals.exact,
        text_digest(raw, signals),
        signals.fingerprints.astype(_GRAM_DTYPE).tobytes(),
        signals.minhash.astype(_MINHASH_DTYPE).tobytes(),
    )


def delete_text(db: Database, text_id: TextId, *, generation: int) -> None:
    """Take one caption out and leave its tombstone."""
    db.execute("DELETE FROM texts WHERE text_id = ?", (text_id,))
    db.execute("INSERT INTO removed_texts VALUES (?, ?)", (text_id, generation))


def read_text_signals(row: Sequence[Any]) -> TextSignals:
    """Return the signals of one row (normalised, exact, fingerprints, minhash) of `texts`."""
    return TextSignals(
        row[0],
        Digest(row[1]),
        np.frombuffer(row[2], _GRAM_DTYPE).astype(np.uint64),
        np.frombuffer(row[3], _MINHASH_DTYPE).astype(np.uint32),
    )


def packed_features(features: FeatureSet) -> tuple[bytes, bytes]:
    """Return what the columns `points` and `descriptors` keep of local features, exactly.

    Both stand in the second, as one zlib stream after the other, in 8.1 KB of a photograph
    where they have 9.7; apart, they were of one length and stood as they are.
    """
    if not len(features.descriptors):
        return b"", b""
    points = np.ascontiguousarray(features.points, "<f4").tobytes()
    descriptors = np.ascontiguousarray(features.descriptors).tobytes()
    return b"", zlib.compress(descriptors, _ZLIB_LEVEL) + zlib.compress(points, _ZLIB_LEVEL)


def unpacked_features(points: bytes, descriptors: bytes) -> tuple[bytes, bytes]:
    """Return points, 16 bytes each, and descriptors, 16 bytes each, of the columns of one row.

    Raises IndexFormatError where they are damaged.
    """
    if points or not descriptors:
        return points, descriptors
    try:
        first = zlib.decompressobj()
        unpacked = first.decompress(descriptors)
        return zlib.decompress(first.unused_data), unpacked
    except zlib.error as error:
        raise IndexFormatError(
            "stored local features are damaged; run: clonedetect index verify INDEX"
        ) from error


def read_features(width: int, height: int, points: bytes, descriptors: bytes) -> FeatureSet:
    """Return the local features of one row of `features`; raises IndexFormatError where they are damaged."""
    points, descriptors = unpacked_features(points, descriptors)
    return FeatureSet(
        np.frombuffer(points, "<f4").astype(np.float32).reshape(-1, 4),
        np.frombuffer(descriptors, np.uint8).reshape(-1, 16),
        width,
        height,
    )


def encoded_thumbnail(thumbnail: Thumbnail) -> bytes:
    """Return a thumbnail as it is stored, a PNG.

    At level 4: 11.4 KB of a photograph in 0.5 ms; level 9 takes 3.8 ms for 11.0 KB, level 1 0.4 for 12.0.
    """
    encoded, png = cv2.imencode(".png", thumbnail.pixels, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    if not encoded:
        raise ValueError(f"a thumbnail of shape {thumbnail.pixels.shape} cannot be stored")
    return bytes(png.tobytes())


def read_thumbnail(png: bytes) -> Thumbnail:
    """Return a stored thumbnail's pixels, exactly as they were given."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise IndexFormatError("a stored thumbnail is damaged; run: clonedetect index verify INDEX")
    return Thumbnail(pixels.astype(np.uint8, copy=False))


_IMAGE_COLUMNS: Final = """
SELECT media.media_id, media.item_id, items.account_id, items.permalink, media.digest,
  coalesce(media.width, 0), coalesce(media.height, 0), media.path,
  hashes.views, hashes.bits, images.quality, images.thumbnail,
  features.width, features.height, features.points, features.descriptors
FROM media JOIN items USING (item_id)
LEFT JOIN hashes USING (media_id) LEFT JOIN images USING (media_id) LEFT JOIN features USING (media_id)
WHERE media.kind = 'image' AND """


def image_references(db: Database, condition: str, value: object) -> list[ImageReference]:
    """Return the indexed pictures that meet one SQL `condition` on `media`, by number."""
    rows = db.execute(f"{_IMAGE_COLUMNS} {condition} ORDER BY media.media_id", (value,)).fetchall()
    return [_image_reference(row) for row in rows]


def _image_reference(row: Sequence[Any]) -> ImageReference:
    views: list[tuple[str, str, int]] = msgspec.json.decode(row[8]) if row[8] is not None else []
    quality = row[10] if row[10] is not None else (views[0][2] if views else 0)
    return ImageReference(
        media_id=MediaId(row[0]),
        item_id=ItemId(row[1]),
        account_id=row[2],
        permalink=row[3],
        digest=row[4],
        width=row[5],
        height=row[6],
        quality=quality,
        bits=row[9][:_HASH_BYTES] if row[9] is not None else b"",
        thumbnail=read_thumbnail(row[11]) if row[11] is not None else None,
        features=read_features(*row[12:16]) if row[12] is not None else None,
        path=row[7],
        views=tuple(name for name, _, _ in views),
    )
