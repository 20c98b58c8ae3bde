"""``clonedetect findings``: what was found, as a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from clonedetect.analysis.site import NO_SAMPLE
from clonedetect.case.store import CaseStore
from clonedetect.cli.console import (
    exit_codes,
    json_option,
    not_judged,
    plain,
    stderr,
    stdout,
    wants_json,
)
from clonedetect.errors import UsageError
from clonedetect.evidence.exhibits import unreviewed
from clonedetect.evidence.rows import By, Row, SiteRow
from clonedetect.evidence.sheets import rests_on_supplied, to_csv, to_json_lines, to_terminal, to_xlsx
from clonedetect.evidence.tables import rows_by, unjudged_pages
from clonedetect.models.case import CaseContents
from clonedetect.models.sample import told_of_pages

__all__ = ["findings"]


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice([by.value for by in By]), default=By.PAGE.value, show_default=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "xlsx", "jsonl"]),
    help="table on a terminal, jsonl when piped, unless said otherwise.",
)
@json_option
def findings(case: Path, by: str, form: str | None, as_json: bool) -> None:
    """List what was found in CASE, by page, site, account, item, or each finding.

    By page every captured page is listed, also those without findings, those
    that could not be seen and those not judged yet. By finding each has the id
    that `decide` takes.

    \b
    Example:  clonedetect findings CASE
              clonedetect findings CASE --by account --format csv > accounts.csv
    """
    with exit_codes():
        if form is not None and form != "jsonl" and as_json:
            raise UsageError(f"--json and --format {form} contradict each other")
        with CaseStore.read(case) as store:
            contents = store.contents()
        rows = rows_by(contents, By(by))
        if contents.pages_asked < contents.pages_known:
            told = told_of_pages(contents.pages_asked, contents.pages_known, contents.page_draw)
            stderr().print(plain(told), soft_wrap=True)
        _print(rows, By(by), form or ("jsonl" if wants_json(as_json) else "table"), contents)


def _print(rows: tuple[Row, ...], by: By, form: str, contents: CaseContents) -> None:
    if form == "table":
        stdout().print(to_terminal(rows, by))
        if any(map(rests_on_supplied, rows)):
            stderr().print("* rests on captures that others supplied alone", soft_wrap=True)
        if contents.is_rehearsal:
            stderr().print("[bold red]rehearsal:[/] this case accuses nobody")
        count, waiting = len(contents.findings), unreviewed(contents)
        stderr().print(
            f"findings: {count}, not looked at by a person: {waiting}; --format csv lists all columns",
            soft_wrap=True,
        )
        _tell_sites(rows, contents)
        if by is not By.FINDING and count:
            stderr().print("each with its id for `decide`: --by finding", soft_wrap=True)
        if unjudged := unjudged_pages(contents):
            stderr().print(not_judged(unjudged), style="yellow", soft_wrap=True)
        return
    if form == "xlsx" and sys.stdout.isatty():
        raise UsageError("a workbook cannot be shown on a terminal: add > findings.xlsx")
    data = {
        "csv": lambda: to_csv(rows, by),
        "xlsx": lambda: to_xlsx({by: rows}),
        "jsonl": lambda: to_json_lines(rows),
    }[form]()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _tell_sites(rows: tuple[Row, ...], contents: CaseContents) -> None:
    """Say in words what of the sites is observed and what is estimated."""
    sites = [row for row in rows if isinstance(row, SiteRow)]
    if sites and contents.sample is None:
        stderr().print(NO_SAMPLE, soft_wrap=True)
        return
    for row in sites:
        for reason in row.reasons:
            stderr().print(plain(f"{row.site}: {reason}"), soft_wrap=True)
