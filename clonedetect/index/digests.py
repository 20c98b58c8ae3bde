"""Digests that tell whether content changed: of rows, of whole indexes, of sources.

The digest of a whole index is a sum over its rows, so that it is the same
whatever order or history led to the content, and costs one step a change. A
plain sum or XOR of hashes can be forged (Wagner, generalised birthday, 2002);
this is LtHash with 1024 lanes of 16 bits (Bellare and Micciancio, 1997; Lewi,
Kim, Maykov and Weis, IACR 2019/227), for which at least 200 bits of security
are claimed. Numbers the index hands out, paths, and times of importing stay
outside all digests of content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from clonedetect.models.ids import Digest
from clonedetect.models.item import Item, Media
from clonedetect.models.signal import ImageSignals, TextSignals, ViewHash

__all__ = [
    "ContentSum",
    "canonical_views",
    "fingerprint_of",
    "item_digest",
    "media_digest",
    "text_digest",
    "views_of",
]

_LANES: Final = 1024
_encoder = msgspec.json.Encoder(order="deterministic")

UNKNOWN_QUALITY: Final = 100
"""Quality given to a hash that came without its picture: exchanges drop those under 50 before they share."""


class ContentSum:
    """A digest of a set of row digests, to which rows are added and taken away."""

    def __init__(self, state: bytes = bytes(2 * _LANES)) -> None:
        self._lanes = np.frombuffer(state, "<u2").copy()
        if self._lanes.shape != (_LANES,):
            raise ValueError(f"a content sum has {2 * _LANES} bytes, not {len(state)}")

    def add(self, row: bytes) -> None:
        """Put one row's digest into the set."""
        self._lanes += _expand(row)

    def add_all(self, rows: Sequence[bytes]) -> None:
        """Put the digests of many rows into the set."""
        spread = b"".join(hashlib.shake_256(row).digest(2 * _LANES) for row in rows)
        lanes = np.frombuffer(spread, "<u2").reshape(-1, _LANES)
        self._lanes += lanes.sum(axis=0, dtype=np.uint16)

    def join(self, other: ContentSum) -> None:
        """Put all rows of another set, none of which is in this one, into this set."""
        self._lanes += other._lanes

    def take(self, row: bytes) -> None:
        """Take one row's digest out of the set."""
        self._lanes -= _expand(row)

    @property
    def state(self) -> bytes:
        """The sum itself, 2048 bytes, to go on from."""
        return self._lanes.tobytes()

    def snapshot_id(self, algorithms: Iterable[tuple[str, str]], schema: int) -> Digest:
        """Return the digest of the set together with the algorithms that made its signals."""
        named = "".join(f"{kind}={algorithm}\n" for kind, algorithm in sorted(algorithms))
        head = f"clonedetect index, content schema {schema}\n{named}".encode()
        return Digest(f"sha256:{hashlib.sha256(head + self.state).hexdigest()}")


def fingerprint_of(item: Item) -> bytes:
    """Return 16 bytes that change when the source's row, or size or time of one of its files, changes.

    Reads no file. Raises OSError where a file is gone.
    """
    parts = [_encoder.encode(item)]
    for media in item.media:
        if media.path is not None:
            state = Path(media.path).stat()
            parts.append(f"{state.st_size} {state.st_mtime_ns}".encode())
    return _hash(parts)[:16]


def views_of(media: Media, signals: ImageSignals | None) -> tuple[ViewHash, ...]:
    """Return the hashes to be stored for one picture: its signals', or those that came with the row."""
    if signals is not None:
        return signals.hashes
    return tuple(_given_view(name, value) for name, value in media.hashes if name.split("/")[0] == "pdq")


def _given_view(name: str, value: str) -> ViewHash:
    _, *told = name.split("/")
    view, form, quality = told or ("full", "identity", str(UNKNOWN_QUALITY))
    return ViewHash(view, form, bytes.fromhex(value), int(quality))


def canonical_views(views: Iterable[ViewHash]) -> bytes:
    """Return names and qualities of `views` as JSON; their bits are stored apart."""
    return _encoder.encode([(view.view, view.form, view.quality) for view in views])


def media_digest(media: Media, signals: ImageSignals | None) -> bytes:
    """Return 32 bytes over all that is stored of one picture or video, but where it was and its place."""
    views = views_of(media, signals)
    parts = [
        str(media.kind).encode(),
        str((signals.digest if signals else media.digest) or "").encode(),
        canonical_views(views),
        b"".join(view.bits for view in views),
    ]
    if signals is None:
        parts.append(f"{media.width} {media.height}".encode())
        return _hash(parts)
    parts.append(f"{signals.width} {signals.height} {signals.quality} {signals.flags}".encode())
    pixels = signals.thumbnail.pixels
    parts += [signals.phash16, str(pixels.shape).encode(), pixels.tobytes()]
    if signals.features is not None:
        found = signals.features
        parts += [f"{found.width} {found.height}".encode()]
        parts += [found.points.astype("<f4").tobytes(), found.descriptors.tobytes()]
    for name, value in sorted(signals.values):
        parts += [name.encode(), value]
    return _hash(parts)


def text_digest(raw: str, signals: TextSignals) -> bytes:
    """Return 32 bytes over all that is stored of one caption."""
    return _hash(
        [
            raw.encode(),
            signals.normalised.encode(),
            signals.exact.encode(),
            signals.fingerprints.astype("<u8").tobytes(),
            signals.minhash.astype("<u4").tobytes(),
        ]
    )


def item_digest(item: Item, media: Iterable[bytes], text: bytes | None) -> bytes:
    """Return 32 bytes over an item and its parts' digests; the same on every machine."""
    bare = item
    if item.media or item.first_indexed_at is not None:
        pathless = tuple(replace(entry, path=None) for entry in item.media)
        bare = replace(item, first_indexed_at=None, media=pathless)
    return _hash([_encoder.encode(bare), *media, text or b""])


def _hash(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def _expand(row: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    return np.frombuffer(hashlib.shake_256(row).digest(2 * _LANES), "<u2")
