"""Packages whose seal, and whose custody, a timestamp authority has bound in time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clonedetect.cli.main import cli
from clonedetect.errors import VerificationError
from clonedetect.evidence.seal import seal
from clonedetect.evidence.verify import verify
from clonedetect.models.ids import digest_of
from clonedetect.timestamp.answer import judge, new_query
from clonedetect.timestamp.authorities import Asked, named_authorities
from clonedetect.timestamp.custody import CustodyStamp, failed_subject, time_text
from tests.evidence.conftest import ACTS, put, write_custody
from tests.timestamp.authority import Authority, make_authority, require_openssl, serving

PYTHON = (sys.executable, "-I", "verify.py")
SHELL = ("sh", "verify.sh")
BOTH = pytest.mark.parametrize("command", [SHELL, PYTHON], ids=["verify.sh", "verify.py"])


def run(package: Path, command: tuple[str, ...], *given: object) -> subprocess.CompletedProcess[str]:
    words = [*command, *map(str, given)]
    return subprocess.run(words, cwd=package, capture_output=True, text=True, check=False)


def program(*given: object):
    return CliRunner().invoke(cli, [str(one) for one in given])


def asked_of(*authorities) -> Asked:
    roots = b"".join(one.roots.read_bytes() for one in authorities)
    return Asked(named_authorities([one.url for one in authorities]), roots)


@pytest.fixture(scope="module")
def made(tmp_path_factory, new_case, key):
    """A package timestamped by two authorities, its folder never to be changed, and their folders."""
    require_openssl()
    folder = tmp_path_factory.mktemp("stamped")
    first, second = make_authority(folder / "first"), make_authority(folder / "second", sends_chain=True)
    with serving(first), serving(second):
        case = new_case(folder / "case")
        summary = case.export(folder / "package", key, asked=asked_of(first, second))
    return folder, summary


@pytest.fixture
def package(made, tmp_path) -> Path:
    return Path(shutil.copytree(made[0] / "package", tmp_path / "package"))


@pytest.fixture
def first(made):
    return made[1].stamps[0].authority.name


def result(package: Path, name: str, **given: object):
    return next(check for check in verify(package, **given).checks if check.name == name)


def all_three(package: Path) -> tuple[int, int, int]:
    """Exit codes of `clonedetect verify`, verify.sh and verify.py."""
    return int(verify(package).exit_code), run(package, SHELL).returncode, run(package, PYTHON).returncode


# ---------------------------------------------------------------- the seal


def test_a_timestamped_package_holds_for_all_three_verifiers(package, made, first):
    assert all_three(package) == (0, 0, 0)
    check = result(package, "existence in time")
    assert check.result.value == "passed"
    assert len(check.notes) == 2
    assert check.notes[0].startswith(f"head.json, by {first}: existed at 20")
    assert [one.by for one in made[1].stamps] == ["rfc3161-client", "openssl"]
    assert check.notes[1].endswith("(verified by openssl)")
    assert verify(package).not_checked == ("signer identity", "timestamp roots")
    for command in (SHELL, PYTHON):
        told = run(package, command)
        assert (told.stderr, "Nothing was found wrong" in told.stdout) == ("", True)
        assert f"seal/head.json, by {first}" in told.stdout or f"head.json, by {first}" in told.stdout


def test_the_head_names_whom_it_asked_and_holds_the_digests_of_key_and_roots(package, made):
    head = json.loads((package / "seal/head.json").read_bytes())
    schema = json.loads((package / "schemas/head.schema.json").read_bytes())
    assert head["schema"] == 2
    assert set(schema["required"]) == set(head)
    assert head["timestamp"]["authorities"] == [
        {"name": one.authority.name, "url": one.authority.url} for one in made[1].stamps
    ]
    assert head["timestamp"]["tsa-roots.pem"] == digest_of((package / "seal/tsa-roots.pem").read_bytes())
    assert head["signer"]["signer.pub.pem"] == digest_of((package / "seal/signer.pub.pem").read_bytes())


def test_it_can_be_checked_by_hand_as_verify_md_says(package, first):
    text = (package / "VERIFY.md").read_text()
    (line,) = re.findall(r"^    (openssl ts -verify -data head\.json .*?)(?: *#.*)?$", text, re.MULTILINE)
    done = run(package / "seal", ("sh", "-c", line.replace("NAME", first)))
    assert done.stdout == "Verification: OK\n"


@BOTH
def test_the_strangers_own_roots_count_and_the_shipped_ones_are_said_to_be_the_sealers(
    package, made, tmp_path, command
):
    assert "roots" in run(package, command).stdout
    roots = tmp_path / "mine.pem"
    roots.write_bytes(asked_of_folders(made[0], "first", "second"))
    own = run(package, command, "--tsa-roots", roots)
    assert own.returncode == 0
    assert "hold under the roots that you gave" in own.stdout
    one_only = run(package, command, "--tsa-roots", made[0] / "first/roots.pem")
    assert one_only.returncode == 1
    last = one_only.stdout.splitlines()[-1]
    assert last == "OTHER ROOTS: whole, but not timestamped under the roots that you gave."


def asked_of_folders(folder: Path, *names: str) -> bytes:
    return b"".join((folder / name / "roots.pem").read_bytes() for name in names)


def test_the_command_takes_the_strangers_roots_too(package, made, tmp_path):
    roots = tmp_path / "mine.pem"
    roots.write_bytes(asked_of_folders(made[0], "first", "second"))
    assert program("verify", package, "--tsa-roots", roots).exit_code == 0
    other = program("verify", package, "--tsa-roots", made[0] / "second/roots.pem")
    assert other.exit_code == 6
    assert program("verify", package, "--tsa-roots", package / "bagit.txt").exit_code == 3


@BOTH
def test_roots_that_are_none_are_a_question_of_usage(package, command):
    for given in ((), ("none.pem",)):
        done = run(package, command, "--tsa-roots", *given)
        assert (done.returncode, done.stdout[:6]) == (2, "usage:")


@pytest.mark.parametrize("ends", [("tsr",), ("tsq",), ("tsq", "tsr")], ids=" and ".join)
def test_an_answer_that_was_asked_for_and_is_gone_is_missing_and_no_silence(package, first, ends):
    for end in ends:
        (package / f"seal/head.json.{first}.{end}").unlink()
    assert all_three(package) == (7, 2, 2)
    assert first in result(package, "existence in time").notes[0]


def spoil_swap(package, made, names):
    """Swap the two authorities' answers."""
    one, two = (package / f"seal/head.json.{name}.tsr" for name in names)
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)


