"""One contract for every lookup of captions, held against a slow one that cannot be wrong."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.index import texts
from clonedetect.index.keytable import KeyTable
from clonedetect.index.postings import TextPostings
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.spool import Spool
from clonedetect.index.store import IndexStore
from clonedetect.models.ids import ItemId, TextId, digest_of
from clonedetect.models.item import Item
from clonedetect.models.minhash import BANDS, EMPTY, band_keys, mix
from clonedetect.models.signal import TextSignals
from clonedetect.signals.text import text_signals

CAP = 4
WORDS = (
    "harbour",
    "storm",
    "lamps",
    "boats",
    "came home",
    "夕日を見る",
    "лодки",
    "evening",
    "bread and salt",
)
WHEN = datetime(2026, 11, 1, tzinfo=UTC)
SIGNATURE = 111


@dataclass
class Oracle:
    """Captions as sets, every question answered by going through all of them."""

    captions: dict[int, TextSignals] = field(default_factory=dict)

    def candidates(
        self, fingerprints: npt.NDArray[np.uint64], limit: int, least: float, budget: int
    ) -> list[tuple[int, float]]:
        holders = {
            gram: [number for number, text in self.captions.items() if gram in text.fingerprints]
            for gram in set(fingerprints.tolist())
        }
        scores: Counter[int] = Counter()
        for _, numbers in sorted(holders.items(), key=lambda entry: (len(entry[1]), entry[0])):
            budget -= len(numbers)
            if 0 < len(numbers) <= CAP and budget >= 0:
                scores.update(dict.fromkeys(numbers, math.log1p(len(self.captions) / len(numbers))))
        ranked = sorted(scores.items(), key=lambda entry: (-round(entry[1], 9), entry[0]))
        bound = least * math.log1p(len(self.captions))
        return [entry for entry in ranked if entry[1] >= bound][: max(limit, 0)]

    def near_duplicates(self, minhash: npt.NDArray[np.uint32], bands: int) -> list[int]:
        if (minhash == EMPTY).all():
            return []
        rows = minhash[:SIGNATURE].reshape(BANDS, 3)
        return sorted(
            number
            for number, text in self.captions.items()
            if (text.minhash[:SIGNATURE].reshape(BANDS, 3) == rows).all(axis=1).sum() >= bands
            and not (text.minhash == EMPTY).all()
        )

    def with_digest(self, exact: str) -> list[int]:
        return sorted(number for number, text in self.captions.items() if text.exact == exact)


def caption(grams: Iterable[int], bands: Iterable[int]) -> TextSignals:
    """Return signals of a few grams and a signature of few different bands, so that both are shared often."""
    drawn = sorted(grams)
    words = f"{drawn} {list(bands)}"
    signature = np.repeat(np.resize(np.array(list(bands), np.uint32), BANDS), 3)
    return TextSignals(
        words, digest_of(words.encode()), np.unique(mix(np.array(drawn, np.uint64))), signature
    )


# A few grams stand in nearly every caption, most in one or two.
skewed = st.one_of(st.integers(0, 2), st.integers(0, 40))
captions = st.builds(
    caption,
    st.sets(skewed, min_size=1, max_size=6),
    st.one_of(st.lists(st.integers(0, 30), min_size=1, max_size=3), st.just([int(EMPTY)])),
)
steps = st.lists(
    st.tuples(st.sampled_from(["add", "add", "edit", "silence", "remove", "open"]), captions, st.integers(0)),
    min_size=1,
    max_size=25,
)


class Written:
    """An index, its oracle, and the steps that change both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.oracle = Oracle()
        self.count = 0
        self.items: dict[int, ItemId] = {}

    def do(self, store: IndexStore, step: str, text: TextSignals, draw: int) -> None:
        if step == "add" or not self.items:
            self.count += 1
            self._put(store, ItemId(f"item-{self.count}"), text)
            return
        number = sorted(self.items)[draw % len(self.items)]
        if step == "remove":
            store.remove([self.items.pop(number)], at=WHEN)
            del self.oracle.captions[number]
        elif step == "silence":
            store.add_item(Item(self.items.pop(number)), fingerprint=b"")
            del self.oracle.captions[number]
        else:
            self._put(store, self.items[number], text)

    def _put(self, store: IndexStore, item_id: ItemId, text: TextSignals) -> None:
        store.add_item(Item(item_id, caption=text.normalised), (), text, fingerprint=b"")
        (number,) = store.db.execute("SELECT text_id FROM texts WHERE item_id = ?", (item_id,)).fetchone()
        self.items[number] = item_id
        self.oracle.captions[number] = text


