"""Tables as files and on a terminal: CSV, XLSX, JSON lines, and columns that fit 80 characters.

JSON lines are canonical. CSV and XLSX are read by spreadsheets, so cells that
a spreadsheet would take for a formula are neutralised.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from rich.table import Table
from rich.text import Text

from clonedetect.evidence.marking import hidden_code_points
from clonedetect.evidence.rows import AccountRow, By, FindingRow, PageRow, Row, SiteRow, columns

__all__ = ["EPOCH", "neutral", "rests_on_supplied", "to_csv", "to_json_lines", "to_terminal", "to_xlsx"]

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every zip entry we write: the earliest a zip can hold."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CELL = 32_767
_WIDE = (
    *("page_url", "pages", "reasons", "item_verdicts", "account_verdicts", "class_reason"),
    *("account_reasons", "item_reasons", "pages_confirmed", "traits", "related"),
)
_ON_TERMINAL = {
    By.PAGE: ("verdict", "page_url", "page_kind", "what", "items", "unreviewed"),
    By.SITE: ("verdict", "site", "seen", "pages_confirmed", "estimated", "items", "unreviewed", "related"),
    By.ACCOUNT: ("account_verdict", "account_id", "items", "sites", "grounds", "unreviewed"),
    By.ITEM: ("verdict", "item_id", "account_id", "sites", "grounds", "unreviewed"),
    By.FINDING: ("finding_id", "verdict", "page_url", "item_id", "kinds", "reasons", "decision"),
}
_SHORT = {
    "finding_id": "finding",
    "reasons": "first reason",
    "page_url": "page",
    "account_id": "account",
    "item_id": "item",
    "pages_confirmed": "confirmed",
    "unreviewed": "to review",
    "page_kind": "kind",
    "account_verdict": "verdict",
}
_COLOURS = {
    "confirmed": "bold red",
    "possible": "yellow",
    "inconclusive": "dim",
    "not judged": "cyan",
    "none": "green",
}
_LISTED = ("kinds", "grounds", "reasons")
_MADE = ("estimated", "seen", "what")
"""Columns of the terminal alone, made of several of the table's."""
_FOLDED = ("page_url", "site", "account_id", "item_id", "reasons", "grounds")
_LEAST = {"page_url": 22, "site": 16, "account_id": 12, "item_id": 8}
"""Characters below which a column is not squeezed for the sake of others."""
_RECEIVED = ("ok", "not_modified")
_SUPPLIED = "*"
"""Follows the verdict of what rests on captures that somebody else made; `rests_on_supplied` explains it."""
_ID_SHOWN = 8
"""Of an id's 16 hexadecimal digits; `decide` takes any prefix that is one finding's alone."""