def spoil_queries(package, made, names):
    one, two = (package / f"seal/head.json.{name}.tsq" for name in names)
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)


def spoil_other_head(package, made, names):
    """An honest answer of the same authority to another head."""
    authority = Authority(made[0] / "first")
    query = new_query(b"another head")
    (package / f"seal/head.json.{names[0]}.tsq").write_bytes(query)
    (package / f"seal/head.json.{names[0]}.tsr").write_bytes(authority.reply(query))


def spoil_short(package, made, names):
    path = package / f"seal/head.json.{names[0]}.tsr"
    path.write_bytes(path.read_bytes()[:-20])


def spoil_empty(package, made, names):
    (package / f"seal/head.json.{names[0]}.tsr").write_bytes(b"")


def spoil_roots(package, made, names):
    """Other roots than the head holds the digest of."""
    (package / "seal/tsa-roots.pem").write_bytes((made[0] / "second/roots.pem").read_bytes())


@pytest.mark.parametrize(
    "spoil",
    [spoil_swap, spoil_queries, spoil_other_head, spoil_short, spoil_empty, spoil_roots],
    ids=lambda one: one.__name__,
)
def test_every_change_of_a_timestamp_is_tampering(package, made, spoil):
    spoil(package, made, [one.authority.name for one in made[1].stamps])
    assert all_three(package) == (6, 1, 1)


def test_the_answer_to_another_package_does_not_pass(package, made, case, new_authority, first):
    other = new_authority()
    out = case.folder.parent / "other"
    case.export(out, Ed25519PrivateKey.generate(), asked=asked_of(other))
    (name,) = (one.name.removeprefix("head.json.").removesuffix(".tsr") for one in out.glob("seal/*.tsr"))
    for end in ("tsq", "tsr"):
        shutil.copy(out / f"seal/head.json.{name}.{end}", package / f"seal/head.json.{first}.{end}")
    assert all_three(package) == (6, 1, 1)


