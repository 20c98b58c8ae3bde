"""Walls told by structure, over pages written for it; what is called a wall by mistake is counted first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from clonedetect.extract import walls
from clonedetect.extract.walls import classify
from clonedetect.models.capture import Outcome
from tests.extract.wall_pages import ORDINARY, WALLS, Shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "extraction.md"
MISSED = {"reworded, en"}
"""Walls that are not told: that nobody is there, said in words of its own, has no other sign."""


def told(shown: Shown) -> tuple[Outcome, str] | None:
    fields = (("Content-Type", shown.content_type),)
    return classify(shown.status, fields, shown.body.encode(), shown.url, shown.final_url or shown.url)


@pytest.mark.parametrize("shown", ORDINARY, ids=lambda shown: shown.name)
def test_no_ordinary_page_is_called_a_wall(shown: Shown) -> None:
    assert told(shown) is None


@pytest.mark.parametrize(
    "shown", [one for one in WALLS if one.name not in MISSED], ids=lambda shown: shown.name
)
def test_walls_are_told_with_the_signs_that_were_seen(shown: Shown) -> None:
    wall = told(shown)

    assert wall is not None
    assert wall[0] is shown.outcome
    assert len(wall[1]) > 20


def test_the_documents_state_how_many_walls_are_told() -> None:
    found = Counter(shown.outcome for shown in WALLS if (wall := told(shown)) and wall[0] is shown.outcome)
    whole = Counter(shown.outcome for shown in WALLS)
    rows = [f"| `{outcome}` | {found[outcome]} of {whole[outcome]} |" for outcome in whole if outcome]

    assert {shown.name for shown in WALLS if not told(shown)} == MISSED
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "\n".join(rows) in text
    assert f"None of the {len(ORDINARY)} ordinary pages is called a wall." in text


@pytest.mark.parametrize("shown", [*WALLS, *ORDINARY], ids=lambda shown: shown.name)
@pytest.mark.parametrize(
    "around", ["<p>{}</p>", "<nav>{}</nav>", "<form>{}</form>"], ids=["said", "menu", "form"]
)
def test_a_page_full_of_words_is_told_as_by_a_close_look(
    shown: Shown, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = around.format("many words of somebody " * 200)
    full = replace(shown, body=shown.body + words)
    quick = told(full)
    monkeypatch.setattr(walls, "is_full", lambda _: False)
    assert told(full) == quick
