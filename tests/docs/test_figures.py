"""The table of figures that benchmarks write, and what is said of old and missing ones."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "benchmarks" / "figures.py"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "performance.md"
    path.write_text("# Before\n\n<!-- figures -->\nold\n<!-- /figures -->\n\nAfter\n", "utf-8")
    return path


def command(document: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(document)],
        env={**os.environ, "CLONEDETECT_BENCH_FIGURES": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_block_is_rewritten_with_machine_commit_load_and_run(
    figures: ModuleType, document: Path, tmp_path: Path
) -> None:
    run = figures.Run.start(tmp_path / "runs")
    run.record("Lookup", "one at a time", 5812.4, "queries/s", ">= 5000")
    run.record("Lookup", "open", 11.94, "ms", "<= 10")
    run.record("Texts", "found", 99.25, "%")
    run.record("Texts", "memory", "1,466 MiB")
    run.end(is_good=True)
    notes = figures.write(document, tmp_path / "runs")
    text = document.read_text("utf-8")
    assert text.startswith("# Before\n\n<!-- figures -->\n")
    assert text.endswith("<!-- /figures -->\n\nAfter\n")
    assert "old" not in text
    assert f"| 1 | {run.started} | {run.commit} | {figures.machine()} |" in text
    assert " cores, " in figures.machine()
    assert "| one at a time | 5,812 queries/s | at least 5000 | 1 |" in text
    assert "| open | 11.9 ms | at most 10, **missed** | 1 |" in text
    assert "| found | 99.2 % |  | 1 |" in text
    assert "| memory | 1,466 MiB |  | 1 |" in text
    assert "missed: Lookup: open" in notes
    figures.write(document, tmp_path / "runs")
    assert document.read_text("utf-8") == text


def test_two_runs_are_never_mixed_unsaid(figures: ModuleType, document: Path, tmp_path: Path) -> None:
    for sections in (("Lookup", "Texts"), ("Texts",)):
        run = figures.Run.start(tmp_path)
        for section in sections:
            run.record(section, f"of {len(sections)} sections", len(sections))
        run.end(is_good=True)
    figures.write(document, tmp_path)
    text = document.read_text("utf-8")
    assert "| of 2 sections | 2 |  | 1 |" in text
    assert "| of 1 sections | 1 |  | 2 |" in text
    assert text.count("of 2 sections") == 1
    assert text.count(figures.machine()) == 2


def test_figures_of_another_commit_are_told_with_their_sections(
    figures: ModuleType, document: Path, tmp_path: Path
) -> None:
    run = figures.Run.start(tmp_path)
    run.record("Lookup", "rate", 1)
    run.record("Texts", "rate", 1)
    run.end(is_good=True)
    (path,) = tmp_path.glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"commit": "0123abcde"}), "utf-8")
    done = command(document, tmp_path)
    assert done.returncode == 0
    assert "stale: Lookup; Texts: of commit 0123abcde, this is" in done.stderr
    assert "| 0123abcde |" in document.read_text("utf-8")


def test_no_figures_is_an_error_that_says_what_to_run(document: Path, tmp_path: Path) -> None:
    before = document.read_text("utf-8")
    done = command(document, tmp_path / "none")
    assert (done.returncode, document.read_text("utf-8")) == (3, before)
    assert "no figures in" in done.stderr
    assert "run: make bench" in done.stderr


def test_a_run_that_failed_or_was_killed_is_named_and_not_quoted(
    figures: ModuleType, document: Path, tmp_path: Path
) -> None:
    killed, failed = figures.Run.start(tmp_path), figures.Run.start(tmp_path)
    killed.record("Lookup", "rate", 1)
    failed.record("Lookup", "rate", 2)
    failed.end(is_good=False)
    done = command(document, tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("did not end well and is not quoted") == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [("no block", "exactly one block"), ("<!-- /figures --><!-- figures -->", "exactly one block")],
)
def test_a_document_without_its_block_is_left_as_it_is(
    figures: ModuleType, tmp_path: Path, text: str, fault: str
) -> None:
    run = figures.Run.start(tmp_path / "runs")
    run.record("Lookup", "rate", 1)
    run.end(is_good=True)
    (tmp_path / "d.md").write_text(text)
    with pytest.raises(figures.FiguresError, match=fault):
        figures.write(tmp_path / "d.md", tmp_path / "runs")
    assert (tmp_path / "d.md").read_text() == text


def test_a_broken_file_and_a_figure_taken_twice_are_errors(figures: ModuleType, tmp_path: Path) -> None:
    run = figures.Run.start(tmp_path)
    run.record("Lookup", "rate", 1)
    with pytest.raises(figures.FiguresError, match="twice in one run"):
        run.record("Lookup", "rate", 2)
    with pytest.raises(figures.FiguresError, match="a target is"):
        run.record("Lookup", "other", 2, "ms", "fast")
    for content in ("{", "[]", '{"schema": 2, "figures": []}', '{"schema": 1, "figures": [{"x": 1}]}'):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(figures.FiguresError, match="remove it"):
            figures.Run.load_from(tmp_path / "x.json")


def test_the_document_has_its_block_and_every_row_names_a_run(figures: ModuleType) -> None:
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert text.count(figures.BEGIN) == text.count(figures.END) == 1
    inside = text[text.index(figures.BEGIN) : text.index(figures.END)]
    runs, *tables = inside.split("\n**")
    known = {line.split("|")[1].strip() for line in runs.splitlines() if line.startswith("| ")} - {"run"}
    rows = [line for table in tables for line in table.splitlines() if line.startswith("| ")]
    named = {line.split("|")[-2].strip() for line in rows} - {"run"}
    assert named == known
