"""The table of docs/hostile-input.md, made of the cases that the tests run.

``python -m tests.adversarial.hostile.table docs/hostile-input.md`` writes it between its marks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.adversarial.hostile.picture_cases import PICTURES
from tests.adversarial.hostile.wire_cases import FORBIDDEN, REBOUND, wire_cases

BEGIN, END = "<!-- cases -->", "<!-- end of cases -->"

ALONE = (
    ("a grant that expires mid-run", "the run ends", "the rest is listed as never asked: the grant ended at"),
    ("SIGKILL while an address is leased", "the next run asks it again", "captured once"),
    ("a full disk", "the run ends", "`disk_full`; the next run completes it, nothing is recorded twice"),
    (
        "sixteen hosts that send 20 MB each at once",
        "`too_large`",
        "one large body at a time, under 150 MB in all",
    ),
)
"""What has a scan of its own in tests/adversarial/test_hostile_input.py."""


def table() -> str:
    """Return all rows, a table a group."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for case in wire_cases(0):
        then = f", then `{case.then}`" if case.then else ""
        reason = case.reason.replace("port 0 ", "port N ")
        unseen = case.unseen or (case.outcome if case.verdict == "inconclusive" else "")
        verdict = "the caption is found" if case.verdict == "found" else _with(case.verdict, unseen)
        groups.setdefault(case.group, []).append(
            (case.what, _with(f"`{case.outcome}`", reason) + then, verdict)
        )
    groups["pictures"] = [(one.what, f"`{one.outcome}`", _with(one.verdict, one.unseen)) for one in PICTURES]
    parts = [
        _part(name.capitalize(), ("served", "its capture ends in: and says", "its page is: for"), rows)
        for name, rows in groups.items()
    ]
    refused = [(one.what, one.reason) for one in FORBIDDEN]
    parts.append(_part("Addresses that are refused before anything is asked", ("address", "reason"), refused))
    rebound = [(f"`{address}`", f"`blocked_address`: {reason}") for _, address, reason in REBOUND]
    parts.append(_part("Names that answer with another address", ("address", "ends in"), rebound))
    parts.append(_part("Runs", ("what happens", "ends in", "and"), ALONE))
    return "\n\n".join(parts)


def _with(what: str, detail: str) -> str:
    return f"{what}: {detail}" if detail else what


def _part(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(path: Path) -> None:
    """Write the table into the document at `path`."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
