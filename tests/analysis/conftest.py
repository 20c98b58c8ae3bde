from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clonedetect.settings.document import Allow
from tests.analysis.world import Page, Told, World, told_of


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The platform and its index; not to be written to."""
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture
def judge(world: World, tmp_path: Path) -> Callable[..., Told]:
    """Say what is said of one page."""

    def told(page: Page, *, allow: Allow | None = None) -> Told:
        found = told_of(world, tmp_path / "case", page, allow=allow)[page.url]
        found.require_sense()
        return found

    return told
