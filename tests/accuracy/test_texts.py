"""The measurement of texts, whole, on a small made-up corpus."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

from accuracy import text_run
from accuracy.document import rewrite
from accuracy.text_document import BEGIN, END, LISTED, TextProvenance, text_block
from accuracy.text_run import Stranger, TextResults, run_id, run_texts
from accuracy.texts import Corpus, read_corpus
from clonedetect.models.calibration import TEXTS_MEASURED_IN
from text_transforms import TRANSFORMS

RUN = TextProvenance("0123456789ab", "abcdef012345", False, "d" * 64, "2026-01-02", "a machine, 2 cores")
PHRASES = "Good morning, everybody out there\n\nFollow me for more\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(7)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]
    words = ["".join(rng.choices(syllables, k=rng.randrange(2, 5))) for _ in range(2_000)]
    rows = []
    for _ in range(2_400):
        text = " ".join(rng.choices(words, k=rng.randrange(9, 22)))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        rows.append(json.dumps({"id": key, "lang": rng.choice(("aa", "bb")), "src": "made", "text": text}))
    made = tmp_path_factory.mktemp("data")
    (made / "text").mkdir()
    (made / "text" / "dev.jsonl.gz").write_bytes(gzip.compress("\n".join([*rows, rows[0]]).encode()))
    (made / "text" / "common_phrases.txt").write_text(PHRASES, "utf-8")
    return made


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return read_corpus(folder)


@pytest.fixture(scope="module")
def measured(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[TextResults, Path]:
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "GENERAL": 20,
            "PER_LANGUAGE": 6,
            "PER_SHORT_CLASS": 2,
            "CLONE_PAGES": 4,
            "CLEAN_PAGES": 6,
        }.items():
            patch.setattr(text_run, name, value)
        return run_texts(corpus, work), work


def test_the_corpus_is_divided_by_the_digest_of_its_ids(corpus: Corpus) -> None:
    assert len(corpus.indexed) + len(corpus.strangers) + len(corpus.context) == 2_400
    for post in (*corpus.indexed, *corpus.strangers):
        bits = hashlib.sha256(post.key.encode()).digest()[0]
        assert post.is_development is (bits % 2 == 0)
        assert (post in corpus.strangers) is ((bits >> 1) % 4 == 3)
    assert not any(post.is_development for post in corpus.asked())
    assert corpus.phrases == ("Good morning, everybody out there", "Follow me for more")
    assert len({post.account for post in corpus.indexed}) > 20
    assert all(post.account.startswith(post.language) for post in corpus.indexed)


def test_a_missing_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_corpus(tmp_path)


def test_copies_are_found_and_strangers_are_not(measured: tuple[TextResults, Path], corpus: Corpus) -> None:
    results, _ = measured
    assert results.indexed == len(corpus.indexed)
    assert {one.transformation for one in results.answers} == set(TRANSFORMS)
    plain = [one for one in results.answers if one.transformation == "verbatim" and one.bits >= 120]
    assert len(plain) >= 20
    assert all(one.verdict == "confirmed" for one in plain)
    assert results.confirmed == ()
    assert sum(results.told.values()) == results.strangers == len(corpus.strangers)
    assert not any(key.endswith("confirmed") for key in results.phrases)
    assert results.clone_pages.confirmed > 0
    assert (results.clean_pages.confirmed, results.clean_pages.accounts) == (0, 0)


def test_results_are_kept_and_read_again(measured: tuple[TextResults, Path], corpus: Corpus) -> None:
    results, work = measured
    shutil.rmtree(work / "texts.index")
    assert run_texts(corpus, work) == results


def test_what_is_written_tells_every_table(measured: tuple[TextResults, Path]) -> None:
    results, _ = measured
    told = text_block(results, RUN)
    for name in TRANSFORMS:
        assert f"| {name} |" in told
    assert "| aa |" in told
    assert "| run | `0123456789ab` |" in told
    assert "0 of 6 clean pages, under 50.000 %" in told
    assert f"of {20 * len(LISTED)} altered copies" in told


def test_a_confirmed_stranger_is_counted_by_what_it_shares(measured: tuple[TextResults, Path]) -> None:
    results, _ = measured
    alike = tuple(Stranger("one", "two", 130.0, 0.9, shared) for shared in (0.9, 0.6, 0.1))
    told = text_block(TextResults(**{**_fields(results), "confirmed": alike}), RUN)
    assert "four fifths of its grams: 1; half to four fifths: 1; less than half: 1" in told


def _fields(results: TextResults) -> dict[str, object]:
    return {name: getattr(results, name) for name in results.__struct_fields__}


def test_the_block_is_put_between_its_own_marks(tmp_path: Path) -> None:
    document = tmp_path / "accuracy.md"
    document.write_text(f"before {BEGIN} old {END} after", "utf-8")
    rewrite(document, "new", begin=BEGIN, end=END)
    assert document.read_text("utf-8") == f"before {BEGIN}\n\nnew\n\n{END} after"


def test_equal_code_and_texts_are_one_run(corpus: Corpus) -> None:
    assert run_id(corpus) == run_id(corpus)
    assert len(run_id(corpus)) == 12
    assert run_id(corpus) != TEXTS_MEASURED_IN
