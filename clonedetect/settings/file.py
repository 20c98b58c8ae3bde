"""The edge to the disk: which file speaks, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clonedetect.errors import InputError
from clonedetect.settings.document import BUILT_IN, Settings, parse_settings, settings_values

__all__ = ["INDEX_SETTINGS", "SettingsFile", "read_settings"]

INDEX_SETTINGS = "settings.toml"
"""The file in an index's folder that speaks where none is named."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Settings with where they come from; `path` is None where no file speaks.

    `sources` maps full keys to ``FILE:LINE`` or "built-in", in document order.
    """

    settings: Settings
    path: Path | None
    sources: tuple[tuple[str, str], ...]

    def located(self, name: str) -> Path:
        """Return a path that the settings name; relative ones are relative to the settings' file."""
        base = self.path.parent if self.path else Path()
        return base / name


def read_settings(path: Path | None, index: Path | None = None) -> SettingsFile:
    """Read `path`, else ``settings.toml`` in the folder `index`, else give the built-in values.

    Raises InputError for a file that is named and cannot be read, or is malformed.
    """
    if path is None and index is not None and (index / INDEX_SETTINGS).exists():
        path = index / INDEX_SETTINGS
    if path is None:
        settings = Settings()
        return SettingsFile(settings, None, tuple((key, BUILT_IN) for key, _ in settings_values(settings)))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    settings, sources = parse_settings(data, name=str(path))
    return SettingsFile(settings, path, tuple(sources.items()))
