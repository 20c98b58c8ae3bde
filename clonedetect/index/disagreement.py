"""What made the signals of an index and of the program that opens it, and why they do not compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import KIND, StoredSignal, is_signal_kind

__all__ = ["disagreement", "specified"]


def specified(algorithms: Iterable[tuple[str, Algorithm]], signals: Iterable[StoredSignal]) -> dict[str, str]:
    """Return what makes the program's own signals and the operator's, by kind, as an index records it."""
    named = {str(kind): str(algorithm) for kind, algorithm in algorithms}
    return named | {signal.kind: signal.specification for signal in signals}


def disagreement(folder: Path, theirs: Mapping[str, str], mine: Mapping[str, str], kind: str) -> str:
    """Return what to say of the index in `folder` whose `kind` is by another algorithm than the caller's.

    `theirs` and `mine` name by kind what made the index's signals and what makes the caller's.
    """
    again = "Import the sources again: clonedetect index add NEW-INDEX SOURCE..."
    if not is_signal_kind(kind):
        return (
            f"{folder} holds {kind} signals made by {theirs.get(kind, 'nothing')}, this program makes "
            f"{mine[kind]}; they do not compare. {again}"
        )
    name = kind.removeprefix(KIND)
    if kind not in mine:
        return (
            f"{folder} holds the signal {name} of every picture, and the settings do not name it: what is "
            f'added without it would never be proposed by it. Name it: [signals] active = ["{name}"]'
        )
    if kind not in theirs:
        return (
            f"{folder} was made without the signal {name}, which the settings name: it would propose "
            f"nothing. {again} (with settings that name it), or take it out of signals.active"
        )
    return (
        f"{folder} holds the signal {name} as made by {theirs[kind]}; installed is {mine[kind]}. They do not "
        f"compare. {again}, or install what made it"
    )
