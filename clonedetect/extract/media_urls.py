"""Reads the addresses of pictures: what proxies hide in them, and what the platform wrote into them."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urljoin, urlsplit

from clonedetect.errors import InputError
from clonedetect.models.item import MediaKind

__all__ = ["absolute", "asset_ids", "inline_bytes", "looks_like_media", "unwrap"]

_IMAGE_WORDS = "jpg jpeg jpe jfif pjpeg png apng webp gif avif heic heif bmp tif tiff jxl svg"
_IMAGE = frozenset(_IMAGE_WORDS.split())
_VIDEO_WORDS = "mp4 m4v mov webm mkv m3u8 mpd ogv avi 3gp ts"
_VIDEO = frozenset(_VIDEO_WORDS.split())
_MAX_URL = 8_192  # longer addresses are served by nobody; the search for hidden ones is not free
_LEVELS = 3  # proxies of proxies exist, deeper nesting is an attack on us

_ASSET_ID = re.compile(r"_(\d{14,})_")
_SCHEME = re.compile(r"https?:/{1,2}(?=[^/\s])", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}/\S", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_REMOVED = re.compile(r"[\t\n\r]")
# Nine in ten addresses carry no other one; this keeps them from being taken apart. "aHR0" is base64 of "htt".
_WRAPS = re.compile(r"htt|aHR0|Ly9|\|\||%7c%7c|=(?:/|%2f|%25)|=[a-z0-9.-]+(?:/|%2f)", re.IGNORECASE)
# Most addresses are whole or start at the root; they need none of the care that relative ones do.
_COMPLETE = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](?::\d{1,5})?(?:[/?#]|\Z)")
_NO_ADDRESS = re.compile(r"[\s<>{}\"]|^(?:#|mailto:|javascript:|blob:|tel:)", re.IGNORECASE)


def absolute(base: str, raw: str) -> str | None:
    """Return the absolute http(s) address of `raw`, or None if it has none.

    As browsers do (WHATWG URL), surrounding white space goes, tabs and line
    breaks inside too, and a backslash is a slash before the query.
    """
    cleaned = _REMOVED.sub("", raw.strip(" \t\n\r\f\x00"))
    if not cleaned:
        return None
    path, mark, rest = cleaned.partition("?")
    if "\\" in path:
        cleaned = path.replace("\\", "/") + mark + rest
    if _COMPLETE.match(cleaned):
        return cleaned
    if cleaned[0] == "/" and cleaned[1:2] != "/" and "/." not in cleaned:
        origin = _origin(base)
        return origin + cleaned if origin else None
    try:
        url = urljoin(base, cleaned)
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return url if is_web else None


@lru_cache(maxsize=64)
def _origin(base: str) -> str | None:
    try:
        parts = urlsplit(base)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if is_web else None


def unwrap(url: str) -> str | None:
    """Return the address that an image proxy's `url` carries, or None if it carries none.

    Known shapes: a parameter holding an encoded or base64url address
    (``get?url=``, ``?o=``), an address inside the path, plain or encoded, and
    a path in which every ``/`` is written ``||``.
    """
    found: str | None = None
    current = url
    for _ in range(_LEVELS):
        inner = _unwrap_once(current)
        if inner is None:
            break
        found = current = inner
    return found


@lru_cache(maxsize=512)  # a picture is asked about when it is recognised and when it is kept
def _unwrap_once(url: str) -> str | None:
    if len(url) > _MAX_URL or _WRAPS.search(url, 8) is None:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            return None
        candidates = [value for _, value in parse_qsl(parts.query, max_num_fields=64)]
    except ValueError:
        return None
    # A picture's own address may carry a referrer; only another picture is what it wraps.
    must_be_media = _kind_of_path(parts.path) is not None
    path = _from_path(parts.path, parts.query)
    candidates += [path] if path else []
    candidates += parts.path.split("/") if len(parts.path) < _MAX_URL else []
    for candidate in candidates:
        inner = _address(candidate)
        if inner and (not must_be_media or _kind_of_path(inner.partition("?")[0]) is not None):
            return inner
    return None


def _from_path(path: str, query: str) -> str | None:
    decoded = unquote(path)
    suffix = f"?{query}" if query else ""
    if "||" in decoded:
        wrapped = max(decoded.split("/"), key=lambda one: one.count("||"))
        start = decoded.find(wrapped)
        scheme = _SCHEME.search(decoded.replace("||", "/"))
        inner = decoded.replace("||", "/")[scheme.start() :] if scheme else decoded[start:].replace("||", "/")
        return inner.lstrip("/") + suffix
    scheme = _SCHEME.search(decoded, 1)
    if scheme is None:
        return None
    # An encoded inner address brings its own query; a plain one was cut at the outer question mark.
    inner = decoded[scheme.start() :]
    return inner if "?" in inner else inner + suffix


def _address(value: str) -> str | None:
    """Return `value` as an absolute address if it is one: plain, encoded again, or base64url."""
    value = value.strip()
    if "%" in value[:16]:
        value = unquote(value)
    if _BASE64.fullmatch(value):
        value = _decoded_base64(value) or value
    if value.startswith("//"):
        value = f"https:{value}"
    scheme = _SCHEME.match(value)
    if scheme is not None:
        value = f"{scheme.group().rstrip('/').lower()}//{value[scheme.end() :]}"
    elif _BARE_HOST.match(value) and _kind_of_path(value.partition("?")[0]) is not None:
        value = f"https://{value}"
    else:
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    return value if host and not re.search(r"[\s<>\"\x00-\x20]", value) else None


def _decoded_base64(value: str) -> str | None:
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return decoded if _SCHEME.match(decoded) or decoded.startswith("//") else None


def asset_ids(url: str) -> tuple[str, ...]:
    """Return the platform's asset ids in the path of `url` (``_`` 14 or more digits ``_``)."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ()
    return tuple(dict.fromkeys(match.group(1) for match in _ASSET_ID.finditer(path.replace("_", "__"))))


