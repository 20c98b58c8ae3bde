#!/usr/bin/env python3
"""Check an evidence package offline, with nothing but Python's standard library (3.10 or newer).

    python3 verify.py [FOLDER] [--signer FINGERPRINT] [--tsa-roots PEM]

Exit codes: 0 nothing found wrong; 1 tampered, or sealed by another key; 2 files
or tools are missing, or a wrong argument. FOLDER is by default the folder of this
file. Timestamps are put to the program openssl, where there is one.

The checks, by number:

 1. files: only plain files, no links, no names that lead out of the package.
 2. bag: bagit.txt and bag-info.txt are those of BagIt 1.0 (RFC 8493), size and number of files are right.
 3. payload: both payload manifests list exactly the files below data/, with their digests.
 4. tag files: the tag manifest lists exactly the files outside data/ and seal/, with their digests.
 5. seal folder: nothing but the named files.
 6. head: seal/head.json is, byte for byte, what manifests, custody and signer's key give.
 7. signature: Ed25519 (RFC 8032) over head.json with the key in seal/signer.pub.pem.
 8. signer identity: the key has the fingerprint you were given. Nothing inside the package can prove it.
 9. custody: every line holds the digest of the line before; numbers run from 1 without a gap.
10. records: every WARC record's block and payload have the digests that it states.
11. captures: every capture names records that are there, at that place, with those digests, says what
    the record that closes it says, and stands in custody; none that archive or custody name is left out.
12. matches: every match names records and objects that are there, with those digests, and that are of
    the page and the picture it names.
13. grants: every capture names a grant that is shipped with exactly these bytes.
14. existence in time: every timestamp that head.json asked for is there, and binds head.json (RFC 3161):
    status, imprint, nonce, signature, chain to seal/tsa-roots.pem as of its time, key usage.
15. sample: where addresses were drawn at random, the list is there, the draw gives the same addresses
    again, and custody names it; a case without a sample names none.
16. supplied captures: what somebody else captured names its file, which is listed and stands in custody, and
    every match that rests on it says so; what the operator captured names none.
17. captures in time: every timestamp that custody names binds the line that it names, as in 14. Left out
    where custody names none.
18. timestamp roots: the timestamps hold under the roots that you gave, not only under those in the
    package, which whoever sealed it chose. Left out where there is no timestamp.

All of it stands in one file on purpose, so that a stranger can read it from
top to bottom, carry it alone, and run it without installing anything.
"""

# ruff: noqa: T201  a program of its own, which speaks on standard output
from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

CHUNK = 1 << 20
MAX_LINE = 64 << 20
MAX_HEADER = 1 << 20
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFESTS = ("manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt")
NONE = "none asked for"
FINGERPRINT = "FINGERPRINT is 64 hexadecimal digits, with or without sha256: before them."
WARC = "data/capture.warc.gz"
SAMPLE = "data/sample.json"
SUPPLIED = "data/supplied.jsonl"
IDENTICAL_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED_PROFILE = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
ROOTS = "seal/tsa-roots.pem"
FACTS_TYPE = "application/vnd.clonedetect.capture+json"
UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    OSError,
    RecursionError,
    zlib.error,
)


