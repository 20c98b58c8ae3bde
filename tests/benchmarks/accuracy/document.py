"""`docs/accuracy.md`, of which the part between two marks is written from a run's results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accuracy.summary import FalseAccepts, PeerFigures, PeerRecall, Recall, Summary

BEGIN: Final = "<!-- written by make bench-accuracy: begin -->"
END: Final = "<!-- written by make bench-accuracy: end -->"
LEAST: Final = 0.8
"""Transformations of which less is confirmed are marked."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What names a run: when, on what, of what."""

    run_id: str
    commit: str
    is_dirty: bool
    settings: str
    data: str
    date: str
    machine: str
    is_full: bool
    indexed: int
    bytes_by_tier: dict[str, int]


def block(summary: Summary, run: Provenance) -> str:
    """Return the whole written part, marks left out."""
    parts = [
        _headline(summary, run),
        "### By transformation\n\n" + _transformations(summary),
        "### False accepts\n\n" + _false(summary.false) + "\n\n" + _worst(summary),
        "### Beside other hashes\n\n" + _peers(summary),
        "### Cost\n\n" + _cost(summary, run),
        "### The run\n\n" + _run(summary, run),
    ]
    return "\n\n".join(parts)


def rewrite(document: Path, text: str, *, begin: str = BEGIN, end: str = END) -> None:
    """Put `text` between the marks of `document`; raises ValueError where it has not each of them once."""
    whole = document.read_text(encoding="utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1 or whole.index(begin) > whole.index(end):
        raise ValueError(f"{document}: the marks {begin!r} and {end!r} must stand in it once, in this order")
    before, rest = whole.split(begin)
    after = rest.split(end)[1]
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _headline(summary: Summary, run: Provenance) -> str:
    beside, *separate = summary.false
    hardest = _sum("", separate)
    photographs, every = summary.overall_photographs, summary.overall
    low, high = summary.by_picture
    lines = [
        f"- **Recall**: {_with_interval(photographs)} of {photographs.asked:,} queries of photographs are "
        f"confirmed without a person; of all {every.asked:,}, Debian's wallpapers included, "
        f"{_with_interval(every)}, or {100 * low:.1f}-{_percent(high)} over pictures drawn anew. "
        f"Shown to people: {_percent(every.possible / max(1, every.asked))}, "
        f"missed: {_percent(every.missed / max(1, every.asked))}.",
        f"- **False accepts**: {hardest.confirmed} of {hardest.compared:,} wrong pairs laid on each "
        f"other, {_bound(hardest)}; {beside.confirmed} beside the true item in the queries of recall.",
        f"- **Copies in shared frames**: {summary.copies.confirmed} of {summary.copies.asked} confirmed.",
    ]
    if not run.is_full:
        told = f"A partial run of {summary.pictures} pictures, to try the machinery: not published."
        lines.insert(0, f"**{told}**\n")
    return "\n".join(lines)


def _transformations(summary: Summary) -> str:
    rows = [
        (
            f"**{row.name}** (under {_percent(LEAST)})" if row.share < LEAST else row.name,
            row.confirmed,
            row.possible,
            row.missed,
            row.asked,
            _with_interval(row),
            f"{_percent(alone.share)} of {alone.asked}" if alone.asked else "-",
        )
        for row, alone in zip(summary.transformations, summary.photographs, strict=True)
        if row.asked
    ]
    head = ("transformation", "confirmed", "possible", "missed", "n", "recall (95 %)", "photographs")
    weak = sum(row.share < LEAST for row in summary.transformations if row.asked)
    return table(head, rows) + f"\n\nUnder {_percent(LEAST)}: {weak} of {len(rows)} transformations, in bold."


def _false(rows: Sequence[FalseAccepts]) -> str:
    shown = [
        (row.name, row.queries, row.pairs, row.compared, row.confirmed, row.possible, _bound(row))
        for row in (*rows, _sum("all but the first row, which the second asks again", rows[1:]))
    ]
    head = ("wrong pairs", "queries", "pairs", "compared", "confirmed", "possible", "rate (95 %)")
    return table(head, shown)


def _worst(summary: Summary) -> str:
    told = [row for row in summary.templates if row.confirmed]
    if not told:
        return f"No frame or background of {len(summary.templates)} kinds confirmed a wrong picture."
    rows = [(row.name, row.queries, row.compared, row.confirmed, row.possible) for row in told]
    return "Frames and backgrounds that did:\n\n" + table(
        ("frame or background", "queries", "compared", "confirmed", "possible"), rows
    )


def _peers(summary: Summary) -> str:
    false = sum(row.confirmed for row in summary.false)
    overall = summary.overall
    rows: list[tuple[object, ...]] = [
        ("clonedetect", f"{_percent(overall.share)}, {false} false", "-", "-", _ms(_total(summary)))
    ]
    rows += [
        (peer.name, _customary(peer), _at(peer.photographs), _at(peer.everything), _ms(peer.milliseconds))
        for peer in summary.peers
    ]
    if summary.crop_resistant is not None:
        queries, hits, wrong, asked, spent = summary.crop_resistant
        told = f"{_percent(hits / queries)} of {queries}, {_percent(wrong / max(1, asked))} of wrong pairs"
        rows.append(("crop-resistant (sample)", told, "-", "-", _ms(spent)))
    head = (
        "method",
        "recall as commonly used",
        "none false among photographs",
        "none false anywhere",
        "ms a picture",
    )
    return table(head, rows)


def _customary(peer: PeerFigures) -> str:
    return (
        f"{_percent(peer.customary.recall)} at {peer.customary.radius}, {peer.customary.false} queries false"
    )


def _at(recall: PeerRecall) -> str:
    return "at no radius" if recall.radius is None else f"{_percent(recall.recall)} at {recall.radius}"


def _cost(summary: Summary, run: Provenance) -> str:
    rows = [
        (row.name, row.queries, _ms(row.prepare_ms), _ms(row.match_ms))
        for row in (*summary.costs, summary.hash_only)
        if row.queries
    ]
    tiers = ", ".join(
        f"{name} {size / max(1, run.indexed):,.0f}" for name, size in sorted(run.bytes_by_tier.items())
    )
    costs = table(("queries", "n", "prepare, ms of processor", "match, ms of processor"), rows)
    return f"{costs}\n\nBytes a picture in the index, by tier: {tiers}."


def _run(summary: Summary, run: Provenance) -> str:
    state = " with uncommitted changes" if run.is_dirty else ""
    settings = run.settings.removeprefix("sha256:")
    return "\n".join(
        (
            f"- Run `{run.run_id}`: commit {run.commit}{state}, settings `{settings[:12]}`, "
            f"pictures `{run.data[:12]}`.",
            f"- {run.date}, {run.machine}.",
            f"- {run.indexed:,} pictures indexed, {summary.pictures} of them altered in "
            f"{sum(row.asked > 0 for row in summary.transformations)} ways.",
        )
    )


def _sum(name: str, rows: Iterable[FalseAccepts]) -> FalseAccepts:
    every = tuple(rows)
    columns = zip(*((r.queries, r.pairs, r.compared, r.confirmed, r.possible) for r in every), strict=True)
    return FalseAccepts(name, *(sum(column) for column in columns))


def _total(summary: Summary) -> float:
    return summary.costs[-1].prepare_ms + summary.costs[-1].match_ms


def _bound(row: FalseAccepts) -> str:
    bound = 100 * row.bound
    return f"under {bound:.0f} %" if bound >= 10 else f"under {bound:.2g} %"


def _with_interval(row: Recall) -> str:
    low, high = row.interval
    return f"{_percent(row.share)} ({100 * low:.1f}-{_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ms(spent: float) -> str:
    return f"{spent:.0f}" if spent >= 10 else f"{spent:.1f}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown; whole numbers have commas."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
