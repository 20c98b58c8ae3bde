"""What docs/grant.md and docs/settings.md show is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clonedetect.grant.document import parse_grant
from clonedetect.settings.document import Settings, settings_values

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documented_grant_parses_with_and_without_its_rehearsal() -> None:
    plain, rehearsal = re.findall(r"```toml\n(.*?)```", (DOCS / "grant.md").read_text("utf-8"), re.DOTALL)
    assert not parse_grant(plain.encode(), name="docs").is_rehearsal
    assert parse_grant(f"{plain}\n{rehearsal}".encode(), name="docs").is_rehearsal


@pytest.mark.parametrize("key", [key for key, _ in settings_values(Settings())])
def test_every_setting_is_documented_with_its_threshold(key: str) -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    section, _, name = key.rpartition(".")
    assert f"`{name}`" in text
    assert f"[{section}]" in text
    if section.startswith("thresholds"):
        row = next(row for row in text.splitlines() if f"`{name}`" in row)
        names, values = (cell.strip() for cell in row.split("|")[1:3])
        shown = dict(zip(re.findall(r"`(\w+)`", names), values.split(", "), strict=True))
        assert float(shown[name]) == float(str(dict(settings_values(Settings()))[key]))
