"""The folder of drafts: every file for its owner alone, and the list of them all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.evidence.notices.attachment import SCHEMA, json_document
from clonedetect.evidence.notices.material import Gathered, Left
from clonedetect.models.case import CaseContents

__all__ = ["INDEX", "Draft", "index_document", "refuse_taken", "write_folder"]

INDEX: Final = "notices.json"


@dataclass(frozen=True, slots=True)
class Draft:
    """One part of one letter: its files, what it takes in a mail, what is left blank, what to look at."""

    kind: str
    recipient: str
    part: int
    parts: int
    entries: int
    size_bytes: int
    files: tuple[str, ...]
    left_blank: tuple[str, ...]
    look_at_first: tuple[str, ...]


def index_document(
    contents: CaseContents,
    drafts: tuple[Draft, ...],
    left: tuple[Left, ...],
    gathered: Gathered,
    papers: Mapping[str, bytes],
) -> bytes:
    """Return the list for the house: every file with its digest, every refusal, and who confirmed what."""
    document = {
        "schema": SCHEMA,
        "case_id": contents.case_id,
        "is_sent": False,
        "drafts": drafts,
        "refused": left,
        "confirmed_by": [
            {
                "finding_id": one.finding.finding_id,
                "by": one.decision.by,
                "note": one.decision.note,
                "decided_at": one.decision.decided_at,
            }
            for one in gathered.material
        ],
        "not_used": {
            "rejected": gathered.rejected,
            "unsure": gathered.unsure,
            "undecided": gathered.undecided,
        },
        "files": {
            name: f"sha256:{hashlib.sha256(data).hexdigest()}" for name, data in sorted(papers.items())
        },
    }
    return json_document(msgspec.to_builtins(document))


def refuse_taken(out: Path) -> None:
    """Raise InputError where `out` is anything but a new or an empty folder."""
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise InputError(f"{out} exists already; name a folder that does not exist, or is empty")


def write_folder(out: Path, papers: Mapping[str, bytes]) -> None:
    """Write all files beside the destination, for the owner alone, and only then give the folder its name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        for name, data in papers.items():
            path = partial_folder / name
            path.touch(mode=0o600)
            path.write_bytes(data)
        partial_folder.replace(out)
    except BaseException:
        shutil.rmtree(partial_folder)
        raise
