"""Whether hot files of one state may lie in an index, asked of the index as it is now."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from clonedetect.errors import IndexFormatError, InputError
from clonedetect.index.hotfiles import read_plan
from clonedetect.index.hotsource import HotSource
from clonedetect.index.store import IndexStore

__all__ = ["may_stand"]


def may_stand(source: HotSource, *, schema: int) -> bool:
    """Whether hot files of this state, of the lookup whose plans have `schema`, may lie in the index now.

    They may not where something was removed for good since, nor in the place
    of a later state's.
    """
    if source.folder is None:
        return False
    try:
        plan = read_plan(source.folder, schema=schema)
    except (FileNotFoundError, IndexFormatError):
        plan = None
    try:
        with IndexStore.open(source.folder.parent.parent) as store:
            now = replace(source, db=store.db)
            if not now.covers(source.generation.number, source.lineage):
                return source.generation.number == 0 and not store.count()
            if plan is None or plan.generation <= source.generation.number:
                return True
            return not now.covers(plan.generation, plan.lineage)
    except (InputError, IndexFormatError, sqlite3.Error):
        return False  # who cannot look keeps no copy of what may have been withdrawn
