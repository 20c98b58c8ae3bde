"""How many pages a second are read and matched by text, against few captions and against a million.

Rows are made from a seed by ``made_captions.py``, pages of them by ``made_pages.py``; the smaller
index holds the first rows of the larger one, so that both answer the same pages.
``CLONEDETECT_BENCH_ITEMS`` asks for another number of rows.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import made_captions
import made_pages
from clonedetect.extract.page import read_page
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.text import match_texts
from clonedetect.models.match import Verdict
from clonedetect.models.settings import TextThresholds
from clonedetect.signals.phrases import shipped_phrases

pytestmark = pytest.mark.benchmark

MANY = int(os.environ.get("CLONEDETECT_BENCH_ITEMS", "1000000"))
FEW = 30_000
STRANGERS = 5_000
PAGES = 60
ON_A_PAGE = 10
SEED = 20_262


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return the rows of many, the rows of few, and captions of neither."""
    folder = tmp_path_factory.mktemp("pages")
    whole, many, few = (folder / f"{name}.jsonl" for name in ("whole", "many", "few"))
    made_captions.write_rows(whole, MANY + STRANGERS)
    strangers = []
    with whole.open(encoding="utf-8") as lines, many.open("w", encoding="utf-8") as kept:
        kept.writelines(islice(lines, MANY))
        strangers = [json.loads(line)["caption"] for line in lines]
    with many.open(encoding="utf-8") as lines, few.open("w", encoding="utf-8") as kept:
        kept.writelines(islice(lines, FEW))
    return many, few, strangers


def pages_of(texts, rng):
    return [
        made_pages.page(rng.choice(made_pages.KINDS), rng.sample(texts, ON_A_PAGE), rng) for _ in range(PAGES)
    ]


def spent(index, pages):
    """Return processor time a page in ms, and how many texts were confirmed."""
    confirmed = 0
    start = time.process_time()
    for number, data in enumerate(pages):
        content = read_page(data, f"https://clone.example/{number}", "text/html; charset=utf-8")
        found = match_texts(content.blocks, index, TextThresholds(), shipped_phrases())
        confirmed += sum(one.verdict is Verdict.CONFIRMED for one in found)
    return 1000 * (time.process_time() - start) / len(pages), confirmed


def test_pages_a_second(sources, tmp_path_factory, record):
    many, few, strangers = sources
    rng = random.Random(SEED)
    with few.open(encoding="utf-8") as lines:
        captions = [json.loads(line)["caption"] for line in lines]
    asked = {"copied": pages_of(captions, rng), "clean": pages_of(strangers, rng)}
    ms = {}
    for name, source in ((f"{FEW:,}", few), (f"{MANY:,}", many)):
        folder = tmp_path_factory.mktemp("index")
        add_sources(folder, [source])
        start = time.perf_counter()
        with open_reference(folder) as index:
            assert index.model
            assert len(index.postings)
            first = time.perf_counter() - start
        start = time.perf_counter()
        with open_reference(folder) as index:
            assert index.model
            assert len(index.postings)
            again = time.perf_counter() - start
            print(f"\n{name} captions: first opening {first:.1f} s, next {again:.2f} s")
            record("Pages, texts", f"opening {name} captions for the first time", first, "s")
            record("Pages, texts", f"opening {name} captions again", again, "s")
            for kind, pages in asked.items():
                spent(index, pages[:5])
                ms[name, kind], confirmed = spent(index, pages)
                print(f"{name} captions, {kind} pages: {ms[name, kind]:.1f} ms, {confirmed} confirmed")
                goal = ">= 40" if source == few else None
                rate = 1000 / ms[name, kind]
                record("Pages, texts", f"{kind}, {name} captions, one core", rate, "pages/s", goal)
    for kind in asked:
        ratio = ms[f"{MANY:,}", kind] / ms[f"{FEW:,}", kind]
        record("Pages, texts", f"{kind}, time at {MANY:,} by time at {FEW:,}", ratio, "times", "<= 2")
        assert ratio <= 2
