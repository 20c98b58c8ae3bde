"""The rehearsal's package: accepted by others' tools, and by nobody once a byte has changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from clonedetect.evidence.verify import verify
from tests.end_to_end.rehearsed import WARCIO, Played

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600), pytest.mark.xdist_group("rehearsal")]


def _files(package: Path) -> list[Path]:
    return sorted(path.relative_to(package) for path in package.rglob("*") if path.is_file())


def test_one_flipped_byte_in_any_file_is_told(played: Played, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(played.rehearsal.package, package)
    assert verify(package).exit_code == 0
    told = {}
    for name in _files(package):
        path = package / name
        data = path.read_bytes()
        middle = len(data) // 2
        flipped = bytes([data[middle] ^ 1]) if data else b"\n"
        path.write_bytes(data[:middle] + flipped + data[middle + 1 :])
        told[str(name)] = int(verify(package).exit_code)
        path.write_bytes(data)
    assert [name for name, code in told.items() if code not in (6, 7)] == []


def test_warcio_reads_and_checks_the_archive(played: Played) -> None:
    for archive in sorted(played.rehearsal.package.rglob("*.warc.gz")):
        ended = subprocess.run([WARCIO, "check", "-v", archive], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_bagit_accepts_the_bag(played: Played) -> None:
    import bagit  # type: ignore[import-untyped]

    assert bagit.Bag(str(played.rehearsal.package)).is_valid()


def test_the_shipped_scripts_accept_the_package(played: Played) -> None:
    for command in (["sh", "verify.sh"], ["python3", "verify.py"]):
        ended = subprocess.run(
            command, cwd=played.rehearsal.package, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_exporting_again_gives_the_same_bytes_but_for_the_seal(played: Played, run, tmp_path: Path) -> None:
    again = tmp_path / "again"
    ended = run("export", played.rehearsal.out / "case", again, "--key", played.rehearsal.out / "signer.pem")
    assert ended.returncode == 0, ended.stderr
    names = [name for name in _files(again) if name.parts[0] != "seal"]
    assert names == [name for name in _files(played.rehearsal.package) if name.parts[0] != "seal"]
    changed = [n for n in names if (again / n).read_bytes() != (played.rehearsal.package / n).read_bytes()]
    assert changed == []


def test_the_report_holds_no_script_and_no_outside_reference(played: Played) -> None:
    report = (played.rehearsal.package / "data" / "report.html").read_text("utf-8")
    assert "<script" not in report.lower()
    assert 'src="http' not in report
    assert "rehearsal" in report.lower()
    assert report.count("<mark") > 5
