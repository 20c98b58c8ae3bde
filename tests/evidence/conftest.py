"""A case as it lies on disk, made from real pictures, real WARC records and a real custody log."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageDraw
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from clonedetect.evidence.package import PackageSummary, export
from clonedetect.models.capture import Capture, Hop, Outcome, Peer, Purpose, RecordRef, RefusalRecord
from clonedetect.models.case import Analysis, CaseContents, GrantFile, NotVisited, ReferenceCopy
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, RecordId, TextId, digest_of
from clonedetect.models.item import Item, Media
from clonedetect.models.match import (
    Finding,
    ImageMeasure,
    Kind,
    Match,
    Region,
    RegionKind,
    TextMeasure,
    Verdict,
)
from clonedetect.models.trait import Trait, TraitKind
from clonedetect.models.verdict import PageVerdict
from tests.timestamp.authority import authority, new_authority

__all__ = ["authority", "new_authority"]

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
PAGE = "http://clone.example/profile/mara"
BLOCKED = "http://clone.example/private"
PICTURE = "http://media.clone.example/get?o=aHR0cHM"
CAPTION = "Morning light over the old harbour of Nida, third year in a row. The boats wait for no one."
QUOTED = "mara · 3 days ago · Morning light over the old harbour of Nida, third year in a row. Like 204"
SOFTWARE = (("clonedetect", "0.1.0"), ("python", "3.11.7"))
GRANT = b"""[grant]
id = "2026-0117"
case = "CLONE-42"
approved_by = "Ada Example, counsel"
legal_basis = "terms of service, section 8"
purpose = "find republished posts"
valid_from = 2026-11-01T00:00:00Z
valid_to = 2026-12-01T00:00:00Z
contact = "trust@platform.example"
[[grant.hosts]]
host = "clone.example"
role = "page"
[[grant.hosts]]
host = "media.clone.example"
role = "media"
"""


def photograph(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture with edges and tones, drawn the same way each time."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    for step in range(40):
        x, y = (step * 37 + seed * 53) % size[0], (step * 61 + seed * 17) % size[1]
        colour = (step * 6 % 256, (step * 41 + seed * 90) % 256, (seed * 70 + step) % 256)
        draw.ellipse((x, y, x + 10 + step, y + 8 + step), fill=colour)
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class Archive:
    """Writes real WARC records with warcio and says where each lies."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._count = 0

    def _add(self, kind: str, url: str, block: bytes, payload: bytes) -> RecordRef:
        self._count += 1
        serial = f"{digest_of(self._name.encode() + url.encode())[7:15]}{self._count:04}"
        record_id = f"urn:uuid:00000000-0000-4000-8000-{serial}"
        fields = [
            ("WARC-Type", kind),
            ("WARC-Record-ID", f"<{record_id}>"),
            ("WARC-Date", "2026-11-03T09:30:00.000000Z"),
            ("WARC-Target-URI", url.encode("ascii", "backslashreplace").decode()),
            ("WARC-IP-Address", "203.0.113.7"),
            ("Content-Type", f"application/http;msgtype={kind}"),
            ("WARC-Block-Digest", digest_of(block)),
            ("WARC-Payload-Digest", digest_of(payload)),
        ]
        buffer = io.BytesIO()
        headers = StatusAndHeaders("", fields, protocol="WARC/1.1")
        record = ArcWarcRecord("warc", kind, headers, io.BytesIO(block), None, "application/http", len(block))
        WARCWriter(buffer, gzip=True, warc_version="1.1").write_record(record)
        path = self._folder / self._name
        offset = path.stat().st_size if path.exists() else 0
        with path.open("ab") as stream:
            stream.write(buffer.getvalue())
        return RecordRef(
            RecordId(record_id),
            self._name,
            offset,
            len(buffer.getvalue()),
            digest_of(block),
            digest_of(payload),
        )

    def exchange(self, url: str, body: bytes, content_type: str, status: int = 200) -> Hop:
        request = b"GET / HTTP/1.1\r\nHost: clone.example\r\nUser-Agent: clonedetect\r\n\r\n"
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        return Hop(
            url=url,
            status=status,
            peer=Peer("203.0.113.7", 80),
            request=self._add("request", url, request, b""),
            response=self._add("response", url, head.encode() + body, body),
        )


