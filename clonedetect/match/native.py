"""A platform's own ids: found in addresses by the operator's patterns, spelled both ways, and dated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from urllib.parse import urlsplit

from clonedetect.extract import identifiers
from clonedetect.extract.expiry import signed_expiry
from clonedetect.extract.media_urls import asset_ids
from clonedetect.models.page import IdentifierKind
from clonedetect.models.platform import ExpiryParameter, Platform

__all__ = ["NativeIds"]

Found = tuple[IdentifierKind, str]
_Patterns = tuple[re.Pattern[str], ...]

_MAX_URL: Final = 2_048  # the operator's patterns are not made to withstand longer ones
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 4_102_444_800_000  # the year 2100: what gives more is no time


@dataclass(frozen=True, slots=True)
class NativeIds:
    """What one platform's settings say of its ids, ready to be asked."""

    platform: Platform
    _hosts: tuple[str, ...]
    _in_addresses: tuple[tuple[IdentifierKind, _Patterns], ...]
    _in_media: _Patterns
    _expiry: tuple[ExpiryParameter, ...]

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, platform: Platform) -> Self:
        """Compile the patterns of `platform`, whose settings have been checked."""
        return cls(
            platform,
            (*platform.hosts, *platform.media_hosts),
            (
                (IdentifierKind.SHORTCODE, _compiled(platform.shortcode_patterns)),
                (IdentifierKind.NUMERIC_ID, _compiled(platform.numeric_id_patterns)),
                (IdentifierKind.HANDLE, _compiled(platform.handle_patterns)),
            ),
            _compiled(platform.asset_id_patterns),
            tuple(map(ExpiryParameter.parse, platform.expiry_parameters)),
        )

    def is_own(self, host: str) -> bool:
        """Whether a host is the platform's, or below one of its."""
        name = host.rstrip(".")
        return any(name == own or name.endswith(f".{own}") for own in self._hosts)

    def in_address(self, url: str) -> tuple[Found, ...]:
        """Return the ids and handles in an address of a page, each once."""
        found = dict.fromkeys(identifiers.of_path(url))
        for kind, patterns in self._in_addresses:
            found.update(dict.fromkeys((kind, value) for value in _matches(patterns, url)))
        return tuple(found)

    def in_media(self, url: str) -> tuple[str, ...]:
        """Return the asset ids in an address of a picture or video, each once."""
        return tuple(dict.fromkeys((*_matches(self._in_media, url), *asset_ids(url))))

    def spellings(self, kind: IdentifierKind, value: str) -> tuple[Found, ...]:
        """Return an id as it is and, where a shortcode is the number in other digits, the other way."""
        number = self._number(kind, value)
        if number is None or not self.platform.shortcode_is_id:
            return ((kind, value),)
        if kind is IdentifierKind.SHORTCODE:
            return (kind, value), (IdentifierKind.NUMERIC_ID, str(number))
        return (kind, value), (IdentifierKind.SHORTCODE, identifiers.shortcode(number))

    def created_at(self, kind: IdentifierKind, value: str) -> datetime | None:
        """Return the time that an id carries; None where ids carry none, or it cannot be one."""
        shift = self.platform.id_time_shift
        is_dated = kind is IdentifierKind.NUMERIC_ID or self.platform.shortcode_is_id
        number = self._number(kind, value) if shift and is_dated else None
        if number is None:
            return None
        since_1970_ms = (number >> shift) + self.platform.id_epoch_ms
        return _EPOCH + timedelta(milliseconds=since_1970_ms) if since_1970_ms < _LATEST_MS else None

    def expires_at(self, url: str) -> datetime | None:
        """Return until when a signed address is good."""
        return signed_expiry(url, self._expiry)

    def _number(self, kind: IdentifierKind, value: str) -> int | None:
        if kind is IdentifierKind.NUMERIC_ID:
            return int(value) if re.fullmatch(r"[0-9]{1,25}", value) else None
        if kind is not IdentifierKind.SHORTCODE:
            return None
        try:
            return identifiers.numeric_id(value)
        except ValueError:
            return None


def host_of(url: str) -> str:
    """Return the host of an address in lower case, "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _compiled(patterns: Sequence[str]) -> _Patterns:
    return tuple(map(re.compile, patterns))


def _matches(patterns: Iterable[re.Pattern[str]], url: str) -> Iterator[str]:
    """Yield what the group of each pattern finds, without the slashes in it."""
    for pattern in patterns:
        for match in pattern.finditer(url[:_MAX_URL]):
            value = (match.group(1) or "").replace("/", "")
            if value:
                yield value
