"""How many copies of texts are found, how many strangers are accused, on texts alone and on whole pages."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

import made_pages
from accuracy.run import code_digest
from accuracy.texts import SEED, Corpus, Post, write_items
from clonedetect.analysis.page import judge_page
from clonedetect.extract.page import read_page
from clonedetect.index.reference import OpenIndex
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.text import match_texts
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.ids import AccountId, RecordId, digest_of
from clonedetect.models.match import Match, Verdict
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.settings import TextThresholds
from clonedetect.models.verdict import PageVerdict
from clonedetect.signals.fingerprints import gram_hashes
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import shipped_phrases
from text_transforms import TRANSFORMS

__all__ = ["CLASSES", "Answer", "CleanPages", "ClonePages", "Stranger", "TextResults", "run_id", "run_texts"]

GENERAL: Final = 1_500
PER_LANGUAGE: Final = 60
PER_SHORT_CLASS: Final = 200
CLONE_PAGES: Final = 300
CLEAN_PAGES: Final = 20_000
ON_A_PAGE: Final = 10
CLASSES: Final = (0, 60, 120, 160, 240, 400)
"""Where classes of length begin, in bits."""
_PAGE: Final = Capture(
    url="https://clone.example/page",
    final_url="https://clone.example/page",
    purpose=Purpose.PAGE,
    outcome=Outcome.OK,
    reason="",
    captured_at=datetime(2026, 11, 1, tzinfo=UTC),
    grant_id="accuracy",
    grant_digest=digest_of(b""),
    rule="made pages",
    content_digest=digest_of(b""),
    record_id=RecordId("urn:uuid:00000000-0000-4000-8000-000000000000"),
)
LITTLE: Final = 0.5
"""Texts that share less of their grams with every indexed post make up clean pages."""


class Answer(msgspec.Struct, frozen=True):
    """What was said of one copy: the verdict on its own post, "none" where it was not found."""

    key: str
    language: str
    bits: float
    is_general: bool
    transformation: str
    verdict: str
    rule: str = ""
    gates: tuple[str, ...] = ()


class Stranger(msgspec.Struct, frozen=True):
    """A text of no index that was confirmed; `shared` of its grams, or of the post's, are common to both."""

    text: str
    post: str
    bits: float
    coverage: float
    shared: float


class ClonePages(msgspec.Struct, frozen=True):
    """Pages that show posts of one account each, as they are or altered."""

    pages: int
    shown: int
    confirmed: int
    accounts: int
    wrong_items: int
    wrong_accounts: int


class CleanPages(msgspec.Struct, frozen=True):
    """Pages of strangers, made of `texts` distinct ones; `left_out` are too like a post to be among them.

    `confirmed` counts texts, quoted ones too, and `accused` pages that are confirmed.
    """

    pages: int
    texts: int
    left_out: int
    confirmed: int
    accused: int
    possible: int
    accounts: int
    bytes_each: int
    ms_each: float


class TextResults(msgspec.Struct, frozen=True):
    """Everything of one run."""

    indexed: int
    asked_of: int
    answers: tuple[Answer, ...]
    strangers: int
    told: dict[str, int]
    confirmed: tuple[Stranger, ...]
    phrases: dict[str, int]
    clone_pages: ClonePages
    clean_pages: CleanPages


@dataclass(slots=True)
class _Asker:
    index: OpenIndex
    thresholds: TextThresholds

    def text(self, text: str) -> tuple[Match, ...]:
        block = TextBlock(text, BlockKind.LEAF, "p")
        return match_texts([block], self.index, self.thresholds, shipped_phrases())

    def page(self, data: bytes) -> tuple[tuple[Match, ...], PageVerdict]:
        """Return what is found on a page, and what is said of it."""
        content = read_page(data, _PAGE.url, "text/html; charset=utf-8")
        found = match_texts(content.blocks, self.index, self.thresholds, shipped_phrases())
        return found, judge_page(_PAGE, content, (), found, self.thresholds).verdict


def run_id(corpus: Corpus) -> str:
    """Return twelve hex digits, equal only for equal code and texts."""
    here = Path(__file__).parent
    beside = (
        here.parent / "made_pages.py",
        here.parent / "text_transforms.py",
        here / "texts.py",
        Path(__file__),
    )
    return hashlib.sha256(f"{code_digest(beside)} {corpus.digest}".encode()).hexdigest()[:12]


