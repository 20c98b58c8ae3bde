"""What tables and report say of kinds, classes, items, accounts, and shares of a site."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from openpyxl import load_workbook
from rich.console import Console

from clonedetect.analysis.sampling import draw
from clonedetect.analysis.site import NO_SAMPLE
from clonedetect.evidence.rows import By, columns
from clonedetect.evidence.sheets import to_csv, to_json_lines, to_terminal, to_xlsx
from clonedetect.evidence.tables import rows_by, site_verdict
from clonedetect.models.capture import Outcome
from clonedetect.models.ids import AccountId, ItemId, digest_of
from clonedetect.models.match import Ground, Verdict
from clonedetect.models.verdict import AccountVerdict, ItemRule, ItemVerdict, PageClass, PageKind
from tests.evidence.conftest import BLOCKED, PAGE
from tests.evidence.test_report import drawn

ITEM = ItemVerdict(
    ItemId("p1"),
    AccountId("acct-7"),
    Verdict.CONFIRMED,
    (Ground.IMAGE, Ground.TEXT),
    ItemRule.INDEPENDENT,
    ("its picture and its text stand on the page",),
)
ACCOUNT = AccountVerdict(
    AccountId("acct-7"), Verdict.CONFIRMED, (Ground.IMAGE,), (ItemId("p1"),), ("a picture and a text agree",)
)
BEFORE = {
    By.PAGE: 13,
    By.SITE: 12,
    By.ACCOUNT: 11,
    By.ITEM: 14,
    By.FINDING: 10,
}
"""How many columns each table had before; what is new comes after them."""


@pytest.fixture
def explained(case):
    """The case with everything said of its page."""
    (verdict,) = case.contents.verdicts
    said = replace(
        verdict,
        page_kind=PageKind.PROFILE,
        page_kind_reason="its address has /profile/...",
        page_class=PageClass.REPUBLICATION,
        page_class_reason="nothing makes it anything else",
        item_verdicts=(ITEM,),
        account_verdicts=(ACCOUNT,),
        media_examined=4,
        media_confirmed=1,
    )
    case.change(verdicts=(said,))
    return case


def row_of(case, by: By, key: str):
    """The row whose first column is `key`."""
    (row,) = [row for row in rows_by(case.contents, by) if getattr(row, columns(by)[0]) == key]
    return row


@pytest.mark.parametrize("by", list(By), ids=str)
def test_columns_are_only_added_at_the_end(by: By) -> None:
    contract = {
        By.PAGE: ("page_url", "unreviewed"),
        By.SITE: ("site", "unreviewed"),
        By.ACCOUNT: ("account_id", "unreviewed"),
        By.ITEM: ("item_id", "unreviewed"),
        By.FINDING: ("finding_id", "decision"),
    }
    assert (columns(by)[0], columns(by)[BEFORE[by] - 1]) == contract[by]
    assert len(columns(by)) > BEFORE[by]


def test_a_page_says_what_it_is_and_what_stands_on_it(explained) -> None:
    row = row_of(explained, By.PAGE, PAGE)
    assert (row.page_kind, row.page_class) == ("profile", "republication")
    assert row.grounds == ("image", "text")
    assert row.item_verdicts == ("p1 confirmed (image, text): independent grounds agree",)
    assert row.account_verdicts == ("acct-7 confirmed: a picture and a text agree",)
    assert (row.media_examined, row.media_confirmed) == (4, 1)


def test_a_site_counts_what_was_seen_and_estimates_nothing_without_a_sample(explained) -> None:
    row = row_of(explained, By.SITE, "clone.example")
    assert (row.pages, row.pages_seen, row.pages_confirmed, row.observed_share) == (2, 1, 1, 1.0)
    assert (row.page_kinds, row.page_classes) == (("profile 1",), ("republication 1",))
    assert row.accounts_confirmed == ("acct-7",)
    assert (row.sample_frame, row.estimated_low, row.estimated_media_high) == (None, None, None)
    assert row.reasons[-1] == NO_SAMPLE


def test_a_site_of_which_nothing_could_be_seen_is_inconclusive_and_never_none(explained) -> None:
    blocked = [replace(one, outcome=Outcome.CHALLENGE_PAGE) for one in explained.contents.captures]
    explained.change(captures=tuple(blocked), verdicts=(), findings=())
    row = row_of(explained, By.SITE, "clone.example")
    assert (row.verdict, row.pages_seen, row.observed_share) == ("inconclusive", 0, None)
    assert row.reasons[0] == "none of its 2 pages could be seen: nothing can be said of the site"
    assert rows_by(explained.contents, By.ACCOUNT) == ()


def test_one_unseen_page_keeps_a_site_from_being_clear(explained) -> None:
    (verdict,) = explained.contents.verdicts
    explained.change(verdicts=(replace(verdict, verdict=Verdict.NONE),), findings=())
    assert row_of(explained, By.SITE, "clone.example").verdict == "inconclusive"


def test_a_sample_is_shown_in_columns_of_its_own(explained) -> None:
    sample, _ = draw([PAGE, BLOCKED, "http://clone.example/3"], "7", 3, now=datetime(2026, 11, 2, tzinfo=UTC))
    explained.change(sample=sample)
    row = row_of(explained, By.SITE, "clone.example")
    assert (row.sample_frame, row.sample_drawn, row.sample_judged, row.sample_confirmed) == (3, 3, 1, 1)
    assert (row.estimated_low, row.estimated_high) == (0.3333, 1.0)
    assert (
        "1 of the 3 addresses drawn from the list's 3 on clone.example confirmed, 2 could" in row.reasons[1]
    )
    assert site_verdict(explained.contents, "clone.example").estimate is not None


def test_an_account_says_where_and_why_it_is_confirmed(explained) -> None:
    row = row_of(explained, By.ACCOUNT, "acct-7")
    assert (row.account_verdict, row.pages_confirmed, row.sites_confirmed) == (
        "confirmed",
        (PAGE,),
        ("clone.example",),
    )
    assert row.account_reasons == (f"{PAGE}: a picture and a text agree",)


def test_posts_on_several_pages_of_one_site_confirm_an_account(explained) -> None:
    picture = next(one for one in explained.contents.findings if one.match.image)
    spread = []
    for number, item in enumerate(("p1", "p2", "p3")):
        assert picture.match.image is not None
        measure = replace(picture.match.image, reference_digest=digest_of(item.encode()))
        match = replace(picture.match, item_id=ItemId(item), image=measure)
        page = f"http://clone.example/p/{number}"
        digest = digest_of(page.encode())
        spread.append(replace(picture, finding_id=item, page_url=page, content_digest=digest, match=match))
    explained.change(findings=tuple(spread), verdicts=())
    row = row_of(explained, By.ACCOUNT, "acct-7")
    assert (row.account_verdict, row.sites_confirmed) == ("confirmed", ("clone.example",))
    assert row.account_reasons == (
        "clone.example: 3 distinct posts of this account stand on its pages, each confirmed",
    )
    assert row_of(explained, By.SITE, "clone.example").accounts_confirmed == ("acct-7",)
    explained.change(findings=tuple(spread[:2]))
    assert row_of(explained, By.ACCOUNT, "acct-7").account_verdict == ""


def test_how_many_posts_confirm_is_what_the_analysis_was_set_to(explained) -> None:
    (analysis,) = explained.contents.analyses
    strict = replace(analysis, settings="[thresholds.text]\naccount_posts = 1\n")
    explained.change(verdicts=(), analyses=(strict,))
    assert row_of(explained, By.ACCOUNT, "acct-7").account_verdict == "confirmed"


def test_an_item_says_its_grounds_and_what_decided(explained) -> None:
    row = row_of(explained, By.ITEM, "p1")
    assert (row.grounds, row.rule) == (("image", "text"), "independent grounds agree")
    assert row.item_reasons == ITEM.reasons


def test_a_case_of_an_older_analysis_says_nothing_it_does_not_know(case) -> None:
    row = row_of(case, By.ACCOUNT, "acct-7")
    assert (row.account_verdict, row.account_reasons) == ("", ())
    assert row_of(case, By.ITEM, "p1").rule == ""
    page = row_of(case, By.PAGE, PAGE)
    assert (page.page_kind, page.page_class, page.item_verdicts) == ("other", "unclassed", ())
    site = row_of(case, By.SITE, "clone.example")
    assert (site.page_kinds, site.page_classes) == ((), ())


@pytest.mark.parametrize("by", list(By), ids=str)
def test_every_form_holds_every_column(explained, by: By) -> None:
    rows = rows_by(explained.contents, by)
    assert to_csv(rows, by).decode().splitlines()[0].split(",") == list(columns(by))
    sheet = load_workbook(io.BytesIO(to_xlsx({by: rows}))).worksheets[0]
    assert tuple(cell.value for cell in sheet[1]) == columns(by)
    line = json.loads(to_json_lines(rows).splitlines()[0])
    assert tuple(line) == ("schema", *columns(by))


def words(html: str) -> str:
    """What a reader sees of the report: without its markup."""
    return unescape(re.sub(r"<[^>]+>", "", html))


def shown(case, by: By) -> str:
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(to_terminal(rows_by(case.contents, by), by))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_kind_and_class_or_why_a_page_was_not_seen(explained) -> None:
    text = shown(explained, By.PAGE)
    assert "profile" in text
    assert "republication" in text
    assert "http_error" in text


def test_a_terminal_shows_the_interval_where_a_sample_gives_one(explained) -> None:
    assert "estimated" not in shown(explained, By.SITE)
    sample, _ = draw([PAGE, BLOCKED, "http://clone.example/3"], "7", 3, now=datetime(2026, 11, 2, tzinfo=UTC))
    explained.change(sample=sample)
    assert "33%-100%" in shown(explained, By.SITE)


def test_the_report_says_what_is_observed_what_pages_are_and_why_an_account_is_confirmed(explained) -> None:
    text = words(drawn(explained))
    assert "Observed: 2 pages captured, 1 of these seen, 1 confirmed." in text
    assert text.count(NO_SAMPLE.partition(":")[2]) == 1
    assert "Kinds of pages seen: profile 1." in text
    assert f"{PAGE}: a picture and a text agree" in text
    assert "profile (its address has /profile/...); republication: nothing makes it anything else" in text
    assert "Pages that are no copies" not in text


def test_the_report_lists_every_page_that_is_no_copy_with_what_told_it(explained) -> None:
    (verdict,) = explained.contents.verdicts
    archived = replace(
        verdict,
        verdict=Verdict.POSSIBLE,
        page_class=PageClass.WEB_ARCHIVE,
        page_class_reason="clone.example is a web archive",
    )
    explained.change(verdicts=(archived,))
    text = words(drawn(explained))
    assert "Pages that are no copies, or may show what they show" in text
    assert "web archive: a web archive's copy of another site's page" in text
    assert "clone.example is a web archive" in text


def test_an_exhibit_says_what_stands_of_its_whole_item(explained) -> None:
    text = words(drawn(explained))
    assert text.count("All of this post on the page: its picture and its text stand on the page.") == 2


def test_a_text_that_is_kept_at_possible_by_the_page_is_not_called_weak(explained) -> None:
    (verdict,) = explained.contents.verdicts
    capped = replace(ITEM, verdict=Verdict.POSSIBLE, rule=ItemRule.CAPPED)
    (finding,) = [one for one in explained.contents.findings if one.match.text is not None]
    assert finding.match.text is not None
    strong = replace(
        finding, match=replace(finding.match, text=replace(finding.match.text, rule="bits", gates=()))
    )
    for item, expected in ((ITEM, "not long and rare"), (capped, "is long and rare")):
        explained.change(verdicts=(replace(verdict, item_verdicts=(item,)),), findings=(strong,))
        assert f"{expected} enough to be proof alone" in words(drawn(explained))
