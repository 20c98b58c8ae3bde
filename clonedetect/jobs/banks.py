"""The operator's lists that the settings name, and the settings as they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clonedetect.errors import InputError
from clonedetect.jobs.negative import BankFile, bank_digest, list_bank
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
    path of the private key is left out, for packages leave the house. `negative` are
    the files of the bank of pictures; `jobs.negative` makes of them what is compared.
    `background` are the operator's texts for the character model.
    """

    phrases: CommonPhrases
    blocked: frozenset[Digest]
    recorded: str
    negative: tuple[BankFile, ...] = ()
    background: tuple[str, ...] = ()


def read_banks(chosen: SettingsFile) -> Banks:
    """Read the lists named in the settings.

    Raises InputError for a list or picture that cannot be read, a list that holds
    something else, and a folder of pictures without any.
    """
    banks = chosen.settings.banks
    negative = [list_bank(chosen, name) for name in banks.negative_images]
    negative_notes = [
        f"{name} {bank_digest(files)} of {len(files)} pictures"
        for name, files in zip(banks.negative_images, negative, strict=True)
    ]
    phrases, phrase_notes = _lines(chosen, banks.common_phrases)
    background, background_notes = _lines(chosen, banks.background)
    blocked, blocked_notes = _lines(chosen, banks.blocked_digests)
    public = replace(chosen.settings, signing=replace(chosen.settings.signing, key=""))
    told = (*negative_notes, *phrase_notes, *background_notes, *blocked_notes)
    notes = "".join(f"# {note}\n" for note in told)
    return Banks(
        _phrases(phrases),
        frozenset(_digest(line) for line in blocked),
        public.to_toml() + notes,
        tuple(file for files in negative for file in files),
        tuple(background),
    )


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
