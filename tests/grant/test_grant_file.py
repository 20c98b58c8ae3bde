"""A grant's file with its signatures and its root, read and signed on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from clonedetect.errors import GrantError, InputError, NotPermittedError
from clonedetect.grant.file import read_grant, sign_grant_file
from clonedetect.grant.keys import Ed25519PrivateKey, fingerprint


@pytest.fixture
def path(tmp_path: Path, whole_grant: str) -> Path:
    path = tmp_path / "grant.toml"
    path.write_text(whole_grant)
    return path


def test_a_grant_is_read_with_what_stands_beside_it(
    path: Path, approver: Ed25519PrivateKey, second_approver: Ed25519PrivateKey
) -> None:
    unsigned = read_grant(path)
    assert unsigned.data == path.read_bytes()
    assert (unsigned.signature, unsigned.countersignature) == (None, None)
    target, grant = sign_grant_file(path, approver)
    assert target == path.with_name("grant.toml.sig")
    assert grant == unsigned.grant
    sign_grant_file(path, second_approver, countersign=True)
    found = read_grant(path).authorize([approver.public_key(), second_approver.public_key()])
    assert found.approver == fingerprint(approver.public_key())
    assert found.countersigner == fingerprint(second_approver.public_key())
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "grant.toml",
        "grant.toml.countersig",
        "grant.toml.sig",
    ]


def test_signing_again_is_harmless_and_never_replaces_another_signature(
    path: Path, approver: Ed25519PrivateKey, second_approver: Ed25519PrivateKey
) -> None:
    target, _ = sign_grant_file(path, approver)
    first = target.read_bytes()
    sign_grant_file(path, approver)
    assert target.read_bytes() == first
    with pytest.raises(InputError, match="another signature"):
        sign_grant_file(path, second_approver)
    assert target.read_bytes() == first


def test_a_countersignature_comes_second_and_from_another_key(
    path: Path, approver: Ed25519PrivateKey
) -> None:
    with pytest.raises(NotPermittedError, match="not signed yet"):
        sign_grant_file(path, approver, countersign=True)
    sign_grant_file(path, approver)
    with pytest.raises(NotPermittedError, match="this very key"):
        sign_grant_file(path, approver, countersign=True)
    assert not path.with_name("grant.toml.countersig").exists()


def test_a_malformed_grant_is_not_signed(path: Path, approver: Ed25519PrivateKey) -> None:
    path.write_text("[grant]\n")
    with pytest.raises(GrantError, match=r"grant\.toml:1: "):
        sign_grant_file(path, approver)
    assert [file.name for file in path.parent.iterdir()] == ["grant.toml"]


@pytest.mark.parametrize("size", [0, 63, 65, 88, 1_000])
def test_a_signature_of_another_size_is_malformed(path: Path, size: int) -> None:
    path.with_name("grant.toml.sig").write_bytes(bytes(size))
    with pytest.raises(GrantError, match=r"grant\.toml\.sig: .*64"):
        read_grant(path)


def test_the_root_is_read_relative_to_the_grant(path: Path, whole_grant: str, development: str) -> None:
    path.write_text(whole_grant + development.replace("tls = false", 'ca = "roots/ca.pem"'))
    with pytest.raises(GrantError, match=r"development\.ca: .*cannot be read"):
        read_grant(path)
    root = path.parent / "roots" / "ca.pem"
    root.parent.mkdir()
    root.write_bytes(b"nothing")
    with pytest.raises(GrantError, match="no certificate"):
        read_grant(path)
    root.write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    found = read_grant(path).grant.development
    assert found is not None
    assert found.trust_root == b"-----BEGIN CERTIFICATE-----\n"


def test_no_root_is_asked_for_where_https_is_spoken_in_clear(
    path: Path, whole_grant: str, development: str
) -> None:
    path.write_text(whole_grant + development + 'ca = "absent.pem"\n')
    found = read_grant(path).grant.development
    assert found is not None
    assert found.trust_root is None


def test_a_file_that_cannot_be_read_is_a_grant_error(path: Path) -> None:
    with pytest.raises(GrantError, match="cannot be read"):
        read_grant(path.with_name("absent.toml"))
    with pytest.raises(GrantError, match="cannot be read"):
        read_grant(path.parent)
    path.write_bytes(b"#" * 4_000_001)
    with pytest.raises(GrantError, match="4,000,000"):
        read_grant(path)


def test_a_signature_that_cannot_be_written_is_an_error(path: Path, approver: Ed25519PrivateKey) -> None:
    path.with_name("grant.toml.sig.part").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        sign_grant_file(path, approver)
