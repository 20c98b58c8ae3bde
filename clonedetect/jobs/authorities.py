"""Which timestamp authorities a command asks: those of its options, else those of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clonedetect.errors import UsageError
from clonedetect.settings.file import SettingsFile
from clonedetect.timestamp.authorities import Asked, named_authorities, read_roots

__all__ = ["asked_authorities"]


def asked_authorities(urls: Sequence[str], roots: Path | None, chosen: SettingsFile) -> Asked | None:
    """Return whom to ask: `urls`, else those of the settings; None where neither names any.

    Raises UsageError for authorities without roots, and for `roots` without authorities.
    """
    settings = chosen.settings.timestamp
    named = named_authorities(urls or settings.authorities)
    if not named:
        if roots is not None:
            raise UsageError(
                "--tsa-roots is of no use without --tsa, or timestamp.authorities in the settings"
            )
        return None
    if roots is None and settings.roots:
        roots = chosen.located(settings.roots)
    if roots is None:
        raise UsageError(
            "an authority's answer is worth nothing without roots it must chain to: name them with"
            " --tsa-roots, or timestamp.roots in the settings"
        )
    return Asked(named, read_roots(roots))
