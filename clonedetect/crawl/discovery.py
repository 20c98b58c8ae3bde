"""What a captured page adds to the frontier, and what the grant refuses of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urljoin

from clonedetect.crawl.frontier import NewEntry, State
from clonedetect.crawl.order import MEDIA_PRIORITY, Worth, priority_of
from clonedetect.crawl.pace import host_key
from clonedetect.extract.harvest import LINKING
from clonedetect.models.capture import Purpose
from clonedetect.models.item import MediaKind
from clonedetect.models.page import DeclarationKind, Link, LinkKind, MediaRef, PageContent
from clonedetect.models.permit import Permit, Refusal

__all__ = ["TAKES_AN_ID", "Discovery", "PermitFor", "discover", "discover_icons"]

TAKES_AN_ID = "an endpoint that takes an id"
"""The reason of what is known as the beginning of API addresses, and never asked as it stands."""

PermitFor = Callable[[str, Purpose], Permit | Refusal]
"""The grant at this moment, asked for one URL and purpose."""

_PURPOSES = {
    LinkKind.PAGE: (Purpose.PAGE,),
    LinkKind.FRAME: (Purpose.PAGE,),
    LinkKind.API: (Purpose.API,),
    LinkKind.PAGINATION: (Purpose.API, Purpose.PAGE),
}

_ICON_PRIORITY = 1_000_000


@dataclass(frozen=True, slots=True)
class Discovery:
    """New frontier entries and refusals of one page."""

    entries: tuple[NewEntry, ...]
    refusals: tuple[Refusal, ...]


def discover(
    page: PageContent, permit_for: PermitFor, *, depth: int, max_depth: int, max_links: int, max_media: int
) -> Discovery:
    """Return what `page`, captured at `depth`, leads to.

    Links deeper than `max_depth` and videos become known without being
    asked; what exceeds `max_links` and `max_media` is left to the analysis,
    which counts it as not examined.
    """
    entries: list[NewEntry] = []
    refusals: list[Refusal] = []
    for link in page.links[:max_links]:
        found = _permit_link(link, permit_for)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            entries.append(_link_entry(found, page.url, depth + 1, max_depth))
    for declared in page.declarations:
        if declared.kind is DeclarationKind.ENDPOINT:
            answer = permit_for(declared.value, Purpose.API)
            if isinstance(answer, Permit):
                entry = _link_entry(answer, page.url, depth + 1, max_depth)
                entries.append(replace(entry, state=State.SKIPPED, reason=TAKES_AN_ID))
            else:
                refusals.append(answer)
    references = [ref for ref in page.media if not ref.url.startswith("data:")]
    for reference in references[:max_media]:
        found = _permit_media(reference, permit_for)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            entries.append(_media_entry(found, reference, page.url, depth))
    return Discovery(tuple(entries), tuple(refusals))


def discover_icons(page: PageContent, permit_for: PermitFor, most: int) -> Discovery:
    """Return icons of the origin that `page` lies on: the one at the usual place, then those it names.

    They are `most` at most, stand behind everything else that is pending, and pass grant,
    robots.txt and pace as everything does.
    """
    named = (one.value for one in page.declarations if one.kind is DeclarationKind.ICON)
    urls = dict.fromkeys((urljoin(page.url, "/favicon.ico"), *named))
    answers = [permit_for(url, Purpose.FAVICON) for url in islice(urls, most)]
    entries = (
        NewEntry(one.url, Purpose.FAVICON, host_key(one), priority=_ICON_PRIORITY, parent=page.url)
        for one in answers
        if isinstance(one, Permit)
    )
    return Discovery(tuple(entries), tuple(one for one in answers if isinstance(one, Refusal)))


def _permit_link(link: Link, permit_for: PermitFor) -> Permit | Refusal:
    answers = (permit_for(link.url, purpose) for purpose in _PURPOSES[link.kind])
    last: Permit | Refusal = next(answers)
    for answer in answers:
        if isinstance(last, Permit):
            break
        last = answer
    return last


def _permit_media(reference: MediaRef, permit_for: PermitFor) -> Permit | Refusal:
    """Ask for what is embedded as media; what is only linked must lie where links may be followed."""
    if reference.source in LINKING:
        linked = permit_for(reference.url, Purpose.PAGE)
        if isinstance(linked, Refusal):
            return Refusal(reference.url, Purpose.MEDIA, f"linked, not embedded; as a link: {linked.reason}")
    return permit_for(reference.url, Purpose.MEDIA)


def _link_entry(permit: Permit, parent: str, depth: int, max_depth: int) -> NewEntry:
    is_too_deep = depth > max_depth
    return NewEntry(
        url=permit.url,
        purpose=permit.purpose,
        host=host_key(permit),
        depth=depth,
        priority=priority_of(Worth.UNKNOWN, depth),
        parent=parent,
        state=State.SKIPPED if is_too_deep else State.PENDING,
        reason=f"deeper than max_depth {max_depth}" if is_too_deep else "",
    )


def _media_entry(permit: Permit, reference: MediaRef, parent: str, depth: int) -> NewEntry:
    is_video = reference.kind is MediaKind.VIDEO
    return NewEntry(
        url=permit.url,
        purpose=Purpose.MEDIA,
        host=host_key(permit),
        depth=depth,
        priority=MEDIA_PRIORITY,
        parent=parent,
        state=State.SKIPPED if is_video else State.PENDING,
        reason="video is not examined" if is_video else "",
    )
