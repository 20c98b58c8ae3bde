"""The analysis over stored captures: interrupted and resumed, bounded, and told to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.demo.pictures import jpeg
from clonedetect.errors import InputError, UsageError
from clonedetect.extract.sandbox import Sandbox
from clonedetect.jobs import analysing
from clonedetect.jobs.analysing import PageDone, analyse_case
from clonedetect.jobs.banks import Banks, read_banks
from clonedetect.jobs.examining import Examiner, Unexamined
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.models.ids import digest_of
from clonedetect.models.match import Verdict
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.settings.document import Allow, Settings
from clonedetect.settings.file import SettingsFile, read_settings
from clonedetect.signals.image import query_hashes
from clonedetect.signals.normalise import normalise
from clonedetect.signals.slot import BUILT_IN
from tests.jobs.playground import HTML, NOW, Platform, make_case, post, recompressed, standing

ROOT = "http://clone.example/"


@contextmanager
def _analysis(case: Path, index: Path, chosen: SettingsFile | None = None) -> Iterator[Iterator[PageDone]]:
    chosen = chosen or read_settings(None)
    banks = read_banks(chosen)
    with (
        CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
        open_reference(index) as reference,
        Examiner(reference, chosen.settings, banks.phrases, workers=1) as examiner,
    ):
        yield analyse_case(store, reference, examiner, banks, now=lambda: NOW)


def _analyse(case: Path, index: Path, *, pages: int | None = None) -> list[PageDone]:
    with _analysis(case, index) as done:
        return list(islice(done, pages))


def _texts(pages: int) -> dict[str, tuple[bytes, str]]:
    """Return pages that all show the same caption."""
    caption = post("p-1001").caption
    bodies = (f"<html><body><p>{caption}</p><p>page {number}</p></body></html>" for number in range(pages))
    return {f"{ROOT}page/{number}": (body.encode(), HTML) for number, body in enumerate(bodies)}


def _pictures(platform: Platform) -> dict[str, tuple[bytes, str]]:
    """Return two pages that show the same picture, each beside a picture of its own."""
    captured = {f"{ROOT}shared.jpg": (recompressed(platform.picture("p-1001")), "image/jpeg")}
    for number in range(2):
        captured[f"{ROOT}{number}.jpg"] = (
            jpeg(Image.effect_noise((200 + number, 150), 80)),
            "image/jpeg",
        )
        body = f'<html><body><img src="/shared.jpg"><img src="/{number}.jpg"></body></html>'
        captured[f"{ROOT}page/{number}"] = (body.encode(), HTML)
    return captured


def test_a_resumed_analysis_ends_as_one_that_was_never_interrupted(platform, tmp_path: Path) -> None:
    captured = _texts(5)
    whole, resumed = make_case(tmp_path / "whole", captured), make_case(tmp_path / "resumed", captured)
    assert [one.pages for one in _analyse(whole, platform.index)] == [1, 2, 3, 4, 5]
    assert len(_analyse(resumed, platform.index, pages=3)) == 3
    rest = _analyse(resumed, platform.index)
    assert [(one.pages, one.total) for one in rest] == [(1, 2), (2, 2)]
    assert standing(resumed) == standing(whole)
    for case in (whole, resumed):
        with CaseStore.read(case) as store:
            texts = [one.match for one in store.findings()]
        assert [(one.verdict, "repeated" in one.text.gates) for one in texts] == [
            (Verdict.POSSIBLE, True)
        ] * 5
    with CaseStore.read(whole) as store:
        assert len(store.contents().analyses) == 1
    assert _analyse(whole, platform.index) == []


def test_a_picture_is_judged_beside_those_of_its_own_page_however_many_are_kept(
    platform, tmp_path, monkeypatch
) -> None:
    captured = _pictures(platform)
    roomy, narrow = make_case(tmp_path / "roomy", captured), make_case(tmp_path / "narrow", captured)
    _analyse(roomy, platform.index)
    monkeypatch.setattr(analysing, "_MOST_KEPT", 1)
    picture, beside = Examiner.picture, []

    def noted(examiner, query, siblings=()):
        beside.append((query.signals.digest, {one.signals.digest for one in siblings}))
        return picture(examiner, query, siblings)

    monkeypatch.setattr(Examiner, "picture", noted)
    _analyse(narrow, platform.index)
    assert standing(narrow) == standing(roomy)
    shared, first, second = (digest_of(data) for data, kind in captured.values() if kind == "image/jpeg")
    assert [siblings for digest, siblings in beside if digest == shared] == [
        {shared, first},
        {shared, second},
    ]


def test_a_case_without_captures_is_one_analysis_however_often_it_is_run(platform, tmp_path: Path) -> None:
    case = make_case(tmp_path / "case", {})
    for _ in range(2):
        assert _analyse(case, platform.index) == []
    with CaseStore.read(case) as store:
        assert len(store.contents().analyses) == 1


def test_other_signals_and_other_radii_begin_another_analysis(platform, tmp_path: Path) -> None:
    case = make_case(tmp_path / "case", {})
    banks = read_banks(read_settings(None))
    (signal, *_) = BUILT_IN
    for signals in ((), (signal,), (signal,), (replace(signal, radius=20),)):
        with (
            CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
            open_reference(platform.index) as index,
            Examiner(index, Settings(), workers=1, signals=signals) as examiner,
        ):
            assert list(analyse_case(store, index, examiner, banks, now=lambda: NOW)) == []
    with CaseStore.read(case) as store:
        analyses = store.contents().analyses
    recorded = [dict(one.environment).get("signal block-mean") for one in analyses]
    assert recorded == [None, signal.deciding, replace(signal, radius=20).deciding]


def test_closing_the_examiner_ends_the_analysis_and_keeps_what_was_judged(platform, tmp_path: Path) -> None:
    case = make_case(tmp_path / "case", _pictures(platform))
    banks = read_banks(read_settings(None))
    with (
        CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
        open_reference(platform.index) as index,
        Examiner(index, Settings(), banks.phrases, workers=1) as examiner,
    ):
        pages = analyse_case(store, index, examiner, banks, now=lambda: NOW)
        next(pages)
        examiner.close()
        with pytest.raises(UsageError):
            next(pages)
        with pytest.raises(UsageError):
            examiner.texts([TextBlock("any", BlockKind.LEAF, "p")])
    assert len(standing(case)) == 1


def test_a_parser_that_had_to_be_stopped_leaves_the_page_inconclusive(platform, tmp_path: Path) -> None:
    deep = b"<div>" * 200_000 + b"x"
    case = make_case(tmp_path / "case", {f"{ROOT}deep": (deep, HTML)})
    banks = read_banks(read_settings(None))
    with (
        CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
        open_reference(platform.index) as index,
        Examiner(index, Settings(), workers=1) as examiner,
    ):
        examiner._pages.close()
        examiner._pages = Sandbox(1, timeout_s=0.2)
        (done,) = analyse_case(store, index, examiner, banks, now=lambda: NOW)
    assert done.analysis.verdict.verdict is Verdict.INCONCLUSIVE
    assert done.analysis.verdict.not_examined == (("the parser was stopped: timeout", 1),)


def test_a_video_is_counted_and_never_taken_for_a_picture(platform, tmp_path: Path) -> None:
    body = b'<html><body><video src="/clip.mp4"></video></body></html>'
    case = make_case(tmp_path / "case", {ROOT: (body, HTML)})
    _analyse(case, platform.index)
    verdict, _, _, not_examined, _ = standing(case)[ROOT]
    assert (verdict, not_examined) == ("inconclusive", (("video", 1),))


def test_a_domain_of_the_allow_list_that_is_no_host_is_named(platform, tmp_path: Path) -> None:
    case = make_case(tmp_path / "case", {ROOT: (b"<p>x</p>", HTML)})
    odd = replace(read_settings(None), settings=Settings(allow=Allow(("a_b..example",))))
    with (
        _analysis(case, platform.index, odd) as pages,
        pytest.raises(InputError, match=r"allow\.domains: a_b"),
    ):
        next(pages)


def test_a_picture_of_an_item_without_file_or_thumbnail_is_told_as_such(tmp_path: Path, platform) -> None:
    case = make_case(
        tmp_path / "case",
        {
            ROOT: (b'<html><body><img src="/1.jpg"></body></html>', HTML),
            f"{ROOT}1.jpg": (recompressed(platform.picture("p-1001")), "image/jpeg"),
        },
    )
    own = Platform(tmp_path / "platform", tmp_path / "index")
    own.folder.mkdir()
    picture = own.folder / "p-1001.jpg"
    picture.write_bytes(platform.picture("p-1001"))
    own.index_in(own.index, "p-1001")
    picture.write_bytes(b"changed since")
    _analyse(case, own.index)
    with CaseStore.read(case) as store:
        (copy,) = [one for one in store.contents().references if one.media_id is not None]
    assert (copy.is_original, copy.media_type) == (False, "image/png")


def test_a_reference_known_by_its_hashes_alone_has_nothing_to_show(platform, tmp_path: Path) -> None:
    picture = recompressed(platform.picture("p-1001"))
    case = make_case(
        tmp_path / "case",
        {
            ROOT: (b'<html><body><img src="/1.jpg"></body></html>', HTML),
            f"{ROOT}1.jpg": (picture, "image/jpeg"),
        },
    )
    view = query_hashes(platform.picture("p-1001"))[0]
    row = {"item_id": "h-1", "media": [{"kind": "image", "pdq": view.bits.hex()}]}
    (tmp_path / "hashes.jsonl").write_text(json.dumps(row))
    assert add_sources(tmp_path / "index", [tmp_path / "hashes.jsonl"], workers=1).added == 1
    _analyse(case, tmp_path / "index")
    with CaseStore.read(case) as store:
        (copy,) = [one for one in store.contents().references if one.media_id is not None]
        (finding,) = store.findings()
    assert (copy.object_digest, copy.is_original) == (None, False)
    assert finding.match.verdict is Verdict.POSSIBLE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/gif;base64,R0lGODlh", b"GIF89a"),
        ("data:image/gif;BASE64,R0lG%4FDlh", b"GIF89a"),
        ("data:image/gif; base64, R0lG\nODlh", b"GIF89a"),
        ("data:,GIF89a", b"GIF89a"),
        ("data:image/gif;base64,R0lGOA==", b"GIF8"),
        ("data:image/gif;base64,R0lGOA", b"GIF8"),
        ("data:image/gif;base64,R", None),
        ("data:image/gif;base64,R0!!", None),
        ("data:image/gif;base64", None),
    ],
)
def test_data_urls_are_read_as_browsers_read_them(url: str, expected: bytes | None) -> None:
    found = analysing._inline(url)
    assert found == expected if expected is not None else isinstance(found, Unexamined)


class TestBanks:
    """The operator's lists."""

    def _read(self, folder: Path, section: str, **files: str) -> Banks:
        for name, text in files.items():
            (folder / f"{name}.txt").write_text(text, "utf-8-sig")
        (folder / "settings.toml").write_text(f"[banks]\n{section}\n")
        return read_banks(read_settings(folder / "settings.toml"))

    def test_phrases_of_the_operator_join_the_shipped_ones(self, tmp_path: Path) -> None:
        line = "Every photograph on these pages was taken by somebody else entirely"
        text = normalise(line).text
        banks = self._read(tmp_path, 'common_phrases = ["p.txt"]', p=f"# ours\n\n{line}\n")
        assert banks.phrases.covered(text).all()
        assert read_banks(read_settings(None)).phrases.covered(text).mean() < 0.5
        assert "# p.txt sha256:" in banks.recorded

    @pytest.mark.parametrize("line", ["sha256:abc", "g" * 64, "a" * 63])
    def test_what_is_no_digest_is_named(self, tmp_path: Path, line: str) -> None:
        with pytest.raises(InputError, match="is no SHA-256"):
            self._read(tmp_path, 'blocked_digests = ["b.txt"]', b=line)

    def test_digests_are_read_with_and_without_their_algorithm(self, tmp_path: Path) -> None:
        text = f"{'A' * 64}\nsha256:{'b' * 64}\n"
        banks = self._read(tmp_path, 'blocked_digests = ["b.txt"]', b=text)
        assert banks.blocked == {f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"}

    def test_a_missing_list_and_missing_pictures_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"none\.txt"):
            self._read(tmp_path, 'blocked_digests = ["none.txt"]')
        with pytest.raises(InputError, match=r"banks\.negative_images"):
            self._read(tmp_path, 'negative_images = ["x"]')

    def test_the_private_key_s_path_stays_in_the_house(self, tmp_path: Path) -> None:
        (tmp_path / "settings.toml").write_text('[signing]\nkey = "/home/ali/secret.pem"\n')
        assert "secret.pem" not in read_banks(read_settings(tmp_path / "settings.toml")).recorded


def test_an_operators_common_phrase_is_no_ground_for_a_finding(platform, tmp_path: Path) -> None:
    caption = post("p-3001").caption
    case = make_case(tmp_path / "case", {ROOT: (f"<p>{caption}</p>".encode(), HTML)})
    _analyse(case, platform.index)
    assert standing(case)[ROOT][1] == ("p-3001",)
    (tmp_path / "phrases.txt").write_text(caption + "\n", "utf-8")
    (tmp_path / "settings.toml").write_text('[banks]\ncommon_phrases = ["phrases.txt"]\n')
    with _analysis(case, platform.index, read_settings(tmp_path / "settings.toml")) as pages:
        assert [one.analysis.findings for one in pages] == [()]
