"""A package of signals, installed as an operator would install it, into a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clonedetect.jobs import slotting

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the installed distribution of fixtures/signal-package."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(ROOT / "fixtures" / "signal-package", folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(source)]
    subprocess.run(command, check=True, timeout=100, env={**os.environ, "PIP_CONFIG_FILE": os.devnull})
    return folder / "site"


@pytest.fixture
def on_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same, importable in this process."""
    monkeypatch.syspath_prepend(str(installed))
    slotting._named.cache_clear()
    yield installed
    slotting._named.cache_clear()
    sys.modules.pop("acme_signals", None)
