"""What a page has the platform itself show: its player in a frame, its card that a script fills."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz

from clonedetect.analysis.addresses import addresses_within, host_of, is_at, is_same_address
from clonedetect.analysis.placing import Placed, is_picture, is_within
from clonedetect.models.match import RegionKind
from clonedetect.models.page import BlockKind, DeclarationKind, Embed, EmbedKind, PageContent
from clonedetect.signals.normalise import normalise

__all__ = ["embedded_in", "is_own_player", "own_players", "platform_embeds"]

_COPIED = 85.0
"""Likeness in percent from which on a passage that also stands outside the card is a copy of it."""


def platform_embeds(content: PageContent, hosts: Sequence[str]) -> tuple[Embed, ...]:
    """Return the embeds whose source is on one of the platform's `hosts`."""
    return tuple(one for one in content.embeds if is_at(one.host, hosts))


def own_players(content: PageContent, hosts: Sequence[str]) -> tuple[Embed, ...]:
    """Return the frames that show the platform's own player and nothing else."""
    return tuple(one for one in content.embeds if is_own_player(one, hosts))


def is_own_player(embed: Embed, hosts: Sequence[str]) -> bool:
    """Return whether a frame is loaded from the platform, for a post of the platform.

    An address that holds one of another site is none: a redirector on the
    platform's own host would show whatever it is told to.
    """
    if embed.kind is not EmbedKind.FRAME or not is_at(embed.host, hosts) or not embed.permalink:
        return False
    return all(is_at(host_of(url), hosts) for url in addresses_within(embed.url))


def embedded_in(placed: Placed, content: PageContent, hosts: Sequence[str]) -> Embed | None:
    """Return the platform's own card that a finding stands in and that excuses it, or None.

    1. The card names the very post, on the platform's host.
    2. The page loads the platform's script, which turns the card into the player.
    3. A picture in it is loaded from the platform, not from a copy.
    4. A text in it stands nowhere else on the page, not even slightly changed:
       a hidden card beside a visible copy excuses nothing. Look-alike letters and invisible
       characters make no difference.
    """
    card = next((one for one in platform_embeds(content, hosts) if _is_card_of(one, placed)), None)
    scripts = [one.value for one in content.declarations if one.kind is DeclarationKind.SCRIPT]
    if card is None or not any(is_at(host_of(url), hosts) for url in scripts):  # 1, 2
        return None
    if is_picture(placed.match):
        return card if is_at(host_of(placed.finding.media_url or ""), hosts) else None  # 3
    return None if _stands_outside(placed, card, content) else card  # 4


def _is_card_of(embed: Embed, placed: Placed) -> bool:
    permalink = placed.match.permalink or ""
    is_inside = embed.kind is EmbedKind.QUOTE and is_within(placed.locator, embed.locator)
    return is_inside and is_same_address(embed.permalink, permalink)


def _stands_outside(placed: Placed, card: Embed, content: PageContent) -> bool:
    passage = normalise(_passage(placed)).text
    cards = [one.locator for one in content.embeds if one.permalink == card.permalink]
    outside = []
    for block in content.blocks:
        is_around = block.kind is BlockKind.ENTRY and any(is_within(path, block.locator) for path in cards)
        if not is_around and not all(_is_in(path, cards) for path in (block.locator, *block.repeats)):
            outside.append(normalise(block.text).text)
    joined = "\n".join(outside)
    if len(joined) * 2 < len(passage):
        return False
    return fuzz.partial_ratio(passage, joined, score_cutoff=_COPIED) >= _COPIED


def _is_in(locator: str, cards: Sequence[str]) -> bool:
    return any(is_within(locator, path) for path in cards)


def _passage(placed: Placed) -> str:
    text = placed.finding.quoted_text
    spans = [one.span for one in placed.match.regions if one.kind is RegionKind.TEXT and one.span is not None]
    return text[min(start for start, _ in spans) : max(end for _, end in spans)] if spans else text
