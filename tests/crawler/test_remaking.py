from __future__ import annotations

import pytest

from clonedetect.case.objects import object_path
from clonedetect.crawl.remaking import remake_objects
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Purpose


def pages_of(case):
    return [one for one in case.store.captures() if one.purpose is Purpose.PAGE]


def test_what_a_power_cut_took_back_is_decoded_again_from_its_record(case, serve, loopback):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    lost, cut, changed, whole = pages_of(case)[:4]
    contents = {one.url: case.store.object(one.content_digest) for one in (lost, cut, changed, whole)}
    object_path(case.store.folder, lost.content_digest).unlink()
    object_path(case.store.folder, cut.content_digest).write_bytes(b"")
    object_path(case.store.folder, changed.content_digest).write_bytes(b"\0" * changed.content_size)
    assert remake_objects(case.store, "another start of the machine") == 3
    assert contents == {one.url: case.store.object(one.content_digest) for one in (lost, cut, changed, whole)}


def test_one_look_is_enough_for_each_start_of_the_machine(case, serve, loopback):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    remake_objects(case.store, "this start")
    object_path(case.store.folder, pages_of(case)[0].content_digest).unlink()
    assert remake_objects(case.store, "this start") == 0
    assert remake_objects(case.store, "the next start") == 1
    assert remake_objects(case.store, "") == 0, "where the system does not tell, every run looks"


def test_a_look_that_was_cut_short_is_made_again(case, serve, loopback, monkeypatch):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    lost = pages_of(case)[:2]
    for one in lost:
        object_path(case.store.folder, one.content_digest).unlink()
    put = type(case.store).put_object
    monkeypatch.setattr(type(case.store), "put_object", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        remake_objects(case.store, "after the power cut")
    monkeypatch.setattr(type(case.store), "put_object", put)
    assert remake_objects(case.store, "after the power cut") == 2


def test_what_no_record_gives_is_told_after_all_else_was_made(case, serve, loopback, monkeypatch):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    damaged, lost = pages_of(case)[:2]
    for one in (damaged, lost):
        object_path(case.store.folder, one.content_digest).unlink()
    archive = case.store.folder / damaged.hops[-1].response.file
    whole = archive.read_bytes()
    at = damaged.hops[-1].response.offset + 60
    archive.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    with pytest.raises(VerificationError, match="its content is lost"):
        remake_objects(case.store, "after the power cut")
    assert case.store.object(lost.content_digest)


def test_a_run_looks_before_it_asks_for_anything(case, serve, loopback, tmp_path):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    lost = pages_of(case)[0]
    content = case.store.object(lost.content_digest)
    object_path(case.store.folder, lost.content_digest).unlink()
    with pytest.raises(VerificationError):
        case.store.object(lost.content_digest)
    case.store.note_boot("before the power cut")
    case.close()
    again = loopback.Case(tmp_path / "case")
    again.run(loopback.permits(site.port), [])
    assert again.store.object(lost.content_digest) == content
    again.close()
