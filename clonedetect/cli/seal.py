"""``clonedetect seal``: complete a package whose timestamp is missing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from clonedetect.cli.console import emit, exit_codes, json_option, plain, stdout, wants_json
from clonedetect.cli.timestamps import stamp_rows, stamp_sentence, untimed
from clonedetect.errors import DependencyError, InputError, VerificationError
from clonedetect.evidence.package import write_zip
from clonedetect.evidence.shipped.verify import Result
from clonedetect.evidence.stamping import missing_stamps, stamp_head
from clonedetect.evidence.verify import verify
from clonedetect.timestamp.inquiry import Stamped, Unstamped

__all__ = ["seal"]


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--tsa", multiple=True, metavar="URL", help="Ask this one only, of those that the seal names.")
@click.option("--zip", "as_zip", is_flag=True, help="Then write PACKAGE.zip anew.")
@json_option
def seal(package: Path, tsa: tuple[str, ...], as_zip: bool, as_json: bool) -> None:
    """Ask again for the timestamps that PACKAGE, a folder, was sealed to have and lacks.

    The seal names its authorities and is signed: only these are asked. Nothing else is changed.

    \b
    Example:  clonedetect seal CLONE-42 --tsa https://tsa.example/tsr --zip
    """
    with exit_codes():
        if not package.is_dir():
            raise InputError(f"{package} is no folder; unpack the zip, complete the folder, and zip it anew")
        asked = missing_stamps(package, tsa)
        _refuse_what_was_changed(package)
        results = stamp_head(package, asked) if asked else ()
        if as_zip:
            _write_zip(package)
        _print(package, results, wants_json(as_json))
        if failed := untimed(results):
            raise DependencyError(f"still not timestamped by {'; '.join(failed)}; ask again later")


def _refuse_what_was_changed(package: Path) -> None:
    """Refuse to timestamp what is not as it was sealed."""
    failed = [check for check in verify(package).checks if check.result is Result.FAILED]
    if failed:
        raise VerificationError(f"{package} was changed: {failed[0].name}: {failed[0].notes[0]}")


def _write_zip(package: Path) -> None:
    info = (package / "bag-info.txt").read_text(encoding="utf-8")
    named = re.search(r"^External-Identifier: (.*)$", info, re.MULTILINE)
    target = package.with_name(f"{package.name}.zip")
    partial = package.with_name(f".{package.name}.{os.getpid()}.zip.partial")
    try:
        write_zip(package, partial, named[1] if named else "")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _print(package: Path, results: tuple[Stamped | Unstamped, ...], as_json: bool) -> None:
    if as_json:
        emit({"schema": 1, "package": str(package), "timestamps": stamp_rows(results)})
        return
    console = stdout()
    for one in results:
        console.print(plain(stamp_sentence(one)), soft_wrap=True)
    if not results:
        console.print("no timestamp is missing")
