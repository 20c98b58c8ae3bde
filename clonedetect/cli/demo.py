"""``clonedetect demo``."""

from __future__ import annotations

from pathlib import Path

import click

from clonedetect.cli.console import stdout
from clonedetect.demo.rehearsal import prepare, rehearse

__all__ = ["demo"]


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Where everything is written; an earlier rehearsal there is replaced.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings for the scan instead of the made-up platform's.",
)
def demo(out: Path, settings: Path | None) -> None:
    """Rehearse the whole job on this machine against a made-up clone network.

    Needs the extra `demo`. Exits 1 if a required copy was missed, an innocent
    site was accused, or the package did not verify.
    """
    raise SystemExit(int(rehearse(prepare(out), stdout(), settings=settings)))