def inline_bytes(url: str) -> bytes:
    """Return the bytes of a ``data:`` URL (RFC 2397), as forgiving of base64 as browsers are.

    Raises InputError where there are none.
    """
    head, comma, body = url.partition(",")
    if not comma:
        raise InputError("a data: address without a comma holds nothing")
    data = unquote_to_bytes(body)
    if not head.lower().replace(" ", "").endswith(";base64"):
        return data
    compact = b"".join(data.split()).rstrip(b"=")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise InputError(f"a data: address is no base64: {error}") from error


def looks_like_media(value: str) -> MediaKind | None:
    """Return what `value` addresses if it reads like a picture's or video's address, else None.

    Told by the extension of its path, of what it unwraps to, or by the media
    type of a ``data:`` address; prose is never one.
    """
    value = value.strip()
    head = value[:11].lower()
    if head.startswith("data:image/"):
        return MediaKind.IMAGE
    if head.startswith("data:video/"):
        return MediaKind.VIDEO
    is_address = 5 <= len(value) <= _MAX_URL and not _NO_ADDRESS.search(value)
    if not is_address or not re.search(r"[.=/]", value):
        return None
    path, _, query = value.partition("#")[0].partition("?")
    kind = _kind_of_path(path) or _kind_of_format(query)
    if kind is None and _WRAPS.search(value):
        inner = unwrap(absolute("https://relative.invalid/", value) or "")
        kind = _kind_of_path(inner.partition("#")[0].partition("?")[0]) if inner else None
    return kind


def _kind_of_path(path: str) -> MediaKind | None:
    name, dot, extension = path.rstrip("/").rpartition(".")
    if not dot or not name or name.endswith("/."):
        return None
    # Resizers append to the name: photo.jpg:large, photo.jpg!w640, photo.jpg@webp
    extension = re.split(r"[:!@;,&%]", extension, maxsplit=1)[0].lower()
    if extension in _IMAGE:
        return MediaKind.IMAGE
    return MediaKind.VIDEO if extension in _VIDEO else None


def _kind_of_format(query: str) -> MediaKind | None:
    match = re.search(r"(?:^|&)(?:format|fm|ext)=([a-z0-9]{2,5})(?:&|$)", query, re.IGNORECASE)
    if match is None:
        return None
    return _kind_of_path(f"x.{match.group(1)}")