class Result(Enum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Check:
    """One numbered check, its result, and a sentence for each thing found.

    `only_added`: it failed, and for no other reason than files that nobody sealed.
    """

    number: int
    name: str
    result: Result
    notes: tuple[str, ...] = ()
    only_added: bool = False


class Files(Protocol):
    """A package's files by name, from a folder or an archive."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all plain files, with ``/`` between folders, sorted."""
        ...

    def refused(self) -> tuple[str, ...]:
        """Return a sentence for each entry that is no plain file or leads out of the package."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open one of `names` for reading."""
        ...


class Folder:
    """The files of a package that lies in a folder; links are named, never followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        found, refused = [], []
        for top, folders, files in os.walk(root):
            for name in folders + files:
                path = Path(top, name)
                mode, inner = path.lstat().st_mode, path.relative_to(root).as_posix()
                if stat.S_ISREG(mode):
                    found.append(inner)
                elif not stat.S_ISDIR(mode):
                    refused.append(f"{inner!a} is a link or a special file")
        self._names, self._refused = tuple(sorted(found)), tuple(sorted(refused))

    def names(self) -> tuple[str, ...]:
        """Return the names of all plain files, sorted."""
        return self._names

    def refused(self) -> tuple[str, ...]:
        """Return a sentence for each link and special file."""
        return self._refused

    def open(self, name: str) -> IO[bytes]:
        """Open one file for reading."""
        return (self._root / name).open("rb")


class Notes:
    """What one check found: changed and added weigh more than missing, missing more than nothing.

    `told` is what was found to hold and is worth saying; `is_void` that there is nothing to check.
    """

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.added: list[str] = []
        self.missing: list[str] = []
        self.unchecked: list[str] = []
        self.told: list[str] = []
        self.is_void = False

    def need(self, claim: bool, sentence: str) -> None:
        """Note `sentence` as a change unless `claim` holds."""
        if not claim:
            self.changed.append(sentence)

    def result(self) -> Result:
        """Return the heaviest result."""
        if self.changed or self.added:
            return Result.FAILED
        if self.missing:
            return Result.MISSING
        return Result.NOT_CHECKED if self.unchecked else Result.PASSED

    def check(self, number: int, name: str) -> Check:
        """Return the check with everything that was noted, the heaviest first."""
        notes = (*self.changed, *self.added, *self.missing, *self.unchecked, *self.told)
        return Check(number, name, self.result(), notes, bool(self.added) and not self.changed)


@dataclass(frozen=True)
class Stamp:
    """A timestamp: the bytes that it binds, in words too, the query and the answer of one authority."""

    what: str
    message: bytes
    query: bytes
    answer: bytes


class ToolMissing(Exception):  # noqa: N818  no error of the package
    """Nothing is here that could look at a timestamp."""


Judge = Callable[[Stamp, bytes], "tuple[str, str]"]
"""Returns a stamp's time (``2026-11-03T09:30:00Z``) and by whom it was verified, under roots in PEM.

Raises ValueError with the reason where it does not hold, ToolMissing where nobody could look.
"""


class Package:
    """A package under examination: every file digested once, records read once."""

    def __init__(self, files: Files, signer: str | None, roots: bytes | None, judge: Judge) -> None:
        self.files, self.signer, self.roots, self.judge = files, signer, roots, judge
        self.stamps: list[Stamp] = []
        self.names = frozenset(files.names())
        self.digests = {name: _digests(files.open(name)) for name in files.names()}
        self.sizes = {name: size for name, (_, _, size) in self.digests.items()}
        self.records: dict[str, Record] = {}

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of one file in hexadecimal; a missing one raises FileNotFoundError."""
        if name not in self.names:
            raise FileNotFoundError(f"{name} is missing")
        return self.digests[name][0]

    def read(self, name: str) -> bytes:
        """Return one file whole (at most 64 MB)."""
        self.sha256(name)
        if self.sizes[name] > MAX_LINE:
            raise ValueError(f"{name} is larger than any package writes it")
        with self.files.open(name) as stream:
            return stream.read()

    def lines(self, name: str) -> Iterator[bytes]:
        """Give the lines of one file, each with its newline."""
        self.sha256(name)
        with self.files.open(name) as stream:
            while line := stream.readline(MAX_LINE):
                yield line

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Give the JSON objects of one file, one a line."""
        for line in self.lines(name):
            yield json.loads(line)


def _digests(stream: IO[bytes]) -> tuple[str, str, int]:
    first, second, size = hashlib.sha256(), hashlib.sha512(), 0
    with stream:
        while data := stream.read(CHUNK):
            first.update(data)
            second.update(data)
            size += len(data)
    return first.hexdigest(), second.hexdigest(), size


# ---------------------------------------------------------------- bag and seal


def check_files(package: Package, notes: Notes) -> None:
    """1. files."""
    notes.changed.extend(package.files.refused())


def check_bag(package: Package, notes: Notes) -> None:
    """2. bag."""
    notes.need(package.read("bagit.txt") == BAGIT, "bagit.txt is not that of BagIt 1.0")
    payload = [size for name, size in package.sizes.items() if name.startswith("data/")]
    stated = re.findall(r"^Payload-Oxum: (\d+)\.(\d+)$", package.read("bag-info.txt").decode(), re.MULTILINE)
    notes.need(len(stated) == 1, "bag-info.txt does not state the payload's size")
    size, count = (int(figure) for figure in stated[0])
    if len(payload) < count:
        notes.missing.append(f"data/ holds {len(payload)} files of {count}")
    elif len(payload) > count:  # whether those that were sealed are unchanged, the manifests tell
        notes.added.append(f"data/ holds {len(payload)} files, and {count} were sealed")
    else:
        notes.need(
            (sum(payload), len(payload)) == (size, count), "data/ has another size than bag-info.txt states"
        )


def check_payload(package: Package, notes: Notes) -> None:
    """3. payload."""
    inside = {name for name in package.names if name.startswith("data/")}
    for manifest, place in (("manifest-sha256.txt", 0), ("manifest-sha512.txt", 1)):
        _compare(package, notes, manifest, inside, place)


def check_tag_files(package: Package, notes: Notes) -> None:
    """4. tag files."""
    outside = {name for name in package.names if not name.startswith(("data/", "seal/"))}
    _compare(package, notes, "tagmanifest-sha256.txt", outside - {"tagmanifest-sha256.txt"}, 0)


def _compare(package: Package, notes: Notes, manifest: str, present: set[str], place: int) -> None:
    if manifest not in package.names:
        notes.missing.append(f"{manifest} is missing")
        return
    listed: dict[str, str] = {}
    for line in package.lines(manifest):
        digest, gap, name = line.decode().rstrip("\n").partition("  ")
        notes.need(bool(gap) and name not in listed, f"{manifest}: line {line!a} cannot be")
        listed[name] = digest
    notes.need(bool(listed), f"{manifest} lists nothing")
    for name in sorted(listed.keys() - present):
        notes.missing.append(f"{name!a} is missing (listed in {manifest})")
    for name in sorted(present - listed.keys()):
        notes.added.append(f"{name!a} was added: {manifest} does not list it")
    for name in sorted(present & listed.keys()):
        notes.need(package.digests[name][place] == listed[name], f"{name!a} was changed ({manifest})")


def check_seal_folder(package: Package, notes: Notes) -> None:
    """5. seal folder."""
    head = package.read("seal/head.json")
    signed = b'"signature": "Ed25519"' in head
    named = {"seal/head.json"} | ({"seal/head.json.sig", "seal/signer.pub.pem"} if signed else set())
    asked = asked_authorities(head)
    named |= {ROOTS} if asked else set()
    answers = {f"seal/head.json.{name}.{end}" for name, _ in asked for end in ("tsq", "tsr")}
    present = {name for name in package.names if name.startswith("seal/")}
    notes.added.extend(f"{name!a} was added to seal/" for name in sorted(present - named - answers))
    notes.missing.extend(f"{name} is missing" for name in sorted(named - present))


def asked_authorities(head: bytes) -> list[tuple[str, str]]:
    """Return (name, URL) of each authority that a head says was asked; raises ValueError for nonsense."""
    stated = json.loads(head)["timestamp"]
    if stated == NONE:
        return []
    asked = [(one["name"], one["url"]) for one in stated["authorities"]]
    names = {name for name, _ in asked}
    if not asked or len(names) != len(asked):
        raise ValueError("head.json names no authority, or one twice")
    for name, url in asked:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name) or not re.fullmatch(r"[!#-\[\]-~]+", url):
            raise ValueError(f"head.json: {name!a}, {url!a} is no authority")
    return asked


def head_bytes(
    manifests: dict[str, str],
    custody: tuple[int, str],
    signer_pem: bytes | None,
    asked: Iterable[tuple[str, str]] = (),
    roots_pem: bytes = b"",
) -> bytes:
    """Return head.json: digests in hexadecimal of the manifests, custody's (length, last link), the key.

    `asked` are names and URLs of the timestamp authorities, `roots_pem` the roots they count under.
    """
    signer = signer_pem and {
        "fingerprint": fingerprint(signer_pem),
        "signer.pub.pem": f"sha256:{hashlib.sha256(signer_pem).hexdigest()}",
    }
    authorities = [{"name": name, "url": url} for name, url in asked]
    timestamp = authorities and {
        "authorities": authorities,
        "tsa-roots.pem": f"sha256:{hashlib.sha256(roots_pem).hexdigest()}",
    }
    head = {
        "custody": {"last": f"sha256:{custody[1]}", "length": custody[0]},
        "manifests": {name: f"sha256:{digest}" for name, digest in manifests.items()},
        "schema": 2 if timestamp else 1,
        "signature": "Ed25519" if signer else NONE,
        "signer": signer or None,
        "timestamp": timestamp or NONE,
    }
    return json.dumps(head, indent=1, sort_keys=True).encode() + b"\n"


def check_head(package: Package, notes: Notes) -> None:
    """6. head."""
    found = package.read("seal/head.json")
    stated = json.loads(found)
    manifests = {name: package.sha256(name) for name in MANIFESTS}
    length, last = 0, "0" * 64
    for line in package.lines("data/custody.jsonl"):
        length, last = length + 1, hashlib.sha256(line).hexdigest()
    pem = package.read("seal/signer.pub.pem") if stated["signature"] != NONE else None
    asked = asked_authorities(found)
    roots = package.read(ROOTS) if asked else b""
    expected = head_bytes(manifests, (length, last), pem, asked, roots)
    wanted = json.loads(expected)
    for key in sorted(wanted.keys() | stated.keys()):
        notes.need(stated.get(key) == wanted.get(key), f"head.json: {key} is not what the package gives")
    notes.need(found == expected or bool(notes.changed), "head.json is not written as a head is")


def check_signature(package: Package, notes: Notes) -> None:
    """7. signature."""
    head = package.read("seal/head.json")
    if json.loads(head)["signature"] == NONE:
        notes.unchecked.append("nobody signed this package: who made it is not proven")
        return
    key = public_key(package.read("seal/signer.pub.pem"))
    notes.need(
        ed25519_verifies(key, head, package.read("seal/head.json.sig")), "the signature is not of head.json"
    )


def check_signer(package: Package, notes: Notes) -> None:
    """8. signer identity."""
    signer = package.signer
    if signer is None:
        notes.unchecked.append(
            "no fingerprint was given: a package sealed anew by somebody else looks the same"
        )
        return
    if "seal/signer.pub.pem" not in package.names:
        notes.changed.append("nobody signed this package, although you named a key")
        return
    found = fingerprint(package.read("seal/signer.pub.pem"))
    notes.need(found == signer, f"sealed by another key than the one you named: by {found}, not by {signer}")


_SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before an Ed25519 key


def _der(pem: bytes) -> bytes:
    body = re.fullmatch(rb"-----BEGIN PUBLIC KEY-----\n([\w+/=\n]+)-----END PUBLIC KEY-----\n", pem)
    der = base64.b64decode(body.group(1)) if body else b""
    if len(der) != len(_SPKI) + 32 or not der.startswith(_SPKI):
        raise ValueError("signer.pub.pem is not an Ed25519 public key in PEM")
    return der


def public_key(pem: bytes) -> bytes:
    """Return the 32 bytes of an Ed25519 public key in PEM."""
    return _der(pem)[len(_SPKI) :]


def fingerprint(pem: bytes) -> str:
    """Return ``sha256:`` and the SHA-256 of the key's DER form (SubjectPublicKeyInfo)."""
    return f"sha256:{hashlib.sha256(_der(pem)).hexdigest()}"


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint as it is compared, from hexadecimal with or without colons and prefix."""
    digits = re.sub(r"^sha-?256[:=]", "", text.strip().lower()).replace(":", "").replace(" ", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError(f"{text!a} is no fingerprint: it has 64 hexadecimal digits")
    return f"sha256:{digits}"


# ------------------------------------------------- Ed25519, verification only (RFC 8032)

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    t, z = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = n - m, z - t, z + t, n + m
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _decode(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or y >= _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _decode((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def ed25519_verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made with the secret half of `key` (32 bytes)."""
    point, scalar = _decode(key), int.from_bytes(signature[32:], "little")
    if point is None or _BASE is None or len(signature) != 64 or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    minus = (_P - point[0], point[1], 1, _P - point[3])
    return _encode(_add(_times(scalar, _BASE), _times(challenge, minus))) == signature[:32]


# ---------------------------------------------------------------- custody and records


def custody_problems(lines: Iterable[bytes]) -> list[str]:
    """Return what is wrong with a custody log; nothing for a whole one."""
    problems: list[str] = []
    link, place = "0" * 64, 0
    for place, line in enumerate(lines, 1):
        entry = json.loads(line)
        canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        found = (
            (entry["prev"] == link, "does not continue the line before it"),
            (entry["seq"] == place, "has the wrong number"),
            (line == canonical + b"\n", "is not in canonical form"),
        )
        problems.extend(f"custody line {place} {sentence}" for holds, sentence in found if not holds)
        link = hashlib.sha256(line).hexdigest()
    return problems if place else ["custody holds nothing"]


def check_custody(package: Package, notes: Notes) -> None:
    """9. custody."""
    notes.changed.extend(custody_problems(package.lines("data/custody.jsonl")))


@dataclass(frozen=True)
class Record:
    """One WARC record: where it lies in the file, its fields (names in lower case), what was computed.

    `block` is kept for small records that are no HTTP message, else empty;
    `problems` names each stated digest that does not hold.
    """

    offset: int
    length: int
    fields: dict[str, str]
    block: bytes
    block_digest: str
    payload_digest: str
    problems: tuple[str, ...]

    @property
    def record_id(self) -> str:
        """The record's id without angle brackets."""
        return self.fields["warc-record-id"].strip("<>")


def _header_end(message: bytes) -> int | None:
    """Return where a line-by-line reader sees an HTTP header end: after the first line of blanks alone."""
    start = 0
    while (end := message.find(b"\n", start)) >= 0:
        line = message[start:end]
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        if not text.strip():
            return end + 1
        start = end + 1
    return None


class _Hash:
    """SHA-256 of what passes, beside the algorithm that a WARC field states (other tools write SHA-1)."""

    def __init__(self, stated: str | None) -> None:
        self.sha256 = hashlib.sha256()
        algorithm, _, self._value = (stated or "sha256:").partition(":")
        self._name = algorithm.lower().replace("-", "")
        self._own = hashlib.new(self._name) if self._name in ("sha1", "sha512") else self.sha256
        self._is_known = self._own is not self.sha256 or self._name == "sha256"

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self.sha256.update(data)
        if self._own is not self.sha256:
            self._own.update(data)

    def holds(self) -> bool:
        """Whether what passed has the stated digest, in hexadecimal or base32; what states none holds."""
        base32 = base64.b32encode(self._own.digest()).decode()
        forms = ("", self._own.hexdigest(), base32, base32.rstrip("="))
        return self._is_known and (self._value in forms or self._value.lower() == forms[1])


class _Reader:
    """Takes one record's bytes as they come, and keeps digests instead of the bytes."""

    def __init__(self) -> None:
        self._fields: dict[str, str] | None = None
        self._waiting, self._kept, self._left = b"", b"", 0
        self._is_http = self._is_kept = False
        self._block = self._payload = _Hash(None)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the record."""
        if self._fields is None:
            head, gap, data = (self._waiting + data).partition(b"\r\n\r\n")
            self._waiting = b"" if gap else head
            if not gap and len(head) > MAX_HEADER:
                raise ValueError("the header of a WARC record does not end")
            if not gap:
                return
            self._start(head)
        block, rest = data[: self._left], data[self._left :]
        self._left -= len(block)
        self._waiting += rest
        if len(self._waiting) > 4:
            raise ValueError("more than one WARC record lies in one gzip member")
        self._block.update(block)
        if self._is_http or self._is_kept:
            self._kept += block
        if self._is_http:
            self._split(is_last=not self._left)
        else:
            self._payload.update(block)

    def _start(self, head: bytes) -> None:
        version, *lines = head.decode().split("\r\n")
        if version not in ("WARC/1.0", "WARC/1.1"):
            raise ValueError(f"{version!a} is no WARC record")
        pairs = [line.partition(":") for line in lines]
        self._fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self._left = int(self._fields["content-length"])
        self._is_http = self._fields.get("content-type", "").startswith("application/http")
        self._is_kept = not self._is_http and self._left <= MAX_HEADER
        # A revisit's payload digest is that of another record's payload.
        stated = None if self._fields["warc-type"] == "revisit" else self._fields.get("warc-payload-digest")
        self._block, self._payload = _Hash(self._fields.get("warc-block-digest")), _Hash(stated)

    def _split(self, *, is_last: bool) -> None:
        """Once the HTTP header has ended, what follows it is payload."""
        end = _header_end(self._kept)
        if end is None and not is_last and len(self._kept) <= MAX_HEADER:
            return
        self._payload.update(self._kept[end or 0 :])
        self._is_http, self._kept = False, b""

    def record(self, offset: int, length: int) -> Record:
        """Return the record; raises ValueError where it is not whole."""
        if self._fields is None or self._left or self._waiting != b"\r\n\r\n":
            raise ValueError(f"the WARC record at byte {offset} is not whole")
        checked = {"block": self._block, "payload": self._payload}
        problems = tuple(
            f"the WARC record at byte {offset} does not have the {part} digest that it states"
            for part, hashed in checked.items()
            if not hashed.holds()
        )
        block, payload = (f"sha256:{hashed.sha256.hexdigest()}" for hashed in checked.values())
        return Record(offset, length, self._fields, self._kept, block, payload, problems)


def read_records(stream: IO[bytes]) -> Iterator[Record]:
    """Give the records of a WARC file, one gzip member each; raises ValueError or zlib.error where torn."""
    offset, rest = 0, stream.read(CHUNK)
    while rest:
        member, reader, length, out = zlib.decompressobj(31), _Reader(), 0, b""
        while not member.eof:
            if not rest and len(out) < CHUNK and not (rest := stream.read(CHUNK)):
                raise ValueError(f"the WARC record at byte {offset} is cut short")
            given = len(rest)
            out = member.decompress(rest, CHUNK)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            length += given - len(rest)
            reader.feed(out)
        yield reader.record(offset, length)
        offset += length
        rest = rest or stream.read(CHUNK)


def check_records(package: Package, notes: Notes) -> None:
    """10. records."""
    package.sha256(WARC)
    with package.files.open(WARC) as stream:
        for record in read_records(stream):
            notes.changed.extend(record.problems)
            notes.need("warc-block-digest" in record.fields, f"{record.record_id} states no digest")
            notes.need(record.record_id not in package.records, f"{record.record_id} is there twice")
            package.records[record.record_id] = record
    notes.need(bool(package.records), f"{WARC} holds no record")
    for record in package.records.values():
        _compare_repeated(package, notes, record)


def _compare_repeated(package: Package, notes: Notes, record: Record) -> None:
    """Compare the digest of a body that a record leaves to an earlier one with the body that is there."""
    if record.fields.get("warc-profile") != IDENTICAL_PROFILE:
        return
    name = record.fields.get("warc-refers-to", "").strip("<>")
    held = package.records.get(name)
    if held is None:
        notes.missing.append(f"{name}, which holds the body of {record.record_id}, is not in {WARC}")
        return
    is_held = held.fields["warc-type"] == "response"
    is_held &= held.payload_digest == record.fields.get("warc-payload-digest")
    notes.need(is_held, f"{record.record_id} says that {name} holds its body, and it does not")


def check_captures(package: Package, notes: Notes) -> None:
    """11. captures."""
    closed: set[str] = set()
    logged = _logged_captures(package)
    contents: dict[str, str] = {}
    for capture in package.rows("data/captures.jsonl"):
        if capture["record_id"]:
            _compare_earlier(package, notes, capture, contents)
            contents[capture["record_id"]] = capture["content_digest"]
        if capture["facts"]:
            closed.add(capture["facts"]["record_id"])
            _compare_facts(package, notes, capture)
            subject = f"{capture['facts']['record_id']} {capture['facts']['block_digest']}"
            notes.need(subject in logged, f"the capture of {capture['url']!a} is not in custody")
        named = [capture["record_id"]] if capture["record_id"] else []
        references = [capture["facts"]]
        for hop in capture["hops"]:
            references += [hop["request"], hop["response"]]
        for reference in filter(None, references):
            named.append(reference["record_id"])
            _compare_record(package, notes, reference)
        for record_id in named:
            if record_id not in package.records:
                notes.missing.append(f"{record_id}, the record of {capture['url']!a}, is not in {WARC}")

    kept = {one.record_id for one in package.records.values() if one.fields.get("content-type") == FACTS_TYPE}
    for record_id in sorted((kept | {subject.partition(" ")[0] for subject in logged}) - closed):
        notes.changed.append(f"the capture that {record_id} closes was left out")


def _compare_earlier(package: Package, notes: Notes, capture: dict[str, Any], held: dict[str, str]) -> None:
    """Compare what a capture says that stands, as the server sent nothing new, with the record it refers to.

    `held` are the content digests of the captures before it by record.
    """
    earlier, record = capture.get("refers_to"), package.records.get(capture["record_id"])
    is_unchanged = record is not None and record.fields.get("warc-profile") == NOT_MODIFIED_PROFILE
    if record is None or (earlier is None and not is_unchanged):
        return
    name = f"the capture of {capture['url']!a}"
    stated = record.fields.get("warc-refers-to", "").strip("<>")
    notes.need(stated == earlier, f"{name}: {record.record_id} refers to {stated!a}, not to {earlier!a}")
    is_standing = earlier in held and held[earlier] == capture["content_digest"]
    notes.need(is_standing, f"{name}: its content is not that of {earlier!a}, which is said to stand")


def _logged_captures(package: Package) -> set[str]:
    """Return the closing record and its digest of each capture that custody names."""
    acts = package.rows("data/custody.jsonl")
    told = {str(act["subject"]) for act in acts if act["action"] == "capture"}
    return {subject for subject in told if re.fullmatch(r"urn:uuid:\S+ sha256:[0-9a-f]{64}", subject)}


def _compare_facts(package: Package, notes: Notes, capture: dict[str, Any]) -> None:
    """Compare a capture with what the record that closes it says of it."""
    record = package.records.get(capture["facts"]["record_id"])
    if record is None:
        return
    if not record.block:
        notes.unchecked.append(f"{record.record_id} is too large to be compared with its capture")
        return
    told = _placeless(json.loads(record.block)["capture"])
    said = _placeless(capture)
    for key in sorted(told.keys() - {"facts"}):
        notes.need(
            said.get(key) == told[key], f"the capture of {capture['url']!a}: {key} is not that of its record"
        )


def _placeless(value: Any) -> Any:
    """Return a capture without the places of its records, which move when archives are joined."""
    if isinstance(value, dict):
        return {key: _placeless(part) for key, part in value.items() if key not in ("file", "offset")}
    return [_placeless(part) for part in value] if isinstance(value, list) else value


def _compare_record(package: Package, notes: Notes, reference: dict[str, Any]) -> None:
    record = package.records.get(reference["record_id"])
    if record is None:
        return
    pairs = {"offset": record.offset, "length": record.length, "block_digest": record.block_digest}
    if "warc-payload-digest" in record.fields and record.fields["warc-type"] != "revisit":
        pairs["payload_digest"] = record.payload_digest  # not stated where readers would disagree on it
    elif record.fields.get("warc-profile") == IDENTICAL_PROFILE:
        pairs["payload_digest"] = record.fields.get("warc-payload-digest", "")
    for key, found in pairs.items():
        notes.need(reference[key] == found, f"{record.record_id}: {key} is {found}, not {reference[key]}")


def check_matches(package: Package, notes: Notes) -> None:
    """12. matches."""
    contents: dict[str, set[str]] = {}
    addresses: dict[str, set[str]] = {}
    for capture in package.rows("data/captures.jsonl"):
        contents.setdefault(capture["record_id"], set()).add(capture["content_digest"])
        addresses.setdefault(capture["record_id"], set()).update((capture["url"], capture["final_url"]))
    for match in package.rows("data/matches.jsonl"):
        name = f"match {match['finding_id']!a}"
        for record_id in (match["page_record_id"], match["record_id"]):
            if record_id not in package.records:
                notes.missing.append(f"{name}: {record_id} is not in {WARC}")
        seen = {"page_url": match["page_record_id"]}
        if match["record_id"] != match["page_record_id"]:
            seen["media_url"] = match["record_id"]
        for key, record_id in seen.items():
            if record_id not in package.records:
                continue
            is_own = match[key] in addresses.get(record_id, set())
            notes.need(is_own, f"{name}: {match[key]!a} is not what {record_id} was captured from")
        for side in ("suspect", "reference"):
            _compare_object(package, notes, f"{name}, {side}", match[side])
        held = contents.get(match["record_id"], set())
        known = match["suspect"]["object"] or match["suspect"]["content_digest"] in held
        notes.need(bool(known), f"{name}: nothing in the package has the digest of what was matched")
        notes.need(
            match["exhibit"] is None
            or match["suspect"]["object_digest"] == match["suspect"]["content_digest"],
            f"{name}: the object is not what was matched",
        )


def _compare_object(package: Package, notes: Notes, name: str, side: dict[str, Any]) -> None:
    path, digest = side["object"], side["object_digest"]
    if path is None:
        return
    hexadecimal = digest.removeprefix("sha256:")
    notes.need(
        path == f"data/objects/{hexadecimal[:2]}/{hexadecimal}", f"{name}: {path!a} is no object's name"
    )
    if path not in package.names:
        notes.missing.append(f"{name}: {path} is missing")
    else:
        notes.need(package.sha256(path) == hexadecimal, f"{name}: {path} was changed")


def check_grants(package: Package, notes: Notes) -> None:
    """13. grants."""
    shipped = set()
    for grant in json.loads(package.read("data/provenance.json"))["grants"]:
        if grant["path"] not in package.names:
            notes.missing.append(f"{grant['path']!a} is missing")
            shipped.add(grant["digest"])
            continue
        shipped.add(f"sha256:{package.sha256(grant['path'])}")
        notes.need(grant["digest"] in shipped, f"{grant['path']} is not the grant that was accepted")
    for capture in package.rows("data/captures.jsonl"):
        notes.need(
            capture["grant_digest"] in shipped,
            f"{capture['url']!a} was fetched under a grant that is not in the package",
        )


def check_time(package: Package, notes: Notes) -> None:
    """14. existence in time."""
    head = package.read("seal/head.json")
    asked = asked_authorities(head)
    if not asked:
        notes.unchecked.append("no timestamp was asked for: that it existed at a given time is not proven")
    for name, url in asked:
        files = tuple(f"seal/head.json.{name}.{end}" for end in ("tsq", "tsr"))
        absent = [file for file in files if file not in package.names]
        if absent:
            notes.missing.append(f"{' and '.join(absent)}, asked of {url}: missing, so not proven by {name}")
            continue
        stamp = Stamp(f"head.json, by {name}", head, package.read(files[0]), package.read(files[1]))
        _judge(package, notes, stamp, package.read(ROOTS))


def _judge(package: Package, notes: Notes, stamp: Stamp, roots: bytes) -> str | None:
    """Note what a stamp is worth under `roots`, keep it for check 18, and return its time if it holds."""
    package.stamps.append(stamp)
    try:
        moment, verifier = package.judge(stamp, roots)
    except ToolMissing as error:
        notes.missing.append(f"the timestamp of {stamp.what}: not checked: {error}")
    except ValueError as error:
        notes.changed.append(f"the timestamp of {stamp.what}: {error}")
    else:
        notes.told.append(f"{stamp.what}: existed at {moment} (verified by {verifier})")
        return moment
    return None


def check_stamps(package: Package, notes: Notes) -> None:
    """17. captures in time."""
    lines = list(package.lines("data/custody.jsonl"))
    notes.is_void = not any(b'"action":"timestamp' in line for line in lines)
    if notes.is_void:
        return
    acts = [json.loads(line) for line in lines]
    captured = [act for act in acts if act["action"] == "capture"]
    failed = [act for act in acts if act["action"] == "timestamp_failed"]
    stamped = [act for act in acts if act["action"] == "timestamped"]
    bound = 0
    for act in stamped:
        name = f"custody line {act['seq']}"
        length, head, moment, query, answer, roots, url = act["subject"].split(" ")
        if not 0 < int(length) < act["seq"]:
            notes.changed.append(f"{name} binds a line that was not written yet")
            continue
        line = lines[int(length) - 1]
        is_head = head == f"sha256:{hashlib.sha256(line).hexdigest()}"
        notes.need(is_head, f"{name} binds another line {length} than there is")
        parts = [_object(package, notes, name, digest) for digest in (query, answer, roots)]
        if None in parts:
            continue
        told, found, pem = (part or b"" for part in parts)
        stamp = Stamp(f"custody up to line {length}, by {url}", line, told, found)
        time = _judge(package, notes, stamp, pem)
        notes.need(time in (None, moment), f"{name} states {moment}, the timestamp {time}")
        if time:
            bound = max(bound, int(length))
            above = [one for one in captured if one["seq"] <= int(length)]
            last = f", the last at {above[-1]['time']} by the operator's clock" if above else ""
            notes.told.append(f"line {length} binds {len(above)} captures{last}")
    later = sum(act["seq"] > bound for act in captured)
    if later:
        notes.unchecked.append(f"{later} captures are bound by no timestamp of their own")
    notes.unchecked.extend(f"custody line {act['seq']}: failed: {act['subject']}" for act in failed if later)


def _object(package: Package, notes: Notes, name: str, digest: str) -> bytes | None:
    """Return the object of a digest, or None with a note."""
    hexadecimal = digest.removeprefix("sha256:")
    path = f"data/objects/{hexadecimal[:2]}/{hexadecimal}"
    if path not in package.names:
        notes.missing.append(f"{name}: {path} is missing")
        return None
    notes.need(package.sha256(path) == hexadecimal, f"{name}: {path} was changed")
    return package.read(path)


def check_roots(package: Package, notes: Notes) -> None:
    """18. timestamp roots."""
    notes.is_void = not package.stamps
    if package.roots is None:
        notes.unchecked.append(
            "no roots were given: the timestamps hold under roots that whoever sealed the package chose"
        )
        return
    for stamp in package.stamps:
        try:
            package.judge(stamp, package.roots)
        except ToolMissing as error:
            notes.missing.append(f"the timestamp of {stamp.what}: not checked: {error}")
        except ValueError as error:
            notes.changed.append(f"the timestamp of {stamp.what} does not hold under your roots: {error}")
    if not notes.changed and not notes.missing:
        notes.told.append("all timestamps hold under the roots that you gave")


def openssl_judge(stamp: Stamp, roots: bytes) -> tuple[str, str]:
    """Put a stamp to ``openssl ts``; the chain must hold as of the stamp's own time (see `Judge`)."""
    program = shutil.which("openssl")
    if program is None:
        raise ToolMissing("openssl is not installed")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("query", stamp.query), ("answer", stamp.answer), ("roots", roots)):
                Path(folder, name).write_bytes(content)
            return _judge_in(folder, program, hashlib.sha256(stamp.message).hexdigest())
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissing(f"openssl could not be run: {error}") from error


