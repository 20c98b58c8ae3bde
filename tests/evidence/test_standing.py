"""Who could see an item, and what became of it, in tables, packages and the report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clonedetect.case.rows import decode, encode
from clonedetect.evidence.exhibits import select
from clonedetect.evidence.report import render
from clonedetect.evidence.tables import By, rows_by
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Visibility, VisibilitySpan
from clonedetect.models.match import Finding, Ground, IdentifierMeasure, Kind
from clonedetect.models.page import IdentifierKind
from clonedetect.models.standing import ItemStanding, standing_of, standing_words

MADE = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
SEEN = MADE + timedelta(days=3)
PUBLIC, FOLLOWERS = Visibility.PUBLIC, Visibility.FOLLOWERS
WALL = VisibilitySpan(FOLLOWERS, since=MADE + timedelta(days=1))


def item(**values: object) -> Item:
    return replace(Item(ItemId("s-1"), published_at=MADE, visibility=(VisibilitySpan(PUBLIC),)), **values)


def test_a_public_post_that_still_stands():
    assert standing_of(item(), SEEN) == ItemStanding(PUBLIC, PUBLIC)
    assert standing_words(standing_of(item(), SEEN)) == (
        "the post could be seen by everybody when the page was captured",
    )


def test_a_story_seen_three_days_later_is_marked():
    story = item(expires_at=MADE + timedelta(hours=24))
    standing = standing_of(story, SEEN)
    assert standing.expired_for_s == timedelta(days=2).total_seconds()
    assert standing_words(standing)[-1] == (
        "the post was ephemeral and had been out of sight for 2 days when the page was captured"
    )
    early = standing_of(story, MADE + timedelta(hours=3))
    assert (early.expires_at, early.expired_for_s) == (story.expires_at, None)
    assert standing_words(early)[-1].startswith("the post was ephemeral, and could still be seen")


def test_a_post_that_only_followers_saw_at_the_capture():
    standing = standing_of(item(visibility=(VisibilitySpan(PUBLIC, until=WALL.since), WALL)), SEEN)
    assert (standing.at_publication, standing.at_capture, standing.is_assumed) == (PUBLIC, FOLLOWERS, False)
    assert standing_words(standing) == (
        "the post could be seen by followers only when the page was captured",
        "it could be seen by everybody when it was published",
    )


def test_of_overlapping_classes_the_later_one_holds():
    assert standing_of(item(visibility=(WALL, VisibilitySpan(PUBLIC))), SEEN).at_capture is FOLLOWERS


def test_a_class_that_nobody_gave_is_said_to_be_assumed():
    standing = standing_of(Item(ItemId("s-1"), published_at=MADE), SEEN)
    assert standing == ItemStanding(PUBLIC, PUBLIC, is_assumed=True)
    assert standing_words(standing) == ("who could see the post was not said: that it was public is assumed",)


def test_what_is_not_known_is_not_guessed():
    gap = item(published_at=None, visibility=(VisibilitySpan(PUBLIC, until=MADE),))
    assert standing_of(gap, SEEN) == ItemStanding(None, None)
    assert standing_words(standing_of(gap, SEEN)) == (
        "who could see the post when the page was captured is not known",
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"deleted_at": SEEN - timedelta(hours=5)}, "its owner had deleted the post 5 hours before"),
        ({"edited_at": SEEN - timedelta(minutes=90)}, "the post was last edited 90 minutes before"),
        (
            {"published_at": SEEN + timedelta(seconds=70)},
            "the page was captured 70 seconds before the",
        ),
    ],
)
def test_what_became_of_a_post_before_the_capture(values, words):
    assert standing_words(standing_of(item(**values), SEEN))[-1].startswith(words)


@pytest.mark.parametrize("name", ["deleted_at", "edited_at"])
def test_what_came_after_the_capture_is_no_part_of_it(name):
    assert standing_of(item(**{name: SEEN + timedelta(days=1)}), SEEN) == ItemStanding(PUBLIC, PUBLIC)


IDENTIFIER = IdentifierMeasure(
    ground=Ground.NATIVE_ID,
    kind=IdentifierKind.NUMERIC_ID,
    value="3182886838844302529",
    seen="http://clone.example/m/<3182>",
    locator="url",
    created_at=MADE,
)
ONCE_PUBLIC = (VisibilitySpan(PUBLIC, until=WALL.since), WALL)
STORY = standing_of(item(expires_at=MADE + timedelta(hours=24), visibility=ONCE_PUBLIC), SEEN)


def with_findings(case) -> tuple[Finding, ...]:
    """The case's findings with a standing, and one of an identifier."""
    image, text = case.contents.findings
    named = replace(text.match, kinds=(Kind.IDENTIFIER,), text=None, regions=(), identifier=IDENTIFIER,
                    reasons=("the numeric id of this post stands in the page's own address",))  # fmt: skip
    found = replace(text, finding_id="f-named", match=named, quoted_text=IDENTIFIER.seen, standing=STORY)
    return replace(image, standing=STORY), text, found


def test_findings_show_it_in_columns(case):
    contents = replace(case.contents, findings=with_findings(case))
    image, named, text = rows_by(contents, By.FINDING)
    assert (image.visibility, named.visibility, text.visibility) == ("followers", "followers", "")
    assert image.standing == standing_words(STORY)
    assert text.standing == ()
    assumed = replace(image_of(contents), standing=ItemStanding(PUBLIC, PUBLIC, is_assumed=True))
    (row,) = rows_by(replace(contents, findings=(assumed,)), By.FINDING)
    assert row.visibility == "public (assumed)"


def image_of(contents) -> Finding:
    return next(one for one in contents.findings if one.finding_id == "f-image")


def test_the_report_says_it_in_words(case):
    contents = replace(case.contents, findings=with_findings(case))

    def read(digest: str) -> bytes:
        return (case.folder / "objects" / digest[7:9] / digest[7:]).read_bytes()

    html = render(contents, select(contents), read, (("clonedetect", "0"),))
    assert html.count("<dt>Who could see it</dt>") == 2
    assert "The post could be seen by followers only when the page was captured." in html
    assert "The post was ephemeral and had been out of sight for 2 days when the page was captured." in html
    assert "Identifier on the suspected page" in html
    assert "http://clone.example/m/&lt;3182&gt;" in html
    assert "Ground: native id." in html


def test_a_package_holds_it_and_satisfies_its_schema(case, tmp_path: Path):
    case.change(findings=with_findings(case), judged_by=())
    case.export(tmp_path / "out")
    lines = (tmp_path / "out/data/matches.jsonl").read_bytes().splitlines()
    told = {row["finding_id"]: row for row in map(json.loads, lines)}
    assert told["f-image"]["standing"]["at_capture"] == "followers"
    assert told["f-image"]["standing"]["expired_for_s"] == 2 * 86_400
    assert told["f-text"]["standing"] is None
    assert told["f-named"]["identifier"]["created_at"] == "2026-11-01T09:30:00Z"
    schema = json.loads((tmp_path / "out/schemas/matches.schema.json").read_bytes())
    for name, value in (("standing", told["f-image"]), ("identifier", told["f-named"])):
        (_, described) = schema["properties"][name]["anyOf"]
        assert set(value[name]) == set(described["properties"]) == set(described["required"])


def test_a_finding_of_an_older_case_is_read(case):
    stored = json.loads(encode(case.contents.findings[0]))
    del stored["standing"], stored["match"]["identifier"]
    assert decode(json.dumps(stored), Finding, "findings") == case.contents.findings[0]
