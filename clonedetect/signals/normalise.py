"""Text reduced to what a republisher cannot change without changing the words.

The order, each step with its reason:

1. entities are unescaped twice (pages escape what was already escaped);
2. format characters (Cf), variation selectors and fillers go: they are
   invisible, and zero-width characters are the cheapest disguise;
3. clusters of a base and its marks are composed (NFKC), so that both
   spellings of a letter are one;
4. each character is folded on its own: NFKC, casefold, marks off (but in
   scripts where a mark is a vowel), look-alikes to ASCII, Arabic letter
   variants, dotless i, digits of all scripts to ASCII. This comes before
   step 5: a homoglyph in ``https`` must not save a URL from recognition;
5. URLs, @handles and #hashtags are taken out and kept as features;
6. letters and digits stay, everything else goes.

Every step carries, for each character, the span of the raw text it came from.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.models.signal import Algorithm
from clonedetect.signals.confusables import confusable_folding, folding_digest

__all__ = ["NORMALISER_VERSION", "Normalised", "normalise", "normalised_text", "normaliser"]

NORMALISER_VERSION = 1
"""Raised whenever any text would normalise differently."""

Offsets = npt.NDArray[np.int32]

_ENTITY = re.compile(r"&(?:#[0-9]{1,8};?|#[xX][0-9a-fA-F]{1,8};?|[A-Za-z][A-Za-z0-9]{1,31};?)")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u0640\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_VOWEL_MARKS = (
    "\u0900-\u0903\u093a-\u094f\u0955-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u09d7\u09e2\u09e3\u09fe"
    "\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a75\u0a81-\u0a83\u0abc-\u0acd\u0ae2\u0ae3\u0afa-\u0aff"
    "\u0b01-\u0b03\u0b3c-\u0b57\u0b62\u0b63\u0b82\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c-\u0c56\u0c62\u0c63"
    "\u0c81-\u0c83\u0cbc-\u0cd6\u0ce2\u0ce3\u0d00-\u0d03\u0d3b-\u0d4d\u0d57\u0d62\u0d63\u0d81-\u0d83"
    "\u0dca-\u0ddf\u0df2\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    "\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e\u0f3f\u0f71-\u0f84\u0f86\u0f87\u0f8d-\u0fbc\u0fc6"
    "\u102b-\u103e\u1056-\u1059\u105e-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d"
    "\u1712-\u1715\u1732-\u1734\u1752\u1753\u1772\u1773\u17b6-\u17d3\u17dd\u1920-\u193b\u1a17-\u1a1b\u1a55-\u1a7f"
    "\u1b00-\u1b04\u1b34-\u1b44\u1b80-\u1b82\u1ba1-\u1bad\u1be6-\u1bf3\u1c24-\u1c37\u3099\u309a"
    "\ua802\ua806\ua80b\ua823-\ua827\ua82c\ua880\ua881\ua8b4-\ua8c5\ua926-\ua92d\ua947-\ua953\ua980-\ua983"
    "\ua9b3-\ua9c0\ua9e5\uaa29-\uaa36\uaa43\uaa4c\uaa4d\uaa7b-\uaa7d\uaab0-\uaabf\uaac1\uaaeb-\uaaef\uaaf5\uaaf6"
    "\uabe3-\uabea\uabec\uabed"
)
"""Marks that are vowels, tones or voicing; ``\\w`` and ``isalnum`` drop most of them."""
_IS_VOWEL_MARK = re.compile(f"[{_VOWEL_MARKS}]")
_CLUSTER = re.compile(
    "[^\\s]["
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711"
    f"\u0730-\u074a\u07a6-\u07b0\u0816-\u082d\u08d3-\u08ff{_VOWEL_MARKS}\u0951-\u0954\u1161-\u11ff\u135d-\u135f"
    "\u1ab0-\u1aff\u1cd0-\u1cf9\u1dc0-\u1dff\u20d0-\u20f0\u302a-\u302f\ud7b0-\ud7ff\ufe20-\ufe2f\uff9e\uff9f"
    "\uffc2-\uffdc\U00011000-\U00011fff\U0001e000-\U0001e94a]{1,32}"
)
"""Bounded: composing sorts the marks of one cluster, and a hostile page may pile up a hundred thousand."""
_WORD = rf"\w{_VOWEL_MARKS}"
_FEATURE = re.compile(
    r"(?P<url>(?:https?://|www\.)[!-~]+|(?<![\w@.-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/[!-~]*)"
    rf"|(?<![a-z0-9._%+-])@(?P<handle>[{_WORD}.]{{1,64}})"
    rf"|(?<![a-z0-9&])#(?P<hashtag>[{_WORD}]{{1,140}})"
)
_NOT_KEPT = re.compile(f"[^{_WORD}]+|_+")
_ONE_LETTER = {
    "ı": "i",
    "ٱ": "ا",
    "ى": "ي",
    "ی": "ي",
    "ة": "ه",
    "ک": "ك",
}
_SIGNS = "™℠"
"""Compatibility folds these to letters, which would then stick to the word before."""
_MAX_PASSES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Normalised text with the raw span of each of its code points.

    starts, ends: int32 (n,), code points of `raw`, both never decreasing,
    ``starts[i] < ends[i]``. `urls`, `handles` and `hashtags` are features in
    their folded spelling, without ``@`` and ``#``, in order of appearance.
    """

    raw: str
    text: str
    starts: Offsets
    ends: Offsets
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw span [start, end) of the normalised span [start, end), which must not be empty."""
        if not 0 <= start < end <= len(self.text):
            raise IndexError(f"span [{start}, {end}) is empty or outside a text of {len(self.text)}")
        return int(self.starts[start]), int(self.ends[end - 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Traced:
    """A text on its way, with the raw span of each character."""

    text: str
    starts: Offsets
    ends: Offsets

    def keep(self, text: str, first: Offsets, last: Offsets) -> _Traced:
        """Return `text`, whose character i comes from our characters first[i] to last[i]."""
        return _Traced(text, self.starts[first], self.ends[last])


class _FoldTable(dict[str, str]):
    """One character -> what it folds to, computed at first sight."""

    def __missing__(self, char: str) -> str:
        folded = self[char] = _fold(char)
        return folded


def normaliser() -> Algorithm:
    """Return the algorithm that texts were normalised with."""
    return Algorithm("normalise", NORMALISER_VERSION, f"confusables={folding_digest()}")


def normalise(raw: str) -> Normalised:
    """Return the letters and digits of `raw` that count, with the way back to `raw`.

    Measured on short posts in 20 languages: see docs/text.md.
    """
    traced = _fold_characters(_prepare(raw))
    features: dict[str, list[str]] = {"url": [], "handle": [], "hashtag": []}

    def take_out(match: re.Match[str]) -> str:
        kind = match.lastgroup or "url"
        features[kind].append(match[kind].rstrip("."))
        return " " * len(match[0])

    text = _FEATURE.sub(take_out, traced.text) if _may_have_features(traced.text) else traced.text
    kept = [
        i for i, char in enumerate(text) if char.isalnum() or (char > "\u08ff" and _IS_VOWEL_MARK.match(char))
    ]
    where = np.array(kept, dtype=np.int32)
    final = traced.keep("".join([text[i] for i in kept]), where, where)
    return Normalised(
        raw,
        final.text,
        final.starts,
        final.ends,
        tuple(features["url"]),
        tuple(features["handle"]),
        tuple(features["hashtag"]),
    )


def normalised_text(raw: str) -> str:
    """Return the text of ``normalise(raw)`` without its way back to `raw`, in half the time.

    For what is stored and not shown: a property test holds both equal.
    """
    text = raw
    for _ in range(2):
        if "&" in text:
            text = _ENTITY.sub(_unescape_match, text)
    if text.isascii():
        text = text.lower()
    else:
        text = _INVISIBLE.sub("", text)
        if not unicodedata.is_normalized("NFKC", text):
            text = _CLUSTER.sub(_compose_match, text)
        text = "".join(map(_FOLDED.__getitem__, text))
    if _may_have_features(text):
        text = _FEATURE.sub(_blank_match, text)
    return _NOT_KEPT.sub("", text)


def _prepare(raw: str) -> _Traced:
    """Return `raw` after steps 1 to 3."""
    edges = np.arange(len(raw) + 1, dtype=np.int32)
    traced = _Traced(raw, edges[:-1], edges[1:])
    for _ in range(2):
        if "&" in traced.text:
            traced = _substitute(traced, _ENTITY, html.unescape)
    if not traced.text.isascii():
        if _INVISIBLE.search(traced.text):
            traced = _substitute(traced, _INVISIBLE, _nothing)
        if not unicodedata.is_normalized("NFKC", traced.text):
            traced = _substitute(traced, _CLUSTER, _compose)
    return traced


def _fold_characters(traced: _Traced) -> _Traced:
    if traced.text.isascii():
        return _Traced(traced.text.lower(), traced.starts, traced.ends)
    parts = list(map(_FOLDED.__getitem__, traced.text))
    text = "".join(parts)
    lengths = np.fromiter(map(len, parts), dtype=np.int32, count=len(parts))
    if len(text) == len(parts) and lengths.min() == 1:
        return _Traced(text, traced.starts, traced.ends)
    origin = np.repeat(np.arange(len(parts), dtype=np.int32), lengths)
    return traced.keep(text, origin, origin)


def _fold(char: str) -> str:
    """Return what one character becomes, applied until it changes no more."""
    if char in _SIGNS or unicodedata.category(char).startswith("C"):
        return " "
    for _ in range(_MAX_PASSES):
        before, char = char, "".join(map(_fold_letter, _strip_marks(unicodedata.normalize("NFKC", char))))
        if char == before:
            break
    return char


def _strip_marks(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in parts if not unicodedata.combining(c) or _IS_VOWEL_MARK.match(c))
    return unicodedata.normalize("NFC", kept)


def _fold_letter(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    char = _ONE_LETTER.get(char, char)
    return confusable_folding().get(char, char)


def _substitute(traced: _Traced, pattern: re.Pattern[str], replace: Callable[[str], str]) -> _Traced:
    """Return the text with each match replaced; every new character spans its whole match."""
    text, parts, first, last, at = traced.text, [], list[int](), list[int](), 0
    for match in pattern.finditer(text):
        start, end = match.span()
        replaced = replace(match[0])
        if replaced == match[0]:
            continue
        tail = _shared_tail(match[0], replaced)
        parts += [text[at:start], replaced]
        first += [*range(at, start), *[start] * (len(replaced) - tail), *range(end - tail, end)]
        last += [*range(at, start), *[end - tail - 1] * (len(replaced) - tail), *range(end - tail, end)]
        at = end
    if not parts:
        return traced
    parts.append(text[at:])
    first += range(at, len(text))
    last += range(at, len(text))
    return traced.keep("".join(parts), np.array(first, dtype=np.int32), np.array(last, dtype=np.int32))


def _shared_tail(old: str, new: str) -> int:
    """Return how many last characters were left alone (``&ampfoo`` becomes ``&foo``)."""
    length = 0
    while length < len(new) and length < len(old) - 1 and old[-1 - length] == new[-1 - length]:
        length += 1
    return length


def _nothing(_: str) -> str:
    return ""


def _compose(cluster: str) -> str:
    return unicodedata.normalize("NFKC", cluster)


def _unescape_match(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _compose_match(match: re.Match[str]) -> str:
    return _compose(match[0])


def _blank_match(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _may_have_features(text: str) -> bool:
    return "@" in text or "#" in text or "/" in text or "www." in text


_FOLDED = _FoldTable()