def opened(folder: Path) -> OpenIndex:
    return open_index(folder, votes=lambda _: None, model=lambda _: None)


def capped(postings: TextPostings, budget: int) -> TextPostings:
    layers, count = postings.layers, len(postings)
    return TextPostings(postings._db, layers, count, frequency_cap=CAP, read_at_most=budget)


def check(postings: TextPostings, oracle: Oracle, queries: list[TextSignals]) -> None:
    assert len(postings) == len(oracle.captions)
    prints = [query.fingerprints for query in queries]
    for limit, least, budget in ((0, 0.0, 99), (1, 0.0, 99), (100, 0.0, 99), (100, 1.5, 99), (100, 0.0, 5)):
        together = capped(postings, budget).candidates(prints, [limit] * len(queries), least)
        for query, found in zip(queries, together, strict=True):
            wanted = oracle.candidates(query.fingerprints, limit, least, budget)
            assert [number for number, _ in found] == [number for number, _ in wanted]
            assert [score for _, score in found] == pytest.approx([score for _, score in wanted])
    for bands in (1, 2, BANDS):
        near = postings.near_duplicates(np.stack([query.minhash for query in queries]), bands)
        assert list(map(list, near)) == [oracle.near_duplicates(query.minhash, bands) for query in queries]
    equal = postings.with_digests([query.exact for query in queries])
    assert list(map(list, equal)) == [oracle.with_digest(query.exact) for query in queries]


def in_memory(folder: Path) -> OpenIndex:
    """Open an index as where nothing may be written."""
    index = opened(folder)
    source = index._source("texts")
    index.postings = texts.text_postings(type(source)(None, source.generation, source.lineage, source.db))
    return index


def built_anew(folder: Path) -> OpenIndex:
    plan = folder / "hot" / "texts" / "plan.json"
    plan.unlink(missing_ok=True)
    return opened(folder)


@pytest.mark.parametrize("openings", [opened, in_memory, built_anew], ids=["caught up", "memory", "built"])
@settings(max_examples=25, deadline=None)
@given(steps=steps, queries=st.lists(captions, min_size=1, max_size=3))
def test_every_lookup_answers_like_the_oracle(
    tmp_path_factory: pytest.TempPathFactory,
    openings: Callable[[Path], OpenIndex],
    steps: list[tuple[str, TextSignals, int]],
    queries: list[TextSignals],
) -> None:
    folder = tmp_path_factory.mktemp("index")
    written = Written(folder)
    for step, text, draw in [*steps, ("open", steps[0][1], 0)]:
        if step == "open" and written.count:
            with openings(folder) as index:
                check(index.postings, written.oracle, [*queries, text])
        elif step != "open":
            with IndexStore.open_or_create(folder, algorithms={}) as store:
                written.do(store, step, text, draw)


def test_files_and_what_came_since_answer_together(tmp_path: Path) -> None:
    written = Written(tmp_path)
    texts_of = [caption([n % 3, 10 + n], [n % 5]) for n in range(12)]

    def do(step: str, number: int, draw: int = 0) -> None:
        with IndexStore.open_or_create(tmp_path, algorithms={}) as store:
            written.do(store, step, texts_of[number], draw)

    for number in range(6):
        do("add", number)
    with opened(tmp_path) as index:
        assert len(index.postings.layers) == 1
        plan = (tmp_path / "hot" / "texts" / "plan.json").read_bytes()
    do("edit", 7, 2)
    do("silence", 0, 0)
    do("add", 8)
    with opened(tmp_path) as index:
        assert [len(layer.gone) for layer in index.postings.layers] == [2, 0]
        assert (tmp_path / "hot" / "texts" / "plan.json").read_bytes() == plan
        check(index.postings, written.oracle, texts_of)
    do("remove", 0, 1)
    with opened(tmp_path) as index:
        assert len(index.postings.layers) == 1
        assert (tmp_path / "hot" / "texts" / "plan.json").read_bytes() != plan
        check(index.postings, written.oracle, texts_of)


def test_files_too_far_behind_are_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_DELTA_AT_LEAST", 2)
    with IndexStore.open_or_create(tmp_path, algorithms={}) as store:
        for number in range(6):
            store.add_item(Item(ItemId(str(number)), caption="x"), (), caption([number], [number]))
            with opened(tmp_path) as index:
                assert len(index.postings) == number + 1
                assert len(index.postings.layers) == (1 if number % 3 == 0 else 2)


