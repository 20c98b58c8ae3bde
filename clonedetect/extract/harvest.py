"""Gathers what a page holds, within its limits, and counts what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from clonedetect.extract import identifiers
from clonedetect.extract.embeds import embed_of
from clonedetect.extract.media_urls import absolute, unwrap
from clonedetect.extract.places import EntryTree, Place, Step
from clonedetect.models.item import MediaKind
from clonedetect.models.page import (
    BlockKind,
    Declaration,
    DeclarationKind,
    Embed,
    EmbedKind,
    Identifier,
    IdentifierKind,
    Link,
    LinkKind,
    MediaRef,
    TextBlock,
)

__all__ = [
    "LARGEST",
    "LINKING",
    "PLACEHOLDER",
    "SMALLER",
    "Harvest",
    "Leads",
    "Nested",
    "NestedKind",
    "Omission",
    "PageLimits",
]

LARGEST = " (largest)"
"""Ends the `source` of the largest of several candidates of one picture."""

SMALLER = " (smaller)"
"""Ends the `source` of every other candidate of the same picture."""

PLACEHOLDER = " (placeholder)"
"""Ends the `source` of a picture that only keeps the place of another one."""

LINKING = frozenset({"a[href]", "area[href]"})
"""The `source` of pictures that the page leads to without showing them."""

_REPEATS = 8
_PIECE = 20_000
_OVERLAP = 2_500  # more than the longest caption the large platforms take (2,200), so none is cut in two


class Omission:
    """The reasons under which `PageContent.omitted` counts."""

    LINKS = "too many links"
    MEDIA = "too many media"
    SMALLER = "smaller copies of a kept picture"
    BLOCKS = "too many text blocks"
    TEXT = "too much text"
    IDENTIFIERS = "too many identifiers"
    EMBEDS = "too many embeds"
    ADDRESS = "media without a fetchable address"
    NESTED = "documents nested too deep"
    JSON_DEPTH = "JSON nested too deep"
    JSON_SIZE = "JSON too large"
    JSON_CUT = "JSON that is not whole"
    BYTES = "bytes that are no text"


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How much of one page is taken; the rest is counted, never silently dropped."""

    links: int = 2_000
    media: int = 500
    blocks: int = 10_000
    text_chars: int = 4_000_000
    identifiers: int = 5_000
    embeds: int = 500
    declarations: int = 200
    json_values: int = 200_000
    nested_documents: int = 3


class NestedKind(StrEnum):
    """What a document found inside another one is read as."""

    HTML = "html"
    JSON = "json"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Nested:
    """A document inside the page that is still to be read; `level` counts from 0, the page itself."""

    kind: NestedKind
    text: str
    place: Place
    level: int


@dataclass(slots=True)
class _Media:
    kind: MediaKind
    source: str
    place: Place
    alt: str


