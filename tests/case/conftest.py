from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.models.capture import Capture, Outcome, Purpose, RecordRef
from clonedetect.models.case import GrantFile, ReferenceCopy
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, RecordId, digest_of
from clonedetect.models.item import Item
from clonedetect.models.match import Finding, ImageMeasure, Kind, Match, Verdict
from clonedetect.models.verdict import PageVerdict

NOW = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "case"


@pytest.fixture
def store(folder: Path) -> Iterator[CaseStore]:
    with CaseStore.create(folder, "CLONE-42", custody=CustodyLog.open, now=NOW, actor="tester") as made:
        yield made


@pytest.fixture
def reopen(folder: Path) -> Callable[[], CaseStore]:
    return lambda: CaseStore.open(folder, custody=CustodyLog.open, now=NOW)


@pytest.fixture
def grant() -> Callable[..., GrantFile]:
    def make(grant_id: str = "2026-0117", data: bytes = b"[grant]\n") -> GrantFile:
        return GrantFile(grant_id, digest_of(data), data, b"signature", None, "Ann Approver", NOW)

    return make


@pytest.fixture
def capture() -> Callable[..., Capture]:
    counter = iter(range(1, 10_000))

    def make(url: str = "https://clone.example/", **changes: object) -> Capture:
        number = next(counter)
        facts_id = RecordId(f"urn:uuid:facts-{number}")
        place = RecordRef(
            facts_id, "archive/00001.warc.gz", 100 * number, 100, digest_of(b"b"), digest_of(b"b")
        )
        values: dict[str, object] = {
            "url": url,
            "final_url": url,
            "purpose": Purpose.PAGE,
            "outcome": Outcome.OK,
            "reason": "",
            "captured_at": NOW,
            "grant_id": "2026-0117",
            "grant_digest": digest_of(b"[grant]\n"),
            "rule": "hosts[0] clone.example /",
            "record_id": RecordId(f"urn:uuid:response-{number}"),
            "wire_size": 1000,
            "facts": place,
        }
        return Capture(**{**values, **changes})

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    def make(finding_id: str, page_url: str, item: str = "item-1", media_id: int | None = 7) -> Finding:
        image = None
        if media_id is not None:
            image = ImageMeasure(MediaId(media_id), None, 40, 0.98, 0.01, 0.0)
        match = Match(
            ItemId(item),
            AccountId("account-1"),
            None,
            Verdict.CONFIRMED,
            (Kind.IMAGE,),
            0.99,
            6,
            ("40 points agree",),
            image=image,
        )
        record = RecordId("urn:uuid:page")
        return Finding(finding_id, page_url, None, record, record, Digest("sha256:0"), "", match)

    return make


@pytest.fixture
def verdict() -> Callable[..., PageVerdict]:
    def make(page_url: str, kind: Verdict = Verdict.CONFIRMED) -> PageVerdict:
        return PageVerdict(page_url, kind, (Kind.IMAGE,), (ItemId("item-1"),), (AccountId("account-1"),))

    return make


@pytest.fixture
def reference() -> Callable[..., ReferenceCopy]:
    def make(item: str = "item-1", media_id: int | None = 7, caption: str = "sea") -> ReferenceCopy:
        number = None if media_id is None else MediaId(media_id)
        return ReferenceCopy(Item(ItemId(item), caption=caption), number, digest_of(b"x"), True, "image/jpeg")

    return make


@pytest.fixture
def begin(store: CaseStore) -> Callable[[], int]:
    def started() -> int:
        return store.begin_analysis(
            started_at=NOW,
            index_generation=3,
            index_snapshot="snap",
            settings="[thresholds]\n",
            environment=(("clonedetect", "0.1.0"),),
            actor="tester",
        ).analysis_id

    return started


@pytest.fixture
def analyse(
    store: CaseStore, finding: Callable[..., Finding], verdict: Callable[..., PageVerdict]
) -> Callable[..., None]:
    """Put one page's analysis with findings of these names."""

    def put(
        analysis: int,
        page: str,
        *names: str,
        kind: Verdict = Verdict.CONFIRMED,
        references: tuple[ReferenceCopy, ...] = (),
    ) -> None:
        found = [finding(name, page) for name in names]
        store.put_page_analysis(analysis, verdict(page, kind), found, references, now=NOW, actor="tester")

    return put
