"""What a supplied file tells in pieces, put together: revisits and payloads, redirects and where they led.

The file is read once, and a second time only where something in it refers to another
record, so that no more than the heads of such records are ever held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from clonedetect.archive.supplied.digests import is_known, is_stated_of
from clonedetect.archive.supplied.message import Fault, Found, Message, MessageKind, PassedOver, Software
from clonedetect.archive.supplied.warc_file import payload_forms
from clonedetect.crawl.outcomes import redirect_target
from clonedetect.errors import UrlError
from clonedetect.grant.urls import normalise
from clonedetect.jobs.heads import head_of
from clonedetect.models.supplied import HeadOrigin

__all__ = ["Assembled", "Whole", "assembled"]

_HOPS = 6
_HELD_BYTES = 1 << 20
"""Longest message that is held for the second reading."""
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Whole:
    """One answer: the redirects that led to it, in order, and the message that ended them.

    `place` names it within the file. `leads_to` is where the last redirect leads if its target is not there.
    """

    place: str
    messages: tuple[Message, ...]
    leads_to: str = ""


Assembled = Whole | Fault | PassedOver | Software


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits for the record of another place: redirects that end there, or a revisit of it."""

    chain: tuple[Message, ...]
    revisit: Message | None


@dataclass(slots=True)
class _Known:
    """Where the file holds what, as far as others may refer to it."""

    by_id: dict[str, str] = field(default_factory=dict)
    by_digest: dict[str, str] = field(default_factory=dict)
    by_url: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    redirects: dict[str, list[tuple[Message, str]]] = field(default_factory=lambda: defaultdict(list))
    revisits: dict[str, Message] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        """Remember a message by its id, address and payload."""
        if message.record_id:
            self.by_id.setdefault(message.record_id, message.place)
        for stated in message.stated_digests:
            self.by_digest.setdefault(stated.lower(), message.place)
        self.by_url[normal(message.url)].append((message.claimed_at or _BEFORE_ALL, message.place))

    def nearest(self, url: str, moment: datetime | None) -> str:
        """Return the place of the answer of `url` next to `moment`, "" where there is none."""
        held = self.by_url.get(normal(url), [])
        wanted = moment or _BEFORE_ALL
        return min(held, key=lambda one: abs((one[0] - wanted).total_seconds()), default=(wanted, ""))[1]


def normal(url: str) -> str:
    """Return the normal form of an address, or the address itself where it has none."""
    try:
        return str(normalise(url))
    except UrlError:
        return url


def assembled(read: Callable[[], Iterator[Found]]) -> Iterator[Assembled]:
    """Yield everything that `read` gives, each answer whole; `read` gives the same each time.

    Revisits and redirects come last. A revisit whose record is not in the file is a fault;
    redirects whose target is not there come without it.
    """
    known = _Known()
    redirects: list[tuple[Message, str]] = []
    for found in read():
        if not isinstance(found, Message):
            yield found
            continue
        target = _target(found)
        if found.kind is MessageKind.REVISIT and not target:
            yield from _hold_revisit(found, known)
        elif target and len(found.block) > _HELD_BYTES:
            yield Fault(found.place, f"a redirect of {len(found.block)} bytes", "too large", found.url)
        elif target:
            redirects.append((found, target))
            known.redirects[normal(found.url)].append((found, target))
        else:
            known.note(found)
            yield Whole(found.place, (found,))
    yield from _second_reading(read, known, redirects)


def _target(message: Message) -> str:
    """Return where a redirect leads, "" for what is none or leads nowhere."""
    if message.kind is MessageKind.RESOURCE:
        return ""
    head = head_of(message.block)
    if head is None:
        return ""
    try:
        return redirect_target(head.status, head.headers, message.url) or ""
    except ValueError:
        return ""


