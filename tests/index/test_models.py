"""The character model of an index: learned once, opened as it is, grown as captions come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.index import models
from clonedetect.index.models import Tables
from clonedetect.index.reference import HotSource, OpenIndex, open_index
from clonedetect.index.store import IndexStore
from clonedetect.jobs.compacting import compact_index
from clonedetect.jobs.opening import CharModels
from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.item import Item
from clonedetect.signals.background import background_model
from clonedetect.signals.charmodel import CharModel
from clonedetect.signals.text import text_signals

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = ("harbour", "storm", "lamps", "boats came home", "夕日を見る", "лодки", "bread and salt")


class Counted(CharModels):
    """Counts the captions that it had to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def learned(self, captions: Iterable[Sequence[str]], tables: Tables | None = None) -> CharModel:
        def counted() -> Iterable[Sequence[str]]:
            for some in captions:
                self.count += len(some)
                yield some

        return super().learned(counted(), tables)


def opened(folder: Path, maker: CharModels | None = None) -> OpenIndex:
    return open_index(folder, votes=lambda _: None, model=maker or CharModels())


def put(folder: Path, captions: dict[str, tuple[str, str]]) -> None:
    """Store items by id, each with an account and a caption."""
    with IndexStore.open_or_create(folder, algorithms={}) as store:
        for item_id, (account, caption) in captions.items():
            item = Item(ItemId(item_id), account_id=AccountId(account), caption=caption)
            store.add_item(item, (), text_signals(caption), fingerprint=caption.encode())


def same(model: CharModel, other: CharModel) -> bool:
    mine, theirs = model.to_arrays(), other.to_arrays()
    return all(np.array_equal(mine[name], theirs[name]) for name in mine)


def fresh(captions: Iterable[tuple[str, str]]) -> CharModel:
    """Learn one copy of each text of each account."""
    model = CharModel(background_model())
    for _, text in sorted({(account, text_signals(caption).normalised) for account, caption in captions}):
        model.add(text)
    return model


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "put", "put", "remove", "open"]),
            st.integers(0, 6),
            st.sampled_from("ab"),
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_however_it_came_to_be_the_model_is_that_of_the_captions_there_are(tmp_path_factory, steps) -> None:
    folder = tmp_path_factory.mktemp("index")
    held: dict[str, tuple[str, str]] = {}
    put(folder, {})
    for step, number, account, caption in [*steps, ("open", 0, "a", "")]:
        item_id = f"item-{number}"
        if step == "put":
            held[item_id] = (account, caption)
            put(folder, {item_id: held[item_id]})
        elif step == "remove" and item_id in held:
            del held[item_id]
            with IndexStore.open(folder, writable=True) as store:
                store.remove([ItemId(item_id)], at=WHEN)
        elif step == "open":
            with opened(folder) as index:
                assert same(index.model, fresh(held.values()))


def test_what_was_learned_is_opened_and_not_learned_again(tmp_path: Path) -> None:
    put(tmp_path, {f"i{n}": ("a", f"{word} in the evening") for n, word in enumerate(WORDS)})
    for expected in (len(WORDS), 0, 0):
        maker = Counted()
        with opened(tmp_path, maker) as index:
            assert same(index.model, fresh(("a", f"{word} in the evening") for word in WORDS))
        assert maker.count == expected


def test_only_what_came_since_is_learned(tmp_path: Path) -> None:
    put(tmp_path, {f"i{n}": ("a", f"{word} in the evening") for n, word in enumerate(WORDS)})
    with opened(tmp_path) as index:
        assert index.model
    put(tmp_path, {"new": ("a", "a caption that came later"), "again": ("a", "storm in the evening")})
    maker = Counted()
    with opened(tmp_path, maker) as index:
        whole = fresh(
            [("a", f"{word} in the evening") for word in WORDS] + [("a", "a caption that came later")]
        )
        assert same(index.model, whole)
    assert maker.count == 1


def test_many_new_captions_are_put_into_new_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_DELTA_AT_LEAST", 2)
    put(tmp_path, {f"i{n}": ("a", f"{word} in the evening") for n, word in enumerate(WORDS)})
    with opened(tmp_path) as index:
        assert index.model
    put(tmp_path, {f"new{n}": ("b", f"{word} at noon") for n, word in enumerate(WORDS)})
    learned = []
    for _ in range(2):
        maker = Counted()
        with opened(tmp_path, maker) as index:
            assert index.model
        learned.append(maker.count)
    assert learned == [len(WORDS), 0]


def test_a_caption_that_went_is_forgotten(tmp_path: Path) -> None:
    put(tmp_path, {"one": ("a", "boats came home"), "two": ("a", "a quartz lantern for the harbour")})
    with opened(tmp_path) as index:
        assert index.model
    put(tmp_path, {"two": ("a", "nothing of that kind")})
    with opened(tmp_path) as index:
        assert same(index.model, fresh([("a", "boats came home"), ("a", "nothing of that kind")]))


def test_damaged_tables_are_learned_again(tmp_path: Path) -> None:
    put(tmp_path, {"one": ("a", "boats came home")})
    with opened(tmp_path) as index:
        wanted = index.model
    folder = tmp_path / "hot" / "characters"
    for path in folder.glob("keys-*.npy"):
        path.write_bytes(b"not an array")
    with opened(tmp_path) as index:
        assert same(index.model, wanted)
    (folder / "plan.json").write_text("{}")
    with opened(tmp_path) as index:
        assert same(index.model, wanted)


def test_compacting_brings_the_tables_to_the_last_commit(tmp_path: Path) -> None:
    put(tmp_path, {"one": ("a", "boats came home")})
    with opened(tmp_path) as index:
        assert index.model
    put(tmp_path, {"two": ("a", "bread and salt")})
    compact_index(tmp_path)
    maker = Counted()
    with opened(tmp_path, maker) as index:
        assert same(index.model, fresh([("a", "boats came home"), ("a", "bread and salt")]))
    assert maker.count == 0


def test_where_nothing_may_be_written_it_is_learned_in_memory(tmp_path: Path) -> None:
    put(tmp_path, {"one": ("a", "boats came home"), "two": ("a", "bread and salt")})
    with IndexStore.open(tmp_path) as store:
        source = HotSource(None, store.snapshot(), store.lineage, store.db)
        model = models.current_model(source, CharModels())
        assert same(model, fresh([("a", "boats came home"), ("a", "bread and salt")]))
        with pytest.raises(ValueError, match="can be written"):
            models.renew_model(source, CharModels())
    assert not (tmp_path / "hot" / "characters").exists()