def _judge_in(folder: str, program: str, digest: str) -> tuple[str, str]:
    if not _openssl(program, folder, "-query", "-sha256", "-digest", digest)[0]:
        raise ToolMissing("this openssl knows no timestamps (openssl ts)")
    text = _need_openssl(program, folder, "-reply", "-in", "answer", "-text")
    found = re.search(r"^Time stamp: (.*?)(?:\.(\d+))?( \d{4}) GMT$", text, re.MULTILINE)
    if not found:
        raise ValueError("the authority gave no timestamp")
    moment = datetime.strptime(f"{found[1]}{found[3]} +0000", "%b %d %H:%M:%S %Y %z")
    rest = ("-in", "answer", "-CAfile", "roots")
    at = (*rest, "-attime", str(int(moment.timestamp())))
    _need_openssl(program, folder, "-verify", "-queryfile", "query", *at)
    _need_openssl(program, folder, "-verify", "-digest", digest, *at)
    holds_today = _openssl(program, folder, "-verify", "-digest", digest, *rest)[0]
    late = "" if holds_today else " as of that time: today the authority's certificate no longer holds"
    part = (found[2] or "").rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{part}Z" if part else "Z"), f"openssl{late}"


def _need_openssl(program: str, folder: str, *arguments: str) -> str:
    holds, told, errors = _openssl(program, folder, *arguments)
    if not holds:
        lines = [line for line in errors.splitlines() if "error:" in line]
        reason = lines[-1].rpartition("Verify error:")[2] if lines else "no reason given"
        raise ValueError(f"openssl does not verify it: {reason[-200:]}")
    return told


