"""Whole imports: true pictures and captions, hashed by the true signals in worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from clonedetect.cli.index import index
from clonedetect.errors import InputError, LockedError
from clonedetect.index.importers import SourceFormat
from clonedetect.index.store import IndexStore
from clonedetect.jobs.hashing import HashedItem, HashingPool, Unusable, hash_item
from clonedetect.jobs.indexing import Progress, add_sources, index_algorithms, index_stats, verify_index
from clonedetect.models.ids import ItemId, digest_of
from clonedetect.models.item import Item, Media, MediaKind, Visibility

Library = Any  # conftest's, which cannot be imported by name


def draw_picture(path: Path, seed: int) -> Path:
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(small, (400, 300), interpolation=cv2.INTER_CUBIC))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six good rows of pictures, captions and a bare hash, and three bad ones on lines 3, 6 and 9."""
    folder = tmp_path / "platform"
    good = [
        {
            "item_id": f"p{n}",
            "account_id": f"a{n % 2}",
            "caption": f"The {n}th boat came home before the storm, with lamps lit and nobody on deck",
            "media": [
                {"path": draw_picture(folder / "media" / f"{n}.jpg", n).relative_to(folder).as_posix()}
            ],
        }
        for n in range(4)
    ]
    (folder / "media" / "broken.jpg").write_bytes((folder / "media" / "0.jpg").read_bytes()[:200])
    rows = [
        good[0],
        good[1],
        {"item_id": "torn", "media": [{"path": "media/broken.jpg"}]},
        good[2],
        {"item_id": "words", "account_id": "a9", "caption": "Words alone, and enough of them to be found by"},
        {"item_id": "p1", "caption": "the same id again"},
        good[3],
        {"item_id": "bare", "media": [{"pdq": "0f" * 32}]},
        {"item_id": "false", "media": [{"path": "media/0.jpg", "sha256": "00" * 32}]},
    ]
    path = folder / "posts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(index, [str(argument) for argument in arguments])


def test_an_import_puts_good_rows_in_and_refuses_bad_ones_by_line(tmp_path: Path, source: Path) -> None:
    steps: list[Progress] = []
    result = add_sources(tmp_path / "index", [source], on_progress=steps.append, workers=2)
    assert (result.added, result.updated, result.unchanged, result.refused) == (6, 0, 0, 3)
    assert result.items == 6
    assert [(refusal.source, refusal.line) for refusal in result.refusals] == [
        (str(source), 3),
        (str(source), 6),
        (str(source), 9),
    ]
    reasons = [refusal.reason for refusal in result.refusals]
    assert "broken.jpg" in reasons[0]
    assert f"item p1 was already given by {source}, line 2" in reasons[1]
    assert "its row says sha256:0000" in reasons[2]
    assert (steps[-1].rows, steps[-1].share) == (9, 1.0)
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    with IndexStore.open(tmp_path / "index", algorithms=index_algorithms()) as store:
        assert list(store.item_ids()) == ["bare", "p0", "p1", "p2", "p3", "words"]
        found = store.item(ItemId("p0"))
        assert found is not None
        assert found.media[0].digest == digest_of((source.parent / "media" / "0.jpg").read_bytes())
    assert verify_index(tmp_path / "index", read_files=True).faults == ()


def test_the_same_source_twice_changes_nothing_and_an_edit_updates(tmp_path: Path, source: Path) -> None:
    add_sources(tmp_path / "index", [source], workers=1)
    before = index_stats(tmp_path / "index")
    again = add_sources(tmp_path / "index", [source], workers=1)
    assert (again.added, again.updated, again.unchanged, again.refused) == (0, 0, 6, 3)
    after = index_stats(tmp_path / "index")
    assert (after.generation, after.snapshot_id, after.refused) == (before.generation, before.snapshot_id, 3)
    source.write_text(source.read_text().replace("The 2th boat", "The second boat"))
    draw_picture(source.parent / "media" / "3.jpg", 33)
    edited = add_sources(tmp_path / "index", [source], workers=1)
    assert (edited.added, edited.updated, edited.unchanged) == (0, 2, 4)
    assert verify_index(tmp_path / "index", read_files=True).faults == ()


