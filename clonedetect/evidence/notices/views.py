"""What a letter and its attachment tell of each entry: the same values for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clonedetect.evidence.grounds import other_accounts, standing_sentences
from clonedetect.evidence.notices.defang import shortened
from clonedetect.evidence.notices.gate import MarksOf
from clonedetect.evidence.notices.groups import Entry, Place
from clonedetect.evidence.notices.kinds import NoticeKind
from clonedetect.evidence.notices.marks import MarkUse
from clonedetect.evidence.notices.material import Material
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.notices.rights import basis_of
from clonedetect.evidence.words import KINDS, OUTCOMES
from clonedetect.models.capture import Outcome, WireFidelity
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.match import Verdict
from clonedetect.models.verdict import PageClass

__all__ = ["EntryView", "PlaceView", "Teller", "cautions_of", "entry_view"]

MAX_CAPTION = 160
MAX_REASONS = 3

_CAUTIONED = {
    PageClass.WEB_ARCHIVE: "a web archive's copy",
    PageClass.SEARCH_CACHE: "a search engine's cache",
    PageClass.QUOTATION: "a quotation",
}


@dataclass(frozen=True, slots=True)
class PlaceView:
    """One place with its record: `is_hidden` from the letter, `is_served` by the one it goes to."""

    what: str
    url: str
    located: str
    is_hidden: bool
    is_served: bool
    received_at: datetime
    address: str
    port: int
    status: int | None
    record_id: RecordId | None
    payload_digest: Digest | None
    content_digest: Digest | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One post on one page as it is told; what must not be told is "" or empty."""

    number: int
    item_id: str
    account: str
    handle: str
    permalink: str
    published_at: datetime | None
    caption: str
    rights_basis: str
    grounds: tuple[str, ...]
    standing: tuple[str, ...]
    marks: tuple[MarkUse, ...]
    places: tuple[PlaceView, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Teller:
    """What decides on the telling: the letter's kind, how accounts are named, marks and rights."""

    kind: NoticeKind
    names: Names
    marks_of: MarksOf
    has_standing: Callable[[Material], bool]


def entry_view(number: int, entry: Entry, teller: Teller) -> EntryView:
    """Return what a letter tells of `entry`; marks, rights and visibility where its kind asks for them."""
    kind, names = teller.kind, teller.names
    item = entry.item
    is_open = names.key is None and names.is_told(item)
    return EntryView(
        number=number,
        item_id=item.item_id,
        account=names.account(item),
        handle=names.handle(item),
        permalink=names.permalink(item),
        published_at=None if item.minor else item.published_at,
        caption=shortened(names.caption(item), MAX_CAPTION),
        rights_basis=_rights(entry, teller),
        grounds=tuple(dict.fromkeys(_ground(one, is_open=is_open) for one in entry.material)),
        standing=_standing(entry) if kind is NoticeKind.PRIVACY else (),
        marks=teller.marks_of(entry.material[0]) if kind is NoticeKind.TRADEMARK else (),
        places=tuple(_place(place, entry, names) for place in entry.places),
        findings=tuple(one.finding.finding_id for one in entry.material),
    )


def _rights(entry: Entry, teller: Teller) -> str:
    """Return the recorded basis where copyright is claimed on it, without its reference if nobody is named.

    A basis that gives no standing is not told.
    """
    claims = teller.kind in (NoticeKind.DMCA, NoticeKind.DSA)
    is_claimed = claims and any(teller.has_standing(one) for one in entry.material)
    if not is_claimed:
        return ""
    basis, recorded = basis_of(entry.item.rights_basis), entry.item.rights_basis or ""
    is_open = teller.names.key is None and teller.names.is_told(entry.item)
    return recorded if is_open or basis is None else basis.value


def _standing(entry: Entry) -> tuple[str, ...]:
    told = (word for one in entry.material for word in standing_sentences(one.finding))
    return tuple(dict.fromkeys(told))


def _ground(one: Material, *, is_open: bool) -> str:
    match = one.finding.match
    what = ", ".join(KINDS[kind] for kind in match.kinds)
    reasons = "; ".join(match.reasons[:MAX_REASONS]) if is_open else ""
    return f"{what}: {reasons}" if reasons else what


def _place(place: Place, entry: Entry, names: Names) -> PlaceView:
    capture = place.capture
    hidden = names.hides(entry.item, place.url) or names.hides(entry.item, place.located)
    return PlaceView(
        what="picture" if place.is_media else "page",
        url=place.url,
        located=place.located,
        is_hidden=hidden,
        is_served=place in entry.served,
        received_at=capture.captured_at,
        address=place.address,
        port=capture.peer.port if capture.peer else 0,
        status=capture.status,
        record_id=capture.record_id,
        payload_digest=capture.payload_digest,
        content_digest=capture.content_digest,
    )


def cautions_of(entries: tuple[Entry, ...]) -> tuple[str, ...]:
    """Return what the person who signs should look at first, each once with the findings it is about."""
    told: dict[str, list[str]] = {}
    for entry in entries:
        for one in entry.material:
            for caution in _cautions(one):
                told.setdefault(caution, []).append(one.finding.finding_id)
    return tuple(f"{caution}: finding {', '.join(findings)}" for caution, findings in told.items())


def _cautions(one: Material) -> list[str]:
    match = one.finding.match
    cautions = []
    if match.verdict is not Verdict.CONFIRMED:
        cautions.append("The program says possible; a person alone confirmed it")
    if one.page_class in _CAUTIONED:
        cautions.append(f"The page looks like {_CAUTIONED[one.page_class]}")
    if shared := other_accounts(match):
        cautions.append(
            f"{shared} other account(s) of the platform publish the same: whose it is is not told by it"
        )
    measure = match.image or match.text
    if measure is not None and measure.departures:
        cautions.append(
            "Thresholds were not at their calibrated values, so that published error rates do not hold"
        )
    if one.finding.standing is not None and one.finding.standing.is_assumed:
        cautions.append("That the post was public is assumed; nobody recorded who could see it")
    if one.last.outcome not in (Outcome.OK, Outcome.NOT_MODIFIED):
        at = f"{one.last.captured_at:%Y-%m-%d %H:%M} UTC"
        cautions.append(f"When last asked for ({at}), the page was not seen: {OUTCOMES[one.last.outcome]}")
    if one.page.fidelity is WireFidelity.RECONSTRUCTED:
        cautions.append("The record of the page was reconstructed, and is not that of the socket")
    if one.reference.item.minor:
        cautions.append(
            "The post is marked as showing a minor: only its number is given; consider a report as such"
        )
    if one.reference.item.canary:
        cautions.append("The post is a canary: a letter that names it gives it away")
    return cautions
