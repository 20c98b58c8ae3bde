"""Bodies that the case holds already: of a response that brings one again only the head is archived."""

from __future__ import annotations

from dataclasses import replace

from clonedetect.archive.record import plain_header_length
from clonedetect.archive.warc import body_of, read_facts
from clonedetect.case.store import CaseStore
from clonedetect.errors import VerificationError
from clonedetect.models.capture import FetchResult, RepeatedBody, WireFidelity
from clonedetect.models.ids import digest_of

__all__ = ["LEAST_BYTES", "with_repeated_body"]

LEAST_BYTES = 1_024
"""A smaller body is stored again: two records cost more than they save."""


def with_repeated_body(store: CaseStore, result: FetchResult) -> FetchResult:
    """Return `result` with the record that holds its last body already, if one does.

    Only a body that came whole, where all readers agree on where it begins,
    is left to an earlier record; that record is read first, and must be a response
    with this very body. Whatever is wrong with it, the body is stored again.
    """
    last = result.exchanges[-1] if result.exchanges else None
    if last is None or last.truncated or last.fidelity is not WireFidelity.EXACT or result.earlier:
        return result
    body = last.response[last.header_length :]
    if len(body) < LEAST_BYTES or plain_header_length(last.response) != last.header_length:
        return result
    for capture in store.captures_of_body(digest_of(body)):
        ref = capture.hops[-1].response if capture.hops else None
        if ref is None or capture.fidelity is not WireFidelity.EXACT:
            continue
        try:
            if body_of(store.folder, ref) != body:
                continue
            asked = read_facts(store.folder, capture).exchanges[-1]
        except VerificationError:
            continue
        return replace(result, repeated=RepeatedBody(ref, asked.url, asked.started_at))
    return result
