"""The report says what is in the case, and nothing foreign speaks through it."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from html.parser import HTMLParser

import pytest
from PIL import Image

from clonedetect.evidence.exhibits import select
from clonedetect.evidence.report import render
from clonedetect.evidence.rows import NOT_JUDGED
from clonedetect.evidence.words import GLOSSARY, KINDS, OUTCOMES, PURPOSES, VERDICTS
from clonedetect.match.sheet import MARGIN, WIDTH
from clonedetect.match.text_rules import GATES
from clonedetect.models.calibration import Departure, not_calibrated
from clonedetect.models.capture import Outcome, Purpose
from clonedetect.models.case import Decision, DecisionKind
from clonedetect.models.match import Kind, Verdict

SOFTWARE = (("clonedetect", "0.1.0"),)
HOSTILE = (
    "</style></title></textarea>--><script>alert(1)</script><img src=x onerror=alert(1)>"
    "<a href='javascript:alert(1)'>x</a>{{ 7 * 7 }}{% raw %}\r\nSet-Cookie: a=b\u202egpj\u200b\u2066\"'`"
)


class Page(HTMLParser):
    """All tags with their attributes, the text, and what the style sheet holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def drawn(case, contents=None) -> str:
    contents = contents or case.contents

    def read(digest: str) -> bytes:
        return (case.folder / "objects" / digest[7:9] / digest[7:]).read_bytes()

    return render(contents, select(contents), read, SOFTWARE)


def poisoned(value, skip=("file", "digest", "url_kind")):
    """Every free text anywhere in a value, made hostile; ids, digests and enums that select stay."""
    if isinstance(value, Enum | bool | int | float | bytes | datetime) or value is None:
        return value
    if isinstance(value, str):
        if value.startswith(("sha256:", "urn:", "archive/")) or value in ("p1", "f-image", "f-text"):
            return value
        return f"{value}{HOSTILE}"
    if isinstance(value, tuple):
        return tuple(poisoned(one) for one in value)
    if is_dataclass(value):
        return replace(value, **{field.name: poisoned(getattr(value, field.name)) for field in fields(value)})
    raise AssertionError(f"{type(value)} is not expected in a case")


@pytest.fixture
def hostile(case):
    said = Decision("f-text", DecisionKind.UNSURE, "Noor", "a note", None, datetime(2026, 11, 5, tzinfo=UTC))
    return poisoned(replace(case.contents, decisions=(said,)))


def test_hostile_strings_in_every_field_stay_text(case, hostile):
    calm, page = Page(drawn(case)), Page(drawn(case, hostile))
    allowed = {tag for tag, _ in calm.tags} | {"br"}
    assert {tag for tag, _ in page.tags} <= allowed
    assert "script" not in allowed
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "action", "srcset", "data", "xlink:href"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/jpeg;base64,")), (tag, target)
    assert page.text.count("<script>alert(1)</script>") > 30
    assert "49" not in re.findall(r"x</a>(\d+)", page.text)
    assert "{{ 7 * 7 }}" in page.text


def test_no_character_that_hides_or_turns_is_left_in_the_file(case, hostile):
    text = drawn(case, hostile)
    assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\r]", text)
    assert text.count("U+202E") > 30


def test_nothing_of_the_style_sheet_is_foreign(case, hostile):
    calm, loud = drawn(case), drawn(case, hostile)
    style = re.compile(r"<style>.*?</style>", re.DOTALL)
    assert style.findall(loud) == style.findall(calm)
    assert "url(" not in style.findall(calm)[0]
    assert "@import" not in calm


