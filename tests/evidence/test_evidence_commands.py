"""``findings``, ``export`` and ``verify`` over a case that the real store and archive wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from clonedetect.archive.custody import CustodyLog, verify_chain
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.cli.export import export
from clonedetect.cli.findings import findings
from clonedetect.cli.verify import verify
from clonedetect.evidence.seal import signer_fingerprint
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Peer, Purpose, TlsFacts
from clonedetect.models.case import Decision, DecisionKind
from clonedetect.models.ids import digest_of
from clonedetect.models.permit import Permit

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def fetched(url: str, purpose: Purpose, content: bytes, content_type: str) -> tuple[FetchResult, Permit]:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode()
    exchange = Exchange(
        url=url,
        request=b"GET / HTTP/1.1\r\nHost: clone.example\r\n\r\n",
        response=head + content,
        header_length=len(head),
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        status=200,
        headers=(("Content-Type", content_type),),
        peer=Peer("203.0.113.7", 443),
        tls=TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", (b"certificate",)),
        dns=("203.0.113.7",),
    )
    result = FetchResult(url, url, purpose, Outcome.OK, "", (exchange,), content, content_type)
    permit = Permit(url, purpose, "https", "clone.example", 443, "g", digest_of(b""), "rule", NOW)
    return result, permit


@pytest.fixture
def stored(case, tmp_path) -> Path:
    """The case of the other tests, captured again through the real archive and store."""
    folder = tmp_path / "stored"
    old = case.contents
    grant = old.grants[0]
    with CaseStore.create(
        folder, old.case_id, custody=CustodyLog.open, now=NOW, actor="clonedetect"
    ) as store:
        store.accept_grant(grant, old.case_id, is_rehearsal=False, actor="clonedetect")
        archive = WarcArchive.open(folder, old.case_id, known={}, custody=store.custody, now=NOW)
        captures = []
        for capture in old.captures[:2]:
            digest = capture.content_digest
            content = (case.folder / "objects" / digest[7:9] / digest[7:]).read_bytes()
            store.put_object(content)
            result, permit = fetched(capture.url, capture.purpose, content, "text/html")
            bound = replace(permit, grant_id=grant.grant_id, grant_digest=grant.digest, rule=capture.rule)
            captures.append(archive.append(result, bound, captured_at=NOW))
            store.record_capture(captures[-1], actor="clonedetect")
        record(case, store, captures)
    return folder


def record(case, store, captures):
    old = case.contents
    reference = old.references[0].object_digest
    store.put_object((case.folder / "objects" / reference[7:9] / reference[7:]).read_bytes())
    analysis = store.begin_analysis(
        started_at=NOW,
        index_generation=3,
        index_snapshot="sha256:feed",
        settings="",
        environment=(("clonedetect", "0.1.0"),),
        actor="clonedetect",
    )
    page, picture = (capture.record_id for capture in captures)
    moved = (
        replace(old.findings[0], page_record_id=page, record_id=picture),
        replace(old.findings[1], page_record_id=page, record_id=page),
    )
    store.put_page_analysis(
        analysis.analysis_id, old.verdicts[0], moved, old.references, now=NOW, actor="clonedetect"
    )
    store.decide(Decision("f-image", DecisionKind.CONFIRM, "Noor", "", None, NOW))


@pytest.fixture
def key_file(key: Ed25519PrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    (tmp_path / "password").write_text("secret\n")
    return path


def run(command, *arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_from_a_stored_case_to_a_package_that_verifies(stored, key_file, tmp_path):
    done = run(
        export,
        stored,
        tmp_path / "out",
        "--key",
        key_file,
        "--password-file",
        tmp_path / "password",
        "--zip",
        "--json",
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["captures"], told["exhibits"], told["unreviewed"]) == (2, 2, 1)
    for package in (tmp_path / "out", tmp_path / "out.zip"):
        checked = run(verify, package, "--signer", told["signer"], "--json")
        assert checked.exit_code == 0, checked.output
        assert json.loads(checked.stdout)["not_checked"] == ["existence in time"]


def test_the_network_log_tells_encryption_and_names(stored, tmp_path):
    assert run(export, stored, tmp_path / "out").exit_code == 0
    first = json.loads((tmp_path / "out/data/network.jsonl").read_bytes().splitlines()[0])
    assert first["recorded"]["dns"] == ["203.0.113.7"]
    assert first["recorded"]["tls"]["version"] == "TLSv1.3"
    assert first["recorded"]["certificate_digests"] == [digest_of(b"certificate")]


def test_an_export_is_logged_in_the_case_and_not_in_the_package(stored, tmp_path):
    before = verify_chain(stored / "custody.jsonl").length
    assert run(export, stored, tmp_path / "one").exit_code == 0
    assert verify_chain(stored / "custody.jsonl").length == before + 1
    assert run(export, stored, tmp_path / "two").exit_code == 0
    for name in ("data/custody.jsonl", "data/report.html", "manifest-sha256.txt", "seal/head.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert b'"export"' not in (tmp_path / "two/data/custody.jsonl").read_bytes()


def settings_file(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "settings.toml").write_text(text)
    return folder / "settings.toml"


def last_act(case: Path) -> dict[str, object]:
    return json.loads((case / "custody.jsonl").read_bytes().splitlines()[-1])


def test_settings_name_the_key_and_who_acts(stored, key_file, tmp_path):
    """The key's path is relative to the settings' file, wherever the command is run."""
    settings = settings_file(tmp_path, '[signing]\nkey = "../key.pem"\nactor = "Noor, counsel"\n')
    given = ("--settings", settings, "--password-file", tmp_path / "password", "--json")
    done = run(export, stored, tmp_path / "out", *given)
    assert done.exit_code == 0, done.output
    signer = json.loads(done.stdout)["signer"]
    assert signer == signer_fingerprint(str(tmp_path / "out/seal/signer.pub.pem"))
    assert run(verify, tmp_path / "out", "--signer", signer).exit_code == 0
    assert (last_act(stored)["action"], last_act(stored)["actor"]) == ("export", "Noor, counsel")
    assert "not signed" not in done.stderr


def test_a_key_on_the_command_line_goes_before_the_one_of_the_settings(stored, key_file, tmp_path):
    settings = settings_file(tmp_path, '[signing]\nkey = "none.pem"\n')
    given = ("--settings", settings, "--key", key_file, "--password-file", tmp_path / "password")
    assert run(export, stored, tmp_path / "out", *given).exit_code == 0
    assert (tmp_path / "out/seal/head.json.sig").exists()


def test_a_key_that_the_settings_name_and_is_not_there_ends_in_3_and_not_unsigned(stored, tmp_path):
    settings = settings_file(tmp_path, '[signing]\nkey = "none.pem"\n')
    assert run(export, stored, tmp_path / "out", "--settings", settings).exit_code == 3
    assert not (tmp_path / "out").exists()


def test_an_export_says_that_it_is_unsigned(stored, key_file, tmp_path):
    done = run(export, stored, tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    assert "not signed: nobody will be able to prove who made this package" in done.stderr
    assert json.loads(done.stdout)["timestamps"] == []
    given = ("--key", key_file, "--password-file", tmp_path / "password")
    assert run(export, stored, tmp_path / "signed", *given).stderr == ""


@pytest.mark.parametrize("by", ["page", "site", "account", "item"])
def test_findings_are_json_lines_when_piped(stored, by):
    done = run(findings, stored, "--by", by)
    assert done.exit_code == 0, done.output
    assert all(json.loads(line)["schema"] == 1 for line in done.stdout.splitlines())


def test_findings_come_as_table_csv_and_workbook(stored):
    table = run(findings, stored, "--format", "table")
    assert "confirmed" in table.stdout
    assert "not looked at by a person: 1" in table.stderr
    assert run(findings, stored, "--format", "csv").stdout.startswith("page_url,site,outcome")
    assert run(findings, stored, "--format", "xlsx").stdout_bytes.startswith(b"PK")


def test_options_that_contradict_each_other_are_usage(stored, tmp_path):
    assert run(findings, stored, "--format", "csv", "--json").exit_code == 2
    assert run(export, stored, tmp_path / "out", "--password-file", "x").exit_code == 2


def test_bad_input_ends_in_3(stored, key_file, tmp_path):
    assert run(findings, tmp_path / "none").exit_code == 3
    assert run(export, stored, tmp_path / "out", "--key", tmp_path / "none.pem").exit_code == 3
    given = ("--key", key_file, "--password-file", tmp_path / "none")
    assert run(export, stored, tmp_path / "out", *given).exit_code == 3
    assert run(export, stored, stored).exit_code == 3


def test_an_incomplete_case_ends_in_7_and_leaves_nothing(stored, tmp_path):
    next((stored / "objects").rglob("*/*")).unlink()
    done = run(export, stored, tmp_path / "out")
    assert done.exit_code == 7, done.output
    assert not (tmp_path / "out").exists()
    assert verify_chain(stored / "custody.jsonl").length


# ---------------------------------------------------------------- verify alone


def test_verify_tells_changed_from_missing(package):
    assert run(verify, package).exit_code == 0
    next((package / "data/objects").rglob("*/*")).unlink()
    assert run(verify, package).exit_code == 7
    (package / "data/findings.csv").write_text("x")
    assert run(verify, package).exit_code == 6


def test_verify_reads_well_on_a_terminal(package, monkeypatch):
    monkeypatch.setattr("clonedetect.cli.verify.wants_json", lambda _: False)
    for number in range(30):
        (package / f"data/\x1b[31m{number}").write_text("x")
    done = run(verify, package)
    assert done.exit_code == 6
    assert "TAMPERED" in done.stdout
    assert "Not checked: signer identity, existence in time." in done.stdout
    assert "more; --json lists all" in done.stdout
    assert "\x1b[31m" not in done.stdout


def test_verify_compares_with_a_signer_given_as_a_file(package):
    pem = package.parent / "signer.pem"
    pem.write_bytes((package / "seal/signer.pub.pem").read_bytes())
    assert run(verify, package, "--signer", pem).exit_code == 0
    assert signer_fingerprint(str(pem)).startswith("sha256:")
    assert run(verify, package, "--signer", "0" * 64).exit_code == 6
    assert run(verify, package, "--signer", "nonsense").exit_code == 3


def test_export_speaks_plainly_on_a_terminal(stored, tmp_path, monkeypatch):
    monkeypatch.setattr("clonedetect.cli.export.wants_json", lambda _: False)
    done = run(export, stored, tmp_path / "out", "--zip")
    assert "nobody: who made it will not be provable" in done.stdout.replace("\n", " ")
    assert "not looked at by any person: 1" in done.stderr


def test_what_is_no_package_is_told_in_plain_words(stored, tmp_path):
    missing = run(verify, tmp_path / "none.zip")
    assert (missing.exit_code, missing.stdout) == (3, "")
    assert "there is no package" in missing.stderr
    assert "Errno" not in missing.stderr
    case = run(verify, stored)
    assert case.exit_code == 3
    assert "is a case folder; export it first: clonedetect export" in case.stderr


# ---------------------------------------------------------------- timestamps


def test_settings_name_authorities_and_roots(stored, authority, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[timestamp]\nauthorities = ["{authority.url}"]\nroots = "{authority.roots}"\n')
    done = run(export, stored, tmp_path / "out", "--settings", settings, "--json")
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)["timestamps"]
    assert (told["url"], told["verified_by"], told["reason"]) == (authority.url, "rfc3161-client", "")
    assert run(verify, tmp_path / "out").exit_code == 0


def test_an_export_whose_authority_fails_ends_in_5_and_says_how_to_complete_it(stored, authority, tmp_path):
    authority.answer = authority.fail
    given = ("--tsa", authority.url, "--tsa-roots", authority.roots)
    done = run(export, stored, tmp_path / "out", *given)
    assert done.exit_code == 5
    assert f"clonedetect seal {tmp_path / 'out'}" in done.stderr.replace("\n", " ")
    assert run(verify, tmp_path / "out").exit_code == 7


def test_authorities_without_roots_are_a_question_of_usage(stored, tmp_path):
    assert run(export, stored, tmp_path / "out", "--tsa", "http://127.0.0.1:9/").exit_code == 2
    assert run(export, stored, tmp_path / "out", "--tsa-roots", "roots.pem").exit_code == 2
    assert not (tmp_path / "out").exists()