def run_texts(corpus: Corpus, work: Path) -> TextResults:
    """Index, ask, and keep the results in `work`; what an earlier call kept is read."""
    kept = work / "results.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=TextResults)
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "texts.index"
    items = work / "items.jsonl"
    write_items(items, corpus.indexed, corpus.phrases)
    added = add_sources(folder, [items])
    if added.refused:
        raise RuntimeError(
            f"{added.refused} of the corpus were refused, the first because: {added.refusals[0]}"
        )
    with open_reference(folder) as index:
        asker = _Asker(index, TextThresholds())
        results = _results(corpus, asker)
    partial = kept.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(results))
    partial.rename(kept)
    return results


def _results(corpus: Corpus, asker: _Asker) -> TextResults:
    bits = _bits(corpus, asker.index)
    answers = tuple(_answers(corpus, bits, asker))
    told, confirmed, alike = _strangers(corpus, asker)
    return TextResults(
        indexed=len(corpus.indexed),
        asked_of=sum(value >= CLASSES[2] for value in bits.values()),
        answers=answers,
        strangers=len(corpus.strangers),
        told=told,
        confirmed=confirmed,
        phrases=_phrases(corpus, asker),
        clone_pages=_clone_pages(corpus, bits, asker),
        clean_pages=_clean_pages(corpus, alike, asker),
    )


def _bits(corpus: Corpus, index: OpenIndex) -> dict[str, float]:
    """Return what each post that may be asked holds under the index's model, itself left out."""
    asked = corpus.asked()
    bits: dict[str, float] = {}
    for first in range(0, len(asked), 512):
        some = asked[first : first + 512]
        costs = index.model.costs([normalise(post.text).text for post in some])
        bits.update((post.key, float(cost.bits.sum())) for post, cost in zip(some, costs, strict=True))
    return bits


def _answers(corpus: Corpus, bits: dict[str, float], asker: _Asker) -> Iterable[Answer]:
    rng = random.Random(SEED)
    eligible = [post for post in corpus.asked() if bits[post.key] >= CLASSES[2]]
    general = {post.key for post in rng.sample(eligible, min(GENERAL, len(eligible)))}
    chosen = {post.key: post for post in eligible if post.key in general}
    for language in sorted({post.language for post in eligible}):
        own = [post for post in eligible if post.language == language]
        chosen |= {post.key: post for post in rng.sample(own, min(PER_LANGUAGE, len(own)))}
    for low, high in pairwise(CLASSES[:3]):
        short = [post for post in corpus.asked() if low <= bits[post.key] < high]
        chosen |= {post.key: post for post in rng.sample(short, min(PER_SHORT_CLASS, len(short)))}
    for name, transform in TRANSFORMS.items():
        for post in chosen.values():
            copy = transform(post.text, random.Random(f"{SEED} {name} {post.key}"), corpus.context)
            found = next((one for one in asker.text(copy) if one.item_id == post.key), None)
            yield Answer(
                post.key,
                post.language,
                round(bits[post.key], 1),
                post.key in general,
                name,
                str(found.verdict) if found else "none",
                found.text.rule if found and found.text else "",
                found.text.gates if found and found.text else (),
            )


def _strangers(corpus: Corpus, asker: _Asker) -> tuple[dict[str, int], tuple[Stranger, ...], frozenset[str]]:
    """Return verdicts, what was confirmed, and which strangers share half of their grams with a post.

    What is shared is counted by plain sets of grams, without anything that decides.
    """
    holders: dict[int, list[int]] = {}
    sizes = []
    for number, post in enumerate(corpus.indexed):
        grams = set(gram_hashes(normalise(post.text).text).tolist())
        sizes.append(len(grams))
        for gram in grams:
            holders.setdefault(gram, []).append(number)
    by_key = {post.key: number for number, post in enumerate(corpus.indexed)}
    told: dict[str, int] = {}
    confirmed = []
    alike = set()
    for stranger in corpus.strangers:
        grams = set(gram_hashes(normalise(stranger.text).text).tolist())
        shared: dict[int, int] = {}
        for gram in grams:
            for number in holders.get(gram, ()):
                shared[number] = shared.get(number, 0) + 1
        parts = {number: count / max(1, min(len(grams), sizes[number])) for number, count in shared.items()}
        if parts and max(parts.values()) >= LITTLE:
            alike.add(stranger.key)
        found = asker.text(stranger.text)
        best = str(found[0].verdict) if found else "none"
        told[best] = told.get(best, 0) + 1
        for match in found:
            if match.verdict is Verdict.CONFIRMED and match.text is not None and match.item_id in by_key:
                number = by_key[match.item_id]
                part = round(parts.get(number, 0.0), 3)
                post = corpus.indexed[number].text
                confirmed.append(Stranger(stranger.text, post, match.text.bits, match.text.coverage, part))
    return told, tuple(confirmed), frozenset(alike)


