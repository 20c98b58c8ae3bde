"""What is said of one item on a page: its grounds, each kind once, and the rule that decided."""

from __future__ import annotations

from collections.abc import Sequence

from clonedetect.analysis.placing import Placed, grounds_of, is_picture, places_of
from clonedetect.models.ids import ItemId
from clonedetect.models.match import Ground, Kind, Verdict
from clonedetect.models.reasons import limits_first
from clonedetect.models.verdict import ItemRule, ItemVerdict

__all__ = ["judge_items"]

_RANK = {Verdict.CONFIRMED: 3, Verdict.POSSIBLE: 2, Verdict.INCONCLUSIVE: 1, Verdict.NONE: 0}
_PHRASES = {
    Ground.EXACT: "the very bytes of its picture",
    Ground.IMAGE: "its picture",
    Ground.VIDEO: "its video",
    Ground.TEXT: "its text",
    Ground.NATIVE_ID: "its native id",
    Ground.HANDLE: "its account's handle",
    Ground.HOTLINK: "a link straight to its file",
}


_FOLLOWS = {
    ItemRule.SINGLE: "confirmed on this ground alone",
    ItemRule.INDEPENDENT: "independent grounds agree, so it is confirmed",
    ItemRule.CORROBORATED: "what is possible by itself is confirmed by an independent ground",
    ItemRule.UNCONFIRMED: "nothing of it is confirmed, so it is possible",
    ItemRule.CAPPED: "it would be confirmed, and is possible because of what the page is",
}


def judge_items(
    placed: Sequence[Placed], lifted: frozenset[str], capped: frozenset[str]
) -> tuple[ItemVerdict, ...]:
    """Return what is said of every item found on the page, surest first, then by id.

    `lifted` and `capped` are ids of findings that another ground confirmed,
    and that what the page is keeps at possible. The same picture shown twice,
    or one text in caption and alternative text, is one ground. An account's name tells of
    no item by itself, and is a ground of one that was found otherwise.
    """
    grouped: dict[ItemId, list[Placed]] = {}
    for one in placed:
        if _names_item(one):
            grouped.setdefault(one.match.item_id, []).append(one)
    for one in placed:
        if not _names_item(one) and one.match.item_id in grouped:
            grouped[one.match.item_id].append(one)
    judged = [_judge(item, group, lifted, capped) for item, group in grouped.items()]
    return tuple(sorted(judged, key=lambda one: (-_RANK[one.verdict], one.item_id)))


def _names_item(placed: Placed) -> bool:
    identifier = placed.match.identifier
    return identifier is None or identifier.names_item


def _judge(
    item: ItemId, placed: Sequence[Placed], lifted: frozenset[str], capped: frozenset[str]
) -> ItemVerdict:
    ordered = sorted(placed, key=lambda one: (-_RANK[one.match.verdict], -one.match.score))
    best = ordered[0].match
    grounds = grounds_of(one.match for one in ordered)
    confirmed = [one for one in ordered if one.match.verdict is Verdict.CONFIRMED]
    rule = _rule(confirmed, grounds, placed, lifted, capped)
    repeated = len(placed) - len(set(places_of([one.finding for one in placed])))
    reasons = [_sentence(rule, grounds), *limits_first(best.verdict, best.reasons)]
    if repeated:
        reasons.append("what stands there more than once counts once")
    return ItemVerdict(item, best.account_id, best.verdict, grounds, rule, tuple(dict.fromkeys(reasons)))


def _rule(
    confirmed: Sequence[Placed],
    grounds: tuple[Ground, ...],
    placed: Sequence[Placed],
    lifted: frozenset[str],
    capped: frozenset[str],
) -> ItemRule:
    ids = {one.finding.finding_id for one in placed}
    if not confirmed:
        return ItemRule.CAPPED if ids & capped else ItemRule.UNCONFIRMED
    if all(one.finding.finding_id in lifted for one in confirmed):
        return ItemRule.CORROBORATED
    is_named = any(Kind.IDENTIFIER in one.match.kinds for one in placed)
    has_both = any(is_picture(one.match) for one in confirmed) and Ground.TEXT in grounds
    if is_named or (has_both and any(one.match.text is not None for one in confirmed)):
        return ItemRule.INDEPENDENT
    return ItemRule.SINGLE


def _sentence(rule: ItemRule, grounds: tuple[Ground, ...]) -> str:
    """Return the first reason: what of the item stands on the page, and what follows."""
    shown = [ground for ground in grounds if not (ground is Ground.IMAGE and Ground.EXACT in grounds)]
    listed = " and ".join(_PHRASES[ground] for ground in shown)
    is_one = len(shown) == 1 and shown[0] is not Ground.EXACT
    return f"{listed} {'stands' if is_one else 'stand'} on the page: {_FOLLOWS[rule]}"
