"""What a scan did not see, why, and what may be done about it: for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clonedetect.cli.console import not_judged, plain
from clonedetect.cli.lines import cell
from clonedetect.models.gap import Gap
from clonedetect.models.match import Verdict

__all__ = ["gap_row", "not_seen", "page_counts"]

_WORDS = {
    Verdict.POSSIBLE: "{:,} possible",
    Verdict.NONE: "{:,} looked at whole and clear (none)",
    Verdict.INCONCLUSIVE: "{:,} not seen whole or too little to tell (inconclusive)",
}
_LEAST_EXAMPLE = 24


def page_counts(verdicts: Iterable[tuple[Verdict, int]], unjudged: int) -> str:
    """Return how many pages are what: what was clear apart from what could not be seen."""
    counts = dict(verdicts)
    judged = sum(counts.values())
    told = [f"{counts.get(Verdict.CONFIRMED, 0):,} of {judged:,} confirmed"] if judged else []
    told += [words.format(counts[verdict]) for verdict, words in _WORDS.items() if counts.get(verdict)]
    if unjudged:
        told.append(f"{unjudged:,} not judged yet")
    return ", ".join(told) or "0"


def not_seen(gaps: Sequence[Gap], unjudged: int, width: int) -> Iterator[RenderableType]:
    """Yield what was not seen, and then the next steps there are, for a terminal of `width` cells."""
    if gaps:
        yield Text("Not seen, and why", style="bold")
        yield _reasons(gaps, width)
    steps = list(dict.fromkeys(step for gap in gaps for step in gap.next_steps))
    if unjudged:
        steps.insert(0, not_judged(unjudged))
    if steps:
        yield Text("\nWhat may be done", style="bold")
        yield _list(steps)


def _reasons(gaps: Iterable[Gap], width: int) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold", ratio=3)
    room = (width - 8) * 2 // 5
    has_examples = room >= _LEAST_EXAMPLE
    if has_examples:
        table.add_column(style="dim", no_wrap=True)
    for gap in gaps:
        row = [Text(f"{gap.count:,}"), plain(f"{gap.what} {gap.reason}")]
        if has_examples:
            row.append(_example(gap, room))
        table.add_row(*row)
    return table


def _example(gap: Gap, room: int) -> Text:
    first = next(iter(gap.examples), "").removeprefix("https://").removeprefix("http://")
    return Text(cell(first, room).rstrip())


def _list(steps: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        table.add_row("-", plain(step))
    return table


def gap_row(gap: Gap) -> dict[str, object]:
    """Return one reason with its count and first addresses, for a program."""
    return {
        "kind": gap.kind,
        "reason": f"{gap.what} {gap.reason}",
        "count": gap.count,
        "examples": gap.examples,
        "next": gap.next_steps,
    }
