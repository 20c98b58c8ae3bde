"""Collects the operator traits of a site from the case's archive; nothing is fetched, no verdict is seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clonedetect.analysis.addresses import host_of, site_of_host
from clonedetect.analysis.snapshots import may_be_archived
from clonedetect.analysis.traits import ConnectionSeen, IconSeen, PageSeen, Source, site_traits
from clonedetect.archive.facts import ExchangeFacts
from clonedetect.archive.warc import read_facts
from clonedetect.case.store import CaseStore
from clonedetect.errors import ClonedetectError, InputError
from clonedetect.extract.certificate import read_certificate
from clonedetect.extract.contacts import services_of
from clonedetect.extract.media_urls import inline_bytes
from clonedetect.jobs.examining import Examiner, Unexamined
from clonedetect.models.capture import READABLE, Capture, Outcome, Purpose
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.trait import CertificateFacts, PageTraits, Trait, TraitKind

__all__ = ["Tracer"]

_PAGES = (Purpose.PAGE, Purpose.API)
MOST_PAGES = 400
"""Documents of a site that are read for traits: a site's pages are of few templates."""

MOST_FACTS = 24
"""Answers of a host whose header and certificate are looked at; they are its server's, not its pages'."""


@dataclass(slots=True, eq=False)
class Tracer:
    """Collects traits from the captures of a case as they stand when it is made."""

    store: CaseStore
    examiner: Examiner
    captures: Mapping[str, Sequence[Capture]]
    blocked: frozenset[Digest] = frozenset()

    @classmethod
    def of(cls, store: CaseStore, examiner: Examiner, blocked: frozenset[Digest] = frozenset()) -> Tracer:
        """Return one that sees our own captures of the case, in the order of their addresses and times.

        Supplied ones are as their makers claim. What is `blocked` by its digest is never decoded.
        """
        sites: dict[str, list[Capture]] = defaultdict(list)
        own = (one for one in store.captures() if one.origin is None)
        for capture in sorted(own, key=lambda one: (one.url, one.captured_at)):
            sites[site_of_host(host_of(capture.final_url))].append(capture)
        return cls(store, examiner, sites, blocked)

    def traits(self, site: str) -> tuple[Trait, ...]:
        """Return the traits of one site, a registrable domain."""
        own = self.captures.get(site, ())
        pages = [one for one in own if one.purpose in _PAGES and one.outcome in READABLE]
        told = list(self._pages(pages[:MOST_PAGES]))
        icons = [*self._icons(own), *(icon for page in told for icon in self._inline(page))]
        return site_traits(site, told, icons, self._connections(site, own))

    def _pages(self, captures: Iterable[Capture]) -> Iterator[PageSeen]:
        """Yield the documents that can be read; another site's page kept here says nothing of this one."""
        for capture in captures:
            if (
                capture.record_id is None
                or capture.content_digest is None
                or may_be_archived(capture.final_url)
            ):
                continue
            content = self.store.object(capture.content_digest)
            read = self.examiner.operator(content, capture.final_url, capture.content_type)
            if not isinstance(read, Unexamined):
                source = Source(capture.final_url, capture.record_id, capture.content_digest)
                yield PageSeen(source, self._without_platform(read))

    def _without_platform(self, read: PageTraits) -> PageTraits:
        """Leave out profiles on the platform itself: those are the accounts that are copied."""
        own = services_of(self.examiner.settings.platform.hosts)
        kept = [
            (kind, value)
            for kind, value in read.values
            if kind is not TraitKind.PROFILE or value.partition(":")[0] not in own
        ]
        return replace(read, values=tuple(kept))

    def _icons(self, captures: Iterable[Capture]) -> Iterator[IconSeen]:
        for capture in captures:
            is_icon = capture.purpose is Purpose.FAVICON and capture.outcome is Outcome.OK
            if not is_icon or capture.record_id is None or capture.content_digest is None:
                continue
            if capture.content_digest in self.blocked:
                continue
            print_ = self.examiner.icon(self.store.object(capture.content_digest))
            if not isinstance(print_, Unexamined):
                source = Source(capture.url, capture.record_id, capture.content_digest)
                yield IconSeen(source, print_, capture.final_url)

    def _inline(self, page: PageSeen) -> Iterator[IconSeen]:
        """Yield the icons that stand in a page itself."""
        for url in page.traits.inline_icons:
            try:
                data = inline_bytes(url)
            except InputError:
                continue
            if digest_of(data) in self.blocked:
                continue
            print_ = self.examiner.icon(data)
            if not isinstance(print_, Unexamined):
                yield IconSeen(replace(page.source, digest=digest_of(data)), print_, "")

    def _connections(self, site: str, captures: Iterable[Capture]) -> Iterator[ConnectionSeen]:
        looked_at: dict[str, int] = {}
        for capture in captures:
            host = host_of(capture.final_url)
            if capture.facts is None or looked_at.get(host, 0) >= MOST_FACTS:
                continue
            looked_at[host] = looked_at.get(host, 0) + 1
            source = Source(capture.final_url, capture.facts.record_id, capture.facts.block_digest)
            is_page = capture.purpose is Purpose.PAGE and capture.outcome in READABLE
            for exchange in read_facts(self.store.folder, capture).exchanges:
                if site_of_host(host_of(exchange.url)) == site:
                    yield _connection(source, exchange, is_page=is_page and exchange.status == 200)


def _connection(source: Source, exchange: ExchangeFacts, *, is_page: bool) -> ConnectionSeen:
    # What does not verify may be a hoster's, presented for whatever is asked for there.
    chain = exchange.tls.certificates if exchange.tls and exchange.tls.verified else ()
    return ConnectionSeen(
        source,
        headers=exchange.headers if is_page else (),
        addresses=(*((exchange.peer.address,) if exchange.peer else ()), *exchange.dns),
        certificate=_certificate(chain[0]) if chain else None,
    )


def _certificate(der: bytes) -> CertificateFacts | None:
    try:
        return read_certificate(der)
    except ClonedetectError:
        return None
