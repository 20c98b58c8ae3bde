"""What every supplied file is taken apart into, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.supplied import HeadOrigin

__all__ = [
    "MAX_BLOCK_BYTES",
    "MAX_FAULTS",
    "MAX_RECORDS",
    "Fault",
    "Found",
    "Message",
    "MessageKind",
    "PassedOver",
    "Reference",
    "Software",
]

MAX_BLOCK_BYTES = 210_000_000
"""Longest record that is taken into memory; the fetcher's own bound for a video is 200 MB."""

MAX_RECORDS = 1_000_000
"""Records looked at in one file."""

MAX_FAULTS = 1_000
"""Faults told of one file; a file with more is not what it says it is."""


class MessageKind(StrEnum):
    """How the content comes: behind an HTTP head, alone, or by reference to another record."""

    HTTP = "http"
    RESOURCE = "resource"
    REVISIT = "revisit"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a revisit record says of the record whose payload it does not repeat."""

    record_id: str = ""
    url: str = ""
    date: str = ""
    payload_digest: str = ""
    is_not_modified: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One response or resource as a supplied file holds it.

    `place` is unique within the file and readable. `block` is the HTTP message of an
    `HTTP` or `REVISIT` message (of the latter the head alone, or nothing), else the content.
    `content_type` is the resource's own;
    `stated_digests` hold; `page` is the
    address of the document that it is a part of; `truncated` says why the block is cut, None where it is
    whole.
    """

    place: str
    url: str
    kind: MessageKind
    block: bytes
    head: HeadOrigin
    claimed_at: datetime | None = None
    claimed_peer: str = ""
    record_id: str = ""
    content_type: str = ""
    stated_digests: tuple[str, ...] = ()
    content_id: str = ""
    truncated: str | None = None
    is_screenshot: bool = False
    page: str = ""
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be used, where, and why; `kind` is the reason without figures, to be counted."""

    place: str
    reason: str
    kind: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something that is whole and holds nothing to look at."""

    what: str


@dataclass(frozen=True, slots=True)
class Software:
    """What the file says that it was made with."""

    name: str


Found = Message | Fault | PassedOver | Software
