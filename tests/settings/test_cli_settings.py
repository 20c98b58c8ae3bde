"""The settings command, as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clonedetect.cli.settings import settings
from clonedetect.errors import InputError
from clonedetect.settings.document import Settings, parse_settings
from clonedetect.settings.template import PLATFORMS


def test_new_settings_are_written_once_and_parse(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    assert CliRunner().invoke(settings, ["new", str(path)]).exit_code == 0
    text = path.read_bytes()
    assert parse_settings(text, name="s")[0] == Settings()
    again = CliRunner().invoke(settings, ["new", str(path)])
    assert isinstance(again.exception, InputError)
    assert path.read_bytes() == text
    nowhere = CliRunner().invoke(settings, ["new", str(tmp_path / "no" / "s.toml")])
    assert isinstance(nowhere.exception, InputError)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_new_settings_of_a_kind_of_platform_are_in_force_as_they_stand(tmp_path: Path, platform: str) -> None:
    path = tmp_path / "settings.toml"
    assert CliRunner().invoke(settings, ["new", str(path), "--platform", platform]).exit_code == 0
    written, sources = parse_settings(path.read_bytes(), name="s")
    assert written.platform.id_time_shift > 0
    assert written.thresholds == Settings().thresholds
    given = {key for key, source in sources.items() if source != "built-in"}
    assert {key.partition(".")[0] for key in given} == {"platform"}
    assert (
        CliRunner().invoke(settings, ["new", str(tmp_path / "x.toml"), "--platform", "other"]).exit_code == 2
    )


def test_show_gives_every_value_with_its_source(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[thresholds.image]\nagree = 0.9\n")
    result = CliRunner().invoke(settings, ["show", "--index", str(tmp_path), "--json"])
    assert result.exit_code == 0
    head, *values = [json.loads(line) for line in result.stdout.splitlines()]
    expected, _ = parse_settings((tmp_path / "settings.toml").read_bytes(), name="s")
    assert head == {"schema": 1, "digest": expected.digest, "file": str(tmp_path / "settings.toml")}
    by_key = {value["key"]: (value["value"], value["source"]) for value in values}
    assert by_key["thresholds.image.agree"] == (0.9, f"{tmp_path / 'settings.toml'}:2")
    assert by_key["thresholds.image.inliers"] == (15, "built-in")
    assert by_key["platform.hosts"] == ([], "built-in")


def test_a_named_file_wins_over_the_index(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[claimant]\nname = 'index'\n")
    named = tmp_path / "named.toml"
    named.write_text("[claimant]\nname = 'named'\n")
    result = CliRunner().invoke(settings, ["show", "--index", str(tmp_path), "--settings", str(named)])
    assert '"value":"named"' in result.stdout
    assert '"value":"index"' not in result.stdout


def test_show_on_a_terminal_is_readable_and_unbroken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clonedetect.cli.settings.wants_json", lambda as_json: as_json)
    named = tmp_path / "named.toml"
    named.write_text(f"[platform]\nmarks = {[f'mark-{n}' for n in range(30)]}\n")
    result = CliRunner().invoke(settings, ["show", "--settings", str(named)])
    assert result.exit_code == 0
    assert f'"mark-29"]   # {named}:2\n' in result.stdout
    assert "thresholds.text.density = 0.7   # built-in\n" in result.stdout


def test_show_without_anything_gives_the_built_in_values() -> None:
    result = CliRunner().invoke(settings, ["show"])
    head, *values = [json.loads(line) for line in result.stdout.splitlines()]
    assert head == {"schema": 1, "digest": Settings().digest, "file": None}
    assert {value["source"] for value in values} == {"built-in"}


@pytest.mark.parametrize("command", ["new", "show"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(settings, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example:  clonedetect settings {command}" in result.stdout
