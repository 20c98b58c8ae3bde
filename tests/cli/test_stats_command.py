"""``index stats`` on a terminal, as JSON, and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from rich.console import Console

from clonedetect.cli.chart import spread_chart
from clonedetect.cli.counts import shown
from clonedetect.cli.main import cli
from clonedetect.index.balance import Balance, Bin
from clonedetect.index.clusters import Clusters
from clonedetect.index.counts import Growth, IndexStats
from clonedetect.jobs.indexing import add_sources


@pytest.fixture
def index(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    rows = [
        {
            "item_id": str(number),
            "account_id": f"a{number % 3}",
            "caption": f"The boats of harbour {number // 2} came home early",
            "first_indexed_at": f"2026-05-{1 + number % 3:02}T00:00:00Z",
            "published_at": "2024-01-01T00:00:00Z",
            "media": [{"pdq": ("5a" * 32 if number < 2 else rng.bytes(32).hex())}],
        }
        for number in range(8)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    add_sources(tmp_path / "index", [tmp_path / "posts.jsonl"], workers=1)
    return tmp_path / "index"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["index", "stats", *map(str, words)])


def test_json_holds_what_was_counted_before_and_the_copies_and_growth(index: Path, tmp_path: Path) -> None:
    told = json.loads(run(index, "--json").stdout)
    assert {"items", "accounts", "signals", "bytes", "generation", "visibility"} <= set(told)
    assert told["bytes"] >= sum(told["bytes_by_tier"].values()) > 100_000
    assert told["growth"]["days"] == {"2026-05-01": 3, "2026-05-02": 3, "2026-05-03": 2}
    assert told["growth"]["published"] == {"2024": 8}
    copies = {"clusters": 4, "items": 8, "largest": 2, "shared": 4, "shared_items": 8}
    assert (told["equal_captions"], told["near_pictures"], told["balance"]) == (copies, None, None)
    plot = tmp_path / "spread.png"
    told = json.loads(run(index, "--json", "--clusters", "--plot", plot).stdout)
    assert told["near_pictures"] == {"clusters": 1, "items": 2, "largest": 2, "shared": 1, "shared_items": 2}
    assert (told["balance"]["hashes"], len(told["balance"]["ones"])) == (8, 256)
    with Image.open(plot) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 960))


def test_a_picture_that_cannot_be_written_is_bad_input(index: Path, tmp_path: Path) -> None:
    done = run(index, "--plot", tmp_path / "none" / "spread.png")
    assert done.exit_code == 3
    assert "spread.png cannot be written" in done.stderr


def large() -> IndexStats:
    ten_million = Clusters(10_000_000, 88_000_000, 12_345_678, 9_876_543, 77_000_000)
    return IndexStats(
        items=123_456_789,
        accounts=12_345_678,
        pictures=234_567_890,
        hash_only=0,
        digest_only=0,
        videos=3,
        captions=123_000_000,
        signals={
            "minhash/1(scheme=affine32,seed=1,num_perm=128,bands=37x3,gram=5;normalise/1(x))": 123_000_000
        },
        visibility={"public": 123_456_789},
        assumed_public=1,
        minors=2,
        canaries=3,
        removed=4,
        refused=5,
        size_bytes=1_234_567_890_123,
        tiers={"database": 1_234_567_890_000, "hot/features": 123},
        generation=617_284,
        snapshot_id="sha256:" + "0" * 64,
        growth=Growth(
            days={f"2026-05-{day:02}": 10**day for day in range(1, 9)},
            before=12_345_678,
            published={str(year): 10_000_000 for year in range(2010, 2027)},
            unknown=7,
        ),
        equal_captions=ten_million,
        near_pictures=ten_million,
        balance=Balance(10**9, (0.5,) * 256, (Bin(0, 0, 1, 1.0),), 10**8, 12.5),
    )


def test_the_largest_index_is_shown_whole_in_80_columns() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115  only recorded
    for part in shown(large(), is_verbose=True):
        console.print(part)
    text = console.export_text()
    console.file.close()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for number in ("123,456,789", "1,234,567,890,123", "88,000,000", "9,876,543", "100,000,000", "12.50 x"):
        assert number in text
    assert [line.split() for line in text.splitlines() if line.startswith("bytes")] == [
        ["bytes", "1,234,567,890,123"],
        ["bytes", "of", "database", "1,234,567,890,000"],
        ["bytes", "of", "hot/features", "123"],
    ]
    (longest,) = (line for line in text.splitlines() if line.startswith("2026-05-08"))
    (shortest,) = (line for line in text.splitlines() if line.startswith("2026-05-01"))
    assert (longest.count("█"), shortest.count("█")) == (40, 1)


def pixels(balance: Balance) -> np.ndarray:
    return np.asarray(spread_chart(balance)).astype(int)


def test_the_chart_shows_an_odd_bit_and_a_bucket_where_they_are() -> None:
    even = Balance(1000, (0.5,) * 256, (Bin(0, 0, 1 << 20, 1 << 20),), 0, 1.0)
    odd = Balance(1000, (0.9,) + (0.5,) * 255, (Bin(0, 0, 1 << 20, 1 << 20), Bin(1, 1, 99, 0.1)), 1, 1.0)
    changed = np.abs(pixels(even) - pixels(odd)).max(axis=2) > 60
    rows, columns = np.nonzero(changed[115:395])
    assert len(rows) > 300
    assert columns.max() < 120
    assert rows.max() + 115 < 260
    red = pixels(odd)[115:250, 110:114]
    assert (red[..., 0] > 150).sum() > 50


def test_the_chart_of_an_empty_index_and_of_many_bins_is_drawn() -> None:
    bins = tuple(Bin(2**n - 1 if n else 0, 2 ** (n + 1) - 2, 5, 0.7) for n in range(24))
    for balance in (
        Balance(0, (), (Bin(0, 0, 1 << 20, 1 << 20),), 0, 1.0),
        Balance(9, (0.0,) * 256, bins, 9, 1.0),
        Balance(9, (0.0,) * 256, (Bin(0, 0, 3, 0.1), Bin(1, 1, 0, 0.2)), 1, 1.0),
    ):
        assert spread_chart(balance).size == (1200, 960)