def test_the_policy_forbids_scripts_and_every_outside_address(case):
    policies = [
        attributes["content"]
        for tag, attributes in Page(drawn(case)).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_addresses_are_text_and_no_links(case):
    text = drawn(case)
    assert "http://clone.example/profile/mara" in text
    assert not re.search(r"(?:href|src)=[\"']?http", text)


def test_the_report_is_the_same_each_time(case):
    assert drawn(case) == drawn(case)


def test_a_rehearsal_says_so_before_anything_else(case):
    text = Page(drawn(case, replace(case.contents, is_rehearsal=True))).text
    assert text.index("REHEARSAL") < text.index("Case CLONE-42")
    assert "REHEARSAL" not in Page(drawn(case)).text


def test_it_says_how_many_findings_nobody_has_looked_at(case):
    assert "2 of 2 findings have not been looked at by any person" in Page(drawn(case)).text
    said = Decision("f-text", DecisionKind.UNSURE, "Noor", "", None, datetime(2026, 11, 5, tzinfo=UTC))
    text = Page(drawn(case, replace(case.contents, decisions=(said,)))).text
    assert "1 of 2 findings has not been looked at" in text
    assert "left open by Noor" in text
    both = (said, replace(said, finding_id="f-image", decision=DecisionKind.CONFIRM))
    text = Page(drawn(case, replace(case.contents, decisions=both))).text
    assert "Every one of the 2 findings has been looked at" in text
    empty = replace(case.contents, findings=())
    assert "no findings to review" in Page(drawn(case, empty)).text


def test_the_cover_says_who_approved_what(case):
    text = Page(drawn(case)).text
    for word in ("Ada Example, counsel", "terms of service, section 8", "clone.example (page)", "2026-12-01"):
        assert word in text


def test_a_grant_that_cannot_be_read_does_not_hide_the_report(case):
    broken = replace(case.contents.grants[0], data=b"\xff[")
    assert "Exhibit 1" in drawn(case, replace(case.contents, grants=(broken,)))


def test_an_unsigned_grant_is_called_unsigned(case):
    bare = replace(case.contents.grants[0], signature=None)
    assert "it was not signed" in drawn(case, replace(case.contents, grants=(bare,)))


def test_a_rejected_finding_is_listed_with_its_reason(case):
    said = Decision("f-image", DecisionKind.REJECT, "Noor", "", None, datetime(2026, 11, 5, tzinfo=UTC))
    text = Page(drawn(case, replace(case.contents, decisions=(said,)))).text
    assert "a person rejected it" in text
    assert "Exhibit 2" not in text


def test_what_was_not_seen_is_said_with_counts_and_reasons(case):
    text = Page(drawn(case)).text
    for words in (
        "the site answered with an error",
        "no host of the grant",
        "max_pages was reached",
        "2 video",
    ):
        assert words in text


def test_both_texts_stand_with_the_shared_passage_marked(case):
    marks = re.findall(r"<mark>(.*?)</mark>", drawn(case))
    assert marks.count("Morning light over the old harbour of Nida, third year in a row.") == 2


def outlines(text: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polygon points="([^"]+)"', text)
    return [[tuple(float(v) for v in pair.split(",")) for pair in one.split()] for one in found]


def test_the_region_is_drawn_on_both_pictures_in_their_own_pixels(case):
    suspect, reference = outlines(drawn(case))
    assert suspect == [(0, 0), (280, 0), (280, 210), (0, 210)]
    assert reference == [(20, 10), (300, 10), (300, 220), (20, 220)]


def test_on_a_small_stand_in_the_region_is_drawn_to_scale(case):
    buffer = io.BytesIO()
    Image.new("L", (160, 120), 90).save(buffer, "PNG")
    small = case.put(buffer.getvalue())
    copies = case.contents.references
    stand_in = replace(copies[0], object_digest=small, is_original=False)
    text = drawn(case, replace(case.contents, references=(stand_in, copies[1])))
    assert outlines(text)[1] == [(10, 5), (150, 5), (150, 110), (10, 110)]
    assert "small grey copy" in text


def test_points_are_drawn_on_both_pictures(case):
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn(case))
    assert found == [("10.0", "10.0"), ("180.0", "90.0"), ("30.0", "20.0"), ("200.0", "100.0")]


def test_pictures_are_our_own_encoding_of_the_pixels(case):
    text = drawn(case)
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert len(pictures) == 3  # both sides, and how they agree
    raw = case.contents.references[0].object_digest
    original = (case.folder / "objects" / raw[7:9] / raw[7:]).read_bytes()
    assert base64.b64decode(pictures[1]) != original
    assert Image.open(io.BytesIO(base64.b64decode(pictures[1]))).size == (320, 240)


def strips(text: str) -> list[Image.Image]:
    found = re.findall(r'class="strip"><img src="data:image/jpeg;base64,([^"]+)"', text)
    return [Image.open(io.BytesIO(base64.b64decode(one))) for one in found]


