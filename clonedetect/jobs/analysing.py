"""The analysis of a case: archived records, one state of an index and settings in, verdicts out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import unquote_to_bytes

from clonedetect.analysis.addresses import is_at
from clonedetect.analysis.classes import Circumstances
from clonedetect.analysis.embeds import own_players
from clonedetect.analysis.findings import ExaminedMedia
from clonedetect.analysis.page import (
    UNCAPTURED_FRAME,
    PageAnalysis,
    judge_page,
    judge_redirected,
    judge_unseen,
)
from clonedetect.analysis.repeated import Repetition, repetition_of
from clonedetect.analysis.snapshots import may_be_archived
from clonedetect.archive.warc import read_facts
from clonedetect.case.store import CaseStore
from clonedetect.errors import InputError, UrlError
from clonedetect.grant.hosts import registrable_domain
from clonedetect.grant.urls import normalise
from clonedetect.index.identifiers import RULES
from clonedetect.index.reference import OpenIndex
from clonedetect.jobs.acting import acting
from clonedetect.jobs.banks import Banks
from clonedetect.jobs.copying import copy_references
from clonedetect.jobs.doctor import software
from clonedetect.jobs.examining import WITHHELD, Examiner, Unexamined, is_icon
from clonedetect.match.candidates import ImageOutcome
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.case import Analysis
from clonedetect.models.ids import Digest, ItemId, digest_of
from clonedetect.models.item import MediaKind
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.page import LinkKind, MediaRef, PageContent
from clonedetect.models.standing import standing_of
from clonedetect.signals.image import QueryImage

__all__ = ["AnalysisRun", "PageDone", "analyse_case"]

_PAGES = (Purpose.PAGE, Purpose.API)
_NO_PICTURE_HERE = "not captured"
_MOST_KEPT = 256
"""Pictures kept hashed between the pages of a site; each takes about half a megabyte."""


@dataclass(frozen=True, slots=True)
class PageDone:
    """One page was judged; `pages` of `total` are done."""

    analysis: PageAnalysis
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class _Picture:
    """One compared picture: what it gave, and the bytes' digest."""

    outcome: ImageOutcome | Unexamined
    digest: Digest


