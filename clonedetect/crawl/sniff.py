"""Tell pictures and videos by their first bytes, never by name or header."""

from __future__ import annotations

from clonedetect.models.item import MediaKind

__all__ = ["SNIFF_BYTES", "media_kind"]

SNIFF_BYTES = 512
"""How many first bytes decide."""

_IMAGE_STARTS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF
    b"MM\x00*",
    b"\x00\x00\x01\x00",  # ICO
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",  # JPEG 2000
)
_VIDEO_STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"OggS",
    b"\x00\x00\x01\xba",  # MPEG programme stream
    b"\x00\x00\x01\xb3",
)
_IMAGE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
_TRANSPORT_PACKET = 188


def media_kind(data: bytes) -> MediaKind | None:
    """Return what `data`, of which the first 512 bytes are enough, is; None if no picture or video.

    SVG counts as neither: it is a document that may hold script, and is never rendered.
    """
    if data.startswith(_IMAGE_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return MediaKind.IMAGE
    if data[:2] == b"BM" and data[6:10] == bytes(4):  # BMP: two letters alone are too little
        return MediaKind.IMAGE
    if data[4:8] == b"ftyp":
        return _by_brand(data[8:12])
    if data.startswith(_VIDEO_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return MediaKind.VIDEO
    if data[: 2 * _TRANSPORT_PACKET + 1 : _TRANSPORT_PACKET] == b"GGG":
        return MediaKind.VIDEO
    return None


def _by_brand(brand: bytes) -> MediaKind | None:
    if brand in _IMAGE_BRANDS:
        return MediaKind.IMAGE
    return None if brand in _AUDIO_BRANDS else MediaKind.VIDEO
