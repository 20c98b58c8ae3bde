"""Signals of operators in tables, report and package: shown with their weight, and beside every verdict."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from clonedetect.evidence.exhibits import select
from clonedetect.evidence.report import render
from clonedetect.evidence.rows import By, SiteRow
from clonedetect.evidence.sheets import to_csv, to_json_lines, to_terminal
from clonedetect.evidence.tables import rows_by
from clonedetect.models.trait import Trait, TraitKind

ACCOUNT = "pub-1111222233334444"


def _site(contents, name: str = "clone.example") -> SiteRow:
    return next(row for row in rows_by(contents, By.SITE) if isinstance(row, SiteRow) and row.site == name)


def test_a_site_lists_its_signals_with_weight_and_with_whom_it_shares_them(case):
    told = {one.kind: one for one in _site(case.contents).traits}
    assert (told["ad account"].value, told["ad account"].shared_with) == (ACCOUNT, ("other.example",))
    assert told["ad account"].weight > 7
    assert (told["ad platform"].weight, told["ad platform"].common != "") == (0.0, True)
    assert told["ad account"].source == case.contents.captures[0].record_id
    assert _site(case.contents).traits[0].kind == "ad account", "what is shared comes first"


def test_related_sites_are_listed_both_ways_round_with_reasons(case):
    (line,) = to_json_lines((_site(case.contents),)).splitlines()
    row = json.loads(line)
    (other,) = row["related"]
    assert (other["site"], other["bits"]) == ("other.example", 8.0)
    assert "ad account pub-1111222233334444" in other["reasons"][0]
    assert row["traits"][0].keys() == {"kind", "value", "weight", "shared_with", "common", "source", "digest"}


def test_the_signals_columns_stand_at_the_end_and_read_as_text_in_csv(case):
    rows = rows_by(case.contents, By.SITE)
    header, first = list(csv.reader(io.StringIO(to_csv(rows, By.SITE).decode())))[:2]
    assert header[-2:] == ["traits", "related"]
    assert f"ad account {ACCOUNT} (8.0 bits; also other.example)" in first[-2]
    assert first[-1] == "other.example (8.0 bits)"
    assert [str(column.header) for column in to_terminal(rows, By.SITE).columns][-1] == "related"


def test_a_case_without_traits_has_empty_columns(case):
    case.change(traits=())
    assert (_site(case.contents).traits, _site(case.contents).related) == ((), ())


def _report(contents) -> str:
    return render(contents, select(contents, frozenset()), lambda digest: _object(contents, digest), ())


def _object(contents, digest: str) -> bytes:
    raise FileNotFoundError(digest)


def test_the_report_shows_signals_as_signals_and_escapes_them(case):
    hostile = Trait("clone.example", TraitKind.MAIL, "<b>x@y.example", "urn:x", "sha256:0", "structure", 1)
    case.change(findings=(), traits=(*case.contents.traits, hostile))
    html = _report(case.contents)
    assert "Signals of the operator" in html
    assert "do not decide anything" in html
    assert ACCOUNT in html
    assert "<b>x@y" not in html
    case.change(traits=())
    assert "<h4>Signals of the operator</h4>" not in _report(case.contents)


def test_what_a_package_says_of_pages_is_the_same_with_and_without_signals(case, tmp_path, key):
    case.export(tmp_path / "with", key)
    case.change(traits=())
    case.export(tmp_path / "without", key)
    for name in ("verdicts.jsonl", "matches.jsonl", "provenance.json", "findings.csv", "accounts.csv"):
        assert (tmp_path / "with/data" / name).read_bytes() == (tmp_path / "without/data" / name).read_bytes()
    rows = [json.loads(line) for line in (tmp_path / "with/data/traits.jsonl").read_bytes().splitlines()]
    assert [(row["site"], row["kind"], row["holders"]) for row in rows if row["weight"] > 7] == [
        ("clone.example", "ad account", 2),
        ("other.example", "ad account", 2),
    ]
    assert (tmp_path / "without/data/traits.jsonl").read_bytes() == b""


def test_the_order_in_which_traits_are_stored_changes_nothing(case):
    before = rows_by(case.contents, By.SITE)
    assert rows_by(replace(case.contents, traits=case.contents.traits[::-1]), By.SITE) == before
