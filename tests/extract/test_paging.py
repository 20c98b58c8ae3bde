"""The next page and the endpoints that a document leads to without spelling them out."""

from __future__ import annotations

import json

import pytest

from clonedetect.extract.page import read_page
from clonedetect.extract.paging import next_addresses
from clonedetect.models.page import DeclarationKind, LinkKind

API = "https://clone.example/api/media"


@pytest.mark.parametrize(
    ("url", "value", "following"),
    [
        (f"{API}?cursor=abc", {"items": [], "has_next": True, "next": "QVFD=="}, f"{API}?cursor=QVFD%3D%3D"),
        (
            f"{API}?id=3&max_id=1&x=y",
            {"more_available": True, "next_max_id": 77},
            f"{API}?id=3&max_id=77&x=y",
        ),
        (f"{API}?page=2", {"items": [], "has_next": True, "next": 3}, f"{API}?page=3"),
        (f"{API}?page=2", {"items": [], "has_next": True}, f"{API}?page=3"),
        (f"{API}?page=2", {"has_next": True, "next": None}, f"{API}?page=3"),
        (
            f"{API}?after=",
            {"data": {"page_info": {"has_next_page": True, "end_cursor": "x"}}},
            f"{API}?after=x",
        ),
        (f"{API}?user=1", {"next": "?user=1&cursor=9"}, f"{API}?user=1&cursor=9"),
    ],
)
def test_what_follows_is_told_by_the_cursor_and_the_address(url, value, following):
    assert list(next_addresses(url, value)) == [following]


@pytest.mark.parametrize(
    ("url", "value"),
    [
        (f"{API}?cursor=abc", {"has_next": False, "next": "def"}),
        (f"{API}?cursor=abc", {"has_next": True, "next": "abc"}),
        (f"{API}", {"has_next": True, "next": "def"}),
        (f"{API}?cursor=1&page=2", {"has_next": True, "next": "def"}),
        (f"{API}?page=2", {"items": []}),
        (f"{API}?page=two", {"has_next": True}),
        (f"{API}?cursor=abc", {"next": {"id": 3}}),
        (f"{API}?cursor=abc", ["next"]),
        (f"{API}?cursor=abc", {"items": [{"next": "of an item"}]}),
    ],
)
def test_where_it_cannot_be_told_nothing_is_guessed(url, value):
    assert list(next_addresses(url, value)) == []


def test_a_documents_cursor_is_a_link_to_what_follows():
    body = json.dumps({"items": [{"shortcode": "CxYz12345Ab"}], "has_next": True, "next": "QVFD"}).encode()
    page = read_page(body, f"{API}?cursor=abc", "application/json")
    assert [(link.url, link.kind) for link in page.links] == [(f"{API}?cursor=QVFD", LinkKind.PAGINATION)]


def test_an_address_as_next_is_taken_as_it_stands():
    body = json.dumps({"items": [], "has_next": True, "next": "/api/media?cursor=9"}).encode()
    page = read_page(body, f"{API}?cursor=abc", "application/json")
    assert [link.url for link in page.links] == [f"{API}?cursor=9"]


def links(script: str, url: str = "https://clone.example/profile/alice") -> list[tuple[str, LinkKind]]:
    page = read_page(f"<html><body><script>{script}</script></body></html>".encode(), url, "text/html")
    return [(link.url, link.kind) for link in page.links]


def test_a_script_names_its_endpoints():
    assert links("fetch('/api/v1/stories/31415926535').then(show)") == [
        ("https://clone.example/api/v1/stories/31415926535", LinkKind.API)
    ]


def test_an_endpoint_for_a_name_gets_the_name_that_the_page_is_of():
    script = "const load = name => fetch('/api/v1/userInfoByUsername/' + name)"
    assert links(script) == [("https://clone.example/api/v1/userInfoByUsername/alice", LinkKind.API)]
    assert links(script, "https://clone.example/") == []


@pytest.mark.parametrize(
    "script",
    ["fetch('/api/v1/stories/' + id)", "fetch(`/api/v1/${name}`)", "say('/api and more')", "go('/p/1')"],
)
def test_what_is_no_whole_endpoint_is_none(script):
    assert links(script) == []


def test_the_beginning_of_an_endpoint_is_declared_and_no_link():
    html = "<script>show = id => fetch('/api/v1/stories/' + id)</script>"
    page = read_page(html.encode(), "https://clone.example/profile/alice", "text/html")
    declared = [(one.kind, one.value) for one in page.declarations]
    assert declared == [(DeclarationKind.ENDPOINT, "https://clone.example/api/v1/stories/")]
    assert page.links == ()


def test_a_cursor_in_an_attribute_is_no_address():
    html = '<div data-next="QVFDabc"></div><div data-next="/more?cursor=QVFDabc"></div>'
    page = read_page(html.encode(), "https://clone.example/v/name", "text/html")
    assert [link.url for link in page.links] == ["https://clone.example/more?cursor=QVFDabc"]
