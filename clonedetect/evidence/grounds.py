"""Why an exhibit stands: plain words first, figures after, and how many other accounts publish the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clonedetect.analysis.placing import is_within
from clonedetect.evidence.exhibits import Exhibit, Selection
from clonedetect.evidence.words import identifier_sentences, image_sentences, text_sentences
from clonedetect.match.corroborate import is_identifier_ground
from clonedetect.match.text_rules import GATES
from clonedetect.models.match import Finding, Kind, Match, Verdict
from clonedetect.models.standing import standing_words
from clonedetect.models.verdict import ItemRule, ItemVerdict

__all__ = ["Accounts", "Grounds", "accounts_of", "grounds_of", "other_accounts", "standing_sentences"]

_FIGURES = re.compile(
    r"\d+ keypoints agree on one transform"
    r"|\d+% of \d+ textured blocks agree"
    r"|PDQ hashes \d+ of 256 bits apart"
    r"|\d+% of the caption's information \("
)
"""How reasons begin that repeat in figures what a measure holds."""

_SHARED = re.compile(r"other accounts publish this picture too \((\d+)\)|(\d+) accounts publish these bytes")
_CORROBORATED = "corroborated"
_PICTURES = frozenset({Kind.EXACT, Kind.IMAGE, Kind.VIDEO})


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why one exhibit stands, in words and in figures, each said once."""

    words: tuple[str, ...]
    figures: tuple[str, ...]
    other_accounts: int


@dataclass(frozen=True, slots=True)
class Accounts:
    """The exhibits by account: (account, handle, exhibits).

    `uncounted` are those of whom nothing stands but what other accounts publish
    too; `confirmed` counts those with a confirmed exhibit that is theirs alone.
    """

    counted: tuple[tuple[str, str, tuple[Exhibit, ...]], ...]
    uncounted: tuple[tuple[str, str, tuple[Exhibit, ...]], ...]
    confirmed: int


def other_accounts(match: Match) -> int:
    """Return how many other accounts of the platform publish what was matched, as far as the index knows."""
    counts = [0]
    if match.image:
        counts.append(match.image.other_accounts)
    if match.text:
        counts.append(match.text.owners - 1)
    told = filter(None, map(_SHARED.match, match.reasons))  # analyses of older versions say it in words alone
    counts.extend(int(found[1]) if found[1] else int(found[2]) - 1 for found in told)
    return max(counts)


def accounts_of(exhibits: Iterable[Exhibit]) -> Accounts:
    """Group the exhibits by account: what several accounts publish accuses nobody of taking from each."""
    grouped: dict[str, list[Exhibit]] = {}
    for exhibit in exhibits:
        grouped.setdefault(exhibit.finding.match.account_id or "", []).append(exhibit)
    counted: list[tuple[str, str, tuple[Exhibit, ...]]] = []
    uncounted: list[tuple[str, str, tuple[Exhibit, ...]]] = []
    confirmed = 0
    for account, group in sorted(grouped.items()):
        handle = next((one.reference.item.handle for one in group if one.reference.item.handle), "")
        own = [one.finding.match for one in group if not other_accounts(one.finding.match)]
        (counted if own else uncounted).append((account, handle, tuple(group)))
        confirmed += bool(account) and any(match.verdict is Verdict.CONFIRMED for match in own)
    return Accounts(tuple(counted), tuple(uncounted), confirmed)


def grounds_of(exhibit: Exhibit, selection: Selection, told: ItemVerdict | None = None) -> Grounds:
    """Return why `exhibit` stands; what was corroborated names by what.

    `told` is what is said of the whole item on the page, None where an older analysis did not say.
    """
    match = exhibit.finding.match
    shared = other_accounts(match)
    words = [_sentence(reason) for reason in match.reasons if not _is_said_elsewhere(reason, match)]
    if _is_corroborated(match):
        words.append(_corroboration(exhibit, selection))
    elif match.text and match.text.rule == "bits":
        is_capped = told is not None and told.rule is ItemRule.CAPPED and not match.text.gates
        is_proof = match.verdict is Verdict.CONFIRMED or is_capped
        words.append(
            f"The shared text is {'' if is_proof else 'not '}long and rare enough to be proof alone."
        )
    if shared and match.image:
        accounts = "1 other account publishes" if shared == 1 else f"{shared} other accounts publish"
        words.append(f"{accounts} this picture too: it does not tell whose post it was taken from.")
    if told is not None:
        words.append(_sentence(f"all of this post on the page: {told.reasons[0]}"))
    figures = image_sentences(match, match.image) if match.image else ()
    if match.identifier:
        figures += identifier_sentences(match.identifier)
    if match.text:
        figures += text_sentences(match.text)
        said = " ".join(match.reasons)
        words += [
            f"Limit that applied: {gate}." for gate in match.text.gates if GATES.get(gate, gate) not in said
        ]
    return Grounds(tuple(words), figures, shared)


