"""Sixteen things republishers do to a caption, seeded."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Sequence

Transform = Callable[[str, random.Random, Sequence[str]], str]

_LATIN = "aceijopsxyhvwgdqABCEHIKMOPTX"
_CYRILLIC = "асеіјорѕхуһѵԝɡԁԛАВСЕНІКМОРТХ"
_ALIKE = dict(zip(_LATIN, _CYRILLIC, strict=True))
_ALIKE_BACK = {other: letter for letter, other in _ALIKE.items()}
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_TAGS = "love instagood fashion beautiful happy cute followme picoftheday travel style summer"
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_EMOJI = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]+")


def verbatim(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return text


def cut_60(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return text[: int(len(text) * 0.6)] + "…"


def cut_80_characters(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return text[:80] + ("…" if len(text) > 80 else "")


def stripped(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return " ".join(_EMOJI.sub(" ", re.sub(r"[@#][\w.]+", " ", text)).split())


def foreign_tags(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return text + " " + " ".join("#" + tag for tag in rng.sample(_TAGS.split(), 8))


def upper(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return text.upper()


def homoglyphs(text: str, rng: random.Random, others: Sequence[str]) -> str:
    swap = {**_ALIKE, **_ALIKE_BACK}
    return "".join(swap.get(c, c) if rng.random() < 0.5 else c for c in text)


def zero_width(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return "".join(c + rng.choice(_ZERO_WIDTH) if rng.random() < 0.3 else c for c in text)


def no_punctuation(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return re.sub(r"[!-/:-@\[-`{-~‘-‟…–—、。，！？「」]+", " ", text)


def escaped_twice(text: str, rng: random.Random, others: Sequence[str]) -> str:
    once = "".join(f"&#{ord(c)};" if not c.isascii() and rng.random() < 0.3 else html.escape(c) for c in text)
    return html.escape(once)


def wrapped(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return (
        f"user_{rng.randrange(10_000)} · {rng.randrange(2, 50)} weeks ago {text} ♥ {rng.randrange(9_000)} "
        f"likes 💬 {rng.randrange(90)} comments Download Share View profile"
    )


def _edited(text: str, rng: random.Random, share: float) -> str:
    """Replace, drop or insert a share of the words; of the characters where words are not spaced."""
    by_character = len(_SPACELESS.findall(text)) > 0.3 * len(text)
    units = list(text) if by_character else text.split()
    pool = [unit for unit in units if unit.strip()] or units
    edited: list[str] = []
    for unit in units:
        if rng.random() >= share:
            edited.append(unit)
            continue
        kind = rng.randrange(3)
        if kind == 0:
            edited.append(_other(rng.choice(pool), rng))
        elif kind == 1:
            edited += [unit, _other(rng.choice(pool), rng)]
    return ("" if by_character else " ").join(edited)


def _other(word: str, rng: random.Random) -> str:
    letters = list(word)
    rng.shuffle(letters)
    return "".join(letters)


def edits_10(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return _edited(text, rng, 0.10)


def edits_20(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return _edited(text, rng, 0.20)


def joined(text: str, rng: random.Random, others: Sequence[str]) -> str:
    return f"{rng.choice(others)} {text} {rng.choice(others)}"


def half_quoted(text: str, rng: random.Random, others: Sequence[str]) -> str:
    half = len(text) // 2
    start = rng.randrange(0, len(text) - half + 1)
    return f"{rng.choice(others)} {text[start : start + half]} {rng.choice(others)}"


def combined(text: str, rng: random.Random, others: Sequence[str]) -> str:
    text = _edited(stripped(text, rng, others), rng, 0.05)
    text = zero_width(homoglyphs(text[: int(len(text) * 0.8)] + "…", rng, others), rng, others)
    return wrapped(foreign_tags(text, rng, others), rng, others)


TRANSFORMS: dict[str, Transform] = {
    "verbatim": verbatim,
    "cut to 60 %": cut_60,
    "cut to 80 characters": cut_80_characters,
    "tags and emoji stripped": stripped,
    "foreign tags added": foreign_tags,
    "upper case": upper,
    "homoglyphs": homoglyphs,
    "zero-width": zero_width,
    "no punctuation": no_punctuation,
    "escaped twice": escaped_twice,
    "wrapped in interface": wrapped,
    "10 % edits": edits_10,
    "20 % edits": edits_20,
    "joined": joined,
    "half quoted": half_quoted,
    "combination": combined,
}
