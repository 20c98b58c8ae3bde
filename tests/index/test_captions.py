"""Captions hashed in chunks end as those that are added one by one, whatever happens to their worker."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.captions import PreparedCaptions
from clonedetect.index.digests import fingerprint_of
from clonedetect.index.importers import SourceRow
from clonedetect.index.importers.jsonl import read
from clonedetect.index.store import IndexStore
from clonedetect.index.writing import Provenance
from clonedetect.jobs import captions, indexing
from clonedetect.jobs.captions import CaptionChunk, HashedCaptions, hash_captions
from clonedetect.jobs.hashing import HashedItem, HashingPool, hash_item
from clonedetect.jobs.indexing import add_sources, index_algorithms
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
ROWS = 60


def write_posts(path: Path, count: int = ROWS) -> Path:
    """Write captions of several scripts, some of signs alone, a bare hash now and then, an id given twice."""
    words = ("the boats came home before storm", "海辺の夕日を見る人々", "лодки вернулись домой", "🌊🌊")
    rows: list[dict[str, object]] = []
    for number in range(count):
        row: dict[str, object] = {"item_id": f"post-{number * 37 % 101:03}-{number}"}
        if number % 11 == 5:
            row["media"] = [{"pdq": f"{number:064x}"}]
        if number % 11 != 5 or number % 2:
            text = words[number % 4]
            row["caption"] = text if number % 4 == 3 else f"{text} {number} {number * number}"
        if number % 3:
            row["account_id"] = f"account-{number % 7}"
        if number % 5 == 0:
            row["first_indexed_at"] = "2026-01-02T03:04:05Z"
        rows.append(row)
    rows.insert(count // 2, {"item_id": rows[0]["item_id"], "caption": "again"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def everything(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows, but what tells when and in how many commits they came."""
    queries = {
        "items": "SELECT item_id, account_id, handle, permalink, visibility, json_remove(json, "
        "'$.first_indexed_at'), source, line, fingerprint, digest FROM items ORDER BY rowid",
        "texts": "SELECT text_id, item_id, owner, raw, normalised, exact, content, fingerprints, minhash "
        "FROM texts ORDER BY text_id",
        "media": "SELECT media_id, item_id, content FROM media ORDER BY media_id",
    }
    with IndexStore.open(folder) as store:
        found = {name: store.db.execute(query).fetchall() for name, query in queries.items()}
        found["snapshot"] = [(store.snapshot().snapshot_id,)]
    return found


def test_a_chunked_import_stores_what_adding_one_by_one_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_posts(tmp_path / "posts.jsonl")
    seen: set[str] = set()
    with IndexStore.open_or_create(tmp_path / "single", algorithms=index_algorithms()) as store:
        for row in read(source):
            assert isinstance(row, SourceRow)
            if row.item.item_id not in seen:
                hashed = hash_item(row.item)
                assert isinstance(hashed, HashedItem)
                store.add_item(
                    hashed.item, hashed.media, hashed.text, provenance=Provenance(row.source, row.line)
                )
            seen.add(row.item.item_id)
    monkeypatch.setattr(indexing, "CHUNK", 7)
    result = add_sources(tmp_path / "chunked", [source], workers=2)
    assert (result.added, result.refused) == (ROWS, 1)
    assert everything(tmp_path / "chunked") == everything(tmp_path / "single")
    with IndexStore.open(tmp_path / "chunked") as store:
        assert verify(store).faults == ()
        item = store.item(ItemId("post-000-0"))
        assert item is not None
        assert str(item.first_indexed_at) == "2026-01-02 03:04:05+00:00"
    again = add_sources(tmp_path / "chunked", [source])
    assert (again.added, again.updated, again.unchanged) == (0, 0, ROWS)


def test_captions_that_come_back_lose_their_tombstone(tmp_path: Path) -> None:
    source = write_posts(tmp_path / "posts.jsonl")
    add_sources(tmp_path / "index", [source])
    before = everything(tmp_path / "index")["snapshot"]
    gone = ItemId("post-037-1")
    with IndexStore.open(tmp_path / "index", writable=True) as store:
        assert store.remove([gone], at=WHEN).removed == (gone,)
    assert add_sources(tmp_path / "index", [source]).added == 1
    assert everything(tmp_path / "index")["snapshot"] == before
    with IndexStore.open(tmp_path / "index") as store:
        assert store.db.execute("SELECT count(*) FROM removed_items").fetchone() == (0,)


