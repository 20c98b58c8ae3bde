"""The export: one case as a sealed bag that a stranger can check offline.

Nothing in a package but its timestamps depends on when it was made. It is written beside its
destination, sealed, checked with the verifier that it carries, and only then
given its name: there is never half a package.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clonedetect.errors import IncompleteError, InputError, VerificationError
from clonedetect.evidence import documents
from clonedetect.evidence.authority import require_authority
from clonedetect.evidence.bagit import write_bag
from clonedetect.evidence.clock import clock_sentence
from clonedetect.evidence.exhibits import Selection, select, unreviewed
from clonedetect.evidence.records import JoinedArchive, custody_lines, join_archives
from clonedetect.evidence.report import render
from clonedetect.evidence.rows import PACKAGED, By
from clonedetect.evidence.seal import seal
from clonedetect.evidence.sheets import EPOCH, to_csv, to_xlsx
from clonedetect.evidence.shipped import SCHEMAS, shipped_bytes
from clonedetect.evidence.shipped.verify import WARC, Check, Folder, Result
from clonedetect.evidence.shipped.verify import verify as check
from clonedetect.evidence.stamping import judge_stamp, stamp_head
from clonedetect.evidence.tables import rows_by
from clonedetect.models.case import CaseContents, GrantFile
from clonedetect.models.ids import Digest
from clonedetect.timestamp.authorities import Asked
from clonedetect.timestamp.custody import stamps_in
from clonedetect.timestamp.inquiry import Stamped, Unstamped

__all__ = ["PackageSummary", "export", "write_zip"]


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What was written: where, how much, and how many findings are shown, left out, or unseen by people."""

    path: Path
    zip_path: Path | None
    signer: str | None
    files: int
    size_bytes: int
    exhibits: int
    left_out: int
    unreviewed: int
    captures: int
    is_rehearsal: bool
    stamps: tuple[Stamped | Unstamped, ...] = ()


def export(
    contents: CaseContents,
    case_folder: Path,
    out: Path,
    *,
    key: Ed25519PrivateKey | None,
    as_zip: bool,
    software: tuple[tuple[str, str], ...],
    blocked: frozenset[Digest] = frozenset(),
    asked: Asked | None = None,
) -> PackageSummary:
    """Write the case as a package at `out`, and as ``out.zip`` beside it if asked.

    Each authority of `asked` timestamps the head; of one that fails, the summary
    says so, and the package is written without its answer.

    `out` must not exist, or be an empty folder. `software` names what exports,
    our own first. Objects whose digest is `blocked` are never copied or shown.
    Raises IncompleteError where anything of the case is missing, VerificationError where
    anything was changed or no grant of the case covers it, InputError where `out` is taken.
    """
    zip_path = out.with_name(f"{out.name}.zip") if as_zip else None
    _refuse_taken(out, zip_path)
    if not contents.captures:
        raise IncompleteError(f"case {contents.case_id} holds no capture: there is nothing to export")
    selection = select(contents, blocked)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        root = partial / "package"
        root.mkdir(mode=0o700)
        _write(contents, case_folder, root, selection, software)
        signer = seal(root, key, asked)
        stamps = stamp_head(root, asked) if asked else ()
        _check(root)
        if zip_path:
            write_zip(root, partial / "package.zip", contents.case_id)
            (partial / "package.zip").replace(zip_path)
        root.replace(out)
    finally:
        shutil.rmtree(partial)
    files = [path for path in out.rglob("*") if path.is_file()]
    return PackageSummary(
        path=out,
        zip_path=zip_path,
        signer=signer,
        files=len(files),
        size_bytes=sum(path.stat().st_size for path in files),
        exhibits=len(selection.exhibits),
        left_out=len(selection.left_out),
        unreviewed=unreviewed(contents),
        captures=len(contents.captures),
        is_rehearsal=contents.is_rehearsal,
        stamps=stamps,
    )


def _refuse_taken(out: Path, zip_path: Path | None) -> None:
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise InputError(f"{out} exists already; name a folder that does not exist, or is empty")
    if zip_path and os.path.lexists(zip_path):
        raise InputError(f"{zip_path} exists already; move it away or name another folder")


def _write(
    contents: CaseContents,
    case_folder: Path,
    root: Path,
    selection: Selection,
    software: tuple[tuple[str, str], ...],
) -> None:
    data = root / "data"
    data.mkdir()
    custody = custody_lines(case_folder / "custody.jsonl")
    (data / "custody.jsonl").write_bytes(custody)
    archive = join_archives(case_folder, contents.archive_files, root / WARC)
    require_authority(contents, documents.started(archive))
    grants = _write_grants(contents.grants, root)
    _copy_objects(case_folder, data, _shown_objects(selection) | _stamp_objects(custody))
    if contents.sample is not None:
        _copy_objects(
            case_folder, data, {contents.sample.frame_digest: "the list that a sample was drawn from"}
        )
        (data / "sample.json").write_bytes(documents.sample(contents))
    if contents.supplied:
        (data / "supplied.jsonl").write_bytes(documents.json_lines(documents.supplied(contents)))
    _write_documents(contents, data, archive, selection)
    clock = documents.clock(contents, archive)
    (data / "provenance.json").write_bytes(documents.provenance(contents, grants, software, clock))
    report = render(
        contents,
        selection,
        lambda digest: (data / documents.object_path(digest)).read_bytes(),
        software,
        clock=clock_sentence(clock),
    )
    (data / "report.html").write_bytes(report.encode())
    tables = {by: rows_by(contents, by) for by in PACKAGED}
    for name, by in (("findings", By.PAGE), ("sites", By.SITE), ("accounts", By.ACCOUNT)):
        (data / f"{name}.csv").write_bytes(to_csv(tables[by], by))
    (data / "findings.xlsx").write_bytes(to_xlsx(tables))
    _write_shipped(root)
    write_bag(root, _bag_info(contents, software))