def _openssl(program: str, folder: str, *arguments: str) -> tuple[bool, str, str]:
    done = subprocess.run(  # noqa: S603  fixed words, fixed file names in a folder of our own
        [program, "ts", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    told, errors = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return done.returncode == 0, told, errors


def check_sample(package: Package, notes: Notes) -> None:
    """15. sample."""
    acts = package.rows("data/custody.jsonl")
    logged = [act["subject"] for act in acts if act["action"] == "sample_drawn"]
    if SAMPLE not in package.names:
        if logged:
            notes.missing.append(f"{SAMPLE} is missing: custody says that a sample was drawn")
        return
    sample = json.loads(package.read(SAMPLE))
    hexadecimal, seed = sample["frame_digest"].removeprefix("sha256:"), sample["seed"]
    said = f"{sample['frame_digest']} {sample['size']} of {sample['frame_size']} seed {seed}"
    notes.need(logged == [said], f"{SAMPLE} is not the sample that custody names")
    path = f"data/objects/{hexadecimal[:2]}/{hexadecimal}"
    notes.need(package.sha256(path) == hexadecimal, f"{path}, the list that was drawn from, was changed")
    frame = [line.decode().removesuffix("\n") for line in package.lines(path)]
    drawn = sorted(frame, key=lambda url: (hashlib.sha256(f"{seed}\n{url}".encode()).hexdigest(), url))
    is_whole = len(frame) == len(set(frame)) == sample["frame_size"]
    notes.need(is_whole, f"the list holds {len(frame)} addresses, not as many different ones as said")
    is_drawn = drawn[: sample["size"]] == sample["drawn"]
    notes.need(is_drawn, "the drawn addresses are not those that seed and list give")


def check_supplied(package: Package, notes: Notes) -> None:
    """16. supplied captures."""
    acts = package.rows("data/custody.jsonl")
    logged = {str(act["subject"]).partition(" ")[0] for act in acts if act["action"] == "supplied"}
    listed = {row["digest"] for row in package.rows(SUPPLIED)} if SUPPLIED in package.names else set()
    if logged and SUPPLIED not in package.names:
        notes.missing.append(f"{SUPPLIED} is missing: custody says that files were supplied")
    notes.need(listed == logged or not listed, f"{SUPPLIED} does not list the files that custody names")
    origins: dict[str, str] = {}
    for capture in package.rows("data/captures.jsonl"):
        origin, name = capture.get("origin"), f"the capture of {capture['url']!a}"
        is_supplied = capture["fidelity"] == "supplied"
        notes.need(is_supplied == bool(origin), f"{name} does not say whether it was supplied")
        if origin:
            origins[capture["record_id"]] = origin["file_digest"]
            notes.need(origin["file_digest"] in logged, f"{name}: its file is not in custody")
    for match in package.rows("data/matches.jsonl"):
        rests = match["page_record_id"] in origins or match["record_id"] in origins
        notes.need(
            rests == bool(match.get("supplied")),
            f"match {match['finding_id']!a} does not say whether it rests on what was supplied",
        )


# ---------------------------------------------------------------- all of it

CHECKS: tuple[tuple[str, Callable[[Package, Notes], None]], ...] = (
    ("files", check_files),
    ("bag", check_bag),
    ("payload", check_payload),
    ("tag files", check_tag_files),
    ("seal folder", check_seal_folder),
    ("head", check_head),
    ("signature", check_signature),
    ("signer identity", check_signer),
    ("custody", check_custody),
    ("records", check_records),
    ("captures", check_captures),
    ("matches", check_matches),
    ("grants", check_grants),
    ("existence in time", check_time),
    ("sample", check_sample),
    ("supplied captures", check_supplied),
    ("captures in time", check_stamps),
    ("timestamp roots", check_roots),
)


def verify(
    files: Files,
    signer: str | None = None,
    roots: bytes | None = None,
    judge: Judge = openssl_judge,
) -> tuple[Check, ...]:
    """Run every check on a package; `signer` is a normal fingerprint, `roots` your own PEM for timestamps."""
    package, done = Package(files, signer, roots, judge), []
    for number, (name, check) in enumerate(CHECKS, 1):
        notes = Notes()
        try:
            check(package, notes)
        except FileNotFoundError as error:
            notes.missing.append(str(error))
        except UNREADABLE as error:
            notes.changed.append(f"cannot be read as it should: {type(error).__name__}: {error}")
        if not notes.is_void or notes.result() is Result.FAILED:
            done.append(notes.check(number, name))
    return tuple(done)


def conclusion(checks: tuple[Check, ...]) -> str:  # noqa: PLR0911  one sentence a return
    """Return what all checks say together, in one sentence: a package is not called changed that is whole."""
    failed = [check for check in checks if check.result is Result.FAILED]
    is_short = any(check.result is Result.MISSING for check in checks)
    broken = [check for check in failed if check.name not in ("signer identity", "timestamp roots")]
    if broken and (broken != failed or not all(check.only_added for check in broken)):
        return "TAMPERED: this package is not as it was sealed."
    if broken and is_short:
        return "TAMPERED: a file was added, and others are missing."
    if broken:
        return "TAMPERED: a file was added; the sealed files are unchanged."
    if is_short:
        return "INCOMPLETE: files are missing, so not all could be checked."
    if failed and failed[0].name == "timestamp roots":
        return "OTHER ROOTS: whole, but not timestamped under the roots that you gave."
    if failed:
        is_signed = any(check.name == "signature" and check.result is Result.PASSED for check in checks)
        why = "sealed by another key than the one you named" if is_signed else failed[0].notes[0]
        return f"OTHER KEY: whole, but {why}."
    return "Nothing was found wrong. What was not checked is named above."


class Arguments(argparse.ArgumentParser):
    """The command line; what is wrong with it is said as the shell verifier says it."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002  argparse says what; this says how
        """Print how it is used, and end with 2."""
        print(f"usage: python3 verify.py [FOLDER] [--signer FINGERPRINT] [--tsa-roots PEM]\n{FINGERPRINT}")
        raise SystemExit(2)


def _pem(name: str) -> bytes:
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ValueError(f"{name!a} cannot be read") from error
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise ValueError(f"{name!a} holds no certificate")
    return data


def main(arguments: list[str]) -> int:
    """Check one folder, print every result, and return the exit code."""
    parser = Arguments(description="Check an evidence package.", epilog=FINGERPRINT)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument(
        "--signer", type=normal_fingerprint, metavar="FINGERPRINT", help="of the signer's key"
    )
    parser.add_argument("--tsa-roots", type=_pem, metavar="PEM", help="roots of the timestamp authorities")
    options = parser.parse_args(arguments)
    checks = verify(Folder(options.folder), options.signer, options.tsa_roots)
    for check in checks:
        print(f"{check.result.value:12} {check.number:2}. {check.name}")
        for note in check.notes:
            print(f"{'':17}{note.encode('ascii', 'backslashreplace').decode()}")
    print(conclusion(checks))
    results = {check.result for check in checks}
    return 1 if Result.FAILED in results else 2 if Result.MISSING in results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
