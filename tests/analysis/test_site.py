"""What is said of a site: observed over what was captured, estimated from a sample alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clonedetect.analysis.intervals import wilson
from clonedetect.analysis.sampling import draw
from clonedetect.analysis.site import NO_SAMPLE, estimate_of, judge_site
from clonedetect.models.ids import AccountId, ItemId, RecordId, TextId, digest_of
from clonedetect.models.match import Finding, Kind, Match, TextMeasure, Verdict
from clonedetect.models.sample import Sample
from clonedetect.models.verdict import PageClass, PageKind, PageVerdict

NOW = datetime(2026, 11, 3, tzinfo=UTC)
LISTED = [f"https://clone.example/p/{n}" for n in range(40)] + [
    f"https://other.example/{n}" for n in range(10)
]
UNSEEN = PageVerdict("", Verdict.INCONCLUSIVE, not_examined=(("challenge_page", 1),))


def page(url: str, verdict: Verdict = Verdict.NONE, **said) -> PageVerdict:
    said = {"page_kind": PageKind.POST, "page_kind_reason": "its address", **said}
    return PageVerdict(url, verdict, **said)


def said_of(sample: Sample, *, confirmed: int, unseen: int = 0) -> dict[str, PageVerdict]:
    """Say of the drawn pages that so many are confirmed, so many not seen, and the rest clear."""
    told = {}
    for number, url in enumerate(sample.drawn):
        if number < confirmed:
            told[url] = page(url, Verdict.CONFIRMED, media_examined=4, media_confirmed=2)
        elif number < confirmed + unseen:
            told[url] = replace(UNSEEN, page_url=url)
        else:
            told[url] = page(url, media_examined=4)
    return told


def judged(site: str, told: dict[str, PageVerdict], sample: Sample | None):
    own = {url: one for url, one in told.items() if site in url}
    seen = {url: one for url, one in own.items() if one.verdict is not Verdict.INCONCLUSIVE}
    return judge_site(site, own, seen, (), sample=sample, verdicts=told, least_posts=3)


def test_without_a_sample_nothing_is_estimated() -> None:
    told = {url: page(url, Verdict.CONFIRMED) for url in LISTED[:3]}
    site = judged("clone.example", told, None)
    assert site.estimate is None
    assert site.reasons == (
        "observed: 3 pages captured, 3 of these seen, 3 confirmed",
        NO_SAMPLE,
    )


def test_pages_that_say_what_another_says_are_told() -> None:
    told = {url: page(url, Verdict.CONFIRMED) for url in LISTED[:4]}
    told[LISTED[2]] = replace(told[LISTED[2]], copy_of=LISTED[0])
    told[LISTED[3]] = page(LISTED[3], copy_of=LISTED[1])
    assert judged("clone.example", told, None).reasons[1] == (
        "2 of them say what another page says under its own address, 1 of these confirmed"
    )


def test_a_site_of_which_nothing_could_be_seen_is_said_to_be_unseen() -> None:
    told = {url: replace(UNSEEN, page_url=url) for url in LISTED[:3]}
    site = judged("clone.example", told, None)
    assert (site.seen, site.confirmed) == (0, 0)
    assert site.reasons[0] == "none of its 3 pages could be seen: nothing can be said of the site"


def test_kinds_and_classes_of_the_pages_that_were_seen_are_counted() -> None:
    told = {url: page(url) for url in LISTED[:3]}
    told[LISTED[3]] = page(LISTED[3], page_kind=PageKind.PROFILE, page_class=PageClass.WEB_ARCHIVE)
    told[LISTED[4]] = PageVerdict(LISTED[4], Verdict.NONE)  # of an analysis that did not look for kinds
    site = judged("clone.example", told, None)
    assert site.kinds == ((PageKind.PROFILE, 1), (PageKind.POST, 3))
    assert site.classes == ((PageClass.UNCLASSED, 3), (PageClass.WEB_ARCHIVE, 1))


def test_a_sample_gives_the_share_of_the_list_with_wilsons_interval() -> None:
    sample, _ = draw(LISTED[:40], "s", 20, now=NOW)
    estimate = estimate_of(sample, said_of(sample, confirmed=5))
    assert estimate is not None
    assert (estimate.frame, estimate.drawn, estimate.judged, estimate.confirmed) == (40, 20, 20, 5)
    assert estimate.pages == wilson(0.25, 20)
    assert estimate.sentences[0] == (
        "11.2% to 46.9% of the listed pages republish posts (95 %, Wilson): 5 of the 20 addresses drawn"
        " from a list of 40 confirmed"
    )


def test_what_could_not_be_judged_counts_as_none_below_and_as_all_above() -> None:
    sample, _ = draw(LISTED[:40], "s", 20, now=NOW)
    estimate = estimate_of(sample, said_of(sample, confirmed=5, unseen=4))
    assert estimate is not None
    assert estimate.judged == 16
    assert estimate.pages.low == wilson(5 / 20, 20).low
    assert estimate.pages.high == wilson(9 / 20, 20).high
    assert estimate.sentences[0].endswith(
        ": 5 of the 20 addresses drawn from a list of 40 confirmed, 4 could not be judged and count"
        " as none below and as all above"
    )
    assert estimate.sentences[1].endswith("; those of pages that were not seen are in no count")


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        UNSEEN,
        PageVerdict("", Verdict.POSSIBLE, not_examined=(("not captured", 1),)),
    ],
    ids=["never asked for", "not seen", "seen in part, and no more than possible"],
)
def test_a_drawn_page_that_is_neither_clear_nor_confirmed_is_no_answer(verdict: PageVerdict | None) -> None:
    sample, _ = draw(LISTED[:40], "s", 20, now=NOW)
    told = said_of(sample, confirmed=0)
    if verdict is None:
        del told[sample.drawn[0]]
    else:
        told[sample.drawn[0]] = verdict
    estimate = estimate_of(sample, told)
    assert estimate is not None
    assert estimate.judged == 19
    assert estimate.pages.high == wilson(1 / 20, 20).high


def test_a_page_that_was_only_possible_and_seen_whole_is_an_answer() -> None:
    sample, _ = draw(LISTED[:40], "s", 20, now=NOW)
    told = said_of(sample, confirmed=0) | {sample.drawn[0]: page(sample.drawn[0], Verdict.POSSIBLE)}
    estimate = estimate_of(sample, told)
    assert estimate is not None
    assert (estimate.judged, estimate.confirmed) == (20, 0)


def test_a_list_that_was_drawn_whole_has_no_error_of_sampling() -> None:
    sample, _ = draw(LISTED[:4], "s", 9, now=NOW)
    estimate = estimate_of(sample, said_of(sample, confirmed=1, unseen=1))
    assert estimate is not None
    assert estimate.is_census
    assert (estimate.pages.low, estimate.pages.high) == (0.25, 0.5)
    assert estimate.sentences[0].startswith(
        "25.0% to 50.0% of the listed pages republish posts (all of them were drawn): "
    )


def test_each_site_of_the_list_has_its_own_part_of_the_sample() -> None:
    sample, _ = draw(LISTED, "s", 25, now=NOW)
    told = said_of(sample, confirmed=25)
    parts = [judged(site, told, sample).estimate for site in ("clone.example", "other.example")]
    assert [part.frame for part in parts if part] == [40, 10]
    assert sum(part.drawn for part in parts if part) == 25


def test_a_site_beside_the_list_has_no_estimate() -> None:
    sample, _ = draw(LISTED, "s", 5, now=NOW)
    told = {"https://third.example/": page("https://third.example/")}
    site = judged("third.example", told, sample)
    assert site.estimate is None
    assert site.reasons[1].startswith("nothing of the case's sample lies on this site")


def test_pages_that_a_crawl_came_to_are_no_part_of_the_estimate() -> None:
    sample, _ = draw(LISTED[:40], "s", 10, now=NOW)
    told = said_of(sample, confirmed=0)
    found = {f"https://clone.example/found/{n}": Verdict.CONFIRMED for n in range(50)}
    told |= {url: page(url, verdict) for url, verdict in found.items()}
    site = judged("clone.example", told, sample)
    assert (site.seen, site.confirmed) == (60, 50)
    assert site.estimate is not None
    assert (site.estimate.drawn, site.estimate.confirmed) == (10, 0)


def test_what_somebody_chose_to_supply_is_no_part_of_the_estimate() -> None:
    sample, _ = draw(LISTED, "7", 10, now=NOW)
    told = said_of(sample, confirmed=4)
    supplied = {url: replace(one, supplied=("supplied by R. Ali",)) for url, one in told.items()}
    own, others = estimate_of(sample, told), estimate_of(sample, supplied)
    assert own is not None
    assert others is not None
    assert (own.judged, own.confirmed) == (10, 4)
    assert (others.judged, others.confirmed) == (0, 0)


def test_supplied_pages_of_a_site_are_counted_and_told_apart() -> None:
    told = {url: page(url, Verdict.CONFIRMED) for url in LISTED[:3]}
    told[LISTED[3]] = page(LISTED[3], Verdict.CONFIRMED, supplied=("supplied by R. Ali",))
    assert judged("clone.example", told, None).reasons[1] == (
        "1 of them was supplied by others and not captured by this tool, 1 of these confirmed"
    )


@pytest.mark.parametrize(
    ("supplied", "accounts"), [((), ("a-1",)), ((0, 1, 2), ("a-1",)), ((0,), ())], ids=["own", "all", "some"]
)
def test_posts_on_pages_of_both_kinds_never_confirm_an_account_together(supplied, accounts) -> None:
    told = {
        url: page(url, Verdict.CONFIRMED, supplied=("supplied by R. Ali",) if number in supplied else ())
        for number, url in enumerate(LISTED[:3])
    }
    findings = [_finding(url, f"p-{number}") for number, url in enumerate(told)]
    site = judge_site("clone.example", told, told, findings, sample=None, verdicts=told, least_posts=3)
    assert site.accounts == accounts


def _finding(url: str, item: str) -> Finding:
    """A confirmed text of a post of the account a-1."""
    text = TextMeasure(TextId(int(item[2:])), 200.0, 200.0, 1.0, 1.0, 1, query_spans=((0, 9),))
    match = Match(
        ItemId(item),
        AccountId("a-1"),
        None,
        Verdict.CONFIRMED,
        (Kind.TEXT,),
        0.9,
        None,
        ("the whole",),
        text=text,
    )
    record = RecordId(f"urn:uuid:{item}")
    return Finding(f"f-{item}", url, None, record, record, digest_of(item.encode()), item, match)


def test_pictures_are_estimated_over_pages() -> None:
    sample, _ = draw(LISTED[:40], "s", 20, now=NOW)
    estimate = estimate_of(sample, said_of(sample, confirmed=5))
    assert estimate is not None
    assert (estimate.media_examined, estimate.media_confirmed) == (80, 10)
    assert estimate.media is not None
    assert estimate.media.high - estimate.media.low > wilson(10 / 80, 80).high - wilson(10 / 80, 80).low
    assert estimate.sentences[1].endswith(
        "of the pictures on them are copies (95 %, Wilson over pages): 10 of 80 compared on the drawn pages"
    )


def test_a_sample_without_a_compared_picture_says_nothing_of_pictures() -> None:
    sample, _ = draw(LISTED[:40], "s", 3, now=NOW)
    estimate = estimate_of(sample, {url: page(url) for url in sample.drawn})
    assert estimate is not None
    assert estimate.media is None
    assert len(estimate.sentences) == 1
