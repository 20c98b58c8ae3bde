"""How surprising each character of a text is, learned from a shipped background and the index's own captions.

A character's probability is estimated from its last five neighbours, backed
off context by context to its share in its script (Dirichlet smoothing, MacKay
and Peto 1995). The post under judgement is left out of its own estimate. Text
that the model has not learned costs the cap, so a model that knows too little
finds everything rare: `is_sufficient` says where it may be believed, by
figures measured in docs/text.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.models.minhash import mix
from clonedetect.signals.counts import KeyCounts, lookup, tally
from clonedetect.signals.normalise import NORMALISER_VERSION
from clonedetect.signals.scripts import SCRIPT_COUNT, Script, code_points, is_dense, script_numbers, script_of

__all__ = [
    "CAP_BITS",
    "DENSE_CAP_BITS",
    "MIN_CHARACTERS",
    "MIN_DENSE_CHARACTERS",
    "MIN_TEXTS",
    "ORDER",
    "CharModel",
]

ORDER = 6
CAP_BITS = 4.0
DENSE_CAP_BITS = 6.0
MODEL_VERSION = 1

_PAD = ORDER - 1
_STRENGTH = 2.0
_POWERS = np.array([pow(0x9E3779B97F4A7C15, n, 1 << 64) for n in range(ORDER)], dtype=np.uint64)
_SALTS = np.array([(n + 1) * 0xD1B54A32D192ED03 % (1 << 64) for n in range(ORDER)], dtype=np.uint64)

MIN_TEXTS = 200
MIN_CHARACTERS = 40_000
MIN_DENSE_CHARACTERS = 20_000
"""Of the index's own captions in one script; the background is spread thin over fifty languages.

