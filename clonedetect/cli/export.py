"""``clonedetect export``: a case as a package for legal."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clonedetect import __version__
from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.cli.console import (
    emit,
    exit_codes,
    json_option,
    not_judged,
    plain,
    stderr,
    stdout,
    wants_json,
)
from clonedetect.cli.key import password_file_option, read_signing_key
from clonedetect.cli.timestamps import stamp_rows, stamp_sentence, tsa_options, untimed
from clonedetect.errors import DependencyError, UsageError
from clonedetect.evidence.package import PackageSummary
from clonedetect.evidence.package import export as write_package
from clonedetect.evidence.tables import unjudged_pages
from clonedetect.jobs.authorities import asked_authorities
from clonedetect.jobs.banks import read_banks
from clonedetect.models.ids import digest_of
from clonedetect.settings.file import SettingsFile, read_settings

__all__ = ["export"]

_DECIDING = ("pillow", "numpy", "jinja2", "openpyxl", "cryptography")
"""Libraries whose version can change a byte of a package."""


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="Ed25519 private key in PEM that signs the seal; signing.key of the settings where it is not given.",
)
@password_file_option
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="Settings whose blocked content is left out, and whose key and actor are used.",
)
@tsa_options
@click.option("--zip", "as_zip", is_flag=True, help="Also write OUT.zip, always the same for the same case.")
@json_option
def export(
    case: Path,
    out: Path,
    *,
    key: Path | None,
    password_file: Path | None,
    settings: Path | None,
    tsa: tuple[str, ...],
    tsa_roots: Path | None,
    as_zip: bool,
    as_json: bool,
) -> None:
    """Write the evidence of CASE to the new folder OUT, sealed and checked.

    With --tsa, or authorities in the settings, the seal is timestamped. If an authority
    fails, the package is written all the same, and the exit code is 5.

    \b
    Example:  clonedetect export CASE CLONE-42 --key signer.pem --zip
    """
    with exit_codes():
        read = read_settings(settings)
        signing_key = _signing_key(read, key, password_file)
        asked = asked_authorities(tsa, tsa_roots, read)
        if signing_key is None:
            _say_that_it_is_unsigned()
        blocked = read_banks(read).blocked
        now = datetime.now(UTC)
        with CaseStore.open(case, custody=CustodyLog.open, now=now) as store:
            contents = store.contents()
            if unjudged := unjudged_pages(contents):
                stderr().print(not_judged(unjudged), style="yellow", soft_wrap=True)
            summary = write_package(
                contents,
                case,
                out,
                key=signing_key,
                as_zip=as_zip,
                software=_software(),
                blocked=blocked,
                asked=asked,
            )
            head = digest_of((out / "seal" / "head.json").read_bytes())
            actor = read.settings.signing.actor or summary.signer or "clonedetect"
            store.custody.append(
                time=now, actor=actor, action="export", grant="", subject=f"head.json {head}"
            )
        _print(summary, head, wants_json(as_json))
        if failed := untimed(summary.stamps):
            raise DependencyError(
                f"the package is whole, but not timestamped by {'; '.join(failed)}. Complete it with"
                f" clonedetect seal {out}{' --zip' if as_zip else ''}"
            )


def _signing_key(
    read: SettingsFile, key: Path | None, password_file: Path | None
) -> Ed25519PrivateKey | None:
    """Return the key of ``--key``, else the one the settings name, else None: the package stays unsigned."""
    if key is None and read.settings.signing.key:
        key = read.located(read.settings.signing.key)
    if key is None and password_file is not None:
        raise UsageError("--password-file is of no use without --key, or signing.key in the settings")
    return None if key is None else read_signing_key(key, password_file)


def _say_that_it_is_unsigned() -> None:
    """Warn before anything is written: a package made for a court must not be found unsigned there."""
    stderr().print(
        "[bold yellow]not signed:[/] nobody will be able to prove who made this package;"
        " give --key, or --settings with signing.key",
        soft_wrap=True,
    )


def _software() -> tuple[tuple[str, str], ...]:
    own = (("clonedetect", __version__), ("python", platform.python_version()))
    return own + tuple((name, version(name)) for name in _DECIDING)


def _print(summary: PackageSummary, head: str, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "schema": 1,
                "package": str(summary.path),
                "zip": str(summary.zip_path) if summary.zip_path else None,
                "head": head,
                "signer": summary.signer,
                "files": summary.files,
                "bytes": summary.size_bytes,
                "captures": summary.captures,
                "exhibits": summary.exhibits,
                "left_out": summary.left_out,
                "unreviewed": summary.unreviewed,
                "timestamps": stamp_rows(summary.stamps),
                "rehearsal": summary.is_rehearsal,
            }
        )
        return
    console = stdout()
    console.print(f"package    {summary.path}", markup=False)
    if summary.zip_path:
        console.print(f"zip        {summary.zip_path}", markup=False)
    console.print(
        f"holds      {summary.files} files, {summary.size_bytes:,} bytes, {summary.captures} captures"
    )
    console.print(f"exhibits   {summary.exhibits}, {summary.left_out} findings left out")
    console.print(
        f"signer     {summary.signer or 'nobody: who made it will not be provable'}", soft_wrap=True
    )
    for one in summary.stamps:
        console.print(plain(stamp_sentence(one)), soft_wrap=True)
    if not summary.stamps:
        console.print("timestamp  none made: existence in time will not be provable")
    notes = stderr()
    if summary.unreviewed:
        notes.print(f"[yellow]not looked at by any person: {summary.unreviewed} of the findings[/]")
    if summary.is_rehearsal:
        notes.print("[bold red]rehearsal:[/] this package is evidence of nothing, and says so")
