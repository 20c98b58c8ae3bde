"""The records of one fetch, laid out for one place in one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clonedetect.archive.facts import FACTS_SCHEMA, CaptureFacts, ExchangeFacts, encode_facts, facts_of
from clonedetect.archive.marks import resource_type, supplied_fields
from clonedetect.archive.record import build_member, plain_header_length, warc_date
from clonedetect.models.capture import (
    Capture,
    Earlier,
    Exchange,
    FetchResult,
    Hop,
    Outcome,
    RecordRef,
    RepeatedBody,
    WireFidelity,
)
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.models.permit import Permit

__all__ = [
    "FACTS_PROFILE",
    "IDENTICAL_PROFILE",
    "NOT_MODIFIED_PROFILE",
    "Fetched",
    "Group",
    "capture_group",
    "has_content",
]

FACTS_PROFILE = "application/vnd.clonedetect.capture+json"
"""Content type of the metadata record that closes a group."""

NOT_MODIFIED_PROFILE = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
"""The ``WARC-Profile`` of a ``revisit`` record that holds a 304 (WARC 1.1, 6.7.3)."""

IDENTICAL_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
"""The ``WARC-Profile`` of a ``revisit`` record that leaves its body to an earlier one (WARC 1.1, 6.7.2)."""

_TRUNCATIONS = ("length", "time", "disconnect", "unspecified")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One fetch that is to be archived: what came, what permitted it, when, and how it was found."""

    result: FetchResult
    permit: Permit
    captured_at: datetime
    parent_url: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """The bytes to append, the capture they make, and every record among them."""

    data: bytes
    capture: Capture
    refs: tuple[RecordRef, ...]


class _Layout:
    """Lays records one behind the other and hands out where each lies."""

    def __init__(self, file: str, offset: int, warcinfo: RecordId, new_id: Callable[[], RecordId]) -> None:
        self.file = file
        self.offset = offset
        self.warcinfo = warcinfo
        self.new_id = new_id
        self.members: list[bytes] = []
        self.refs: list[RecordRef] = []

    def add(
        self,
        kind: str,
        record_id: RecordId,
        *,
        date: datetime,
        fields: tuple[tuple[str, str], ...],
        block: bytes,
        payload: bytes | memoryview,
    ) -> RecordRef:
        digest = digest_of(block)
        header = (
            ("WARC-Type", kind),
            ("WARC-Record-ID", f"<{record_id}>"),
            ("WARC-Date", warc_date(date)),
            ("WARC-Warcinfo-ID", f"<{self.warcinfo}>"),
            *fields,
            ("WARC-Block-Digest", digest),
        )
        member = build_member(header, block)
        ref = RecordRef(record_id, self.file, self.offset, len(member), digest, digest_of(payload))
        self.members.append(member)
        self.refs.append(ref)
        self.offset += len(member)
        return ref


def has_content(result: FetchResult) -> bool:
    """Whether `result` carries a decoded body that is kept among the objects.

    An empty page that arrived whole has one; a body that could not be decoded has none.
    """
    return bool(result.content) or result.outcome is Outcome.OK


def capture_group(
    fetched: Fetched, *, file: str, offset: int, warcinfo: RecordId, new_id: Callable[[], RecordId]
) -> Group:
    """Return the group of `fetched` as it stands at byte `offset` of `file`."""
    result = fetched.result
    layout = _Layout(file, offset, warcinfo, new_id)
    marks = supplied_fields(result.origin, fetched.captured_at)
    revisited = [None] * (len(result.exchanges) - 1) + [result.earlier or result.repeated]
    exchanges = tuple(
        _exchange_records(layout, exchange, marks, one)
        for exchange, one in zip(result.exchanges, revisited, strict=False)
    )
    capture = _capture_of(fetched, exchanges)
    block = encode_facts(CaptureFacts(FACTS_SCHEMA, capture, result.retry_after_s, exchanges))
    fields = (
        ("WARC-Target-URI", result.url),
        *(("WARC-Concurrent-To", f"<{ref.record_id}>") for ref in layout.refs),
        ("Content-Type", FACTS_PROFILE),
    )
    facts = layout.add(
        "metadata", new_id(), date=fetched.captured_at, fields=fields, block=block, payload=block
    )
    capture = dataclasses.replace(capture, facts=facts)
    return Group(b"".join(layout.members), capture, tuple(layout.refs))


