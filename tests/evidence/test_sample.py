"""A sample in a package: the list beside it, the draw made again by the verifier that travels along."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clonedetect.analysis.sampling import draw
from clonedetect.errors import IncompleteError, VerificationError
from clonedetect.evidence.verify import verify
from clonedetect.models.ids import digest_of
from tests.evidence.conftest import ACTS, PAGE
from tests.evidence.test_verify import reseal

LISTED = (PAGE, *(f"http://clone.example/p/{number}" for number in range(8)))
SAMPLE, FRAME = draw(LISTED, "7", 4, now=datetime(2026, 11, 2, tzinfo=UTC))
ACT = ("sample_drawn", f"{SAMPLE.frame_digest} 4 of 9 seed 7")


@pytest.fixture
def sampled(case):
    case.put(FRAME)
    case.write_custody([ACTS[0], ACT, *ACTS[1:]])
    case.change(sample=SAMPLE)
    return case


def checked(package) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {check.name: (check.result.value, check.notes) for check in verify(package).checks}


def test_a_package_holds_sample_and_list_by_the_schema(sampled, tmp_path) -> None:
    sampled.export(tmp_path / "out")
    told = json.loads((tmp_path / "out/data/sample.json").read_bytes())
    assert set(told) == set(
        json.loads((tmp_path / "out/schemas/sample.schema.json").read_bytes())["required"]
    )
    assert (tmp_path / "out" / told["frame"]).read_bytes() == FRAME
    assert checked(tmp_path / "out")["sample"] == ("passed", ())


def test_the_command_that_the_instructions_give_draws_the_same(sampled, tmp_path) -> None:
    sampled.export(tmp_path / "out")
    told = json.loads((tmp_path / "out/data/sample.json").read_bytes())
    (line,) = [
        line.strip()
        for line in (tmp_path / "out/VERIFY.md").read_text().splitlines()
        if line.strip().startswith("while read -r url")
    ]
    command = line.replace("SEED", "7").replace("LIST", str(tmp_path / "out" / told["frame"]))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert [one.split()[1] for one in done.stdout.splitlines()][:4] == told["drawn"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            {"drawn": ["http://clone.example/p/1"] * 4},
            "the drawn addresses are not those that seed and list give",
        ),
        ({"seed": "8"}, "data/sample.json is not the sample that custody names"),
        ({"frame_size": 8}, "the list holds 9 addresses, not as many different ones as said"),
    ],
)
def test_a_sample_that_was_chosen_by_hand_is_found_though_all_was_sealed_anew(
    sampled, tmp_path, change, note
) -> None:
    sampled.export(tmp_path / "out")
    path = tmp_path / "out/data/sample.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    reseal(tmp_path / "out", None)
    result, notes = checked(tmp_path / "out")["sample"]
    assert result == "failed"
    assert note in notes


def test_a_sample_that_custody_names_may_not_be_left_out(sampled, tmp_path) -> None:
    sampled.export(tmp_path / "out")
    (tmp_path / "out/data/sample.json").unlink()
    reseal(tmp_path / "out", None)
    assert checked(tmp_path / "out")["sample"] == (
        "missing",
        ("data/sample.json is missing: custody says that a sample was drawn",),
    )


def test_the_shipped_verifier_alone_finds_it_too(sampled, tmp_path) -> None:
    sampled.export(tmp_path / "out")
    assert subprocess.call([sys.executable, tmp_path / "out/verify.py"], stdout=subprocess.DEVNULL) == 0
    path = tmp_path / "out/data/sample.json"
    path.write_text(path.read_text().replace('"7"', '"8"'))
    reseal(tmp_path / "out", None)
    assert subprocess.call([sys.executable, tmp_path / "out/verify.py"], stdout=subprocess.DEVNULL) == 1


def test_a_package_without_a_sample_is_as_before(case, tmp_path) -> None:
    case.export(tmp_path / "out")
    assert not (tmp_path / "out/data/sample.json").exists()
    assert checked(tmp_path / "out")["sample"] == ("passed", ())


def test_a_case_that_lost_its_list_makes_no_package(sampled, tmp_path) -> None:
    digest = SAMPLE.frame_digest.removeprefix("sha256:")
    (sampled.folder / "objects" / digest[:2] / digest).unlink()
    with pytest.raises(IncompleteError, match="the list that a sample was drawn from, is missing"):
        sampled.export(tmp_path / "out")


def test_a_case_whose_sample_is_another_makes_no_package(sampled, tmp_path) -> None:
    sampled.change(sample=replace(SAMPLE, drawn=SAMPLE.drawn[::-1]))
    with pytest.raises(VerificationError, match="not those that seed and list give"):
        sampled.export(tmp_path / "out")
    assert digest_of(FRAME) == SAMPLE.frame_digest
