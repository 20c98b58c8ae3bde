"""``clonedetect doctor``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from clonedetect.cli.console import emit, json_option, stdout, wants_json
from clonedetect.errors import ExitCode
from clonedetect.jobs.doctor import Health, examine

__all__ = ["doctor"]

_COLOURS = {Health.GOOD: "green", Health.OPTIONAL: "yellow", Health.BAD: "bold red"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check versions, the wire hook, clock, disk and optional parts; exits 5 if something is bad."""
    checks = list(examine(Path.cwd(), datetime.now(UTC)))
    if wants_json(as_json):
        for check in checks:
            emit(check)
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("part", "health", "detail"):
            table.add_column(heading)
        for check in checks:
            remedy = f"\n{check.remedy}" if check.remedy else ""
            health = Text(check.health, _COLOURS[check.health])
            table.add_row(Text(check.name), health, Text(check.detail + remedy))
        stdout().print(table)
    if any(check.health is Health.BAD for check in checks):
        raise SystemExit(int(ExitCode.DEPENDENCY))
