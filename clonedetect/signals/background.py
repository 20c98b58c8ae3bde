"""The shipped texts that every model starts from: common phrases in fifty languages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from clonedetect.models.ids import digest_of
from clonedetect.signals.charmodel import CharModel
from clonedetect.signals.normalise import normalise

__all__ = [
    "BACKGROUND_VERSION",
    "background_model",
    "background_phrases",
    "operator_background",
    "read_background",
]

BACKGROUND_VERSION = 1
"""Raised with every change of ``data/background.txt``."""


def read_background() -> dict[str, tuple[str, ...]]:
    """Return language tag -> its phrases as written."""
    phrases: dict[str, list[str]] = {}
    language = ""
    for line in files("clonedetect.signals").joinpath("data/background.txt").read_text("utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            language = line[1:-1]
        elif line and not line.startswith("#"):
            phrases.setdefault(language, []).append(line)
    return {tag: tuple(lines) for tag, lines in phrases.items()}


@cache
def background_phrases() -> tuple[str, ...]:
    """Return all phrases, normalised, in the order of the file."""
    return tuple(normalise(line).text for lines in read_background().values() for line in lines)


@cache
def background_model() -> CharModel:
    """Return the model that knows the shipped phrases and nothing else; shared, never added to."""
    return CharModel.named(f"background/{BACKGROUND_VERSION}", background_phrases())


def operator_background(texts: Sequence[str]) -> tuple[CharModel, CharModel]:
    """Return the shipped phrases with an operator's raw `texts` as one background, and the texts alone.

    The name of the background carries a digest of the normalised texts; their order does not matter.
    """
    normalised = sorted({text for text in (normalise(raw).text for raw in texts) if text})
    digest = digest_of("\n".join(normalised).encode()).removeprefix("sha256:")[:12]
    own = CharModel.named(f"operator/{digest}", normalised)
    name = f"background/{BACKGROUND_VERSION}+{own.name}"
    return CharModel.named(name, (*background_phrases(), *normalised)), own
