"""What commands share that ask timestamp authorities: options, and what became of it in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from clonedetect.timestamp.custody import time_text
from clonedetect.timestamp.inquiry import Stamped, Unstamped

__all__ = ["stamp_rows", "stamp_sentence", "tsa_options", "untimed"]

F = TypeVar("F", bound=Callable[..., Any])


def tsa_options(command: F) -> F:
    """Add ``--tsa`` and ``--tsa-roots``."""
    roots = click.option(
        "--tsa-roots",
        type=click.Path(path_type=Path),
        help="PEM of the roots that the authorities chain to.",
    )(command)
    return click.option(
        "--tsa", multiple=True, metavar="URL", help="Timestamp authority (RFC 3161) to ask; may be repeated."
    )(roots)


def stamp_rows(results: Sequence[Stamped | Unstamped]) -> list[dict[str, object]]:
    """Return what became of each authority, for a program."""
    return [
        {
            "url": one.authority.url,
            "name": one.authority.name,
            "time": time_text(one.time) if isinstance(one, Stamped) else None,
            "verified_by": one.by if isinstance(one, Stamped) else None,
            "reason": one.reason if isinstance(one, Unstamped) else "",
        }
        for one in results
    ]


def stamp_sentence(one: Stamped | Unstamped) -> str:
    """Return what became of one authority, for people."""
    if isinstance(one, Stamped):
        return f"timestamp  {time_text(one.time)} by {one.authority.url} (verified by {one.by})"
    return f"timestamp  missing from {one.authority.url}: {one.reason}"


def untimed(results: Sequence[Stamped | Unstamped]) -> list[str]:
    """Return a phrase for each authority that failed."""
    return [f"{one.authority.url} ({one.reason})" for one in results if isinstance(one, Unstamped)]
