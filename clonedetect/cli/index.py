"""``clonedetect index``: what the platform published, put in, counted, taken out, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from clonedetect.cli.chart import spread_chart
from clonedetect.cli.compact import compact
from clonedetect.cli.console import (
    emit,
    exit_codes,
    json_option,
    plain,
    quiet_option,
    stderr,
    stdout,
    track,
    wants_json,
)
from clonedetect.cli.counts import shown
from clonedetect.cli.sharing import told
from clonedetect.errors import ExitCode, InputError
from clonedetect.index.balance import Balance
from clonedetect.index.importers import SourceFormat
from clonedetect.jobs.handing_over import export_hashes
from clonedetect.jobs.indexing import (
    AddResult,
    OnProgress,
    add_sources,
    index_stats,
    remove_items,
    verify_index,
)
from clonedetect.jobs.indexing import Progress as Step
from clonedetect.jobs.sharing import SAMPLE, picture_sharing
from clonedetect.models.ids import ItemId, MediaId
from clonedetect.models.item import Visibility
from clonedetect.settings.file import read_settings

__all__ = ["index"]

_FOLDER = click.Path(path_type=Path)
_SHOWN_REFUSALS = 20


@click.group()
def index() -> None:
    """The platform's own public posts: the only thing suspects are compared with."""


index.add_command(compact)


@index.command()
@click.argument("folder", metavar="INDEX", type=_FOLDER)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=_FOLDER)
@click.option(
    "--format", "source_format", type=click.Choice(SourceFormat), help="Instead of telling by content."
)
@click.option("--admit", default="", help="Also take in items never public: logged_in,followers,private.")
@click.option("--media", type=_FOLDER, metavar="DIR", help="Where the files are that an export only names.")
@click.option("--settings", type=_FOLDER, metavar="FILE", help="Settings instead of INDEX/settings.toml.")
@click.option("--workers", type=click.IntRange(1), help="Hashing processes (default: processors less one).")
@click.option("--strict", is_flag=True, help="End with 3 if any row was refused.")
@json_option
@quiet_option
def add(
    folder: Path,
    sources: tuple[Path, ...],
    *,
    source_format: SourceFormat | None,
    admit: str,
    media: Path | None,
    settings: Path | None,
    workers: int | None,
    strict: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put posts into INDEX (made if there is none): JSON lines, tables, folders of pictures, exports.

    The same source twice changes nothing; after a crash, repeat the command.

    \b
    Example:  clonedetect index add INDEX posts.jsonl
    """
    with exit_codes():
        classes = _classes(admit)
        signals = read_settings(settings, folder).settings.signals.active
        with _progress(quiet) as on_progress:
            result = add_sources(
                folder,
                sources,
                source_format=source_format,
                admit=classes,
                media=media,
                signals=signals,
                on_progress=on_progress,
                workers=workers,
            )
        if wants_json(as_json):
            emit(result)
        elif not quiet:
            _print_added(result)
        is_usable = result.added + result.updated + result.unchanged > 0
        if result.refused and (strict or not is_usable):
            raise SystemExit(int(ExitCode.BAD_INPUT))


@index.command("stats")
@click.argument("folder", metavar="INDEX", type=_FOLDER)
@click.option("--clusters", is_flag=True, help="Also count pictures that are near each other (slower).")
@click.option("--templates", is_flag=True, help="Also compare pictures with each other (minutes).")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=SAMPLE,
    help="Pictures to compare at most.",
    show_default=True,
)
@click.option("--plot", type=_FOLDER, metavar="FILE.png", help="Draw how evenly the hashes are spread.")
@click.option("--verbose", "-v", is_flag=True, help="Also signals by algorithm (JSON always has them).")
@json_option
def stats_command(
    folder: Path,
    *,
    clusters: bool,
    templates: bool,
    sample: int,
    plot: Path | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Count what INDEX holds: items, accounts, pictures, captions, copies, growth, bytes, generation.

    \b
    Example:  clonedetect index stats INDEX --clusters --plot spread.png
    """
    with exit_codes():
        found = index_stats(folder, clusters=clusters, balance=plot is not None)
        if plot is not None and found.balance is not None:
            _save(found.balance, plot)
        shared = picture_sharing(folder, sample=sample, track=_compared) if templates else None
        if wants_json(as_json):
            emit(found if shared is None else msgspec.to_builtins(found) | {"templates": shared})
        else:
            for part in shown(found, is_verbose=verbose):
                stdout().print(part)
            for line in told(shared):
                stdout().print(plain(line), soft_wrap=True)
            stdout().print(f"snapshot {found.snapshot_id}", markup=False, soft_wrap=True)


@index.command()
@click.argument("folder", metavar="INDEX", type=_FOLDER)
@click.argument("items", metavar="ITEM...|@FILE", nargs=-1, required=True)
@json_option
def remove(folder: Path, items: tuple[str, ...], as_json: bool) -> None:
    """Take items out of INDEX and of everything built from it; @FILE holds one id a line.

    Ends with 3 if an id was never in the index; the others are removed.

    \b
    Example:  clonedetect index remove INDEX post-17 @withdrawn.txt
    """
    with exit_codes():
        done = remove_items(folder, list(_listed(items)), at=datetime.now(UTC))
        if wants_json(as_json):
            emit({"removed": done.removed, "gone_before": done.gone_before, "unknown": done.unknown})
        else:
            print(f"{len(done.removed)} removed, {len(done.gone_before)} were gone before")
        if done.unknown:
            listed = ", ".join(done.unknown[:_SHOWN_REFUSALS])
            raise InputError(f"never in this index: {listed}{' ...' if len(done.unknown) > 20 else ''}")


@index.command()
@click.argument("folder", metavar="INDEX", type=_FOLDER)
@click.option("--files", is_flag=True, help="Also read every indexed file that is still in place.")
@json_option
def verify(folder: Path, files: bool, as_json: bool) -> None:
    """Recompute what INDEX holds and name every difference; ends with 6 if there is one.

    \b
    Example:  clonedetect index verify INDEX
    """
    with exit_codes():
        found = verify_index(folder, read_files=files)
        if wants_json(as_json):
            emit({"ok": not found.faults, "checked": found.checked, "faults": found.faults})
        else:
            for name, count in found.checked.items():
                print(f"{name}: {count} checked")
            for fault in found.faults:
                stdout().print(plain(f"fault: {fault}"), soft_wrap=True)
            print("sound" if not found.faults else f"{len(found.faults)} faults")
        if found.faults:
            raise SystemExit(int(ExitCode.VERIFICATION))


@index.command("export")
@click.argument("folder", metavar="INDEX", type=_FOLDER)
@click.argument("out", metavar="OUT", type=_FOLDER)
@click.option("--hashes-only", is_flag=True, help="Required: no picture or caption goes out; ids do.")
@click.option(
    "--hmac-key",
    type=_FOLDER,
    metavar="FILE",
    help="Name accounts by HMAC-SHA256 under this key; else not at all.",
)
@json_option
def export_command(
    folder: Path, out: Path, *, hashes_only: bool, hmac_key: Path | None, as_json: bool
) -> None:
    """Hand INDEX over as hashes: one JSON line an item into the new file OUT, for `index add` elsewhere.

    \b
    Example:  clonedetect index export INDEX hashes.jsonl --hashes-only --hmac-key key.bin
    """
    with exit_codes():
        if not hashes_only:
            raise click.UsageError("an index is handed over as hashes alone: add --hashes-only")
        count = export_hashes(folder, out, key_file=hmac_key)
        if wants_json(as_json):
            emit({"items": count, "out": str(out)})
        else:
            print(f"{count} items as hashes in {out}")


def _save(balance: Balance, path: Path) -> None:
    try:
        spread_chart(balance).save(path, "PNG")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error})") from error


