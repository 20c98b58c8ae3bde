"""Comparing one document or picture with the index; what scanning and matching files share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from clonedetect.errors import InputError, MediaError, UsageError
from clonedetect.extract.page import read_page
from clonedetect.extract.sandbox import Killed, Sandbox
from clonedetect.match.bank import NegativeBank
from clonedetect.match.candidates import ImageOutcome, match_image
from clonedetect.match.identify import identify
from clonedetect.match.mask import MaskCache
from clonedetect.match.native import NativeIds
from clonedetect.match.text import match_texts
from clonedetect.models.ids import Digest
from clonedetect.models.match import Match, Verdict
from clonedetect.models.page import PageContent, TextBlock
from clonedetect.models.reasons import DECODER_STOPPED, PARSER_STOPPED
from clonedetect.models.slot import Signal
from clonedetect.protocols import ReferenceIndex
from clonedetect.settings.document import Settings
from clonedetect.signals.display import ShownPicture, shown_picture
from clonedetect.signals.image import QueryImage, query_image
from clonedetect.signals.phrases import CommonPhrases, shipped_phrases

__all__ = ["WITHHELD", "Examiner", "Unexamined", "is_icon"]

WITHHELD = "withheld: on the operator's list of blocked content"
"""Why something on `banks.blocked_digests` was not examined."""

Decoded = TypeVar("Decoded")

_PICTURE_TIMEOUT_S = 20.0
_PICTURE_MEMORY_BYTES = 3 << 30
_LEAST_SIDE = 48
_SIBLINGS = 12
"""Other pictures of the page that are looked at for a shared frame; each costs about 5 ms a candidate."""


@dataclass(frozen=True, slots=True)
class Unexamined:
    """Something that could not be compared, and why, as a phrase that can be counted."""

    reason: str


@dataclass(slots=True, eq=False)
class Examiner:
    """Everything one index and one settings document say of pictures, texts and pages.

    Hostile bytes are parsed in killable workers, comparing happens here, and so
    does what the operator's `signals` make of decoded pixels. Use it as a context
    manager: it ends the workers. `close` may be called from another
    thread: what is under way then ends in UsageError within a moment.
    """

    index: ReferenceIndex
    settings: Settings
    phrases: CommonPhrases = field(default_factory=shipped_phrases)
    workers: int = 2
    bank: NegativeBank | None = None
    signals: tuple[Signal, ...] = ()
    _masks: MaskCache = field(default_factory=MaskCache)
    _pages: Sandbox = field(init=False)
    _pictures: Sandbox = field(init=False)
    _closing: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False

    def __post_init__(self) -> None:
        self._pages = Sandbox(1)
        self._pictures = Sandbox(
            self.workers,
            timeout_s=_PICTURE_TIMEOUT_S,
            memory_bytes=_PICTURE_MEMORY_BYTES,
            preload=("clonedetect.signals.image", "clonedetect.signals.display"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, whatever they are at, and compare nothing more."""
        self._is_closed = True
        with self._closing:
            self._pages.close()
            self._pictures.close()

    def page(self, content: bytes, url: str, content_type: str) -> PageContent | Unexamined:
        """Read a document in the sandbox; what is no document is a reason, not an error."""
        try:
            answer = self._pages.call(read_page, content, url, content_type)
        except InputError:
            return Unexamined("a document that is no page")
        if isinstance(answer, Killed):
            return Unexamined(f"{PARSER_STOPPED}: {answer.reason}")
        return answer

    def query(self, data: bytes) -> QueryImage | Unexamined:
        """Decode and hash a picture in the sandbox; local features are made here, if they are needed."""
        return self._decoded(query_image, data)

    def shown(self, data: bytes) -> ShownPicture | Unexamined:
        """Decode a picture in the sandbox to what is shown of it."""
        return self._decoded(shown_picture, data)

    def _decoded(self, function: Callable[[bytes], Decoded], data: bytes) -> Decoded | Unexamined:
        try:
            answer = self._pictures.call(function, data)
        except MediaError as error:
            return Unexamined(f"no usable picture: {error}")
        if isinstance(answer, Killed):
            return Unexamined(f"{DECODER_STOPPED}: {answer.reason}")
        return answer

    def picture(self, query: QueryImage, siblings: Sequence[QueryImage] = ()) -> ImageOutcome:
        """Compare a picture; `siblings` are other pictures of its site, whose common parts are template."""
        self._require_open()
        if is_icon(query):
            width, height = query.signals.width, query.signals.height
            return ImageOutcome(Verdict.NONE, (), (f"{width} x {height} pixels show no photograph",))
        others = [one for one in siblings if one.signals.digest != query.signals.digest]
        thresholds = self.settings.thresholds.image
        return match_image(
            query,
            self.index,
            thresholds,
            siblings=others[:_SIBLINGS],
            masks=self._masks,
            bank=self.bank,
            signals=self.signals,
        )

    def texts(self, blocks: Sequence[TextBlock], repeated: Collection[Digest] = ()) -> tuple[Match, ...]:
        """Find the index's captions in text blocks; `repeated` are the site's interface strings."""
        self._require_open()
        return match_texts(blocks, self.index, self.settings.thresholds.text, self.phrases, repeated)

    def identifiers(self, content: PageContent, others: Sequence[Match] = ()) -> tuple[Match, ...]:
        """Find items and accounts by their identifiers on a page; `others` are what else it showed."""
        self._require_open()
        return identify(content, self.index, NativeIds.of(self.settings.platform), others)

    def _require_open(self) -> None:
        if self._is_closed:
            raise UsageError("the examiner is closed: nothing can be compared with it")


def is_icon(query: QueryImage) -> bool:
    """Return whether a picture is too small to show a photograph; a truncated one may have been larger."""
    is_whole = "truncated" not in query.signals.flags
    return is_whole and max(query.signals.width, query.signals.height) < _LEAST_SIDE
