"""Whom to ask for the time, and under which roots their answers count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from clonedetect.errors import InputError, UsageError

__all__ = ["Asked", "Authority", "named_authorities", "read_roots"]

# What stands in head.json and custody unescaped, so that a shell script can take it out again.
_URL = re.compile(r"https?://[^\s/@\"'\\]+(?:/[!#$%&()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*)?", re.ASCII)
_MAX_ROOTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Authority:
    """One timestamp authority; `name` is made of its host, and names the files of its answers."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The authorities that are asked, at least one, and the roots (PEM) that they must chain to."""

    authorities: tuple[Authority, ...]
    roots: bytes


def named_authorities(urls: Sequence[str]) -> tuple[Authority, ...]:
    """Return the authorities of `urls` in their order, each once, under names that differ.

    Raises UsageError for what is no http or https URL.
    """
    found: list[Authority] = []
    for url in dict.fromkeys(urls):
        base = _name(url)
        taken = {one.name for one in found}
        names = (base, *(f"{base}-{number}" for number in range(2, len(urls) + 1)))
        found.append(Authority(next(name for name in names if name not in taken), url))
    return tuple(found)


def _name(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not _URL.fullmatch(url):
        raise UsageError(f"{url!a} is no URL of a timestamp authority: it has http or https and a host")
    text = f"{host}-{port}" if port else host
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip(".-")[:80] or "authority"


def read_roots(path: Path) -> bytes:
    """Return the certificates in the PEM file at `path`, written anew: nothing else of the file leaves it.

    Raises InputError where it cannot be read or holds no certificate.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_ROOTS + 1)
        if len(data) > _MAX_ROOTS:
            raise InputError(f"{path}: too large for a file of root certificates")
        certificates = load_pem_x509_certificates(data)
    except OSError as error:
        raise InputError(f"{path}: the authorities' roots cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: no certificates in PEM: {error}") from error
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
