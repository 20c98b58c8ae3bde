"""What a shared value is worth, and which sites are told to be related."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.analysis.rarity import BACKGROUND, WeighedTrait, weighed
from clonedetect.analysis.relations import RELATED_BITS, relations
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.models.trait import FAMILIES, Trait, TraitFamily, TraitKind
from clonedetect.signals.sketch import sketch_of

AD, ICON, MAIL, SERVER = TraitKind.AD_ACCOUNT, TraitKind.FAVICON_SHA256, TraitKind.MAIL, TraitKind.SERVER


def trait(site: str, kind: TraitKind, value: str, *, sketch: bytes = b"", context: str = "") -> Trait:
    return Trait(
        site,
        kind,
        value,
        RecordId("urn:uuid:1"),
        digest_of(value.encode()),
        "a",
        1,
        sketch=sketch,
        context=context,
    )


def strangers(count: int) -> list[Trait]:
    """Sites that have nothing in common with anybody."""
    return [trait(f"s{number}.example", MAIL, f"desk{number}@s{number}.test") for number in range(count)]


def of(told: tuple[WeighedTrait, ...], site: str, kind: TraitKind) -> WeighedTrait:
    return next(one for one in told if (one.trait.site, one.trait.kind) == (site, kind))


def bits_between(traits: list[Trait], one: str, other: str) -> float:
    return next((r.bits for r in relations(weighed(traits)) if (r.site, r.other) == (one, other)), 0.0)


def test_every_kind_belongs_to_a_family_and_every_family_has_a_background() -> None:
    assert set(FAMILIES) == set(TraitKind)
    assert set(BACKGROUND) == set(TraitFamily)


def test_the_weight_is_the_information_of_a_value_among_sites_and_background() -> None:
    told = weighed([*strangers(8), trait("a.example", AD, "pub-1"), trait("b.example", AD, "pub-1")])
    assert of(told, "a.example", AD).bits == pytest.approx(math.log2((10 + 511) / 2))
    assert of(told, "a.example", AD).shared_with == ("b.example",)


def test_the_more_unrelated_sites_share_a_value_the_less_it_tells() -> None:
    def bits(holders: int) -> float:
        own = [trait(f"h{number}.example", AD, "pub-1") for number in range(holders)]
        return of(weighed([*strangers(20), *own]), "h0.example", AD).bits

    told = [bits(count) for count in (1, 2, 3, 8, 20)]
    assert told == sorted(told, reverse=True)
    assert len(set(told)) == len(told)


def test_one_account_relates_two_sites_and_not_three_strangers() -> None:
    two = [trait(f"{name}.example", AD, "pub-1") for name in "ab"]
    assert bits_between([*strangers(8), *two], "a.example", "b.example") >= RELATED_BITS
    three = [*two, trait("c.example", AD, "pub-1")]
    assert bits_between([*strangers(8), *three], "a.example", "b.example") == 0.0


def test_an_operator_s_sites_count_once_by_what_else_they_share() -> None:
    family = [
        trait(f"{name}.example", kind, value)
        for name in "abcdef"
        for kind, value in ((AD, "pub-1"), (ICON, "icon"), (MAIL, "x@op.test"))
    ]
    told = weighed([*strangers(6), *family])
    assert of(told, "a.example", AD).holders == 1
    assert of(told, "a.example", AD).bits == pytest.approx(math.log2(12 + 511))


def test_neighbours_of_one_hoster_are_not_related_by_hosting() -> None:
    hosted = [
        trait(f"{name}.example", kind, value)
        for name in "ab"
        for kind, value in (
            (SERVER, "oddd/1"),
            (TraitKind.ADDRESS, "93.184.216.34"),
            (TraitKind.NETWORK, "93.184.216.0/24"),
            (TraitKind.HEADER_ORDER, "A, B, C, D"),
            (TraitKind.CERTIFICATE_ISSUER, "CN=CA"),
        )
    ]
    assert bits_between([*strangers(10), *hosted], "a.example", "b.example") == 0.0


def test_traits_of_one_family_are_not_added_up() -> None:
    icons = (TraitKind.FAVICON_MMH3, TraitKind.FAVICON_SHA256, TraitKind.FAVICON_LOOK)
    pair = [trait(f"{name}.example", kind, "v") for name in "ab" for kind in (*icons, AD)]
    (first, _) = relations(weighed([*strangers(10), *pair]))
    assert [reason.split(" v:")[0] for reason in first.reasons] == ["ad account", "favicon mmh3"]


def test_a_value_known_to_be_common_weighs_nothing_and_the_reason_is_told() -> None:
    pair = [
        trait(f"{name}.example", kind, value)
        for name in "ab"
        for kind, value in ((AD, "pub-1"), (TraitKind.AD_PLATFORM, "host-pub-1556223355139109"))
    ]
    told = weighed([*strangers(4), *pair])
    assert (
        of(told, "a.example", TraitKind.AD_PLATFORM).bits,
        bool(of(told, "a.example", TraitKind.AD_PLATFORM).common),
    ) == (0, True)
    (first, _) = relations(told)
    assert first.reasons[-1].startswith(
        "ad platform host-pub-1556223355139109: 0 bits, an account of a platform"
    )


def test_what_is_known_of_a_value_at_one_site_holds_at_all() -> None:
    key = [
        trait("a.example", TraitKind.CERTIFICATE_KEY, "k", context="a.example x.cloudflaressl.com"),
        trait("b.example", TraitKind.CERTIFICATE_KEY, "k"),
    ]
    assert [one.bits for one in weighed(key)] == [0.0, 0.0]


def test_outlines_that_are_alike_are_one_value() -> None:
    words = [f"div.x{number}" for number in range(200)]
    alike, other = sketch_of([*words, "p", "b"]), sketch_of(f"ul.y{number}" for number in range(200))
    told = weighed(
        [
            trait("a.example", TraitKind.TEMPLATE, "t1", sketch=sketch_of(words)),
            trait("b.example", TraitKind.TEMPLATE, "t2", sketch=alike),
            trait("c.example", TraitKind.TEMPLATE, "t3", sketch=other),
        ]
    )
    assert [one.shared_with for one in told] == [("b.example",), ("a.example",), ()]
    assert told[0].group == told[1].group != told[2].group


def test_a_template_of_a_public_system_weighs_nothing_for_whoever_has_it() -> None:
    sketch = sketch_of(f"div.x{number}" for number in range(50))
    told = weighed(
        [
            trait("a.example", TraitKind.TEMPLATE, "t", sketch=sketch, context="WordPress"),
            trait("b.example", TraitKind.TEMPLATE, "t", sketch=sketch),
        ]
    )
    assert [one.common for one in told] == ["made with WordPress, whose templates many share"] * 2


def test_no_traits_give_no_weights_and_no_relations() -> None:
    assert weighed([]) == ()
    assert relations(()) == ()


SITES = st.sampled_from([f"{name}.example" for name in "abcdef"])
KINDS = st.sampled_from(
    [AD, ICON, MAIL, SERVER, TraitKind.URL_SHAPE, TraitKind.ADDRESS, TraitKind.CERTIFICATE_NAME]
)
TRAITS = st.lists(
    st.builds(trait, SITES, KINDS, st.sampled_from(["v1", "v2", "v3"])),
    unique_by=lambda one: (one.site, one.kind, one.value),
)


@given(TRAITS)
def test_relations_are_symmetric_and_never_of_a_site_with_itself(traits: list[Trait]) -> None:
    found = {(one.site, one.other): one.bits for one in relations(weighed(traits))}
    assert all(found.get((other, site)) == bits for (site, other), bits in found.items())
    assert all(site != other and bits >= RELATED_BITS for (site, other), bits in found.items())


@given(TRAITS, st.randoms())
def test_the_order_of_traits_changes_nothing(traits: list[Trait], random) -> None:
    shuffled = traits.copy()
    random.shuffle(shuffled)
    assert weighed(shuffled) == weighed(traits)


@given(TRAITS)
def test_weights_are_bounded_and_holders_are_no_more_than_sites(traits: list[Trait]) -> None:
    total = len({one.site for one in traits})
    for one in weighed(traits):
        assert 0 <= one.bits <= math.log2(total + 511)
        assert 1 <= one.holders <= len(one.shared_with) + 1 <= total
