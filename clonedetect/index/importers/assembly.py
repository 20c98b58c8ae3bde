"""What every export's reader does with a post once it has found its parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.rows import ItemRow, RefusedRow, SkippedRow, SourceRow, to_item

__all__ = [
    "Place",
    "Skips",
    "asset_in",
    "below",
    "caption_of",
    "first_there",
    "path_of_url",
    "source_row",
    "time_of",
]

_FOLDERS = re.compile(r"(?:^|/)((?:\d{3}/){3,7})")
_NUMBER = re.compile(r"(?:^|[/_])(\d{14,25})(?=[_.])")


class Place(msgspec.Struct, frozen=True):
    """Where a post stands: file, line, path within the document if it has one, and progress."""

    source: str
    line: int | None
    position: int
    within: str = ""

    def refused(self, reason: str) -> RefusedRow:
        """Return the refusal of what stands here."""
        in_path = f" - in `{self.within}`" if self.within else ""
        return RefusedRow(self.source, self.line, f"{reason}{in_path}", self.position)


class Skips:
    """Counts what is no post of its account, and says so once for each source and reason."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count one more that is passed over for `reason`."""
        self._counts[reason] += 1

    def rows(self, position: int) -> Iterator[SkippedRow]:
        """Yield one row for each reason."""
        for reason, count in sorted(self._counts.items()):
            yield SkippedRow(self._source, f"{count} passed over: {reason}", count, position)


def source_row(
    place: Place, fields: Mapping[str, Any], media: Sequence[Mapping[str, Any]] = ()
) -> SourceRow | RefusedRow:
    """Return the item of `fields` (names of the documented row; empty ones are absent) and `media`.

    A medium of a URL alone is recorded with its item, if that has a caption or a file.
    """
    known = {name: value for name, value in fields.items() if value is not None and value not in ("", ())}
    entries = [{name: value for name, value in medium.items() if value is not None} for medium in media]
    try:
        row = msgspec.convert(known | {"media": entries}, ItemRow)
        item = to_item(row, Path(place.source).parent, is_url_enough=True)
    except (msgspec.ValidationError, InputError) as error:
        return place.refused(str(error))
    return SourceRow(place.source, place.line, item, place.position)


def below(root: Path, address: str) -> str:
    """Return the absolute path of the file that `address`, a relative path of an export, names in `root`.

    Raises InputError where it would lead out, over ``..`` or a link.
    """
    base = root.resolve()
    try:
        target = (base / address.lstrip("/")).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise InputError(f"{address!r} is no path ({error})") from error
    if not target.is_relative_to(base):
        raise InputError(f"{address!r} leads out of {root}")
    return str(root.absolute() / target.relative_to(base))


def path_of_url(url: str) -> str:
    """Return the path of a URL, its escapes undone, without a slash at its beginning.

    Raises InputError for what is no URL.
    """
    try:
        return unquote(urlsplit(url).path).lstrip("/")
    except ValueError as error:
        raise InputError(f"{url[:200]!r} is no URL ({error})") from error


def asset_in(address: str) -> str | None:
    """Return the platform's own number of a file in its address, None where there is none.

    Either folders of three digits, which together are the number, or a number of 14 and more
    digits in the file's name.
    """
    folders = _FOLDERS.search(address)
    if folders:
        return folders[1].replace("/", "")
    number = _NUMBER.search(address)
    return number[1] if number else None


def first_there(paths: Sequence[str]) -> str:
    """Return the first of `paths` that exists, else the last."""
    for path in paths[:-1]:
        try:
            if Path(path).exists():
                return path
        except OSError:  # a name too long for the file system names no file of it
            continue
    return paths[-1]


def caption_of(*parts: str | None) -> str | None:
    """Return the parts that are there, each once, an empty line between."""
    seen = dict.fromkeys(part.strip() for part in parts if part and part.strip())
    return "\n\n".join(seen) or None


def time_of(text: str | None) -> datetime | None:
    """Return the time an export writes, RFC 3339 or RFC 5322; a bare date has no time and is None.

    Raises InputError for what is neither.
    """
    text = (text or "").strip()
    if not text:
        return None
    try:
        with suppress(ValueError):
            return _utc(datetime.fromisoformat(text))
        found = parsedate_to_datetime(text)
        return _utc(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InputError(f"{text[:80]!r} is no time") from error


def _utc(time: datetime) -> datetime | None:
    """Return `time` in UTC; None without a zone, which would be a guess of up to a day."""
    return time.astimezone(UTC) if time.tzinfo is not None else None