@dataclass(slots=True, eq=False)
class AnalysisRun:
    """One pass over the captured pages of a case."""

    store: CaseStore
    index: OpenIndex
    examiner: Examiner
    analysis: Analysis
    now: Callable[[], datetime]
    blocked: frozenset[Digest] = frozenset()
    _media: Mapping[str, Capture] = field(default_factory=dict)
    _seen: frozenset[str] = frozenset()
    _queries: dict[Digest, QueryImage | Unexamined] = field(default_factory=dict)
    _pictures: dict[tuple[Digest, ...], _Picture] = field(default_factory=dict)
    _allowed_sites: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._allowed_sites = frozenset(map(_site_of_host, self.examiner.settings.allow.domains))

    def run(self, pages: Sequence[Capture], judged: frozenset[str]) -> Iterator[PageDone]:
        """Judge `pages` but for those `judged` before, site by site, each stored before it is told.

        What a site repeats is told by all its pages: a run that goes on where
        another stopped says what one run would have said.
        """
        self._media = _last_seen(one for one in self.store.captures() if one.purpose is Purpose.MEDIA)
        self._seen = frozenset(page.url for page in pages if page.outcome is Outcome.OK)
        done, total = 0, sum(page.url not in judged for page in pages)
        for site in _by_site(pages).values():
            waiting = [page for page in site if page.url not in judged]
            told = self._contents(site if waiting else ())
            repeated = repetition_of((capture.url, content) for capture, content in told)
            for capture, content in self._contents(waiting, with_unseen=True):
                found = self._judge(capture, content, repeated)
                self._store(found)
                done += 1
                yield PageDone(found, done, total)
            self._queries.clear()
            self._pictures.clear()

    def _contents(
        self, site: Sequence[Capture], *, with_unseen: bool = False
    ) -> Iterator[tuple[Capture, PageContent]]:
        for capture in site:
            content = self._read(capture)
            if content is not None:
                yield capture, content
            elif with_unseen:
                yield capture, PageContent(capture.url)

    def _read(self, capture: Capture) -> PageContent | None:
        if capture.outcome is not Outcome.OK or capture.record_id is None or _leads_elsewhere(capture):
            return None
        content = self.store.content(capture.record_id)
        read = self.examiner.page(content, capture.final_url, capture.content_type)
        return PageContent(capture.url, omitted=((read.reason, 1),)) if isinstance(read, Unexamined) else read

    def _judge(self, capture: Capture, content: PageContent, repeated: Repetition) -> PageAnalysis:
        if capture.outcome is not Outcome.OK:
            return judge_unseen(capture)
        if _leads_elsewhere(capture):
            return judge_redirected(capture)
        media = self._examine(content.media)
        texts = self.examiner.texts(content.blocks, repeated.blocks)
        shown = [match for picture in media for match in picture.matches]
        named = self.examiner.identifiers(content, (*shown, *texts))
        content = replace(content, omitted=(*content.omitted, *self._unseen_frames(content)))
        thresholds = self.examiner.settings.thresholds.text
        circumstances = self._circumstances(capture)
        told = (*texts, *named)
        found = judge_page(capture, content, media, told, thresholds, circumstances=circumstances)
        found = found.as_copy_of(repeated.copies.get(capture.url, ""))
        return replace(found, findings=tuple(self._stood(one, capture) for one in found.findings))

    def _stood(self, finding: Finding, capture: Capture) -> Finding:
        """Note who could see the item when the page was captured; an account's name is no item's."""
        named = finding.match.identifier
        if named is not None and not named.names_item:
            return finding
        item = self.index.item(finding.match.item_id)
        return finding if item is None else replace(finding, standing=standing_of(item, capture.captured_at))

    def _unseen_frames(self, content: PageContent) -> Iterator[tuple[str, int]]:
        """Count frames whose documents were not captured: readers see them as parts of the page.

        Whatever the platform's own player shows, the platform serves: no copy, and no part that is missing.
        """
        players = own_players(content, self.examiner.settings.platform.hosts)
        own = {embed.url.partition("#")[0] for embed in players}
        frames = [link.url for link in content.links if link.kind is LinkKind.FRAME and link.url not in own]
        unseen = sum(_normal(url) not in self._seen for url in frames)
        if unseen:
            yield UNCAPTURED_FRAME, unseen

    def _circumstances(self, capture: Capture) -> Circumstances:
        """Return what settings, index and the answer's header say of the page."""
        settings, host = self.examiner.settings, normalise(capture.final_url).host

        def allows(item_id: ItemId) -> bool:
            item = self.index.item(item_id)
            return item is not None and is_at(host, item.allowed_domains)

        return Circumstances(
            platform_hosts=(*settings.platform.hosts, *settings.platform.media_hosts),
            is_allowed_domain=_site(capture.final_url) in self._allowed_sites,
            allows_item=allows,
            allows_federation=settings.allow.federation,
            headers=self._headers(capture),
        )

    def _headers(self, capture: Capture) -> tuple[tuple[str, str], ...]:
        """Return the header of the answer where a rule asks for it, from the archive."""
        if not may_be_archived(capture.final_url):
            return ()
        exchanges = read_facts(self.store.folder, capture).exchanges
        return exchanges[-1].headers if exchanges else ()

    def _examine(self, media: Sequence[MediaRef]) -> list[ExaminedMedia]:
        named = [(ref, self._bytes_of(ref)) for ref in media]
        wanted = {digest_of(data): data for _, data in named if isinstance(data, bytes)}
        missing = {digest: data for digest, data in wanted.items() if digest not in self._queries}
        with ThreadPoolExecutor(self.examiner.workers) as pool:
            self._queries.update(zip(missing, pool.map(self._query, missing.items()), strict=True))
        siblings = [query for query in map(self._queries.get, wanted) if isinstance(query, QueryImage)]
        examined = [self._examined(ref, data, siblings) for ref, data in named]
        for digest in list(self._queries)[:-_MOST_KEPT]:
            del self._queries[digest]
        return examined

    def _query(self, picture: tuple[Digest, bytes]) -> QueryImage | Unexamined:
        digest, data = picture
        if digest in self.blocked:
            return Unexamined(WITHHELD)
        return self.examiner.query(data)

    def _bytes_of(self, ref: MediaRef) -> bytes | Unexamined:
        if ref.kind is MediaKind.VIDEO:
            return Unexamined("video")
        if ref.url.startswith("data:"):
            return _inline(ref.url)
        capture = self._capture_of(ref.url)
        if capture is None:
            return Unexamined(_NO_PICTURE_HERE)
        if capture.outcome is not Outcome.OK or capture.record_id is None:
            return Unexamined(f"picture: {capture.outcome}")
        return self.store.content(capture.record_id)

    def _capture_of(self, url: str) -> Capture | None:
        return self._media.get(_normal(url))

    def _examined(
        self, ref: MediaRef, data: bytes | Unexamined, siblings: Sequence[QueryImage]
    ) -> ExaminedMedia:
        place = ExaminedMedia(ref.url, locator=ref.locator, entry=ref.entry)
        if isinstance(data, Unexamined):
            return replace(place, not_examined=data.reason)
        picture = self._compare(digest_of(data), siblings)
        capture = self._capture_of(ref.url)
        outcome = picture.outcome
        if capture is None and isinstance(outcome, ImageOutcome) and outcome.matches:
            self.store.put_object(data)  # it stands in the page itself, and an exhibit shows it by digest
        query = self._queries[picture.digest]
        examined = replace(
            place,
            url=capture.url if capture else ref.url,
            record_id=capture.record_id if capture else None,
            content_digest=picture.digest,
            is_photograph=isinstance(query, Unexamined) or not is_icon(query),
        )
        if isinstance(outcome, Unexamined):
            return replace(examined, not_examined=outcome.reason)
        unsure = outcome.verdict is Verdict.INCONCLUSIVE and not outcome.matches
        why = f"picture: {outcome.reasons[0]}" if unsure and outcome.reasons else ""
        return replace(examined, matches=outcome.matches, not_examined=why)

    def _compare(self, digest: Digest, siblings: Sequence[QueryImage]) -> _Picture:
        # Which other pictures stand beside it is part of the question: a verdict must
        # not depend on which page of the site was judged first.
        key = (digest, *(sibling.signals.digest for sibling in siblings))
        if key not in self._pictures:
            query = self._queries[digest]
            found = query if isinstance(query, Unexamined) else self.examiner.picture(query, siblings)
            self._pictures[key] = _Picture(found, digest)
        return self._pictures[key]

    def _store(self, found: PageAnalysis) -> None:
        references = {
            (copy.item.item_id, copy.media_id): copy
            for finding in found.findings
            for copy in copy_references(self.store, self.index, finding)
        }
        self.store.put_page_analysis(
            self.analysis.analysis_id,
            found.verdict,
            found.findings,
            tuple(references.values()),
            now=self.now(),
            actor=acting(self.examiner.settings.signing.actor, "analysis"),
        )


