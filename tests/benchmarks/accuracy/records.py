"""What is asked and what came of it, one JSON line a query, so that an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from clonedetect.models.match import Match

RECALL: Final = "recall"
"""A table picture after one transformation; `group` is the transformation."""
STRANGER: Final = "stranger"
"""A photograph that is not indexed; `group` says whether it is the rest of the index that is asked."""
TEMPLATE: Final = "template"
"""Another photograph in a frame of which `indexed` pictures are in the index; `group` is the frame."""
COPY: Final = "copy"
"""A copy of a framed picture that is in the index, asked for recall."""
BACKGROUND: Final = "background"
"""Another object before an indexed picture's background; `group` is its size and shape."""


class Task(msgspec.Struct, frozen=True):
    """One query: `picture` names it within `kind` and `group`, `indexed` is 0 but for frames."""

    kind: str
    group: str
    picture: str
    indexed: int = 0

    @property
    def key(self) -> str:
        """What a result is found under."""
        return f"{self.kind}/{self.group}/{self.indexed}/{self.picture}"


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item as the outcome names it; shares are 0-1, distances bits of 256."""

    item: str
    verdict: str
    rule: str = ""
    inliers: int = 0
    agree: float = 0.0
    differing: float = 0.0
    distance: int | None = None
    reasons: tuple[str, ...] = ()


class Others(msgspec.Struct, frozen=True, omit_defaults=True):
    """Items that are not the query's: laid on it, confirmed, and shown to people."""

    compared: int = 0
    confirmed: tuple[Seen, ...] = ()
    possible: tuple[Seen, ...] = ()


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one task.

    `true` is None where the item asked for was missed, or none is. `others` are
    judged with the whole index, `hidden` with the query's own item taken out.
    `peers` are, by method, the bits to the true picture (None without one) and to the
    nearest other; `crop_resistant` is whether that method says so of the true
    picture, of how many others, of how many asked.
    """

    task: Task
    outcome: str
    others: Others
    pairs: int
    prepare_ms: float
    match_ms: float
    true: Seen | None = None
    hidden: Others | None = None
    reasons: tuple[str, ...] = ()
    peers: dict[str, tuple[int | None, int]] = {}
    peers_ms: dict[str, float] = {}
    crop_resistant: tuple[bool, int, int] | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the item asked for was confirmed."""
        return self.true is not None and self.true.verdict == "confirmed"

    @property
    def is_possible(self) -> bool:
        """Whether the item asked for was only shown to people."""
        return self.true is not None and self.true.verdict == "possible"


def seen(match: Match) -> Seen:
    """Return what is kept of a match."""
    measure = match.image
    assert measure is not None
    return Seen(
        item=match.item_id,
        verdict=str(match.verdict),
        rule=measure.rule,
        inliers=measure.inliers,
        agree=measure.agree,
        differing=measure.largest_disagreement,
        distance=measure.hash_distance,
        reasons=match.reasons,
    )


class ResultFile:
    """A file of results, only appended to; a line torn by an interruption is dropped and asked again."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.results: dict[str, Result] = {}
        whole = 0
        for line in _whole_lines(path):
            result = msgspec.json.decode(line, type=Result)
            self.results[result.task.key] = result
            whole += len(line)
        if path.exists():
            with path.open("r+b") as file:
                file.truncate(whole)
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def left(self, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        """Return the tasks that have no result yet."""
        return tuple(task for task in tasks if task.key not in self.results)

    def append(self, result: Result) -> None:
        """Keep a result, on disk before this returns."""
        self._file.write(msgspec.json.encode(result) + b"\n")
        self._file.flush()
        self.results[result.task.key] = result


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        yield from (line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))
