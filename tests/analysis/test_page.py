from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clonedetect.analysis.page import ExaminedMedia, PageAnalysis, judge_page
from clonedetect.analysis.repeated import repetition_of
from clonedetect.match.text import block_digest
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, RecordId, TextId, digest_of
from clonedetect.models.match import (
    Ground,
    IdentifierMeasure,
    ImageMeasure,
    Kind,
    Match,
    Region,
    RegionKind,
    TextMeasure,
    Verdict,
)
from clonedetect.models.page import BlockKind, IdentifierKind, PageContent, TextBlock
from clonedetect.models.settings import TextThresholds

URL = "http://clone.example/p/1"
CAPTURE = Capture(
    url=URL,
    final_url=URL,
    purpose=Purpose.PAGE,
    outcome=Outcome.OK,
    reason="",
    captured_at=datetime(2026, 11, 1, tzinfo=UTC),
    grant_id="g",
    grant_digest=Digest("sha256:0"),
    rule="hosts[0]",
    status=200,
    content_digest=digest_of(b"page"),
    record_id=RecordId("urn:uuid:page"),
)
BLOCK = TextBlock("a caption", BlockKind.LEAF, "body/p[1]")
CONTENT = PageContent(URL, blocks=(BLOCK,))
PICTURE = Match(
    ItemId("i-1"), AccountId("a-1"), None, Verdict.CONFIRMED, (Kind.IMAGE,), 0.9, 4, ("the pictures agree",)
)
CAPTION = Match(
    ItemId("i-1"),
    AccountId("a-1"),
    None,
    Verdict.POSSIBLE,
    (Kind.TEXT,),
    0.6,
    None,
    ("the texts agree",),
    regions=(Region(RegionKind.TEXT, span=(0, 9), block=BLOCK.locator),),
    text=TextMeasure(TextId(1), 80.0, 90.0, 0.9, 1.0, 1, rule="bits"),
)


def _media(*matches: Match, why: str = "") -> ExaminedMedia:
    return ExaminedMedia(
        "http://clone.example/1.jpg", matches, RecordId("urn:uuid:pic"), digest_of(b"pic"), why
    )


def _judge(media, texts, *, capture=CAPTURE, content=CONTENT) -> PageAnalysis:
    return judge_page(capture, content, media, texts, TextThresholds())


def test_a_confirmed_picture_confirms_the_page_with_item_and_account() -> None:
    analysis = _judge([_media(PICTURE)], [])
    assert analysis.verdict.verdict is Verdict.CONFIRMED
    assert analysis.verdict.items == ("i-1",)
    assert analysis.verdict.accounts == ("a-1",)
    assert analysis.findings[0].record_id == "urn:uuid:pic"


def test_nothing_found_on_a_fully_examined_page_is_none() -> None:
    assert _judge([_media()], []).verdict.verdict is Verdict.NONE


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (replace(CONTENT, omitted=(("too many media", 3),)), _media()),
        (replace(CONTENT, is_script_only=True), _media()),
        (CONTENT, _media(why="not granted")),
        (CONTENT, _media(replace(PICTURE, verdict=Verdict.INCONCLUSIVE))),
    ],
    ids=["omitted", "script only", "media not granted", "too little to tell"],
)
def test_what_was_not_seen_makes_the_page_inconclusive(content: PageContent, media: ExaminedMedia) -> None:
    verdict = _judge([media], [], content=content).verdict
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert verdict.not_examined


@pytest.mark.parametrize("outcome", [Outcome.CHALLENGE_PAGE, Outcome.RATE_LIMITED, Outcome.TIMEOUT])
def test_a_page_that_could_not_be_seen_is_never_clear(outcome: Outcome) -> None:
    verdict = _judge([], [], capture=replace(CAPTURE, outcome=outcome)).verdict
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert str(outcome) in verdict.reasons[0]


def test_a_possible_caption_is_confirmed_by_its_picture_on_the_same_page() -> None:
    analysis = _judge([_media(PICTURE)], [CAPTION])
    assert {finding.match.verdict for finding in analysis.findings} == {Verdict.CONFIRMED}
    assert set(analysis.verdict.kinds) == {Kind.IMAGE, Kind.TEXT}


def test_a_possible_picture_is_confirmed_by_its_caption_on_the_same_page() -> None:
    measured = ImageMeasure(MediaId(1), None, 20, 0.6, 0.2, 0.0)
    possible = replace(PICTURE, verdict=Verdict.POSSIBLE, image=measured)
    analysis = _judge([_media(possible)], [replace(CAPTION, verdict=Verdict.CONFIRMED)])
    assert {finding.match.verdict for finding in analysis.findings} == {Verdict.CONFIRMED}


