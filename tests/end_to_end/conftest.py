"""One rehearsal for all tests that look at what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from tests.end_to_end.rehearsed import Played, command, play


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The rehearsal as `clonedetect demo` plays it."""
    return play(tmp_path_factory.mktemp("rehearsal") / "out")


@pytest.fixture(scope="session")
def run() -> Callable[..., CompletedProcess[str]]:
    """The installed command, as a user calls it."""
    return command