def test_a_package_timestamped_under_a_root_that_is_not_the_pinned_one_fails(case, new_authority, tmp_path):
    """Sealed by somebody who pins one root and files the answer of an authority under another."""
    pinned, real = new_authority(), new_authority()
    case.export(tmp_path / "out", asked=asked_of(real))
    shutil.rmtree(tmp_path / "out/seal")
    seal(tmp_path / "out", None, Asked(named_authorities([real.url]), pinned.roots.read_bytes()))
    (name,) = (one.name for one in named_authorities([real.url]))
    head = (tmp_path / "out/seal/head.json").read_bytes()
    query = new_query(head)
    (tmp_path / f"out/seal/head.json.{name}.tsq").write_bytes(query)
    (tmp_path / f"out/seal/head.json.{name}.tsr").write_bytes(real.reply(query))
    assert all_three(tmp_path / "out") == (6, 1, 1)


def test_a_certificate_that_had_expired_when_it_signed_fails(case, new_authority, tmp_path):
    expired = new_authority(ends=datetime(2026, 1, 1, tzinfo=UTC))
    asked = asked_of(expired)
    assert "expired" in case.export(tmp_path / "out", asked=asked).stamps[0].reason
    query = new_query((tmp_path / "out/seal/head.json").read_bytes())
    name = asked.authorities[0].name
    (tmp_path / f"out/seal/head.json.{name}.tsq").write_bytes(query)
    (tmp_path / f"out/seal/head.json.{name}.tsr").write_bytes(expired.reply(query))
    assert all_three(tmp_path / "out") == (6, 1, 1)


@BOTH
def test_a_file_that_the_head_does_not_name_is_still_an_addition(package, command):
    (package / "seal/head.json.another.tsr").write_text("x")
    assert "a file was added" in run(package, command).stdout.splitlines()[-1]


