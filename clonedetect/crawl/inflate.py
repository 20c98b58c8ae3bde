"""Undo one content encoding within bounds: gzip, deflate (zlib or raw), br, zstd.

Each decoder yields small pieces; `inflate` counts them before it keeps them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

from clonedetect.errors import InputError

__all__ = ["BombError", "DecodeError", "DecodeLimits", "inflate"]

_STEP_BYTES = 65_536
# A Zstandard run-length block makes 128 KiB of 4 bytes (RFC 8878, 3.1.1.2), so a
# slice of 256 bytes makes 8 MiB at the most.
_ZSTD_SLICE = 256
# RFC 9659: a decoder for the zstd content encoding need not accept larger windows.
_ZSTD_WINDOW = 8 * 1024 * 1024
_IDENTITY = frozenset({"", "identity"})


class DecodeError(InputError):
    """A stored response that cannot be taken apart: cut, malformed, or in an encoding we do not read."""


class BombError(InputError):
    """A body that inflates past the limits; nothing of it is given."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """How far a body may grow: to `decoded_bytes`; beyond `ratio_from_bytes` only to `ratio` times itself."""

    decoded_bytes: int = 200_000_000
    ratio: int = 200
    ratio_from_bytes: int = 1_000_000


def inflate(data: bytes, encoding: str | None, limits: DecodeLimits) -> bytes:
    """Return `data` with the content encoding `encoding` (a header value, None for none) undone.

    Raises DecodeError for an unknown or stacked encoding and for data that is
    cut or invalid, BombError past `limits`. An empty body is empty in any encoding.
    """
    name = (encoding or "").strip().lower()
    if name in _IDENTITY or not data:
        return data
    if "," in name:
        raise DecodeError(f"stacked content encodings are refused: {name[:60]!r}")
    decoder = _DECODERS.get(name.removeprefix("x-"))
    if decoder is None:
        raise DecodeError(f"content encoding {name[:60]!r} is not known")
    content = bytearray()
    for piece in decoder(data):
        content += piece
        _check_growth(len(content), len(data), name, limits)
    return bytes(content)


def _check_growth(decoded: int, stored: int, name: str, limits: DecodeLimits) -> None:
    if decoded > limits.decoded_bytes:
        raise BombError(f"{stored} bytes of {name} inflate past {limits.decoded_bytes} bytes")
    if decoded > limits.ratio_from_bytes and decoded > limits.ratio * stored:
        raise BombError(f"{stored} bytes of {name} inflate more than {limits.ratio} times")


def _zlib_stream(data: bytes, window_bits: int, name: str) -> Iterator[bytes]:
    """Yield one zlib, gzip or raw stream; then, for gzip, its further members (RFC 1952, 2.2)."""
    pending = data
    while True:
        stream = zlib.decompressobj(window_bits)
        while not stream.eof:
            try:
                piece = stream.decompress(pending, _STEP_BYTES)
            except zlib.error as error:
                raise DecodeError(f"the {name} body is invalid: {error}") from error
            pending = stream.unconsumed_tail
            if not piece and not pending and not stream.eof:
                raise DecodeError(f"the {name} body is cut")
            yield piece
        pending = stream.unused_data
        if name != "gzip" or not pending.startswith(b"\x1f\x8b"):
            return


def _gzip(data: bytes) -> Iterator[bytes]:
    return _zlib_stream(data, 31, "gzip")


def _deflate(data: bytes) -> Iterator[bytes]:
    """Yield a zlib stream, or the raw one that some servers mean by deflate (RFC 9110, 8.4.1.2)."""
    has_zlib_header = data[0] & 0x0F == 8 and len(data) > 1 and (data[0] << 8 | data[1]) % 31 == 0
    return _zlib_stream(data, 15 if has_zlib_header else -15, "deflate")


def _brotli(data: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    try:
        yield stream.process(data, output_buffer_limit=_STEP_BYTES)
        while not stream.is_finished():
            piece = stream.process(b"", output_buffer_limit=_STEP_BYTES)
            if not piece and not stream.is_finished():
                raise DecodeError("the br body is cut")
            yield piece
    except brotli.error as error:
        raise DecodeError(f"the br body is invalid: {error}") from error


def _zstd(data: bytes) -> Iterator[bytes]:
    pending = data
    while pending:
        stream = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        position = 0
        while not stream.eof:
            if position >= len(pending):
                raise DecodeError("the zstd body is cut")
            try:
                yield stream.decompress(pending[position : position + _ZSTD_SLICE])
            except zstandard.ZstdError as error:
                raise DecodeError(f"the zstd body is invalid: {error}") from error
            position += _ZSTD_SLICE
        pending = stream.unused_data + pending[position:]
        if not pending.startswith(b"\x28\xb5\x2f\xfd"):
            return


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