def _hold_revisit(message: Message, known: _Known) -> Iterator[Assembled]:
    if message.reference is None or message.reference.is_not_modified:
        yield PassedOver("revisit that says that nothing had changed")
    elif len(message.block) > _HELD_BYTES:
        yield Fault(
            message.place, f"a revisit record of {len(message.block)} bytes", "too large", message.url
        )
    else:
        known.revisits[message.place] = message
        known.by_url[normal(message.url)].append((message.claimed_at or _BEFORE_ALL, message.place))


def _second_reading(
    read: Callable[[], Iterator[Found]], known: _Known, redirects: list[tuple[Message, str]]
) -> Iterator[Assembled]:
    waiting: dict[str, list[_Waiting]] = defaultdict(list)
    for revisit in known.revisits.values():
        place = _referred(revisit, known)
        if place:
            waiting[place].append(_Waiting((), revisit))
        else:
            yield _lost(revisit)
    for message, target in redirects:
        chain, leads_to = _chain(message, target, known)
        place = known.nearest(leads_to, message.claimed_at)
        revisit_there = known.revisits.get(place)
        payload = _referred(revisit_there, known) if revisit_there else place
        if payload:
            waiting[payload].append(_Waiting(chain, revisit_there))
        else:
            yield Whole(message.place, chain, leads_to)
    if waiting:
        for found in read():
            if isinstance(found, Message):
                for one in waiting.pop(found.place, ()):
                    yield _joined(one, found)


def _referred(revisit: Message, known: _Known) -> str:
    """Return the place of the record that a revisit refers to: by id, by digest, by address and time."""
    reference = revisit.reference
    if reference is None:
        return ""
    if reference.record_id in known.by_id:
        return known.by_id[reference.record_id]
    by_digest = known.by_digest.get(reference.payload_digest.lower(), "")
    if by_digest or not reference.url:
        return by_digest
    place = known.nearest(reference.url, _moment(reference.date))
    return "" if place in known.revisits else place


def _lost(revisit: Message) -> Fault:
    return Fault(
        revisit.place,
        "a revisit record, and the record that it refers to is not in this file",
        "revisit of a record that is not there",
        revisit.url,
    )


def _chain(message: Message, target: str, known: _Known) -> tuple[tuple[Message, ...], str]:
    """Return the redirects from `message` on, and where the last of them leads."""
    chain, seen = [message], {normal(message.url)}
    while normal(target) not in seen and len(chain) < _HOPS:
        onward = known.redirects.get(normal(target))
        if not onward or known.nearest(target, message.claimed_at):
            break
        seen.add(normal(target))
        following, target = onward[0]
        chain.append(following)
    return tuple(chain), target


def _joined(waiting: _Waiting, found: Message) -> Assembled:
    """Return what waited, with the message it waited for."""
    revisit, final = waiting.revisit, found
    if revisit is not None:
        body = _body_of(found, revisit)
        if body is None:
            stated = revisit.reference.payload_digest if revisit.reference else ""
            return Fault(
                waiting.chain[0].place if waiting.chain else revisit.place,
                f"the record that a revisit refers to does not have the payload digest {stated[:150]}",
                "not the digest that it states",
                revisit.url,
            )
        head = head_of(revisit.block)
        first = revisit.block[: head.length] if head else found.block[: len(found.block) - len(body)]
        final = replace(revisit, kind=MessageKind.HTTP, block=first + body, head=HeadOrigin.REVISIT)
        if found.kind is MessageKind.RESOURCE and head is None:
            final = replace(final, kind=MessageKind.RESOURCE, content_type=found.content_type)
    place = waiting.chain[0].place if waiting.chain else final.place
    return Whole(place, (*waiting.chain, final))


def _body_of(found: Message, revisit: Message) -> bytes | None:
    """Return the stored body that a revisit stands for, None where it has not the digest stated."""
    is_http = found.kind is MessageKind.HTTP
    forms = payload_forms(found.block, is_http)
    stated = revisit.reference.payload_digest if revisit.reference else ""
    if stated and is_known(stated) and not is_stated_of(stated, forms):
        return None
    return forms[0]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