@dataclass
class Case:
    """A case folder with the values that its store would give."""

    folder: Path
    contents: CaseContents

    def put(self, data: bytes) -> Digest:
        return put(self.folder, data)

    def change(self, **changes: object) -> None:
        self.contents = replace(self.contents, **changes)  # type: ignore[arg-type]

    def write_custody(self, acts: list[tuple[str, str]]) -> None:
        write_custody(self.folder, acts)

    def export(self, out: Path, key: Ed25519PrivateKey | None = None, **options: object) -> PackageSummary:
        options.setdefault("as_zip", False)
        return export(self.contents, self.folder, out, key=key, software=SOFTWARE, **options)  # type: ignore[arg-type]


def put(folder: Path, data: bytes) -> Digest:
    digest = digest_of(data)
    path = folder / "objects" / digest[7:9] / digest[7:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest


def write_custody(folder: Path, acts: list[tuple[str, str]]) -> None:
    prev, lines = "0" * 64, []
    for number, (action, subject) in enumerate(acts, 1):
        entry = {
            "seq": number,
            "time": (NOW + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
            "actor": "clonedetect",
            "action": action,
            "grant": "2026-0117",
            "subject": subject,
            "prev": prev,
        }
        line = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        prev = hashlib.sha256(line).hexdigest()
        lines.append(line)
    (folder / "custody.jsonl").write_bytes(b"".join(lines))


ACTS = [("grant", "2026-0117"), ("capture", PAGE), ("capture", PICTURE), ("analysis", "1")]


def _capture(hop: Hop, content: Digest, purpose: Purpose, **changes: object) -> Capture:
    assert hop.response is not None
    capture = Capture(
        url=hop.url,
        final_url=hop.url,
        purpose=purpose,
        outcome=Outcome.OK,
        reason="",
        captured_at=NOW,
        grant_id="2026-0117",
        grant_digest=digest_of(GRANT),
        rule="hosts[0] clone.example /",
        status=hop.status,
        payload_digest=hop.response.payload_digest,
        content_digest=content,
        record_id=hop.response.record_id,
        peer=hop.peer,
        hops=(hop,),
    )
    return replace(capture, **changes)  # type: ignore[arg-type]


def make_case(folder: Path) -> Case:
    """A page with a cropped picture and a quoted caption of one post, and a page that refused us."""
    (folder / "archive").mkdir(parents=True)
    original = photograph(1)
    shown = encoded(original.crop((20, 10, 300, 220)), quality=70)
    page = f"<html><body><img src='/get?o=1'><p>{QUOTED}</p></body></html>".encode()
    first, second = Archive(folder, "archive/00001.warc.gz"), Archive(folder, "archive/00002.warc.gz")
    hops = (
        first.exchange(PAGE, page, "text/html"),
        first.exchange(PICTURE, shown, "image/jpeg"),
        second.exchange(BLOCKED, b"no", "text/plain", 403),
    )
    contents_of = [put(folder, data) for data in (page, shown, b"no")]
    captures = (
        _capture(hops[0], contents_of[0], Purpose.PAGE),
        _capture(
            hops[1],
            contents_of[1],
            Purpose.MEDIA,
            captured_at=NOW + timedelta(seconds=2),
            parent_url=PAGE,
            rule="hosts[1] media.clone.example /",
        ),
        _capture(
            hops[2],
            contents_of[2],
            Purpose.PAGE,
            outcome=Outcome.HTTP_ERROR,
            reason="the site answered 403",
            captured_at=NOW + timedelta(seconds=4),
        ),
    )
    reference = encoded(original, quality=92)
    item = Item(
        item_id=ItemId("p1"),
        account_id=AccountId("acct-7"),
        handle="mara",
        permalink="https://platform.example/p/1",
        caption=CAPTION,
        published_at=datetime(2024, 5, 1, 6, tzinfo=UTC),
        media=(Media(path="/srv/pictures/1.jpg", width=320, height=240),),
    )
    copies = (
        ReferenceCopy(item, MediaId(11), put(folder, reference), True, "image/jpeg"),
        ReferenceCopy(item, None, None, False),
    )
    findings = _findings(captures, digest_of(reference))
    write_custody(folder, ACTS)
    contents = CaseContents(
        case_id="CLONE-42",
        is_rehearsal=False,
        grants=(GrantFile("2026-0117", digest_of(GRANT), GRANT, b"s" * 64, None, "sha256:ab", NOW),),
        captures=captures,
        refusals=(
            RefusalRecord(
                "http://other.example/", Purpose.PAGE, "no host of the grant", "enqueue", NOW, PAGE
            ),
        ),
        not_visited=(NotVisited("http://clone.example/9", "max_pages was reached"),),
        analyses=(
            Analysis(
                analysis_id=1,
                started_at=NOW + timedelta(seconds=9),
                index_generation=3,
                index_snapshot="sha256:feed",
                settings="[thresholds.image]\nstrong_inliers = 40\n",
                settings_digest=digest_of(b"settings"),
                environment=(("clonedetect", "0.1.0"),),
            ),
        ),
        verdicts=(
            PageVerdict(
                PAGE,
                Verdict.CONFIRMED,
                (Kind.IMAGE, Kind.TEXT),
                (ItemId("p1"),),
                (AccountId("acct-7"),),
                ("one picture and one text of one account",),
                (("video", 2),),
            ),
        ),
        findings=findings,
        references=copies,
        decisions=(),
        archive_files=("archive/00001.warc.gz", "archive/00002.warc.gz"),
        traits=_traits(captures[0]),
    )
    return Case(folder, contents)


def _traits(page: Capture) -> tuple[Trait, ...]:
    assert page.record_id is not None
    assert page.content_digest is not None
    made = (page.record_id, page.content_digest, "structure", 1, "scripts, attributes, footers; never prose")
    return (
        Trait("clone.example", TraitKind.AD_ACCOUNT, "pub-1111222233334444", *made),
        Trait("clone.example", TraitKind.AD_PLATFORM, "host-pub-1556223355139109", *made),
        Trait(
            "clone.example",
            TraitKind.TEMPLATE,
            digest_of(b"outline"),
            *made,
            sketch=bytes.fromhex("0000002a") * 128,
        ),
        Trait("other.example", TraitKind.AD_ACCOUNT, "pub-1111222233334444", *made),
    )


def _findings(captures: tuple[Capture, ...], reference: Digest) -> tuple[Finding, ...]:
    page, picture = captures[0], captures[1]
    assert page.record_id is not None
    assert picture.record_id is not None
    assert page.content_digest is not None
    assert picture.content_digest is not None
    shared = "Morning light over the old harbour of Nida, third year in a row."
    start = QUOTED.index(shared)
    image = Match(
        item_id=ItemId("p1"),
        account_id=AccountId("acct-7"),
        permalink="https://platform.example/p/1",
        verdict=Verdict.CONFIRMED,
        kinds=(Kind.IMAGE,),
        score=0.98,
        distance=22,
        reasons=("212 points agree on one geometric placement",),
        regions=(Region(RegionKind.IMAGE, polygon=((0, 0), (280, 0), (280, 210), (0, 210))),),
        image=ImageMeasure(
            media_id=MediaId(11),
            reference_digest=reference,
            inliers=212,
            agree=0.97,
            largest_disagreement=0.01,
            masked_share=0.0,
            homography=(1, 0, -20, 0, 1, -10, 0, 0, 1),
            blocks=("++.+", "+++#", "  -+"),
            points=((30, 20, 10, 10), (200, 100, 180, 90)),
            hash_distance=22,
            hash_view="full",
            hash_form="identity",
            rule="R6",
        ),
    )
    text = replace(
        image,
        kinds=(Kind.TEXT,),
        verdict=Verdict.POSSIBLE,
        distance=None,
        reasons=("the post's first sentence stands here",),
        regions=(Region(RegionKind.TEXT, span=(start, start + len(shared)), block="body/p"),),
        image=None,
        text=TextMeasure(
            text_id=TextId(5),
            bits=141.0,
            total_bits=203.5,
            coverage=0.69,
            density=0.99,
            owners=1,
            query_spans=((start, start + len(shared)),),
            reference_spans=((0, len(shared)),),
            gates=("less than half of the posts",),
            rule="chain",
        ),
    )
    return (
        Finding(
            "f-image", PAGE, PICTURE, page.record_id, picture.record_id, picture.content_digest, "", image
        ),
        Finding("f-text", PAGE, None, page.record_id, page.record_id, page.content_digest, QUOTED, text),
    )


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path / "case")


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, key: Ed25519PrivateKey) -> Path:
    """One sealed package, never to be changed: copy it first."""
    folder = tmp_path_factory.mktemp("sealed")
    make_case(folder / "case").export(folder / "package", key)
    return folder / "package"


@pytest.fixture
def package(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the sealed package that a test may spoil."""
    return Path(shutil.copytree(sealed, tmp_path / "package"))


@pytest.fixture(scope="session")
def new_case() -> Callable[[Path], Case]:
    return make_case


@pytest.fixture(scope="session")
def acts() -> list[tuple[str, str]]:
    return ACTS