def analyse_case(
    store: CaseStore,
    index: OpenIndex,
    examiner: Examiner,
    banks: Banks,
    *,
    now: Callable[[], datetime],
    is_anew: bool = False,
) -> Iterator[PageDone]:
    """Judge every captured page of the case that this index, settings and software have not judged yet.

    A run that was interrupted goes on where it was; new captures, another state
    of the index, other settings, software versions or signals begin anew, and what
    stood before remains in the case as superseded. `is_anew` says that captures
    came in whose times do not tell. Nothing is fetched.
    """
    generation = index.snapshot()
    pages = _latest(store.captures())
    newest = max((page.captured_at for page in store.captures()), default=None)
    environment = (
        *software(),
        *((f"signal {one.name}", one.deciding) for one in examiner.signals),
        ("identifiers", f"rules {RULES}" if index.has_identifiers else "not in this index"),
    )
    decided_by = (generation.snapshot_id, banks.recorded, environment)
    analysis = None if is_anew else _continued(store, decided_by, newest)
    if analysis is None:
        analysis = store.begin_analysis(
            started_at=now(),
            index_generation=generation.number,
            index_snapshot=generation.snapshot_id,
            settings=banks.recorded,
            environment=environment,
            actor=acting(examiner.settings.signing.actor, "analysis"),
        )
    judged = store.analysed_pages(analysis.analysis_id)
    run = AnalysisRun(store, index, examiner, analysis, now=now, blocked=banks.blocked)
    yield from run.run(pages, judged)


