"""How fast pictures become signals, and how near the signals of copies are.

    python -m pytest tests/benchmarks/bench_hashing.py -m benchmark -s --timeout 0

CLONEDETECT_BENCH_DATA names a folder that holds ``images/originals``. Rates are by processor time, on one
thread.
"""

import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import pdqhash
import pytest
from PIL import Image

from clonedetect.index.hamming import HammingIndex, Layout
from clonedetect.index.rows import encoded_thumbnail
from clonedetect.models.ids import digest_of
from clonedetect.models.signal import ImageSignals
from clonedetect.signals.decode import decode
from clonedetect.signals.features import local_features
from clonedetect.signals.image import image_signals, query_image
from clonedetect.signals.views import sampled, stored_views

pytestmark = pytest.mark.benchmark

DATA = Path(os.environ.get("CLONEDETECT_BENCH_DATA", Path(__file__).parents[2] / "../shared/data")) / "images"
LARGE = (4032, 3024)
FIGURES: list[tuple[str, str, str]] = []
Item = TypeVar("Item")


@pytest.fixture(scope="module", autouse=True)
def figures(record):
    """Print and keep what was measured when all of it has been."""
    cv2.setNumThreads(1)
    FIGURES.clear()
    yield
    for what, (value, unit) in {what: (value, unit) for what, value, unit in FIGURES}.items():
        record("Hashing pictures", what, value, unit)
    print("\n\n| what | value | unit |\n|---|---|---|")
    print("\n".join(f"| {what} | {value} | {unit} |" for what, value, unit in FIGURES))


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    found = sorted((DATA / "originals").glob("*.jpg"))
    if not found:
        pytest.skip("benchmark data is not here: set CLONEDETECT_BENCH_DATA")
    return found


