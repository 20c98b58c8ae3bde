from pathlib import Path

import pytest

from accuracy.document import BEGIN, END, Provenance, block, rewrite
from accuracy.peers import PEERS
from accuracy.records import BACKGROUND, COPY, RECALL, STRANGER, TEMPLATE, Others, Result, Seen, Task
from accuracy.summary import summary

GOLDEN = Path(__file__).with_name("block.md")
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"
RUN = Provenance(
    run_id="0123456789ab",
    commit="abcdef012345",
    is_dirty=True,
    settings="5" * 64,
    data="d" * 64,
    date="2026-01-02",
    machine="a machine, 2 cores",
    is_full=True,
    indexed=1000,
    bytes_by_tier={"database": 20_480_000, "hot/hashes": 600_000},
)


def _result(kind: str, group: str, picture: str, verdict: str = "", **more) -> Result:
    seen = Seen(picture, verdict, "close copy", 40, 0.9) if verdict else None
    bits = 8 if verdict == "confirmed" else 30
    return Result(
        task=Task(kind, group, picture, more.pop("indexed", 0)),
        outcome=verdict or "none",
        others=more.pop("others", Others(compared=4)),
        pairs=99,
        prepare_ms=40.0,
        match_ms=more.pop("match_ms", 160.0),
        true=seen,
        peers={name: (bits if kind == RECALL else None, more.get("nearest", 26)) for name in PEERS},
        peers_ms=dict.fromkeys(PEERS, 12.5) | {"crop-resistant": 250.0},
        hidden=Others(compared=50) if kind == RECALL else None,
        crop_resistant=(True, 2, 100) if picture == "b" else None,
    )


@pytest.fixture
def results() -> list[Result]:
    wrong = Others(1, (Seen("x", "confirmed", "altered copy", 50, 0.5),))
    return [
        *(_result(RECALL, "identity", picture, "confirmed", match_ms=20.0) for picture in "abcd"),
        *(_result(RECALL, "mirror", picture, "confirmed") for picture in "ab"),
        _result(RECALL, "mirror", "c", "possible"),
        _result(RECALL, "mirror", "d"),
        _result(STRANGER, "not indexed", "s"),
        _result(TEMPLATE, "meme-frame", "t", indexed=1),
        _result(TEMPLATE, "meme-frame", "t", indexed=2, others=wrong, nearest=5),
        _result(COPY, "meme-frame", "0", "confirmed", indexed=1),
        _result(BACKGROUND, "10 %, same shape", "0+1", indexed=1),
    ]


def test_the_block_is_written_as_it_was(results) -> None:
    text = block(summary(results, ("identity", "mirror"), frozenset({"d"})), RUN)
    assert text + "\n" == GOLDEN.read_text("utf-8")


def test_a_small_run_says_that_it_is_one(results) -> None:
    from dataclasses import replace

    counted = summary(results, ("identity", "mirror"), frozenset())
    assert "not published" in block(counted, replace(RUN, is_full=False))
    assert "not published" not in block(counted, RUN)


def test_a_peer_with_a_wrong_picture_at_distance_nought_has_no_radius(results) -> None:
    results.append(_result(STRANGER, "not indexed", "z", nearest=0))
    assert all(peer.photographs.radius is None for peer in summary(results, ("identity",), frozenset()).peers)


def test_only_the_part_between_the_marks_changes(tmp_path) -> None:
    document = tmp_path / "accuracy.md"
    document.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    rewrite(document, "new")
    rewrite(document, "newer")
    assert document.read_text("utf-8") == f"# Before\n\n{BEGIN}\n\nnewer\n\n{END}\n\nafter\n"


@pytest.mark.parametrize("text", ["no marks", f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}"])
def test_a_document_without_its_marks_is_left_alone(tmp_path, text) -> None:
    document = tmp_path / "accuracy.md"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="marks"):
        rewrite(document, "new")
    assert document.read_text("utf-8") == text


def test_the_published_document_has_its_marks() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
