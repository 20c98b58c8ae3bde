"""Items of another index, handed over as hashes: what ``index export --hashes-only`` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers import jsonl
from clonedetect.index.importers.assembly import Place, Skips
from clonedetect.index.importers.json_array import TOO_DEEP
from clonedetect.index.importers.rows import (
    ItemRow,
    MediaRow,
    RefusedRow,
    Sha256,
    SkippedRow,
    SourceRow,
    SpanRow,
    to_item,
)
from clonedetect.models.item import Item, MediaKind
from clonedetect.models.signal import VIEWS_PER_MEDIA, Algorithm

__all__ = ["SCHEMA", "HashItem", "HashMedium", "HashText", "HashView", "is_hash_items", "read"]

SCHEMA: Final = "clonedetect.hashes/1"
_HEAD: Final = re.compile(rb'^\s*\{[^\n]{0,200}"schema"\s*:\s*"clonedetect\.hashes/')

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.:+-]{1,80}\Z")]
Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Hex = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{2})*\Z")]


class HashView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hash of a picture: of which part, turned or mirrored how, and PDQ's quality."""

    view: Word
    form: Word
    quality: Annotated[int, msgspec.Meta(ge=0, le=100)]
    pdq: Hex64


class HashMedium(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One picture or video as its digest and hashes."""

    position: Annotated[int, msgspec.Meta(ge=0, le=10**6)]
    kind: MediaKind
    sha256: Sha256 | None
    width: int | None
    height: int | None
    views: Annotated[tuple[HashView, ...], msgspec.Meta(max_length=VIEWS_PER_MEDIA)]


class HashText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One caption as it can be compared without its words; `grams` and `minhash` as stored, little-endian."""

    exact: str
    grams: Hex
    minhash: Hex


class HashItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item without picture, caption, handle or address."""

    schema: Literal["clonedetect.hashes/1"]
    algorithms: dict[str, str]
    item_id: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    account: str | None
    visibility: tuple[SpanRow, ...]
    minor: bool
    canary: bool
    allowed_domains: tuple[str, ...]
    media: tuple[HashMedium, ...]
    text: HashText | None


_decoder = msgspec.json.Decoder(HashItem)


def is_hash_items(head: bytes) -> bool:
    """Whether `head` begins a line of this schema, of whatever version."""
    return _HEAD.match(head) is not None


def read(path: Path, algorithm: Algorithm | None = None) -> Iterator[SourceRow | RefusedRow | SkippedRow]:
    """Yield the items that have hashes or digests of pictures; a row's views must be made by `algorithm`.

    Text comes without its words here, and a match of text must show words: such
    items are passed over, counted once, and the text of others is left out.
    """
    skips = Skips(str(path))
    for number, position, line in jsonl.lines_of(path):
        place = Place(str(path), number, position)
        if line is None:
            yield place.refused(f"a line of more than {jsonl.MAX_LINE_BYTES // 2**20} MB")
            continue
        if not line.strip():
            continue
        try:
            row = _decoder.decode(line)
            _check_algorithm(row, algorithm)
            if any(medium.views or medium.sha256 for medium in row.media):
                yield SourceRow(str(path), number, _item(row, path), position)
            else:
                skips.add("an item known by its text or a URL alone, which is not compared without its words")
        except (msgspec.DecodeError, InputError, UnicodeDecodeError) as error:
            yield place.refused(str(error))
        except RecursionError:
            yield place.refused(TOO_DEEP)
    yield from skips.rows(path.stat().st_size)


def _check_algorithm(row: HashItem, algorithm: Algorithm | None) -> None:
    theirs = row.algorithms.get("views")
    if algorithm is not None and theirs != str(algorithm) and any(medium.views for medium in row.media):
        raise InputError(f"hashes made by {theirs}, this program makes {algorithm}; they do not compare")


def _item(row: HashItem, path: Path) -> Item:
    """Return the item of `row`; media without hash and digest stay behind, positions are kept."""
    known = [medium for medium in row.media if medium.views or medium.sha256]
    item = to_item(
        ItemRow(
            item_id=row.item_id,
            account_id=row.account,
            visibility=row.visibility,
            minor=row.minor,
            canary=row.canary,
            allowed_domains=row.allowed_domains,
            media=tuple(_medium(medium) for medium in known),
        ),
        path.parent,
    )
    hashes = {
        medium.position: tuple(
            (f"pdq/{view.view}/{view.form}/{view.quality}", view.pdq) for view in medium.views
        )
        for medium in known
    }
    return replace(item, media=tuple(replace(entry, hashes=hashes[entry.position]) for entry in item.media))


def _medium(medium: HashMedium) -> MediaRow:
    return MediaRow(
        sha256=medium.sha256,
        pdq=medium.views[0].pdq if medium.views else None,
        width=medium.width,
        height=medium.height,
        kind=medium.kind,
        position=medium.position,
    )