Measured: of 377 common phrases a model had never seen, 31 % cost 100 bits with
no text in their language, 11 % with 20,000 characters, 9 % with 40,000, 7 %
with 100,000; of 23 in CJK none from 2,000 on. Few long texts repeat themselves,
hence a least number of texts as well.
"""

_MAX_MEAN_BITS_ELSEWHERE = 3.4
_MAX_MEAN_BITS = {
    Script.ETHIOPIC: 3.7,
    Script.HANGUL: DENSE_CAP_BITS,
    Script.KANA: DENSE_CAP_BITS,
    Script.HAN: DENSE_CAP_BITS,
}
"""Measured: nine tenths of unseen posts in a known language lie below, 95 % of others above."""

_ALPHABET = np.full(SCRIPT_COUNT, 40.0)
_ALPHABET[[Script.ETHIOPIC, Script.KANA]] = 200.0
_ALPHABET[Script.HANGUL] = 1500.0
_ALPHABET[Script.HAN] = 3500.0
_ALPHABET[Script.DIGIT] = 10.0

Bits = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


class CharModel:
    """Counts of character grams of orders 1 to 6 over normalised texts, on top of a background model.

    Implements `protocols.CharacterModel`. `add` and `remove` take one
    normalised caption each; the order of calls does not matter.
    """

    def __init__(self, background: CharModel | None = None) -> None:
        self._background = background
        self._grams = KeyCounts()
        self._characters = np.zeros(SCRIPT_COUNT, dtype=np.int64)
        self._text_characters = np.zeros(SCRIPT_COUNT, dtype=np.int64)
        self._texts = np.zeros(SCRIPT_COUNT, dtype=np.int64)
        self._name = f"index/{MODEL_VERSION}"

    @property
    def version(self) -> str:
        """Name and version of the tables: orders, normaliser, background, and the index's characters."""
        learned = int(self._characters.sum())
        own = f"{self._name}(order={ORDER},normalise={NORMALISER_VERSION},characters={learned})"
        return own if self._background is None else f"{self._background.version}+{own}"

    @classmethod
    def named(cls, name: str, texts: Iterable[str]) -> CharModel:
        """Return a model without background, of normalised `texts`, that calls itself `name`."""
        model = cls()
        model._name = name
        for text in texts:
            model.add(text)
        return model

    def add(self, text: str) -> None:
        """Learn one normalised caption: once for each account that holds it.

        A caption its author posts again would otherwise stay in the model when
        one copy is left out, and look common.
        """
        self._count(text, 1)

    def remove(self, text: str) -> None:
        """Forget one normalised caption that was added."""
        self._count(text, -1)

    def bits(self, text: str, *, leave_out: str = "") -> Bits:
        """Return the information in bits of each character of normalised `text`, float64 (n,).

        Capped at 4 bits a character, 6 in CJK. `leave_out` is one learned text
        whose own contribution is subtracted.
        """
        points = code_points(text)
        if points.size == 0:
            return np.empty(0, dtype=np.float64)
        scripts = script_numbers(points)
        counts, totals = self._counts(_grams(points), leave_out)
        probability = 1.0 / _ALPHABET[scripts]
        for order in range(ORDER):
            seen = counts[order][1:]
            context = np.maximum(totals[scripts] if order == 0 else counts[order - 1][:-1], seen)
            probability = (seen + _STRENGTH * probability) / (context + _STRENGTH)
        cap = np.where(is_dense(scripts), DENSE_CAP_BITS, CAP_BITS)
        return np.minimum(-np.log2(probability), cap)

    def is_sufficient(self, text: str, *, leave_out: str = "") -> bool:
        """Return whether enough was learned of the language of `text` to tell rare from common.

        Of the script, by characters learned; of the language, by what a
        character of `text` costs: Latin alone writes most languages, and text
        in an unknown one costs three bits a character under any model.
        """
        script = script_of(text)
        dense = Script.HANGUL <= script <= Script.HAN
        is_own = bool(leave_out) and script_of(leave_out) == script
        characters = int(self._text_characters[script]) - (len(leave_out) if is_own else 0)
        if characters < (MIN_DENSE_CHARACTERS if dense else MIN_CHARACTERS):
            return False
        if int(self._texts[script]) - is_own < MIN_TEXTS:
            return False
        limit = _MAX_MEAN_BITS.get(script, _MAX_MEAN_BITS_ELSEWHERE)
        return bool(self.bits(text, leave_out=leave_out).mean() <= limit)

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the index's own part for storage: no background, nothing pickled.

        keys: uint64 (n,), sorted; counts: int64 (n,). characters,
        text_characters, texts: int64 (scripts,), how many characters belong to
        a script, stand in texts of it, and how many texts those are. format:
        int64 (3,), model version, order, normaliser version.
        """
        keys, counts = self._grams.to_arrays()
        made_by = np.array([MODEL_VERSION, ORDER, NORMALISER_VERSION], dtype=np.int64)
        return {
            "keys": keys,
            "counts": counts,
            "characters": self._characters.copy(),
            "text_characters": self._text_characters.copy(),
            "texts": self._texts.copy(),
            "format": made_by,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[np.generic]], background: CharModel | None = None
    ) -> CharModel:
        """Return the model that `to_arrays` stored, on top of `background`.

        Raises IndexFormatError for arrays of another version.
        """
        made_by = [int(value) for value in arrays["format"]]
        if made_by != [MODEL_VERSION, ORDER, NORMALISER_VERSION]:
            raise IndexFormatError(
                f"the character model was stored as version, order, normaliser {made_by}, this program reads "
                f"{[MODEL_VERSION, ORDER, NORMALISER_VERSION]}: build the index again"
            )
        model = cls(background)
        model._grams = KeyCounts.from_arrays(
            arrays["keys"].astype(np.uint64, copy=False), arrays["counts"].astype(np.int64, copy=False)
        )
        model._characters = arrays["characters"].astype(np.int64)
        model._text_characters = arrays["text_characters"].astype(np.int64)
        model._texts = arrays["texts"].astype(np.int64)
        return model

    def _count(self, text: str, sign: int) -> None:
        points = code_points(text)
        if points.size == 0:
            return
        self._grams.add(np.concatenate(_grams(points)), sign)
        self._characters += sign * np.bincount(script_numbers(points), minlength=SCRIPT_COUNT)
        script = script_of(text)
        self._text_characters[script] += sign * points.size
        self._texts[script] += sign

    def _counts(self, grams: list[Keys], leave_out: str) -> tuple[list[Counts], Counts]:
        """Return the counts of `grams`, per order, and of characters per script, `leave_out` subtracted."""
        flat = np.concatenate(grams)
        found = self._grams.of(flat)
        totals = self._characters.copy()
        if leave_out:
            points = code_points(leave_out)
            found = found - lookup(*tally(np.concatenate(_grams(points))), flat)
            totals -= np.bincount(script_numbers(points), minlength=SCRIPT_COUNT)
        if self._background is not None:
            found = found + self._background._grams.of(flat)  # noqa: SLF001  another model of our own
            totals += self._background._characters  # noqa: SLF001  as above
        ends = np.cumsum([part.size for part in grams])
        return np.split(np.maximum(found, 0), ends[:-1]), np.maximum(totals, 0)


def _grams(points: npt.NDArray[np.uint32]) -> list[Keys]:
    """Return per order the key of the gram that ends at each character, uint64 (n + 1,), the last pad first.

    The text is padded in front, so that its beginning is a context of its own.
    """
    padded = np.zeros(points.size + _PAD + 1, dtype=np.uint64)
    padded[_PAD + 1 :] = points
    grams = []
    value = np.zeros(points.size + 1, dtype=np.uint64)
    for order in range(1, ORDER + 1):
        first = _PAD + 1 - order
        value = value + padded[first : first + points.size + 1] * _POWERS[order - 1]
        grams.append(mix(value + _SALTS[order - 1]))
    return grams
