"""What a signal must be to fill the slot, and what an index keeps of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import DependencyError
from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import Distance, Signal, StoredSignal
from clonedetect.signals.slot import BUILT_IN, block_mean, gradients, quantised

BLOCK_MEAN, GRADIENTS = BUILT_IN
FRAME = np.random.default_rng(3).integers(0, 256, (48, 64), np.uint8)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"algorithm": Algorithm("Own Network", 1, "")}, "'Own Network' is none"),
        ({"algorithm": Algorithm("../hot", 1, "")}, "'../hot' is none"),
        ({"algorithm": Algorithm("own", 1, "two\nlines")}, "must be one line"),
        ({"size_bytes": 8}, "8 bytes; by hamming distance an index holds 32$"),
        ({"distance": Distance.COSINE, "size_bytes": 1025}, "by cosine distance an index holds 1 to 1024"),
        ({"radius": 256}, "lies in 0-255"),
        ({"radius": -1}, "lies in 0-255"),
        ({"most": 0}, "must be one at least"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_no_index_could_hold_is_no_signal(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(BLOCK_MEAN, **wrong)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda _: bytes(31), "returned 31 bytes for a picture, not 32 bytes"),
        (lambda _: np.zeros(32, np.uint8), "returned a ndarray for a picture"),
        (lambda frame: bytes(frame[100]), r"block-mean failed on a picture \(IndexError"),
    ],
    ids=["size", "type", "error"],
)
def test_a_function_that_does_not_do_as_promised_is_named(function, told: str) -> None:
    with pytest.raises(DependencyError, match=told):
        replace(BLOCK_MEAN, of=function).value(FRAME)


@given(
    st.sampled_from(Distance).flatmap(lambda d: st.tuples(st.just(d), st.sampled_from(list(d.sizes)))),
    st.from_regex(r"[a-z0-9][a-z0-9._-]{0,39}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60),
    st.integers(0, 9),
)
def test_what_an_index_records_says_what_it_holds(
    kind: tuple[Distance, int], name: str, parameters: str, version: int
) -> None:
    distance, size = kind
    signal = Signal(Algorithm(name, version, parameters), block_mean, size, distance, radius=1)
    kept = signal.stored
    assert StoredSignal.parse(kept.kind, kept.specification) == kept
    assert (kept.name, kept.size_bytes, kept.distance) == (name, size, distance)
    other = replace(signal, algorithm=Algorithm(name, version + 1, parameters))
    assert other.stored.specification != kept.specification


@pytest.mark.parametrize("kind", ["views", "signal:", "signal:a/b"])
def test_what_is_no_signal_is_not_read_as_one(kind: str) -> None:
    with pytest.raises(ValueError, match="names no signal"):
        StoredSignal.parse(kind, BLOCK_MEAN.stored.specification)


def test_what_decides_is_told_with_radius_and_limits() -> None:
    assert BLOCK_MEAN.deciding == (
        "hamming of 32 bytes: block-mean/1(16 x 16 blocks, median); radius 48, at most 8, quality 20 at least"
    )
    assert Distance.HAMMING.told(31) == "31 of 256 bits"
    assert Distance.COSINE.told(123) == "0.123 (one minus cosine)"


def test_blocks_are_compared_with_their_median() -> None:
    """Oracle: OpenCV's rule (a bit is one from the median on), counted block by block."""
    frame = np.kron(np.random.default_rng(7).permutation(256).reshape(16, 16), np.ones((4, 4))).astype(
        np.uint8
    )
    means = frame.reshape(16, 4, 16, 4).mean((1, 3))
    expected = [mean >= 127.5 for mean in means.reshape(-1)]
    assert np.unpackbits(np.frombuffer(block_mean(frame), np.uint8)).astype(bool).tolist() == expected


def stripes(degrees: float) -> np.ndarray:
    rows, columns = np.mgrid[0:256, 0:256]
    phase = columns * np.cos(np.radians(degrees)) + rows * np.sin(np.radians(degrees))
    return (127 + 100 * np.sin(phase / 5)).astype(np.uint8)


def cosine(one: bytes, other: bytes) -> float:
    first, second = (np.frombuffer(value, np.int8).astype(float) for value in (one, other))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_gradients_tell_directions_and_not_brightness() -> None:
    level, tilted, steep = (gradients(stripes(degrees)) for degrees in (0, 10, 90))
    assert cosine(level, level) > cosine(level, tilted) > cosine(level, steep)
    darker = (stripes(0).astype(int) // 2 + 40).astype(np.uint8)
    assert cosine(level, gradients(darker)) > 0.99


def test_an_even_picture_has_no_direction() -> None:
    assert gradients(np.full((40, 30), 90, np.uint8)) == bytes(576)
    assert quantised(np.zeros(0)) == b""


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 3), (480, 640)])
@pytest.mark.parametrize("signal", BUILT_IN, ids=lambda signal: signal.name)
def test_every_shape_has_a_value(signal: Signal, shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert signal.value(frame) == signal.value(frame.copy())