def test_folders_and_tables_go_in_together_and_videos_are_kept(tmp_path: Path, source: Path) -> None:
    (source.parent / "media" / "film.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(500))
    table = tmp_path / "posts.csv"
    table.write_text("item_id,caption,visibility\nt1,hello there,\nt2,only for us,followers\n")
    result = add_sources(
        tmp_path / "index", [source.parent / "media", table], admit={Visibility.FOLLOWERS}, workers=2
    )
    assert (result.added, result.refused) == (7, 1)
    assert result.refusals[0].source == str(source.parent / "media" / "broken.jpg")
    assert result.refusals[0].line is None
    found = index_stats(tmp_path / "index")
    assert (found.pictures, found.videos, found.captions) == (4, 1, 2)
    assert found.visibility == {"public": 6, "followers": 1}
    with IndexStore.open(tmp_path / "index") as store:
        video = store.item(ItemId("film.mp4"))
        assert video is not None
        assert video.media[0].digest == digest_of((source.parent / "media" / "film.mp4").read_bytes())


def test_a_source_that_is_none_stops_before_anything_is_written(tmp_path: Path, source: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        add_sources(tmp_path / "index", [source, tmp_path / "none.csv"])
    with pytest.raises(InputError, match="is not a source of format jsonl"):
        add_sources(tmp_path / "index", [source.parent], source_format=SourceFormat.JSONL)
    assert not (tmp_path / "index").exists()


def test_a_second_import_at_the_same_time_is_refused(tmp_path: Path, source: Path) -> None:
    with (
        IndexStore.open_or_create(tmp_path / "index", algorithms=index_algorithms()),
        pytest.raises(LockedError, match=str(os.getpid())),
    ):
        add_sources(tmp_path / "index", [source])


# -- workers that die ---------------------------------------------------------------------------------------


def hash_or_die(item: Item) -> HashedItem | Unusable:
    """Stand in for a decoder that some files crash."""
    if item.item_id.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return HashedItem(item, (None,), None)


def test_a_worker_that_dies_costs_its_own_item_alone(tmp_path: Path) -> None:
    ids = ["a", "b", "deadly-1", "c", "deadly-2", "d", "e"]
    tasks = [(name, Item(ItemId(name), media=(Media(path=f"/{name}.jpg"),))) for name in ids]
    with HashingPool[str](2, hasher=hash_or_die) as pool:
        outcomes = dict(pool.run([*tasks, ("nothing", None)]))
    assert list(outcomes) == [*ids, "nothing"]
    refused = {name: outcome.reason for name, outcome in outcomes.items() if isinstance(outcome, Unusable)}
    assert list(refused) == ["deadly-1", "deadly-2"]
    assert "decoding /deadly-1.jpg ended its process" in refused["deadly-1"]
    assert all(isinstance(outcomes[name], HashedItem) for name in ids if not name.startswith("deadly"))


def test_processes_that_cannot_start_are_no_fault_of_the_file(tmp_path: Path, library: Library) -> None:
    """A script without a main guard starts itself again in each worker, and fails there."""
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom clonedetect.jobs.indexing import add_sources\n"
        "add_sources(Path(sys.argv[1]), [Path(sys.argv[2])], workers=1)\n"
    )
    library.picture(1)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "index"), str(library.folder)],
        capture_output=True, text=True, env={"PYTHONPATH": root}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "DependencyError: no hashing process starts" in done.stderr
    with IndexStore.open(tmp_path / "index") as store:
        assert store.count() == 0


def test_text_alone_starts_no_process() -> None:
    with HashingPool[int](1) as pool:
        item = Item(ItemId("x"), caption="words alone")
        ((_, outcome),) = pool.run([(1, item)])
        assert pool._pool is None
    assert isinstance(outcome, HashedItem)
    assert outcome.text is not None


def test_what_cannot_be_hashed_says_why(tmp_path: Path) -> None:
    for media, expected in (
        (Media(path=str(tmp_path / "none.jpg")), "none.jpg"),
        (Media(path=str(tmp_path)), "directory"),
        (
            Media(kind=MediaKind.VIDEO, path=str(draw_picture(tmp_path / "v.png", 1)), digest=digest_of(b"")),
            "row says",
        ),
    ):
        outcome = hash_item(Item(ItemId("x"), media=(media,)))
        assert isinstance(outcome, Unusable)
        assert expected in outcome.reason


# -- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, source: Path) -> Path:
    add_sources(tmp_path / "index", [source], workers=1)
    return tmp_path / "index"


