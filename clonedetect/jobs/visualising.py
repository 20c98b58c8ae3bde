"""A picture for each match of pictures, in a folder: what was found beside ours, and how they agree."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from clonedetect.errors import InputError
from clonedetect.jobs.copying import original_bytes
from clonedetect.jobs.examining import WITHHELD, Examiner, Unexamined
from clonedetect.match.sheet import MADE_BY, Side, match_sheet
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.match import Match
from clonedetect.models.reference import ImageReference
from clonedetect.signals.display import ShownPicture

__all__ = ["NotDrawn", "Visualiser"]

STANDS_IN = "The file is gone: the index's own small grey copy stands in for it."
_LONGEST = 60
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A match of which no picture was made, and why."""

    reason: str


@dataclass(slots=True, eq=False)
class Visualiser:
    """Draws matches into `folder`, which it makes for its owner alone.

    A file is named after query, item and a number that tells equal names of one run apart; letters
    outside ``A-Za-z0-9._-`` become ``_``. What a run of this program drew before is replaced,
    any other file of that name is refused.
    """

    folder: Path
    examiner: Examiner
    blocked: Collection[Digest] = ()
    _numbers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be made a folder: {error.strerror}") from error

    def draw(self, name: str, data: bytes, match: Match) -> Path | NotDrawn:
        """Draw `match` of the picture in `data`, whose file is `name`.

        Raises InputError where a file that is not ours is in the way, or none can be written.
        """
        if match.image is None:
            return NotDrawn("no picture was compared")
        item = self.examiner.index.item(match.item_id)
        if item is not None and item.minor:
            return NotDrawn("the item is marked as showing a minor")
        references = self.examiner.index.images([match.image.media_id])
        if digest_of(data) in self.blocked or any(one.digest in self.blocked for one in references):
            return NotDrawn(WITHHELD)
        ours = self._ours(references[0]) if references else Side(None, "", "the index no longer holds it")
        sheet = match_sheet(self._theirs(data), ours, match)
        return _write(self.folder / self._name(name, match), sheet)

    def _theirs(self, data: bytes) -> Side:
        shown = self.examiner.shown(data)
        if isinstance(shown, Unexamined):
            return Side(None, digest_of(data), shown.reason)
        return Side(shown, digest_of(data))

    def _ours(self, reference: ImageReference) -> Side:
        """Return our side: the file that was indexed, else the index's small copy, with that note."""
        digest, note = reference.digest or "", STANDS_IN
        original = original_bytes(reference)
        if original is not None:
            shown = self.examiner.shown(original)
            if not isinstance(shown, Unexamined):
                return Side(shown, digest)
            note = f"The file cannot be shown ({shown.reason}): the index's own small grey copy stands in."
        if reference.thumbnail is None:
            return Side(None, digest, "of our picture only a hash is known")
        grey = Image.fromarray(reference.thumbnail.pixels).convert("RGB")
        return Side(ShownPicture.of(grey, reference.width, reference.height), digest, note)

    def _name(self, query: str, match: Match) -> str:
        stem = f"{_safe(Path(query).name)}-{_safe(match.item_id)}"
        self._numbers[stem] += 1
        return f"{stem}-{self._numbers[stem]}.png"


def _safe(name: str) -> str:
    """Return a part of a file name that is a name anywhere, and never hidden or a path."""
    return _FOREIGN.sub("_", name)[:_LONGEST].strip(".") or "_"


def _write(path: Path, sheet: bytes) -> Path:
    """Put `sheet` in place, whole or not at all."""
    if os.path.lexists(path) and not _is_ours(path):
        raise InputError(f"{path} is in the way and was not drawn by this program: name another folder")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".drawing-") as beside:
            drawn = Path(beside, path.name)
            drawn.touch(mode=0o600)
            drawn.write_bytes(sheet)
            drawn.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _is_ours(path: Path) -> bool:
    """Whether a plain file says that this program drew it; its pixels are not decoded."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.info.get("Software") == MADE_BY
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
