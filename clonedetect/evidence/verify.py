"""Verification of a package in a folder or a zip, with an exit code and every check named.

The checks are those of the verifier that ships in every package, run from this
installation and not from the package. They are numbered there:
1 files, 2 bag, 3 payload, 4 tag files, 5 seal folder, 6 head, 7 signature,
8 signer identity, 9 custody, 10 records, 11 captures, 12 matches, 13 grants,
14 existence in time, 15 sample, 16 captures in time, 17 timestamp roots. Timestamps are judged by
rfc3161-client, and by openssl where that refuses one. Added here: what a zip must be before anything in it is
read (also under 1), and a second opinion on the signature by OpenSSL's own
Ed25519 (under 7).
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clonedetect.errors import ExitCode, InputError
from clonedetect.evidence.shipped.verify import Check, Files, Folder, Result, conclusion, public_key
from clonedetect.evidence.shipped.verify import verify as run_checks
from clonedetect.evidence.stamping import judge_stamp

__all__ = ["VerificationReport", "ZipLimits", "verify"]

_SIGNED = ("seal/head.json", "seal/head.json.sig", "seal/signer.pub.pem")


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How large a zip may be, unpacked and against its packed size (64 KB are free of the ratio)."""

    entries: int = 200_000
    size_bytes: int = 64 << 30
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """Every check with its result; `exit_code` is 0, 6 (anything changed) or 7 (anything missing)."""

    package: str
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> ExitCode:
        """The heaviest result as an exit code."""
        results = {check.result for check in self.checks}
        if Result.FAILED in results:
            return ExitCode.VERIFICATION
        return ExitCode.INCOMPLETE if Result.MISSING in results else ExitCode.DONE

    @property
    def conclusion(self) -> str:
        """What all checks say together, in the words of the verifier that ships in the package."""
        return conclusion(self.checks)

    @property
    def not_checked(self) -> tuple[str, ...]:
        """Names of what was not checked."""
        return tuple(check.name for check in self.checks if check.result is Result.NOT_CHECKED)


def verify(
    package: Path,
    *,
    signer: str | None = None,
    roots: bytes | None = None,
    limits: ZipLimits | None = None,
) -> VerificationReport:
    """Check a package; `signer` is the fingerprint that its key must have (`seal.signer_fingerprint`).

    `roots` (PEM) are those that its timestamps must hold under, beside the ones in the package.

    Raises InputError where `package` is neither a folder nor a zip; everything
    that is wrong inside is in the report.
    """
    if package.is_dir():
        return VerificationReport(str(package), _checked(Folder(package), signer, roots))
    try:
        archive = zipfile.ZipFile(package)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{package} is neither a package's folder nor a zip: {error}") from error
    with archive:
        return VerificationReport(str(package), _checked_zip(archive, signer, roots, limits or ZipLimits()))


def _checked_zip(
    archive: zipfile.ZipFile, signer: str | None, roots: bytes | None, limits: ZipLimits
) -> tuple[Check, ...]:
    refused = _refused(archive, limits)
    try:
        return _checked(_Zip(archive), signer, roots) if not refused else _unreadable(refused)
    # NotImplementedError is how zipfile refuses a compression method, which a changed header can name.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        return _unreadable((f"the zip was changed: {error}",))


def _unreadable(notes: tuple[str, ...]) -> tuple[Check, ...]:
    rest = ("nothing of such a zip is read any further",)
    return (
        Check(1, "files", Result.FAILED, notes),
        Check(2, "everything else", Result.NOT_CHECKED, rest),
    )


def _checked(files: Files, signer: str | None, roots: bytes | None) -> tuple[Check, ...]:
    checks = run_checks(files, signer, roots, judge_stamp)
    return tuple(_confirmed(files, check) if check.name == "signature" else check for check in checks)


def _confirmed(files: Files, check: Check) -> Check:
    """Let OpenSSL's implementation have its say where ours accepts a signature."""
    if check.result is not Result.PASSED:
        return check
    head, signature, pem = (_read(files, name) for name in _SIGNED)
    try:
        Ed25519PublicKey.from_public_bytes(public_key(pem)).verify(signature, head)
    except InvalidSignature:
        return replace(check, result=Result.FAILED, notes=("two implementations disagree on the signature",))
    return check


def _read(files: Files, name: str) -> bytes:
    with files.open(name) as stream:
        return stream.read()


# ---------------------------------------------------------------- zip


def _refused(archive: zipfile.ZipFile, limits: ZipLimits) -> tuple[str, ...]:
    """Return why nothing of this zip may be read; nothing for one that may."""
    entries = archive.infolist()
    if len(entries) > limits.entries:
        return (f"{len(entries)} entries are more than {limits.entries}",)
    problems = [
        f"{entry.filename!a} {problem}" for entry in entries for problem in _entry_problems(entry, limits)
    ]
    names = [entry.filename for entry in entries]
    counted = Counter(name.rstrip("/") for name in names)
    problems += [f"{name!a} is there twice" for name, count in sorted(counted.items()) if count > 1]
    if (total := sum(entry.file_size for entry in entries)) > limits.size_bytes:
        problems.append(f"{total} bytes unpacked are more than {limits.size_bytes}")
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or any("/" not in name for name in names):
        problems.append("there is not exactly one folder at the top")
    return tuple(problems)


def _entry_problems(entry: zipfile.ZipInfo, limits: ZipLimits) -> Iterator[str]:
    path = PurePosixPath(entry.filename)
    mode = entry.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in entry.orig_filename or "\0" in entry.orig_filename:
        yield "leads out of the package"
    if not entry.is_dir() and str(path) != entry.filename:
        yield "is not written as a name is"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield "is a link or a special file"
    if entry.flag_bits & 1:
        yield "is encrypted"
    if entry.file_size > (1 << 16) and entry.file_size > limits.ratio * entry.compress_size:
        yield f"unpacks to more than {limits.ratio} times its size"


class _Zip:
    """The files of a zip that `_refused` found nothing against, read without unpacking it to disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {
            entry.filename.partition("/")[2]: entry for entry in archive.infolist() if not entry.is_dir()
        }

    def names(self) -> tuple[str, ...]:
        """Return the names of all files below the zip's one folder, sorted."""
        return tuple(sorted(self._entries))

    def refused(self) -> tuple[str, ...]:
        """Return nothing: such a zip is not opened in the first place."""
        return ()

    def open(self, name: str) -> IO[bytes]:
        """Open one file; it ends where the zip's directory says it does."""
        return self._archive.open(self._entries[name])
