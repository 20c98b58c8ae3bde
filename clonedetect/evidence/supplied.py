"""What rests on captures that others supplied, told wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clonedetect.models.capture import Capture
from clonedetect.models.ids import RecordId
from clonedetect.models.match import Finding
from clonedetect.models.supplied import Origin, SuppliedFile

__all__ = [
    "FindingOrigins",
    "captures_by_record",
    "file_sentence",
    "finding_origins",
    "origin_words",
]


@dataclass(frozen=True, slots=True)
class FindingOrigins:
    """Where the page and the matched bytes of a finding come from; None for what this program captured."""

    page: Origin | None
    record: Origin | None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said of each file that the finding rests on, once; nothing for a finding of our own."""
        origins = (one for one in (self.page, self.record) if one is not None)
        return tuple(dict.fromkeys(origin.sentence for origin in origins))

    @property
    def words(self) -> tuple[str, ...]:
        """The same with what each file claims of time and server."""
        origins = (one for one in (self.page, self.record) if one is not None)
        return tuple(dict.fromkeys(origin_words(origin) for origin in origins))


def captures_by_record(captures: Iterable[Capture]) -> dict[RecordId, Capture]:
    """Return the captures by their last response's record."""
    return {capture.record_id: capture for capture in captures if capture.record_id is not None}


def finding_origins(finding: Finding, by_record: Mapping[RecordId, Capture]) -> FindingOrigins:
    """Return where the records of a finding come from."""
    page, record = by_record.get(finding.page_record_id), by_record.get(finding.record_id)
    return FindingOrigins(page.origin if page else None, record.origin if record else None)


def origin_words(origin: Origin) -> str:
    """Return where a supplied capture comes from, and what its file claims, as sentences."""
    said = f"{origin.sentence[:1].upper()}{origin.sentence[1:]}."
    claims = []
    if origin.claimed_at is not None:
        claims.append(f"captured at {origin.claimed_at:%Y-%m-%d %H:%M:%S} UTC")
    if origin.claimed_peer:
        claims.append(f"from the server {origin.claimed_peer}")
    what = "a picture of the page" if origin.is_screenshot else f"{origin.format.upper()}, {origin.place}"
    said += f" In {origin.file_name} ({what})"
    said += f", which claims: {', '.join(claims)}." if claims else ", which claims no time of capture."
    if origin.head.value not in ("none", "as supplied"):
        said += f" The HTTP head is {origin.head}: it is not what a server sent, byte for byte."
    return said


def file_sentence(file: SuppliedFile) -> str:
    """Return what became of one supplied file, as a sentence."""
    refused, passed = sum(n for _, n in file.refused), sum(n for _, n in file.passed_over)
    said = f"{file.taken} capture{'' if file.taken == 1 else 's'} taken from it, {refused} refused"
    return f"{said}, {passed} of no use here" if passed else said
