from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.playground import Ended, Platform, command, make_platform, write_grant


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Four indexed posts with pictures; not to be written to."""
    return make_platform(tmp_path_factory.mktemp("platform"))


@dataclass(frozen=True)
class Desk:
    """A grant over clone.example and its media host, an index and a case, to take files in."""

    folder: Path
    grant: Path
    index: Path

    @property
    def case(self) -> Path:
        return self.folder / "case"

    def ingest(self, *words: object, case: Path | None = None) -> Ended:
        named = ("--grant", self.grant, "--index", self.index, "--case", case or self.case)
        return command("ingest", *named, "--workers", "1", "--by", "R. Ali", *words)


@pytest.fixture
def desk(platform: Platform, tmp_path: Path) -> Desk:
    grant = write_grant(
        tmp_path / "grant.toml", 9, ("clone.example", "other.example"), media=("cdn.example",)
    )
    # So that of strangers' hosts it is said that they are not granted, not that they are not on loopback.
    grant.write_text(grant.read_text().replace("min_delay_s = 0.01", ""))
    return Desk(tmp_path, grant, platform.index)
