"""Findings as rows, and rows as files that open without surprises."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from rich.console import Console

from clonedetect.evidence.rows import PACKAGED, By, columns
from clonedetect.evidence.sheets import neutral, to_csv, to_json_lines, to_terminal, to_xlsx
from clonedetect.evidence.tables import rows_by
from clonedetect.evidence.view import site_of
from clonedetect.models.capture import Outcome, Purpose
from clonedetect.models.case import Decision, DecisionKind
from clonedetect.models.match import Verdict
from clonedetect.models.verdict import PageVerdict

PAGE = "http://clone.example/profile/mara"
CONTRACT = (
    "page_url",
    "site",
    "outcome",
    "verdict",
    "items",
    "accounts",
    "kinds",
    "reasons",
    "first_seen",
    "last_seen",
)


def said(finding: str, kind: DecisionKind) -> Decision:
    return Decision(finding, kind, "Noor", "", None, datetime(2026, 11, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://a.b.clone.example/x", "clone.example"),
        ("https://WWW.Shop.co.uk./", "shop.co.uk"),
        ("http://me.github.io/", "me.github.io"),
        ("http://com/", "com"),
        ("http://127.0.0.1:8080/", "127.0.0.1"),
        ("http://[::1]:80/", "::1"),
        ("http://[broken/", ""),
        ("nonsense", ""),
    ],
)
def test_a_site_is_a_registrable_domain(url, site):
    assert site_of(url) == site


def test_by_page_every_captured_page_is_listed(case):
    found, unseen = rows_by(case.contents, By.PAGE)[::-1]
    assert columns(By.PAGE)[:10] == CONTRACT
    assert (unseen.page_url, unseen.outcome, unseen.verdict) == (
        "http://clone.example/private",
        "http_error",
        "inconclusive",
    )
    assert unseen.reasons == ("the site answered 403",)
    assert (found.page_url, found.site, found.verdict) == (PAGE, "clone.example", "confirmed")
    assert (found.items, found.accounts, found.kinds) == (("p1",), ("acct-7",), ("image", "text"))
    assert found.findings == ("f-image", "f-text")
    assert (found.rejected, found.unreviewed) == (0, 2)


def test_a_picture_is_no_page(case):
    assert all("media." not in row.page_url for row in rows_by(case.contents, By.PAGE))


def test_the_last_capture_of_a_page_gives_its_outcome_and_all_give_its_times(case):
    first = case.contents.captures[0]
    later = replace(first, outcome=Outcome.GONE, captured_at=first.captured_at + timedelta(days=3))
    contents = replace(case.contents, captures=(later, *case.contents.captures))
    row = next(row for row in rows_by(contents, By.PAGE) if row.page_url == PAGE)
    assert row.outcome == "gone"
    assert (row.first_seen, row.last_seen) == (first.captured_at, later.captured_at)


def test_a_page_that_was_redirected_is_known_by_the_address_that_was_judged(case):
    first = case.contents.captures[0]
    asked = replace(first, url="http://clone.example/short")
    contents = replace(case.contents, captures=(asked, *case.contents.captures[1:]))
    assert [row.page_url for row in rows_by(contents, By.PAGE)] == ["http://clone.example/private", PAGE]


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        (Outcome.OK, "", "captured, not analysed yet"),
        (Outcome.TIMEOUT, "", "could not be seen: timeout"),
        (Outcome.TIMEOUT, "nothing within 60 s", "nothing within 60 s"),
    ],
)
def test_a_page_nobody_judged_is_never_called_clear(case, outcome, reason, expected):
    captures = (replace(case.contents.captures[0], outcome=outcome, reason=reason),)
    contents = replace(case.contents, captures=captures, verdicts=(), findings=())
    (row,) = rows_by(contents, By.PAGE)
    verdict = "not judged" if outcome is Outcome.OK else "inconclusive"
    assert (row.verdict, row.reasons) == (verdict, (expected,))


def test_an_api_answer_is_listed_where_it_was_judged(case):
    api = replace(
        case.contents.captures[0], url="http://clone.example/api/1", final_url="", purpose=Purpose.API
    )
    judged = PageVerdict("http://clone.example/api/1", Verdict.NONE)
    contents = replace(case.contents, captures=(api,), verdicts=(judged,), findings=())
    assert [row.outcome for row in rows_by(contents, By.PAGE)] == ["ok"]
    assert rows_by(replace(contents, verdicts=()), By.PAGE) == ()


def test_a_verdict_without_a_capture_is_listed_without_times(case):
    lonely = PageVerdict("http://clone.example/lost", Verdict.POSSIBLE)
    contents = replace(case.contents, verdicts=(lonely,), findings=(), captures=())
    (row,) = rows_by(contents, By.PAGE)
    assert (row.outcome, row.first_seen) == ("not_visited", None)


def test_a_site_sums_up_its_pages(case):
    (row,) = rows_by(case.contents, By.SITE)
    assert (row.site, row.verdict, row.pages, row.pages_confirmed) == ("clone.example", "confirmed", 2, 1)
    assert row.outcomes == ("http_error 1", "ok 1")


def test_accounts_and_items_name_where_they_were_found(case):
    (account,) = rows_by(case.contents, By.ACCOUNT)
    (item,) = rows_by(case.contents, By.ITEM)
    assert (account.account_id, account.items, account.pages) == ("acct-7", ("p1",), (PAGE,))
    assert (item.item_id, item.verdict, item.score) == ("p1", "confirmed", 0.98)
    assert item.kinds == ("image", "text")
    assert item.first_seen == case.contents.captures[0].captured_at


def test_decisions_are_counted_and_the_last_one_holds(case):
    decisions = (said("f-image", DecisionKind.CONFIRM), said("f-image", DecisionKind.REJECT))
    contents = replace(case.contents, decisions=decisions)
    for by in PACKAGED:
        row = rows_by(contents, by)[-1]
        assert (row.rejected, row.unreviewed) == (1, 1), by


def test_each_finding_has_a_row_with_its_last_decision(case):
    contents = replace(case.contents, decisions=(said("f-image", DecisionKind.REJECT),))
    image, text = rows_by(contents, By.FINDING)
    assert (image.finding_id, image.decision, image.page_url) == ("f-image", "reject", PAGE)
    assert (text.finding_id, text.decision) == ("f-text", "")


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_what_a_spreadsheet_takes_for_a_formula_is_neutralised(start):
    assert neutral(f"{start}1+1") == f"'{start}1+1"
    assert neutral(f"1{start}") == f"1{start}"


def hostile_rows(case):
    page = replace(
        case.contents.verdicts[0],
        reasons=('=HYPERLINK("http://evil","x")', "b\x00\x1b,\r\n\u202e"),
        items=("=1", "@x"),
    )
    return rows_by(replace(case.contents, verdicts=(page,)), By.PAGE)


def test_csv_reads_back_with_the_contract_columns(case):
    read = list(csv.reader(io.StringIO(to_csv(hostile_rows(case), By.PAGE).decode(), newline="")))
    assert tuple(read[0][:10]) == CONTRACT
    row = dict(zip(read[0], read[2], strict=True))
    assert row["page_url"] == PAGE
    assert row["items"] == "'=1; @x"
    assert row["reasons"].startswith("'=HYPERLINK")
    assert row["first_seen"] == "2026-11-03T09:30:00Z"
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in read for cell in line)


def test_a_workbook_is_typed_filtered_and_frozen(case):
    book = load_workbook(io.BytesIO(to_xlsx({by: rows_by(case.contents, by) for by in PACKAGED})))
    assert book.sheetnames == ["by page", "by site", "by account", "by item"]
    sheet = book["by page"]
    assert tuple(cell.value for cell in sheet[1])[:10] == CONTRACT
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    assert isinstance(sheet["I3"].value, datetime)
    assert sheet["M3"].value == 2


def test_no_cell_of_a_workbook_is_a_formula(case):
    book = load_workbook(io.BytesIO(to_xlsx({By.PAGE: hostile_rows(case)})))
    cells = [cell for row in book["by page"].iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    assert any("U+0000" in str(cell.value) for cell in cells)


def test_a_workbook_tells_no_time_of_its_own(case):
    rows = rows_by(case.contents, By.PAGE)
    data = to_xlsx({By.PAGE: rows})
    assert data == to_xlsx({By.PAGE: rows})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert b"1980-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_an_empty_table_is_a_header(case):
    assert to_csv((), By.ITEM).decode().strip() == ",".join(columns(By.ITEM))
    assert load_workbook(io.BytesIO(to_xlsx({By.ITEM: ()})))["by item"].max_row == 1


def test_json_lines_keep_lists_and_carry_the_schema(case):
    lines = [json.loads(line) for line in to_json_lines(rows_by(case.contents, By.PAGE)).splitlines()]
    assert [line["schema"] for line in lines] == [1, 1]
    assert set(CONTRACT) < set(lines[1])
    assert lines[1]["items"] == ["p1"]
    assert lines[0]["reasons"] == ["the site answered 403"]


@pytest.mark.parametrize("by", list(By))
def test_a_terminal_of_80_columns_is_enough(case, by):
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(to_terminal(rows_by(case.contents, by), by))
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "confirmed" in text


def test_a_hostile_name_cannot_drive_the_terminal(case):
    capture = replace(
        case.contents.captures[0], url="http://x/\x1b[2J[red]", final_url="http://x/\x1b[2J[red]"
    )
    contents = replace(case.contents, captures=(capture,), verdicts=(), findings=())
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    console.print(to_terminal(rows_by(contents, By.PAGE), By.PAGE))
    assert "\x1b" not in console.file.getvalue()
    assert "[red]" in console.file.getvalue()


@given(st.text(max_size=30))
def test_no_text_begins_a_formula_in_csv(text):
    assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r"))
