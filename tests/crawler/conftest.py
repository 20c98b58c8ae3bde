from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"crawler_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_loopback = _load("loopback")


@pytest.fixture(scope="session")
def loopback() -> ModuleType:
    """The site, the fetch and the case of these tests."""
    return _loopback


@pytest.fixture
def serve() -> Iterator[Callable[..., object]]:
    sites = []

    def start(replies: dict[str, object] | None = None) -> object:
        sites.append(_loopback.Site(_loopback.small_site() if replies is None else replies))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[object]:
    opened = _loopback.Case(tmp_path / "case")
    yield opened
    opened.close()
