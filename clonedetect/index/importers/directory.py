"""A folder of pictures and videos: each file an item, named by its path below the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clonedetect.errors import InputError
from clonedetect.index.importers.rows import MAX_ID, RefusedRow, SourceRow, look_at
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media

__all__ = ["count", "read"]


def read(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield an item for each file below `path`, in the order of names.

    ``item_id`` is the path below the folder with forward slashes. Names that
    begin with a dot are passed over, linked folders are not entered, and every
    other file that is no picture or video is refused by name.
    """
    root = path.absolute()
    for position, file in enumerate(_files(root), 1):
        yield _row(path / file.relative_to(root), file, file.relative_to(root).as_posix(), position)


def count(path: Path) -> int:
    """Return how many files `read` will look at."""
    return sum(1 for _ in _files(path.absolute()))


def _row(shown: Path, file: Path, name: str, position: int) -> SourceRow | RefusedRow:
    source = str(shown).encode("utf-8", "backslashreplace").decode()
    try:
        if source != str(shown):
            raise InputError("its name is not UTF-8")
        if len(name) > MAX_ID:
            raise InputError(f"its path is longer than {MAX_ID} characters")
        media = Media(kind=look_at(file), path=str(file))
    except InputError as error:
        return RefusedRow(source, None, str(error), position)
    return SourceRow(source, None, Item(item_id=ItemId(name), media=(media,)), position)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name)
