"""From what a supplied file holds to fetches as the case records them: purpose, permission, outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from clonedetect.archive.supplied.message import Message, MessageKind
from clonedetect.crawl.decode import BombError, DecodeError, DecodeLimits, Head, header
from clonedetect.crawl.limits import Limits
from clonedetect.crawl.outcomes import is_same_site, outcome_of_status
from clonedetect.crawl.sniff import media_kind
from clonedetect.extract.media_urls import looks_like_media
from clonedetect.jobs.assembling import Whole
from clonedetect.jobs.heads import content_of, head_of, is_whole_range
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Purpose, WireFidelity
from clonedetect.models.item import MediaKind
from clonedetect.models.permit import Permit, Refusal
from clonedetect.models.supplied import Origin

__all__ = ["Ready", "Unwanted", "content_kind", "prepared"]

PermitFor = Callable[[str, Purpose], Permit | Refusal]

_LIMITS = Limits()
_LOOK_BYTES = 4_096
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|div|p|meta|title|article|section)\b", re.IGNORECASE
)
_SCRIPT_WORDS = ("css", "javascript", "ecmascript", "font", "wasm", "svg")
_TRUNCATED = {"length": Outcome.TOO_LARGE, "time": Outcome.TIMEOUT}

_PAGE, _DATA, _MEDIA = "page", "data", "media"
_PURPOSES = {
    _PAGE: (Purpose.PAGE, Purpose.API),
    _DATA: (Purpose.API, Purpose.PAGE),
    _MEDIA: (Purpose.MEDIA,),
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A supplied answer as a fetch, and what permits it."""

    result: FetchResult
    permit: Permit


@dataclass(frozen=True, slots=True)
class Unwanted:
    """An answer that holds nothing to look at, and what it is."""

    what: str


@dataclass(frozen=True, slots=True)
class _Read:
    """What a message holds: a kind of `_PURPOSES`, or in words what else it is."""

    kind: str
    outcome: Outcome = Outcome.OK
    reason: str = ""
    content: bytes = b""
    content_type: str = ""


def prepared(
    whole: Whole, origin: Origin, permit_for: PermitFor, now: datetime
) -> Ready | Refusal | Unwanted:
    """Return the answer as a fetch of today with its `origin`, or why it is not taken.

    1. What the content is decides the purpose: markup is a page, JSON what an API says, pictures
       and videos are media. Style sheets, scripts, fonts and the like are not looked at.
    2. The grant is asked for that purpose, at each hop. A part of a document that has a name and
       no address, and a picture of a page, are asked for as that page.
    3. What cannot be decoded whole, is cut, or inflates too far is recorded with that outcome, as
       a crawl does it.
    """
    first, final = whole.messages[0], whole.messages[-1]
    if final.kind is not MessageKind.RESOURCE and head_of(final.block) is None:
        return Refusal(final.url, Purpose.PAGE, "its HTTP head cannot be read")
    read = _Read(_PAGE) if whole.leads_to else _read(final)  # 1
    if read.kind not in _PURPOSES:
        return Unwanted(read.kind)
    is_named = first.url.startswith("cid:")
    asked = _PURPOSES[_PAGE if is_named or final.is_screenshot else read.kind]
    permit = _permitted(first.page if is_named else first.url, asked, permit_for)  # 2
    if isinstance(permit, Refusal):
        return permit
    url = first.url if is_named else permit.url
    result = FetchResult(
        url=url,
        final_url=url,
        purpose=Purpose.MEDIA if is_named else permit.purpose,
        outcome=read.outcome,
        reason=read.reason,
        exchanges=(_exchange(first, url, now),),
        content=read.content,
        content_type=read.content_type,
        origin=origin,
    )
    return Ready(_followed(result, whole, permit, permit_for, now), permit)


def _permitted(url: str, purposes: tuple[Purpose, ...], permit_for: PermitFor) -> Permit | Refusal:
    answers = [permit_for(url, purpose) for purpose in purposes]
    return next((one for one in answers if isinstance(one, Permit)), answers[0])


def _followed(
    result: FetchResult, whole: Whole, permit: Permit, permit_for: PermitFor, now: datetime
) -> FetchResult:
    """Return `result` with the hops that the grant permits, and how it ends where it does not."""
    for message in whole.messages[1:]:
        hop = permit_for(message.url, permit.purpose)
        if isinstance(hop, Refusal):
            return _led_away(result, permit, hop)
        exchanges = (*result.exchanges, _exchange(message, hop.url, now))
        result = replace(result, final_url=hop.url, exchanges=exchanges)
    if not whole.leads_to:
        return result
    hop = permit_for(whole.leads_to, permit.purpose)
    if isinstance(hop, Refusal):
        return _led_away(result, permit, hop)
    reason = f"redirected to {whole.leads_to}, which the supplied file does not hold"
    return replace(result, outcome=Outcome.NOT_VISITED, reason=reason)


