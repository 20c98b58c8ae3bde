"""Names that look like markup, or steer a terminal, are shown as they are in every table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clonedetect.cli import doctor as doctor_command
from clonedetect.jobs.doctor import Check, Health
from tests.jobs.playground import Ended, command, write_grant

HOSTILE = "x[/red][bold]i[/]"


def _shown(ended: Ended) -> str:
    """Return what stands on the terminal, folded cells joined."""
    assert ended.code in (0, 3, 4, 6, 7), ended.err
    return "".join((ended.out + ended.err).split())


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands think that a person reads."""
    monkeypatch.setenv("COLUMNS", "400")
    for name in ("match", "index", "grant", "settings", "doctor", "verify"):
        monkeypatch.setattr(f"clonedetect.cli.{name}.wants_json", lambda _: False)


@pytest.fixture
def hostile_index(tmp_path: Path) -> tuple[Path, str]:
    """An index of one post whose id is markup, and its caption."""
    caption = "Salt on the railing, gulls quarrelling over a lost glove, and the ferry late again by an hour."
    rows = [{"item_id": HOSTILE, "caption": caption}, {"item_id": HOSTILE + "2"}]
    source = tmp_path / f"{HOSTILE.replace('/', '')}.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    ended = command("index", "add", tmp_path / "index", source)
    assert source.name in _shown(ended)  # its refused row is told with its place
    return tmp_path / "index", caption


def test_match_shows_files_and_items_as_they_are(tmp_path: Path, hostile_index) -> None:
    index, caption = hostile_index
    folder = tmp_path / "sus"
    (folder / "x[").mkdir(parents=True)
    (folder / "x[" / "red]").write_text(caption, "utf-8")
    (folder / "\x1b[31m").write_text("short", "utf-8")
    out = _shown(command("match", index, folder, "--quiet"))
    assert "sus/x[/red]" in out
    assert HOSTILE in out
    assert "⟨U+001B⟩[31m" in out


def test_grant_check_shows_refused_addresses(tmp_path: Path) -> None:
    grant = write_grant(tmp_path / "[bold].toml", 8080, ("clone.example",))
    ended = command("grant", "check", grant, f"http://other.example/{HOSTILE}")
    assert f"http://other.example/{HOSTILE}" in _shown(ended)


def test_verify_shows_the_files_it_names(tmp_path: Path) -> None:
    package = tmp_path / "[red]"
    package.mkdir()
    for algorithm, length in (("sha256", 64), ("sha512", 128)):
        (package / f"manifest-{algorithm}.txt").write_text(f"{'a' * length}  data/[bold]i[\n")
    assert "[bold]i[" in _shown(command("verify", package))


def test_settings_show_shows_values_and_places(tmp_path: Path) -> None:
    path = tmp_path / "[red].toml"
    path.write_text(f'[platform]\nmarks = ["{HOSTILE}"]\n')
    out = _shown(command("settings", "show", "--settings", path))
    assert f'["{HOSTILE}"]#{path}:2' in out


def test_doctor_shows_parts_and_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(HOSTILE, Health.OPTIONAL, HOSTILE, HOSTILE)
    monkeypatch.setattr(doctor_command, "examine", lambda *_: [check])
    assert _shown(command("doctor")).count(HOSTILE) == 3
