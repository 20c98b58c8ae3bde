"""Captions of a made-up platform: invented words of several scripts, some common, most rare.

Everything is drawn from one seed with numpy's PCG64, so that equal counts give
equal files. No text of a person is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["write_rows"]

SEED = 20_261
WORDS = 40_000
ZIPF = 1.07
SHARED = 0.02  # of captions that repeat one of a hundred others word for word
BLOCK = 10_000

# Letters of a script, its share of captions, and what stands between words.
SCRIPTS = (
    ("abcdefghijklmnopqrstuvwxyz", 0.5, " "),
    ("abcdefghijklmnopqrstuvwxyzäöüßéèçñ", 0.15, " "),
    ("абвгдежзийклмнопрстуфхцчшщыьэюя", 0.12, " "),
    ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", 0.08, " "),
    ("अआइईउऊएकखगघचछजझटठडढतथदधनपफबभमयरलवशसह", 0.05, " "),
    ("".join(map(chr, range(0x4E00, 0x4E00 + 1500))), 0.06, ""),
    ("".join(map(chr, range(0xAC00, 0xAC00 + 900))), 0.04, " "),
)


def write_rows(path: Path, count: int) -> None:
    """Write `count` rows of JSON lines, each an account's post of 40 to 300 characters."""
    with path.open("w", encoding="utf-8") as file:
        for number, caption in enumerate(_captions(count)):
            account = f"account-{number * 7919 % max(1, count // 20)}"
            row = {"item_id": f"post-{number * 2_654_435_761 % 2**32:010}", "account_id": account}
            file.write(json.dumps(row | {"caption": caption}, ensure_ascii=False) + "\n")


def _captions(count: int) -> Iterator[str]:
    rng = np.random.default_rng(SEED)
    words = [_words(rng, letters) for letters, _, _ in SCRIPTS]
    shares = np.array([share for _, share, _ in SCRIPTS])
    rank = np.arange(1, WORDS + 1, dtype=np.float64)
    odds = np.cumsum(rank**-ZIPF)
    odds /= odds[-1]
    common: list[str] = []
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        scripts = rng.choice(len(SCRIPTS), size, p=shares)
        lengths = rng.integers(40, 300, size)
        repeats = rng.random(size) < SHARED
        which = rng.integers(0, 100, size)
        drawn = np.searchsorted(odds, rng.random(size * 60)).reshape(size, 60)
        for script, length, is_repeat, other, numbers in zip(
            scripts.tolist(), lengths.tolist(), repeats.tolist(), which.tolist(), drawn.tolist(), strict=True
        ):
            if is_repeat and len(common) == 100:
                yield common[other]
                continue
            known, between = words[script], SCRIPTS[script][2]
            caption = between.join([known[number] for number in numbers])[:length].strip()
            caption = caption[0].upper() + caption[1:] + ".!? …"[length % 5]
            if length % 7 == 0:
                caption += f" #{known[numbers[0]]} @{known[numbers[1]]}"
            if len(common) < 100:
                common.append(caption)
            yield caption


def _words(rng: np.random.Generator, letters: str) -> list[str]:
    """Return words of this script, the most frequent the shortest; two letters in CJK."""
    is_dense = len(letters) > 500
    sizes = (
        rng.integers(1, 4, WORDS) if is_dense else rng.integers(2, 8, WORDS) + 2 * (np.arange(WORDS) > 200)
    )
    picked = rng.integers(0, len(letters), int(sizes.sum())).tolist()
    words, at = [], 0
    for size in sizes.tolist():
        words.append("".join([letters[place] for place in picked[at : at + size]]))
        at += size
    return words
