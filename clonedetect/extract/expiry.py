"""Reads until when a signed address is good: platforms sign the addresses of their files, and date them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from clonedetect.models.platform import ExpiryBase, ExpiryParameter

__all__ = ["signed_expiry"]

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside are no ends of signatures: the parameter means something else there."""

_DIGITS: Final = {
    ExpiryBase.HEX: re.compile(r"[0-9a-fA-F]{7,9}"),
    ExpiryBase.SECONDS: re.compile(r"[0-9]{9,11}"),
}
_LIFE: Final = re.compile(r"[0-9]{1,8}")


def signed_expiry(url: str, parameters: Iterable[ExpiryParameter]) -> datetime | None:
    """Return until when the address is good by the first of `parameters` that it has, or None."""
    try:
        fields = dict(parse_qsl(urlsplit(url).query, max_num_fields=64))
    except ValueError:
        return None
    found = (_end(one, fields) for one in parameters if one.name in fields)
    return next((end for end in found if end is not None), None)


def _end(parameter: ExpiryParameter, fields: Mapping[str, str]) -> datetime | None:
    value = fields[parameter.name]
    if parameter.base is ExpiryBase.AFTER:
        start = _start(fields.get(parameter.start, ""))
        end = start + timedelta(seconds=int(value)) if start and _LIFE.fullmatch(value) else None
    elif _DIGITS[parameter.base].fullmatch(value):
        end = datetime.fromtimestamp(int(value, 16 if parameter.base is ExpiryBase.HEX else 10), UTC)
    else:
        end = None
    return end if end is not None and _EARLIEST <= end < _LATEST else None


def _start(text: str) -> datetime | None:
    """Return the time that ISO 8601's basic format says, as signatures of object stores write it."""
    if re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII) is None:
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
