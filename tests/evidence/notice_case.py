"""A case for notices, written by the real store and archive: pages, pictures, certificates, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.grant.document import parse_grant
from clonedetect.grant.permit import permit
from clonedetect.models.capture import Capture, Exchange, FetchResult, Outcome, Peer, Purpose, TlsFacts
from clonedetect.models.case import CaseContents, Decision, DecisionKind, GrantFile, ReferenceCopy
from clonedetect.models.ids import AccountId, Digest, ItemId, RecordId, digest_of
from clonedetect.models.item import Item
from clonedetect.models.match import Finding, Kind, Match, Verdict
from clonedetect.models.permit import Permit
from clonedetect.models.verdict import PageClass, PageVerdict
from clonedetect.settings.document import Settings, parse_settings

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
GRANT = b"""[grant]
id = "2026-0117"
case = "CLONE-42"
approved_by = "Ada Example, counsel"
legal_basis = "terms of service, section 8"
valid_from = 2026-11-01T00:00:00Z
valid_to = 2026-12-01T00:00:00Z
contact = "trust@nidagram.example"
[[grant.hosts]]
host = "clone.example"
role = "page"
[[grant.hosts]]
host = "*.copy.example"
role = "media"
"""
SETTINGS = """
[platform]
name = "Nidagram"
hosts = ["nidagram.example"]
marks = ["Nidagram"]
[claimant]
name = "Nidagram GmbH"
address = '''
Hafenstrasse 1
93000 Nida'''
email = "legal@nidagram.example"
rights_basis = "authorised by its users, see each entry"
"""
HOST, MEDIA_HOST = "203.0.113.7", "198.51.100.20"
CDN = (("Server", "cloudflare"), ("CF-RAY", "8a1"))
HTML = "<html><title>Nidagram viewer</title><a href='mailto:hello@clone.example'>mail</a><p>{}</p></html>"


def certificate(name: str) -> bytes:
    """A real certificate for `name`; each call makes another."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 7, NOW, NOW + timedelta(days=9))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Post:
    """One post of the platform, and where it was found."""

    item: Item
    page: str = "https://clone.example/profile/mara"
    picture: str | None = None
    kinds: tuple[Kind, ...] = (Kind.TEXT,)
    reasons: tuple[str, ...] = ("the post's first sentence stands here",)
    verdict: Verdict = Verdict.CONFIRMED
    decision: DecisionKind | None = DecisionKind.CONFIRM
    changes: dict[str, object] = field(default_factory=dict)


def post(item_id: str = "p1", **changes: object) -> Post:
    """A post by mara; `changes` are of the item or of where it was found."""
    of_item = {key: value for key, value in changes.items() if key in Item.__slots__}
    rest = {key: value for key, value in changes.items() if key not in Item.__slots__}
    item = Item(
        item_id=ItemId(item_id),
        account_id=AccountId("acct-7"),
        handle="mara",
        permalink=f"https://nidagram.example/p/{item_id}",
        caption="Morning light over the old harbour of Nida, third year in a row.",
        published_at=datetime(2024, 5, 1, 6, tzinfo=UTC),
        rights_basis="owner",
    )
    return Post(replace(item, **of_item), **rest)  # type: ignore[arg-type]


def _permit(url: str, purpose: Purpose) -> Permit:
    """What the grant says; of what it does not cover, which no export would take, a permit all the same."""
    granted = permit(parse_grant(GRANT, name="grant.toml"), url, purpose, NOW)
    if isinstance(granted, Permit):
        return granted
    return Permit(url, purpose, "https", "clone.example", 443, "2026-0117", digest_of(GRANT), "rule", NOW)