def test_two_that_are_only_possible_do_not_make_one_confirmed() -> None:
    analysis = _judge([_media(replace(PICTURE, verdict=Verdict.POSSIBLE))], [CAPTION])
    assert {finding.match.verdict for finding in analysis.findings} == {Verdict.POSSIBLE}


def test_a_possible_caption_alone_stays_possible_and_keeps_its_quotation() -> None:
    analysis = _judge([_media()], [CAPTION])
    assert analysis.verdict.verdict is Verdict.POSSIBLE
    assert analysis.findings[0].quoted_text == "a caption"


def test_a_shared_text_is_never_lifted_by_a_picture() -> None:
    assert CAPTION.text is not None
    shared = replace(CAPTION, text=replace(CAPTION.text, gates=("shared",)))
    analysis = _judge([_media(PICTURE)], [shared])
    by_kind = {finding.match.kinds[0]: finding.match.verdict for finding in analysis.findings}
    assert by_kind == {Kind.IMAGE: Verdict.CONFIRMED, Kind.TEXT: Verdict.POSSIBLE}


def test_pictures_and_texts_of_different_items_and_accounts_do_not_lift_each_other() -> None:
    other = replace(PICTURE, item_id=ItemId("i-2"), account_id=AccountId("a-2"))
    analysis = _judge([_media(other)], [CAPTION])
    assert {finding.match.verdict for finding in analysis.findings} == {Verdict.CONFIRMED, Verdict.POSSIBLE}


def test_finding_ids_are_the_same_when_the_page_is_analysed_again() -> None:
    first = _judge([_media(PICTURE)], [CAPTION])
    again = _judge([_media(PICTURE)], [CAPTION])
    assert first == again
    assert len({finding.finding_id for finding in first.findings}) == 2


def _site(pages: int, repeated_on: int) -> list[tuple[str, PageContent]]:
    common = TextBlock("Share  this\n page", BlockKind.LEAF, "x")
    return [
        (
            f"u{n}",
            PageContent(
                f"u{n}", blocks=(replace(BLOCK, text=f"text {n}"), *((common,) if n < repeated_on else ()))
            ),
        )
        for n in range(pages)
    ]


def test_a_block_on_half_of_many_pages_is_an_interface_string() -> None:
    assert repetition_of(_site(10, 5)).blocks == {
        block_digest(TextBlock("share this page", BlockKind.LEAF, ""))
    }


@pytest.mark.parametrize(("pages", "repeated_on"), [(4, 4), (20, 6)])
def test_a_caption_on_a_few_pages_is_not(pages: int, repeated_on: int) -> None:
    assert repetition_of(_site(pages, repeated_on)).blocks == frozenset()


def _named(number: int, **said: bool) -> Match:
    measure = IdentifierMeasure(
        Ground.HANDLE, IdentifierKind.HANDLE, f"ana{number}", f"ana{number}", f"/p[{number}]", **said
    )
    return Match(
        ItemId(f"i-{number}"),
        AccountId(f"a-{number}"),
        None,
        Verdict.POSSIBLE,
        (Kind.IDENTIFIER,),
        0.1,
        None,
        ("the id carries another time",),
        identifier=measure,
    )


def test_a_mention_is_told_and_is_no_finding() -> None:
    analysis = _judge([_media()], [_named(1, is_mention=True)])
    assert (analysis.verdict.verdict, analysis.findings) == (Verdict.NONE, ())
    assert analysis.verdict.reasons[-1] == (
        "the page mentions account a-1 by its handle ana1: a mention is no copy"
    )


def test_an_id_that_is_contradicted_says_why() -> None:
    analysis = _judge([_media()], [_named(1, is_contradicted=True)])
    assert analysis.findings == ()
    assert analysis.verdict.reasons[-1] == "i-1: the id carries another time"


def test_of_many_mentions_a_few_are_told_and_the_rest_counted() -> None:
    reasons = _judge([_media()], [_named(n, is_mention=True) for n in range(9)]).verdict.reasons
    assert sum(reason.endswith("a mention is no copy") for reason in reasons) == 5
    assert reasons[-1] == "and 4 more identifiers that count for nothing"


def test_icons_are_no_pictures_in_any_count() -> None:
    verdict = _judge(
        [_media(), replace(_media(), is_photograph=False, content_digest=digest_of(b"icon"))], []
    ).verdict
    assert (verdict.media_examined, verdict.media_confirmed, verdict.media_unexamined) == (1, 0, 0)