def test_how_the_pictures_agree_is_drawn_below_them(case):
    (strip,) = strips(drawn(case))
    assert strip.width == WIDTH - 2 * MARGIN
    covered = replace(case.contents.findings[0].match.image, blocks=("xxxx", "xxxx", "xxxx"))
    finding = case.contents.findings[0]
    other = replace(finding, match=replace(finding.match, image=covered))
    (changed,) = strips(drawn(case, replace(case.contents, findings=(other,))))
    assert changed.convert("L").tobytes() != strip.convert("L").tobytes()
    assert 'class="map"' not in drawn(case)


def test_without_a_transform_there_is_the_map_alone(case):
    finding = case.contents.findings[0]
    bare = replace(finding, match=replace(finding.match, image=replace(finding.match.image, homography=())))
    text = drawn(case, replace(case.contents, findings=(bare,)))
    assert strips(text) == []
    assert 'class="map"' in text


def test_a_picture_that_cannot_be_decoded_is_said_not_to_be_shown(case):
    broken = case.put(b"<svg onload=alert(1)>")
    finding = replace(case.contents.findings[0], content_digest=broken)
    text = drawn(case, replace(case.contents, findings=(finding,)))
    assert "cannot be decoded for display" in text
    copies = case.contents.references
    text = drawn(
        case, replace(case.contents, references=(replace(copies[0], object_digest=broken), copies[1]))
    )
    assert "cannot be decoded for display" in text


def test_a_reference_without_a_picture_is_said_to_have_none(case):
    copies = case.contents.references
    none = replace(copies[0], object_digest=None)
    text = drawn(case, replace(case.contents, references=(none, copies[1])))
    assert "No picture of the platform" in text


def test_a_match_without_measures_shows_both_sides_all_the_same(case):
    finding = case.contents.findings[0]
    bare = replace(finding, match=replace(finding.match, image=None, kinds=(Kind.EXACT,)))
    assert drawn(case, replace(case.contents, findings=(bare,))).count("data:image/jpeg") == 2


def test_measures_stand_in_plain_words(case):
    finding = case.contents.findings[0]
    image = replace(finding.match.image, masked_share=0.004, mirrored=True)
    exact = replace(finding.match, image=image, kinds=(Kind.EXACT, Kind.IMAGE))
    text = Page(drawn(case, replace(case.contents, findings=(replace(finding, match=exact),)))).text
    for words in (
        "22 of 256 bits differ",
        "byte for byte",
        "212 points",
        "after mirroring",
        "97%",
        "under 1%",
        "R6",
    ):
        assert words in text


def test_shared_texts_say_how_many_accounts_hold_them(case):
    finding = case.contents.findings[1]
    shared = replace(finding.match, text=replace(finding.match.text, owners=9))
    text = Page(drawn(case, replace(case.contents, findings=(replace(finding, match=shared),)))).text
    assert "9 accounts of the platform hold this text" in text


def test_a_long_page_is_cut_around_the_passage(case):
    finding = case.contents.findings[1]
    padded = "x" * 9000 + finding.quoted_text
    spans = tuple((start + 9000, end + 9000) for start, end in finding.match.text.query_spans)
    match = replace(finding.match, text=replace(finding.match.text, query_spans=spans))
    text = drawn(case, replace(case.contents, findings=(replace(finding, quoted_text=padded, match=match),)))
    assert "characters before this are left out here" in text
    assert "x" * 5000 not in text


def test_regions_mark_the_text_where_no_spans_were_measured(case):
    finding = case.contents.findings[1]
    match = replace(finding.match, text=None)
    text = drawn(case, replace(case.contents, findings=(replace(finding, match=match),)))
    assert text.count("<mark>Morning light") == 1


def test_every_outcome_kind_and_verdict_has_words():
    assert set(OUTCOMES) == set(Outcome)
    assert set(KINDS) == set(Kind)
    assert set(PURPOSES) == set(Purpose)
    assert set(VERDICTS) == {*Verdict, NOT_JUDGED}
    assert [term for term, _ in GLOSSARY] == sorted(term for term, _ in GLOSSARY)


def test_a_machine_that_is_not_ours_is_not_named(case):
    assert "/srv/pictures" not in drawn(case)


# ---------------------------------------------------------------- what was not seen


def asked(case, purpose, outcome, *urls, at=0):
    like = case.contents.captures[0]
    when = like.captured_at + timedelta(seconds=at)
    return tuple(
        replace(like, url=url, final_url=url, purpose=purpose, outcome=outcome, captured_at=when)
        for url in urls
    )


