"""What identifiers add to a page: an index of 100,000 made posts, pages of clone sites' shapes, no network.

``CLONEDETECT_BENCH_ITEMS`` asks for another number of posts.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clonedetect.extract.identifiers import shortcode
from clonedetect.extract.page import read_page
from clonedetect.index.reference import OpenIndex
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.identify import identify
from clonedetect.match.native import NativeIds
from clonedetect.models.page import PageContent
from clonedetect.settings.document import parse_settings
from clonedetect.settings.template import platform_example

pytestmark = pytest.mark.benchmark

ITEMS = int(os.environ.get("CLONEDETECT_BENCH_ITEMS", "100000"))
ROUNDS = 20
SECTION = f"Identifiers of a page, an index of {ITEMS:,} posts"
SHAPES = Path(__file__).parents[2] / "fixtures" / "pages"


def numbers() -> list[int]:
    rng = np.random.default_rng(20_262)
    return [int(number) for number in rng.integers(3 * 10**18, 33 * 10**17, ITEMS)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIndex]:
    folder = tmp_path_factory.mktemp("identify")
    with (folder / "posts.jsonl").open("w") as file:
        for place, number in enumerate(numbers()):
            row = {
                "item_id": f"post-{place}",
                "account_id": f"account-{place % 5_000}",
                "handle": f"user_{place % 5_000}",
                "permalink": f"https://photos.example/p/{shortcode(number)}/",
                "native_ids": [str(number)],
                "caption": f"Post number {place} of many",
            }
            file.write(json.dumps(row) + "\n")
    assert add_sources(folder / "index", [folder / "posts.jsonl"]).added == ITEMS
    with open_reference(folder / "index") as opened:
        yield opened


def feed(entries: int, copied: int) -> PageContent:
    """Return a page of entries with a picture, words and two links; the first `copied` name indexed posts."""
    known = numbers()
    parts = []
    for place in range(entries):
        number = known[place * 7] if place < copied else 9 * 10**17 + place * 12_345_678_901
        picture = f"/m/1_{17_841_400_000_000_000 + place}_9_n.jpg"
        words = f"Words of entry {place} with #tag{place} by @somebody_{place}"
        links = f"<a href='/p/{shortcode(number)}/'>open</a><a href='/profile/name_{place}'>name</a>"
        parts.append(f'<article class="card"><img src="{picture}"><p>{words}</p>{links}</article>')
    return read_page("".join(parts).encode(), "https://viewer.example/tag/x", "text/html")


def pages() -> dict[str, PageContent]:
    found = {
        "a page of ten entries, none of the index": feed(10, 0),
        "a feed of 60 entries, none of the index": feed(60, 0),
        "a feed of 60 entries, all of the index": feed(60, 60),
        "a page of 500 entries, none of the index": feed(500, 0),
    }
    shapes = [path for path in sorted(SHAPES.glob("*.html")) if not path.name.startswith(("wall", "plain"))]
    for path in shapes:
        found[f"fixtures/pages/{path.name}"] = read_page(
            path.read_bytes(), "https://picpeek.example/p/x", "text/html"
        )
    return found


def test_what_identifiers_add_to_a_page(index: OpenIndex, record: Callable[..., None]) -> None:
    ids = NativeIds.of(parse_settings(platform_example("instagram-like").encode(), name="s")[0].platform)
    for name, content in pages().items():
        spent = []
        for _ in range(ROUNDS):
            started = time.process_time()
            matches = identify(content, index, ids)
            spent.append((time.process_time() - started) * 1e3)
        assert len(matches) >= (50 if "all of" in name else 0)  # some codes might be words
        told = round(statistics.median(spent), 2)
        print(f"{name:50s} {told:8.2f} ms, {len(matches)} matches, {len(content.identifiers)} identifiers")
        record(SECTION, name, told, "ms of processor")
