"""``clonedetect settings``: write a commented file, show what holds and where it comes from."""

from __future__ import annotations

from pathlib import Path

import click

from clonedetect.cli.console import emit, json_option, stdout, wants_json, warn
from clonedetect.errors import InputError
from clonedetect.models.calibration import not_calibrated
from clonedetect.settings.document import settings_values
from clonedetect.settings.file import read_settings
from clonedetect.settings.template import PLATFORMS, settings_template
from clonedetect.toml import toml_value

__all__ = ["settings"]


@click.group()
def settings() -> None:
    """Write a settings file, or show which settings hold and why."""


@settings.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--platform",
    type=click.Choice(PLATFORMS),
    help="Fill in ids and addresses as platforms of this kind make them.",
)
def new(file: Path, platform: str | None) -> None:
    """Write every setting, commented, at its built-in value; an existing file is left alone.

    \b
    Example:  clonedetect settings new INDEX/settings.toml
              clonedetect settings new INDEX/settings.toml --platform mastodon-like
    """
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(settings_template(platform))
    except FileExistsError:
        raise InputError(f"{file} exists and is not overwritten; choose another name") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None
    stdout().print(f"wrote {file}", markup=False, soft_wrap=True)


@settings.command("show")
@click.option("--settings", "file", type=click.Path(path_type=Path), help="Settings file to read.")
@click.option("--index", type=click.Path(path_type=Path), help="Index whose settings.toml holds otherwise.")
@json_option
def show(file: Path | None, index: Path | None, as_json: bool) -> None:
    """Show every setting that holds, and which file and line it comes from.

    \b
    Example:  clonedetect settings show --index INDEX
    """
    found = read_settings(file, index)
    sources = dict(found.sources)
    if wants_json(as_json):
        emit({"schema": 1, "digest": found.settings.digest, "file": str(found.path) if found.path else None})
        for key, value in settings_values(found.settings):
            emit({"key": key, "value": value, "source": sources[key]})
        return
    for told in not_calibrated(found.settings.thresholds.departures):
        warn(told)
    console = stdout()
    console.print(f"# {found.settings.digest}", markup=False, soft_wrap=True)
    for key, value in settings_values(found.settings):
        console.print(f"{key} = {toml_value(value)}   # {sources[key]}", markup=False, soft_wrap=True)