def _compared(pictures: Iterable[MediaId], count: int) -> Iterator[MediaId]:
    return track(pictures, count, "comparing", quiet=False)


def _classes(admit: str) -> frozenset[Visibility]:
    names = [name.strip() for name in admit.split(",") if name.strip()]
    try:
        return frozenset(Visibility(name) for name in names)
    except ValueError as error:
        raise click.UsageError(f"--admit: {error}; classes are {', '.join(Visibility)}") from error


def _listed(items: tuple[str, ...]) -> Iterator[ItemId]:
    for item in items:
        if not item.startswith("@"):
            yield ItemId(item)
            continue
        try:
            lines = Path(item[1:]).read_text("utf-8-sig").splitlines()
        except OSError as error:
            raise InputError(f"the list {item[1:]} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"the list {item[1:]} is not UTF-8 text; save it as UTF-8") from error
        yield from (ItemId(line.strip()) for line in lines if line.strip())


@contextmanager
def _progress(quiet: bool) -> Iterator[OnProgress]:
    """Show rows, rate and time left on standard error while it is a terminal."""
    bar = Progress(
        TextColumn("hashing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=stderr(quiet=quiet),
        disable=quiet or not stderr().is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("hashing", total=1.0, rows=0, rate="")

        def show(step: Step) -> None:
            elapsed = bar.tasks[task].elapsed or 0.0
            rate = f"{step.rows / elapsed:.0f}/s" if elapsed > 0 else ""
            bar.update(task, completed=step.share, rows=step.rows, rate=rate)

        yield show


def _print_added(result: AddResult) -> None:
    table = Table("added", "updated", "unchanged", "refused", "items", "seconds", box=None, pad_edge=False)
    counts = (result.added, result.updated, result.unchanged, result.refused, result.items)
    table.add_row(*map(str, counts), f"{result.seconds:.1f}")
    console = stdout()
    console.print(table)
    for refusal in result.refusals[:_SHOWN_REFUSALS]:
        place = refusal.source if refusal.line is None else f"{refusal.source}, line {refusal.line}"
        console.print(plain(f"refused: {place}: {refusal.reason}"), soft_wrap=True)
    if result.refused > _SHOWN_REFUSALS:
        console.print(f"and {result.refused - _SHOWN_REFUSALS} more refused; --json lists all")
    if result.refused:
        told = (
            "1 row was refused; correct it"
            if result.refused == 1
            else (f"{result.refused} rows were refused; correct them")
        )
        console.print(f"{told} and run it again")
