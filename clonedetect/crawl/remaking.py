"""Objects that a power cut took back, made again from the records of the archive.

A decoded body is written beside its record without a sync of its own: three
syncs a page would be most of what a page costs, and nothing rests on them. The
record is on disk, and decoding it gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from clonedetect.archive.warc import read_facts, response_of
from clonedetect.case.objects import object_path
from clonedetect.case.store import CaseStore
from clonedetect.crawl.decode import DecodeError, decode_record
from clonedetect.crawl.limits import Limits
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Capture, WireFidelity
from clonedetect.models.ids import digest_of

__all__ = ["boot_id", "remake_objects"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return what names this start of the machine, "" where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def remake_objects(store: CaseStore, boot: str) -> int:
    """Look, once after each start of the machine, for decoded bodies that are lost, and return how many.

    They are made again and synced; only then is the look noted as done, so
    that a kill on the way repeats it. Raises VerificationError for the first
    whose record does not give it, after all others were made.
    """
    if store.knows_boot(boot):
        return 0
    lost = [one for one in store.captures() if _is_lost(store, one)]
    damage: list[VerificationError] = []
    for capture in lost:
        try:
            content = _decoded(store, capture)
        except (VerificationError, DecodeError) as error:
            damage.append(VerificationError(f"{capture.url}: its content is lost: {error}"))
            continue
        object_path(store.folder, digest_of(content)).unlink(missing_ok=True)  # of its size, and yet another
        store.put_object(content)
    store.note_boot(boot)
    if damage:
        raise damage[0]
    return len(lost)


def _is_lost(store: CaseStore, capture: Capture) -> bool:
    digest = capture.content_digest
    if digest is None or capture.fidelity is WireFidelity.SUPPLIED or capture.refers_to is not None:
        return False
    if not store.holds_object(digest, capture.content_size):
        return True
    try:
        store.object(digest)
    except VerificationError:
        return True
    return False


def _decoded(store: CaseStore, capture: Capture) -> bytes:
    last = read_facts(store.folder, capture).exchanges[-1]
    if last.response is None:
        raise VerificationError(f"{capture.url} has lost its content, and no record holds it")
    response = response_of(store.folder, last)
    stored_bytes = len(response) - last.header_length
    content = decode_record(response, last.header_length, Limits().decoding(capture.purpose, stored_bytes))
    if digest_of(content) != capture.content_digest:
        raise VerificationError(f"the record of {capture.url} does not give the content that was noted")
    return content