@pytest.mark.parametrize("damage", [b"", b"{}", None], ids=["empty plan", "no plan", "array cut short"])
def test_damaged_files_are_built_again(tmp_path: Path, damage: bytes | None) -> None:
    text = caption([1, 2], [3])
    with IndexStore.open_or_create(tmp_path, algorithms={}) as store:
        store.add_item(Item(ItemId("a"), caption="x"), (), text)
    with opened(tmp_path) as index:
        assert len(index.postings) == 1
    folder = tmp_path / "hot" / "texts"
    if damage is None:
        (path,) = folder.glob("grams-numbers-*.npy")
        path.write_bytes(path.read_bytes()[:-1])
    else:
        (folder / "plan.json").write_bytes(damage)
    with opened(tmp_path) as index:
        assert index.postings.near_duplicates(text.minhash[None])[0] == (TextId(1),)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 300), max_size=12),
    files=st.integers(0, 7),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_spooled_table_is_the_table_sorted_in_memory(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], files: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 2**64, 50, np.uint64)
    blocks = [(rng.choice(pool, count), np.full(count, n, np.uint32)) for n, count in enumerate(counts)]
    folder = tmp_path_factory.mktemp("spool")
    with Spool(folder, (1 << files) - 1, per_file=1) as spool:
        for block in blocks:
            spool.add(*block)
        spooled = KeyTable.from_arrays(dict(spool.arrays("grams")), "grams")
        keys = np.concatenate([np.empty(0, np.uint64), *(keys for keys, _ in blocks)])
        numbers = np.concatenate([np.empty(0, np.uint32), *(numbers for _, numbers in blocks)])
        table = KeyTable.of(keys, numbers)
        for name in ("starts", "fragments", "numbers"):
            assert (getattr(spooled, name) == getattr(table, name)).all()
        assert table.holds(keys, numbers).all()
        first, stop = table.ranges(pool)
        assert (stop - first).tolist() == [int((keys == key).sum()) for key in pool]
        assert not table.holds(pool, np.full(50, 99, np.uint32)).any()
    assert list(folder.iterdir()) == []


def test_a_caption_beyond_32_bits_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="caption 4294967296 is beyond"):
        texts.block_of([(2**32, b"", bytes(4 * SIGNATURE))])


def test_a_signature_of_another_shape_has_no_bands() -> None:
    for signature in (np.zeros(110, np.uint32), np.zeros(128, np.uint64)):
        with pytest.raises(ValueError, match="a signature is uint32"):
            band_keys(signature)


def memory_postings() -> Any:
    """Return another implementation of the protocol: dictionaries, as the tests of matching use them."""
    path = Path(__file__).parents[1] / "match_text" / "memory_index.py"
    spec = importlib.util.spec_from_file_location("_memory_index_of_captions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MemoryPostings()


raw_captions = st.lists(st.sampled_from(WORDS), min_size=2, max_size=12).map(" ".join)


@settings(max_examples=20, deadline=None)
@given(
    raws=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=2, max_size=12).map(" ".join), min_size=1, max_size=12
    ),
    query=st.lists(st.sampled_from(WORDS), min_size=2, max_size=12).map(" ".join),
)
def test_two_implementations_agree_on_true_captions(
    tmp_path_factory: pytest.TempPathFactory, raws: list[str], query: str
) -> None:
    folder = tmp_path_factory.mktemp("index")
    memory = memory_postings()
    with IndexStore.open_or_create(folder, algorithms={}) as store:
        for number, raw in enumerate(raws, 1):
            memory.add(TextId(number), raw)
            store.add_item(Item(ItemId(str(number)), caption=raw), (), text_signals(raw), fingerprint=b"")
    with opened(folder) as index:
        for signals in map(text_signals, [query, raws[0]]):
            wanted = memory.candidates([signals.fingerprints], [len(raws)])[0]
            found = index.postings.candidates([signals.fingerprints], [len(raws)])[0]
            assert {number for number, _ in found} == {number for number, _ in wanted}
            assert sorted(score for _, score in found) == pytest.approx(sorted(score for _, score in wanted))
            assert (
                index.postings.near_duplicates(signals.minhash[None])[0]
                == memory.near_duplicates(signals.minhash[None])[0]
            )
            assert index.postings.with_digests([signals.exact]) == memory.with_digests([signals.exact])
