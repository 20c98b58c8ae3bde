"""Walls are told by structure; pages with content never are."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.walls import classify
from clonedetect.models.capture import Outcome

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
URL = "https://picpeek.example/profile/lena.fischt"
HTML = (("Content-Type", "text/html; charset=utf-8"),)
JSON = (("content-type", "application/json"),)


def outcome(content: bytes, status: int = 200, headers=HTML, url: str = URL, final_url: str = URL):
    wall = classify(status, headers, content, url, final_url)
    return None if wall is None else wall[0]


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("wall_challenge", 403, Outcome.CHALLENGE_PAGE),
        ("wall_challenge", 503, Outcome.CHALLENGE_PAGE),
        ("wall_challenge_cookie", 200, Outcome.CHALLENGE_PAGE),
        ("wall_challenge_form", 200, Outcome.CHALLENGE_PAGE),
        ("wall_challenge_captcha", 200, Outcome.CHALLENGE_PAGE),
        ("wall_challenge_captcha", 429, Outcome.CHALLENGE_PAGE),
        ("wall_login", 200, Outcome.LOGIN_WALL),
        ("wall_login", 403, Outcome.LOGIN_WALL),
        ("wall_soft_404", 200, Outcome.SOFT_404),
        ("wall_soft_404_fr", 200, Outcome.SOFT_404),
        ("wall_parked_sale", 200, Outcome.PARKED),
        ("wall_parked_feed", 200, Outcome.PARKED),
    ],
)
def test_a_wall_is_recognised(name, status, expected):
    wall = classify(status, HTML, (PAGES / f"{name}.html").read_bytes(), URL, URL)
    assert wall is not None
    assert wall[0] is expected
    assert len(wall[1]) > 20


ORDINARY = sorted(
    path.name
    for path in PAGES.iterdir()
    if not path.name.startswith(("wall_", "story_viewer_shell")) and "expected" not in path.name
)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_page_is_no_wall(name):
    headers = HTML if name.endswith(".html") else JSON
    assert classify(200, headers, (PAGES / name).read_bytes(), URL, URL) is None


@pytest.mark.parametrize("name", ["viewer_profile.html", "post_page.html", "plain_feed_with_login_box.html"])
def test_a_page_with_content_is_no_challenge_whatever_its_status(name):
    assert outcome((PAGES / name).read_bytes(), 403) is None


def test_an_error_page_of_a_server_is_no_challenge():
    assert (
        outcome(b"<html><title>403 Forbidden</title><center><h1>403 Forbidden</h1></center></html>", 403)
        is None
    )


def test_an_empty_refusal_is_no_challenge():
    assert outcome(b"", 403) is None


def test_401_is_a_login_wall_whatever_it_shows():
    assert outcome(b"anything", 401) is Outcome.LOGIN_WALL


def test_429_without_a_challenge_is_a_rate_limit():
    assert outcome(b"<p>Slow down</p>", 429) is Outcome.RATE_LIMITED


def test_a_server_that_names_its_challenge_is_believed():
    assert outcome(b"x", 403, (*HTML, ("CF-Mitigated", "challenge"))) is Outcome.CHALLENGE_PAGE


def test_not_found_statuses_are_left_to_the_fetch():
    assert outcome((PAGES / "wall_soft_404.html").read_bytes(), 404) is None


def test_an_address_that_leads_to_a_login_is_a_login_wall():
    text = b"<p>" + b"We show pictures of harbours to those who have an account with us. " * 20 + b"</p>"
    page = b"<h1>Join</h1>" + text + b"<form><input name=u><input type=password name=p></form>"
    assert outcome(page) is None
    assert outcome(page, final_url="https://picpeek.example/accounts/login/?next=x") is Outcome.LOGIN_WALL


def test_a_shell_for_scripts_needs_rendering():
    assert outcome((PAGES / "story_viewer_shell.html").read_bytes()) is Outcome.NEEDS_RENDERING


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (422, {"error": "CAPTCHA_REQUIRED"}, Outcome.CHALLENGE_PAGE),
        (422, {"error": {"code": "CAPTCHA_REQUIRED", "message": "Solve it"}}, Outcome.CHALLENGE_PAGE),
        (200, {"status": "fail", "message": "checkpoint_required"}, Outcome.CHALLENGE_PAGE),
        (403, {"message": "Please log in to continue", "require_login": True}, Outcome.LOGIN_WALL),
        (400, {"message": "login_required"}, None),
        (200, {"code": "rate_limited"}, Outcome.RATE_LIMITED),
        (422, {"error": "INVALID_NAME"}, None),
        (200, {"title": "The captcha of the harbour, a poem", "items": []}, None),
        (200, {"message": "ok", "items": [{"caption": "challenge accepted"}]}, None),
        (200, ["CAPTCHA_REQUIRED"], None),
    ],
)
def test_json_is_judged_by_its_codes(status, body, expected):
    assert outcome(json.dumps(body).encode(), status, JSON) is expected


def test_pictures_are_never_looked_at():
    assert outcome(b"<title>404 not found</title>", headers=(("Content-Type", "image/jpeg"),)) is None


def test_an_encoding_other_than_utf_8_is_read():
    page = "<meta charset=windows-1251><title>Страница не найдена</title><p>Увы</p>".encode("cp1251")
    assert outcome(page, headers=()) is Outcome.SOFT_404


@given(st.binary(max_size=400), st.sampled_from([200, 403, 422, 503]))
def test_any_bytes_are_judged(content, status):
    assert classify(status, HTML, content, URL, URL) is None or isinstance(
        classify(status, HTML, content, URL, URL), tuple
    )
