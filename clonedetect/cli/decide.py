"""``clonedetect decide``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from clonedetect.cli.console import emit, json_option, stdout, wants_json
from clonedetect.jobs.deciding import decide_finding
from clonedetect.models.case import DecisionKind

__all__ = ["decide"]


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("finding")
@click.argument("decision", type=click.Choice([kind.value for kind in DecisionKind]))
@click.option("--by", required=True, help="Who decides.")
@click.option("--note", default="", help="Why.")
@click.option("--seconds", type=click.FloatRange(min=0), help="How long it took, for the effort table.")
@json_option
def decide(
    case: Path, finding: str, decision: str, by: str, note: str, seconds: float | None, as_json: bool
) -> None:
    """Append a person's decision on FINDING to the custody log of CASE.

    FINDING is an id of `findings CASE --by finding`, or four and more
    characters of its beginning. A rejected finding leaves the exhibits and
    stays listed.

    \b
    Example:  clonedetect decide CASE 1f0c2d3e confirm --by "R. Ali" --note "same print"
    """
    made = decide_finding(
        case, finding, DecisionKind(decision), by=by, note=note, seconds=seconds, now=datetime.now(UTC)
    )
    if wants_json(as_json):
        emit(made)
    else:
        stdout().print(f"{made.finding_id}: {made.decision} by {made.by}", markup=False, soft_wrap=True)