class NoticeCase:
    """A case of the real store; `page_class` and `headers` hold for every page, `peers` are by URL."""

    def __init__(
        self,
        folder: Path,
        *posts: Post,
        headers: tuple[tuple[str, str], ...] = CDN,
        page_class: PageClass = PageClass.REPUBLICATION,
        html: str = HTML,
        is_rehearsal: bool = False,
        peers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder, self._peers = folder, peers
        self._headers, self._html = headers, html
        with CaseStore.create(folder, "CLONE-42", custody=CustodyLog.open, now=NOW, actor="test") as store:
            grant = GrantFile("2026-0117", digest_of(GRANT), GRANT, b"s" * 64, None, "sha256:ab", NOW)
            store.accept_grant(grant, "CLONE-42", is_rehearsal=is_rehearsal, actor="test")
            self._archive = WarcArchive.open(folder, "CLONE-42", known={}, custody=store.custody, now=NOW)
            analysis = store.begin_analysis(
                started_at=NOW,
                index_generation=3,
                index_snapshot="sha256:feed",
                settings="",
                environment=(("clonedetect", "0.1.0"),),
                actor="test",
            )
            captures = {url: self._capture(store, url) for url in dict.fromkeys(p.page for p in posts)}
            captures |= {p.picture: self._picture(store, p.picture) for p in posts if p.picture}
            for page in dict.fromkeys(one.page for one in posts):
                here = [one for one in posts if one.page == page]
                findings = tuple(self._finding(n, one, captures) for n, one in enumerate(here))
                copies = {one.item.item_id: ReferenceCopy(one.item, None, None, False) for one in here}
                verdict = PageVerdict(page, Verdict.CONFIRMED, page_class=page_class)
                store.put_page_analysis(
                    analysis.analysis_id, verdict, findings, tuple(copies.values()), now=NOW, actor="test"
                )
                for one, finding in zip(here, findings, strict=True):
                    if one.decision is not None:
                        said = Decision(finding.finding_id, one.decision, "R. Ali", "", None, NOW)
                        store.decide(said)

    def contents(self) -> CaseContents:
        with CaseStore.read(self.folder) as store:
            return store.contents()

    def _capture(self, store: CaseStore, url: str) -> Capture:
        return self._received(
            store, url, Purpose.PAGE, self._html.format(url).encode(), kind="text/html", peer=HOST
        )

    def _picture(self, store: CaseStore, url: str) -> Capture:
        return self._received(store, url, Purpose.MEDIA, url.encode(), kind="image/jpeg", peer=MEDIA_HOST)

    def _received(
        self, store: CaseStore, url: str, purpose: Purpose, content: bytes, *, kind: str, peer: str
    ) -> Capture:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode()
        exchange = Exchange(
            url=url,
            request=b"GET / HTTP/1.1\r\nHost: clone.example\r\n\r\n",
            response=head + content,
            header_length=len(head),
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=1),
            status=200,
            headers=(("Content-Type", kind), *self._headers),
            peer=Peer(self._peers.get(url, peer), 443),
            tls=TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", (_CERTIFICATE,)),
            dns=(peer,),
        )
        result = FetchResult(url, url, purpose, Outcome.OK, "", (exchange,), content, kind)
        permitted = _permit(url, purpose)
        store.put_object(content)
        capture = self._archive.append(result, permitted, captured_at=NOW)
        store.record_capture(capture, actor="test")
        return capture

    def _finding(self, number: int, one: Post, captures: dict[str, Capture]) -> Finding:
        page = captures[one.page]
        source = captures[one.picture] if one.picture else page
        match = Match(
            item_id=one.item.item_id,
            account_id=one.item.account_id,
            permalink=one.item.permalink,
            verdict=one.verdict,
            kinds=one.kinds,
            score=0.98,
            distance=None,
            reasons=one.reasons,
        )
        finding = Finding(
            f"f{digest_of(one.page.encode())[7:11]}-{number:04}",
            one.page,
            one.picture,
            RecordId(str(page.record_id)),
            RecordId(str(source.record_id)),
            Digest(str(source.content_digest)),
            "",
            match,
        )
        return replace(finding, **one.changes)  # type: ignore[arg-type]


def settings(text: str = SETTINGS) -> Settings:
    """Settings that say who claims."""
    return parse_settings(text.encode(), name="settings.toml")[0]


_CERTIFICATE = certificate("clone.example")