def _phrases(corpus: Corpus, asker: _Asker) -> dict[str, int]:
    """Return how many common phrases got which verdict: alone, within a sentence, on a page."""
    told: dict[str, int] = {}
    rng = random.Random(SEED)
    for phrase in corpus.phrases:
        others = rng.sample(corpus.context, 3)
        asked = {
            "alone": asker.text(phrase),
            "in a sentence": asker.text(f"Welcome to my page. {phrase} See you soon!"),
            "on a page": asker.page(made_pages.page("profile", [phrase, *others], rng))[0],
        }
        for where, found in asked.items():
            worst = next((str(one.verdict) for one in found if one.item_id.startswith("phrase-")), "none")
            told[f"{where}: {worst}"] = told.get(f"{where}: {worst}", 0) + 1
    return told


def _clone_pages(corpus: Corpus, bits: dict[str, float], asker: _Asker) -> ClonePages:
    rng = random.Random(SEED)
    by_account: dict[str, list[Post]] = {}
    for post in corpus.asked():
        if bits[post.key] >= CLASSES[2]:
            by_account.setdefault(post.account, []).append(post)
    accounts = [posts for posts in by_account.values() if len(posts) >= 3]
    counts = [0] * 5
    for _ in range(CLONE_PAGES):
        posts = rng.choice(accounts)
        shown = rng.sample(posts, min(len(posts), rng.randrange(3, ON_A_PAGE)))
        names = [rng.choice(tuple(TRANSFORMS)) if rng.random() < 0.3 else "verbatim" for _ in shown]
        texts = [
            TRANSFORMS[name](post.text, rng, corpus.context) for name, post in zip(names, shown, strict=True)
        ]
        found, verdict = asker.page(made_pages.page(rng.choice(made_pages.KINDS), texts, rng))
        told = {one.item_id for one in found if one.verdict is Verdict.CONFIRMED}
        right = {post.key for post in shown}
        named = _named(verdict)
        counts[0] += len(shown)
        counts[1] += len(told & right)
        counts[2] += shown[0].account in named
        counts[3] += len(told - right)
        counts[4] += len(set(named) - {shown[0].account})
    return ClonePages(CLONE_PAGES, *counts)


def _clean_pages(corpus: Corpus, alike: frozenset[str], asker: _Asker) -> CleanPages:
    rng = random.Random(SEED)
    texts = [post.text for post in corpus.strangers if post.key not in alike]
    confirmed = accused = possible = accounts = size = 0
    spent = 0.0
    for _ in range(CLEAN_PAGES):
        data = made_pages.page(
            rng.choice(made_pages.KINDS), rng.sample(texts, rng.randrange(1, 2 * ON_A_PAGE)), rng
        )
        size += len(data)
        start = time.process_time()
        found, verdict = asker.page(data)
        spent += time.process_time() - start
        confirmed += sum(one.verdict is Verdict.CONFIRMED for one in found)
        accused += verdict.verdict is Verdict.CONFIRMED
        possible += sum(one.verdict is Verdict.POSSIBLE for one in found)
        accounts += len(_named(verdict))
    return CleanPages(
        CLEAN_PAGES,
        len(texts),
        len(alike),
        confirmed,
        accused,
        possible,
        accounts,
        size // CLEAN_PAGES,
        round(1000 * spent / CLEAN_PAGES, 2),
    )


def _named(verdict: PageVerdict) -> tuple[AccountId, ...]:
    """Return the accounts that are confirmed on a page."""
    return tuple(one.account_id for one in verdict.account_verdicts if one.verdict is Verdict.CONFIRMED)