def test_an_edited_caption_replaces_the_old_one(tmp_path: Path) -> None:
    source = write_posts(tmp_path / "posts.jsonl")
    add_sources(tmp_path / "index", [source])
    source.write_text(source.read_text().replace("home before storm 4 16", "home after the storm"))
    result = add_sources(tmp_path / "index", [source])
    assert (result.added, result.updated, result.unchanged) == (0, 1, ROWS - 1)


def chunk_of(*words: str) -> CaptionChunk:
    items = tuple(Item(ItemId(word), caption=word) for word in words)
    return CaptionChunk("posts.jsonl", WHEN, items, tuple(range(len(words))))


def hash_or_die(data: bytes) -> HashedCaptions:
    """Hash as ever, but end the process at a caption that says so."""
    if b"end" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    return hash_captions(data)


def test_a_caption_that_ends_its_worker_is_refused_and_no_other() -> None:
    chunks = [chunk_of(*(f"c{n}-{k}" if (n, k) != (5, 3) else "end" for k in range(6))) for n in range(9)]
    with HashingPool[int](2, caption_hasher=hash_or_die) as pool:
        done = list(pool.run(enumerate(chunks)))
    assert [number for number, _ in done] == list(range(9))
    for number, outcome in done:
        assert isinstance(outcome, HashedCaptions)
        assert list(outcome.unusable) == ([3] if number == 5 else [])
        names = [item.item_id for item in chunks[number].items if item.item_id != "end"]
        assert [row[0] for row in outcome.rows.items] == names
        alone = hash_captions(_encoded(chunk_of(*names)))
        assert outcome.rows.content == alone.rows.content
    assert "ended the process" in done[5][1].unusable[3]


def _encoded(chunk: CaptionChunk) -> bytes:
    return captions.msgspec.msgpack.encode(chunk)


def test_a_caption_that_cannot_be_hashed_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = captions.text_signals

    def refusing(raw: str):
        if raw == "bad":
            raise ValueError("out of all bounds")
        return real(raw)

    def failing(_: object) -> None:
        raise ValueError("one of them")

    monkeypatch.setattr(captions, "many_text_signals", failing)
    monkeypatch.setattr(captions, "text_signals", refusing)
    found = hash_captions(_encoded(chunk_of("one", "bad", "two")))
    assert found.unusable == {1: "hashing failed: ValueError: out of all bounds"}
    assert [row[0] for row in found.rows.items] == ["one", "two"]


def test_long_captions_are_hashed_in_runs_of_bounded_length(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = captions.many_text_signals

    def counting(raws: list[str]):
        sizes.append(sum(map(len, raws)))
        return real(raws)

    monkeypatch.setattr(captions, "many_text_signals", counting)
    words = [f"{n} " + "long words " * 8_000 for n in range(5)]
    whole = hash_captions(_encoded(chunk_of(*words)))
    assert max(sizes) <= 200_000
    assert len(whole.rows) == len(words)


def test_rows_are_read_ahead_by_characters_not_by_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_CHARACTERS_AT_ONCE", 100)
    monkeypatch.setattr(indexing, "CHUNK", 4)
    sizes = [10, 10, 10, 10, 10, 90, 250, 250, 5]
    rows = [SourceRow("s", n, Item(ItemId(str(n)), caption="x" * size), 0) for n, size in enumerate(sizes)]
    blocks = list(indexing._blocks(rows))
    assert [len(block) for block in blocks] == [4, 2, 1, 1, 1]
    assert [row for block in blocks for row in block] == rows


def test_an_empty_set_of_rows_joins_to_the_other() -> None:
    rows = hash_captions(_encoded(chunk_of("one", "two"))).rows
    joined = PreparedCaptions.nothing().joined(rows)
    assert (joined.items, joined.texts, joined.content) == (rows.items, rows.texts, rows.content)
    assert rows.items[0][8] == fingerprint_of(Item(ItemId("one"), caption="one"))
