"""WACZ (Web Archive Collection Zipped, 1.1.1): a zip of WARC files and what is said of them.

The zip is looked at before anything in it is read: names that lead out of it,
links, duplicates, encryption, too many entries or too much content refuse it as a whole.
``datapackage.json`` states the digest of every file; a WARC that does not have its
own is refused.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from clonedetect.archive.supplied.message import Fault, Found, PassedOver, Software
from clonedetect.archive.supplied.warc_file import read_warc

__all__ = ["read_wacz"]

_ENTRIES = 20_000
_TOTAL_BYTES = 64_000_000_000
_RATIO = 200
_FREE_BYTES = 100_000_000
_DOCUMENT_BYTES = 16_000_000
_CHUNK = 1 << 20
T = TypeVar("T")
_PACKAGE = "datapackage.json"
_PACKAGE_DIGEST = "datapackage-digest.json"
_WARC = re.compile(r"\.warc(?:\.gz)?\Z", re.IGNORECASE)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What the standard library raises for zip files that are damaged or of another kind."""


class _Resource(msgspec.Struct):
    path: str = ""
    hash: str = ""


class _Package(msgspec.Struct):
    resources: list[_Resource] = []
    software: str = ""


class _PackageDigest(msgspec.Struct):
    hash: str = ""


class _RefusedError(Exception):
    """Why the whole file is not read; `args` are reason and kind."""


def read_wacz(path: Path) -> Iterator[Found]:
    """Yield everything that the WARC files of the WACZ hold; their places begin with the entry's name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = _checked(archive)
            package = _package(archive, names)
            if package.software:
                yield Software(package.software[:300])
            yield from _entries(archive, names, package)
    except _RefusedError as error:
        reason, kind = error.args
        yield Fault("the zip file", str(reason), str(kind))
    except _BROKEN as error:
        yield Fault("the zip file", f"it cannot be read: {error}", "damaged")


def _entries(
    archive: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo], package: _Package
) -> Iterator[Found]:
    stated = {one.path: one.hash for one in package.resources}
    for name, entry in names.items():
        if not _WARC.search(name):
            if not entry.is_dir():
                yield PassedOver("index, page list or other file of the WACZ")
            continue
        try:
            wrong = _wrong_hash(archive, entry, stated.get(name, ""))
            if wrong:
                yield Fault(name, wrong, "not the digest that datapackage.json states")
                continue
            with archive.open(entry) as stream:
                yield from read_warc(stream, entry.file_size, name)
        except _BROKEN as error:
            yield Fault(name, f"the entry cannot be read: {error}", "damaged")
    missing = sorted(path for path in stated if path and path not in names)
    for path in missing:
        yield Fault(path, "datapackage.json lists it, and it is not there", "missing from the WACZ")


def _checked(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by name; raises _RefusedError for a zip that is made to do harm."""
    entries = archive.infolist()
    if len(entries) > _ENTRIES:
        raise _RefusedError(f"{len(entries)} entries, more than {_ENTRIES}", "a hostile zip")
    names: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        wrong = _wrong_entry(entry)
        if wrong:
            raise _RefusedError(f"entry {entry.filename[:120]!a} {wrong}", "a hostile zip")
        if entry.filename in names:
            raise _RefusedError(f"entry {entry.filename[:120]!a} is there twice", "a hostile zip")
        names[entry.filename] = entry
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > _TOTAL_BYTES or (total > _FREE_BYTES and total > _RATIO * packed):
        raise _RefusedError(f"{packed} bytes unpack to {total}", "it inflates too far")
    if not any(_WARC.search(name) for name in names):
        raise _RefusedError("a zip file without any WARC file is no WACZ", "no WARC in it")
    return names


def _wrong_entry(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "has an absolute name"
    if "\\" in name or "\x00" in entry.orig_filename or ".." in name.split("/"):
        return "has a name that leads out of the file"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return ""


def _package(archive: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> _Package:
    if _PACKAGE not in names:
        raise _RefusedError(f"there is no {_PACKAGE}: it is no WACZ", "no datapackage.json")
    data = _document(archive, names[_PACKAGE])
    if _PACKAGE_DIGEST in names:
        stated = _decoded(_document(archive, names[_PACKAGE_DIGEST]), _PackageDigest, _PACKAGE_DIGEST).hash
        if stated and stated.lower() != f"sha256:{hashlib.sha256(data).hexdigest()}":
            reason = f"{_PACKAGE} does not have the digest that {_PACKAGE_DIGEST} states ({stated[:100]})"
            raise _RefusedError(reason, "not the digest that datapackage-digest.json states")
    return _decoded(data, _Package, _PACKAGE)


def _decoded(data: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _RefusedError(f"{name} cannot be read: {error}", f"unreadable {name}") from error


def _document(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        data = stream.read(_DOCUMENT_BYTES + 1)
    if len(data) > _DOCUMENT_BYTES:
        raise _RefusedError(f"{entry.filename} is larger than {_DOCUMENT_BYTES} bytes", "too large")
    return data


def _wrong_hash(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, stated: str) -> str:
    """Return what is wrong with the digest stated of an entry; nothing where none is stated."""
    if not stated:
        return ""
    algorithm, _, value = stated.partition(":")
    if algorithm.lower().replace("-", "") not in ("sha256", "sha512", "md5"):
        return ""
    digest = hashlib.new(algorithm.lower().replace("-", ""), usedforsecurity=False)
    with archive.open(entry) as stream:
        while data := stream.read(_CHUNK):
            digest.update(data)
    return "" if digest.hexdigest() == value.lower() else f"it does not have the digest {stated[:150]}"
