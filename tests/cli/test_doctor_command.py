"""``doctor``: every part with its health, and 5 where one is bad."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clonedetect.crawl.selftest import self_test
from clonedetect.jobs import doctor
from clonedetect.jobs.doctor import Health, examine, software
from tests.jobs.playground import command

NOW = datetime(2026, 11, 3, tzinfo=UTC)
_Usage = namedtuple("_Usage", "total used free")


def test_a_good_installation_ends_in_0_with_one_object_a_part() -> None:
    ended = command("doctor")
    assert ended.code == 0
    named = {one["name"]: one for one in ended.events}
    assert {"clonedetect", "python", "aiohttp", "wire-exact capture", "clock", "disk"} <= set(named)
    assert named["numpy"]["detail"] == importlib.metadata.version("numpy")
    assert all(one["health"] != "bad" for one in ended.events)


@pytest.fixture
def wire_is_exact(monkeypatch) -> None:
    """The self test opens sockets, which need not be done for each bad part."""
    import asyncio

    found = asyncio.run(self_test())

    async def told():
        return found

    monkeypatch.setattr(doctor, "self_test", told)


def test_a_missing_library_is_bad_and_not_the_end_of_the_examination(monkeypatch, wire_is_exact) -> None:
    version = importlib.metadata.version

    def without_one(name: str) -> str:
        if name == "opencv-python-headless":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_one)
    ended = command("doctor")
    assert ended.code == 5
    (bad,) = [one for one in ended.events if one["health"] == "bad"]
    assert (bad["name"], bad["detail"]) == ("opencv-python-headless", "not installed")
    assert "requirements.lock" in bad["remedy"]
    assert dict(software())["opencv-python-headless"] == "not installed"


def test_a_full_disk_is_bad(monkeypatch, wire_is_exact) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10, 9, 1))
    ended = command("doctor")
    assert ended.code == 5
    assert [one["name"] for one in ended.events if one["health"] == "bad"] == ["disk"]


def test_a_clock_before_the_release_is_bad(tmp_path: Path, wire_is_exact) -> None:
    checks = {one.name: one for one in examine(tmp_path, datetime(2020, 1, 1, tzinfo=UTC))}
    assert checks["clock"].health is Health.BAD
    assert checks["clock"].remedy == "set the clock"


def test_a_hook_that_misses_bytes_is_bad(monkeypatch, tmp_path: Path) -> None:
    Found = namedtuple("Found", "is_exact detail")

    async def told():
        return Found(False, "3 of 4 bytes")

    monkeypatch.setattr(doctor, "self_test", told)
    checks = {one.name: one for one in examine(tmp_path, NOW)}
    assert checks["wire-exact capture"].health is Health.BAD
    assert "reconstructed" in checks["wire-exact capture"].remedy


def test_what_is_optional_is_told_with_how_to_get_it_and_is_no_failure(monkeypatch, wire_is_exact) -> None:
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("clonedetect.cli.doctor.wants_json", lambda _: False)
    monkeypatch.setenv("COLUMNS", "100")
    ended = command("doctor")
    assert ended.code == 0
    assert "pip install 'clonedetect[demo]'" in ended.out
    assert "absent, optional" in ended.out
    assert "apt-get install openssl" in ended.out
