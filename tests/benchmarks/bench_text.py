"""How many transformed posts are found, how many strangers are accused, and how fast, on real short texts.

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
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import shipped_phrases
from clonedetect.signals.text import text_signals

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CLONEDETECT_BENCH_DATA", ROOT / ".." / "shared" / "data")) / "text"
LANGUAGES = ("en", "es", "de", "it", "pl", "tr", "id", "ru", "ar", "th", "zh", "ko")
PER_LANGUAGE = 1_500
QUERIES = 360
UNRELATED = 3_000
SEED = 20_260
FLOORS = {
    "verbatim": 0.995,
    "cut to 60 %": 0.97,
    "cut to 80 characters": 0.95,
    "tags and emoji stripped": 0.995,
    "foreign tags added": 0.995,
    "upper case": 0.995,
    "homoglyphs": 0.99,
    "zero-width": 0.995,
    "no punctuation": 0.995,
    "escaped twice": 0.995,
    "wrapped in interface": 0.995,
    "10 % edits": 0.98,
    "20 % edits": 0.92,
    "joined": 0.99,
    "half quoted": 0.7,
    "combination": 0.96,
}


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"_bench_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TRANSFORMS = load(Path(__file__).with_name("text_transforms.py")).TRANSFORMS
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


@pytest.fixture(scope="module")
def index(split, common):
    posts, _ = split
    start = time.perf_counter()
    made = MemoryIndex(
        [(f"account-{n}", text) for n, text in enumerate(posts)]
        + [(f"greeter-{n}", phrase) for n, phrase in enumerate(common)]
    )
    print(f"\nindexed {len(posts) + len(common)} posts in {time.perf_counter() - start:.1f} s")
    return made


def find(index, text):
    block = TextBlock(text, BlockKind.LEAF, "p")
    return match_texts([block], index, TextThresholds(), shipped_phrases())


def test_recall_per_transformation(index, split, record):
    posts, rest = split
    eligible = []
    for number, text in enumerate(posts):
        plain = normalise(text).text
        if index.model.bits(plain, leave_out=plain).sum() >= 120:
            eligible.append(number)
    chosen = random.Random(SEED).sample(eligible, QUERIES)
    print(f"\n{QUERIES} posts of at least 120 bits, against {len(posts)}")
    print(f"{'transformation':26s} found confirmed  of the ungated  ms/block")
    missed = {}
    for name, transform in TRANSFORMS.items():
        verdicts, open_, start = Counter(), 0, time.perf_counter()
        for number in chosen:
            text = transform(posts[number], random.Random(number), rest)
            found = next((m for m in find(index, text) if m.item_id == f"post-{number}"), None)
            verdicts[found.verdict if found else Verdict.NONE] += 1
            open_ += found is None or not found.text.gates
        spent = (time.perf_counter() - start) / QUERIES * 1000
        share = (verdicts[Verdict.CONFIRMED] + verdicts[Verdict.POSSIBLE]) / QUERIES
        confirmed = verdicts[Verdict.CONFIRMED]
        print(f"{name:26s} {share:5.1%} {confirmed / QUERIES:9.1%} {confirmed / open_:15.1%} {spent:9.1f}")
        record(
            f"Texts by transformation, found of {QUERIES}",
            name,
            100 * share,
            "%",
            f">= {100 * FLOORS[name]:g}",
        )
        record(f"Texts by transformation, confirmed of {QUERIES}", name, 100 * confirmed / QUERIES, "%")
        if share < FLOORS[name]:
            missed[name] = share
    assert missed == {}


def test_no_common_phrase_is_confirmed(index, common, record):
    verdicts = Counter()
    for phrase in common:
        for text in (phrase, f"Welcome to my page. {phrase} See you soon!"):
            verdicts.update((m.verdict, m.text.rule, m.text.gates) for m in find(index, text))
    print(f"\n{len(common)} common phrases, planted once each: {dict(verdicts)}")
    wrong = sum(count for (verdict, _, _), count in verdicts.items() if verdict is Verdict.CONFIRMED)
    record("Texts that accuse nobody", "common phrases confirmed", wrong, f"of {2 * len(common)}", "<= 0")
    assert wrong == 0


def test_no_common_phrase_is_confirmed_on_an_index_of_twenty_posts(split, common):
    posts, _ = split
    small = MemoryIndex([(f"a{n}", text) for n, text in enumerate(posts[:20])] + [("g", p) for p in common])
    verdicts = Counter(m.verdict for phrase in common for m in find(small, phrase))
    print(f"\non 20 posts: {dict(verdicts)}")
    assert verdicts[Verdict.CONFIRMED] == 0


def test_unrelated_texts_are_not_confirmed(index, split, record):
    """Some of the rest may be reworded copies of indexed posts: what is confirmed is printed for a person."""
    _, rest = split
    verdicts, start = Counter(), time.perf_counter()
    for text in rest[:UNRELATED]:
        for match in find(index, text):
            verdicts[match.verdict] += 1
            if match.verdict is Verdict.CONFIRMED:
                (reference,) = index.texts([match.text.text_id])
                print(f"\n{match.text.bits} bits, {match.text.coverage:.0%}\n  {text!r}\n  {reference.raw!r}")
    spent = (time.perf_counter() - start) / UNRELATED * 1000
    print(f"\n{UNRELATED} texts that are not in the index: {dict(verdicts)}, {spent:.1f} ms each")
    confirmed = verdicts[Verdict.CONFIRMED]
    limit = UNRELATED // 1000
    record("Texts that accuse nobody", "texts not indexed", confirmed, f"of {UNRELATED}", f"<= {limit}")
    record("Texts, speed", "matching a text of strangers, by the clock", spent, "ms")
    assert confirmed <= limit


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
