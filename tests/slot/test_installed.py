"""Signals of installed packages: named, loaded, indexed and asked as an operator would do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import skimage
from PIL import Image

from clonedetect.errors import DependencyError, UsageError
from clonedetect.jobs.hashing import HashedItem, Unusable, hash_item
from clonedetect.jobs.slotting import named_signals
from clonedetect.models.ids import ItemId
from clonedetect.models.item import Item, Media
from clonedetect.models.slot import Signal
from clonedetect.signals.slot import BUILT_IN
from tests.slot.network import onnx_file

DATA = Path(skimage.__file__).parent / "data"
NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
MODULE = """
from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import Distance, Signal
def made(name):
    return Signal(Algorithm(name, 1, ""), lambda frame: bytes(8), 8, Distance.COSINE, radius=1)
def good(): return made("good")
def other_name(): return made("another")
def no_signal(): return "good"
def fails(): raise OSError("weights are missing")
not_callable = made("good")
"""


def offered(folder: Path, package: str, points: dict[str, str]) -> None:
    """Lay down an installed distribution: its module, its metadata, its entry points."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(MODULE)
    info = folder / f"{module}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.1\n")
    lines = "".join(f"{name} = {module}:{function}\n" for name, function in points.items())
    (info / "entry_points.txt").write_text(f"[clonedetect.signals]\n{lines}")


def test_an_installed_signal_is_loaded_by_its_name(on_path: Path) -> None:
    (signal,) = named_signals(("tiny-picture",))
    assert isinstance(signal, Signal)
    assert (signal.name, signal.size_bytes) == ("tiny-picture", 256)
    assert named_signals(("gradients", "tiny-picture")) == (BUILT_IN[1], signal)


def test_nothing_is_loaded_that_is_not_named(on_path: Path) -> None:
    assert named_signals(()) == ()
    assert named_signals(("block-mean",)) == BUILT_IN[:1]
    assert "acme_signals" not in sys.modules


