"""A package whose records leave bodies to earlier ones proves the same, and says where one is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from clonedetect.archive.record import build_member, field_of
from clonedetect.archive.warc import iterate
from clonedetect.evidence.verify import verify
from tests.jobs.playground import command, copy_page, recompressed, standing

ROOT = "http://clone.example/"
IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


@pytest.fixture
def package(serve, scene, platform, tmp_path):
    """Two pages that show one copied picture under two addresses, scanned and exported."""
    picture = (200, "image/jpeg", recompressed(platform.picture("p-1001")))
    pages = {f"{ROOT}p/{n}": copy_page("p-1001", f"/{n}.jpg", caption="") for n in (1, 2)}
    arranged = scene(serve({**pages, f"{ROOT}1.jpg": picture, f"{ROOT}2.jpg": picture}))
    for page in pages:  # one after the other: what ends together is recorded before either is held
        assert arranged.scan(page, "--json").code == 0
    assert {row[0] for row in standing(arranged.case).values()} == {"confirmed"}
    assert command("export", arranged.case, tmp_path / "package").code == 0
    return tmp_path / "package"


def test_it_verifies_as_a_whole_with_both_verifiers(package):
    assert verify(package).exit_code == 0
    ended = subprocess.run([sys.executable, "-I", "verify.py"], cwd=package, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout
    warc = package / "data/capture.warc.gz"
    assert [field_of(one.header, "WARC-Profile") for one in iterate(warc)].count(IDENTICAL) == 1
    matches = map(json.loads, (package / "data/matches.jsonl").read_text("utf-8").splitlines())
    assert len({match["record_id"] for match in matches}) == 2


@pytest.mark.parametrize("change", ["another", "nobody"])
def test_a_reference_that_leads_elsewhere_is_noticed(package, change):
    warc = package / "data/capture.warc.gz"
    records = list(iterate(warc))
    other = next(one for one in records if field_of(one.header, "WARC-Type") == "response")
    target = field_of(other.header, "WARC-Record-ID") if change == "another" else "<urn:uuid:0>"
    data = b""
    for one in records:
        fields = [pair for pair in one.header if pair[0] != "Content-Length"]
        if field_of(one.header, "WARC-Profile") == IDENTICAL:
            fields = [(name, target if name == "WARC-Refers-To" else value) for name, value in fields]
        data += build_member(tuple(fields), one.block)
    warc.write_bytes(data)
    report = verify(package)
    assert report.exit_code != 0
    (records_check,) = [check for check in report.checks if check.name == "records"]
    expected = "says that" if change == "another" else "which holds the body of"
    assert any(expected in note for note in records_check.notes)
