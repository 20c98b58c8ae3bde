"""One run of benchmarks, kept for the document that quotes it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "clonedetect_benchmarks_figures", Path(__file__).with_name("figures.py")
)
assert _spec is not None
assert _spec.loader is not None
figures = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = figures
_spec.loader.exec_module(figures)


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Keep a figure: ``record(section, what, value, unit, target=None)``; see figures.py."""
    run = figures.Run.start(figures.work_folder())
    yield run.record
    run.end(is_good=request.session.testsfailed == 0)
