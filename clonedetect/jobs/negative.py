"""The operator's bank of pictures that prove nothing, from files to what `match` asks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from clonedetect.errors import InputError, MediaError
from clonedetect.extract.sandbox import Killed, Sandbox
from clonedetect.index.features import FeatureIndex
from clonedetect.index.hamming import HammingIndex
from clonedetect.match.bank import NegativeBank
from clonedetect.models.ids import Digest, ItemId, MediaId, digest_of
from clonedetect.models.reference import ImageReference
from clonedetect.models.signal import VIEWS_PER_MEDIA, ImageSignals
from clonedetect.settings.file import SettingsFile
from clonedetect.signals.boxes import WHOLE_VIEWS
from clonedetect.signals.image import image_signals

__all__ = ["BankFile", "bank_digest", "bank_of", "list_bank", "negative_bank"]

_KEY: Final = "banks.negative_images"
_MOST_BYTES: Final = 50_000_000
_WORKERS: Final = 2
_TIMEOUT_S: Final = 20.0
_MEMORY_BYTES: Final = 3 << 30


@dataclass(frozen=True, slots=True)
class BankFile:
    """One file of the bank: where it is, the name it is told by, and its bytes' digest."""

    path: Path
    name: str
    digest: Digest


def list_bank(chosen: SettingsFile, name: str) -> tuple[BankFile, ...]:
    """Return the files that one entry of the settings names: a picture, or all below a folder, in order.

    Names that begin with a dot are passed over. Raises InputError for what is not there
    or cannot be read, and for a folder without a file.
    """
    path = chosen.located(name)
    if path.is_dir():
        files = [(one, f"{name}/{one.relative_to(path).as_posix()}") for one in _walked(path)]
        if not files:
            raise InputError(f"{_KEY}: the folder {path} holds no picture: name another or take it out")
    else:
        files = [(path, name)]
    return tuple(BankFile(one, said, digest_of(_read(one))) for one, said in files)


def bank_digest(files: Sequence[BankFile]) -> Digest:
    """Return one digest over the sorted digests of `files`: renaming and reordering do not change it."""
    return _over(file.digest for file in files)


def negative_bank(files: Sequence[BankFile]) -> NegativeBank | None:
    """Return the bank of `files`, hashed in killable workers; None where none is named.

    A picture that is there twice counts once. Raises InputError for a file that is no
    usable picture, or has changed since it was listed.
    """
    named = {file.digest: file for file in reversed(files)}
    distinct = sorted(named.values(), key=lambda file: file.name)
    if not distinct:
        return None
    with (
        Sandbox(
            _WORKERS,
            timeout_s=_TIMEOUT_S,
            memory_bytes=_MEMORY_BYTES,
            preload=("clonedetect.signals.image",),
        ) as sandbox,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        signals = list(pool.map(lambda file: _signals(sandbox, file), distinct))
    return bank_of([(file.name, one) for file, one in zip(distinct, signals, strict=True)])


def bank_of(named: Sequence[tuple[str, ImageSignals]]) -> NegativeBank:
    """Return the bank of pictures by name, their lookups in memory."""
    pictures = tuple(_reference(MediaId(number), *entry) for number, entry in enumerate(named))
    votes = FeatureIndex()
    for picture in pictures:
        if picture.features is not None:
            votes.add(picture.media_id, picture.features)
    signals = [one for _, one in named]
    return NegativeBank(pictures, _hashes(signals), votes, _over(one.digest for one in signals))


def _over(digests: Iterable[Digest]) -> Digest:
    return digest_of("\n".join(sorted(digests)).encode())


def _walked(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise InputError(f"{_KEY}: {error.filename} cannot be read: {error.strerror}") from error


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise InputError(f"{_KEY}: {path} is neither a file nor a folder")
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{_KEY}: {path} cannot be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{_KEY}: {path} is larger than {_MOST_BYTES // 1_000_000} MB")
    return data


def _signals(sandbox: Sandbox, file: BankFile) -> ImageSignals:
    data = _read(file.path)
    if digest_of(data) != file.digest:
        raise InputError(f"{_KEY}: {file.path} changed while it was read; run the command again")
    try:
        answer = sandbox.call(image_signals, data)
    except MediaError as error:
        raise InputError(f"{_KEY}: {file.path}: {error}") from error
    if isinstance(answer, Killed):
        raise InputError(f"{_KEY}: {file.path}: the picture decoder was stopped: {answer.reason}")
    return answer


def _reference(media_id: MediaId, name: str, signals: ImageSignals) -> ImageReference:
    return ImageReference(
        media_id=media_id,
        item_id=ItemId(name),
        account_id=None,
        permalink=None,
        digest=signals.digest,
        width=signals.width,
        height=signals.height,
        quality=signals.quality,
        bits=signals.hashes[0].bits,
        thumbnail=signals.thumbnail,
        features=signals.features,
        views=tuple(view.view for view in signals.hashes),
    )


def _hashes(signals: Sequence[ImageSignals]) -> HammingIndex:
    """Return the lookup of the views of all of each picture; parts of a logo are nobody's logo."""
    rows = [
        (view.bits, media * VIEWS_PER_MEDIA + number)
        for media, one in enumerate(signals)
        for number, view in enumerate(one.hashes)
        if view.view in WHOLE_VIEWS
    ]
    bits = np.frombuffer(b"".join(row[0] for row in rows), dtype=np.uint8).reshape(-1, 32)
    return HammingIndex(bits, np.array([row[1] for row in rows], dtype=np.int64))
