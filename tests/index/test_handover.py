"""An index handed over as hashes: what goes out, what does not, and what the other side finds with it."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from clonedetect.cli.index import index
from clonedetect.cli.match import match
from clonedetect.errors import InputError
from clonedetect.index.importers import (
    RefusedRow,
    SkippedRow,
    SourceFormat,
    SourceRow,
    read_source,
    recognise,
)
from clonedetect.index.store import IndexStore
from clonedetect.jobs.handing_over import export_hashes
from clonedetect.jobs.indexing import add_sources, index_stats, verify_index
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Visibility
from clonedetect.models.signal import Algorithm
from clonedetect.signals.views import PDQ

CAPTION = "The boats came home before the storm, with lamps lit and nobody on deck"
KEY = b"0123456789abcdef0123456789abcdef"


def run(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def built(tmp_path: Path) -> Path:
    small = np.random.default_rng(5).integers(0, 256, (9, 12, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "p.png"), cv2.resize(small, (400, 300), interpolation=cv2.INTER_CUBIC))
    rows = [
        {
            "item_id": "both",
            "account_id": "acc-secret",
            "handle": "secret_handle",
            "permalink": "https://p.example/secret-address",
            "caption": CAPTION,
            "minor": True,
            "canary": True,
            "allowed_domains": ["press.example"],
            "media": [{"path": "p.png", "url": "https://cdn.example/secret-url"}],
        },
        {"item_id": "words", "handle": "secret_handle", "caption": CAPTION + " again"},
        {"item_id": "closed", "visibility": "followers", "media": [{"pdq": "0f" * 32}]},
    ]
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    add_sources(tmp_path / "index", [tmp_path / "posts.jsonl"], admit={Visibility.FOLLOWERS}, workers=1)
    return tmp_path / "index"


def exported(built: Path, out: Path, key: bytes | None = None) -> dict[str, dict[str, object]]:
    key_file = None
    if key is not None:
        key_file = out.with_suffix(".key")
        key_file.write_bytes(key + b"\n")
    assert export_hashes(built, out, key_file=key_file) == 3
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return {line["item_id"]: line for line in lines}


def test_no_picture_word_handle_or_address_goes_out(built: Path, tmp_path: Path) -> None:
    exported(built, tmp_path / "out.jsonl", KEY)
    text = (tmp_path / "out.jsonl").read_text()
    for hidden in ("secret", "boats", "p.png", "example/"):
        assert hidden not in text
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600


def test_a_line_holds_what_the_index_stores_with_the_names_of_its_algorithms(
    built: Path, tmp_path: Path
) -> None:
    both = exported(built, tmp_path / "out.jsonl")["both"]
    assert both["schema"] == "clonedetect.hashes/1"
    assert both["algorithms"]["views"] == str(PDQ)
    assert (both["minor"], both["canary"], both["allowed_domains"]) == (True, True, ["press.example"])
    with IndexStore.open(built) as store:
        bits = store.db.execute("SELECT bits FROM hashes JOIN media USING (media_id) WHERE item_id = 'both'")
        assert "".join(view["pdq"] for view in both["media"][0]["views"]) == bits.fetchone()[0].hex()
        row = store.db.execute(
            "SELECT exact, fingerprints, minhash FROM texts WHERE item_id = 'both'"
        ).fetchone()
    assert both["text"] == {"exact": row[0], "grams": row[1].hex(), "minhash": row[2].hex()}


def test_accounts_are_named_under_the_key_and_not_at_all_without(built: Path, tmp_path: Path) -> None:
    keyed = exported(built, tmp_path / "keyed.jsonl", KEY)
    expected = hmac.new(KEY, b"acc-secret", hashlib.sha256).hexdigest()
    assert keyed["both"]["account"] == f"hmac-sha256:{expected}"
    assert keyed["words"]["account"] != keyed["both"]["account"]
    assert {line["account"] for line in exported(built, tmp_path / "bare.jsonl").values()} == {None}
    with pytest.raises(InputError, match="at least 16 bytes"):
        exported(built, tmp_path / "short.jsonl", b"short")
    assert not (tmp_path / "short.jsonl").exists()


def test_what_was_handed_over_finds_pictures_as_possible_and_never_more(built: Path, tmp_path: Path) -> None:
    exported(built, tmp_path / "out.jsonl", KEY)
    assert recognise(tmp_path / "out.jsonl") is SourceFormat.HASHES
    result = add_sources(tmp_path / "other", [tmp_path / "out.jsonl"], workers=1)
    assert (result.added, result.refused, [skip.count for skip in result.skipped]) == (1, 1, [1])
    assert "item closed was never public (followers)" in result.refusals[0].reason
    with IndexStore.open(tmp_path / "other") as store, IndexStore.open(built) as origin:
        query = "SELECT views, bits FROM hashes JOIN media USING (media_id) WHERE item_id = 'both'"
        assert store.db.execute(query).fetchone() == origin.db.execute(query).fetchone()
        item = store.item(ItemId("both"))
        assert item is not None
        assert (item.minor, item.canary, item.caption) == (True, True, None)
    stats = index_stats(tmp_path / "other")
    assert (stats.hash_only, stats.captions, stats.minors, stats.canaries) == (1, 0, 1, 1)
    assert verify_index(tmp_path / "other").faults == ()
    smaller = tmp_path / "copy.jpg"
    pixels = cv2.imread(str(tmp_path / "p.png"))
    assert pixels is not None
    assert cv2.imwrite(str(smaller), cv2.resize(pixels, (300, 225)))
    found = [
        json.loads(line) for line in run(match, tmp_path / "other", smaller, "--json").stdout.splitlines()
    ]
    assert [(line["item_id"], line["verdict"]) for line in found] == [("both", "possible")]


def test_lines_of_others_and_broken_ones_are_refused_by_line(built: Path, tmp_path: Path) -> None:
    both = exported(built, tmp_path / "out.jsonl")["both"]
    lines = [
        both | {"algorithms": {"views": "other-hash/1"}},
        both | {"schema": "clonedetect.hashes/2"},
        both | {"caption": "x"},
        both,
    ]
    text = "\n".join([*(json.dumps(line) for line in lines), "", "{"])
    (tmp_path / "in.jsonl").write_text(text.replace("other-hash/1", str(Algorithm("other", 1, ""))))
    rows = list(read_source(tmp_path / "in.jsonl", SourceFormat.HASHES, views=PDQ))
    assert [(row.line, row.item.item_id) for row in rows if isinstance(row, SourceRow)] == [(4, "both")]
    reasons = {row.line: row.reason for row in rows if isinstance(row, RefusedRow)}
    assert list(reasons) == [1, 2, 3, 6]
    assert "they do not compare" in reasons[1]
    assert "schema" in reasons[2]
    assert "caption" in reasons[3]
    assert not [row for row in rows if isinstance(row, SkippedRow)]


def test_the_command_says_how_many_and_replaces_no_file(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = run(index, "export", built, out, "--hashes-only", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"items": 3, "out": str(out)})
    before = out.read_bytes()
    assert run(index, "export", built, out, "--hashes-only").exit_code == 3
    assert out.read_bytes() == before
    assert run(index, "export", built, tmp_path / "b.jsonl").exit_code == 2
    assert run(index, "export", built, tmp_path / "no" / "b", "--hashes-only").exit_code == 3
    missing = run(index, "export", built, tmp_path / "c", "--hashes-only", "--hmac-key", tmp_path / "none")
    assert missing.exit_code == 3
    assert sorted(path.name for path in tmp_path.glob("*.partial")) == []


def test_add_takes_media_and_prints_what_was_passed_over(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "fixtures" / "imports"
    source, media = folder / "pixelfed" / "statuses.json", folder / "pixelfed" / "media"
    done = run(index, "add", tmp_path / "index", source, "--media", media, "--json", "--workers", "1")
    printed = json.loads(done.stdout)
    assert (printed["added"], printed["refused"], printed["skipped"][0]["count"]) == (2, 2, 1)