@BOTH
def test_without_openssl_a_timestamp_is_not_checked_and_that_ends_in_2(package, tmp_path, command):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in (
        "sh",
        "sha256sum",
        "find",
        "sort",
        "grep",
        "cut",
        "sed",
        "tail",
        "wc",
        "tr",
        "dirname",
        "date",
    ):
        (tools / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        [shutil.which(command[0]) or command[0], *command[1:]],
        cwd=package,
        env={**os.environ, "PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "openssl" in done.stdout


def test_a_zip_holds_its_timestamps(case, authority, tmp_path):
    case.export(tmp_path / "out", as_zip=True, asked=asked_of(authority))
    assert verify(tmp_path / "out.zip").exit_code == 0
    assert result(tmp_path / "out.zip", "existence in time").result.value == "passed"


def test_but_for_the_seal_the_bytes_do_not_depend_on_the_timestamp(case, authority, tmp_path):
    for name, asked in (("with", asked_of(authority)), ("without", None)):
        case.export(tmp_path / name, asked=asked)
    files = [
        {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file() and path.parent.name != "seal"
        }
        for name in ("with", "without")
    ]
    assert files[0] == files[1]


# ---------------------------------------------------------------- an authority that fails


def test_an_authority_that_fails_leaves_a_whole_package_that_can_be_completed(
    case, key, authority, new_authority, tmp_path
):
    other, out = new_authority(), tmp_path / "out"
    authority.answer = authority.fail
    stamps = case.export(out, key, asked=asked_of(authority, other), as_zip=True).stamps
    assert [type(one).__name__ for one in stamps] == ["Unstamped", "Stamped"]
    assert all_three(out) == (7, 2, 2)
    again = program("seal", out)
    assert again.exit_code == 5
    assert "still not timestamped by" in again.stderr
    authority.answer = authority.stamp
    asked_before = len(other.asked)
    done = program("seal", out, "--tsa", authority.url, "--zip", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["timestamps"][0]["url"] == authority.url
    assert len(other.asked) == asked_before
    assert all_three(out) == (0, 0, 0)
    assert verify(tmp_path / "out.zip").exit_code == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist()[0].startswith("CLONE-42/")
    assert json.loads(program("seal", out).stdout)["timestamps"] == []


def test_what_cannot_be_completed_is_refused(sealed, package, made, first, tmp_path):
    assert program("seal", sealed).exit_code == 3
    assert "export the case again with --tsa" in program("seal", sealed).stderr
    assert program("seal", tmp_path / "none").exit_code == 3
    assert program("seal", package, "--tsa", "http://127.0.0.1:9/").exit_code == 2
    (package / f"seal/head.json.{first}.tsr").unlink()
    (package / "data/findings.csv").write_text("x")
    assert program("seal", package).exit_code == 6
    assert not (package / f"seal/head.json.{first}.tsr").exists()


# ---------------------------------------------------------------- custody


def stamped_case(case, authority, *, tamper=lambda stamp: stamp, more=()):
    """Let `authority` timestamp the custody of `case` up to its second capture, and say so in custody."""
    write_custody(case.folder, ACTS)
    line = (case.folder / "custody.jsonl").read_bytes().splitlines(keepends=True)[2]
    query = new_query(line)
    answer = authority.reply(query)
    roots = authority.roots.read_bytes()
    digests = [put(case.folder, data) for data in (query, answer, roots)]
    moment = time_text(judge(line, query, answer, roots).time)
    stamp = tamper(CustodyStamp(3, digest_of(line), moment, *digests, "http://tsa.example/"))
    write_custody(case.folder, [*ACTS, ("timestamped", str(stamp)), *more])
    return line


def test_timestamps_of_custody_travel_in_the_package_and_are_verified_there(case, authority, tmp_path):
    stamped_case(case, authority)
    case.export(tmp_path / "out")
    assert all_three(tmp_path / "out") == (0, 0, 0)
    check = result(tmp_path / "out", "captures in time")
    assert (check.number, check.result.value) == (17, "passed")
    assert check.notes[0].startswith("custody up to line 3, by http://tsa.example/: existed at 20")
    assert (
        check.notes[1] == "line 3 binds 2 captures, the last at 2026-11-03T09:30:03Z by the operator's clock"
    )
    assert "existence in time" in verify(tmp_path / "out").not_checked
    for command in (SHELL, PYTHON):
        told = run(tmp_path / "out", command, "--tsa-roots", authority.roots).stdout
        assert "custody up to line 3, by http://tsa.example/" in told
        assert "hold under the roots that you gave" in told


def test_captures_after_the_last_timestamp_are_counted_and_what_failed_is_told(case, authority, tmp_path):
    failure = failed_subject(5, b"x\n", "http://tsa.example/", "HTTP 503")
    stamped_case(case, authority, more=[("capture", "late"), ("timestamp_failed", failure)])
    case.export(tmp_path / "out")
    check = result(tmp_path / "out", "captures in time")
    assert check.result.value == "not checked"
    assert check.notes[0] == "1 captures are bound by no timestamp of their own"
    assert "HTTP 503" in check.notes[1]
    assert all_three(tmp_path / "out") == (0, 0, 0)


def test_a_package_without_any_timestamp_has_no_such_checks(sealed):
    assert {check.number for check in verify(sealed).checks} == set(range(1, 17))


def other_time(stamp):
    return CustodyStamp(*(*fields(stamp)[:2], "2020-01-01T00:00:00Z", *fields(stamp)[3:]))


def other_line(stamp):
    return CustodyStamp(2, *fields(stamp)[1:])


def later_line(stamp):
    return CustodyStamp(9, *fields(stamp)[1:])


def other_query(stamp):
    return CustodyStamp(*fields(stamp)[:3], stamp.answer, stamp.answer, *fields(stamp)[5:])


def fields(stamp):
    return tuple(getattr(stamp, name) for name in stamp.__slots__)


@pytest.mark.parametrize(
    "tamper", [other_line, later_line, other_query, other_time], ids=lambda one: one.__name__
)
def test_a_custody_line_that_says_more_than_its_timestamp_makes_no_package(case, authority, tmp_path, tamper):
    """Whoever writes the log could write this into it, and gets no package past its own verifier with it."""
    stamped_case(case, authority, tamper=tamper)
    with pytest.raises(VerificationError, match="captures in time"):
        case.export(tmp_path / "out")


def test_an_object_of_a_timestamp_that_is_gone_is_missing(case, authority, tmp_path):
    stamped_case(case, authority)
    case.export(tmp_path / "out")
    acts = [json.loads(line) for line in (tmp_path / "out/data/custody.jsonl").read_bytes().splitlines()]
    answer = acts[-1]["subject"].split(" ")[4][7:]
    (tmp_path / f"out/data/objects/{answer[:2]}/{answer}").unlink()
    assert all_three(tmp_path / "out") == (7, 2, 2)
