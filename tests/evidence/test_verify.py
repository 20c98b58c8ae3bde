"""Whatever is done to a package is noticed, and said."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clonedetect.errors import ExitCode, InputError
from clonedetect.evidence.bagit import write_bag
from clonedetect.evidence.seal import seal, signer_fingerprint
from clonedetect.evidence.shipped.verify import Result
from clonedetect.evidence.verify import ZipLimits, verify
from clonedetect.grant.keys import private_pem

HEAD = "seal/head.json"


def files(package: Path) -> list[str]:
    return sorted(p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file())


def failed(report) -> list[str]:
    return [check.name for check in report.checks if check.result in (Result.FAILED, Result.MISSING)]


def reseal(package: Path, key: Ed25519PrivateKey | None) -> None:
    """What a forger does: put everything right again, under another key."""
    shutil.rmtree(package / "seal")
    for name in ("manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "bag-info.txt"):
        (package / name).unlink()
    write_bag(package, ())
    seal(package, key)


def test_a_whole_package_passes_and_says_what_it_did_not_check(sealed):
    report = verify(sealed)
    assert report.exit_code is ExitCode.DONE
    assert report.not_checked == ("signer identity", "existence in time")
    assert [check.number for check in report.checks] == list(range(1, 17))


def test_the_right_signer_is_recognised_by_fingerprint_and_by_key(sealed):
    pem = sealed / "seal/signer.pub.pem"
    fingerprint = signer_fingerprint(str(pem))
    digits = fingerprint.removeprefix("sha256:").upper()
    colons = ":".join(digits[place : place + 2] for place in range(0, 64, 2))
    for given in (fingerprint, digits, colons):
        report = verify(sealed, signer=signer_fingerprint(given))
        assert report.not_checked == ("existence in time",)


def test_one_flipped_bit_in_any_file_is_noticed(package):
    for name in files(package):
        path = package / name
        whole = path.read_bytes()
        if not whole:
            continue
        for place in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            code = verify(package).exit_code
            assert code in (ExitCode.VERIFICATION, ExitCode.INCOMPLETE), (name, place)
        path.write_bytes(whole)
    assert verify(package).exit_code is ExitCode.DONE


def test_every_deleted_file_is_noticed(package):
    for name in files(package):
        whole = (package / name).read_bytes()
        (package / name).unlink()
        assert verify(package).exit_code in (ExitCode.VERIFICATION, ExitCode.INCOMPLETE), name
        (package / name).write_bytes(whole)


@pytest.mark.parametrize(
    "name", ["data/objects/ab/x", "data/x", "x", "seal/x", "schemas/x", "new/x", "data/.x"]
)
def test_an_added_file_is_noticed_wherever_it_lies(package, name):
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_bytes(b"")
    assert verify(package).exit_code is ExitCode.VERIFICATION


def test_a_lost_object_is_incomplete_and_named(package):
    lost = next((package / "data/objects").rglob("*/*"))
    lost.unlink()
    report = verify(package)
    assert report.exit_code is ExitCode.INCOMPLETE
    assert any(lost.name in note for check in report.checks for note in check.notes)


def test_a_link_is_not_followed(package):
    target = package / "data/grant.toml"
    target.rename(package.parent / "outside.toml")
    target.symlink_to(package.parent / "outside.toml")
    assert "files" in failed(verify(package))


@pytest.mark.parametrize("another", [True, False], ids=["another key", "no key"])
def test_a_forgery_that_was_sealed_anew_is_told_only_by_its_signer(package, another):
    expected = signer_fingerprint(str(package / "seal/signer.pub.pem"))
    (package / "data/findings.csv").write_bytes(b"page_url\r\n")
    reseal(package, Ed25519PrivateKey.generate() if another else None)
    assert verify(package).exit_code is ExitCode.DONE
    report = verify(package, signer=expected)
    assert report.exit_code is ExitCode.VERIFICATION
    assert failed(report) == ["signer identity"]


def test_an_unsigned_package_is_whole_and_says_that_nobody_signed(case, tmp_path):
    case.export(tmp_path / "out")
    report = verify(tmp_path / "out")
    assert report.exit_code is ExitCode.DONE
    assert report.not_checked == ("signature", "signer identity", "existence in time")


def test_a_flipped_bit_in_an_unsigned_head_is_noticed(case, tmp_path):
    case.export(tmp_path / "out")
    head = tmp_path / "out" / HEAD
    whole = head.read_bytes()
    for place in range(0, len(whole), 5):
        head.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert verify(tmp_path / "out").exit_code is not ExitCode.DONE, place


# ------------------------------------------ lies that are sealed anew with the same key


def edit(package: Path, name: str, change) -> None:
    path = package / "data" / name
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(found)
    path.write_bytes(b"".join(json.dumps(row, sort_keys=True).encode() + b"\n" for row in found))


def cut_custody(package):
    path = package / "data/custody.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"".join(lines[2:]))


def spaced_custody(package):
    path = package / "data/custody.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b'":"', b'": "', 1)]))


def empty_custody(package):
    (package / "data/custody.jsonl").write_bytes(b"")


def renamed_record(package):
    edit(package, "matches.jsonl", lambda rows: rows[0].update(record_id="urn:uuid:none"))


def other_object(package):
    def change(rows):
        rows[0]["suspect"] = {**rows[1]["suspect"], "content_digest": rows[0]["suspect"]["content_digest"]}

    edit(package, "matches.jsonl", change)


def other_digest(package):
    def change(rows):
        rows[1]["suspect"].update(object=None, object_digest=None, content_digest=f"sha256:{'0' * 64}")
        rows[1]["exhibit"] = None

    edit(package, "matches.jsonl", change)


def object_outside(package):
    edit(package, "matches.jsonl", lambda rows: rows[0]["reference"].update(object="data/grant.toml"))


def lost_capture_record(package):
    edit(package, "captures.jsonl", lambda rows: rows[2].update(record_id="urn:uuid:none"))


def other_block(package):
    def change(rows):
        rows[0]["hops"][0]["response"]["block_digest"] = f"sha256:{'0' * 64}"

    edit(package, "captures.jsonl", change)


def other_grant(package):
    edit(package, "captures.jsonl", lambda rows: rows[0].update(grant_digest=f"sha256:{'0' * 64}"))


def rewritten_grant(package):
    (package / "data/grant.toml").write_bytes(b"[grant]\n")


def torn_archive(package):
    path = package / "data/capture.warc.gz"
    path.write_bytes(path.read_bytes()[:-9])


def empty_archive(package):
    (package / "data/capture.warc.gz").write_bytes(b"")


def no_json(package):
    (package / "data/matches.jsonl").write_bytes(b"[]\n{\n")


def other_version(package):
    (package / "bagit.txt").write_bytes(b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")


LIES = {
    cut_custody: "custody",
    spaced_custody: "custody",
    empty_custody: "custody",
    renamed_record: "matches",
    other_object: "matches",
    other_digest: "matches",
    object_outside: "matches",
    no_json: "matches",
    lost_capture_record: "captures",
    other_block: "captures",
    other_grant: "grants",
    rewritten_grant: "grants",
    torn_archive: "records",
    empty_archive: "records",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_what_contradicts_itself_is_noticed_even_under_a_good_seal(package, key, lie):
    lie(package)
    reseal(package, key)
    report = verify(package, signer=signer_fingerprint(str(package / "seal/signer.pub.pem")))
    assert report.exit_code is not ExitCode.DONE
    assert LIES[lie] in failed(report)
    assert not {"payload", "tag files", "head", "signature", "signer identity"} & set(failed(report))


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.update(timestamp="2026-11-03T00:00:00Z"),
        lambda head: head.update(extra=1),
        lambda head: head["custody"].update(length=3),
        lambda head: head.pop("schema"),
    ],
)
def test_a_signed_head_that_says_anything_else_is_refused(package, key, change):
    head = json.loads((package / HEAD).read_bytes())
    change(head)
    data = json.dumps(head, indent=1, sort_keys=True).encode() + b"\n"
    (package / HEAD).write_bytes(data)
    (package / "seal/head.json.sig").write_bytes(key.sign(data))
    report = verify(package)
    assert "head" in failed(report)
    assert "signature" not in failed(report)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\xff", b'{"signature": 1}'])
def test_a_head_that_is_no_head_does_not_stop_the_checks(package, content):
    (package / HEAD).write_bytes(content)
    report = verify(package)
    assert report.exit_code is ExitCode.VERIFICATION
    assert len(report.checks) == 16


def test_a_signature_of_a_wrong_length_does_not_pass(package):
    (package / "seal/head.json.sig").write_bytes(b"")
    assert "signature" in failed(verify(package))


def test_a_manifest_line_twice_is_noticed(package, key):
    manifest = package / "manifest-sha256.txt"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join([*lines, lines[0]]))
    tags = package / "tagmanifest-sha256.txt"
    old = hashlib.sha256(b"".join(lines)).hexdigest().encode()
    tags.write_bytes(
        tags.read_bytes().replace(old, hashlib.sha256(manifest.read_bytes()).hexdigest().encode())
    )
    shutil.rmtree(package / "seal")
    seal(package, key)
    assert failed(verify(package)) == ["payload"]


def test_a_package_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(InputError):
        verify(tmp_path / "none")


# ---------------------------------------------------------------- zip


@pytest.fixture
def zipped(sealed, tmp_path):
    """Zip the sealed package, with `extra` entries."""

    def build(extra=(), method=zipfile.ZIP_STORED):
        path = tmp_path / "package.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name in files(sealed):
                archive.write(sealed / name, f"CLONE-42/{name}")
            for entry, data in extra:
                archive.writestr(entry, data)
        return path

    return build


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_checked_like_the_folder(zipped, method):
    assert verify(zipped(method=method)).exit_code is ExitCode.DONE


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        "/etc/passwd",
        "CLONE-42/../../x",
        "CLONE-42/data\\..\\x",
        "CLONE-42//x",
        "CLONE-42/./x",
        "other/x",
        "x",
        link("CLONE-42/link"),
    ],
    ids=["absolute", "climbs", "backslash", "double slash", "dot", "second folder", "no folder", "link"],
)
def test_a_zip_with_a_dangerous_name_is_not_read_at_all(zipped, entry):
    report = verify(zipped([(entry, b"/etc/passwd")]))
    assert report.exit_code is ExitCode.VERIFICATION
    assert report.not_checked == ("everything else",)


def test_a_zip_with_one_name_twice_is_not_read_at_all(zipped, recwarn):
    report = verify(zipped([("CLONE-42/bagit.txt", b"x")]))
    recwarn.clear()
    assert "is there twice" in report.checks[0].notes[0]


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CLONE-42/data/x", bytes(50_000_000))
    report = verify(path)
    assert "more than 200 times" in report.checks[0].notes[0]


@pytest.mark.parametrize("limits", [ZipLimits(entries=3), ZipLimits(size_bytes=1000)])
def test_a_zip_beyond_the_limits_is_not_read(zipped, limits):
    assert verify(zipped(), limits=limits).exit_code is ExitCode.VERIFICATION


def test_a_changed_byte_inside_a_zip_is_noticed(zipped):
    path = zipped()
    data = bytearray(path.read_bytes())
    place = data.index(b"Ada Example")
    data[place] ^= 1
    path.write_bytes(data)
    assert verify(path).exit_code is ExitCode.VERIFICATION


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip"])
def test_a_file_that_is_no_zip_is_bad_input(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(InputError):
        verify(tmp_path / "x.zip")


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("text", ["", "abc", "sha256:00", "g" * 64])
def test_what_is_no_fingerprint_is_refused(text):
    with pytest.raises(InputError):
        signer_fingerprint(text)


def test_a_file_that_is_no_public_key_is_refused_as_signer(key, tmp_path):
    (tmp_path / "key.pem").write_bytes(private_pem(key))
    with pytest.raises(InputError):
        signer_fingerprint(str(tmp_path / "key.pem"))


def test_special_files_are_refused(package):
    os.mkfifo(package / "data/pipe")
    assert "files" in failed(verify(package))


def test_reading_does_not_need_a_real_file(sealed, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in files(sealed):
            archive.write(sealed / name, f"p/{name}")
    path = tmp_path / "copy.zip"
    path.write_bytes(buffer.getvalue())
    assert verify(path).exit_code is ExitCode.DONE


def test_what_all_checks_say_together_tells_another_signer_and_an_added_file_from_a_change(package):
    named = verify(package, signer=f"sha256:{'0' * 64}")
    assert named.exit_code is ExitCode.VERIFICATION
    assert named.conclusion.endswith("whole, but sealed by another key than the one you named.")
    assert "sealed by another key than the one you named" in named.checks[7].notes[0]
    (package / "data/.DS_Store").write_bytes(b"x")
    assert verify(package).exit_code is ExitCode.VERIFICATION
    assert verify(package).conclusion.endswith("a file was added; the sealed files are unchanged.")
    (package / "data/findings.csv").write_bytes(b"x")
    assert verify(package).conclusion.endswith("this package is not as it was sealed.")
