"""The operator's signals by name: built in, or offered by installed packages, loaded only when named."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from clonedetect.errors import DependencyError, UsageError
from clonedetect.models.slot import Signal
from clonedetect.signals.slot import BUILT_IN

__all__ = ["GROUP", "named_signals"]

GROUP: Final = "clonedetect.signals"
"""The group of entry points under which a package offers signals: NAME = "module:function"."""


def named_signals(names: Sequence[str]) -> tuple[Signal, ...]:
    """Return the signals of these names, in their order; nothing else that is installed is loaded.

    An entry point is a function without arguments that returns a `Signal` of the entry point's
    name; it is called once a process. Raises UsageError for a name that nobody offers, that several
    do, or that stands twice, and DependencyError where what is offered is no such thing.
    """
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UsageError(f"signals.active names {name} twice")
    return tuple(map(_named, names))


@lru_cache(maxsize=64)
def _named(name: str) -> Signal:
    offered = entry_points(group=GROUP)
    found = {(entry.value, _package(entry)): entry for entry in offered if entry.name == name}
    built_in = [signal for signal in BUILT_IN if signal.name == name]
    if len(found) + len(built_in) > 1:
        whose = ["clonedetect"] * len(built_in) + sorted(package for _, package in found)
        raise UsageError(f"several offer a signal {name}: {', '.join(whose)}; uninstall all but one")
    if built_in:
        return built_in[0]
    if not found:
        known = sorted({*(signal.name for signal in BUILT_IN), *(entry.name for entry in offered)})
        raise UsageError(
            f"the settings name the signal {name!r}, which nothing installed offers (there are: "
            f"{', '.join(known)}); install the package that does, or take it out of signals.active"
        )
    return _loaded(next(iter(found.values())))


def _loaded(entry: EntryPoint) -> Signal:
    said = f"the signal {entry.name} of {_package(entry)}"
    try:
        signal = entry.load()()
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise DependencyError(
            f"{said} cannot be made ({told}); mend it, or take it out of the settings"
        ) from error
    if not isinstance(signal, Signal):
        raise DependencyError(f"{said}: {entry.value} returned a {type(signal).__name__}, not a Signal")
    if signal.name != entry.name:
        raise DependencyError(f"{said} calls itself {signal.name}; both names must be one")
    return signal


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