@pytest.fixture(scope="module")
def large(photographs) -> list[bytes]:
    """Forty photographs enlarged to 12 megapixels, with the grain that a sensor adds, JPEG quality 90."""
    rng = np.random.default_rng(5)
    made = []
    for path in photographs[:: max(1, len(photographs) // 40)][:40]:
        picture = Image.open(path).convert("RGB")
        size = LARGE if picture.width >= picture.height else LARGE[::-1]
        pixels = np.asarray(picture.resize(size, Image.Resampling.LANCZOS), np.float32)
        pixels += rng.normal(0, 4, pixels.shape[:2]).astype(np.float32)[:, :, None]
        out = io.BytesIO()
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
        made.append(out.getvalue())
    return made


def longest(path: Path) -> int:
    with Image.open(path) as picture:
        return max(picture.size)


def milliseconds(action: Callable[[Item], object], items: Sequence[Item], runs: int = 3) -> float:
    """Return processor time an item, the best of `runs` over all of them, once warm."""
    action(items[0])
    best = float("inf")
    for _ in range(runs):
        started = time.process_time()
        for item in items:
            action(item)
        best = min(best, (time.process_time() - started) / len(items))
    return best * 1000


def figure(what: str, value: float, unit: str, digits: int = 1) -> None:
    FIGURES.append((what, f"{value:,.{digits}f}", unit))


def rate(what: str, spent: float) -> None:
    figure(what, spent, "ms", 2)
    figure(what, 1000 / spent, "pictures/s a core", 0)


def distances(what: str, found: Sequence[int]) -> None:
    figure(f"{what}, mean of {len(found)}", float(np.mean(found)), "bits", 2)
    figure(f"{what}, 95th percentile", float(np.percentile(found, 95)), "bits", 0)
    figure(f"{what}, worst", max(found), "bits", 0)


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def published(data: bytes) -> tuple[bytes, int]:
    """Return the hash and quality that PDQ's published code gives the fully decoded picture."""
    bits, quality = pdqhash.compute(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)


def hashed(data: bytes) -> ImageSignals:
    return image_signals(data, features=False)


def bits(signals: ImageSignals) -> dict[str, bytes]:
    return {entry.view: entry.bits for entry in signals.hashes}


def png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def from_file(path: Path) -> int:
    """Do all that storing a picture's hash signals needs before the row is written."""
    signals = hashed(path.read_bytes())
    return len(encoded_thumbnail(signals.thumbnail)) + sum(len(view.bits) for view in signals.hashes)


def test_rates(photographs: list[Path]) -> None:
    full = [path for path in photographs if longest(path) == 1080]
    data = [path.read_bytes() for path in full]
    figure("photographs of 1080 px", len(full), "pictures", 0)
    spent = milliseconds(from_file, full)
    rate("1080 px, file to hash signals ready to store", spent)
    rate(
        "all photographs (512-1080 px), file to hash signals ready to store",
        milliseconds(from_file, photographs),
    )
    asked = milliseconds(query_image, data)
    rate("1080 px, bytes to a prepared query", asked)
    queries = [query_image(one) for one in data]
    figure("hashes a query asks for", float(np.mean([len(query.hashes) for query in queries])), "hashes")
    figure("decoding", milliseconds(decode, data), "ms", 2)
    figure("SHA-256", milliseconds(digest_of, data), "ms", 2)
    decoded = [decode(one) for one in data]
    figure(
        "frame and samples",
        milliseconds(lambda one: sampled(one.grey, one.height, one.width), decoded),
        "ms",
        2,
    )
    ready = [sampled(one.grey, one.height, one.width) for one in decoded]
    figure("19 stored views", milliseconds(stored_views, ready), "ms", 2)
    thumbnails = [query.signals.thumbnail for query in queries]
    figure("thumbnail to PNG", milliseconds(encoded_thumbnail, thumbnails), "ms", 2)
    for level in (1, 4, 9):
        sizes = [
            len(cv2.imencode(".png", one.pixels, [cv2.IMWRITE_PNG_COMPRESSION, level])[1])
            for one in thumbnails
        ]
        figure(f"thumbnail at level {level}", float(np.mean(sizes)), "bytes", 0)
    figure("local features, beside", milliseconds(local_features, [one.frame for one in queries[:20]]), "ms")
    assert spent < 1000 / 60
    assert asked < 1000 / 60


def test_lookup(photographs: list[Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stored = rng.integers(0, 256, (18 * 100_000, 32), np.uint8)
    HammingIndex.build(tmp_path / "hot", stored, np.arange(len(stored)), layout=Layout.MIH)
    index = HammingIndex.open(tmp_path / "hot")
    queries = [query_image(path.read_bytes()).hashes for path in photographs[:40]]
    arrays = [np.array([list(entry.bits) for entry in one], np.uint8) for one in queries]
    for radius in (31, 48):
        spent = milliseconds(lambda one, r=radius: index.range_search(one, r, threads=1), arrays)
        figure(f"one query's hashes among 1.8 million, radius {radius}", spent, "ms", 2)


def test_twelve_megapixels(large: list[bytes]) -> None:
    some = large[:8]
    ours, theirs = milliseconds(hashed, some, 2), milliseconds(published, some, 1)
    figure("12 MP JPEG, mean size", float(np.mean([len(one) for one in large])) / 1e6, "MB")
    rate("12 MP, bytes to hash signals", ours)
    figure("12 MP, full decode and PDQ's published code", theirs, "ms")
    figure("12 MP, how many times faster", theirs / ours, "times")
    views = [bits(hashed(one)) for one in large]
    whole = []
    for one, kept in zip(large, views, strict=True):
        undrafted = decode(one, working_size=max(LARGE))
        assert "reduced" not in undrafted.flags
        whole.append(apart(stored_views(sampled(undrafted.grey))[-1].bits, kept["whole"]))
    distances("12 MP, `whole` of the reduced against the full decode", whole)
    full = [apart(published(one)[0], kept["full"]) for one, kept in zip(large, views, strict=True)]
    distances("12 MP, `full` against PDQ's published code", full)
    assert theirs / ours >= 7
    assert max(full) <= 10


def test_nearness(photographs: list[Path]) -> None:
    full, whole, resized, turned = [], [], {0.5: [], 0.25: []}, []
    for path in photographs:
        data = path.read_bytes()
        reference, quality = published(data)
        ours = bits(hashed(data))
        if quality < 80:
            continue
        full.append(apart(ours["full"], reference))
        whole.append(apart(ours["whole"], reference))
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        asked = query_image(png(cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE))).hashes
        form = next(entry.bits for entry in asked if (entry.view, entry.form) == ("whole", "rotate-270"))
        turned.append(apart(form, bits(hashed(png(pixels)))["whole"]))
        for share, found in resized.items():
            smaller = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
            found.append(apart(bits(hashed(png(smaller)))["whole"], ours["whole"]))
    distances("`full` against PDQ's published code, quality 80 and more", full)
    figure("of these over 10 bits", sum(one > 10 for one in full), "pictures", 0)
    distances("`whole` against PDQ's published code", whole)
    distances("a turned picture against its dihedral form", turned)
    for share, found in resized.items():
        distances(f"`whole` of the file resized to {share}", found)
    assert max(full) <= 10