def unseen_part(text: str) -> str:
    return " ".join(text[text.index("Addresses that did not end") : text.rindex("How it was done")].split())


def test_a_missing_robots_txt_is_no_page_that_was_not_seen(case):
    robots = asked(
        case,
        Purpose.ROBOTS,
        Outcome.GONE,
        "http://one.example/robots.txt",
        "http://media.one.example/robots.txt",
        "http://two.example/robots.txt",
    )
    late = asked(case, Purpose.ROBOTS, Outcome.TIMEOUT, "http://three.example/robots.txt")
    seen = asked(case, Purpose.PAGE, Outcome.OK, "http://one.example/")
    part = unseen_part(Page(drawn(case, replace(case.contents, captures=robots + late + seen))).text)
    assert "2 sites have no robots.txt." in part
    assert "The robots.txt of 1 site was not received: the site did not answer in time." in part
    assert OUTCOMES[Outcome.GONE] not in part
    assert "Everything else that was asked for was received whole." in part
    assert "http://one.example/robots.txt" not in part


def test_what_was_not_seen_is_counted_by_purpose_and_its_pages_are_named(case):
    captures = (
        asked(case, Purpose.PAGE, Outcome.CHALLENGE_PAGE, "http://one.example/a", "http://one.example/b")
        + asked(case, Purpose.MEDIA, Outcome.GONE, "http://one.example/p.jpg")
        + asked(case, Purpose.PAGE, Outcome.RATE_LIMITED, "http://one.example/again")
        + asked(case, Purpose.PAGE, Outcome.OK, "http://one.example/again", at=9)
    )
    part = unseen_part(Page(drawn(case, replace(case.contents, captures=captures))).text)
    assert f"2page{OUTCOMES[Outcome.CHALLENGE_PAGE]}" in part
    assert f"1picture or video{OUTCOMES[Outcome.GONE]}" in part
    for url in ("http://one.example/a", "http://one.example/b"):
        assert f"{url}{OUTCOMES[Outcome.CHALLENGE_PAGE]}" in part
    for url in ("http://one.example/p.jpg", "http://one.example/again"):
        assert url not in part


def test_refused_pages_and_pages_never_asked_for_are_named(case):
    part = unseen_part(Page(drawn(case)).text)
    assert "http://other.example/no host of the grant" in part
    assert "http://clone.example/9max_pages was reached" in part


def test_a_long_list_of_addresses_says_how_many_it_leaves_off(case, monkeypatch):
    monkeypatch.setattr("clonedetect.evidence.unseen.MAX_LISTED", 1)
    gone = asked(case, Purpose.PAGE, Outcome.GONE, *(f"http://one.example/{n}" for n in range(4)))
    part = unseen_part(Page(drawn(case, replace(case.contents, captures=gone))).text)
    assert "And 3 more, in captures.jsonl." in part
    assert "http://one.example/1" not in part


# ---------------------------------------------------------------- why an exhibit stands


def why(text: str, number: int) -> str:
    part = Page(text[text.index(f'id="exhibit-{number}"') :]).text
    return " ".join(part[part.index("Why") : part.index("Where it stands")].split())


def corroborated(case, **measured):
    """The case's text, confirmed because the case's picture stands beside it."""
    picture, text = case.contents.findings
    match = replace(
        text.match,
        verdict=Verdict.CONFIRMED,
        text=replace(text.match.text, **{"gates": ("model too small",), "rule": "gated"} | measured),
        reasons=(
            "the whole caption stands in the text, letter for letter",
            "100% of the caption's information (141 of 141 bits) stands here in order",
            f"the text alone is no more than possible: {GATES['model too small']}",
            "corroborated: a picture, handle or id of the same item or account stands on the same page",
        ),
    )
    return picture, replace(text, match=match)


def test_a_corroborated_text_names_the_exhibit_that_confirms_it_and_contradicts_itself_nowhere(case):
    text = drawn(case, replace(case.contents, findings=corroborated(case)))
    said = why(text, 2)
    assert (
        f"By itself the text would only be possible ({GATES['model too small']}); it is confirmed because"
        " a picture of the same post stands on the same page (Exhibit 1)." in said
    )
    assert said.count("The whole caption stands in the text, letter for letter.") == 1
    for code in ("gated", "model too small", "corroborated", "Limit that applied", "Rule that decided"):
        assert code not in said
    assert said.count(" bits") == 1


