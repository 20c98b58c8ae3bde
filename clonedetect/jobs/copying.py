"""The platform's own side of a finding, copied into the case while it is still there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from clonedetect.case.store import CaseStore
from clonedetect.errors import VerificationError
from clonedetect.index.reference import OpenIndex
from clonedetect.models.case import ReferenceCopy
from clonedetect.models.ids import digest_of
from clonedetect.models.match import Finding
from clonedetect.models.reference import ImageReference
from clonedetect.models.signal import Thumbnail

__all__ = ["copy_references", "original_bytes"]


def copy_references(store: CaseStore, index: OpenIndex, finding: Finding) -> Iterator[ReferenceCopy]:
    """Yield the copy of what `finding` was matched with: the file that was indexed, else the thumbnail.

    Raises VerificationError where the index no longer holds the item it just matched.
    """
    match = finding.match
    item = index.item(match.item_id)
    if item is None:
        raise VerificationError(f"the index no longer holds {match.item_id}, which it just matched")
    if match.image is None:
        yield ReferenceCopy(item, None, None, is_original=False)
        return
    for reference in index.images([match.image.media_id]):
        original = original_bytes(reference)
        if original is not None:
            digest = store.put_object(original)
            yield ReferenceCopy(item, reference.media_id, digest, True, _media_type(original))
        elif reference.thumbnail is not None:
            digest = store.put_object(_png(reference.thumbnail))
            yield ReferenceCopy(item, reference.media_id, digest, False, "image/png")
        else:
            yield ReferenceCopy(item, reference.media_id, None, is_original=False)


def original_bytes(reference: ImageReference) -> bytes | None:
    """Return the reference's file if it is still there with the bytes that were indexed."""
    if reference.path is None or reference.digest is None:
        return None
    try:
        data = Path(reference.path).read_bytes()
    except OSError:
        return None
    return data if digest_of(data) == reference.digest else None


def _png(thumbnail: Thumbnail) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(thumbnail.pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _media_type(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return Image.MIME.get(image.format or "", "application/octet-stream")