def test_add_prints_exactly_the_documented_object(tmp_path: Path, source: Path) -> None:
    done = run("add", tmp_path / "index", source, "--json", "--workers", "1")
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert list(printed) == ["added", "updated", "unchanged", "refused", "refusals", "items", "seconds"]
    assert printed["refusals"][1] == {
        "source": str(source),
        "line": 6,
        "reason": f"item p1 was already given by {source}, line 2 in this import",
    }
    assert run("add", tmp_path / "index", source, "--strict", "--quiet").exit_code == 3


def test_add_ends_with_3_when_nothing_was_usable(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"item_id": "1"}\n')
    done = run("add", tmp_path / "index", tmp_path / "bad.jsonl")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["refused"] == 1
    assert run("add", tmp_path / "index", tmp_path / "none.jsonl").exit_code == 3
    assert run("add", tmp_path / "index", tmp_path / "bad.jsonl", "--admit", "friends").exit_code == 2
    assert run("add", tmp_path / "index").exit_code == 2


def test_stats_remove_and_verify(built: Path, tmp_path: Path) -> None:
    printed = json.loads(run("stats", built, "--json").stdout)
    assert (printed["items"], printed["accounts"], printed["pictures"], printed["hash_only"]) == (6, 3, 4, 1)
    assert len(printed["signals"]) == len(index_algorithms())
    (tmp_path / "gone.txt").write_text("p0\n\nwords\n")
    done = run("remove", built, "p1", f"@{tmp_path / 'gone.txt'}", "--json")
    assert (done.exit_code, json.loads(done.stdout)["removed"]) == (0, ["p1", "p0", "words"])
    done = run("remove", built, "p1", "stranger")
    assert done.exit_code == 3
    assert json.loads(done.stdout) == {"removed": [], "gone_before": ["p1"], "unknown": ["stranger"]}
    assert run("remove", built, f"@{tmp_path / 'none.txt'}").exit_code == 3
    sound = run("verify", built, "--files", "--json")
    assert (sound.exit_code, json.loads(sound.stdout)["faults"]) == (0, [])
    with IndexStore.open(built, writable=True) as store:
        store.db.execute("UPDATE hashes SET bits = zeroblob(length(bits))")
    broken = run("verify", built)
    assert broken.exit_code == 6
    assert len(json.loads(broken.stdout)["faults"]) == 3


def test_add_makes_the_signals_that_the_settings_name(tmp_path: Path, source: Path) -> None:
    (tmp_path / "chosen.toml").write_text('[signals]\nactive = ["block-mean"]\n')
    chosen = ("--settings", tmp_path / "chosen.toml")
    assert run("add", tmp_path / "index", source, *chosen, "--quiet").exit_code == 0
    assert run("add", tmp_path / "index", source, "--quiet").exit_code == 3
    (tmp_path / "chosen.toml").rename(tmp_path / "index" / "settings.toml")
    assert run("add", tmp_path / "index", source, "--quiet").exit_code == 0
    found = index_stats(tmp_path / "index")
    assert found.signals["block-mean/1(16 x 16 blocks, median)"] == found.pictures == 4
    (tmp_path / "index" / "settings.toml").write_text("[signals]\nactive = 1\n")
    assert run("add", tmp_path / "index", source).exit_code == 3


def test_tables_are_for_people(built: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clonedetect.cli.index.wants_json", lambda as_json: as_json)
    added = run("add", built, source)
    assert "unchanged" in added.output
    assert f"refused: {source}, line 3:" in added.output
    assert added.output.splitlines()[-1] == "3 rows were refused; correct them and run it again"
    stats = run("stats", built)
    assert "visibility public" in stats.output
    assert "signals" not in stats.output
    assert "signals pdq/" in run("stats", built, "--verbose").output
    with IndexStore.open(built) as store:
        assert stats.output.splitlines()[-1] == f"snapshot {store.snapshot().snapshot_id}"
    assert max(map(len, stats.output.splitlines()[:-1])) <= 80
    assert run("add", built, source, "--quiet").output == ""
    assert "1 removed" in run("remove", built, "p0").output
    assert "sound" in run("verify", built).output
    with IndexStore.open(built, writable=True) as store:
        store.db.execute("UPDATE hashes SET bits = zeroblob(length(bits))")
    assert "fault: item" in run("verify", built).output


def test_an_index_is_for_its_owners_eyes(built: Path) -> None:
    assert built.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in built.iterdir() if path.is_file()}
    assert modes["index.db"] == 0o600
    assert set(modes.values()) == {0o600}
