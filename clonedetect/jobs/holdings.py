"""Which captures stand for an address: our own before supplied ones, and neither among the other's parts.

A capture of our own that was seen whole always stands. Where there is none, a supplied one
does, and the verdict says so. A page of our own is judged with pictures of our own alone, a
supplied page with supplied ones: what somebody handed over can neither add to nor take from
what this program saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from clonedetect.errors import UrlError
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.item import MediaKind
from clonedetect.models.page import MediaRef, PageContent
from clonedetect.models.supplied import SuppliedFormat

__all__ = ["SCREENSHOT_TEXT", "Holdings", "normal", "rank", "readable"]

SCREENSHOT_TEXT = "text of a screenshot"
"""What of a page is never examined where a picture of it was supplied."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_NAMED = "http://cid.invalid/"
"""Stands for ``cid:`` while a page is read: the extractor keeps web addresses alone."""
_CID = re.compile(rb"""(["'(=]\s*)cid:""", re.IGNORECASE)
_PAGES = (Purpose.PAGE, Purpose.API)

Rank = tuple[int, bool, datetime]
Key = TypeVar("Key")


def rank(capture: Capture) -> Rank:
    """Return how strongly a capture stands for its address; of equal ones the later stands.

    Seen before unseen, then our own before supplied; of supplied ones a document before a picture
    of it, then what claims to be later.
    """
    is_seen, is_own = capture.outcome is Outcome.OK, capture.origin is None
    claimed = None if capture.origin is None else capture.origin.claimed_at
    return 2 * is_seen + is_own, not _is_screenshot(capture), claimed or _BEFORE_ALL


def normal(url: str) -> str:
    """Return the normal form, "" for an address that has none and so was never asked."""
    try:
        return str(normalise(url))
    except UrlError:
        return ""


def readable(content: bytes, capture: Capture) -> bytes:
    """Return a page's content as it is read: parts of a saved page that have a name get an address."""
    if capture.origin is None or capture.origin.format is not SuppliedFormat.MHTML:
        return content
    return _CID.sub(rb"\g<1>" + _NAMED.encode(), content)


def _is_screenshot(capture: Capture) -> bool:
    return capture.origin is not None and capture.origin.is_screenshot


@dataclass(slots=True, eq=False)
class Holdings:
    """The captures of a case by address, our own and supplied ones apart."""

    own: dict[str, Capture] = field(default_factory=dict)
    supplied: dict[str, Capture] = field(default_factory=dict)
    within: dict[tuple[Digest, str], Capture] = field(default_factory=dict)
    """Supplied media by file and address, or name."""
    screenshots: dict[str, list[Capture]] = field(default_factory=dict)
    documents: dict[tuple[Digest, str], str] = field(default_factory=dict)
    """Addresses of supplied pages by file and name."""
    own_pages: dict[str, Capture] = field(default_factory=dict)
    by_record: dict[RecordId, Capture] = field(default_factory=dict)

    @classmethod
    def of(cls, captures: Iterable[Capture]) -> Holdings:
        """Return the holdings of all `captures`."""
        held = cls()
        for capture in captures:
            held._add(capture)
        return held

    def _add(self, capture: Capture) -> None:
        origin = capture.origin
        if capture.purpose is Purpose.MEDIA:
            _keep(self.own if origin is None else self.supplied, capture.url, capture)
            if origin is not None:
                for name in filter(None, (capture.url, origin.content_id)):
                    _keep(self.within, (origin.file_digest, name), capture)
        elif origin is None and capture.purpose in _PAGES:
            _keep(self.own_pages, capture.url, capture)
        elif origin is not None and capture.purpose in _PAGES:
            if origin.content_id:
                self.documents[origin.file_digest, origin.content_id] = capture.url
            if origin.is_screenshot and capture.outcome is Outcome.OK and capture.record_id is not None:
                self.screenshots.setdefault(capture.url, []).append(capture)
                self.by_record[capture.record_id] = capture

    def media(self, url: str, page: Capture) -> Capture | None:
        """Return the capture of a picture on `page`, None where there is none of the page's own kind."""
        shown = self.by_record.get(RecordId(url.partition("#")[0]))
        if shown is not None:
            return shown
        address = normal(url)
        if page.origin is None:
            return self.own.get(address)
        file = page.origin.file_digest
        if url.startswith(_NAMED):
            return self.within.get((file, url.removeprefix(_NAMED)))
        return self.within.get((file, address)) or self.supplied.get(address)

    def address(self, url: str, page: Capture) -> str:
        """Return the normal address of a link of `page`; a name has that of the part it names."""
        if page.origin is not None and url.startswith(_NAMED):
            return self.documents.get((page.origin.file_digest, url.removeprefix(_NAMED)), "")
        return normal(url)

    def pictured(self, page: Capture) -> tuple[MediaRef, ...]:
        """Return the supplied pictures of a supplied page, as media on it; none of a page of our own."""
        if page.origin is None:
            return ()
        return tuple(
            MediaRef(str(one.record_id), MediaKind.IMAGE, "screenshot", f"screenshot {number}")
            for number, one in enumerate(self.screenshots.get(page.url, ()), 1)
        )

    def resting_on(
        self, page: Capture, media: Iterable[MediaRef] = ()
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what is said of each file that a supplied page rests on, and of our own attempt."""
        if page.origin is None:
            return (), ()
        shown = [self.media(ref.url, page) for ref in media]
        origins = [one.origin for one in (page, *shown) if one is not None and one.origin is not None]
        own = self.own_pages.get(page.url)
        notes = (
            () if own is None else (f"our own capture of {own.captured_at:%Y-%m-%d} ended in {own.outcome}",)
        )
        return tuple(dict.fromkeys(origin.sentence for origin in origins)), notes

    def as_picture(self, page: Capture) -> PageContent | None:
        """Return what a page shows of which there is a picture alone; None for a document."""
        if not _is_screenshot(page):
            return None
        return PageContent(page.url)


def _keep(held: dict[Key, Capture], key: Key, capture: Capture) -> None:
    if key not in held or rank(capture) >= rank(held[key]):
        held[key] = capture
