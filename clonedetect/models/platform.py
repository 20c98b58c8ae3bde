"""What the operator says of the platform whose posts are defended: its hosts, its ids, its addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

__all__ = ["ExpiryBase", "ExpiryParameter", "Platform"]


class ExpiryBase(StrEnum):
    """How a parameter of a signed address counts the end of its validity."""

    HEX = "hex"
    SECONDS = "seconds"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class ExpiryParameter:
    """One parameter that tells until when a signed address is good.

    Seconds since 1970 in hexadecimal or decimal digits, or decimal seconds after
    the time in the parameter `start` (``20230902T101500Z``).
    """

    name: str
    base: ExpiryBase
    start: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``NAME:hex``, ``NAME:seconds`` or ``NAME:after OTHER`` says.

        Raises ValueError for anything else.
        """
        found = re.fullmatch(r"([\w.-]+):(?:(hex|seconds)|after ([\w.-]+))", text, re.ASCII)
        if found is None:
            raise ValueError("must be NAME:hex, NAME:seconds or NAME:after OTHER")
        name, base, start = found.groups()
        return cls(name, ExpiryBase(base or ExpiryBase.AFTER), start or "")


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform whose posts are defended.

    `hosts` are its own, `media_hosts` those that serve its pictures and videos; hosts
    below either are its own too. The patterns are searched in addresses and find an id in
    their one group; slashes in it are left out, as some platforms cut ids into folders.
    `shortcode_is_id` says that a shortcode is the numeric id in base64url digits. A
    numeric id was made at (id >> `id_time_shift`) + `id_epoch_ms` milliseconds since 1970; a
    shift of 0 says that ids carry no time. `expiry_parameters` are forms that
    `ExpiryParameter.parse` takes. `marks` are names and words by which a clone would
    imitate the platform.
    """

    name: str = ""
    hosts: tuple[str, ...] = ()
    media_hosts: tuple[str, ...] = ()
    asset_id_patterns: tuple[str, ...] = (r"_(\d{14,})(?=_)",)
    shortcode_patterns: tuple[str, ...] = (r"/(?:p|reel|tv)/([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])",)
    numeric_id_patterns: tuple[str, ...] = ()
    handle_patterns: tuple[str, ...] = ()
    shortcode_is_id: bool = False
    id_time_shift: int = 0
    id_epoch_ms: int = 0
    expiry_parameters: tuple[str, ...] = (
        "oe:hex",
        "X-Amz-Expires:after X-Amz-Date",
        "Expires:seconds",
    )
    marks: tuple[str, ...] = ()
