"""What an index says of pictures that several owners publish, and of templates others fill."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from clonedetect.cli.main import cli
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.sharing import SEED, picture_sharing


def soft(seed: int, width: int, height: int) -> np.ndarray:
    """Random shapes, another picture for every seed."""
    small = np.random.default_rng(seed).normal(128, 45, (height // 15, width // 15, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def framed(seed: int) -> np.ndarray:
    page = soft(1000, 600, 600)
    page[180:420, 180:420] = soft(seed, 240, 240)
    return page


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Five owners' pictures in one frame, one picture of three owners, one owner's twice, one alone."""
    base = tmp_path_factory.mktemp("sharing")
    rows = []

    def put(item: str, owner: str | None, pixels: np.ndarray, quality: int = 90) -> None:
        path = base / f"{item}.jpg"
        assert cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        rows.append({"item_id": item, "account_id": owner, "media": [{"path": path.name}]})

    for number in range(5):
        put(f"framed-{number}", f"f{number}", framed(number))
    for owner, quality in (("a", 90), ("b", 90), ("c", 75)):
        put(f"shared-{owner}", owner, soft(50, 480, 360), quality)
    put("twice-1", "d", soft(60, 480, 360))
    put("twice-2", "d", soft(60, 480, 360))
    put("alone", None, soft(70, 480, 360))
    (base / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    index = base / "index"
    added = add_sources(index, [base / "posts.jsonl"], workers=1)
    assert added.added == len(rows), added.refusals
    return index


def test_pictures_of_several_owners_are_counted_once_each_with_the_most_owners(folder) -> None:
    found = picture_sharing(folder)
    assert (found.pictures, found.shared, found.most_owners) == (11, 3, 3)


def test_pictures_mostly_of_a_frame_that_three_others_have_are_template_like(folder) -> None:
    found = picture_sharing(folder)
    assert found.template_like == 5
    assert sorted(found.items) == [f"framed-{number}" for number in range(5)]
    assert (found.examined, found.seed) == (11, None)


def test_a_sample_says_so_and_is_drawn_again_alike(folder) -> None:
    found = picture_sharing(folder, sample=4)
    assert (found.examined, found.seed) == (4, SEED)
    assert found.template_like <= 4
    assert found == picture_sharing(folder, sample=4)
    assert (found.pictures, found.shared) == (11, 3)


def test_progress_is_told_of_what_is_compared(folder) -> None:
    seen = []

    def track(pictures, count):
        seen.append(count)
        return pictures

    picture_sharing(folder, sample=2, track=track)
    assert seen == [2]


def test_the_command_tells_it_only_when_asked(folder, monkeypatch) -> None:
    plain = json.loads(CliRunner().invoke(cli, ["index", "stats", str(folder), "--json"]).stdout)
    assert "templates" not in plain
    words = ["index", "stats", str(folder), "--templates"]
    told = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert told == plain | {"templates": told["templates"]}
    assert told["templates"]["template_like"] == 5
    monkeypatch.setattr("clonedetect.cli.index.wants_json", lambda _: False)
    shown = CliRunner().invoke(cli, [*words, "--sample", "3"]).stdout
    assert "pictures of several owners: 3 of 11, one of them of 3 owners" in shown
    assert "3 compared (a sample, seed 1)" in shown
    assert "of 3 compared" in shown
    unasked = CliRunner().invoke(cli, ["index", "stats", str(folder)]).stdout
    assert "pictures of several owners, template-like pictures: --templates" in unasked


def test_templates_are_told_under_the_thresholds_of_the_index(folder) -> None:
    """A block agrees nowhere at a correlation of one: no mask, and nothing template-like."""
    settings = folder / "settings.toml"
    settings.write_text("[thresholds.image]\nblock_ncc = 1\n")
    try:
        assert picture_sharing(folder).template_like == 0
    finally:
        settings.unlink()
    assert picture_sharing(folder).template_like == 5
