"""The columns a table may have: the item's fields by name, media as ``media_path``, ``media_url`` ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from clonedetect.index.importers.rows import ItemRow, MediaRow
from clonedetect.index.importers.wording import did_you_mean

__all__ = ["ITEM_COLUMNS", "LISTS", "MEDIA_COLUMNS", "header_fault", "media_by_place"]

LISTS: Final = frozenset({"hashtags", "allowed_domains", "native_ids"})
_MEDIA_PREFIX: Final = "media_"
MEDIA_COLUMNS: Final = frozenset(
    f"{_MEDIA_PREFIX}{name}" for name in MediaRow.__struct_fields__ if name != "position"
)
SHOWN_COLUMNS: Final = 5
ITEM_COLUMNS: Final = frozenset(ItemRow.__struct_fields__)


def header_fault(header: Sequence[str], known: frozenset[str]) -> str:
    """Return what is wrong with a table's columns, all of which must be `known`; "" if nothing."""
    unknown = [name for name in header if name not in known]
    if "item_id" not in header:
        return f"there is no header with a column item_id; columns are {', '.join(sorted(known))}"
    if unknown:
        shown = ", ".join(repr(name[:80]) for name in unknown[:SHOWN_COLUMNS])
        more = f" and {len(unknown) - SHOWN_COLUMNS} more" if len(unknown) > SHOWN_COLUMNS else ""
        return f"unknown columns {shown}{more}; {did_you_mean(unknown[0], known)}"
    if len(set(header)) != len(header):
        return "a column is there twice"
    return ""


def media_by_place(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the media of a row whose ``media_...`` columns hold one value for each."""
    names = [name.removeprefix(_MEDIA_PREFIX) for name in columns]
    return [
        {name: value for name, value in zip(names, values, strict=True) if value is not None and value != ""}
        for values in zip_longest(*columns.values())
    ]
