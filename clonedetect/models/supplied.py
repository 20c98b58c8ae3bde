"""What others captured and handed to us: the file it came in, who gave it, and what the file claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.ids import Digest

__all__ = ["NOT_NAMED", "HeadOrigin", "Origin", "SuppliedFile", "SuppliedFormat"]

NOT_NAMED = "somebody who was not named"
"""Who supplied a file where nobody said."""


class SuppliedFormat(StrEnum):
    """What a supplied file is, told by its content."""

    WARC = "warc"
    WACZ = "wacz"
    HAR = "har"
    MHTML = "mhtml"
    PICTURE = "picture"
    OTHER = "other"


class HeadOrigin(StrEnum):
    """Where the HTTP head of a supplied response comes from.

    `AS_SUPPLIED`: the file holds it as bytes, and so does our record. `REVISIT`:
    it is a revisit record's, and the body that of the record it refers to.
    `RECONSTRUCTED`: put together from what the file tells in another form; these are
    not the bytes that a server sent. `NONE`: there is none.
    """

    AS_SUPPLIED = "as supplied"
    REVISIT = "of a revisit record, the body of the record it refers to"
    RECONSTRUCTED = "reconstructed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a supplied capture comes from; a capture of our own has none.

    `file_digest` is of the whole file as it was handed over, `place` where in it
    (unique within the file), `supplied_by` who gave it to us. What begins with
    `claimed` is what the file says, which nobody here saw: the time of capture
    (None where it says none), the address of the server, the record's own id.
    `stated_digests` are the digests that the file states of this record and
    that hold, in its own spelling. `content_id` is the name by which other parts of the file call this
    one. `is_screenshot` says that this is a picture of the page, not one on it.
    """

    supplied_by: str
    file_digest: Digest
    file_name: str
    format: SuppliedFormat
    place: str
    head: HeadOrigin = HeadOrigin.NONE
    claimed_at: datetime | None = None
    claimed_peer: str = ""
    claimed_record_id: str = ""
    stated_digests: tuple[str, ...] = ()
    content_id: str = ""
    is_screenshot: bool = False

    @property
    def sentence(self) -> str:
        """What is said of everything that rests on this, wherever it is shown."""
        return (
            f"supplied by {self.supplied_by} from file {self.file_digest}, not captured by this tool: "
            "its origin is as claimed"
        )


@dataclass(frozen=True, slots=True)
class SuppliedFile:
    """One file as it was handed over, and what became of what it holds.

    A file that `is_kept` lies among the objects. `made_with` is the software that the file
    names. `taken` counts its captures in the case; `refused` and `passed_over` hold (reason or
    what it was, how many).
    """

    digest: Digest
    name: str
    format: SuppliedFormat
    size_bytes: int
    supplied_by: str
    supplied_at: datetime
    grant_id: str
    is_kept: bool = True
    made_with: str = ""
    taken: int = 0
    refused: tuple[tuple[str, int], ...] = ()
    passed_over: tuple[tuple[str, int], ...] = ()