def neutral(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula: ``'`` before whatever could begin one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _joined(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _stamp(value)
    if isinstance(value, tuple):
        return "; ".join(str(part) for part in value)
    return str(value)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_json_lines(rows: Sequence[Row]) -> bytes:
    """Return one JSON object a row, in contract order of columns, each with the schema number."""
    return b"".join(msgspec.json.encode({"schema": 1, **msgspec.to_builtins(row)}) + b"\n" for row in rows)


def to_csv(rows: Sequence[Row], by: By) -> bytes:
    """Return the table as CSV (RFC 4180, UTF-8); lists are joined by ``; ``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns(by))
    for row in rows:
        cells = (getattr(row, name) for name in columns(by))
        writer.writerow(cell if isinstance(cell, int | float) else neutral(_joined(cell)) for cell in cells)
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def to_xlsx(tables: Mapping[By, Sequence[Row]]) -> bytes:
    """Return a workbook, one sheet a table: typed cells, a filter, a frozen header; same rows, same bytes."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for by, rows in tables.items():
        _fill(book.create_sheet(f"by {by}"), rows, by)
    buffer = io.BytesIO()
    book.save(buffer)
    return _fixed(buffer.getvalue())


def _fill(sheet: Worksheet, rows: Sequence[Row], by: By) -> None:
    sheet.append(columns(by))
    for row in rows:
        sheet.append([_cell(getattr(row, name)) for name in columns(by)])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for number, name in enumerate(columns(by), 1):
        letter = get_column_letter(number)
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet.column_dimensions[letter].width = 48 if name in _WIDE else 20
        for (cell,) in sheet.iter_rows(min_row=2, min_col=number, max_col=number):
            cell.alignment = Alignment(vertical="top", wrap_text=name in _WIDE)
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text stays a text, whatever it begins with
            elif name in ("first_seen", "last_seen", "claimed_at"):
                cell.number_format = "yyyy-mm-dd hh:mm:ss"


def _cell(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if isinstance(value, int | float):
        return value
    text = neutral(_joined(value))
    return hidden_code_points(text)[:_CELL] if text else None


def _fixed(book: bytes) -> bytes:
    """Return the same workbook without the time at which it was written."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as written,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as fixed,
    ):
        for name in sorted(written.namelist()):
            data = written.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"1980-01-01T00:00:00Z", data)
            fixed.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def to_terminal(rows: Sequence[Row], by: By) -> Table:
    """Return the table for a terminal of 80 columns; ids are counted where the file formats list them."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    names = _shown(rows, by)
    for name in names:
        is_counted = name not in (*_LISTED, *_MADE)
        is_number = bool(rows) and is_counted and isinstance(getattr(rows[0], name), int | tuple)
        is_folded = name in _FOLDED
        table.add_column(
            _SHORT.get(name, name),
            justify="right" if is_number else "left",
            overflow="fold" if is_folded else "ellipsis",
            no_wrap=not is_folded,
            min_width=_LEAST.get(name),
        )
    for row in rows:
        table.add_row(*(_terminal_cell(name, _value(row, name)) for name in names))
    return table


def _shown(rows: Sequence[Row], by: By) -> tuple[str, ...]:
    """Return the columns of the terminal; of a site its items make room where a share is estimated."""
    if by is not By.SITE:
        return _ON_TERMINAL[by]
    is_estimated = any(isinstance(row, SiteRow) and row.sample_frame is not None for row in rows)
    left_out = "items" if is_estimated else "estimated"
    return tuple(name for name in _ON_TERMINAL[by] if name != left_out)


def _value(row: Row, name: str) -> object:
    """Return what a column of the terminal shows of a row."""
    if isinstance(row, SiteRow) and name in _MADE:
        return _of_site(row, name)
    if isinstance(row, PageRow) and name in {"what", "page_kind"} and row.outcome not in _RECEIVED:
        return row.outcome if name == "what" else ""
    if name in {"verdict", "account_verdict"}:
        verdict = row.account_verdict or row.verdict if isinstance(row, AccountRow) else row.verdict
        return f"{verdict}{_SUPPLIED if rests_on_supplied(row) else ''}"
    return getattr(row, "page_class" if name == "what" else name)


def rests_on_supplied(row: Row) -> bool:
    """Whether nothing of a row is of our own captures; the terminal marks its verdict with a star."""
    if isinstance(row, PageRow | FindingRow):
        return bool(row.supplied)
    if isinstance(row, SiteRow):
        return row.pages_supplied == row.pages > 0
    return bool(row.pages) and row.pages_supplied == row.pages


def _of_site(row: SiteRow, name: str) -> str:
    if name == "seen":
        return f"{row.pages_seen} of {row.pages}"
    if row.estimated_low is None or row.estimated_high is None:
        return "-"
    return f"{row.estimated_low:.0%}-{row.estimated_high:.0%}"


def _first(reasons: object) -> str:
    return str(reasons[0]) if isinstance(reasons, tuple) and reasons else ""


def _terminal_cell(name: str, value: object) -> Text:
    if name == "reasons":
        shown = _first(value)
    elif isinstance(value, tuple):
        shown = ", ".join(value) if name in _LISTED else str(len(value))
    elif name == "finding_id":
        shown = str(value)[:_ID_SHOWN]
    elif name == "page_url":
        shown = str(value).removeprefix("https://").removeprefix("http://")
    else:
        shown = str(value)
    style = _COLOURS.get(shown.removesuffix(_SUPPLIED), "") if name.endswith("verdict") else ""
    return Text(hidden_code_points(shown), style=style)
