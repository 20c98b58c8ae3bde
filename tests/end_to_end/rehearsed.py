"""Playing the rehearsal, and calling the command, from tests."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from clonedetect.demo.rehearsal import Rehearsal, prepare, rehearse
from clonedetect.errors import ExitCode

WARCIO = Path(sys.executable).with_name("warcio")
"""The independent reader, beside this interpreter."""


@dataclass(frozen=True)
class Played:
    """A rehearsal that has ended: its folders, its exit code, what it printed."""

    rehearsal: Rehearsal
    code: ExitCode
    printed: str


def play(out: Path, *, settings: Path | None = None, rehearsal: Rehearsal | None = None) -> Played:
    console = Console(file=io.StringIO(), width=80)
    ready = rehearsal or prepare(out)
    code = rehearse(ready, console, settings=settings)
    assert isinstance(console.file, io.StringIO)
    return Played(ready, code, console.file.getvalue())


def command(*arguments: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "clonedetect", *(str(word) for word in arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout)
