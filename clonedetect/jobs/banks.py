"""The operator's lists that the settings name, and the settings as they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clonedetect.errors import InputError
from clonedetect.models.ids import Digest, digest_of
from clonedetect.settings.file import SettingsFile
from clonedetect.signals.background import background_phrases
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import CommonPhrases, shipped_phrases

__all__ = ["Banks", "read_banks"]

_SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Banks:
    """What proves nothing, what must not be touched, and the settings document that says so.

    `recorded` is the settings with the digest of every list they name; the
    path of the private key is left out, for packages leave the house.
    """

    phrases: CommonPhrases
    blocked: frozenset[Digest]
    recorded: str


def read_banks(chosen: SettingsFile) -> Banks:
    """Read the lists named in the settings.

    Raises InputError for a list that cannot be read or holds something else,
    and for a bank of negative pictures, which this version does not compare.
    """
    banks = chosen.settings.banks
    if banks.negative_images:
        raise InputError(
            "banks.negative_images is not supported by this version: take it out of the settings "
            "(pictures that three owners share are masked from the index itself)"
        )
    phrases, phrase_notes = _lines(chosen, banks.common_phrases)
    blocked, blocked_notes = _lines(chosen, banks.blocked_digests)
    public = replace(chosen.settings, signing=replace(chosen.settings.signing, key=""))
    notes = "".join(f"# {note}\n" for note in (*phrase_notes, *blocked_notes))
    return Banks(_phrases(phrases), frozenset(_digest(line) for line in blocked), public.to_toml() + notes)


def _phrases(lines: Sequence[str]) -> CommonPhrases:
    if not lines:
        return shipped_phrases()
    return CommonPhrases((*background_phrases(), *(normalise(line).text for line in lines)))


def _digest(line: str) -> Digest:
    digits = line.removeprefix("sha256:").lower()
    if len(digits) != _SHA256_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise InputError(f"banks.blocked_digests: {line[:80]!r} is no SHA-256")
    return Digest(f"sha256:{digits}")


def _lines(chosen: SettingsFile, names: Sequence[str]) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    notes: list[str] = []
    for name in names:
        path = chosen.located(name)
        try:
            data = path.read_bytes()
            text = data.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the list {path} that the settings name cannot be read: {error}") from error
        stripped = (line.strip() for line in text.splitlines())
        lines += [line for line in stripped if line and not line.startswith("#")]
        notes.append(f"{name} {digest_of(data)}")
    return lines, notes