def _continued(
    store: CaseStore, decided_by: tuple[str, str, tuple[tuple[str, str], ...]], newest: datetime | None
) -> Analysis | None:
    """Return the last analysis if it decides by the same and nothing was captured since it began."""
    analyses = store.contents().analyses
    if not analyses:
        return None
    last = analyses[-1]
    same = (last.index_snapshot, last.settings, last.environment) == decided_by
    return last if same and (newest is None or newest <= last.started_at) else None


def _latest(captures: Iterator[Capture]) -> list[Capture]:
    """Return each page's capture that counts.

    What a redirect to another site brought is that site's page, not the one
    that was asked for: whoever merely leads there republishes nothing.
    """
    pages = _last_seen(one for one in captures if one.purpose in _PAGES)
    for capture in list(pages.values()):
        if _leads_elsewhere(capture):
            own = replace(capture, url=capture.final_url)
            held = pages.setdefault(own.url, own)
            if held.outcome is not Outcome.OK or _leads_elsewhere(held):
                pages[own.url] = own
    return list(pages.values())


def _last_seen(captures: Iterable[Capture]) -> dict[str, Capture]:
    """Return by address the last capture that was seen whole, else the last."""
    found: dict[str, Capture] = {}
    for capture in captures:
        held = found.get(capture.url)
        if held is None or capture.outcome is Outcome.OK or held.outcome is not Outcome.OK:
            found[capture.url] = capture
    return found


def _leads_elsewhere(capture: Capture) -> bool:
    return capture.outcome is Outcome.OK and _site(capture.url) != _site(capture.final_url)


def _by_site(pages: Sequence[Capture]) -> Mapping[str, list[Capture]]:
    sites: dict[str, list[Capture]] = {}
    for page in pages:
        sites.setdefault(_site(page.url), []).append(page)
    return sites


def _site_of_host(host: str) -> str:
    """Return the site of a host as the settings write it, in the ASCII spelling that captures have."""
    try:
        return _site(f"http://{host}/")
    except UrlError as error:
        raise InputError(f"allow.domains: {host}: {error.reason}") from error


def _site(url: str) -> str:
    host = normalise(url).host
    return registrable_domain(host) or host


def _normal(url: str) -> str:
    """Return the normal form, "" for an address that has none and so was never asked."""
    try:
        return str(normalise(url))
    except UrlError:
        return ""


def _inline(url: str) -> bytes | Unexamined:
    """Return the bytes of a ``data:`` URL (RFC 2397), as forgiving of base64 as browsers are."""
    head, comma, body = url.partition(",")
    if not comma:
        return Unexamined("picture: malformed data URL")
    data = unquote_to_bytes(body)
    if not head.lower().replace(" ", "").endswith(";base64"):
        return data
    compact = b"".join(data.split()).rstrip(b"=")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return Unexamined("picture: malformed data URL")