def test_the_weights_are_part_of_what_an_index_is_made_with(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clonedetect.jobs import slotting

    made = []
    for seed in (1, 2):
        (tmp_path / f"{seed}.onnx").write_bytes(onnx_file(seed))
        monkeypatch.setenv("ACME_NETWORK", str(tmp_path / f"{seed}.onnx"))
        slotting._named.cache_clear()
        made += named_signals(("own-network",))
    assert made[0].stored.specification != made[1].stored.specification


@pytest.mark.parametrize(
    ("names", "error", "told"),
    [
        (
            ("absent",),
            UsageError,
            r"'absent', which nothing installed offers \(there are: .*block-mean.*good",
        ),
        (("good", "good"), UsageError, "names good twice"),
        (("other-name",), DependencyError, "other-name of broken 2.1 calls itself another"),
        (("no-signal",), DependencyError, "returned a str, not a Signal"),
        (("fails",), DependencyError, r"cannot be made \(OSError: weights are missing\); mend it"),
        (("not-callable",), DependencyError, r"cannot be made \(TypeError: 'Signal' object is not callable"),
        (("nowhere",), DependencyError, r"cannot be made \(AttributeError"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_used_is_told_by_name(
    names: tuple[str, ...],
    error: type[Exception],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = {name: name.replace("-", "_") for name in ("good", "other-name", "no-signal", "fails")}
    offered(tmp_path, "broken", points | {"not-callable": "not_callable", "nowhere": "nowhere"})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(error, match=told):
        named_signals(names)


@pytest.mark.parametrize("name", ["good-twice", "block-mean"])
def test_a_name_that_several_offer_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(tmp_path, "one", {name: "good"})
    if name != "block-mean":
        offered(tmp_path, "two", {name: "good"})
    monkeypatch.syspath_prepend(str(tmp_path))
    from clonedetect.jobs import slotting

    slotting._named.cache_clear()
    with pytest.raises(UsageError, match=rf"several offer a signal {name}: .*one 2\.1"):
        named_signals((name,))


def test_a_picture_on_which_a_signal_fails_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(tmp_path, "unsized", {"bad-size": "bad_size"})
    with (tmp_path / "unsized.py").open("a") as module:
        module.write("def bad_size():\n    from dataclasses import replace\n")
        module.write("    return replace(made('bad-size'), of=lambda frame: bytes(len(frame) % 7))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    item = Item(ItemId("1"), media=(Media(path=str(DATA / "coffee.png")),))
    outcome = hash_item(item, ("bad-size",))
    assert isinstance(outcome, Unusable)
    assert outcome.reason.startswith(f"{DATA / 'coffee.png'}: the signal bad-size returned ")
    assert isinstance(hash_item(item), HashedItem)


@pytest.fixture
def case(tmp_path: Path, installed: Path):
    """Four photographs to be indexed, an altered one to be asked about, and the installed command."""
    (tmp_path / "ours").mkdir()
    for name in NAMES:
        (tmp_path / "ours" / name).write_bytes((DATA / name).read_bytes())
    with Image.open(DATA / "coffee.png") as picture:
        wide, high = picture.size
        cropped = picture.convert("RGB").crop((wide // 8, high // 10, wide - wide // 9, high - high // 12))
        cropped.rotate(4, expand=False).resize((500, 330)).save(tmp_path / "suspect.jpg", quality=70)
    (tmp_path / "weights.onnx").write_bytes(onnx_file(1))
    (tmp_path / "index").mkdir()

    def run(*words: object, weights: str = "weights.onnx") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "clonedetect", *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(installed), "ACME_NETWORK": str(tmp_path / weights)},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return run


def settings(folder: Path, *names: str) -> None:
    (folder / "settings.toml").write_text(f"[signals]\nactive = {json.dumps(names)}\n")


@pytest.mark.end_to_end
def test_a_network_of_the_operators_own_goes_through_the_whole_program(case, tmp_path: Path) -> None:
    index = tmp_path / "index"
    settings(index, "own-network", "tiny-picture")
    added = case("index", "add", index, tmp_path / "ours", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["added"] == 4
    counts = json.loads(case("index", "stats", index, "--json").stdout)["signals"]
    assert counts["tiny-picture/1(16 x 16)"] == 4
    assert [count for name, count in counts.items() if name.startswith("own-network/1(weights=")] == [4]
    assert json.loads(case("index", "verify", index, "--json").stdout)["checked"]["signals"] == 8
    found = case("match", index, tmp_path / "suspect.jpg", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["item_id"] == "coffee.png"
    (tmp_path / "other.onnx").write_bytes(onnx_file(2))
    refused = case("match", index, tmp_path / "suspect.jpg", weights="other.onnx")
    assert refused.returncode == 3
    assert "own-network as made by cosine of 512 bytes: own-network/1(weights=" in refused.stderr
    settings(index, "absent")
    refused = case("match", index, tmp_path / "suspect.jpg")
    assert refused.returncode == 2
    assert "own-network" in refused.stderr
    settings(index)
    assert case("match", index, tmp_path / "suspect.jpg").returncode == 0
    refused = case("index", "add", index, tmp_path / "ours")
    assert refused.returncode == 3
    assert 'Name it: [signals] active = ["own-network"]' in refused.stderr


@pytest.mark.end_to_end
def test_a_network_that_does_not_load_is_told_before_anything_is_written(case, tmp_path: Path) -> None:
    settings(tmp_path / "index", "own-network")
    (tmp_path / "weights.onnx").write_bytes(onnx_file(1)[:-2000])
    added = case("index", "add", tmp_path / "index", tmp_path / "ours", "--json")
    assert added.returncode == 5
    assert "the signal own-network of acme-signals 1.0 cannot be made" in added.stderr
    assert not (tmp_path / "index" / "index.db").exists()
