"""The signals of operators as tables, report and package show them: beside the verdicts, never among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clonedetect.analysis.rarity import WeighedTrait, weighed
from clonedetect.analysis.relations import Relation, by_site, relations
from clonedetect.evidence.rows import RelatedSite, TraitCell
from clonedetect.models.trait import Trait

__all__ = ["Signals"]


@dataclass(frozen=True, slots=True)
class Signals:
    """The weighed traits of a case by site, and what sites have in common."""

    weighed: Mapping[str, tuple[WeighedTrait, ...]]
    relations: Mapping[str, tuple[Relation, ...]]

    @classmethod
    def of(cls, traits: Sequence[Trait]) -> Signals:
        """Weigh the traits of a case; what a value is worth depends on all of its sites."""
        told = weighed(traits)
        sites: dict[str, list[WeighedTrait]] = defaultdict(list)
        for one in told:
            sites[one.trait.site].append(one)
        ranked = {site: tuple(sorted(own, key=_rank)) for site, own in sites.items()}
        return cls(ranked, by_site(relations(told)))

    def cells(self, site: str) -> tuple[TraitCell, ...]:
        """Return the traits of a site, those that others share first, then by weight."""
        return tuple(map(_cell, self.weighed.get(site, ())))

    def related(self, site: str) -> tuple[RelatedSite, ...]:
        """Return the sites that share rare traits with a site, the strongest first."""
        return tuple(RelatedSite(one.other, one.bits, one.reasons) for one in self.relations.get(site, ()))


def _rank(one: WeighedTrait) -> tuple[bool, float, str, str]:
    return (not (one.shared_with and one.bits > 0), -one.bits, one.trait.kind, one.trait.value)


def _cell(one: WeighedTrait) -> TraitCell:
    trait = one.trait
    return TraitCell(
        trait.kind, trait.value, round(one.bits, 1), one.shared_with, one.common, trait.source, trait.digest
    )
