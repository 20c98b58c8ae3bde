"""Which writing system a character and a text belong to, in the coarse classes the text rooms need."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["SCRIPT_COUNT", "Script", "code_points", "is_dense", "script_numbers", "script_of"]


class Script(IntEnum):
    """Writing systems, numbered for storage: numbers are never reused."""

    OTHER = 0
    LATIN = 1
    GREEK = 2
    CYRILLIC = 3
    ARMENIAN = 4
    HEBREW = 5
    ARABIC = 6
    DEVANAGARI = 7
    BENGALI = 8
    GURMUKHI = 9
    GUJARATI = 10
    ORIYA = 11
    TAMIL = 12
    TELUGU = 13
    KANNADA = 14
    MALAYALAM = 15
    SINHALA = 16
    THAI = 17
    LAO = 18
    TIBETAN = 19
    MYANMAR = 20
    GEORGIAN = 21
    ETHIOPIC = 22
    KHMER = 23
    HANGUL = 24
    KANA = 25
    HAN = 26
    DIGIT = 27


SCRIPT_COUNT = len(Script)

_RANGES: tuple[tuple[int, int, Script], ...] = (
    (0x0030, 0x0039, Script.DIGIT),
    (0x0041, 0x005A, Script.LATIN),
    (0x0061, 0x007A, Script.LATIN),
    (0x00AA, 0x02AF, Script.LATIN),
    (0x0370, 0x03FF, Script.GREEK),
    (0x0400, 0x052F, Script.CYRILLIC),
    (0x0530, 0x058F, Script.ARMENIAN),
    (0x0590, 0x05FF, Script.HEBREW),
    (0x0600, 0x08FF, Script.ARABIC),
    (0x0900, 0x097F, Script.DEVANAGARI),
    (0x0980, 0x09FF, Script.BENGALI),
    (0x0A00, 0x0A7F, Script.GURMUKHI),
    (0x0A80, 0x0AFF, Script.GUJARATI),
    (0x0B00, 0x0B7F, Script.ORIYA),
    (0x0B80, 0x0BFF, Script.TAMIL),
    (0x0C00, 0x0C7F, Script.TELUGU),
    (0x0C80, 0x0CFF, Script.KANNADA),
    (0x0D00, 0x0D7F, Script.MALAYALAM),
    (0x0D80, 0x0DFF, Script.SINHALA),
    (0x0E00, 0x0E7F, Script.THAI),
    (0x0E80, 0x0EFF, Script.LAO),
    (0x0F00, 0x0FFF, Script.TIBETAN),
    (0x1000, 0x109F, Script.MYANMAR),
    (0x10A0, 0x10FF, Script.GEORGIAN),
    (0x1100, 0x11FF, Script.HANGUL),
    (0x1200, 0x139F, Script.ETHIOPIC),
    (0x1780, 0x17FF, Script.KHMER),
    (0x1C80, 0x1C8F, Script.CYRILLIC),
    (0x1C90, 0x1CBF, Script.GEORGIAN),
    (0x1D00, 0x1DBF, Script.LATIN),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x1F00, 0x1FFF, Script.GREEK),
    (0x2C60, 0x2C7F, Script.LATIN),
    (0x2D80, 0x2DDF, Script.ETHIOPIC),
    (0x3005, 0x3007, Script.HAN),
    (0x3040, 0x30FF, Script.KANA),
    (0x3100, 0x312F, Script.HAN),
    (0x3130, 0x318F, Script.HANGUL),
    (0x31F0, 0x31FF, Script.KANA),
    (0x3400, 0x4DBF, Script.HAN),
    (0x4E00, 0x9FFF, Script.HAN),
    (0xA640, 0xA69F, Script.CYRILLIC),
    (0xA720, 0xA7FF, Script.LATIN),
    (0xA8E0, 0xA8FF, Script.DEVANAGARI),
    (0xA9E0, 0xA9FF, Script.MYANMAR),
    (0xAA60, 0xAA7F, Script.MYANMAR),
    (0xAB00, 0xAB2F, Script.ETHIOPIC),
    (0xAC00, 0xD7FF, Script.HANGUL),
    (0xF900, 0xFAFF, Script.HAN),
    (0x20000, 0x323AF, Script.HAN),
)
_EDGES = np.array([edge for first, last, _ in _RANGES for edge in (first, last + 1)], dtype=np.uint32)
_NUMBERS = np.array([0, *(n for _, _, script in _RANGES for n in (int(script), 0))], dtype=np.uint8)
_FIRST_DENSE, _LAST_DENSE = int(Script.HANGUL), int(Script.HAN)
_LEAST_SHARE = 0.1


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of `text`, uint32 (n,), lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def script_numbers(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """Return the `Script` number of each code point, uint8 (n,)."""
    return _NUMBERS[np.searchsorted(_EDGES, points, side="right")]


def is_dense(scripts: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which of these script numbers write a syllable or a word in one character (CJK)."""
    return (scripts >= _FIRST_DENSE) & (scripts <= _LAST_DENSE)


def script_of(text: str) -> Script:
    """Return the script that tells the language of normalised `text` best.

    Normalisation folds look-alikes to Latin, so that half of a Russian text's
    letters become Latin, and Japanese is told from Chinese by its kana: a
    script other than Latin wins from a tenth of the letters on, kana before
    Han. Digits do not count.
    """
    counts = np.bincount(script_numbers(code_points(text)), minlength=SCRIPT_COUNT)
    counts[Script.DIGIT] = 0
    total = int(counts.sum())
    if counts[Script.KANA] > _LEAST_SHARE * total:
        return Script.KANA
    foreign = counts.copy()
    foreign[[Script.LATIN, Script.OTHER]] = 0
    best = int(foreign.argmax())
    if foreign[best] > _LEAST_SHARE * total:
        return Script(best)
    return Script.LATIN if counts[Script.LATIN] >= counts[Script.OTHER] and total else Script.OTHER
