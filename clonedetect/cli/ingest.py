"""``clonedetect ingest``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from clonedetect.cli.console import emit, json_option, plain, quiet_option, stderr, stdout, wants_json
from clonedetect.cli.scan import Teller, summary_row
from clonedetect.errors import ExitCode
from clonedetect.jobs.ingesting import IngestRequest, IngestSummary, ingest
from clonedetect.models.match import Verdict

__all__ = ["ingest_command"]

_SHOWN = 5
_PATH = click.Path(path_type=Path)


@click.command(name="ingest")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--grant", type=_PATH, required=True, help="The signed grant.")
@click.option("--index", type=_PATH, required=True, help="The index of the platform's own content.")
@click.option("--case", type=_PATH, required=True, help="The case folder; made if there is none.")
@click.option("--approvers", type=_PATH, multiple=True, help="PEM of public keys whose grants are accepted.")
@click.option("--settings", type=_PATH, help="Settings instead of INDEX/settings.toml.")
@click.option("--by", default="", metavar="NAME", help="Who supplied the files; else signing.actor.")
@click.option("--page", default="", metavar="URL", help="The page that pictures among the files show.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Analysis processes."
)
@click.option("--fail-on-findings", is_flag=True, help="Exit 1 if anything is confirmed or possible.")
@json_option
@quiet_option
def ingest_command(
    files: tuple[str, ...],
    grant: Path,
    index: Path,
    case: Path,
    approvers: tuple[Path, ...],
    settings: Path | None,
    by: str,
    page: str,
    workers: int,
    fail_on_findings: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take captures that others made into CASE, and judge them against INDEX; no connection is made.

    FILEs are WARC, WACZ, HAR, MHTML or pictures (screenshots), told by content; a directory is
    walked, @LIST holds one path a line. They are kept byte for byte, and everything that rests on
    them says by whom they were supplied. Hosts outside GRANT are refused. The same file again
    adds nothing.

    \b
    Example:  clonedetect ingest --grant grant.toml --approvers approver.pem.pub.pem --index INDEX \\
                  --case CASE --by "R. Ali" crawl.wacz saved-page.mhtml
              clonedetect ingest --grant grant.toml --approvers approver.pem.pub.pem --index INDEX \\
                  --case CASE --by "R. Ali" --page https://clone.example/p/1 screenshot.png
    """
    request = IngestRequest(
        grant=grant,
        index=index,
        case=case,
        files=files,
        approvers=approvers,
        settings=settings,
        by=by.strip(),
        page=page.strip(),
        workers=workers,
    )
    is_json = wants_json(as_json)
    with Teller(stderr(quiet=quiet), is_json=is_json) as teller:
        summary = ingest(request, teller.tell)
    if is_json:
        emit(_row(summary))
    else:
        _show(summary)
    if not summary.is_usable:
        stderr().print("error: nothing in these files could be used", style="bold red")
        raise SystemExit(int(ExitCode.BAD_INPUT))
    if fail_on_findings and (summary.case.pages_confirmed or summary.case.possible_findings):
        raise SystemExit(int(ExitCode.FINDINGS))


def _row(summary: IngestSummary) -> dict[str, object]:
    return {
        **summary_row(summary.case),
        "files": summary.files,
        "taken": summary.taken,
        "known": summary.known,
        "refused": dict(summary.refused),
        "passed_over": dict(summary.passed_over),
    }


def _show(summary: IngestSummary) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    known = f", {summary.known} known before" if summary.known else ""
    table.add_row("files", str(summary.files))
    table.add_row("captures", f"{summary.taken} taken in{known}")
    table.add_row("refused", plain(_counted(summary.refused)))
    table.add_row("passed over", plain(_counted(summary.passed_over)))
    case = summary.case
    table.add_row("pages", f"{case.pages_confirmed} of {case.pages} confirmed")
    table.add_row("items", f"{case.confirmed_items} items of {case.confirmed_accounts} accounts confirmed")
    table.add_row("for people", f"{case.possible_findings} {Verdict.POSSIBLE} findings")
    table.add_row("seconds", f"{case.seconds:.1f}")
    stdout().print(table)


def _counted(counts: tuple[tuple[str, int], ...]) -> str:
    if not counts:
        return "0"
    first = "; ".join(f"{count} x {what}" for what, count in counts[:_SHOWN])
    more = f"; and {len(counts) - _SHOWN} other kinds" if len(counts) > _SHOWN else ""
    return f"{sum(count for _, count in counts)} ({first}{more})"