def _write_documents(
    contents: CaseContents, data: Path, archive: JoinedArchive, selection: Selection
) -> None:
    rows = {
        "captures": documents.captures(contents, archive),
        "network": documents.network(contents, archive),
        "matches": documents.matches(contents, selection),
        "verdicts": documents.verdicts(contents),
        "refusals": documents.refusals(contents),
        "not_visited": documents.not_visited(contents),
        "decisions": documents.decisions(contents),
        "traits": documents.traits(contents),
    }
    for name, document in rows.items():
        (data / f"{name}.jsonl").write_bytes(documents.json_lines(document))


def _write_grants(grants: Sequence[GrantFile], root: Path) -> list[tuple[GrantFile, str]]:
    """Write each grant byte for byte with its signatures, in a numbered folder each if there are several."""
    placed = []
    for number, grant in enumerate(grants, 1):
        folder = "data" if len(grants) == 1 else f"data/grants/{number:02}"
        (root / folder).mkdir(parents=True, exist_ok=True)
        parts = (("", grant.data), (".sig", grant.signature), (".countersig", grant.countersignature))
        for suffix, content in parts:
            if content is not None:
                (root / folder / f"grant.toml{suffix}").write_bytes(content)
        placed.append((grant, f"{folder}/grant.toml"))
    return placed


def _shown_objects(selection: Selection) -> dict[Digest, str]:
    """Return the objects that exhibits show, both sides."""
    wanted = {exhibit.finding.content_digest for exhibit in selection.exhibits}
    wanted |= {one.reference.object_digest for one in selection.exhibits if one.reference.object_digest}
    return dict.fromkeys(wanted, "which an exhibit shows")


def _stamp_objects(custody: bytes) -> dict[Digest, str]:
    """Return the objects that the timestamps of the custody log are made of."""
    try:
        stamps = stamps_in(custody.splitlines(keepends=True))
    except ValueError as error:
        raise VerificationError(f"custody.jsonl names a timestamp that is none: {error}") from error
    wanted = {digest for one in stamps for digest in (one.query, one.answer, one.roots)}
    return dict.fromkeys(wanted, "of a timestamp that custody names")


def _copy_objects(case_folder: Path, data: Path, wanted: Mapping[Digest, str]) -> None:
    """Copy objects, each with what it is for, under names made of digests alone."""
    for digest, purpose in sorted(wanted.items()):
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise VerificationError(f"{digest!a} is no digest")
        inner = documents.object_path(digest)
        (data / inner).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(case_folder / inner, data / inner)
        except FileNotFoundError as error:
            raise IncompleteError(f"{inner}, {purpose}, is missing from the case") from error


def _write_shipped(root: Path) -> None:
    for name in ("VERIFY.md", "verify.sh", "verify.py"):
        (root / name).write_bytes(shipped_bytes(name))
    (root / "schemas").mkdir()
    for name in SCHEMAS:
        file = f"schemas/{name}.schema.json"
        (root / file).write_bytes(shipped_bytes(file))


def _bag_info(contents: CaseContents, software: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    last = max(capture.captured_at for capture in contents.captures)
    return (
        ("Bag-Software-Agent", " ".join(software[0]) if software else "clonedetect"),
        ("Bagging-Date", last.astimezone(UTC).date().isoformat()),
        ("External-Identifier", contents.case_id),
    )


def _check(root: Path) -> None:
    """Run the package's own verifier on it before it gets its name; timestamps of the head may come later."""
    checks = check(Folder(root), judge=judge_stamp)
    for result, error in ((Result.FAILED, VerificationError), (Result.MISSING, IncompleteError)):
        notes = [
            f"{one.name}: {one.notes[0]}" for one in checks if one.result is result and not _may_come(one)
        ]
        if notes:
            raise error(f"the case does not make a whole package: {'; '.join(notes)}")


def _may_come(check: Check) -> bool:
    return check.name == "existence in time" and check.result is Result.MISSING


def _folder_name(case_id: str) -> str:
    """Return the folder inside the zip: the case's id without anything that reads as a path."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", case_id).strip("-")[:80] or "case"


def write_zip(root: Path, target: Path, case_id: str) -> None:
    """Write a zip whose bytes depend on the package alone: sorted, stored, one fixed time."""
    folder = _folder_name(case_id)
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder}/{path.relative_to(root).as_posix()}", EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as stream:
                shutil.copyfileobj(source, stream, 1 << 20)
