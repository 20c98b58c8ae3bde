"""How fast real short texts are hashed, and what an index of twenty posts says of common phrases.

Needs ``text/dev.jsonl.gz`` (one object a line: lang, src, text) and
``text/common_phrases.txt`` below the folder that CLONEDETECT_BENCH_DATA names
(default ``../shared/data`` beside the project). Quotation collections are read
without their attribution (``-- Name``), so that they stand for captions.
"""

import gzip
import importlib.util
import json
import os
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from clonedetect.match.text import match_texts
from clonedetect.models.match import Verdict
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.settings import TextThresholds
from clonedetect.signals.many import many_text_signals
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import shipped_phrases
from clonedetect.signals.text import text_signals

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CLONEDETECT_BENCH_DATA", ROOT / ".." / "shared" / "data")) / "text"
LANGUAGES = ("en", "es", "de", "it", "pl", "tr", "id", "ru", "ar", "th", "zh", "ko")
PER_LANGUAGE = 1_500
SEED = 20_260


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"_bench_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MemoryIndex = load(ROOT / "tests" / "match_text" / "memory_index.py").MemoryIndex


@pytest.fixture(scope="module")
def corpus():
    if not (DATA / "dev.jsonl.gz").is_file():
        pytest.skip(f"no text corpus in {DATA}: set CLONEDETECT_BENCH_DATA")
    with gzip.open(DATA / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    random.Random(SEED).shuffle(rows)
    return [(row["lang"], re.sub(r"\s*--+\s.*$", "", row["text"], flags=re.DOTALL)) for row in rows]


@pytest.fixture(scope="module")
def split(corpus):
    """Return the posts to index and the texts kept out of it, no text in both."""
    taken, posts, rest, seen = Counter(), [], [], set()
    for language, text in corpus:
        key = normalise(text).text
        if key in seen:
            continue
        seen.add(key)
        if language in LANGUAGES and taken[language] < PER_LANGUAGE:
            taken[language] += 1
            posts.append(text)
        else:
            rest.append(text)
    return posts, rest


@pytest.fixture(scope="module")
def common():
    return [line for line in (DATA / "common_phrases.txt").read_text("utf-8").splitlines() if line.strip()]


def find(index, text):
    block = TextBlock(text, BlockKind.LEAF, "p")
    return match_texts([block], index, TextThresholds(), shipped_phrases())


def test_no_common_phrase_is_confirmed_on_an_index_of_twenty_posts(split, common):
    posts, _ = split
    small = MemoryIndex([(f"a{n}", text) for n, text in enumerate(posts[:20])] + [("g", p) for p in common])
    verdicts = Counter(m.verdict for phrase in common for m in find(small, phrase))
    print(f"\non 20 posts: {dict(verdicts)}")
    assert verdicts[Verdict.CONFIRMED] == 0


def test_speed_of_the_signals(split, record):
    posts, _ = split
    for name, function in (("normalise", normalise), ("text_signals", text_signals)):
        function(posts[0])
        start = time.perf_counter()
        for text in posts:
            function(text)
        rate = len(posts) / (time.perf_counter() - start)
        record("Texts, speed", f"{name}, one core, by the clock", rate, "texts/s")
        print(f"\n{name}: {rate:,.0f} texts/s")
    start = time.perf_counter()
    for first in range(0, len(posts), 512):
        many_text_signals(posts[first : first + 512])
    rate = len(posts) / (time.perf_counter() - start)
    record("Texts, speed", "many_text_signals, 512 at once, one core, by the clock", rate, "texts/s")
    print(f"\nmany_text_signals: {rate:,.0f} texts/s")
