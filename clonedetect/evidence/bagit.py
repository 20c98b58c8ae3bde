"""BagIt 1.0 (RFC 8493), written by hand: the library of that name writes the version before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from clonedetect.evidence.shipped.verify import BAGIT, CHUNK, MANIFESTS

__all__ = ["write_bag"]


def write_bag(root: Path, info: Sequence[tuple[str, str]]) -> None:
    """Make a bag of `root`, which holds ``data/`` and the other tag files but ``seal/``.

    Digests are of what is read back from disk. `info` goes into bag-info.txt,
    followed by the payload's size and number of files.
    """
    payload = _files(root / "data")
    size = sum(path.stat().st_size for path in payload)
    fields = [*info, ("Payload-Oxum", f"{size}.{len(payload)}")]
    lines = (f"{label}: {_one_line(value)}\n" for label, value in fields)
    (root / "bagit.txt").write_bytes(BAGIT)
    (root / "bag-info.txt").write_bytes("".join(lines).encode())
    for name, algorithm in zip(MANIFESTS, ("sha256", "sha512"), strict=False):
        _write_manifest(root, name, algorithm, payload)
    tags = [path for path in _files(root) if not path.is_relative_to(root / "data")]
    _write_manifest(root, MANIFESTS[2], "sha256", tags)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _one_line(value: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _write_manifest(root: Path, name: str, algorithm: str, paths: Iterable[Path]) -> None:
    rows = sorted((path.relative_to(root).as_posix(), path) for path in paths)
    lines = (f"{_digest(path, algorithm)}  {inner}\n" for inner, path in rows)
    (root / name).write_bytes("".join(lines).encode())


def _digest(path: Path, algorithm: str) -> str:
    hasher = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            hasher.update(data)
    return hasher.hexdigest()
