"""What makes a second look conditional: the validators of the capture before, and what stands after a 304."""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.archive.warc import read_facts
from clonedetect.case.store import CaseStore
from clonedetect.crawl.decode import header
from clonedetect.models.capture import Earlier, Purpose, WireFidelity

__all__ = ["Conditions", "conditions_of"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The validators that a server gave with `earlier`, None for one that it did not give."""

    earlier: Earlier
    etag: str | None
    last_modified: str | None


def conditions_of(store: CaseStore, url: str, purpose: Purpose) -> Conditions | None:
    """Return what to ask `url` by once more, or None where only a plain request can tell.

    The newest capture that was received whole counts: it is what stands. A
    validator is of the URL that gave it, so one that came over redirects makes
    no condition; neither does a capture that was not our own.
    """
    capture = store.latest_seen(url, purpose)
    if (
        capture is None
        or capture.record_id is None
        or capture.content_digest is None
        or capture.fidelity is WireFidelity.SUPPLIED
        or len(capture.hops) != 1
    ):
        return None
    (exchange,) = read_facts(store.folder, capture).exchanges
    etag, modified = header(exchange.headers, "etag"), header(exchange.headers, "last-modified")
    if not (etag or modified):
        return None
    earlier = Earlier(
        capture.record_id,
        capture.final_url,
        exchange.started_at,
        capture.content_digest,
        capture.content_size,
        capture.content_type,
    )
    return Conditions(earlier, etag, modified)
