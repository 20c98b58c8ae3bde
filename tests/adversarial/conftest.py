"""Opens hosts on loopback, with a scan's grant, index and case beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.adversarial.arena import Arena, Host, Hosts


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Callable[..., Arena]]:
    """Return what starts hosts and makes the arena around them; they end with the test."""
    with ExitStack() as opened:

        def start(*hosts: Host) -> Arena:
            return Arena(tmp_path, opened.enter_context(Hosts(hosts)))

        yield start