def test_a_corroborating_picture_that_is_not_shown_is_said_not_to_be(case):
    said = Decision("f-image", DecisionKind.REJECT, "Noor", "", None, datetime(2026, 11, 5, tzinfo=UTC))
    contents = replace(case.contents, findings=corroborated(case), decisions=(said,))
    assert "(a finding that is not shown: a person rejected it)" in why(drawn(case, contents), 1)


def test_a_short_text_is_corroborated_by_what_is_on_record_even_where_no_exhibit_is(case):
    (_, text) = corroborated(case, gates=(), rule="bits")
    said = why(drawn(case, replace(case.contents, findings=(text,))), 1)
    assert "it says too little to be certain of alone" in said
    assert "because a picture, handle or id of the same post or account stands on the same page." in said


@pytest.mark.parametrize(
    ("kinds", "item", "words"),
    [
        ((Kind.VIDEO,), "p1", "a video of the same post"),
        ((Kind.IDENTIFIER,), "p1", "a handle, id or link of the same post"),
        ((Kind.IMAGE,), "p2", "a picture of the same account"),
    ],
)
def test_the_ground_is_named_for_what_it_is(case, kinds, item, words):
    picture, text = corroborated(case)
    moved = replace(picture, match=replace(picture.match, kinds=kinds, item_id=item))
    other = replace(case.contents.references[0], item=replace(case.contents.references[0].item, item_id="p2"))
    references = (*case.contents.references, other)
    drawing = drawn(case, replace(case.contents, findings=(moved, text), references=references))
    number = re.search(r'id="exhibit-(\d)"(?:(?!id="exhibit).)*?By itself', drawing, re.DOTALL)
    assert f"it is confirmed because {words} stands on the same page (Exhibit" in why(drawing, int(number[1]))


def test_a_picture_that_its_caption_confirms_names_the_exhibit(case):
    picture, text = case.contents.findings
    reason = "corroborated: the caption of the same item stands on the same page"
    weak = replace(picture, match=replace(picture.match, reasons=(*picture.match.reasons, reason)))
    sure = replace(text, match=replace(text.match, verdict=Verdict.CONFIRMED))
    words = "it is confirmed because the text of the same post stands on the same page"
    assert f"{words} (Exhibit 2)." in why(drawn(case, replace(case.contents, findings=(weak, sure))), 1)
    said = why(drawn(case, replace(case.contents, findings=(weak,))), 1)
    limit = "too little of it agrees to be certain of alone"
    assert f"By itself the picture would only be possible ({limit}); {words}." in said


def test_only_an_exhibit_that_fits_is_kept_on_one_page(case):
    assert drawn(case).count('class="exhibit short"') == 2
    finding = replace(case.contents.findings[1], quoted_text=case.contents.findings[1].quoted_text * 30)
    assert 'class="exhibit"' in drawn(case, replace(case.contents, findings=(finding,)))


def test_a_text_that_proves_itself_says_so_and_one_that_does_not_too(case):
    finding = case.contents.findings[1]
    for verdict, words in (
        (Verdict.CONFIRMED, "is long and rare"),
        (Verdict.POSSIBLE, "is not long and rare"),
    ):
        match = replace(
            finding.match, verdict=verdict, text=replace(finding.match.text, rule="bits", gates=())
        )
        said = why(drawn(case, replace(case.contents, findings=(replace(finding, match=match),))), 1)
        assert f"The shared text {words} enough to be proof alone." in said


def test_a_picture_s_figures_are_said_once(case):
    finding = case.contents.findings[0]
    reasons = (
        "close copy by hash and content, mirrored",
        "212 keypoints agree on one transform",
        "97% of 108 textured blocks agree, the largest connected difference is 1%",
        "PDQ hashes 22 of 256 bits apart (full view, identity, against our full view)",
    )
    match = replace(
        finding.match,
        reasons=reasons,
        image=replace(finding.match.image, rule="close copy by hash and content"),
    )
    said = why(drawn(case, replace(case.contents, findings=(replace(finding, match=match),))), 1)
    assert said.startswith("Why Close copy by hash and content, mirrored. Measured: ")
    assert [said.count(one) for one in ("212", "97%", "22 of 256", "copy by hash")] == [1, 1, 1, 1]
    assert "keypoints" not in said