def _exchange_records(
    layout: _Layout,
    exchange: Exchange,
    marks: tuple[tuple[str, str], ...],
    revisited: Earlier | RepeatedBody | None,
) -> ExchangeFacts:
    request_id, response_id = layout.new_id(), layout.new_id()
    common: tuple[tuple[str, str], ...] = (("WARC-Target-URI", exchange.url), *marks)
    if exchange.peer is not None:
        common += (("WARC-IP-Address", exchange.peer.address),)
    request = response = None
    if exchange.request:
        fields = (*common, *_concurrent(response_id, exchange.response), _content_type("request"))
        body = exchange.request.partition(b"\r\n\r\n")[2]
        request = layout.add(
            "request",
            request_id,
            date=exchange.started_at,
            fields=fields,
            block=exchange.request,
            payload=body,
        )
    if exchange.response:
        resource = resource_type(exchange)
        named = ("Content-Type", resource) if resource else _content_type("response")
        fields = (*common, *_concurrent(request_id, exchange.request), named)
        response = _response_record(layout, exchange, response_id, fields, revisited)
    return facts_of(exchange, request, response, _body_ref(revisited))


def _response_record(
    layout: _Layout,
    exchange: Exchange,
    record_id: RecordId,
    fields: tuple[tuple[str, str], ...],
    revisited: Earlier | RepeatedBody | None,
) -> RecordRef:
    """Lay the response, or what is recorded in its place: a 304, or the head of one whose body is held."""
    block, body = exchange.response, memoryview(exchange.response)[exchange.header_length :]
    if exchange.truncated is not None:
        fields += (("WARC-Truncated", _truncation(exchange.truncated)),)
    if isinstance(revisited, Earlier):
        fields += _revisit_fields(
            NOT_MODIFIED_PROFILE, revisited.record_id, revisited.url, revisited.asked_at
        )
    elif exchange.header_length and plain_header_length(exchange.response) == exchange.header_length:
        fields += (("WARC-Payload-Digest", digest_of(body)),)
    if isinstance(revisited, RepeatedBody):
        block = exchange.response[: exchange.header_length]
        known = revisited.ref.record_id
        fields += _revisit_fields(IDENTICAL_PROFILE, known, revisited.url, revisited.asked_at)
    return layout.add(
        "revisit" if revisited is not None else "resource" if resource_type(exchange) else "response",
        record_id,
        date=exchange.started_at,
        fields=fields,
        block=block,
        payload=body,
    )


def _body_ref(revisited: Earlier | RepeatedBody | None) -> RecordRef | None:
    return revisited.ref if isinstance(revisited, RepeatedBody) else None


def _revisit_fields(
    profile: str, record_id: RecordId, url: str, asked_at: datetime
) -> tuple[tuple[str, str], ...]:
    return (
        ("WARC-Profile", profile),
        ("WARC-Refers-To", f"<{record_id}>"),
        ("WARC-Refers-To-Target-URI", url),
        ("WARC-Refers-To-Date", warc_date(asked_at)),
    )


def _concurrent(record_id: RecordId, block: bytes) -> tuple[tuple[str, str], ...]:
    return (("WARC-Concurrent-To", f"<{record_id}>"),) if block else ()


def _content_type(message: str) -> tuple[str, str]:
    return ("Content-Type", f"application/http;msgtype={message}")


def _truncation(reason: str) -> str:
    """Return WARC's own word (5.13) that the reason begins with; the facts keep it whole."""
    return next((word for word in _TRUNCATIONS if reason.startswith(word)), "unspecified")


def _capture_of(fetched: Fetched, exchanges: tuple[ExchangeFacts, ...]) -> Capture:
    result, permit = fetched.result, fetched.permit
    last = exchanges[-1] if exchanges else None
    answer = last.response if last else None
    earlier = result.earlier
    content_digest = digest_of(result.content) if has_content(result) else None
    return Capture(
        url=result.url,
        final_url=result.final_url,
        purpose=result.purpose,
        outcome=result.outcome,
        reason=result.reason,
        captured_at=fetched.captured_at,
        grant_id=permit.grant_id,
        grant_digest=permit.grant_digest,
        rule=permit.rule,
        status=last.status if last else None,
        content_type=result.content_type or (earlier.content_type if earlier else ""),
        content_size=earlier.content_size if earlier else len(result.content),
        payload_digest=answer.payload_digest if answer else None,
        content_digest=earlier.content_digest if earlier else content_digest,
        record_id=answer.record_id if answer else None,
        peer=last.peer if last else None,
        hops=tuple(_hop(fact) for fact in exchanges),
        fidelity=_weakest(exchanges),
        parent_url=fetched.parent_url,
        depth=fetched.depth,
        wire_size=0 if result.origin else sum(len(exchange.response) for exchange in result.exchanges),
        origin=result.origin,
        refers_to=earlier.record_id if earlier else None,
    )


def _hop(fact: ExchangeFacts) -> Hop:
    location = next((value for name, value in fact.headers if name.lower() == "location"), None)
    return Hop(fact.url, fact.status, fact.peer, fact.request, fact.response, location)


def _weakest(exchanges: tuple[ExchangeFacts, ...]) -> WireFidelity:
    seen = {fact.fidelity for fact in exchanges}
    order = (WireFidelity.SUPPLIED, WireFidelity.RECONSTRUCTED)
    return next((fidelity for fidelity in order if fidelity in seen), WireFidelity.EXACT)
