"""``clonedetect verify``: check a package, and say what was not checked."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from clonedetect.cli.console import emit, exit_codes, json_option, stdout, wants_json
from clonedetect.errors import InputError
from clonedetect.evidence.marking import hidden_code_points
from clonedetect.evidence.seal import signer_fingerprint
from clonedetect.evidence.shipped.verify import Result
from clonedetect.evidence.verify import VerificationReport
from clonedetect.evidence.verify import verify as check_package
from clonedetect.timestamp.authorities import read_roots

__all__ = ["verify"]

_STYLES = {
    Result.PASSED: "green",
    Result.FAILED: "bold red",
    Result.MISSING: "yellow",
    Result.NOT_CHECKED: "dim",
}
_SHOWN_NOTES = 20


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option(
    "--signer",
    metavar="FINGERPRINT|PEM",
    help="Whose seal it must be: a fingerprint, or a public key's file.",
)
@click.option(
    "--tsa-roots",
    type=click.Path(path_type=Path),
    help="Roots (PEM) of the timestamp authorities, from a place of your own trust.",
)
@json_option
def verify(package: Path, signer: str | None, tsa_roots: Path | None, as_json: bool) -> None:
    """Check PACKAGE, a folder or a zip: 0 whole, 6 changed, 7 incomplete.

    \b
    Example:  clonedetect verify CLONE-42.zip --signer sha256:5f0c...
    """
    with exit_codes():
        _refuse_what_is_no_package(package)
        report = check_package(
            package,
            signer=signer_fingerprint(signer) if signer is not None else None,
            roots=read_roots(tsa_roots) if tsa_roots is not None else None,
        )
        _print(report, wants_json(as_json))
        raise SystemExit(int(report.exit_code))


def _refuse_what_is_no_package(package: Path) -> None:
    if not package.exists():
        raise InputError(f"there is no package {package}; name the folder or zip that `export` wrote")
    if (package / "case.db").is_file():
        raise InputError(f"{package} is a case folder; export it first: clonedetect export {package} PACKAGE")


def _print(report: VerificationReport, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "schema": 1,
                "package": report.package,
                "exit_code": int(report.exit_code),
                "checks": [
                    {"number": one.number, "name": one.name, "result": one.result.value, "notes": one.notes}
                    for one in report.checks
                ],
                "not_checked": report.not_checked,
            }
        )
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in report.checks:
        notes = [hidden_code_points(note) for note in check.notes[:_SHOWN_NOTES]]
        if len(check.notes) > _SHOWN_NOTES:
            notes.append(f"and {len(check.notes) - _SHOWN_NOTES} more; --json lists all")
        table.add_row(
            str(check.number),
            check.name,
            Text(check.result.value, _STYLES[check.result]),
            Text("\n".join(notes)),
        )
    console = stdout()
    console.print(table)
    console.print(report.conclusion)
    if report.not_checked:
        console.print(f"Not checked: {', '.join(report.not_checked)}.")
