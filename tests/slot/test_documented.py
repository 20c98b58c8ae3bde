"""What docs/signals.md shows is what fixtures/signal-package holds, and what the tests install."""

from __future__ import annotations

import re
from pathlib import Path

from clonedetect.models.slot import Signal
from clonedetect.settings.document import parse_settings
from clonedetect.signals.slot import BUILT_IN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "signals.md").read_text("utf-8")
PACKAGE = ROOT / "fixtures" / "signal-package"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_the_one_that_is_installed() -> None:
    (function,) = blocks("python")
    assert function in (PACKAGE / "acme_signals.py").read_text("utf-8")


def test_the_settings_shown_are_read_and_the_entry_point_is_the_package_s() -> None:
    chosen, point = blocks("toml")
    settings, _ = parse_settings(chosen.encode(), name="shown")
    assert settings.signals.active == ("own-network",)
    assert point in (PACKAGE / "pyproject.toml").read_text("utf-8")


def test_the_radii_measured_are_those_of_the_built_in_signals() -> None:
    told = re.findall(r"^\| `([a-z-]+)`, radius (\d+) ", PAGE, re.MULTILINE)
    assert {(signal.name, str(signal.radius)) for signal in BUILT_IN} <= set(told)


def test_each_field_of_a_signal_is_told() -> None:
    table = PAGE.partition("## What a signal is")[2].partition("\n\nThere are")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Signal.__dataclass_fields__)
