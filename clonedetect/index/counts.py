"""What an index holds, counted: a few scans of tables and indexes, whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from clonedetect.index.balance import Balance
from clonedetect.index.clusters import Clusters, caption_clusters
from clonedetect.index.store import IndexStore, SignalKind
from clonedetect.models.slot import StoredSignal, is_signal_kind

__all__ = ["Growth", "IndexStats", "bytes_by_tier", "stats"]

SHOWN_DAYS: Final = 14

_COUNTS: Final = {
    SignalKind.VIEWS: "SELECT coalesce(sum(length(bits)), 0) / 32 FROM hashes",
    SignalKind.PHASH: "SELECT count(*) FROM images",
    SignalKind.THUMBNAIL: "SELECT count(*) FROM images",
    SignalKind.FEATURES: "SELECT count(*) FROM features",
    SignalKind.TEXT: "SELECT count(*) FROM texts",
    SignalKind.MINHASH: "SELECT count(*) FROM texts",
}


@dataclass(frozen=True, slots=True)
class Growth:
    """Items by the day (UTC) on which they were first indexed, and by the year in which they were published.

    `days` are the last 14 on which items came, `before` is all that came
    earlier; `unknown` publication years are left out of `published`.
    """

    days: dict[str, int]
    before: int
    published: dict[str, int]
    unknown: int


class IndexStats(msgspec.Struct, frozen=True, rename={"size_bytes": "bytes", "tiers": "bytes_by_tier"}):
    """Counts of an index; `signals` are by algorithm, `visibility` by the widest class an item ever had.

    `pictures` have signals of their own; of `hash_only` and `digest_only` media
    nothing else is known; videos are kept and not searchable. `size_bytes` is
    of all files in the folder, `tiers` by `bytes_by_tier`. `equal_captions` are equal once normalised;
    `near_pictures` and `balance` are None unless they were asked for.
    """

    items: int
    accounts: int
    pictures: int
    hash_only: int
    digest_only: int
    videos: int
    captions: int
    signals: dict[str, int]
    visibility: dict[str, int]
    assumed_public: int
    minors: int
    canaries: int
    removed: int
    refused: int
    size_bytes: int
    tiers: dict[str, int]
    generation: int
    snapshot_id: str
    growth: Growth
    equal_captions: Clusters
    near_pictures: Clusters | None = None
    balance: Balance | None = None


def stats(store: IndexStore) -> IndexStats:
    """Count what `store` holds, but for what costs more than a few scans."""

    def one(query: str) -> int:
        return int(store.db.execute(query).fetchone()[0])

    generation = store.snapshot()
    media = "SELECT count(*) FROM media LEFT JOIN hashes USING (media_id) LEFT JOIN images USING (media_id)"
    classes = store.db.execute("SELECT visibility, count(*) FROM items GROUP BY visibility").fetchall()
    assumed, minors, canaries = store.db.execute(
        "SELECT coalesce(sum(json_extract(json, '$.visibility[0].assumed')), 0), "
        "coalesce(sum(json_extract(json, '$.minor')), 0), "
        "coalesce(sum(json_extract(json, '$.canary')), 0) FROM items"
    ).fetchone()
    return IndexStats(
        items=one("SELECT count(*) FROM items"),
        accounts=one("SELECT count(DISTINCT account_id) FROM items"),
        pictures=one("SELECT count(*) FROM images"),
        hash_only=one(f"{media} WHERE hashes.media_id IS NOT NULL AND images.media_id IS NULL"),
        digest_only=one(f"{media} WHERE kind = 'image' AND digest IS NOT NULL AND hashes.media_id IS NULL"),
        videos=one("SELECT count(*) FROM media WHERE kind = 'video'"),
        captions=one("SELECT count(*) FROM texts"),
        signals={
            algorithm: one(_COUNTS[SignalKind(kind)])
            for kind, algorithm in store.algorithms.items()
            if not is_signal_kind(kind)
        }
        | {signal.algorithm: _held(store, signal) for signal in store.signals},
        visibility=dict(classes),
        assumed_public=assumed,
        minors=minors,
        canaries=canaries,
        removed=one("SELECT count(*) FROM removed_items"),
        refused=one("SELECT count(*) FROM refusals"),
        size_bytes=sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()),
        tiers=bytes_by_tier(store.folder),
        generation=generation.number,
        snapshot_id=generation.snapshot_id,
        growth=_growth(store),
        equal_captions=caption_clusters(store),
    )


def _held(store: IndexStore, signal: StoredSignal) -> int:
    row = store.db.execute("SELECT count(*) FROM signals WHERE name = ?", (signal.name,)).fetchone()
    return int(row[0])


def bytes_by_tier(folder: Path) -> dict[str, int]:
    """Return the bytes of an index by tier: its database, each folder of hot files; locks are no content."""
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".lock":
            parts = path.relative_to(folder).parts
            tier = "database" if len(parts) == 1 else "/".join(parts[:2])
            sizes[tier] = sizes.get(tier, 0) + path.stat().st_size
    return sizes


def _growth(store: IndexStore) -> Growth:
    rows = store.db.execute(
        "SELECT substr(json_extract(json, '$.first_indexed_at'), 1, 10) AS day, "
        "substr(json_extract(json, '$.published_at'), 1, 4) AS year, count(*) FROM items GROUP BY day, year"
    ).fetchall()
    days, years = _summed(rows, 0), _summed(rows, 1)
    shown = sorted(day for day in days if day is not None)[-SHOWN_DAYS:]
    return Growth(
        days={day: days[day] for day in shown},
        before=sum(days.values()) - sum(days[day] for day in shown),
        published={year: years[year] for year in sorted(year for year in years if year is not None)},
        unknown=years.get(None, 0),
    )


def _summed(rows: list[tuple[Any, ...]], column: int) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for row in rows:
        found[row[column]] = found.get(row[column], 0) + row[2]
    return found
