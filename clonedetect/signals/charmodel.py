"""How surprising each character of a text is, learned from a shipped background and the index's own captions.

A character's probability is estimated from its last five neighbours, backed
off context by context to its share in its script (Dirichlet smoothing, MacKay
and Peto 1995). The post under judgement is left out of its own estimate. Text
that the model has not learned costs the cap, so a model that knows too little
finds everything rare: `is_sufficient` says where it may be believed, by
figures measured in docs/text.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.models.minhash import mix
from clonedetect.models.reference import TextCost
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
    "REPEATED_BITS",
    "CharModel",
]

ORDER = 6
CAP_BITS = 4.0
REPEATED_BITS = 0.5
"""At most, where a text repeats itself: a refrain says what it says once."""
DENSE_CAP_BITS = 6.0
MODEL_VERSION = 2

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
        self._credit = (self._text_characters.copy(), self._texts.copy())

    @property
    def version(self) -> str:
        """Name and version of the tables: orders, normaliser, background, and the index's characters."""
        learned = int(self._characters.sum())
        own = f"{self._name}(order={ORDER},normalise={NORMALISER_VERSION},characters={learned})"
        return own if self._background is None else f"{self._background.version}+{own}"

    @property
    def name(self) -> str:
        """What the model calls itself, without its figures."""
        return self._name

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

    def add_many(self, texts: Sequence[str]) -> None:
        """Learn captions as `add` does, in a tenth of the time."""
        grams, points, lengths = _grams_of_many(texts)
        self._grams.add(grams)
        scripts = script_numbers(points)
        self._characters += np.bincount(scripts, minlength=SCRIPT_COUNT)
        own = np.array([script_of(text) for text in texts if text], dtype=np.int64)
        self._text_characters += np.bincount(own, weights=lengths, minlength=SCRIPT_COUNT).astype(np.int64)
        self._texts += np.bincount(own, minlength=SCRIPT_COUNT)

    def credit(self, other: CharModel) -> None:
        """Let the texts that `other` learned, which is in the background, count for `is_sufficient`."""
        self._credit = (self._credit[0] + other._text_characters, self._credit[1] + other._texts)

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
        grams = _grams(points)
        return _bits(scripts, *self._counts(grams, leave_out), _repeated(grams))

    def is_sufficient(self, text: str, *, leave_out: str = "") -> bool:
        """Return whether enough was learned of the language of `text` to tell rare from common.

        Of the script, by characters learned; of the language, by what a
        character of `text` costs: Latin alone writes most languages, and text
        in an unknown one costs three bits a character under any model.
        """
        bits = self.bits(text, leave_out=leave_out)
        return self._is_sufficient(text, bits, leave_out=leave_out)

    def costs(self, texts: Sequence[str]) -> tuple[TextCost, ...]:
        """Return what each character of learned texts costs, each text left out of its own estimate.

        As `bits` and `is_sufficient` with the text itself as `leave_out`, for
        many texts at once.
        """
        points = [code_points(text) for text in texts]
        grams = [_grams(part) for part in points]
        flat = np.concatenate([np.empty(0, np.uint64), *(gram for part in grams for gram in part)])
        found = self._learned(flat)
        costs = []
        end = 0
        for text, part, orders in zip(texts, points, grams, strict=True):
            keys = np.concatenate(orders)
            start, end = end, end + keys.size
            scripts = script_numbers(part)
            counts = found[start:end] - lookup(*tally(keys), keys)
            totals = self._totals() - np.bincount(scripts, minlength=SCRIPT_COUNT)
            sizes = np.cumsum([order.size for order in orders])[:-1]
            by_order = np.split(np.maximum(counts, 0), sizes)
            bits = _bits(scripts, by_order, np.maximum(totals, 0), _repeated(orders))
            costs.append(TextCost(bits, self._is_sufficient(text, bits, leave_out=text)))
        return tuple(costs)

    def _is_sufficient(self, text: str, bits: Bits, *, leave_out: str) -> bool:
        script = script_of(text)
        dense = Script.HANGUL <= script <= Script.HAN
        is_own = bool(leave_out) and script_of(leave_out) == script
        characters = int(self._text_characters[script] + self._credit[0][script])
        characters -= len(leave_out) if is_own else 0
        if characters < (MIN_DENSE_CHARACTERS if dense else MIN_CHARACTERS):
            return False
        if int(self._texts[script] + self._credit[1][script]) - is_own < MIN_TEXTS:
            return False
        return bool(bits.mean() <= _MAX_MEAN_BITS.get(script, _MAX_MEAN_BITS_ELSEWHERE))

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the index's own part for storage: no background, nothing pickled.

        keys, counts, starts: as `KeyCounts.to_arrays` gives them. characters,
        text_characters, texts: int64 (scripts,), how many characters belong to
        a script, stand in texts of it, and how many texts those are. format:
        int64 (3,), model version, order, normaliser version.
        """
        made_by = np.array([MODEL_VERSION, ORDER, NORMALISER_VERSION], dtype=np.int64)
        return {
            **self._grams.to_arrays(),
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
        model._grams = KeyCounts.from_arrays(arrays)
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
        found, totals = self._learned(flat), self._totals()
        if leave_out:
            points = code_points(leave_out)
            found = found - lookup(*tally(np.concatenate(_grams(points))), flat)
            totals = totals - np.bincount(script_numbers(points), minlength=SCRIPT_COUNT)
        ends = np.cumsum([part.size for part in grams])
        return np.split(np.maximum(found, 0), ends[:-1]), np.maximum(totals, 0)

    def _learned(self, keys: Keys) -> Counts:
        """Return the count of each of `keys`, the background's included."""
        found = self._grams.of(keys)
        return found if self._background is None else found + self._background._grams.of(keys)  # noqa: SLF001  our own

    def _totals(self) -> Counts:
        """Return the characters of each script, the background's included."""
        own = self._characters
        return own if self._background is None else own + self._background._characters  # noqa: SLF001  our own