def test_an_exhibit_is_headed_by_its_item_and_site(case):
    assert "Exhibit 1 - p1 on clone.example" in Page(drawn(case)).text


# ---------------------------------------------------------------- what several accounts publish


def shared_picture(case, **changes):
    picture, text = case.contents.findings
    match = replace(picture.match, image=replace(picture.match.image, **changes))
    return replace(picture, match=match), text


def cover(text: str) -> str:
    return " ".join(text[: text.index("Contents")].split())


def test_a_picture_that_several_accounts_publish_is_marked_and_counts_for_none_of_them(case):
    picture, text = shared_picture(case, other_accounts=1)
    alone = Page(drawn(case, replace(case.contents, findings=(picture,)))).text
    assert "also published by 1 other account" in alone
    assert "1 other account publishes this picture too" in alone
    assert "0accounts whose posts were republished" in cover(alone)
    assert "what other accounts publish too, so that it does not tell whose was taken: acct-7 (mara)" in alone
    confirmed = replace(text, match=replace(text.match, verdict=Verdict.CONFIRMED))
    both = Page(drawn(case, replace(case.contents, findings=(picture, confirmed)))).text
    assert "1account whose posts were republished" in cover(both)
    assert "Not counted" not in both


def test_a_picture_of_one_account_alone_is_not_marked(case):
    text = Page(drawn(case)).text
    assert "also published by" not in text
    assert "1account whose posts were republished" in cover(text)


@pytest.mark.parametrize(
    "reason", ["other accounts publish this picture too (3)", "4 accounts publish these bytes"]
)
def test_an_older_analysis_says_in_its_reasons_that_a_picture_is_shared(case, reason):
    picture = case.contents.findings[0]
    told = replace(picture, match=replace(picture.match, reasons=("close copy", reason)))
    text = drawn(case, replace(case.contents, findings=(told,)))
    assert "also published by 3 other accounts" in Page(text).text
    assert reason not in text


def test_a_pair_laid_by_its_fingerprints_says_how_much_agrees(case):
    finding = case.contents.findings[0]
    laid = replace(finding.match.image, inliers=0, mirrored=True)
    other = replace(finding, match=replace(finding.match, image=laid))
    text = Page(drawn(case, replace(case.contents, findings=(other,)))).text
    assert "laid over the other as their fingerprints say, after mirroring" in text
    assert "97% of the parts with detail agree" in text
    assert "points of one picture" not in text


def test_an_exhibit_names_the_calibration_and_what_the_operator_set_otherwise(case):
    picture, text = case.contents.findings
    calm = replace(picture.match.image, calibration="pictures-3", calibration_run="e800311f7684")
    changed = (Departure("agree", 0.6, 0.8, is_looser=True), Departure("inliers", 20, 15, is_looser=False))
    loose = replace(calm, departures=changed)

    def shown(measure, reasons=()):
        match = replace(picture.match, image=measure, reasons=(*picture.match.reasons, *reasons))
        return why(drawn(case, replace(case.contents, findings=(replace(picture, match=match), text))), 1)

    plain = shown(calm)
    assert "Bounds: calibration pictures-3, whose error was measured in run e800311f7684." in plain
    assert "set otherwise" not in plain
    told = shown(loose, not_calibrated(changed))
    assert "Of these the operator set otherwise: agree 0.6 instead of 0.8; inliers 20 instead of 15." in told
    assert "Not calibrated: agree 0.6 instead of 0.8; the published error rates do not hold." in told


def test_an_exhibit_of_a_text_names_its_calibration_too(case):
    picture, text = case.contents.findings
    measure = replace(text.match.text, calibration="texts-1", calibration_run="a391d89f961c")
    loose = replace(measure, departures=(Departure("density", 0.6, 0.7, is_looser=True),))

    def shown(said):
        match = replace(text.match, text=said)
        return why(drawn(case, replace(case.contents, findings=(picture, replace(text, match=match)))), 2)

    plain = shown(measure)
    assert "Bounds: calibration texts-1, whose error was measured in run a391d89f961c." in plain
    assert "set otherwise" not in plain
    assert "Of these the operator set otherwise: density 0.6 instead of 0.7." in shown(loose)