def standing_sentences(finding: Finding, *, is_supplied: bool = False) -> tuple[str, ...]:
    """Return who could see the item when the page was captured, and what had become of it by then.

    Of a page that `is_supplied` that moment is what the supplied file claims.
    """
    if finding.standing is None:
        return ()
    said = tuple(_sentence(words) for words in standing_words(finding.standing))
    claimed = "All of this counts from the time of capture that the supplied file claims."
    return (*said, claimed) if is_supplied and said else said


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith(('.', '!', '?')) else '.'}"


def _is_said_elsewhere(reason: str, match: Match) -> bool:
    """Whether a reason comes again as a figure, as the shared picture's sentence or as the corroboration."""
    if _FIGURES.match(reason):
        return match.image is not None or match.text is not None
    if _SHARED.match(reason):
        return other_accounts(match) > 0 and match.image is not None
    is_limit = any(words in reason for words in GATES.values())
    return _is_corroborated(match) and (is_limit or reason.startswith(_CORROBORATED))


def _is_corroborated(match: Match) -> bool:
    return any(reason.startswith(_CORROBORATED) for reason in match.reasons)


def _corroboration(exhibit: Exhibit, selection: Selection) -> str:
    match = exhibit.finding.match
    what, limit = "picture", "too little of it agrees to be certain of alone"
    if match.text is not None:
        limits = [GATES.get(gate, gate) for gate in match.text.gates]
        what, limit = "text", "; ".join(limits) or "it says too little to be certain of alone"
    ground = _ground(exhibit.finding, selection)
    return f"By itself the {what} would only be possible ({limit}); it is confirmed because {ground}."


def _ground(finding: Finding, selection: Selection) -> str:
    """Name what corroborates a finding: the nearest independent ground on its page, shown or not."""
    places = {one.finding.finding_id: f"Exhibit {one.number}" for one in selection.exhibits}
    places |= {one.finding_id: f"a finding that is not shown: {why}" for one, why in selection.left_out}
    found = [one.finding for one in selection.exhibits] + [one for one, _ in selection.left_out]
    grounds = [one for one in found if _supports(one, finding)]
    if not grounds:
        if finding.match.text is None:
            return "the text of the same post stands on the same page"
        return "a picture, handle or id of the same post or account stands on the same page"
    best = min(grounds, key=lambda one: (one.match.item_id != finding.match.item_id, _what(one.match)[0]))
    whose = "post" if best.match.item_id == finding.match.item_id else "account"
    what = _what(best.match)[1]
    return f"{what} of the same {whose} stands on the same page ({places[best.finding_id]})"


def _what(match: Match) -> tuple[int, str]:
    if Kind.VIDEO in match.kinds:
        return 1, "a video"
    if _PICTURES & set(match.kinds):
        return 0, "a picture"
    return (2, "a handle, id or link") if Kind.IDENTIFIER in match.kinds else (3, "the text")


def _supports(ground: Finding, finding: Finding) -> bool:
    """Whether `ground` is one that the analysis takes for `finding`: not of its own kind, and surer."""
    one, other = ground.match, finding.match
    is_same = one.item_id == other.item_id or (
        one.account_id is not None and one.account_id == other.account_id
    )
    if not is_same or ground.page_url != finding.page_url or ground.finding_id == finding.finding_id:
        return False
    if other.text is None:
        return one.item_id == other.item_id and one.text is not None and one.verdict is Verdict.CONFIRMED
    if Kind.IDENTIFIER in one.kinds:
        return is_identifier_ground(one) and _is_near(one, other)
    return one.verdict is Verdict.CONFIRMED and bool(_PICTURES & set(one.kinds))


def _is_near(named: Match, other: Match) -> bool:
    """Whether an identifier is of the same post, or stands in the entry of the text it supports."""
    if named.identifier is None or (named.item_id == other.item_id and named.identifier.names_item):
        return True
    entry = named.identifier.entry
    return not entry or any(is_within(region.block, entry) for region in other.regions)