def _bits(
    scripts: npt.NDArray[np.uint8],
    counts: Sequence[Counts],
    totals: Counts,
    is_repeated: npt.NDArray[np.bool_],
) -> Bits:
    """Return the bits of each character from the counts of its grams by order, (n + 1,) each.

    is_repeated: bool (n,), where the text itself said the same before.
    """
    probability = 1.0 / _ALPHABET[scripts]
    for order in range(ORDER):
        seen = counts[order][1:]
        context = np.maximum(totals[scripts] if order == 0 else counts[order - 1][:-1], seen)
        probability = (seen + _STRENGTH * probability) / (context + _STRENGTH)
    cap = np.where(is_dense(scripts), DENSE_CAP_BITS, CAP_BITS)
    cap[is_repeated] = REPEATED_BITS
    return np.minimum(-np.log2(probability), cap)


def _repeated(grams: Sequence[Keys]) -> npt.NDArray[np.bool_]:
    """Return which characters end a gram of the highest order that the text had before, bool (n,)."""
    keys = grams[-1][1:]
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(first[place] < np.arange(keys.size), np.bool_)


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


def _grams_of_many(
    texts: Sequence[str],
) -> tuple[Keys, npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the grams of all filled texts in no order, their code points end to end, and their lengths."""
    filled = [text for text in texts if text]
    lengths = np.fromiter(map(len, filled), np.int64, len(filled))
    points = code_points("".join(filled))
    # Each text lies behind its own pads; places are those of what a gram may end at, the last pad first.
    padded = np.zeros(points.size + (_PAD + 1) * len(filled), dtype=np.uint64)
    texts_of = np.repeat(np.arange(len(filled)), lengths)
    padded[np.arange(points.size) + (_PAD + 1) * (texts_of + 1)] = points
    ends = np.arange(points.size + len(filled)) + _PAD * (np.repeat(np.arange(len(filled)), lengths + 1) + 1)
    grams = []
    value = np.zeros(ends.size, dtype=np.uint64)
    for order in range(1, ORDER + 1):
        value = value + padded[ends - order + 1] * _POWERS[order - 1]
        grams.append(mix(value + _SALTS[order - 1]))
    return np.concatenate(grams), points, lengths
