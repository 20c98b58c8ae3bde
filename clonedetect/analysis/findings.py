"""Findings made of matches: what was matched, on which page and where, in which records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from clonedetect.analysis.placing import Placed, is_picture
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.match import Finding, Match
from clonedetect.models.page import PageContent, TextBlock

__all__ = ["ExaminedMedia", "FindingPage"]


@dataclass(frozen=True, slots=True)
class ExaminedMedia:
    """One picture referenced by a page: what comparing it gave, or why it was not compared.

    `not_examined` is empty where it was; `record_id` and `content_digest` are
    those of the bytes that were compared. `locator` and `entry` are where the
    page has it; `is_photograph` is false for icons, which no count of pictures holds.
    """

    url: str
    matches: tuple[Match, ...] = ()
    record_id: RecordId | None = None
    content_digest: Digest | None = None
    not_examined: str = ""
    locator: str = ""
    entry: str = ""
    is_photograph: bool = True


@dataclass(frozen=True, eq=False)
class FindingPage:
    """One captured page, which makes findings of matches."""

    url: str
    record_id: RecordId
    content_digest: Digest
    content: PageContent

    @cached_property
    def _blocks(self) -> dict[str, TextBlock]:
        return {block.locator: block for block in self.content.blocks}

    def pictured(self, picture: ExaminedMedia, match: Match) -> Placed:
        """Return the finding of a match of a picture."""
        finding = Finding(
            finding_id=self._finding_id(picture.url, match),
            page_url=self.url,
            media_url=picture.url,
            page_record_id=self.record_id,
            record_id=picture.record_id or self.record_id,
            content_digest=picture.content_digest or self.content_digest,
            quoted_text="",
            match=match,
        )
        return Placed(finding, picture.locator, picture.entry)

    def told(self, match: Match) -> Placed:
        """Return the finding of a match of a text block, or of an identifier."""
        if match.identifier is not None:
            named = match.identifier
            return Placed(self._on_page(named.locator, match, named.seen), named.locator, named.entry)
        locator = next((region.block for region in match.regions if region.block), "")
        block = self._blocks.get(locator)
        finding = self._on_page(locator, match, block.text if block else "")
        return Placed(finding, locator, block.entry if block else "")

    def _on_page(self, locator: str, match: Match, quoted: str) -> Finding:
        return Finding(
            finding_id=self._finding_id(locator, match),
            page_url=self.url,
            media_url=None,
            page_record_id=self.record_id,
            record_id=self.record_id,
            content_digest=self.content_digest,
            quoted_text=quoted,
            match=match,
        )

    def _finding_id(self, where: str, match: Match) -> str:
        """Return an id that repeated analysis gives again: page, place, item, leading kind; 16 hex digits."""
        kind = "picture" if is_picture(match) else "text"
        if match.identifier is not None:
            kind = match.identifier.ground
        text = "\x00".join((self.url, where, match.item_id, kind))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
