"""Lists of suspect URLs as people have them: TXT, CSV, XLSX, JSON lines, or on the command line."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import msgspec
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from clonedetect.errors import InputError

__all__ = ["read_seeds"]

_ZIP = b"PK\x03\x04"
_NO_WORKBOOK = (
    *(BadZipFile, InvalidFileException, ParseError, zlib.error),
    *(AttributeError, EOFError, KeyError, OSError, TypeError, ValueError),
)
"""What openpyxl raises for an archive that is no workbook, or one whose sheets are damaged."""


def read_seeds(arguments: Iterable[str], *, is_distinct: bool = True) -> tuple[str, ...]:
    """Return the URLs named, in order; ``@FILE`` is read, its format told by content.

    Each is given once where `is_distinct`, else as often as it is named.

    Cells of a table that are no http or https URL are other columns. Lines of a
    plain list are not passed over: empty ones and those after a ``#`` apart,
    each is a URL. Raises InputError, by file and line, for a line that is none,
    and where a file cannot be read or holds no URL at all.
    """
    urls: list[str] = []
    for argument in arguments:
        urls += _from_file(Path(argument[1:])) if argument.startswith("@") else [argument]
    return tuple(dict.fromkeys(urls)) if is_distinct else tuple(urls)


def _from_file(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"the list {path} cannot be read: {error.strerror}") from error
    if data.startswith(_ZIP):
        urls = [cell for cell in _workbook_cells(path, data) if _is_url(cell)]
    else:
        urls = list(_text_urls(path, data))
    if not urls:
        raise InputError(f"the list {path} holds no http or https URL")
    return [url.strip() for url in urls]


def _is_url(text: str) -> bool:
    return text.strip().lower().startswith(("http://", "https://"))


def _text_urls(path: Path, data: bytes) -> Iterator[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the list {path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    if path.suffix.lower() == ".csv":
        yield from filter(_is_url, _csv_cells(path, text))
        return
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        url = _json_url(path, number, line) if line.startswith("{") else line
        if not _is_url(url):
            raise InputError(f"{path}:{number}: not an absolute http(s) URL: {url[:80]!r}")
        yield url


def _csv_cells(path: Path, text: str) -> Iterator[str]:
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for row in rows:
            yield from row
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}") from error


class _Row(msgspec.Struct):
    url: str


def _json_url(path: Path, number: int, line: str) -> str:
    try:
        return msgspec.json.decode(line, type=_Row).url
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}, line {number}: {error}") from error


def _workbook_cells(path: Path, data: bytes) -> Iterator[str]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            for row in sheet.iter_rows(values_only=True):
                yield from (str(cell) for cell in row if cell is not None)
    except _NO_WORKBOOK as error:
        raise InputError(f"the list {path} looks like a workbook and is none: {error}") from error
