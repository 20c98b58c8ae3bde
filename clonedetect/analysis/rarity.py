"""How much a trait tells: bits of information, from how many unrelated sites of the case show the same value.

``bits = log2((sites + background) / holders)``, 0 for a value that strangers are known to share. `sites`
are those of the case, `holders` those of them that show the value, where sites with two other things in
common count once. `background` is an assumption and no measurement: how many further sites, none with the
value, the case is taken to stand for. It differs by what has to happen for two strangers to show the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from clonedetect.analysis.commonplace import why_common
from clonedetect.analysis.likeness import alike_groups
from clonedetect.models.trait import Trait, TraitFamily
from clonedetect.signals.sketch import sketch_values

__all__ = ["BACKGROUND", "SAME_ARRANGEMENT", "WeighedTrait", "weighed"]

BACKGROUND: Final = {
    TraitFamily.ACCOUNTS: 511,
    TraitFamily.CONTACT: 511,
    TraitFamily.CERTIFICATE: 511,
    TraitFamily.ICON: 31,
    TraitFamily.PROGRAM: 31,
    TraitFamily.HOSTING: 7,
}
"""Assumed sites without the value. An account, an address of one's own or a key is given to one party: 511
makes one such value alone worth 8 bits while two unrelated holders are known, and less from the third on.
Icons are copied and programs sold: 31, so that neither suffices alone in a small case. Neighbours at a hoster
are strangers: 7."""

SAME_ARRANGEMENT: Final = 0.9
"""Estimated Jaccard similarity from which two outlines of pages, or two shapes of data, are one value."""

_OWN: Final = (
    TraitFamily.ACCOUNTS,
    TraitFamily.CONTACT,
    TraitFamily.CERTIFICATE,
    TraitFamily.ICON,
    TraitFamily.PROGRAM,
)
"""Families by which sites are told to be related when holders are counted: hosting is none, or neighbours
on one machine would count as one site and make everything they share look rare."""

_TOLD: Final = 2
"""Other families in common from which two holders count as one."""


@dataclass(frozen=True, slots=True)
class WeighedTrait:
    """One trait of a site with what it is worth.

    `group` names the value as it is compared: values that are alike have one. `holders` counts unrelated
    sites with it, this one included; `shared_with` are the other sites of the case that show it;
    `common` says why it weighs nothing, "" if it does not.
    """

    trait: Trait
    group: str
    bits: float
    holders: int
    shared_with: tuple[str, ...]
    common: str


def weighed(traits: Sequence[Trait]) -> tuple[WeighedTrait, ...]:
    """Return every trait of a case with its weight, by site, kind and value, in whatever order they come."""
    ordered = sorted(traits, key=lambda one: (one.site, one.kind, one.value))
    groups = _groups(ordered)
    common = _commons(ordered, groups)
    sites: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trait, group in zip(ordered, groups, strict=True):
        sites[trait.kind, group].add(trait.site)
    related = _related(ordered, groups, common)
    total = len({trait.site for trait in ordered})
    told = []
    for trait, group in zip(ordered, groups, strict=True):
        holding = sites[trait.kind, group]
        holders = len({related[trait.family].get(site, site) for site in holding})
        why = common.get((trait.kind, group), "")
        bits = 0.0 if why else max(0.0, math.log2((total + BACKGROUND[trait.family]) / holders))
        told.append(WeighedTrait(trait, group, bits, holders, tuple(sorted(holding - {trait.site})), why))
    return tuple(told)


def _groups(traits: Sequence[Trait]) -> list[str]:
    """Return by which value each trait is compared: its own, or the first of those that are alike."""
    groups = [trait.value for trait in traits]
    sketched = [number for number, trait in enumerate(traits) if trait.sketch]
    for kind in sorted({traits[number].kind for number in sketched}):
        numbers = [number for number in sketched if traits[number].kind is kind]
        sketches = sketch_values(traits[number].sketch for number in numbers)
        for alike in alike_groups(sketches, SAME_ARRANGEMENT):
            first = min(groups[numbers[place]] for place in alike)
            for place in alike:
                groups[numbers[place]] = first
    return groups


def _commons(traits: Sequence[Trait], groups: Sequence[str]) -> Mapping[tuple[str, str], str]:
    """Return why a value is common: what is known of it at one site holds at all."""
    found: dict[tuple[str, str], str] = {}
    for trait, group in zip(traits, groups, strict=True):
        if (trait.kind, group) not in found and (why := why_common(trait)):
            found[trait.kind, group] = why
    return found


def _related(
    traits: Sequence[Trait], groups: Sequence[str], common: Mapping[tuple[str, str], str]
) -> Mapping[TraitFamily, Mapping[str, str]]:
    """Return for each family who counts as one site: those with values of two other families in common."""
    held: dict[str, dict[TraitFamily, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for trait, group in zip(traits, groups, strict=True):
        if trait.family in _OWN and (trait.kind, group) not in common:
            held[trait.site][trait.family].add((trait.kind, group))
    found: dict[TraitFamily, dict[str, str]] = {TraitFamily.HOSTING: {}}
    for family in _OWN:
        others = [one for one in _OWN if one is not family]
        found[family] = _joined(held, list(combinations(others, _TOLD)))
    return found


Values = Mapping[TraitFamily, set[tuple[str, str]]]


def _joined(held: Mapping[str, Values], pairs: Iterable[tuple[TraitFamily, ...]]) -> dict[str, str]:
    """Return for each site the first of those that it is joined with, directly or through others."""
    first: dict[tuple[object, ...], str] = {}
    parent: dict[str, str] = {site: site for site in held}
    pairs = list(pairs)
    for site in sorted(held):
        for one, other in pairs:
            for key in ((a, b) for a in held[site].get(one, ()) for b in held[site].get(other, ())):
                holder = _root(parent, first.setdefault(key, site))
                own = _root(parent, site)
                parent[max(holder, own)] = min(holder, own)
    return {site: _root(parent, site) for site in held}


def _root(parent: dict[str, str], site: str) -> str:
    while parent[site] != site:
        parent[site] = parent[parent[site]]
        site = parent[site]
    return site
