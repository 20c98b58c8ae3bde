"""The URLs an operator names, before and after a crawl: what is permitted of them, what could be reached."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clonedetect.case.store import CaseStore
from clonedetect.grant.permit import permit
from clonedetect.grant.terms import Grant
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["sort_seeds", "unreached"]

_UNREACHED = frozenset({Outcome.DNS_ERROR, Outcome.CONNECT_ERROR, Outcome.TLS_ERROR, Outcome.TIMEOUT})


def sort_seeds(grant: Grant, seeds: Iterable[str], now: datetime) -> tuple[tuple[str, ...], list[Refusal]]:
    """Return the normal URLs the grant permits at `now`, each once, and the refusals of the others."""
    answers = [permit(grant, seed, Purpose.PAGE, now) for seed in dict.fromkeys(seeds)]
    urls = dict.fromkeys(answer.url for answer in answers if isinstance(answer, Permit))
    return tuple(urls), [answer for answer in answers if isinstance(answer, Refusal)]


def unreached(urls: Iterable[str], store: CaseStore) -> dict[str, Capture]:
    """Return, by normal URL, the captures that show that a page or its robots.txt could not be reached."""
    found: dict[str, Capture] = {}
    for url in urls:
        capture = store.latest_capture(url, Purpose.PAGE)
        if capture is None:
            capture = store.latest_capture(f"{normalise(url).origin}/robots.txt", Purpose.ROBOTS)
        if capture is not None and capture.outcome in _UNREACHED:
            found[url] = capture
    return found