def _led_away(result: FetchResult, permit: Permit, refusal: Refusal) -> FetchResult:
    parts = urlsplit(refusal.url)
    is_away = parts.scheme in ("http", "https") and not is_same_site(parts.hostname or "", permit.host)
    return replace(
        result,
        outcome=Outcome.REDIRECTED_AWAY if is_away else Outcome.BLOCKED_SCOPE,
        reason=f"redirected to {refusal.url}, which is refused: {refusal.reason}",
        content=b"",
        content_type="",
    )


def _exchange(message: Message, url: str, now: datetime) -> Exchange:
    """Return the exchange as it is kept: of the request nothing, of the times what the file claims."""
    head = None if message.kind is MessageKind.RESOURCE else head_of(message.block)
    claimed = message.claimed_at
    moment = claimed if claimed is not None and claimed <= now else now
    return Exchange(
        url=f"urn:view:{url}" if message.is_screenshot else url,
        request=b"",
        response=message.block,
        header_length=head.length if head else 0,
        started_at=moment,
        finished_at=moment,
        status=head.status if head else None,
        headers=head.headers if head else (("Content-Type", message.content_type),),
        fidelity=WireFidelity.SUPPLIED,
        truncated=message.truncated,
    )


def _read(message: Message) -> _Read:
    """Return what `message` holds, its content decoded within bounds."""  # 3
    if message.kind is MessageKind.RESOURCE:
        kind = content_kind(message.block, message.content_type)
        return _bounded(_Read(kind, content=message.block, content_type=message.content_type), message)
    head = head_of(message.block)
    if head is None or head.status == 304:
        return _Read("answer that nothing had changed")
    kind_told = header(head.headers, "content-type") or ""
    body = message.block[head.length :]
    try:
        content, note = content_of(body, head, _decoding(head, len(body)))
    except BombError as error:
        return _Read(_kind_by_name(message.url, kind_told), Outcome.BOMB, str(error))
    except DecodeError as error:
        return _Read(_kind_by_name(message.url, kind_told), Outcome.DECODE_ERROR, str(error))
    outcome, reason = Outcome.OK, note
    if not (head.status == 206 and is_whole_range(head, len(content))):
        outcome, meaning = outcome_of_status(head.status, head.headers, is_conditional=False)
        reason = meaning or note
    failed = outcome is not Outcome.OK
    kind = _kind_by_name(message.url, kind_told) if failed else content_kind(content, kind_told)
    return _bounded(_Read(kind, outcome, reason, content, kind_told), message)


def _decoding(head: Head, stored: int) -> DecodeLimits:
    is_packed = (header(head.headers, "content-encoding") or "identity").lower() != "identity"
    bound = _LIMITS.image_bytes if is_packed else max(_LIMITS.video_bytes, stored)
    return DecodeLimits(bound, _LIMITS.decode_ratio, _LIMITS.decode_ratio_from_bytes)


def _bounded(read: _Read, message: Message) -> _Read:
    """Return `read`, or how it ends where it is cut, too large, or not the picture that it is said to be."""
    if message.truncated is not None:
        outcome = _TRUNCATED.get(message.truncated.strip().lower(), Outcome.PROTOCOL_ERROR)
        return replace(
            read, outcome=outcome, reason=f"cut when it was captured: {message.truncated[:60]}", content=b""
        )
    found = media_kind(read.content) if read.kind == _MEDIA else None
    bound = {
        None: _LIMITS.page_decoded_bytes,
        MediaKind.IMAGE: _LIMITS.image_bytes,
        MediaKind.VIDEO: _LIMITS.video_bytes,
    }[found]
    if len(read.content) > bound:
        reason = f"{len(read.content)} bytes, more than {bound}"
        return replace(read, outcome=Outcome.TOO_LARGE, reason=reason, content=b"")
    if read.outcome is Outcome.OK and read.kind == _MEDIA and found is None:
        start = read.content[:16]
        return replace(
            read, outcome=Outcome.NOT_MEDIA, reason=f"neither picture nor video: begins with {start!r}"
        )
    return read


def content_kind(content: bytes, content_type: str) -> str:
    """Return ``page``, ``data`` or ``media``, or in words what else the content is; told by content first."""
    if media_kind(content) is not None:
        return _MEDIA
    named = content_type.partition(";")[0].strip().lower()
    if any(word in named for word in _SCRIPT_WORDS):
        return named
    if "json" in named:
        return _DATA
    if named.startswith(("image/", "video/")):
        return _MEDIA
    if "html" in named or _MARKUP.search(content[:_LOOK_BYTES]):
        return _PAGE
    return _DATA if _is_json(content) else named or "content of no known type"


def _kind_by_name(url: str, content_type: str) -> str:
    """Return what an answer without content would have been, by what it is called."""
    path = urlsplit(url).path.lower()
    if path.endswith(
        (".css", ".js", ".mjs", ".woff", ".woff2", ".ttf", ".svg", "/robots.txt", "/favicon.ico")
    ):
        return "failed answer for a style sheet, script or font"
    if looks_like_media(url) is not None:
        return _MEDIA
    named = content_type.partition(";")[0].strip().lower()
    kind = _PAGE if named in ("", "text/plain") else content_kind(b"", content_type)
    return kind if kind in _PURPOSES else "failed answer without a page"


def _is_json(content: bytes) -> bool:
    if content[:1] not in (b"{", b"["):
        return False
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
