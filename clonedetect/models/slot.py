"""A signal of the operator's choice beside the program's own: what it is called, made by, and compared by.

It proposes indexed pictures that are worth laying on a query, and nothing more:
no distance of any signal confirms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import DependencyError
from clonedetect.models.signal import Algorithm

__all__ = ["KIND", "Distance", "Signal", "StoredSignal", "is_signal_kind"]

KIND: Final = "signal:"
"""How the kind of such a signal begins, where an index names what made its signals; its name follows."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_STORED: Final = re.compile(r"(?P<distance>[a-z-]+) of (?P<size>\d+) bytes: (?P<algorithm>.+)")

Grey = npt.NDArray[np.uint8]


class Distance(StrEnum):
    """How two values are compared; each has an index that is exact.

    `hamming` counts the bits that differ, of 256. `cosine` takes each byte for a
    signed number and gives thousandths of one minus the cosine of the angle,
    rounded: 0 is the same direction, 1000 a right angle, 2000 the opposite. A value of
    zeros has no direction, and is 2000 from everything.
    """

    HAMMING = "hamming"
    COSINE = "cosine"

    @property
    def sizes(self) -> range:
        """The sizes in bytes that a value may have.

        Up to 1024 products of two bytes add up to no more than 2**24, which single precision
        holds exactly: the distance is the same on every processor.
        """
        return range(32, 33) if self is Distance.HAMMING else range(1, 1025)

    @property
    def farthest(self) -> int:
        """The largest distance there is."""
        return 256 if self is Distance.HAMMING else 2000

    def told(self, distance: int) -> str:
        """Return a distance in words, with its unit."""
        if self is Distance.HAMMING:
            return f"{distance} of 256 bits"
        return f"{distance / 1000:.3f} (one minus cosine)"


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """What an index must know of a signal to keep and look up its values; `algorithm` is in full."""

    name: str
    distance: Distance
    size_bytes: int
    algorithm: str

    @property
    def kind(self) -> str:
        """Its key among the algorithms of an index."""
        return f"{KIND}{self.name}"

    @property
    def specification(self) -> str:
        """All of it but the name, in one line; values of another specification do not compare."""
        return f"{self.distance} of {self.size_bytes} bytes: {self.algorithm}"

    @classmethod
    def parse(cls, kind: str, specification: str) -> Self:
        """Return what `kind` and `specification` say; raises ValueError where they name no signal."""
        name, found = kind.removeprefix(KIND), _STORED.fullmatch(specification)
        if not is_signal_kind(kind) or not _NAME.fullmatch(name) or found is None:
            raise ValueError(f"{kind}={specification} names no signal")
        return cls(name, Distance(found["distance"]), int(found["size"]), found["algorithm"])


def is_signal_kind(kind: str) -> bool:
    """Whether a kind among the algorithms of an index is a signal of the operator's choice."""
    return kind.startswith(KIND)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: its algorithm with version and parameters, the function, and the distance.

    `of` takes the grey picture, uint8 (height, width), upright, on white, longest
    side at most 640, and returns `size_bytes` bytes: the same for the same pixels.
    What decides them (weights, size, normalisation) stands in `algorithm`, whose name is
    1 to 40 of ``a-z0-9._-``. A stored value within `radius`, in units of
    `distance`, is proposed: the nearest `most` of each query. Queries under the PDQ
    quality `least_quality` are not asked; all even pictures are alike.
    Raises ValueError for what no index could hold.
    """

    algorithm: Algorithm
    of: Callable[[Grey], bytes]
    size_bytes: int
    distance: Distance
    radius: int
    most: int = 8
    least_quality: int = 20

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"the name {self.name!r} is none: use 1 to 40 of a-z, 0-9, dot, dash, underscore"
            )
        if not _LINE.fullmatch(self.algorithm.parameters):
            raise ValueError(f"the parameters of {self.name} must be one line")
        if self.size_bytes not in self.distance.sizes:
            sizes = self.distance.sizes
            raise ValueError(
                f"{self.name} has values of {self.size_bytes} bytes; by {self.distance} distance an index "
                f"holds {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
            )
        if not 0 <= self.radius < self.distance.farthest:
            raise ValueError(
                f"the radius of {self.name} is {self.radius}; by {self.distance} distance it lies in "
                f"0-{self.distance.farthest - 1}"
            )
        if self.most < 1:
            raise ValueError(f"{self.name} proposes {self.most} pictures; it must be one at least")

    @property
    def name(self) -> str:
        """What the settings call it."""
        return self.algorithm.name

    @property
    def stored(self) -> StoredSignal:
        """What an index keeps of it."""
        return StoredSignal(self.name, self.distance, self.size_bytes, str(self.algorithm))

    @property
    def deciding(self) -> str:
        """All of it that decides what is proposed, in one line."""
        return (
            f"{self.stored.specification}; radius {self.radius}, at most {self.most}, "
            f"quality {self.least_quality} at least"
        )

    def value(self, frame: Grey) -> bytes:
        """Return the value of a picture, uint8 (height, width).

        Raises DependencyError, naming the signal, if its function fails or returns anything else.
        """
        try:
            value = self.of(frame)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise DependencyError(f"the signal {self.name} failed on a picture ({told})") from error
        if not isinstance(value, bytes) or len(value) != self.size_bytes:
            given = f"{len(value)} bytes" if isinstance(value, bytes) else f"a {type(value).__name__}"
            raise DependencyError(
                f"the signal {self.name} returned {given} for a picture, not {self.size_bytes} bytes"
            )
        return value
