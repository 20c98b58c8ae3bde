"""What the commands share: output, errors, exit codes.

Results go to standard output: readable on a terminal, one JSON object a line
with ``--json`` or when piped. Progress and errors go to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from clonedetect.errors import ClonedetectError, ExitCode
from clonedetect.evidence.marking import hidden_code_points

__all__ = [
    "emit",
    "exit_codes",
    "json_option",
    "not_judged",
    "plain",
    "quiet_option",
    "stderr",
    "stdout",
    "track",
    "wants_json",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")


def stdout() -> Console:
    """Return the console for results."""
    return Console(soft_wrap=False, highlight=False, emoji=False)


def stderr(*, quiet: bool = False) -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False, quiet=quiet, emoji=False)


def plain(text: str) -> Text:
    """Return foreign text for a cell: brackets are no markup, and what draws nothing is spelled out."""
    return Text(hidden_code_points(text))


def not_judged(pages: int) -> str:
    """Return the sentence for pages that were captured and that no analysis has looked at."""
    return f"{pages} pages not judged yet: run clonedetect scan ... --analyse-only"


def emit(value: object) -> None:
    """Print one JSON object on a line of its own, keys sorted, and hand it to the reader at once."""
    sys.stdout.buffer.write(_encoder.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def warn(text: str) -> None:
    """Say on standard error what the operator must know, also where no progress is wanted."""
    stderr().print(Text.assemble(("warning:", "bold yellow"), " ", text), soft_wrap=True)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object a line (default when piped)."
    )(command)


def quiet_option(command: F) -> F:
    """Add ``--quiet``."""
    return click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")(command)


def wants_json(as_json: bool) -> bool:
    """Whether results are for a program: asked for, or piped."""
    return as_json or not sys.stdout.isatty()


def track(values: Iterable[T], total: int, what: str, *, quiet: bool) -> Iterator[T]:
    """Yield `values` under a bar with rate and time left, where standard error is a terminal."""
    console = stderr(quiet=quiet or not sys.stderr.isatty())
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total, rate="")
        for value in values:
            yield value
            progress.advance(task)
            speed = progress.tasks[0].speed
            progress.update(task, rate=f"{speed:.1f}/s" if speed else "")


@contextmanager
def exit_codes() -> Iterator[None]:
    """End the process with the code of CONTRACT's list for whatever went wrong inside.

    A ClonedetectError is printed as one message; everything else is a defect
    of ours, printed with its place and ended with 70.
    """
    try:
        yield
    except ClonedetectError as error:
        stderr().print(Text.assemble(("error:", "bold red"), " ", str(error)), soft_wrap=True)
        raise SystemExit(int(error.exit_code)) from error
    except KeyboardInterrupt as error:
        stderr().print("interrupted")
        raise SystemExit(int(ExitCode.INTERRUPTED)) from error
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(int(ExitCode.DONE)) from error
