"""What the matches of one page say together: text beside a picture, three posts of one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clonedetect.match.text_rules import may_corroborate
from clonedetect.models.ids import AccountId
from clonedetect.models.match import Kind, Match, Verdict
from clonedetect.models.settings import TextThresholds

__all__ = ["Corroboration", "corroborate"]

_INDEPENDENT = frozenset({Kind.EXACT, Kind.IMAGE, Kind.VIDEO})


@dataclass(frozen=True, slots=True)
class Corroboration:
    """The page's matches, texts upgraded where another ground supports them, and its confirmed accounts."""

    matches: tuple[Match, ...]
    accounts: tuple[AccountId, ...]


def corroborate(matches: Sequence[Match], thresholds: TextThresholds) -> Corroboration:
    """Return what the matches on one page are worth together.

    A `possible` text becomes `confirmed` where a confirmed picture or video of
    the same item or account, or an identifier (handle, id, hotlink) of it,
    stands on the page too, unless a gate says that the text is nobody's
    alone: corroboration cures a model that knows too little and a caption that
    is short, not a text that everybody has. An account is confirmed on the
    page by `account_posts` distinct confirmed posts, or by one confirmed text
    beside an independent ground.
    """
    grounds = [match for match in matches if _is_independent(match)]
    items = {match.item_id for match in grounds}
    owners = {match.account_id for match in grounds if match.account_id is not None}
    upgraded = tuple(
        _upgraded(match)
        if _may_be_upgraded(match) and (match.item_id in items or match.account_id in owners)
        else match
        for match in matches
    )
    return Corroboration(upgraded, _accounts(upgraded, owners, thresholds.account_posts))


def _is_independent(match: Match) -> bool:
    """Return whether a match is a ground other than text: pictures only when confirmed."""
    if Kind.IDENTIFIER in match.kinds:
        is_told = match.verdict in {Verdict.CONFIRMED, Verdict.POSSIBLE}
        return is_told and (match.identifier is None or match.identifier.is_ground)
    return match.verdict is Verdict.CONFIRMED and bool(_INDEPENDENT & set(match.kinds))


def _may_be_upgraded(match: Match) -> bool:
    return match.verdict is Verdict.POSSIBLE and match.text is not None and may_corroborate(match.text)


def _upgraded(match: Match) -> Match:
    reason = "corroborated: a picture, handle or id of the same item or account stands on the same page"
    return replace(match, verdict=Verdict.CONFIRMED, reasons=(*match.reasons, reason))


def _accounts(matches: Sequence[Match], owners: set[AccountId], least: int) -> tuple[AccountId, ...]:
    posts: dict[AccountId, set[object]] = {}
    confirmed: set[AccountId] = set()
    for match in matches:
        if match.verdict is not Verdict.CONFIRMED or match.account_id is None:
            continue
        posts.setdefault(match.account_id, set()).add(_what(match))
        if match.text is not None and match.account_id in owners:
            confirmed.add(match.account_id)
    confirmed |= {account for account, found in posts.items() if len(found) >= least}
    return tuple(sorted(confirmed))


def _what(match: Match) -> object:
    """Return what tells two posts apart: the place on the page, so that one copy never counts twice."""
    return match.regions or match.item_id
