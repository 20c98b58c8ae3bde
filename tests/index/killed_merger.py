"""What the kill tests of merges run and kill: adds, edits, removes, searches, merges, compacts without end.

Says what it begins and what is done, a line each. A search that finds anything but what the database
holds ends it with an error.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from killed_writer import ALGORITHMS, picture

from clonedetect.index import featurefiles, hothashes, segments, votes
from clonedetect.index.features import FeatureIndex, Layer
from clonedetect.index.featurestore import FeatureRows, FeatureStore
from clonedetect.index.hotsource import HotSource
from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore
from clonedetect.jobs.compacting import compact_index
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media

NUMBERS = 30
STEPS = ("add", "add", "add", "edit", "import", "remove", "search", "search", "search", "compact")


def add(folder: Path, number: int) -> None:
    """Put one item into the index; another picture the second time."""
    item = Item(ItemId(f"item-{number}"), media=(Media(0),))
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        store.add_item(item, [picture(number)], None, fingerprint=b"drawn")


def edit(folder: Path, number: int) -> None:
    """Give one item another picture, which leaves hot files standing and one of their pictures gone."""
    item = Item(ItemId(f"edited-{number % 3}"), media=(Media(0),))
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        store.add_item(item, [picture(number)], None, fingerprint=b"drawn")


def extend(folder: Path, number: int) -> None:
    """Put some items in and extend the files of features by them, as an import does."""
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        with store.batch():
            for other in range(number, number + 3):
                item = Item(ItemId(f"imported-{other}"), media=(Media(0),))
                store.add_item(item, [picture(other % NUMBERS)], None, fingerprint=b"drawn")
        votes.extend_votes(HotSource(folder / "hot" / "features", store.snapshot(), store.lineage, store.db))


def remove(folder: Path, number: int) -> None:
    """Take one item out, if it is there."""
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        store.remove([ItemId(f"item-{number}")], at=datetime.now(UTC))


def search(folder: Path, draw: random.Random) -> None:
    """Find exactly what the database holds, before, during and after a merge."""
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS):
        pass
    with OpenIndex(IndexStore.open(folder), votes=votes.feature_votes, model=lambda _: None) as index:
        check(index)
        merging = index.hashes._merge
        if merging is not None and draw.random() < 0.7:
            merging.merge.wait()
            check(index)
        if index.votes.merge is not None and draw.random() < 0.7:
            index.votes.merge.wait()


def check(index: OpenIndex) -> None:
    """Raise AssertionError unless each hash of the index's own snapshot is found, and no other picture's."""
    held = index._store.db.execute("SELECT media_id, bits FROM hashes").fetchall()
    wanted = sorted(32 * media + view for media, bits in held for view in range(len(bits) // 32))
    every = [view.bits for number in range(NUMBERS) for view in picture(number).hashes]
    queries = np.frombuffer(b"".join(every), np.uint8).reshape(-1, 32)
    found = sorted(index.hashes.range_search(queries, 0)[1].tolist())
    assert found == wanted, f"{len(found)} found, {len(wanted)} held"
    assert len(index.hashes) == len(wanted)
    check_votes(index)


def check_votes(index: OpenIndex) -> None:
    """Raise AssertionError unless features get the votes they get when all is made in memory at once."""
    rows = [FeatureRows.of(*block) for block in index._source("features").features()]
    whole = FeatureIndex([Layer.of(FeatureStore.of(FeatureRows.joined(rows)))])
    assert len(index.votes) == len(whole), f"{len(index.votes)} have features, not {len(whole)}"
    for number in range(NUMBERS):
        asked = picture(number).features
        found, wanted = index.votes.vote(asked, 99), whole.vote(asked, 99)
        assert found == wanted, f"{found} have votes of picture {number}, not {wanted}"


def say(line: str) -> None:
    """Tell the parent, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(folder: Path, seed: int) -> None:
    """Work until killed."""
    hothashes._DELTA_AT_LEAST, hothashes._DELTA_SHARE = 20, 1000
    votes._DELTA_AT_MOST, featurefiles.ROWS_AT_MOST = 2, 9 * 12
    segments.BANDED_FROM = 100 if seed % 2 else segments.BANDED_FROM
    draw = random.Random(seed)
    while True:
        what, number = draw.choice(STEPS), draw.randrange(NUMBERS)
        say(f"begin {what} {number}")
        if what == "add":
            add(folder, number)
        elif what == "edit":
            edit(folder, number)
        elif what == "import":
            extend(folder, number)
        elif what == "remove":
            remove(folder, number)
        elif what == "search":
            search(folder, draw)
        elif (folder / "index.db").exists():
            compact_index(folder)
        say(f"done {what} {number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
