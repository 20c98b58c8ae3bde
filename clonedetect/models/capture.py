"""What was asked of the network, what came back, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.supplied import Origin

__all__ = [
    "READABLE",
    "Capture",
    "Earlier",
    "Exchange",
    "FetchResult",
    "Hop",
    "Outcome",
    "Peer",
    "Purpose",
    "RecordRef",
    "RefusalRecord",
    "RepeatedBody",
    "TlsFacts",
    "WireFidelity",
]


class Purpose(StrEnum):
    """Why a URL is asked for; a permit is for one purpose."""

    PAGE = "page"
    MEDIA = "media"
    API = "api"
    ROBOTS = "robots"
    SITEMAP = "sitemap"
    FAVICON = "favicon"


class Outcome(StrEnum):
    """How one URL ended; every URL that was ever known has exactly one."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    REDIRECT_LOOP = "redirect_loop"
    HTTP_ERROR = "http_error"
    BLOCKED_SCOPE = "blocked_scope"
    BLOCKED_ADDRESS = "blocked_address"
    BLOCKED_ROBOTS = "blocked_robots"
    CHALLENGE_PAGE = "challenge_page"
    RATE_LIMITED = "rate_limited"
    LOGIN_WALL = "login_wall"
    SOFT_404 = "soft_404"
    GONE = "gone"
    PARKED = "parked"
    REDIRECTED_AWAY = "redirected_away"
    TLS_ERROR = "tls_error"
    PROTOCOL_ERROR = "protocol_error"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    TIMEOUT = "timeout"
    DECODE_ERROR = "decode_error"
    PARSE_KILLED = "parse_killed"
    NOT_MEDIA = "not_media"
    DNS_ERROR = "dns_error"
    CONNECT_ERROR = "connect_error"
    GRANT_EXPIRED = "grant_expired"
    BUDGET = "budget"
    DISK_FULL = "disk_full"
    NEEDS_RENDERING = "needs_rendering"
    NOT_VISITED = "not_visited"


READABLE = frozenset({Outcome.OK, Outcome.NEEDS_RENDERING})
"""Outcomes of pages whose content came whole and is read; that of a shell is next to nothing."""


class WireFidelity(StrEnum):
    """Whether recorded bytes are those of the socket."""

    EXACT = "exact"
    RECONSTRUCTED = "reconstructed"
    SUPPLIED = "supplied"


@dataclass(frozen=True, slots=True)
class Peer:
    """The address the socket was really connected to."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What the very socket said of its encryption; `certificates` are DER, leaf first."""

    version: str
    cipher: str
    certificates: tuple[bytes, ...] = ()
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back on one connection, byte for byte.

    `response` may be empty (nothing came) or cut (`truncated` says why).
    `header_length` is the number of bytes of status line and headers in
    `response`, their final blank line included; 0 when no header section was
    complete. The stored body is ``response[header_length:]``, transfer and
    content encodings untouched. `dns` lists the addresses the name gave.
    """

    url: str
    request: bytes
    response: bytes
    header_length: int
    started_at: datetime
    finished_at: datetime
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    peer: Peer | None = None
    tls: TlsFacts | None = None
    dns: tuple[str, ...] = ()
    fidelity: WireFidelity = WireFidelity.EXACT
    truncated: str | None = None


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where one WARC record lies: file name below the case, offset and length in bytes.

    `payload_digest` is of the body as it came, also where the record leaves it to an earlier one.
    """

    record_id: RecordId
    file: str
    offset: int
    length: int
    block_digest: Digest
    payload_digest: Digest


@dataclass(frozen=True, slots=True)
class Earlier:
    """The capture whose content stands where a server answers that nothing has changed.

    `record_id` is its response record, `url` what that record was asked from
    and `asked_at` the record's date; the rest is as in `Capture`.
    """

    record_id: RecordId
    url: str
    asked_at: datetime
    content_digest: Digest
    content_size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class RepeatedBody:
    """The response record that holds the very body that a later response brought again.

    `url` is what that record was asked from and `asked_at` its date.
    """

    ref: RecordRef
    url: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class FetchResult:
    """All exchanges of one fetch, redirects in order, and how it ended.

    `content` is the last response's body with transfer and content encodings
    removed (empty unless it could be decoded whole); `reason` is a sentence,
    empty for a plain `ok`. `retry_after_s` is set where the server named one;
    `earlier` is what stands, for `not_modified`; `repeated` where the case holds the last body already.
    `origin` is that of what was not fetched but supplied.
    """

    url: str
    final_url: str
    purpose: Purpose
    outcome: Outcome
    reason: str = ""
    exchanges: tuple[Exchange, ...] = ()
    content: bytes = b""
    content_type: str = ""
    retry_after_s: float | None = None
    origin: Origin | None = None
    earlier: Earlier | None = None
    repeated: RepeatedBody | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One exchange of a capture as its record tells it."""

    url: str
    status: int | None
    peer: Peer | None
    request: RecordRef | None
    response: RecordRef | None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One fetch with its time, outcome, authorization and records.

    `record_id` is the last response's record (None when nothing came back);
    `payload_digest` is of the body as stored, `content_digest` of the decoded
    bytes. `grant_id`, `grant_digest` and `rule` say what permitted it.
    `wire_size` counts the bytes received over all hops; `facts` is the
    metadata record that closes the capture's group in the archive (TLS, DNS,
    times of every hop), and names the capture. `origin` is where a supplied capture comes
    from, None for what this program fetched; `captured_at` is then when it was taken in.
    A `not_modified` capture names in `refers_to` the earlier response record, and carries that one's
    `content_digest`, size and type: the content that stands.
    """

    url: str
    final_url: str
    purpose: Purpose
    outcome: Outcome
    reason: str
    captured_at: datetime
    grant_id: str
    grant_digest: Digest
    rule: str
    status: int | None = None
    content_type: str = ""
    content_size: int = 0
    payload_digest: Digest | None = None
    content_digest: Digest | None = None
    record_id: RecordId | None = None
    peer: Peer | None = None
    hops: tuple[Hop, ...] = ()
    fidelity: WireFidelity = WireFidelity.EXACT
    parent_url: str | None = None
    depth: int = 0
    wire_size: int = 0
    facts: RecordRef | None = None
    origin: Origin | None = None
    refers_to: RecordId | None = None

    @property
    def shown_at(self) -> datetime | None:
        """When a site served this: of what was supplied as claimed, None where that cannot be."""
        if self.origin is None:
            return self.captured_at
        claimed = self.origin.claimed_at
        return claimed if claimed is not None and claimed <= self.captured_at else None


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A URL the grant, robots.txt or the address guard kept us from, and where."""

    url: str
    purpose: Purpose
    reason: str
    where: str
    refused_at: datetime
    parent_url: str | None = None
