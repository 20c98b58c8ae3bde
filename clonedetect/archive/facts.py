"""What the metadata record that closes each capture's group says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from clonedetect.errors import IndexFormatError, VerificationError
from clonedetect.models.capture import Capture, Exchange, Peer, RecordRef, TlsFacts, WireFidelity
from clonedetect.models.ids import Digest

__all__ = ["FACTS_SCHEMA", "CaptureFacts", "ExchangeFacts", "decode_facts", "encode_facts", "facts_of"]

FACTS_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """One exchange without its bytes, and the records that hold them.

    `tls.certificates` are DER (base64 in JSON), `certificate_digests` their
    SHA-256; the body as stored is the response block from `header_length` on, or that
    of the earlier response record `body`, which had the same.
    """

    url: str
    status: int | None
    headers: tuple[tuple[str, str], ...]
    header_length: int
    started_at: datetime
    finished_at: datetime
    peer: Peer | None
    dns: tuple[str, ...]
    tls: TlsFacts | None
    certificate_digests: tuple[Digest, ...]
    fidelity: WireFidelity
    truncated: str | None
    request: RecordRef | None
    response: RecordRef | None
    body: RecordRef | None = None


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """Everything known of a capture, exchange by exchange.

    ``capture.facts`` is None within the record: a record cannot state its own place.
    """

    schema: int
    capture: Capture
    retry_after_s: float | None
    exchanges: tuple[ExchangeFacts, ...]


def facts_of(
    exchange: Exchange, request: RecordRef | None, response: RecordRef | None, body: RecordRef | None
) -> ExchangeFacts:
    """Return what is kept of `exchange` beside its two records."""
    certificates = exchange.tls.certificates if exchange.tls else ()
    return ExchangeFacts(
        url=exchange.url,
        status=exchange.status,
        headers=exchange.headers,
        header_length=exchange.header_length,
        started_at=exchange.started_at,
        finished_at=exchange.finished_at,
        peer=exchange.peer,
        dns=exchange.dns,
        tls=exchange.tls,
        certificate_digests=tuple(
            Digest(f"sha256:{hashlib.sha256(der).hexdigest()}") for der in certificates
        ),
        fidelity=exchange.fidelity,
        truncated=exchange.truncated,
        request=request,
        response=response,
        body=body,
    )


def encode_facts(facts: CaptureFacts) -> bytes:
    """Return the metadata record's block: JSON with sorted keys."""
    return msgspec.json.encode(facts, order="sorted")


class _Schema(msgspec.Struct):
    schema: int


def decode_facts(block: bytes, where: str) -> CaptureFacts:
    """Return what a metadata record's block says.

    Raises IndexFormatError for a newer schema, VerificationError for a block
    that is none of ours.
    """
    try:
        schema = msgspec.json.decode(block, type=_Schema).schema
        if schema > FACTS_SCHEMA:
            raise IndexFormatError(f"{where} was written by a newer clonedetect (schema {schema})")
        return msgspec.json.decode(block, type=CaptureFacts)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise VerificationError(f"{where} holds no capture facts: {error}") from error
