"""The fit of the score of outlines: pairs are what they say, and the regression finds what is there."""

import numpy as np
import pytest

from accuracy import outlines
from accuracy.exchanges import OVERLAYS, pairs
from accuracy.split import Part, part_of, read_pictures
from clonedetect.match.overlay import WEIGHTS


@pytest.fixture(scope="module")
def made(tmp_path_factory, photographs):
    base = tmp_path_factory.mktemp("exchanges")
    for folder, start in (("originals", "o"), ("distractors", "d")):
        (base / folder).mkdir()
        names = (name for name in (f"{start}{n}.jpg" for n in range(1000)))
        kept = [name for name in names if part_of(name) is Part.DEVELOPMENT]
        for name, data in zip(kept, list(photographs.values())[:5], strict=False):
            (base / folder / name).write_bytes(data)
    return list(pairs(read_pictures(base), Part.DEVELOPMENT, 1, 1))


def test_pairs_are_copies_and_exchanges_and_the_same_again(made) -> None:
    copies = [pair for pair in made if pair.is_ours]
    exchanges = [pair for pair in made if not pair.is_ours]
    assert len({pair.reference for pair in copies}) == 1
    assert {pair.kind for pair in copies} & set(OVERLAYS)
    assert len(exchanges) == 29
    assert {pair.kind.split()[0] for pair in exchanges} == {"slot", "object", "template"}
    assert all(pair.query != pair.reference for pair in made)


def test_a_caption_is_laid_and_measured(made) -> None:
    pair = next(pair for pair in made if pair.is_ours and "caption" in pair.kind)
    (row,) = (row for row in outlines.traits_of(pair) if row["shape"] != outlines.WRITING)
    assert row["is_ours"]
    assert set(WEIGHTS) < set(row)


def test_the_fit_finds_the_trait_that_tells() -> None:
    random = np.random.default_rng(4)
    rows = []
    for number in range(400):
        is_ours = number % 2 == 0
        row = {name: float(random.normal()) for name in WEIGHTS}
        row["peaks"] += -2.0 if is_ours else 2.0
        rows.append({"kind": "made", "is_ours": is_ours, "is_open": True, "shape": "PART", **row})
    bias, weights = outlines.fitted(rows)
    assert max(weights, key=lambda name: abs(weights[name])) == "peaks"
    assert weights["peaks"] < 0
    scores = bias + outlines.matrix(rows) @ np.array(list(weights.values()))
    ours = np.array([row["is_ours"] for row in rows])
    assert (scores[ours] > 0).mean() > 0.9
    assert (scores[~ours] < 0).mean() > 0.95
    assert "| part | 200 / 200 |" in outlines.told(rows, scores)
