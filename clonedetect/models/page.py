"""What one captured page or document contains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clonedetect.models.item import MediaKind

__all__ = [
    "BlockKind",
    "Declaration",
    "DeclarationKind",
    "Embed",
    "EmbedKind",
    "Identifier",
    "IdentifierKind",
    "Link",
    "LinkKind",
    "MediaRef",
    "PageContent",
    "TextBlock",
]


class BlockKind(StrEnum):
    """Where a text block stood."""

    LEAF = "leaf"
    ENTRY = "entry"
    ALT = "alt"
    META = "meta"
    JSON = "json"


class LinkKind(StrEnum):
    """What a link leads to, as far as the page tells."""

    PAGE = "page"
    API = "api"
    PAGINATION = "pagination"
    FRAME = "frame"


class IdentifierKind(StrEnum):
    """What kind of native identifier was seen."""

    HANDLE = "handle"
    HASHTAG = "hashtag"
    SHORTCODE = "shortcode"
    NUMERIC_ID = "numeric_id"
    ASSET_ID = "asset_id"
    HOTLINK = "hotlink"
    PERMALINK = "permalink"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Link:
    """An absolute http(s) URL found on the page; `entry` as in `MediaRef`."""

    url: str
    kind: LinkKind
    locator: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A reference to a picture or video; `url` is absolute, or a ``data:`` URL.

    `source` names the construct it came from (``img[src]``, ``srcset``,
    ``css``, ``og:image``, ``json`` ...); `entry` the repeated sibling it
    belongs to, "" if none; `unwrapped_url` is what an image proxy's URL hides.
    """

    url: str
    kind: MediaKind
    source: str
    locator: str
    entry: str = ""
    alt: str = ""
    unwrapped_url: str | None = None


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Raw text of one block; spans are code points of exactly this string.

    `repeats` are the locators at which the entry has the very same text again, the first
    few of them, then "" for any more.
    """

    text: str
    kind: BlockKind
    locator: str
    entry: str = ""
    repeats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifier:
    """A native id, handle or tag, with where it was seen; `entry` as in `MediaRef`."""

    kind: IdentifierKind
    value: str
    locator: str
    entry: str = ""


class DeclarationKind(StrEnum):
    """What a page says of itself, or has loaded, beside its content."""

    CANONICAL = "canonical"
    ALTERNATE = "alternate"
    SOURCE = "source"
    TYPE = "type"
    SCRIPT = "script"
    BASE = "base"
    ICON = "icon"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One thing a page says of itself; its own word, which whoever copies may write as well.

    `value` is an absolute http(s) URL, for a `TYPE` the name (``og:type``, the
    last part of a schema.org type) in lower case; `media_type` is that of an `ALTERNATE`.
    An `ENDPOINT` is the beginning of an API address that a script puts an id behind.
    """

    kind: DeclarationKind
    value: str
    media_type: str = ""
    locator: str = ""


class EmbedKind(StrEnum):
    """How a page shows what another site publishes."""

    FRAME = "frame"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Embed:
    """A place where the page has another site's own post shown or quoted, instead of a copy of it.

    `host` is the other site's, in lower case. A `FRAME` loads `url` (iframe,
    object, embed; lazy ones too), a `QUOTE` is a card or quotation that names
    `url` as its source. `permalink` is the post's address that `url` gives, or
    "", and `native_id` the shortcode or numeric id in it, or "". Locators of
    everything inside a quote begin with its `locator`. What an embed says is
    the page's own word: nobody has looked at what the frame shows.
    """

    kind: EmbedKind
    host: str
    url: str
    locator: str
    entry: str = ""
    permalink: str = ""
    native_id: str = ""


@dataclass(frozen=True, slots=True)
class PageContent:
    """Everything examined of one page; `omitted` counts by reason what was not.

    `embeds` are those of all other hosts; whose a host is, the platform's
    settings say. `declarations` are what the document itself says, not what stands in
    documents within it. `encoding` is the charset used and `encoding_source` what decided it.
    `is_script_only` claims that the page has next to no static content.
    """

    url: str
    title: str = ""
    lang: str = ""
    encoding: str = ""
    encoding_source: str = ""
    links: tuple[Link, ...] = ()
    media: tuple[MediaRef, ...] = ()
    blocks: tuple[TextBlock, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    omitted: tuple[tuple[str, int], ...] = ()
    is_script_only: bool = False
    embeds: tuple[Embed, ...] = ()
    declarations: tuple[Declaration, ...] = ()
