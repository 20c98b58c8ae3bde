"""What benchmarks measured, kept run by run, and written into the document that quotes it.

    python tests/benchmarks/figures.py docs/performance.md

rewrites what stands between ``<!-- figures -->`` and ``<!-- /figures -->``. Every row
names its run, and every run its machine, load, date and commit: figures of two runs
may stand in one table, but never unsaid.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = 1
ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
_TARGET = re.compile(r"(?P<sign>>=|<=) ?(?P<bound>\d+(?:\.\d+)?)")


class FiguresError(Exception):
    """Why figures cannot be taken or written."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `target` is ``>= N`` or ``<= N`` in the same unit, or None where none is set."""

    section: str
    what: str
    value: float | str
    unit: str = ""
    target: str | None = None

    def __post_init__(self) -> None:
        if not self.section or not self.what:
            raise FiguresError("a figure has a section and says what it is of")
        if self.target is not None and (not _TARGET.fullmatch(self.target) or isinstance(self.value, str)):
            raise FiguresError(f"{self.what}: a target is '>= N' or '<= N' of a number, not {self.target!r}")

    @property
    def is_met(self) -> bool:
        """Whether the value keeps the target, if there is one."""
        found = _TARGET.fullmatch(self.target or "")
        if found is None:
            return True
        value, bound = float(self.value), float(found["bound"])
        return value >= bound if found["sign"] == ">=" else value <= bound


@dataclass(slots=True)
class Run:
    """One session of benchmarks, written to its own file after every figure."""

    path: Path
    started: str
    commit: str
    machine: str
    load: list[float]
    ended: str | None = None
    is_good: bool = False
    figures: list[Figure] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, root: Path = ROOT) -> Run:
        """Begin a run in `folder`, made if it is not there."""
        now = datetime.now(UTC)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{now:%Y%m%dT%H%M%S%f}.json"
        return cls(path, f"{now:%Y-%m-%dT%H:%M:%SZ}", commit_of(root), machine(), [_load()])

    def record(
        self, section: str, what: str, value: float | str, unit: str = "", target: str | None = None
    ) -> None:
        """Keep one figure; raises FiguresError if the run already has one of that name in the section."""
        figure = Figure(section, what, value, unit, target)
        if any((one.section, one.what) == (section, what) for one in self.figures):
            raise FiguresError(f"{section}: {what} was measured twice in one run")
        self.figures.append(figure)
        self._save()

    def end(self, *, is_good: bool) -> None:
        """Close the run; one of which a test failed is kept, and never quoted."""
        self.ended, self.is_good = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", is_good
        self.load.append(_load())
        if self.figures:
            self._save()

    def _save(self) -> None:
        told = {"schema": SCHEMA} | {k: v for k, v in asdict(self).items() if k != "path"}
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")
        partial.replace(self.path)

    @classmethod
    def load_from(cls, path: Path) -> Run:
        """Read a run back; raises FiguresError for what is none."""
        try:
            told = json.loads(path.read_text("utf-8"))
            if told.pop("schema") != SCHEMA:
                raise FiguresError(f"{path} is of another schema; remove it and measure again")
            figures = [Figure(**figure) for figure in told.pop("figures")]
            return cls(path, figures=figures, **told)
        except (ValueError, KeyError, TypeError) as error:
            raise FiguresError(f"{path} is no run of benchmarks ({error}); remove it") from error


def work_folder() -> Path:
    """Return where runs are kept: CLONEDETECT_BENCH_FIGURES, else ``.bench`` of the project."""
    return Path(os.environ.get("CLONEDETECT_BENCH_FIGURES", ROOT / ".bench"))


