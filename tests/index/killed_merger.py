"""What the kill tests of merges run and kill: adds, removes, searches, merges and compacts without end.

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

from clonedetect.index import hothashes, segments
from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore
from clonedetect.jobs.compacting import compact_index
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media

NUMBERS = 30
STEPS = ("add", "add", "add", "remove", "search", "search", "search", "compact")


def add(folder: Path, number: int) -> None:
    """Put one item into the index; another picture the second time."""
    item = Item(ItemId(f"item-{number}"), media=(Media(0),))
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        store.add_item(item, [picture(number)], None, fingerprint=b"drawn")


def remove(folder: Path, number: int) -> None:
    """Take one item out, if it is there."""
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS) as store:
        store.remove([ItemId(f"item-{number}")], at=datetime.now(UTC))


def search(folder: Path, draw: random.Random) -> None:
    """Find exactly what the database holds, before, during and after a merge."""
    with IndexStore.open_or_create(folder, algorithms=ALGORITHMS):
        pass
    with OpenIndex(IndexStore.open(folder), votes=lambda _: None, model=lambda _: None) as index:
        check(index)
        merging = index.hashes._merge
        if merging is not None and draw.random() < 0.7:
            merging.merge.wait()
            check(index)


def check(index: OpenIndex) -> None:
    """Raise AssertionError unless each hash of the index's own snapshot is found, and no other picture's."""
    held = index._store.db.execute("SELECT media_id, bits FROM hashes").fetchall()
    wanted = sorted(32 * media + view for media, bits in held for view in range(len(bits) // 32))
    every = [view.bits for number in range(NUMBERS) for view in picture(number).hashes]
    queries = np.frombuffer(b"".join(every), np.uint8).reshape(-1, 32)
    found = sorted(index.hashes.range_search(queries, 0)[1].tolist())
    assert found == wanted, f"{len(found)} found, {len(wanted)} held"
    assert len(index.hashes) == len(wanted)


def say(line: str) -> None:
    """Tell the parent, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(folder: Path, seed: int) -> None:
    """Work until killed."""
    hothashes._DELTA_AT_LEAST, hothashes._DELTA_SHARE = 20, 1000
    segments.BANDED_FROM = 100 if seed % 2 else segments.BANDED_FROM
    draw = random.Random(seed)
    while True:
        what, number = draw.choice(STEPS), draw.randrange(NUMBERS)
        say(f"begin {what} {number}")
        if what == "add":
            add(folder, number)
        elif what == "remove":
            remove(folder, number)
        elif what == "search":
            search(folder, draw)
        elif (folder / "index.db").exists():
            compact_index(folder)
        say(f"done {what} {number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
