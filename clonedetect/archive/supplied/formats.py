"""What a supplied file is, told by its content, and its reader."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clonedetect.archive.supplied.har_file import read_har
from clonedetect.archive.supplied.message import Found
from clonedetect.archive.supplied.mhtml_file import read_mhtml
from clonedetect.archive.supplied.wacz_file import read_wacz
from clonedetect.archive.supplied.warc_file import read_warc
from clonedetect.models.supplied import SuppliedFormat

__all__ = ["LOOK_BYTES", "format_of", "read_supplied"]

LOOK_BYTES: Final = 65_536
"""How many first bytes tell what a file is."""

_HAR = re.compile(rb'\A\s*\{\s*"log"\s*:|"log"\s*:\s*\{')
_MHTML = re.compile(rb"^content-type:\s*multipart/related\b", re.IGNORECASE | re.MULTILINE)


def format_of(start: bytes) -> SuppliedFormat | None:
    """Return what a file that begins with `start` (its first 64 KB) is, None for none of these.

    Pictures are told elsewhere. A zip file is taken for a WACZ: its reader says what is missing.
    """
    if start.startswith(b"\x1f\x8b"):
        start = _inflated(start)
        return SuppliedFormat.WARC if start.startswith(b"WARC/") else None
    if start.startswith(b"WARC/"):
        return SuppliedFormat.WARC
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return SuppliedFormat.WACZ
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{") and _HAR.search(text):
        return SuppliedFormat.HAR
    head = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]
    return SuppliedFormat.MHTML if _MHTML.search(head) else None


def _inflated(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(start, 64)
    except zlib.error:
        return b""


def read_supplied(path: Path, form: SuppliedFormat) -> Iterator[Found]:
    """Yield everything that the file at `path` holds, in order; the same file gives the same.

    Faults are told, never raised. Raises OSError where the file cannot be read.
    """
    if form is SuppliedFormat.WARC:
        with path.open("rb") as stream:
            yield from read_warc(stream, path.stat().st_size)
    elif form is SuppliedFormat.WACZ:
        yield from read_wacz(path)
    elif form is SuppliedFormat.HAR:
        yield from read_har(path)
    elif form is SuppliedFormat.MHTML:
        yield from read_mhtml(path)