@dataclass(slots=True)
class Harvest:
    """Everything found so far on one page; `base` is what relative addresses are resolved against."""

    url: str
    limits: PageLimits
    base: str = ""
    entries: EntryTree = field(default_factory=EntryTree)
    omitted: Counter[str] = field(default_factory=Counter)
    json_values: int = 0
    nested: list[Nested] = field(default_factory=list)
    _links: dict[str, tuple[LinkKind, Place]] = field(default_factory=dict)
    _media: dict[str, _Media] = field(default_factory=dict)
    _blocks: list[tuple[str, BlockKind, Place]] = field(default_factory=list)
    _texts: dict[tuple[str, BlockKind, int], list[Place]] = field(default_factory=dict)
    _text_chars: int = 0
    _identifiers: dict[tuple[IdentifierKind, str], Place] = field(default_factory=dict)
    _embeds: dict[tuple[str, Step], tuple[EmbedKind, Place]] = field(default_factory=dict)
    _declarations: dict[tuple[DeclarationKind, str], Declaration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = self.base or self.url

    def add_link(self, raw: str, kind: LinkKind, place: Place) -> None:
        """Take a link if it is http(s); of several kinds for one address the more telling one stays."""
        url = absolute(self.base, raw)
        if url is None:
            return
        url = url.partition("#")[0]
        known = self._links.get(url)
        if known is None or (known[0] is LinkKind.PAGE and kind is not LinkKind.PAGE):
            kind = LinkKind.API if kind is LinkKind.PAGE and identifiers.is_api(url) else kind
            self._links[url] = (kind, known[1] if known else place)

    def add_media(
        self, raw: str, source: str, place: Place, *, kind: MediaKind = MediaKind.IMAGE, alt: str = ""
    ) -> None:
        """Take a picture or video; a second mention adds its alt text, entry or better construct."""
        raw = raw.strip()
        if not raw or raw.startswith("#"):
            return
        url = raw if raw[:5].lower() == "data:" else absolute(self.base, raw)
        if url is None:
            self.omitted[Omission.ADDRESS] += 1
            return
        if source.endswith(PLACEHOLDER):
            place = Place(place.path)  # one blank picture stands in every entry and belongs to none
        self.entries.mark_media(place.entry)
        known = self._media.setdefault(url, _Media(kind, source, place, alt))
        if not known.alt:
            known.alt = alt
        if known.place.entry < 0 <= place.entry:
            known.place = place
        if _is_lesser(known.source) and not _is_lesser(source):
            known.source = source

    def add_text(self, text: str, kind: BlockKind, place: Place) -> None:
        """Take a block of text; the same text twice in one entry is one block that knows both places."""
        text = text.strip()
        key = (text, kind, place.entry)
        if not text:
            return
        if key in self._texts:
            if len(self._texts[key]) <= _REPEATS:
                self._texts[key].append(place)
            return
        if len(self._blocks) >= self.limits.blocks:
            self.omitted[Omission.BLOCKS] += 1
            return
        if self._text_chars + len(text) > self.limits.text_chars:
            self.omitted[Omission.TEXT] += 1
            return
        self._texts[key] = []
        self._text_chars += len(text)
        self.entries.mark_text(place.entry)
        if len(text) <= _PIECE:
            self._blocks.append((text, kind, place))
            return
        for start in range(0, len(text) - _OVERLAP, _PIECE - _OVERLAP):
            self._blocks.append((text[start : start + _PIECE], kind, place.at(f"~{start}")))

    def add_identifier(self, kind: IdentifierKind, value: str, place: Place) -> None:
        """Take a native id, handle or tag where it is first seen."""
        if len(self._identifiers) < self.limits.identifiers:
            self._identifiers.setdefault((kind, value), place)
        elif (kind, value) not in self._identifiers:
            self.omitted[Omission.IDENTIFIERS] += 1

    def add_embed(self, raw: str, kind: EmbedKind, place: Place) -> None:
        """Take an embed if its address is that of another host."""
        url = absolute(self.base, raw)
        if url is None or urlsplit(url).hostname == urlsplit(self.url).hostname:
            return
        if len(self._embeds) >= self.limits.embeds:
            self.omitted[Omission.EMBEDS] += (url, place.path) not in self._embeds
            return
        self._embeds.setdefault((url, place.path), (kind, place))

    def add_declaration(self, kind: DeclarationKind, value: str, place: Place, media_type: str = "") -> None:
        """Take what the page says of itself, each once; relative addresses are resolved, others left out."""
        told = value.strip().lower() if kind is DeclarationKind.TYPE else absolute(self.base, value)
        if told and len(self._declarations) < self.limits.declarations:
            self._declarations.setdefault((kind, told), Declaration(kind, told, media_type, str(place.path)))

    def add_nested(self, kind: NestedKind, text: str, place: Place, level: int) -> None:
        """Note a document within the page, to be read after what surrounds it."""
        if level > self.limits.nested_documents:
            self.omitted[Omission.NESTED] += 1
        elif text.strip():
            self.nested.append(Nested(kind, text, place, level))

    def chars(self, *kinds: BlockKind) -> int:
        """Return how many characters of text of these kinds were taken so far."""
        return sum(len(text) for text, kind, _ in self._blocks if kind in kinds)

    @property
    def media_sources(self) -> tuple[str, ...]:
        """The constructs in which media were found, one for each."""
        return tuple(media.source for media in self._media.values())

    def links(self) -> tuple[Link, ...]:
        """Return the links in page order, up to the limit."""
        self._count(Omission.LINKS, len(self._links) - self.limits.links)
        kept = list(self._links.items())[: self.limits.links]
        return tuple(
            Link(url, kind, str(place.path), self.entries.locator(place.entry)) for url, (kind, place) in kept
        )

    def media(self) -> tuple[MediaRef, ...]:
        """Return the media in page order, up to the limit; smaller copies are the first to go."""
        items = list(self._media.items())
        if len(items) > self.limits.media:
            larger = [item for item in items if not item[1].source.endswith(SMALLER)]
            self._count(Omission.SMALLER, len(items) - len(larger))
            self._count(Omission.MEDIA, len(larger) - self.limits.media)
            items = larger[: self.limits.media]
        return tuple(
            MediaRef(
                url=url,
                kind=one.kind,
                source=one.source.removesuffix(SMALLER),
                locator=str(one.place.path),
                entry=self.entries.locator(one.place.entry),
                alt=one.alt.strip(),
                unwrapped_url=unwrap(url),
            )
            for url, one in items
        )

    def blocks(self) -> tuple[TextBlock, ...]:
        """Return the text blocks in the order they were found."""
        return tuple(
            TextBlock(
                text,
                kind,
                str(place.path),
                self.entries.locator(place.entry),
                self._repeats(text, kind, place.entry),
            )
            for text, kind, place in self._blocks
        )

    def _repeats(self, text: str, kind: BlockKind, entry: int) -> tuple[str, ...]:
        """Return where an entry has a text again; "" stands for what is more than is listed."""
        places = self._texts.get((text, kind, entry), [])
        listed = tuple(str(place.path) for place in places[:_REPEATS])
        return (*listed, "") if len(places) > _REPEATS else listed

    def embeds(self) -> tuple[Embed, ...]:
        """Return what the page has other sites show, in the order it was found."""
        return tuple(
            embed_of(kind, url, str(place.path), self.entries.locator(place.entry))
            for (url, _), (kind, place) in self._embeds.items()
        )

    def declarations(self) -> tuple[Declaration, ...]:
        """Return what the page says of itself, in the order it was found."""
        return tuple(self._declarations.values())

    def identifiers(
        self, media: tuple[MediaRef, ...], links: tuple[Link, ...], blocks: tuple[TextBlock, ...]
    ) -> tuple[Identifier, ...]:
        """Return the native ids of `media`, `links` and `blocks`, and those taken one by one."""
        found: dict[tuple[IdentifierKind, str], tuple[str, str]] = {
            key: (str(place.path), self.entries.locator(place.entry))
            for key, place in self._identifiers.items()
        }
        for key in identifiers.of_path(self.url):
            found.setdefault(key, ("url", ""))
        for ref in media:
            for key in identifiers.of_media(ref.url, ref.unwrapped_url, self.url):
                found.setdefault(key, (ref.locator, ref.entry))
        for link in links:
            for key in identifiers.of_path(link.url):
                found.setdefault(key, (link.locator, link.entry))
        for block in blocks:
            for key in identifiers.of_text(block.text):
                found.setdefault(key, (block.locator, block.entry))
        self._count(Omission.IDENTIFIERS, len(found) - self.limits.identifiers)
        kept = list(found.items())[: self.limits.identifiers]
        return tuple(Identifier(*key, *where) for key, where in kept)

    def _count(self, reason: str, number: int) -> None:
        if number > 0:
            self.omitted[reason] += number


class Leads(Harvest):
    """A harvest of links and media, and of ids that JSON names; texts and embeds are let go."""

    def add_text(self, text: str, kind: BlockKind, place: Place) -> None:
        """Let a text go."""

    def named(self) -> tuple[Identifier, ...]:
        """Return the ids that were taken one by one, as they came."""
        return tuple(Identifier(kind, value, "") for kind, value in self._identifiers)

    def add_embed(self, raw: str, kind: EmbedKind, place: Place) -> None:
        """Let an embed go."""


def _is_lesser(source: str) -> bool:
    """Whether a construct says less of a picture than others: a smaller copy, a placeholder, a mere link."""
    return source.endswith((SMALLER, PLACEHOLDER)) or source in LINKING
