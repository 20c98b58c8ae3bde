"""What an export holds, that it is the same each time, and that it is never half."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import bagit
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from warcio.archiveiterator import ArchiveIterator

from clonedetect.errors import IncompleteError, InputError, VerificationError
from clonedetect.evidence.documents import FACTS_TYPE
from clonedetect.models.capture import Purpose
from clonedetect.models.case import Decision, DecisionKind, GrantFile
from clonedetect.models.ids import Digest, digest_of

SCHEMATA = {
    "captures": "data/captures.jsonl",
    "custody": "data/custody.jsonl",
    "matches": "data/matches.jsonl",
    "network": "data/network.jsonl",
    "traits": "data/traits.jsonl",
    "verdicts": "data/verdicts.jsonl",
}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows(package: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (package / "data" / f"{name}.jsonl").read_bytes().splitlines()]


def decided(kind: DecisionKind, finding: str = "f-image") -> Decision:
    return Decision(finding, kind, "Noor", "seen by hand", 4.0, datetime(2026, 11, 4, tzinfo=UTC))


def test_the_tree_is_the_one_that_is_documented(sealed):
    names = tree(sealed).keys()
    assert {name for name in names if "/objects/" not in name} == {
        "VERIFY.md",
        "bag-info.txt",
        "bagit.txt",
        "data/accounts.csv",
        "data/capture.warc.gz",
        "data/captures.jsonl",
        "data/custody.jsonl",
        "data/decisions.jsonl",
        "data/findings.csv",
        "data/findings.xlsx",
        "data/grant.toml",
        "data/grant.toml.sig",
        "data/matches.jsonl",
        "data/network.jsonl",
        "data/not_visited.jsonl",
        "data/provenance.json",
        "data/refusals.jsonl",
        "data/report.html",
        "data/sites.csv",
        "data/traits.jsonl",
        "data/verdicts.jsonl",
        "manifest-sha256.txt",
        "manifest-sha512.txt",
        "schemas/captures.schema.json",
        "schemas/custody.schema.json",
        "schemas/head.schema.json",
        "schemas/matches.schema.json",
        "schemas/network.schema.json",
        "schemas/provenance.schema.json",
        "schemas/sample.schema.json",
        "schemas/supplied.schema.json",
        "schemas/traits.schema.json",
        "schemas/verdicts.schema.json",
        "seal/head.json",
        "seal/head.json.sig",
        "seal/signer.pub.pem",
        "tagmanifest-sha256.txt",
        "verify.py",
        "verify.sh",
    }


def test_the_bag_library_accepts_the_bag(sealed):
    bag = bagit.Bag(str(sealed))
    bag.validate()
    assert bag.version_info == (1, 0)
    assert bag.info["External-Identifier"] == "CLONE-42"
    assert bag.info["Bagging-Date"] == "2026-11-03"


def test_a_case_id_cannot_write_lines_of_its_own_into_the_bag(case, tmp_path):
    case.change(case_id="CLONE\r\nPayload-Oxum: 0.0\r\n")
    case.export(tmp_path / "out")
    assert bagit.Bag(str(tmp_path / "out")).info["External-Identifier"] == "CLONE Payload-Oxum: 0.0"


def test_warcio_reads_every_record_of_the_joined_archive(sealed, case):
    with (sealed / "data/capture.warc.gz").open("rb") as stream:
        records = ArchiveIterator(stream, check_digests="raise")
        read = [(record.rec_type, record.content_stream().read()) for record in records]
    assert [kind for kind, _ in read] == ["request", "response"] * 3
    assert digest_of(read[3][1]) == case.contents.captures[1].content_digest


def test_a_record_can_be_cut_out_at_the_place_that_its_capture_names(sealed):
    archive = (sealed / "data/capture.warc.gz").read_bytes()
    for capture in rows(sealed, "captures"):
        place = capture["hops"][0]["response"]
        member = archive[place["offset"] : place["offset"] + place["length"]]
        unpacked = subprocess.run(["gunzip"], input=member, capture_output=True, check=True).stdout
        assert f"<{capture['record_id']}>".encode() in unpacked
        assert place["file"] == "data/capture.warc.gz"


def test_the_same_case_gives_the_same_bytes(new_case, key, tmp_path):
    for name in ("one", "two"):
        new_case(tmp_path / name / "case").export(tmp_path / name / "out", key, as_zip=True)
    assert tree(tmp_path / "one/out") == tree(tmp_path / "two/out")
    assert (tmp_path / "one/out.zip").read_bytes() == (tmp_path / "two/out.zip").read_bytes()


def test_another_key_changes_nothing_but_the_seal(sealed, case, tmp_path):
    case.export(tmp_path / "out", Ed25519PrivateKey.generate())
    mine, theirs = tree(tmp_path / "out"), tree(sealed)
    assert {name for name in mine if mine[name] != theirs[name]} == {
        "seal/head.json",
        "seal/head.json.sig",
        "seal/signer.pub.pem",
    }


def test_an_export_that_was_logged_does_not_change_the_next_one(sealed, case, key, acts, tmp_path):
    case.write_custody([*acts, ("export", "head.json sha256:00"), ("export", "head.json sha256:01")])
    case.export(tmp_path / "out", key)
    assert tree(tmp_path / "out") == tree(sealed)


def test_an_act_after_an_export_takes_the_export_with_it(case, acts, tmp_path):
    case.write_custody([*acts, ("export", "head.json sha256:00"), ("decision", "f-image")])
    case.export(tmp_path / "out")
    assert [entry["action"] for entry in rows(tmp_path / "out", "custody")][-2:] == ["export", "decision"]


def test_openssl_accepts_the_signature(sealed):
    command = (
        "openssl pkeyutl -verify -pubin -inkey signer.pub.pem -rawin -in head.json -sigfile head.json.sig"
    )
    done = subprocess.run(command.split(), cwd=sealed / "seal", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((sealed / "seal/head.json.sig").read_bytes()) == 64


def test_matches_hold_both_digests_and_what_was_measured(sealed, case):
    image, text = rows(sealed, "matches")
    finding = case.contents.findings[0]
    assert (image["finding_id"], image["exhibit"]) == ("f-image", 1)
    assert image["suspect"]["object_digest"] == image["suspect"]["content_digest"] == finding.content_digest
    assert image["reference"]["object_digest"] == case.contents.references[0].object_digest
    assert (sealed / image["reference"]["object"]).is_file()
    assert image["image"]["inliers"] == 212
    assert image["regions"][0]["polygon"][2] == [280, 210]
    assert image["analysis"]["settings_digest"] == case.contents.analyses[0].settings_digest
    assert text["text"]["bits"] == 141.0
    assert text["quoted_text"].startswith("mara")
    assert "/srv/pictures" not in (sealed / "data/matches.jsonl").read_text()


def test_network_tells_each_hop_with_peer_and_address(sealed):
    first = rows(sealed, "network")[0]
    assert first["peer"] == {"address": "203.0.113.7", "port": 80}
    assert first["warc"]["warc-ip-address"] == "203.0.113.7"
    assert first["recorded"] is None


def test_network_tells_what_the_metadata_record_kept(case, tmp_path):
    captures = case.contents.captures
    facts = {
        "schema": 1,
        "capture": msgspec.to_builtins(captures[2]),
        "exchanges": [
            {"dns": ["203.0.113.7"], "tls": {"version": "TLSv1.3", "certificates": []}, "url": "x"}
        ],
    }
    archive = case.folder / case.contents.archive_files[1]
    block = json.dumps(facts).encode()
    head = (
        f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: <urn:uuid:facts>\r\n"
        f"WARC-Date: 2026-11-03T09:30:00Z\r\nWARC-Block-Digest: {digest_of(block)}\r\n"
        f"Content-Type: {FACTS_TYPE}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    member = subprocess.run(
        ["gzip", "-nc"], input=head.encode() + block + b"\r\n\r\n", capture_output=True, check=True
    ).stdout
    place = captures[2].hops[0].response
    reference = replace(
        place,
        record_id="urn:uuid:facts",
        offset=archive.stat().st_size,
        length=len(member),
        block_digest=digest_of(block),
        payload_digest=digest_of(block),
    )
    with archive.open("ab") as stream:
        stream.write(member)
    case.change(captures=(*captures[:2], replace(captures[2], facts=reference)))
    case.write_custody([("capture", f"urn:uuid:facts {digest_of(block)}")])
    case.export(tmp_path / "out")
    told = rows(tmp_path / "out", "network")[2]["recorded"]
    assert told["dns"] == ["203.0.113.7"]
    assert told["tls"]["version"] == "TLSv1.3"


def test_provenance_names_software_settings_and_grant(sealed, case):
    told = json.loads((sealed / "data/provenance.json").read_bytes())
    assert told["packaged_by"][0] == ["clonedetect", "0.1.0"]
    assert told["analyses"][0]["settings"] == case.contents.analyses[0].settings
    assert told["grants"][0]["path"] == "data/grant.toml"
    assert told["grants"][0]["is_signed"]
    assert told["counts"]["outcomes"] == {"http_error": 1, "ok": 2}


def test_several_grants_lie_in_numbered_folders_byte_for_byte(case, tmp_path):
    second = GrantFile("../../2", digest_of(b"[grant]\n"), b"[grant]\n", None, b"c", "", datetime.now(UTC))
    case.change(grants=(*case.contents.grants, second))
    case.export(tmp_path / "out")
    assert (tmp_path / "out/data/grants/01/grant.toml").read_bytes() == case.contents.grants[0].data
    assert (tmp_path / "out/data/grants/02/grant.toml.countersig").read_bytes() == b"c"
    assert not (tmp_path / "out/data/grants/02/grant.toml.sig").exists()


def test_a_rejected_finding_leaves_the_exhibits_and_stays_listed(case, tmp_path):
    case.change(decisions=(decided(DecisionKind.CONFIRM), decided(DecisionKind.REJECT)))
    assert case.export(tmp_path / "out").exhibits == 1
    rejected = next(row for row in rows(tmp_path / "out", "matches") if row["finding_id"] == "f-image")
    assert rejected["exhibit"] is None
    assert rejected["left_out"] == "a person rejected it"
    objects = {path.name for path in (tmp_path / "out/data/objects").rglob("*") if path.is_file()}
    assert case.contents.findings[0].content_digest.removeprefix("sha256:") not in objects


def test_items_of_minors_and_blocked_pictures_are_never_copied(case, tmp_path):
    minor = tuple(
        replace(copy, item=replace(copy.item, minor=copy.media_id is None))
        for copy in case.contents.references
    )
    case.change(references=minor)
    blocked = frozenset([case.contents.findings[0].content_digest])
    summary = case.export(tmp_path / "out", blocked=blocked)
    assert (summary.exhibits, summary.left_out) == (0, 2)
    assert not (tmp_path / "out/data/objects").exists()
    assert "data:image" not in (tmp_path / "out/data/report.html").read_text()
    reasons = {row["left_out"] for row in rows(tmp_path / "out", "matches")}
    assert reasons == {
        "its picture is on the list of pictures that are never shown",
        "the item is marked as showing a minor",
    }


def test_the_zip_holds_the_package_below_one_folder(case, key, tmp_path):
    case.change(case_id="../C:\\42 é")
    summary = case.export(tmp_path / "out", key, as_zip=True)
    with zipfile.ZipFile(summary.zip_path) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {"C-42"}
        held = {info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()}
    assert held == tree(tmp_path / "out")


# ---------------------------------------------------------------- never half


def gone_object(case):
    shutil.rmtree(case.folder / "objects")


def gone_archive(case):
    (case.folder / case.contents.archive_files[1]).unlink()


def gone_custody(case):
    (case.folder / "custody.jsonl").unlink()


def gone_record(case):
    case.change(archive_files=case.contents.archive_files[:1])


def gone_reference(case):
    case.change(references=())


def gone_grant(case):
    case.change(grants=())


def no_archive(case):
    case.change(archive_files=())


def no_capture(case):
    case.change(captures=())


def unknown_record(case):
    lost = replace(case.contents.findings[0], record_id="urn:uuid:lost")
    case.change(findings=(lost,))


def no_record_in_the_archive(case):
    captures = case.contents.captures
    hop = captures[0].hops[0]
    lost = replace(hop, response=replace(hop.response, record_id="urn:uuid:lost"))
    case.change(captures=(replace(captures[0], hops=(lost,)), *captures[1:]))


@pytest.mark.parametrize(
    "spoil",
    [
        gone_object,
        gone_archive,
        gone_custody,
        gone_record,
        gone_reference,
        no_archive,
        no_capture,
        unknown_record,
        no_record_in_the_archive,
    ],
)
def test_a_case_that_misses_anything_is_not_exported(case, tmp_path, spoil):
    spoil(case)
    with pytest.raises(IncompleteError):
        case.export(tmp_path / "packages/out", as_zip=True)
    assert not list((tmp_path / "packages").glob("*") if (tmp_path / "packages").exists() else [])


def flipped_object(case):
    for path in (case.folder / "objects").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"\0")


def torn_archive(case):
    path = case.folder / case.contents.archive_files[0]
    path.write_bytes(path.read_bytes()[:-5])


def rewritten_custody(case):
    path = case.folder / "custody.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"capture"', b'"no-shot"', 1))


def garbled_custody(case):
    (case.folder / "custody.jsonl").write_bytes(b"[1]\n")


def exports_alone(case):
    case.write_custody([("export", "x")])


def misplaced_record(case):
    captures = case.contents.captures
    hop = captures[0].hops[0]
    moved = replace(hop, response=replace(hop.response, offset=1))
    case.change(captures=(replace(captures[0], hops=(moved,)), *captures[1:]))


def other_grant(case):
    case.change(grants=(replace(case.contents.grants[0], data=b"[grant]\n"),))


def changed_capture(case, **changes):
    first, *rest = case.contents.captures
    case.change(captures=(replace(first, **changes), *rest))


def grant_of_another_case(case):
    changed_capture(case, grant_digest=digest_of(b"another"))


def grant_by_another_name(case):
    changed_capture(case, grant_id="2026-0118")


def no_rule(case):
    changed_capture(case, rule="")


def rule_of_nobody(case):
    changed_capture(case, rule="hosts[7] clone.example /")


def purpose_that_is_not_granted(case):
    changed_capture(case, purpose=Purpose.API)


def asked_after_the_grant(case):
    changed_capture(case, captured_at=datetime(2026, 12, 1, tzinfo=UTC))


def asked_before_the_grant(case):
    changed_capture(case, captured_at=datetime(2026, 10, 31, 23, tzinfo=UTC))


def redirected_outside(case):
    first = case.contents.captures[0]
    away = replace(first.hops[0], url="http://elsewhere.example/")
    changed_capture(case, hops=(*first.hops, away))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (grant_of_another_case, "not in the case"),
        (grant_by_another_name, "not in the case"),
        (no_rule, "no rule of grant"),
        (rule_of_nobody, "no rule of grant"),
        (purpose_that_is_not_granted, "none of the api_prefixes"),
        (asked_after_the_grant, "the grant ended at"),
        (asked_before_the_grant, "the grant begins at"),
        (redirected_outside, "elsewhere.example is not a granted host"),
    ],
)
def test_what_no_grant_of_the_case_covers_is_not_exported(case, tmp_path, spoil, reason):
    spoil(case)
    with pytest.raises(VerificationError, match=reason):
        case.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_exported_record_names_its_grant_and_rule(case, tmp_path):
    case.export(tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out/data/captures.jsonl").read_text().splitlines()]
    assert {row["grant_id"] for row in rows} == {"2026-0117"}
    assert {row["grant_digest"] for row in rows} == {case.contents.grants[0].digest}
    assert {row["rule"] for row in rows} == {"hosts[0] clone.example /", "hosts[1] media.clone.example /"}


def digest_that_climbs(case):
    up = Digest("sha256:/../../../etc/passwd")
    case.change(findings=(replace(case.contents.findings[0], content_digest=up),))


@pytest.mark.parametrize(
    "spoil",
    [
        flipped_object,
        torn_archive,
        rewritten_custody,
        garbled_custody,
        exports_alone,
        misplaced_record,
        other_grant,
        digest_that_climbs,
        gone_grant,
    ],
)
def test_a_case_that_was_changed_is_not_exported(case, tmp_path, spoil):
    spoil(case)
    with pytest.raises(VerificationError):
        case.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_record_of_other_bytes_than_it_states_is_not_exported(case, tmp_path):
    path = case.folder / case.contents.archive_files[1]
    unpacked = subprocess.run(["gunzip"], input=path.read_bytes(), capture_output=True, check=True).stdout
    start = unpacked.index(b"WARC/1.1", 10)
    parts = [unpacked[:start], unpacked[start:].replace(b"\r\n\r\nno", b"\r\n\r\nNO")]
    packed = [subprocess.run(["gzip", "-nc"], input=p, capture_output=True, check=True).stdout for p in parts]
    path.write_bytes(b"".join(packed))
    with pytest.raises(VerificationError, match="digest that it states"):
        case.export(tmp_path / "out")


def test_a_folder_that_holds_something_is_refused(case, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        case.export(tmp_path / "out")
    assert (tmp_path / "out/mine.txt").read_text() == "x"


def test_an_empty_folder_is_taken(case, tmp_path):
    (tmp_path / "out").mkdir()
    assert case.export(tmp_path / "out").files > 20


def test_a_zip_that_exists_is_refused(case, tmp_path):
    (tmp_path / "out.zip").write_text("x")
    with pytest.raises(InputError, match=r"out\.zip"):
        case.export(tmp_path / "out", as_zip=True)
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- schemas


def complaints(schema: dict, value: object, root: dict) -> list[str]:
    """The part of JSON Schema that ours use, written out here so that no schema library is needed."""
    if "$ref" in schema:
        return complaints(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    found = []
    if "anyOf" in schema and all(complaints(one, value, root) for one in schema["anyOf"]):
        found.append(f"{value!r} is none of {schema['anyOf']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{value!r} is not of {schema['enum']}")
    kinds = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list}
    kinds |= {"null": type(None), "boolean": bool}
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, kinds[one]) for one in wanted):
        found.append(f"{value!r} is no {wanted}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{value!r} is not like {schema['pattern']}")
    if isinstance(value, dict):
        found += [f"{key} is missing" for key in schema.get("required", []) if key not in value]
        named = schema.get("properties", {})
        other = schema.get("additionalProperties", True)
        for key, inner in value.items():
            if key in named or isinstance(other, dict):
                found += complaints(named.get(key, other), inner, root)
            elif other is False:
                found.append(f"{key} is unknown")
    if isinstance(value, list):
        found += [one for inner in value for one in complaints(schema.get("items", {}), inner, root)]
    return found


@pytest.mark.parametrize("name", SCHEMATA)
def test_every_line_satisfies_the_schema_that_ships_beside_it(sealed, name):
    schema = json.loads((sealed / f"schemas/{name}.schema.json").read_bytes())
    lines = (sealed / SCHEMATA[name]).read_bytes().splitlines()
    assert lines
    for line in lines:
        assert complaints(schema, json.loads(line), schema) == []


@pytest.mark.parametrize(
    ("name", "file"), [("head", "seal/head.json"), ("provenance", "data/provenance.json")]
)
def test_each_document_satisfies_its_schema(sealed, name, file):
    schema = json.loads((sealed / f"schemas/{name}.schema.json").read_bytes())
    assert complaints(schema, json.loads((sealed / file).read_bytes()), schema) == []
    assert complaints(schema, {}, schema) != []


def test_no_machine_path_or_address_of_ours_is_in_a_package(sealed):
    for name, data in tree(sealed).items():
        assert b"/tmp/" not in data, name
        assert str(Path(sys.prefix)).encode() not in data, name


def test_the_head_names_the_fingerprint_that_openssl_computes(sealed):
    der = base64.b64decode(b"".join((sealed / "seal/signer.pub.pem").read_bytes().splitlines()[1:-1]))
    head = json.loads((sealed / "seal/head.json").read_bytes())
    assert head["signer"]["fingerprint"] == f"sha256:{hashlib.sha256(der).hexdigest()}"
    assert head["timestamp"] == "none asked for"
