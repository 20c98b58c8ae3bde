"""From what records show to the traits of a site, the same each time."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from clonedetect.analysis.forms import address_form, header_order, network_of
from clonedetect.analysis.traits import ConnectionSeen, IconSeen, PageSeen, Source, site_traits
from clonedetect.extract.operator import read_operator
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.models.minhash import jaccard
from clonedetect.models.trait import CertificateFacts, IconPrint, PageTraits, Trait, TraitKind
from clonedetect.signals.sketch import sketch_of, sketch_values

K = TraitKind


def source(path: str, number: int = 1) -> Source:
    return Source(f"https://clone.test{path}", RecordId(f"urn:uuid:{number}"), digest_of(path.encode()))


def values(traits: tuple[Trait, ...], kind: TraitKind) -> list[str]:
    return [one.value for one in traits if one.kind is kind]


def test_a_value_names_the_first_record_that_shows_it_and_counts_the_others() -> None:
    pages = [PageSeen(source(f"/p/{n}", n), PageTraits(values=((K.AD_ACCOUNT, "pub-1"),))) for n in (1, 2, 3)]
    (ad, shape) = site_traits("clone.test", pages, (), ())
    assert (ad.value, ad.seen, ad.source, ad.digest) == ("pub-1", 3, "urn:uuid:1", pages[0].source.digest)
    assert (ad.algorithm, ad.version) == ("structure", 1)
    assert (shape.value, shape.seen) == ("/p/{n}", 3)


def test_an_icon_gives_three_fingerprints_of_one_record() -> None:
    icon = IconSeen(source("/favicon.ico"), IconPrint("-5", "c0ffee"), "https://clone.test/favicon.ico")
    told = site_traits("clone.test", (), [icon], ())
    assert [one.kind for one in told] == [K.FAVICON_MMH3, K.FAVICON_SHA256, K.FAVICON_LOOK]
    assert {one.source for one in told} == {"urn:uuid:1"}
    assert values(told, K.FAVICON_SHA256) == [icon.source.digest]


def test_a_connection_gives_header_order_software_addresses_and_certificate() -> None:
    headers = (
        ("Server", "nx"),
        ("Date", "now"),
        ("X-A", "1"),
        ("x-b", "2"),
        ("X-A", "3"),
        ("Pragma", "p"),
        ("ETag", "e"),
    )
    facts = CertificateFacts(
        digest_of(b"c"), digest_of(b"k"), "", "CN=CA", False, ("*.clone.test", "sister.test")
    )
    seen = ConnectionSeen(source("/"), headers, ("93.184.216.34", "93.184.216.40"), facts)
    told = site_traits("clone.test", (), (), [seen])
    assert values(told, K.HEADER_ORDER) == ["Server, X-A, x-b, Pragma"]
    assert values(told, K.SERVER) == ["nx"]
    assert values(told, K.ADDRESS) + values(told, K.NETWORK) == [
        "93.184.216.34",
        "93.184.216.40",
        "93.184.216.0/24",
    ]
    assert values(told, K.CERTIFICATE_NAME) == ["clone.test", "sister.test"]
    assert values(told, K.CERTIFICATE_KEY) == [digest_of(b"k")]


def test_small_outlines_and_answers_say_nothing() -> None:
    little = PageTraits(outline=("html", "html/body"), keys=(".a", ".b"))
    assert site_traits("clone.test", [PageSeen(source("/"), little)], (), ()) == ()


def test_the_shape_of_an_answer_depends_on_its_address_s_form_too() -> None:
    keys = tuple(f".items[].{name}" for name in "abcdef")
    first, second = (
        site_traits("clone.test", [PageSeen(source(path), PageTraits(keys=keys))], (), ())[0]
        for path in ("/api/feed", "/v2/list")
    )
    assert (first.kind, first.context) == (K.API_SHAPE, "/api/feed")
    assert jaccard(sketch_values([first.sketch])[0], sketch_values([second.sketch]))[0] < 0.1


def test_of_too_many_values_those_that_most_records_show_are_kept() -> None:
    pages = [
        PageSeen(
            source(f"/{n}/{m}", n * 10 + m), PageTraits(outline=tuple(f"div.t{n}/{i}" for i in range(30)))
        )
        for n in range(12)
        for m in range(1 + (n < 3))
    ]
    kept = [one for one in site_traits("clone.test", pages, (), ()) if one.kind is K.TEMPLATE]
    assert len(kept) == 8
    assert sorted(one.seen for one in kept)[-3:] == [2, 2, 2]


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://c.test/profile/mara.k", "/profile/{x}"),
        ("https://c.test/profile/mara/17841400000000001", "/profile/{x}/{n}"),
        ("https://c.test/de/p/CQx12ab_-Zz/", "/p/{x}"),
        ("https://c.test/tv/CODE", "/tv/{x}"),
        ("https://c.test/api/v1/userInfoByUsername/mara", "/api/v1/userInfoByUsername/{x}"),
        ("https://c.test/api/feed?page=2&x=", "/api/feed?page&x"),
        ("https://c.test/", "/"),
        ("https://[broken", ""),
    ],
)
def test_the_form_of_an_address_keeps_its_words(url: str, form: str) -> None:
    assert address_form(url) == form


@pytest.mark.parametrize(
    ("address", "network"),
    [("93.184.216.34", "93.184.216.0/24"), ("2606:4700:1:2::3", "2606:4700:1::/48"), ("odd", "odd")],
)
def test_a_network_is_a_24_or_a_48(address: str, network: str) -> None:
    assert network_of(address) == network


def test_few_header_fields_have_no_order_of_their_own() -> None:
    assert header_order((("Server", "x"), ("Date", "y"), ("Pragma", "z"))) == ()


WORDS = [
    f"{first}{second}"
    for first in ("card", "grid", "panel", "tile", "media")
    for second in ("", "-head", "-body", "-foot", "-row", "-cell")
]


def _template(seed: int) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    return [
        (draw.choice(["div", "section", "ul", "span", "p"]), f"{chr(97 + seed % 26)}x-{draw.choice(WORDS)}")
        for _ in range(60)
    ]


def _page(template: list[tuple[str, str]], content: int) -> bytes:
    draw = random.Random(content)
    parts = []
    for tag, name in template:
        depth = len(name) % 3
        parts.append(
            "<div>" * depth
            + f'<{tag} class="{name} c{draw.randrange(999)}">'
            + f"text {draw.random()}" * draw.randrange(3)
            + f"</{tag}>"
            + "</div>" * depth
        )
    parts += ['<article class="entry"><img src="x"><p>y</p></article>'] * draw.randrange(3, 30)
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def test_pages_of_one_template_are_alike_and_of_two_are_not() -> None:
    """60 pages of 6 templates: the least likeness within, the greatest between."""
    sketches = [
        [
            sketch_of(
                read_operator(_page(_template(seed), 100 * seed + n), "https://c.test/", "text/html").outline
            )
            for n in range(10)
        ]
        for seed in range(6)
    ]
    rows = [sketch_values(own) for own in sketches]
    within = min(float(jaccard(one, own).min()) for own in rows for one in own)
    between = max(
        float(jaccard(one, other).max())
        for a, own in enumerate(rows)
        for one in own
        for other in rows[a + 1 :]
    )
    assert within >= 0.94
    assert between <= 0.2, between


def test_the_same_records_give_the_same_traits() -> None:
    pages = [
        PageSeen(
            source(f"/p/{n}", n), read_operator(_page(_template(n % 2), n), "https://c.test/", "text/html")
        )
        for n in range(6)
    ]
    first = site_traits("clone.test", pages, (), ())
    assert site_traits("clone.test", pages, (), ()) == first
    assert {one.site for one in first} == {"clone.test"}
    assert replace(first[0]) == first[0]


MAIL = (K.MAIL, "desk@op.test")


def _with_foot(number: int, *values: tuple[TraitKind, str], path: str = "/p/{}") -> PageSeen:
    return PageSeen(
        source(path.format(number), number), PageTraits(values=values, outline=("html", "html/body"))
    )


def test_a_contact_is_the_site_s_where_a_third_of_its_pages_have_it() -> None:
    guest = (K.PROFILE, "instagram:mara")
    pages = [_with_foot(0, MAIL, guest), *(_with_foot(n, MAIL) for n in range(1, 4))]
    told = site_traits("clone.test", pages, (), ())
    assert values(told, K.MAIL) == ["desk@op.test"]
    assert values(told, K.PROFILE) == []


def test_a_contact_page_says_it_once_for_all() -> None:
    pages = [_with_foot(0, MAIL, path="/contact"), *(_with_foot(n) for n in range(1, 9))]
    assert values(site_traits("clone.test", pages, (), ()), K.MAIL) == ["desk@op.test"]
