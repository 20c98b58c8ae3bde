"""An operator's own texts teach the character model of a small index how people write."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.text import match_texts
from clonedetect.models.match import Match, Verdict
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.settings import TextThresholds
from clonedetect.settings.file import read_settings
from clonedetect.signals.phrases import shipped_phrases

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]
DRAWN = random.Random(9)
WORDS = ["".join(DRAWN.choices(SYLLABLES, k=DRAWN.randrange(2, 5))) for _ in range(900)]
"""A language of its own, of which the shipped phrases say nothing."""
CAPTION = " ".join(DRAWN.choices(WORDS, k=16))


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(8, 18)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = random.Random(4)
    captions = [CAPTION, *(sentence(rng) for _ in range(20))]
    rows = [
        json.dumps({"item_id": f"i{n}", "account_id": f"a{n}", "caption": c}) for n, c in enumerate(captions)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(rows), "utf-8")
    add_sources(tmp_path / "index", [tmp_path / "items.jsonl"])
    (tmp_path / "public.txt").write_text(
        "\n".join(["# public texts", *(sentence(rng) for _ in range(900))]), "utf-8"
    )
    return tmp_path


def asked(folder: Path, settings: str) -> Match:
    (folder / "settings.toml").write_text(settings, "utf-8")
    banks = read_banks(read_settings(folder / "settings.toml"))
    with open_reference(folder / "index", background=banks.background) as index:
        block = TextBlock(f"They wrote: {CAPTION}. 12 likes", BlockKind.LEAF, "p")
        found = match_texts([block], index, TextThresholds(), shipped_phrases())
    return next(one for one in found if one.item_id == "i0")


def test_a_small_index_confirms_once_its_operator_shows_how_people_write(folder: Path) -> None:
    alone = asked(folder, "")
    assert (alone.verdict, alone.text.gates) == (Verdict.POSSIBLE, ("model too small",))
    taught = asked(folder, '[banks]\nbackground = ["public.txt"]\n')
    assert (taught.verdict, taught.text.gates) == (Verdict.CONFIRMED, ())
    assert taught.text.total_bits < alone.text.total_bits
    assert "+operator/" in taught.text.model
    assert "+operator/" not in alone.text.model


def test_what_many_write_becomes_common(folder: Path) -> None:
    with (folder / "public.txt").open("a", encoding="utf-8") as lines:
        lines.write(f"\n{CAPTION}")
    assert asked(folder, '[banks]\nbackground = ["public.txt"]\n').verdict is not Verdict.CONFIRMED


def test_the_texts_are_recorded_by_their_digest(folder: Path) -> None:
    (folder / "settings.toml").write_text('[banks]\nbackground = ["public.txt"]\n', "utf-8")
    before = read_banks(read_settings(folder / "settings.toml"))
    assert "# public.txt sha256:" in before.recorded
    assert len(before.background) == 900
