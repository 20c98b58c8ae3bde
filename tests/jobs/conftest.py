from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.jobs.playground import Platform, Reply, Scene, Web, make_platform, write_grant


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Four indexed posts with pictures; not to be written to."""
    return make_platform(tmp_path_factory.mktemp("platform"))


@pytest.fixture
def serve() -> Iterator[Callable[[Mapping[str, Reply]], Web]]:
    """Start servers that end with the test."""
    running: list[Web] = []

    def start(replies: Mapping[str, Reply]) -> Web:
        running.append(Web(replies))
        return running[-1]

    yield start
    for site in running:
        site.close()


@pytest.fixture
def scene(platform: Platform, tmp_path: Path) -> Callable[..., Scene]:
    """Make a grant over the hosts of a server, and a case for it."""

    def make(web: Web, *hosts: str, **granted: object) -> Scene:
        grant = write_grant(tmp_path / "grant.toml", web.port, hosts or ("clone.example",), **granted)
        return Scene(tmp_path, grant, platform.index)

    return make
