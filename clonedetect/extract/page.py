"""Reads one captured page: the room's front door, a pure function from bytes to `PageContent`."""

from __future__ import annotations

from collections.abc import Callable

from clonedetect.errors import InputError
from clonedetect.extract.charset import Decoded, decode
from clonedetect.extract.harvest import PLACEHOLDER, Harvest, Leads, Nested, NestedKind, Omission, PageLimits
from clonedetect.extract.html_page import HtmlFacts, read_html, read_html_leads
from clonedetect.extract.json_page import (
    is_json_sequence,
    is_prose,
    read_json_text,
    read_json_value,
    read_script,
    sniff_json,
)
from clonedetect.extract.paging import next_addresses
from clonedetect.extract.places import Place, Step
from clonedetect.models.page import BlockKind, LinkKind, PageContent

__all__ = ["PageLimits", "read_leads", "read_page"]

_ReadHtml = Callable[[Harvest, str, Place, int], HtmlFacts]

_BINARY = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"RIFF",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"%PDF-",
    b"OggS",
    b"\x1aE\xdf\xa3",
)

SCRIPT_ONLY_CHARS = 200
"""Readable characters below which a page with scripts and without media is taken for an empty shell."""

_MARGINAL = ("meta:", "link[", "css", "script")


def read_page(
    content: bytes, url: str, content_type: str = "", limits: PageLimits | None = None
) -> PageContent:
    """Return everything that a page or JSON document links, shows and says.

    What `content` is, is told by the content; `content_type` (the header's
    value) names the charset and settles doubt. Bytes of pictures, archives
    and the like raise InputError: nothing was examined, which is not the same
    as nothing found. So does markup that the parser refuses.
    """
    decoded = _text_of(content, url, content_type)
    harvest = Harvest(url, limits or PageLimits())
    facts = _read(harvest, content, decoded, content_type, read_html)
    return _content(harvest, facts, decoded.encoding, decoded.source)


def read_leads(
    content: bytes, url: str, content_type: str = "", limits: PageLimits | None = None
) -> PageContent:
    """Return what a page or JSON document leads to: its links, media and declarations, without locators.

    The same addresses of the same kinds in the same order as `read_page`
    returns, and the ids that JSON names; the rest of the value is empty. Raises
    InputError as `read_page` does.
    """
    decoded = _text_of(content, url, content_type)
    harvest = Leads(url, limits or PageLimits())
    _read(harvest, content, decoded, content_type, read_html_leads)
    return PageContent(
        url=url,
        encoding=decoded.encoding,
        encoding_source=decoded.source,
        links=harvest.links(),
        media=harvest.media(),
        declarations=harvest.declarations(),
        identifiers=harvest.named(),
    )


def _text_of(content: bytes, url: str, content_type: str) -> Decoded:
    if content.startswith(_BINARY) and b"\x00" in content[:1_024]:
        raise InputError(f"{url} is no page: its bytes are those of a picture, archive or other binary")
    return decode(content, content_type)


def _read(
    harvest: Harvest, content: bytes, decoded: Decoded, content_type: str, read_markup: _ReadHtml
) -> HtmlFacts:
    root = Place(Step(""))
    facts = HtmlFacts()
    value, is_json = sniff_json(decoded.text, content_type)
    kind = content_type.partition(";")[0].strip().lower()
    if _holds_other_format(content, decoded.encoding):
        harvest.omitted[Omission.BYTES] += 1
    if is_json:
        read_json_value(harvest, value, root, 0)
        for following in next_addresses(harvest.url, value):
            harvest.add_link(following, LinkKind.PAGINATION, root.at("#next"))
    elif "json" in kind and read_json_text(harvest, decoded.text, root, 0):
        if not is_json_sequence(decoded.text):
            harvest.omitted[Omission.JSON_CUT] += 1  # what could be read was taken
    elif kind.endswith("javascript"):
        read_script(harvest, decoded.text, root, 0)
    else:
        facts = read_markup(harvest, decoded.text, root, 0)
    _read_nested(harvest, read_markup)
    return facts


def _holds_other_format(content: bytes, encoding: str) -> bool:
    """Whether bytes that were read as text are, or also are, a picture, video or document of another kind."""
    is_wide = encoding.replace("-", "").lower().startswith(("utf16", "utf32"))
    is_film = content[4:8] == b"ftyp"  # ISO 14496-12: MP4, AVIF, HEIC
    return is_film or content.startswith(_BINARY) or (not is_wide and b"\x00" in content[:1_024])


def _read_nested(harvest: Harvest, read_markup: _ReadHtml) -> None:
    position = 0
    while position < len(harvest.nested):
        one = harvest.nested[position]
        position += 1
        _read_one(harvest, one, read_markup)


def _read_one(harvest: Harvest, one: Nested, read_markup: _ReadHtml) -> None:
    if one.kind is NestedKind.HTML:
        read_markup(harvest, one.text, one.place, one.level)
    elif one.kind is NestedKind.SCRIPT:
        read_script(harvest, one.text, one.place, one.level)
    elif not read_json_text(harvest, one.text, one.place, one.level) and is_prose(one.text, is_named=False):
        harvest.add_text(one.text, BlockKind.JSON, one.place)


def _content(harvest: Harvest, facts: HtmlFacts, encoding: str, encoding_source: str) -> PageContent:
    links, media, blocks = harvest.links(), harvest.media(), harvest.blocks()
    identifiers = harvest.identifiers(media, links, blocks)
    return PageContent(
        url=harvest.url,
        title=facts.title,
        lang=facts.lang,
        encoding=encoding,
        encoding_source=encoding_source,
        links=links,
        media=media,
        blocks=blocks,
        identifiers=identifiers,
        omitted=tuple(sorted(harvest.omitted.items())),
        is_script_only=_is_script_only(harvest, facts),
        embeds=harvest.embeds(),
        declarations=harvest.declarations(),
    )


def _is_script_only(harvest: Harvest, facts: HtmlFacts) -> bool:
    """Whether the page leaves its content to scripts: none of it is in the markup or in data it carries."""
    has_media = any(
        not source.startswith(_MARGINAL) and not source.endswith(PLACEHOLDER)
        for source in harvest.media_sources
    )
    is_empty = facts.visible_chars < SCRIPT_ONLY_CHARS and harvest.chars(BlockKind.JSON) < SCRIPT_ONLY_CHARS
    return facts.scripts > 0 and not has_media and is_empty
