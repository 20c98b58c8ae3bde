"""Timestamps of a sealed head: asked for, kept beside it as they were received, judged again."""

from __future__ import annotations

import os
from pathlib import Path

from clonedetect.errors import DependencyError, InputError, UsageError, VerificationError
from clonedetect.evidence.shipped.verify import ROOTS, Stamp, ToolMissing, asked_authorities
from clonedetect.timestamp.answer import judge
from clonedetect.timestamp.authorities import Asked, Authority
from clonedetect.timestamp.custody import time_text
from clonedetect.timestamp.inquiry import Inquiry, Stamped, Unstamped

__all__ = ["judge_stamp", "missing_stamps", "stamp_head"]


def stamp_head(root: Path, asked: Asked) -> tuple[Stamped | Unstamped, ...]:
    """Ask each authority about ``seal/head.json`` below `root`; write query and answer of each that holds."""
    results = Inquiry((root / "seal/head.json").read_bytes(), asked).results()
    for one in results:
        if isinstance(one, Stamped):
            # The answer last: without it, the query beside it counts as no timestamp.
            _write(root / f"seal/head.json.{one.authority.name}.tsq", one.query)
            _write(root / f"seal/head.json.{one.authority.name}.tsr", one.answer)
    return results


def _write(path: Path, data: bytes) -> None:
    partial = path.parent.parent / f".{path.name}.partial"
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def missing_stamps(root: Path, urls: tuple[str, ...]) -> Asked | None:
    """Return whose timestamps the head asked for and are missing, None where none is; of `urls`, if any.

    Raises InputError where the head asked for none, UsageError for a URL it did not ask.
    """
    try:
        asked = asked_authorities((root / "seal/head.json").read_bytes())
        roots = (root / ROOTS).read_bytes() if asked else b""
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{root} is no package that can be completed: {error}") from error
    if not asked:
        raise InputError(
            f"{root} was sealed without asking for a timestamp, and its head says so;"
            " export the case again with --tsa"
        )
    for url in urls:
        if url not in {known for _, known in asked}:
            told = ", ".join(known for _, known in asked)
            raise UsageError(f"the head did not ask {url}; it asked {told}. Export again to ask others")
    missing = tuple(
        Authority(name, url)
        for name, url in asked
        if url in (urls or {url})
        and not all((root / f"seal/head.json.{name}.{end}").exists() for end in ("tsq", "tsr"))
    )
    return Asked(missing, roots) if missing else None


def judge_stamp(stamp: Stamp, roots: bytes) -> tuple[str, str]:
    """Judge a stamp for the package's checks, by rfc3161-client, and by openssl what that refuses."""
    try:
        told = judge(stamp.message, stamp.query, stamp.answer, roots)
    except VerificationError as error:
        raise ValueError(str(error)) from error
    except DependencyError as error:
        raise ToolMissing(str(error)) from error
    return time_text(told.time), told.by
