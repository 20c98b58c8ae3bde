"""Turns bytes into text and says what decided the encoding.

The order is: byte-order mark, HTTP charset, ``<meta>`` within the first 1,024
bytes, strict UTF-8, then charset-normalizer. Labels mean what browsers take
them for (WHATWG Encoding): ``latin1`` is windows-1252, ``gb2312`` is gb18030.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import charset_normalizer

__all__ = ["Decoded", "codec_for", "decode"]

_META_BYTES = 1_024
_SAMPLE_BYTES = (
    65_536  # the detector's time grows with its input; captions repeat a page's script soon enough
)

_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s*=\s*[\"']?\s*([A-Za-z0-9_:.()-]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9_:.-]+)", re.IGNORECASE)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# WHATWG label -> Python codec, where the two differ or Python has no such label.
_CODECS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "cp1252": "windows-1252 cp1252 x-cp1252 latin1 latin-1 l1 iso-8859-1 iso8859-1 iso_8859-1 iso88591"
    " iso_8859-1:1987 iso-ir-100 ibm819 cp819 csisolatin1 ascii us-ascii ansi_x3.4-1968",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 x-cp1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso_8859-9 iso88599 latin5 l5 csisolatin5",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "cp874": "windows-874 dos-874 iso-8859-11 iso8859-11 tis-620",
    "cp866": "ibm866 866 cp866 csibm866",
    "iso8859-2": "iso-8859-2 iso8859-2 iso_8859-2 latin2 l2 csisolatin2",
    "iso8859-3": "iso-8859-3 iso8859-3 iso_8859-3 latin3 l3",
    "iso8859-4": "iso-8859-4 iso8859-4 iso_8859-4 latin4 l4",
    "iso8859-5": "iso-8859-5 iso8859-5 iso_8859-5 cyrillic csisolatincyrillic",
    "iso8859-6": "iso-8859-6 iso8859-6 iso_8859-6 arabic iso-8859-6-e iso-8859-6-i",
    "iso8859-7": "iso-8859-7 iso8859-7 iso_8859-7 greek greek8 sun_eu_greek",
    "iso8859-8": "iso-8859-8 iso8859-8 iso_8859-8 hebrew visual iso-8859-8-e iso-8859-8-i logical",
    "iso8859-10": "iso-8859-10 iso8859-10 latin6 l6",
    "iso8859-13": "iso-8859-13 iso8859-13",
    "iso8859-14": "iso-8859-14 iso8859-14",
    "iso8859-15": "iso-8859-15 iso8859-15 iso_8859-15 latin9 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "mac-roman": "macintosh mac x-mac-roman csmacintosh",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gb18030 gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "euc-jp cseucpkdfmtjapanese x-euc-jp",
    "iso2022_jp": "iso-2022-jp csiso2022jp",
    "cp932": "shift_jis shift-jis sjis x-sjis ms932 ms_kanji csshiftjis windows-31j",
    "cp949": "euc-kr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 cseuckr windows-949 iso-ir-149",
    "utf-16-le": "utf-16 utf-16le ucs-2 unicode csunicode iso-10646-ucs-2 unicodefeff",
    "utf-16-be": "utf-16be unicodefffe",
}
_LABELS = {label: codec for codec, labels in _CODECS.items() for label in labels.split()}
_SINGLE_BYTE = frozenset(
    codec for codec in _CODECS if codec.startswith(("cp125", "iso8859", "cp874", "koi8", "mac"))
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the codec it was read with, and what decided it.

    `source` is ``bom``, ``http``, ``meta``, ``utf-8``, ``charset-normalizer``
    or ``fallback``; `` (damaged)`` follows where bytes had to be replaced by
    U+FFFD, and ``utf-8 over http`` or ``meta`` says that a declaration was
    contradicted by the bytes.
    """

    text: str
    encoding: str
    source: str


def codec_for(label: str) -> str | None:
    """Return the codec browsers use for an encoding label, or None for an unknown one."""
    return _LABELS.get(label.strip(" \t\n\r\f").lower())


def decode(content: bytes, content_type: str = "") -> Decoded:
    """Return the text of `content`; never fails, whatever the bytes."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return _replaced(content[len(mark) :], codec, "bom")
    declared = [(codec, source) for codec, source in _declared(content, content_type) if codec]
    strict_utf8 = _strictly(content, "utf-8")
    for codec, source in declared:
        # Multi-byte UTF-8 that is valid throughout is not the work of chance: a default of the server's
        # configuration is contradicted by the author's bytes.
        if codec in _SINGLE_BYTE and strict_utf8 is not None and not content.isascii():
            return Decoded(strict_utf8, "utf-8", f"utf-8 over {source}")
        text = _strictly(content, codec)
        if text is not None:
            return Decoded(text, codec, source)
    if strict_utf8 is not None:
        return Decoded(strict_utf8, "utf-8", "utf-8")
    if declared:
        codec, source = declared[0]
        return _replaced(content, codec, source)
    return _detected(content)


def _declared(content: bytes, content_type: str) -> list[tuple[str | None, str]]:
    header = _HEADER.search(content_type)
    head = _COMMENT.sub(b"", content[:_META_BYTES])
    meta = _META.search(head) or _XML.match(head)
    found: list[tuple[str | None, str]] = []
    if header:
        found.append((codec_for(header.group(1)), "http"))
    if meta:
        codec = codec_for(meta.group(1).decode("ascii", "replace"))
        # A declaration that could be read as ASCII cannot be UTF-16.
        found.append(("utf-8" if codec in {"utf-16-le", "utf-16-be"} else codec, "meta"))
    return found


def _strictly(content: bytes, codec: str) -> str | None:
    if codec in _SINGLE_BYTE:
        # Bytes a code page leaves empty are control characters to browsers, not errors.
        text = content.decode(codec, "surrogateescape")
        return text.translate(_CONTROLS)
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def _replaced(content: bytes, codec: str, source: str) -> Decoded:
    text = content.decode(codec, "replace")
    is_damaged = _strictly(content, codec) is None
    return Decoded(text, codec, f"{source} (damaged)" if is_damaged else source)


def _detected(content: bytes) -> Decoded:
    if _is_nearly_utf8(content):
        return _replaced(content, "utf-8", "utf-8")
    best = charset_normalizer.from_bytes(content[:_SAMPLE_BYTES]).best()
    if best is None:
        return Decoded(content.decode("cp1252", "replace"), "cp1252", "fallback")
    return Decoded(content.decode(best.encoding, "replace"), best.encoding, "charset-normalizer")


def _is_nearly_utf8(content: bytes) -> bool:
    """Whether some multi-byte characters are whole and few bytes are wrong: a cut or spliced UTF-8 page."""
    text = content.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    whole = sum(character > "\x7f" for character in text[:_SAMPLE_BYTES]) - wrong
    return whole > 4 * wrong or (wrong == 1 and text.rstrip().endswith("\ufffd"))


_CONTROLS = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
