"""The contact addresses that a site's own recorded pages state; none is ever made up."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from clonedetect.case.objects import get_object
from clonedetect.evidence.view import SEEN, site_of
from clonedetect.models.capture import Capture, Purpose
from clonedetect.models.case import CaseContents
from clonedetect.models.ids import Digest

__all__ = ["Contact", "site_contacts"]

MAX_PAGES: Final = 400
MAX_BYTES: Final = 4_000_000
MAX_CONTACTS: Final = 20
_MAILTO: Final = re.compile(rb"mailto:([^\"'<>?\s]{3,200})", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")


@dataclass(frozen=True, slots=True)
class Contact:
    """A mail address in a link of a page of the site, and the first page that has it."""

    address: str
    page_url: str


def site_contacts(
    contents: CaseContents, folder: Path, site: str, blocked: frozenset[Digest]
) -> tuple[Contact, ...]:
    """Return up to 20 addresses from ``mailto:`` links in the recorded pages of `site`, sorted.

    The first 400 pages of up to 4 MB are looked at. Raises VerificationError for an object that was changed.
    """
    found: dict[str, str] = {}
    pages = [one for one in contents.captures if _is_page(one, site, blocked)]
    for capture in sorted(pages, key=lambda one: (one.captured_at, one.url))[:MAX_PAGES]:
        assert capture.content_digest is not None  # noqa: S101  _is_page asks
        for raw in _MAILTO.findall(get_object(folder, capture.content_digest)[:MAX_BYTES]):
            address = unquote(html.unescape(raw.decode("utf-8", "replace")))
            if _ADDRESS.fullmatch(address):
                found.setdefault(address.lower(), capture.final_url or capture.url)
    return tuple(Contact(address, page) for address, page in sorted(found.items()))[:MAX_CONTACTS]


def _is_page(capture: Capture, site: str, blocked: frozenset[Digest]) -> bool:
    return (
        capture.purpose is Purpose.PAGE
        and capture.outcome in SEEN
        and capture.content_digest is not None
        and capture.content_digest not in blocked
        and site_of(capture.final_url or capture.url) == site
    )
