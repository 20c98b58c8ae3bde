"""What is said of an account on a page: three posts of its own, or two kinds of ground that agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clonedetect.analysis.placing import PAGE_ADDRESS, Placed, grounds_of, is_picture, places_of
from clonedetect.match.corroborate import is_identifier_ground
from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.match import Finding, Kind, Match, Verdict
from clonedetect.models.verdict import AccountVerdict

__all__ = ["is_own", "judge_accounts", "own_posts"]

_SHARED = "what stands of this account other accounts publish too, so it does not tell whose was taken"
_QUOTED = "what stands of this account are words that it quotes, so they do not tell whose was taken"


def judge_accounts(
    placed: Sequence[Placed], least: int, capped: Mapping[str, str]
) -> tuple[AccountVerdict, ...]:
    """Return what is said of every account of which something was found, by id.

    `capped` are the ids of findings that what the page is keeps at possible, and why.

    Only what is the account's own counts: nothing that other accounts publish too.

    1. `least` distinct confirmed posts confirm an account.
    2. A confirmed picture and a confirmed text do, of one post or of two.
    3. A confirmed picture or text and an identifier of the account do, where
       the identifier is of the same post, or stands in the same entry.
    4. Everything else is possible.
    """
    grouped: dict[AccountId, list[Placed]] = {}
    for one in placed:
        if one.match.account_id is not None and one.match.verdict in (Verdict.CONFIRMED, Verdict.POSSIBLE):
            grouped.setdefault(one.match.account_id, []).append(one)
    return tuple(_judge(account, grouped[account], least, capped) for account in sorted(grouped))


def own_posts(findings: Sequence[Finding]) -> tuple[ItemId, ...]:
    """Return the distinct posts of one account that `findings` confirm as its own, each by its smallest id.

    One copy never counts twice: posts that share a picture or a text on the
    platform's side are one, and so are posts that are seen at one place only.
    Where places are shared, the count is a lower bound.
    """
    own = [one for one in findings if one.match.verdict is Verdict.CONFIRMED and is_own(one.match)]
    post_of = _merged(own)
    places: dict[ItemId, set[int]] = {}
    for one, place in zip(own, places_of(own), strict=True):
        places.setdefault(post_of[one.match.item_id], set()).add(place)
    taken: set[int] = set()
    posts = []
    for post in sorted(places, key=lambda each: (len(places[each]), each)):
        free = places[post] - taken
        if free:
            taken.add(min(free))
            posts.append(post)
    return tuple(sorted(posts))


def is_own(match: Match) -> bool:
    """Return whether a match tells of this account alone: no other publishes it, nor is it quoted."""
    is_shared_picture = match.image is not None and bool(match.image.other_accounts or match.image.gates)
    is_shared_text = match.text is not None and (match.text.owners > 1 or "shared" in match.text.gates)
    is_quoted = match.text is not None and bool(match.text.cautions)
    return not (is_shared_picture or is_shared_text or is_quoted)


def _merged(findings: Sequence[Finding]) -> dict[ItemId, ItemId]:
    """Return for each item the smallest id of those it shares a picture or a text with."""
    first: dict[object, ItemId] = {}
    post_of: dict[ItemId, ItemId] = {}

    def root(item: ItemId) -> ItemId:
        while post_of[item] != item:
            item = post_of[item]
        return item

    for match in sorted((one.match for one in findings), key=lambda each: each.item_id):
        post_of.setdefault(match.item_id, match.item_id)
        for content in _contents(match):
            known, own = root(first.setdefault(content, match.item_id)), root(match.item_id)
            post_of[max(known, own)] = min(known, own)
    return {item: root(item) for item in post_of}


def _contents(match: Match) -> list[object]:
    """Return what the platform's side of a match is known by."""
    found: list[object] = []
    if match.image is not None:
        found.append(match.image.reference_digest or ("media", match.image.media_id))
    if match.text is not None:
        found.append(("text", match.text.text_id))
    return found


def _judge(
    account: AccountId, placed: Sequence[Placed], least: int, capped: Mapping[str, str]
) -> AccountVerdict:
    confirmed = [one for one in placed if one.match.verdict is Verdict.CONFIRMED and is_own(one.match)]
    posts = own_posts([one.finding for one in placed])
    pictures = [one for one in confirmed if is_picture(one.match)]
    texts = [one for one in confirmed if one.match.text is not None]
    named = [one for one in placed if is_identifier_ground(one.match) and _is_beside(one, confirmed)]
    reasons = []
    if len(posts) >= least:  # 1
        reasons.append(f"{len(posts)} distinct posts of this account stand on the page, each confirmed")
    if pictures and texts:  # 2
        reasons.append("a confirmed picture and a confirmed text of this account stand on the page")
    if confirmed and named:  # 3
        reasons.append(f"{_names(named)} of this account stands beside what is confirmed of it")
    if reasons:
        grounds = grounds_of(one.match for one in (*confirmed, *named))
        items = posts or tuple(sorted({one.match.item_id for one in confirmed}))
        return AccountVerdict(account, Verdict.CONFIRMED, grounds, items, tuple(reasons))
    items = tuple(sorted({one.match.item_id for one in placed if Kind.IDENTIFIER not in one.match.kinds}))
    grounds = grounds_of(one.match for one in placed)
    why = next((capped[one.finding.finding_id] for one in placed if one.finding.finding_id in capped), "")
    reason = why or _short_of(placed, posts, least)
    return AccountVerdict(account, Verdict.POSSIBLE, grounds, items, (reason,))  # 4


def _is_beside(named: Placed, confirmed: Sequence[Placed]) -> bool:
    """Return whether an identifier speaks of what is confirmed: same post, same entry, or the whole page."""
    names_item = named.match.identifier is None or named.match.identifier.names_item
    return any(
        (names_item and one.match.item_id == named.match.item_id)
        or one.entry == named.entry
        or named.locator == PAGE_ADDRESS
        for one in confirmed
    )


def _names(named: Sequence[Placed]) -> str:
    grounds = grounds_of(one.match for one in named)
    return " and ".join(f"a {ground}" for ground in grounds) or "an identifier"


def _short_of(placed: Sequence[Placed], posts: Sequence[ItemId], least: int) -> str:
    if posts:
        count = "one confirmed post" if len(posts) == 1 else f"{len(posts)} confirmed posts"
        return f"{count} of this account, where {least} confirm it, and no independent ground beside it"
    if any(not is_own(one.match) for one in placed):
        is_quoted = any(one.match.text is not None and one.match.text.cautions for one in placed)
        return _QUOTED if is_quoted else _SHARED
    if all(Kind.IDENTIFIER in one.match.kinds for one in placed):
        return "only identifiers of this account stand on the page, which confirm nothing alone"
    return "nothing of this account is confirmed on the page"