def machine() -> str:
    """Describe the processor, the cores this process may use, the memory and Python."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), model)
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {gib:.0f} GiB, Python {platform.python_version()}"


def commit_of(root: Path) -> str:
    """Return the short commit of `root`, with a ``+`` where something is not committed; "" outside of git."""
    asked = ["git", "-C", str(root), "describe", "--always", "--abbrev=9", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def quoted_runs(folder: Path) -> tuple[list[Run], list[str]]:
    """Return the newest good run of every section in `folder`, oldest first, and what is said of the others.

    Raises FiguresError where there is no good run.
    """
    runs = [Run.load_from(path) for path in sorted(folder.glob("*.json"))]
    good = [run for run in runs if run.is_good and run.figures]
    notes = [f"{run.path.name} did not end well and is not quoted" for run in runs if not run.is_good]
    if not good:
        raise FiguresError("; ".join([f"no figures in {folder}", *notes, "run: make bench"]))
    newest = {figure.section: run for run in good for figure in run.figures}
    quoted = [run for run in good if any(run is one for one in newest.values())]
    return quoted, notes


def stale(runs: list[Run], commit: str) -> Iterator[str]:
    """Say of each run that was not measured at `commit` which sections it still stands for."""
    for number, run in enumerate(runs):
        if run.commit != commit or not commit or run.commit.endswith("+"):
            later = {figure.section for after in runs[number + 1 :] for figure in after.figures}
            sections = sorted({figure.section for figure in run.figures} - later)
            kind = "not committed" if run.commit == commit else "stale"
            yield f"{kind}: {'; '.join(sections)}: of commit {run.commit or 'unknown'}, this is {commit}"


def block(runs: list[Run]) -> str:
    """Return the marked block: the runs, then a table for each section, of its newest run."""
    names = {id(run): f"{number}" for number, run in enumerate(runs, 1)}
    newest = {figure.section: run for run in runs for figure in run.figures}
    lines = [BEGIN, "Written by `make bench`; not to be edited.", ""]
    lines += ["| run | began | commit | machine | load, start and end |", "|---|---|---|---|---|"]
    for run in runs:
        load = " and ".join(f"{value:.1f}" for value in run.load)
        lines.append(f"| {names[id(run)]} | {run.started} | {run.commit} | {run.machine} | {load} |")
    lines += ["", "A `+` after a commit: something was not committed."]
    for section in sorted(newest):
        run = newest[section]
        lines += ["", f"**{section}**", "", "| what | measured | target | run |", "|---|---|---|---|"]
        lines += [_line(one, names[id(run)]) for one in run.figures if one.section == section]
    return "\n".join([*lines, END])


def _line(figure: Figure, run: str) -> str:
    target = figure.target or ""
    if target:
        target = target.replace(">=", "at least ").replace("<=", "at most ").replace("  ", " ")
        target += "" if figure.is_met else ", **missed**"
    value = figure.value if isinstance(figure.value, str) else _number(figure.value)
    return f"| {figure.what} | {value} {figure.unit}".rstrip() + f" | {target} | {run} |"


def _number(value: float) -> str:
    """Return whole numbers whole, and others with three digits that count."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1:
        return f"{value:.3g}"
    return f"{value:.{3 - len(str(int(abs(value))))}f}"


def write(document: Path, folder: Path) -> list[str]:
    """Rewrite the block of `document` from the runs in `folder`; return what a reader of them must know.

    Raises FiguresError where there are no figures, or `document` has not exactly one block.
    """
    runs, notes = quoted_runs(folder)
    commit = commit_of(ROOT)  # before the document changes
    text = document.read_text("utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise FiguresError(f"{document} has not exactly one block from {BEGIN} to {END}")
    before, after = text[: text.index(BEGIN)], text[text.index(END) + len(END) :]
    document.write_text(before + block(runs) + after, "utf-8")
    missed = [
        f"missed: {figure.section}: {figure.what}"
        for run in runs
        for figure in run.figures
        if not figure.is_met
    ]
    return [*notes, *stale(runs, commit), *missed]


def _load() -> float:
    return os.getloadavg()[0]


if __name__ == "__main__":
    try:
        for note in write(Path(sys.argv[1]), work_folder()):
            print(note, file=sys.stderr)
    except (FiguresError, OSError) as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(3) from problem
