"""``clonedetect index compact``: an index without what is stale."""

from __future__ import annotations

from pathlib import Path

import click

from clonedetect.cli.console import emit, exit_codes, json_option, wants_json
from clonedetect.jobs.compacting import compact_index

__all__ = ["compact"]


@click.command()
@click.argument("folder", metavar="INDEX", type=click.Path(path_type=Path))
@json_option
def compact(folder: Path, as_json: bool) -> None:
    """Merge INDEX's changes into its files, drop what is stale, and give space back.

    Nothing that is found changes. Ends with 3 if another process writes INDEX.

    \b
    Example:  clonedetect index compact INDEX
    """
    with exit_codes():
        done = compact_index(folder)
        if wants_json(as_json):
            emit(done)
        else:
            print(
                f"generation {done.generation}: {done.size_bytes_before:,} bytes before, "
                f"{done.size_bytes_after:,} after"
            )
