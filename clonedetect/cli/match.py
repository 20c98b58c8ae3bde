"""``clonedetect match``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from clonedetect.cli.console import (
    emit,
    json_option,
    plain,
    quiet_option,
    stderr,
    stdout,
    track,
    wants_json,
    warn,
)
from clonedetect.errors import ExitCode
from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.matching import FileResult, list_files, match_files
from clonedetect.jobs.negative import negative_bank
from clonedetect.jobs.opening import open_reference, shortfall
from clonedetect.jobs.slotting import named_signals
from clonedetect.jobs.visualising import NotDrawn, Visualiser
from clonedetect.models.calibration import not_calibrated
from clonedetect.models.match import ImageMeasure, Match, Region, RegionKind, TextMeasure, Verdict
from clonedetect.models.reasons import limits_first
from clonedetect.settings.file import read_settings

__all__ = ["match", "match_rows"]


@click.command()
@click.argument("index", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, metavar="FILE...|@LIST")
@click.option("--settings", type=click.Path(path_type=Path), help="Settings instead of INDEX/settings.toml.")
@click.option(
    "--visualise",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Draw each match of pictures, ours beside it, as a PNG in DIR.",
)
@click.option("--fail-on-findings", is_flag=True, help="Exit 1 if anything is confirmed or possible.")
@json_option
@quiet_option
def match(
    index: Path,
    files: tuple[str, ...],
    settings: Path | None,
    visualise: Path | None,
    fail_on_findings: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare files with INDEX: pictures, saved pages, texts; a directory is walked.

    \b
    Example:  clonedetect match INDEX suspect.jpg saved-page.html
              clonedetect match INDEX downloads/ --json
              clonedetect match INDEX suspect.jpg --visualise drawn/
    """
    chosen = read_settings(settings, index)
    banks = read_banks(chosen)
    signals = named_signals(chosen.settings.signals.active)
    names = list_files(files)
    for told in not_calibrated(chosen.settings.thresholds.departures):
        warn(told)
    has_findings = False
    with (
        open_reference(index, signals=signals, background=banks.background) as reference,
        Examiner(
            reference, chosen.settings, banks.phrases, bank=negative_bank(banks.negative), signals=signals
        ) as examiner,
    ):
        if missing := shortfall(reference):
            warn(missing)
        table = Table(box=None, pad_edge=False)
        for heading in ("file", "verdict", "item", "because"):
            table.add_column(heading, overflow="fold")
        visualiser = None if visualise is None else Visualiser(visualise, examiner, banks.blocked)
        results = match_files(examiner, names, banks.blocked, visualiser)
        for result in track(results, len(names), "matching", quiet=quiet):
            has_findings = has_findings or bool(result.matches)
            if wants_json(as_json):
                for row in match_rows(result):
                    emit(row)
            else:
                _add_rows(table, result)
            _tell_drawn(result, quiet=quiet)
        if not wants_json(as_json):
            stdout().print(table)
    if fail_on_findings and has_findings:
        raise SystemExit(int(ExitCode.FINDINGS))


def match_rows(result: FileResult) -> list[dict[str, object]]:
    """Return the JSON objects of one file: one a match, or one that says what came instead."""
    query: dict[str, object] = {"schema": 1, "query": _shown(result.query), "query_kind": result.query_kind}
    if not result.matches:
        return [query | {"verdict": result.verdict, "reasons": result.reasons}]
    rows = [query | _match_row(one) for one in result.matches]
    drawn = [None if isinstance(one, NotDrawn) else str(one) for one in result.pictures]
    return [row | {"picture": path} for row, path in zip(rows, drawn, strict=True)] if drawn else rows


def _tell_drawn(result: FileResult, *, quiet: bool) -> None:
    """Say on standard error where each match was drawn, or why it was not."""
    for one, drawn in zip(result.matches, result.pictures, strict=False):
        told = f"not drawn: {drawn.reason}" if isinstance(drawn, NotDrawn) else f"drawn: {drawn}"
        stderr(quiet=quiet).print(plain(_shown(f"{one.item_id}: {told}")), soft_wrap=True)


def _match_row(one: Match) -> dict[str, object]:
    return {
        "item_id": one.item_id,
        "account_id": one.account_id,
        "permalink": one.permalink,
        "verdict": one.verdict,
        "kinds": one.kinds,
        "score": round(one.score, 4),
        "distance": one.distance,
        "reasons": one.reasons,
        "regions": [_region_row(region) for region in one.regions],
    } | _measure_row(one)


def _measure_row(one: Match) -> dict[str, object]:
    """Return what held of an identifier, a picture, or a text and where its runs stand on both sides."""
    if one.identifier is not None:
        return {"identifier": msgspec.to_builtins(one.identifier)}
    if one.image is not None:
        return _bounds_row(one.image)
    if one.text is None:
        return {}
    spans = {"query_spans": one.text.query_spans, "reference_spans": one.text.reference_spans}
    figures = {"bits": one.text.bits, "coverage": one.text.coverage, "owners": one.text.owners}
    return {"text": figures | spans | {"gates": one.text.gates, "cautions": one.text.cautions}} | _bounds_row(
        one.text
    )


def _bounds_row(measure: ImageMeasure | TextMeasure) -> dict[str, object]:
    return {
        "calibration": measure.calibration,
        "calibration_run": measure.calibration_run,
        "thresholds": measure.thresholds,
        "departures": measure.departures,
    }


def _region_row(region: Region) -> dict[str, object]:
    if region.kind is RegionKind.IMAGE:
        return {"kind": "image", "polygon": [[round(x, 1), round(y, 1)] for x, y in region.polygon]}
    return {"kind": "text", "span": region.span, "block": region.block}


_COLOURS = {Verdict.CONFIRMED: "bold red", Verdict.POSSIBLE: "yellow", Verdict.NONE: "green"}


def _add_rows(table: Table, result: FileResult) -> None:
    if not result.matches:
        _add_row(table, result.query, result.verdict, "", result.reasons)
    for one in result.matches:
        _add_row(table, result.query, one.verdict, one.item_id, one.reasons)


def _add_row(table: Table, query: str, verdict: Verdict, item: str, reasons: tuple[str, ...]) -> None:
    coloured = Text(verdict, _COLOURS.get(verdict, "cyan"))
    told = "; ".join(limits_first(verdict, reasons)[:2])
    table.add_row(plain(_shown(query)), coloured, plain(item), plain(told))


def _shown(path: str) -> str:
    """Return a path as text; bytes of its name that are not UTF-8 are spelled out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
