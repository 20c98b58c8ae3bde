import json

import pytest

from clonedetect.jobs.acting import acting


@pytest.mark.parametrize(
    ("actor", "work", "named"),
    [
        ("", "", "clonedetect"),
        ("", "crawl", "clonedetect crawl"),
        ("Ana Ruiz", "", "Ana Ruiz (clonedetect)"),
        ("Ana Ruiz", "analysis", "Ana Ruiz (clonedetect analysis)"),
    ],
)
def test_custody_names_the_person_and_the_part_of_the_program(actor: str, work: str, named: str) -> None:
    assert acting(actor, work) == named


def test_a_scan_names_its_actor_in_custody_and_says_what_it_does_not_do(serve, scene, tmp_path) -> None:
    web = serve({"http://clone.example/": b"<html><body><p>nothing here</p></body></html>"})
    prepared = scene(web)
    prepared.grant.write_text(prepared.grant.read_text() + "\n[grant.browser]\nallowed = true\n")
    settings = tmp_path / "settings.toml"
    settings.write_text('[signing]\nactor = "Ana Ruiz"\n')
    ended = prepared.scan("--settings", settings, "http://clone.example/")
    assert ended.code == 0, ended.err
    assert "renders no page" in ended.err
    custody = (prepared.case / "custody.jsonl").read_text().splitlines()
    actors = {json.loads(line)["actor"] for line in custody}
    assert actors == {f"Ana Ruiz (clonedetect{part})" for part in ("", " crawl", " analysis")}
