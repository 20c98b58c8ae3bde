"""Pictures and videos told by their first bytes, never by their name."""

from __future__ import annotations

from typing import Final

from clonedetect.models.item import MediaKind

__all__ = ["HEAD_BYTES", "kind_of"]

HEAD_BYTES: Final = 64

_PREFIXES: Final = (
    (b"\xff\xd8\xff", MediaKind.IMAGE),  # JPEG
    (b"\x89PNG\r\n\x1a\n", MediaKind.IMAGE),
    (b"GIF87a", MediaKind.IMAGE),
    (b"GIF89a", MediaKind.IMAGE),
    (b"BM", MediaKind.IMAGE),
    (b"II*\x00", MediaKind.IMAGE),  # TIFF
    (b"MM\x00*", MediaKind.IMAGE),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", MediaKind.IMAGE),  # JPEG 2000
    (b"\xff\x0a", MediaKind.IMAGE),  # JPEG XL
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", MediaKind.IMAGE),
    (b"\x1a\x45\xdf\xa3", MediaKind.VIDEO),  # Matroska, WebM
    (b"OggS", MediaKind.VIDEO),
    (b"FLV\x01", MediaKind.VIDEO),
    (b"\x00\x00\x01\xba", MediaKind.VIDEO),  # MPEG programme stream
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", MediaKind.VIDEO),  # ASF
)
_STILL_BRANDS: Final = frozenset({b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1", b"msf1"})


def kind_of(head: bytes) -> MediaKind | None:
    """Return whether `head`, the first 64 bytes of a file, begins a picture or a video; None if neither."""
    if head[:4] == b"RIFF":
        return {b"WEBP": MediaKind.IMAGE, b"AVI ": MediaKind.VIDEO}.get(head[8:12])
    if head[4:8] == b"ftyp":  # ISO base media: the major brand tells stills from films
        return MediaKind.IMAGE if head[8:12] in _STILL_BRANDS else MediaKind.VIDEO
    if head[4:8] in {b"moov", b"mdat", b"wide"}:  # QuickTime before brands
        return MediaKind.VIDEO
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    return None
