from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.models.capture import Capture, Exchange, FetchResult, Outcome, Peer, Purpose, TlsFacts
from clonedetect.models.ids import digest_of
from clonedetect.models.permit import Permit

NOW = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def permit() -> Permit:
    return Permit(
        url="https://clone.example/",
        purpose=Purpose.PAGE,
        scheme="https",
        host="clone.example",
        port=443,
        grant_id="2026-0117",
        grant_digest=digest_of(b"grant"),
        rule="hosts[0] clone.example /",
        valid_to=NOW + timedelta(days=1),
    )


@pytest.fixture
def exchange() -> Callable[..., Exchange]:
    def make(response: bytes, *, url: str = "https://clone.example/", **changes: object) -> Exchange:
        values: dict[str, object] = {
            "url": url,
            "request": b"GET / HTTP/1.1\r\nHost: clone.example\r\n\r\n",
            "response": response,
            "header_length": response.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in response else 0,
            "started_at": NOW,
            "finished_at": NOW + timedelta(seconds=1),
            "status": 200,
            "headers": (("Content-Type", "text/html"),),
            "peer": Peer("192.0.2.7", 443),
            "tls": TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", (b"leaf der", b"root der")),
            "dns": ("192.0.2.7",),
        }
        return Exchange(**{**values, **changes})

    return make


@pytest.fixture
def fetched() -> Callable[..., FetchResult]:
    def make(*exchanges: Exchange, **changes: object) -> FetchResult:
        url = exchanges[0].url if exchanges else "https://clone.example/"
        values: dict[str, object] = {
            "url": url,
            "final_url": exchanges[-1].url if exchanges else url,
            "purpose": Purpose.PAGE,
            "outcome": Outcome.OK,
            "exchanges": exchanges,
            "content": b"<p>hello",
            "content_type": "text/html",
        }
        return FetchResult(**{**values, **changes})

    return make


@pytest.fixture
def custody(tmp_path: Path) -> Iterator[CustodyLog]:
    log = CustodyLog.open(tmp_path / "custody.jsonl", NOW)
    yield log
    log.close()


@pytest.fixture
def open_archive(tmp_path: Path, custody: CustodyLog) -> Callable[..., WarcArchive]:
    def opened(known: dict[str, int] | None = None, **options: object) -> WarcArchive:
        return WarcArchive.open(tmp_path, "CLONE-42", known=known or {}, custody=custody, now=NOW, **options)

    return opened


@pytest.fixture
def put(
    open_archive: Callable[..., WarcArchive], fetched: Callable[..., FetchResult], permit: Permit
) -> Callable[..., Capture]:
    """Append one fetch of these exchanges, to `archive` or to one opened for it."""

    def append(
        *exchanges: Exchange,
        archive: WarcArchive | None = None,
        result: FetchResult | None = None,
        **seen: object,
    ) -> Capture:
        result = result or fetched(*exchanges)
        return (archive or open_archive()).append(result, permit, captured_at=NOW, **seen)

    return append
