"""How fast sources are read, and what ``index stats`` costs.

    python -m pytest tests/benchmarks/bench_index.py -m benchmark -s --timeout 0

CLONEDETECT_BENCH_ITEMS is how many items, a hundred thousand by default. Figures are processor time of
this process; the index holds a hash and a caption an item, one of twenty being a near copy of the last.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clonedetect.index.balance import hash_balance
from clonedetect.index.clusters import picture_clusters
from clonedetect.index.counts import stats
from clonedetect.index.importers import SourceFormat, SourceRow, read_source
from clonedetect.index.store import IndexStore
from clonedetect.jobs.indexing import index_algorithms
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media
from clonedetect.signals.text import text_signals

pytestmark = pytest.mark.benchmark

COUNT = int(os.environ.get("CLONEDETECT_BENCH_ITEMS", "100000"))
SECTION = f"Index of {COUNT:,} items"


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return processor seconds and what `action` gave."""
    started = time.process_time()
    given = action()
    return time.process_time() - started, given


def rows() -> Iterator[dict[str, Any]]:
    for number in range(COUNT):
        yield {
            "item_id": str(number),
            "account_id": f"a{number % 997}",
            "caption": f"Caption {number}: boats, storms and the sea came home to harbour {number % 4099}",
            "published_at": f"{2015 + number % 10}-05-01T12:00:00Z",
            "media_pdq": f"{number:064x}",
        }


def write(path: Path) -> None:
    if path.name == SourceFormat.PARQUET:
        pq.write_table(pa.Table.from_pylist(list(rows())), path)
    elif path.name == SourceFormat.CSV:
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(next(rows())))
            table.writeheader()
            table.writerows(rows())
    else:
        with path.open("w") as file:
            for row in rows():
                row["media"] = [{"pdq": row.pop("media_pdq")}]
                file.write(json.dumps(row) + "\n")


@pytest.mark.parametrize("source", [SourceFormat.JSONL, SourceFormat.CSV, SourceFormat.PARQUET])
def test_reading(tmp_path: Path, source: SourceFormat, record: Callable[..., None]) -> None:
    path = tmp_path / source
    write(path)
    spent, good = timed(lambda: sum(isinstance(row, SourceRow) for row in read_source(path, source)))
    record("Reading sources, without hashing", str(source), good / spent, "rows/s")
    assert good == COUNT


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted") / "index"
    rng = np.random.default_rng(1)
    bits = rng.bytes(32)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    with IndexStore.open_or_create(folder, algorithms=index_algorithms()) as store, store.batch():
        for number, row in enumerate(rows()):
            near = bytes([bits[0] ^ 3]) + bits[1:]
            bits = near if number % 20 == 19 else rng.bytes(32)
            item = Item(
                ItemId(row["item_id"]),
                account_id=row["account_id"],
                caption=row["caption"],
                first_indexed_at=day + timedelta(days=number % 90),
                media=(Media(hashes=(("pdq", bits.hex()),)),),
            )
            store.add_item(item, [None], text_signals(row["caption"]))
    return folder


def test_counting(index: Path, record: Callable[..., None]) -> None:
    with IndexStore.open(index) as store:
        for what, action in (
            ("stats", stats),
            ("stats --clusters, in addition", picture_clusters),
            ("stats --plot, in addition", hash_balance),
        ):
            action(store)  # compiled loops and the system's cache
            spent, found = timed(lambda action=action: action(store))
            record(SECTION, what, spent, "s of processor")
            print(f"\n{what}: {spent:.2f} s, {str(found)[:200]}")
        assert stats(store).items == COUNT
        assert picture_clusters(store).clusters == COUNT // 20
