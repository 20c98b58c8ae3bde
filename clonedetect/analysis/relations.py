"""How strongly two sites seem to have one operator: bits of what they share, each with its explanation.

A signal for people and for what builds networks on it. It decides nothing, and no verdict looks at it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clonedetect.analysis.rarity import WeighedTrait
from clonedetect.models.trait import TraitFamily, TraitKind

__all__ = ["RELATED_BITS", "Relation", "by_site", "relations", "shown_value"]

RELATED_BITS: Final = 8.0
"""Bits from which a pair is listed: as `rarity` assumes, one pair of strangers in 256 shares as much."""

LEAST_BITS: Final = 1.0
"""Bits below which a shared value is not counted: half of all sites have it."""

_SHOWN = 60

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """What one site has in common with another.

    `reasons` name the strongest value of each family, then what is shared and weighs nothing.
    """

    site: str
    other: str
    bits: float
    reasons: tuple[str, ...]


def relations(traits: Sequence[WeighedTrait]) -> tuple[Relation, ...]:
    """Return pairs of sites that share `RELATED_BITS` or more, both ways round, each site's strongest first.

    Of each family only the strongest shared value counts: its others follow from
    it (an icon's three fingerprints, an address and its network).
    """
    held: dict[Pair, dict[TraitFamily, WeighedTrait]] = defaultdict(dict)
    for one in traits:
        for other in one.shared_with if one.bits >= LEAST_BITS else ():
            best = held[one.trait.site, other].get(one.trait.family)
            if best is None or (one.bits, _rank(one)) > (best.bits, _rank(best)):
                held[one.trait.site, other][one.trait.family] = one
    strong = {pair: list(own.values()) for pair, own in held.items() if _bits(own.values()) >= RELATED_BITS}
    common = _common(traits, strong)
    found = [_relation(pair, strongest, common.get(pair, ())) for pair, strongest in strong.items()]
    return tuple(sorted(found, key=lambda one: (one.site, -one.bits, one.other)))


def _bits(values: Iterable[WeighedTrait]) -> float:
    return round(sum(one.bits for one in values), 1)


def _common(traits: Iterable[WeighedTrait], pairs: Collection[Pair]) -> Mapping[Pair, list[WeighedTrait]]:
    """Return what weighs nothing for each of `pairs`."""
    others: dict[str, set[str]] = defaultdict(set)
    for site, other in pairs:
        others[site].add(other)
    found: dict[Pair, list[WeighedTrait]] = defaultdict(list)
    for one in traits:
        if one.common:
            for other in sorted(others[one.trait.site].intersection(one.shared_with)):
                found[one.trait.site, other].append(one)
    return found


def by_site(found: Iterable[Relation]) -> Mapping[str, tuple[Relation, ...]]:
    """Return the relations of each site, in their order."""
    sites: dict[str, list[Relation]] = defaultdict(list)
    for one in found:
        sites[one.site].append(one)
    return {site: tuple(related) for site, related in sites.items()}


def _relation(pair: Pair, strongest: Iterable[WeighedTrait], common: Iterable[WeighedTrait]) -> Relation:
    ranked = sorted(strongest, key=lambda one: (-one.bits, one.trait.kind, one.group))
    return Relation(*pair, _bits(ranked), (*map(_reason, ranked), *dict.fromkeys(map(_discounted, common))))


_ORDER: Final = list(TraitKind)


def _rank(one: WeighedTrait) -> int:
    """Return what tells equally strong values of a family apart: the kind that is named first."""
    return -_ORDER.index(one.trait.kind)


def _reason(one: WeighedTrait) -> str:
    holders = f"{one.holders} unrelated holder{'' if one.holders == 1 else 's'}"
    return f"{one.trait.kind} {shown_value(one)}: {one.bits:.1f} bits, {holders} in this case"


def _discounted(one: WeighedTrait) -> str:
    return f"{one.trait.kind} {shown_value(one)}: 0 bits, {one.common}"


def shown_value(one: WeighedTrait) -> str:
    """Return a value short enough to read; a list of header fields or a digest is cut."""
    value = one.trait.value
    return value if len(value) <= _SHOWN else f"{value[: _SHOWN - 4]} ..."
