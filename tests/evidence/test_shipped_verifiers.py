"""The verifiers that travel in a package, run as a stranger runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.evidence.bagit import write_bag
from clonedetect.evidence.seal import seal, signer_fingerprint
from clonedetect.evidence.shipped.verify import ed25519_verifies, main

PYTHON = (sys.executable, "-I", "verify.py")
SHELL = ("sh", "verify.sh")
BOTH = pytest.mark.parametrize("command", [SHELL, PYTHON], ids=["verify.sh", "verify.py"])


def run(package: Path, command: tuple[str, ...], *signer: str) -> subprocess.CompletedProcess[str]:
    given = ("--signer", *signer) if signer and command is PYTHON else signer
    return subprocess.run([*command, *given], cwd=package, capture_output=True, text=True, check=False)


@BOTH
def test_a_whole_package_passes(package, command):
    done = run(package, command)
    assert done.returncode == 0, done.stdout
    assert "Nothing was found wrong" in done.stdout
    assert "signer identity" in done.stdout
    assert done.stderr == ""


@BOTH
def test_the_right_signer_passes_and_a_wrong_one_does_not(package, command):
    fingerprint = signer_fingerprint(str(package / "seal/signer.pub.pem"))
    assert run(package, command, fingerprint).returncode == 0
    assert run(package, command, fingerprint.removeprefix("sha256:").upper()).returncode == 0
    stranger = run(package, command, "0" * 64)
    assert stranger.returncode == 1
    last = stranger.stdout.splitlines()[-1]
    assert last == "OTHER KEY: whole, but sealed by another key than the one you named."
    assert "TAMPERED" not in stranger.stdout
    assert stranger.stdout.count("sealed by another key than the one you named") == 2


@BOTH
@pytest.mark.parametrize("typed", ["notafp", "", "--h", "0" * 63, "g" * 64, "sha256:" + "0" * 65])
def test_a_mistyped_fingerprint_is_a_question_of_usage_and_no_verdict(package, command, typed):
    done = run(package, command, typed)
    assert done.returncode == 2
    assert done.stdout.startswith("usage: ")
    assert "FINGERPRINT is 64 hexadecimal digits, with or without sha256: before them." in done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_the_shell_verifier_takes_one_argument_and_shows_its_usage(package):
    for typed in (["--help"], ["0" * 64, "0" * 64]):
        done = run(package, SHELL, *typed)
        usage = "usage: sh verify.sh [FINGERPRINT] [--tsa-roots PEM]"
        assert (done.returncode, done.stdout.splitlines()[0]) == (2, usage)


@BOTH
def test_an_unsigned_package_passes_unless_a_signer_is_expected(case, tmp_path, command):
    case.export(tmp_path / "out")
    assert run(tmp_path / "out", command).returncode == 0
    assert "nobody signed" in run(tmp_path / "out", command).stdout
    named = run(tmp_path / "out", command, "0" * 64)
    assert named.returncode == 1
    assert "OTHER KEY: whole, but nobody signed" in named.stdout


@BOTH
def test_checking_leaves_nothing_behind(package, command):
    before = sorted(package.rglob("*"))
    run(package, command)
    assert sorted(package.rglob("*")) == before


def one_of_each(package: Path) -> list[Path]:
    """The files of a package but verify.sh; of objects and schemas one."""
    kept = {path.parts[-3] if "objects" in path.parts else path.parent.name: path for path in whole(package)}
    many = [path for path in whole(package) if not {"objects", "schemas"} & set(path.parts)]
    return sorted({*many, *kept.values()})


def whole(package: Path) -> list[Path]:
    return [path for path in package.rglob("*") if path.is_file() and path.name != "verify.sh"]


ALL = pytest.mark.parametrize(
    "choose", [one_of_each, pytest.param(whole, marks=pytest.mark.slow)], ids=["one of each", "all"]
)


@ALL
def test_the_shell_verifier_notices_a_flipped_bit_in_any_file(package, choose):
    for path in choose(package):
        whole = path.read_bytes()
        if not whole:
            continue
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert run(package, SHELL).returncode == 1, path
        path.write_bytes(whole)
    assert run(package, SHELL).returncode == 0


@ALL
def test_the_shell_verifier_notices_every_deleted_file(package, choose):
    for path in choose(package):
        whole = path.read_bytes()
        path.unlink()
        assert run(package, SHELL).returncode in (1, 2), path
        path.write_bytes(whole)


def test_a_changed_shell_verifier_is_noticed_by_the_other(package):
    (package / "verify.sh").write_text("#!/bin/sh\nexit 0\n")
    assert run(package, PYTHON).returncode == 1


@BOTH
@pytest.mark.parametrize(
    "name", ["data/new", "data/objects/zz/new", "new", "seal/new", "seal/head.json.x.tsr"]
)
def test_an_added_file_is_tampering(package, command, name):
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text("x")
    done = run(package, command)
    assert done.returncode == 1
    assert done.stdout.endswith("TAMPERED: a file was added; the sealed files are unchanged.\n")


@BOTH
def test_only_an_added_file_alone_leaves_the_sealed_ones_called_unchanged(package, command):
    (package / "data/Thumbs.db").write_text("x")
    assert run(package, command, "0" * 64).stdout.endswith("this package is not as it was sealed.\n")
    objects = sorted((package / "data/objects").rglob("*/*"))
    kept = objects[0].read_bytes()
    objects[0].unlink()
    assert "unchanged" not in run(package, command).stdout
    assert run(package, command).returncode == 1
    objects[0].write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert run(package, command).stdout.endswith("this package is not as it was sealed.\n")


@BOTH
def test_an_added_file_with_a_newline_in_its_name_is_tampering(package, command):
    (package / "data/objects" / "x\ndata").write_text("x")
    assert run(package, command).returncode == 1


@BOTH
def test_a_link_is_tampering(package, command):
    (package / "data/report.html").rename(package.parent / "report.html")
    (package / "data/report.html").symlink_to(package.parent / "report.html")
    assert run(package, command).returncode == 1


@BOTH
def test_a_lost_object_means_that_not_all_could_be_checked(package, command):
    next((package / "data/objects").rglob("*/*")).unlink()
    done = run(package, command)
    assert done.returncode == 2, done.stdout
    assert "INCOMPLETE" in done.stdout


@BOTH
def test_a_lost_object_and_a_changed_file_is_tampering(package, command):
    next((package / "data/objects").rglob("*/*")).unlink()
    (package / "data/findings.csv").write_text("x")
    assert run(package, command).returncode == 1


@BOTH
def test_a_cut_custody_log_is_tampering_even_with_new_manifests(package, command):
    """The head alone holds length and last link; manifests can be written anew by anybody."""
    lines = (package / "data/custody.jsonl").read_bytes().splitlines(keepends=True)
    (package / "data/custody.jsonl").write_bytes(b"".join(lines[:-1]))
    for name in ("manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "bag-info.txt"):
        (package / name).unlink()
    seal_folder = package.parent / "seal"
    (package / "seal").rename(seal_folder)
    write_bag(package, ())
    seal_folder.rename(package / "seal")
    assert run(package, command).returncode == 1


@BOTH
def test_a_forgery_sealed_anew_is_told_by_the_fingerprint_alone(package, command):
    expected = signer_fingerprint(str(package / "seal/signer.pub.pem"))
    shutil.rmtree(package / "seal")
    seal(package, Ed25519PrivateKey.generate())
    assert run(package, command).returncode == 0
    assert run(package, command, expected).returncode == 1


def test_without_openssl_the_shell_verifier_says_that_it_could_not(package, tmp_path):
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
        "cat",
        "dirname",
    ):
        (tools / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        [tools / "sh", "verify.sh"],
        cwd=package,
        env={**os.environ, "PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "openssl" in done.stdout


def test_the_python_verifier_is_a_program_that_returns_its_code(sealed, package, capsys):
    assert main([str(sealed)]) == 0
    (package / "data/grant.toml").unlink()
    assert main([str(package)]) == 2
    (package / "data/findings.csv").write_text("\u202e")
    assert main([str(package)]) == 1
    assert "TAMPERED" in capsys.readouterr().out


def test_a_hostile_file_name_is_printed_harmlessly(package, capsys):
    (package / "data/\x1b[2J\u202e").write_text("x")
    assert main([str(package)]) == 1
    assert "\x1b" not in capsys.readouterr().out


@settings(max_examples=25, deadline=None)
@given(secret=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_our_ed25519_accepts_what_openssl_signs(secret, message):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public = key.public_key().public_bytes_raw()
    assert ed25519_verifies(public, message, key.sign(message))


@settings(max_examples=40, deadline=None)
@given(
    secret=st.binary(min_size=32, max_size=32),
    bit=st.integers(min_value=0, max_value=(64 + 32 + 8) * 8 - 1),
)
def test_our_ed25519_agrees_with_openssl_on_every_flipped_bit(secret, bit):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    parts = bytearray(key.sign(b"evidence") + key.public_key().public_bytes_raw() + b"evidence")
    parts[bit // 8] ^= 1 << bit % 8
    signature, public, message = bytes(parts[:64]), bytes(parts[64:96]), bytes(parts[96:])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        theirs = True
    except InvalidSignature:
        theirs = False
    assert ed25519_verifies(public, message, signature) is theirs is False
