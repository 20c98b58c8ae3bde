"""What the matches of one page are worth together: a text beside a picture, a picture beside its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clonedetect.match.text_rules import POSSIBLE_CEILING, may_corroborate
from clonedetect.models.match import Kind, Match, Verdict

__all__ = ["Corroboration", "corroborate", "is_identifier_ground"]

_PICTURES = frozenset({Kind.EXACT, Kind.IMAGE, Kind.VIDEO})


@dataclass(frozen=True, slots=True)
class Corroboration:
    """The page's matches, upgraded where another ground supports them; `lifted` says which were, in order."""

    matches: tuple[Match, ...]
    lifted: tuple[bool, ...]


def corroborate(
    matches: Sequence[Match], entries: Sequence[str] = (), excused: Sequence[bool] = ()
) -> Corroboration:
    """Return what the matches on one page are worth together; `entries` says in which entry each stands.

    What is `excused` accuses nobody, and so supports nothing: a text in the platform's
    own card says nothing of the picture beside it.

    Only an independent kind of ground supports another, and only what is short
    or thin is cured, never what a gate says is nobody's alone.

    A confirmed text of quoted words (`TextMeasure.cautions`) is lowered to possible
    where nothing else of the same item or account stands there confirmed, nor an
    identifier as in 1: who else quotes the same words copies nothing from here.

    1. A `possible` text becomes `confirmed` where a confirmed picture or video of the
       same item or account stands on the page, or an identifier of the same item, or
       one of the same account in the same entry. A mention is no identifier's ground:
       who writes about an account names it, and who quotes a post links to it.
    2. A `possible` picture becomes `confirmed` where a confirmed text of the same
       item does. An identifier lifts no picture: an article that links to a
       post may well show another picture of the same scene.
    """
    places = tuple(entries) or ("",) * len(matches)
    barred = tuple(excused) or (False,) * len(matches)
    grounds = [
        (match, place)
        for match, place, is_barred in zip(matches, places, barred, strict=True)
        if not is_barred and _supports_text(match)
    ]
    owned = [
        match for match, is_barred in zip(matches, barred, strict=True) if not is_barred and _is_own(match)
    ]
    told = tuple(
        _lifted_text(match)
        if any(_is_beside(match, place, *ground) for ground in grounds)
        else _lowered_text(match, owned)
        for match, place in zip(matches, places, strict=True)
    )
    written = {
        one.item_id
        for one, is_barred in zip(told, barred, strict=True)
        if not is_barred and one.text is not None and one.verdict is Verdict.CONFIRMED
    }
    seen = tuple(_lifted_picture(match) if match.item_id in written else match for match in told)
    lifted = tuple(
        one.verdict is Verdict.CONFIRMED is not was.verdict for one, was in zip(seen, matches, strict=True)
    )
    return Corroboration(seen, lifted)


def is_identifier_ground(match: Match) -> bool:
    """Return whether a match is an identifier that may count beside other grounds; a mention may not."""
    if Kind.IDENTIFIER not in match.kinds or match.verdict not in {Verdict.CONFIRMED, Verdict.POSSIBLE}:
        return False
    return match.identifier is None or match.identifier.is_ground


def _supports_text(match: Match) -> bool:
    is_picture = match.verdict is Verdict.CONFIRMED and bool(_PICTURES & set(match.kinds))
    return is_picture or is_identifier_ground(match)


def _is_beside(match: Match, place: str, ground: Match, at: str) -> bool:
    """Return whether a ground speaks of the item of `match`, or near enough of its account."""
    if ground.item_id == match.item_id and (ground.identifier is None or ground.identifier.names_item):
        return True
    if ground.account_id is None or ground.account_id != match.account_id:
        return False
    return Kind.IDENTIFIER not in ground.kinds or at == place


def _lifted_text(match: Match) -> Match:
    if match.verdict is not Verdict.POSSIBLE or match.text is None or not may_corroborate(match.text):
        return match
    reason = "corroborated: a picture, handle or id of the same item or account stands on the same page"
    return replace(match, verdict=Verdict.CONFIRMED, reasons=(*match.reasons, reason))


def _is_own(match: Match) -> bool:
    """Return whether a match is a confirmed text without a caution."""
    return match.verdict is Verdict.CONFIRMED and match.text is not None and not match.text.cautions


def _lowered_text(match: Match, owned: Sequence[Match]) -> Match:
    """Return a confirmed text of quoted words as possible, unless its account has one that is its own."""
    if match.verdict is not Verdict.CONFIRMED or match.text is None or not match.text.cautions:
        return match
    if match.account_id is not None and any(one.account_id == match.account_id for one in owned):
        return match
    reason = "nothing else of the account stands on the page: quoted words alone accuse nobody"
    score = min(match.score, POSSIBLE_CEILING)
    return replace(match, verdict=Verdict.POSSIBLE, score=score, reasons=(*match.reasons, reason))


def _lifted_picture(match: Match) -> Match:
    if match.verdict is not Verdict.POSSIBLE or match.image is None or match.image.gates:
        return match
    reason = "corroborated: the caption of the same item stands on the same page"
    return replace(match, verdict=Verdict.CONFIRMED, reasons=(*match.reasons, reason))
