"""What a page says of where its content is from: an original, a source it links to, a federated object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clonedetect.analysis.addresses import host_of, is_at, is_same_address
from clonedetect.analysis.placing import Placed
from clonedetect.models.match import Ground, Match
from clonedetect.models.page import DeclarationKind, PageContent

__all__ = ["ClaimingPage", "federated_from", "is_attributed", "said_original"]

_ORIGINALS = (DeclarationKind.CANONICAL, DeclarationKind.SOURCE)


@dataclass(frozen=True, slots=True, eq=False)
class ClaimingPage:
    """One page with what was found and mentioned on it; `hosts` are the platform's."""

    content: PageContent
    placed: Sequence[Placed]
    mentions: Sequence[Match]
    hosts: tuple[str, ...]


def said_original(page: ClaimingPage) -> str:
    """Return the platform's post that the page says it was taken from, "" where it says nothing."""
    said = [one.value for one in page.content.declarations if one.kind in _ORIGINALS]
    permalinks = [one.match.permalink or "" for one in page.placed]
    return next((url for url in said if any(is_same_address(url, name) for name in permalinks)), "")


def federated_from(page: ClaimingPage) -> str:
    """Return the platform's object that the page says it is a federated copy of, "" where it says nothing.

    ActivityPub servers name it as an alternate of its own media type, and link to the original page.
    """
    own = host_of(page.content.url)
    named = next(
        (
            one.value
            for one in page.content.declarations
            if one.kind is DeclarationKind.ALTERNATE
            and ("activity+json" in one.media_type or "activitystreams" in one.media_type)
            and host_of(one.value) != own
            and is_at(host_of(one.value), page.hosts)
        ),
        "",
    )
    led = [one.value for one in page.content.declarations if one.kind in _ORIGINALS]
    led += [link.url for link in page.content.links]
    return named if any(is_at(host_of(url), page.hosts) for url in led) else ""


def is_attributed(page: ClaimingPage, match: Match) -> bool:
    """Return whether the page links to where the post, or its account, stands on the platform."""
    if match.permalink and any(is_same_address(link.url, match.permalink) for link in page.content.links):
        return True
    linked = {link.locator for link in page.content.links if is_at(host_of(link.url), page.hosts)}
    return any(
        one.identifier is not None
        and one.identifier.ground in (Ground.NATIVE_ID, Ground.HANDLE)
        and one.identifier.locator in linked
        and (one.item_id == match.item_id or (one.account_id and one.account_id == match.account_id))
        for one in page.mentions
    )
