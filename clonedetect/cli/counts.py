"""How ``index stats`` shows an index on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clonedetect.cli.console import plain
from clonedetect.index.balance import Balance
from clonedetect.index.clusters import NEAR_BITS, Clusters
from clonedetect.index.counts import Growth, IndexStats

__all__ = ["shown"]

_BAR_CELLS: Final = 40
_YEARS_A_LINE: Final = 5


def shown(found: IndexStats, *, is_verbose: bool) -> Iterator[RenderableType]:
    """Yield the tables of `found`, in the order in which they are read; with `is_verbose` also signals."""
    yield _numbers(_contents(found))
    yield Text("\nCopies within the index", style="bold")
    yield _copies(found)
    yield Text("\nIndexed by day (UTC)", style="bold")
    yield from _growth(found.growth)
    if found.balance is not None:
        yield Text("\nSpread of the hashes", style="bold")
        yield _spread(found.balance)
    if is_verbose:
        yield Text("\nSignals by algorithm", style="bold")
        yield _signals(found)


def _contents(found: IndexStats) -> Iterator[tuple[str, int]]:
    yield "items", found.items
    yield "accounts", found.accounts
    yield "pictures", found.pictures
    yield "known by hash only", found.hash_only
    yield "known by digest only", found.digest_only
    yield "videos (kept, not searchable)", found.videos
    yield "captions", found.captions
    for visibility, count in found.visibility.items():
        yield f"visibility {visibility}", count
    yield "assumed public", found.assumed_public
    yield "minors", found.minors
    yield "canaries", found.canaries
    yield "removed", found.removed
    yield "rows refused by the last imports", found.refused
    yield "bytes", found.size_bytes
    for tier, size in found.tiers.items():
        yield f"bytes of {tier}", size
    yield "generation", found.generation


def _bare() -> Table:
    return Table(show_header=False, box=None, pad_edge=False)


def _numbers(rows: Iterable[tuple[str, int]]) -> Table:
    table = _bare()
    table.add_column(overflow="fold", min_width=34)
    table.add_column(justify="right", no_wrap=True)
    for name, count in rows:
        table.add_row(plain(name), f"{count:,}")
    return table


def _signals(found: IndexStats) -> Table:
    table = _bare()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for algorithm, count in found.signals.items():
        table.add_row(f"{count:,}", plain(f"signals {algorithm}"))
    return table


def _copies(found: IndexStats) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("", min_width=34, overflow="fold")
    table.add_column("equal captions", justify="right", no_wrap=True)
    table.add_column(f"pictures within {NEAR_BITS} bits", justify="right", no_wrap=True)
    names = (
        "groups of two and more items",
        "items in them",
        "items of the largest group",
        "groups of several owners",
        "items in those",
    )
    for row in zip(names, _group(found.equal_captions), _group(found.near_pictures), strict=True):
        table.add_row(*row)
    return table


def _group(found: Clusters | None) -> tuple[str, ...]:
    if found is None:
        return ("--clusters",) * 5
    numbers = (found.clusters, found.items, found.largest, found.shared, found.shared_items)
    return tuple(f"{number:,}" for number in numbers)


def _growth(growth: Growth) -> Iterator[RenderableType]:
    table = _bare()
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    most = max(growth.days.values(), default=0)
    if growth.before:
        table.add_row("before", f"{growth.before:,}")
    for day, count in growth.days.items():
        table.add_row(day, f"{count:,}", "█" * max(1, round(_BAR_CELLS * count / most)))
    table.add_row("all", f"{growth.before + sum(growth.days.values()):,}")
    yield table
    years = [f"{year}: {count:,}" for year, count in growth.published.items()]
    years += [f"unknown: {growth.unknown:,}"] if growth.unknown else []
    if years:
        yield Text("\nPublished by year", style="bold")
    for start in range(0, len(years), _YEARS_A_LINE):
        yield Text("  ".join(years[start : start + _YEARS_A_LINE]))


def _spread(balance: Balance) -> Table:
    table = _bare()
    table.add_column(overflow="fold", min_width=34)
    table.add_column(justify="right", no_wrap=True)
    table.add_row("hashes", f"{balance.hashes:,}")
    if balance.ones:
        table.add_row("share of ones by bit", f"{min(balance.ones):.3f} to {max(balance.ones):.3f}")
    table.add_row("hashes in the fullest bucket", f"{balance.largest:,}")
    table.add_row("hashes met, to evenly spread ones", f"{balance.load:,.2f} x")
    return table
