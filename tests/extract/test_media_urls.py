"""Addresses within addresses, and asset ids."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.media_urls import absolute, asset_ids, looks_like_media, unwrap
from clonedetect.models.item import MediaKind

INNER = "https://cdn.platform.example/v/t51.2885-15/301_17841400000000001_n.jpg?stp=dst-jpg&oe=65AB1234&x=%2F"
PLAIN = "https://cdn.platform.example/v/301_17841400000000001_n.jpg"


def encoded(url: str) -> str:
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("url", "inner"),
    [
        (f"https://media.clone.example/get?url={quote(INNER, safe='')}", INNER),
        (f"https://media.clone.example/get?w=300&src={quote(INNER, safe='')}&h=2", INNER),
        (f"https://media.clone.example/get?url={quote(quote(INNER, safe=''), safe='')}", INNER),
        (f"https://media.clone.example/?o={encoded(INNER)}", INNER),
        (f"https://media.clone.example/?o={base64.b64encode(INNER.encode()).decode()}", INNER),
        (f"https://media.clone.example/img/{encoded(PLAIN)}", PLAIN),
        (f"https://media.clone.example/x/{PLAIN.replace('/', '||')}", PLAIN),
        (f"https://media.clone.example/{PLAIN.removeprefix('https://').replace('/', '||')}?oe=65AB1234",
         f"{PLAIN}?oe=65AB1234"),
        (f"https://media.clone.example/{quote(PLAIN.replace('/', '||'), safe='')}", PLAIN),
        (f"https://media.clone.example/proxy/{PLAIN}?oe=65AB1234", f"{PLAIN}?oe=65AB1234"),
        (f"https://media.clone.example/proxy/{PLAIN.replace('//', '/')}", PLAIN),
        (f"https://media.clone.example/proxy/{quote(INNER, safe='')}", INNER),
        ("https://wsrv.example/?url=cdn.platform.example/a/b.jpg", "https://cdn.platform.example/a/b.jpg"),
        ("https://a.example/get?url=//cdn.platform.example/b", "https://cdn.platform.example/b"),
        (f"https://a.example/?url={quote(f'https://b.example/?url={quote(PLAIN)}', safe='')}", PLAIN),
    ],
)  # fmt: skip
def test_a_wrapped_address_is_recovered(url, inner):
    assert unwrap(url) == inner


@pytest.mark.parametrize(
    "url",
    [
        PLAIN,
        "https://a.example/o/77fe0a9911aabbcc",
        "https://a.example/x.jpg?ref=https%3A%2F%2Fblog.example%2Fpost",
        "https://a.example/?q=http",
        "https://a.example/?o=bm90IGFuIGFkZHJlc3MgYXQgYWxs",
        "https://a.example/img?src=/local/a.jpg",
        "https://a.example/?url=https://",
        "https://a.example/?url=http://[",
        "https://a.example/?url=https://exa mple/x.jpg",
        "data:image/png;base64,aHR0cHM6Ly9hLmV4YW1wbGUv",
        "http://[",
        "https://a.example/?url=" + "https://b.example/" + "x" * 9_000,
        "https://a.example/a||b",
    ],
)
def test_nothing_is_recovered_where_nothing_is_wrapped(url):
    assert unwrap(url) is None


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        (INNER, ("17841400000000001",)),
        (
            "https://a.example/1_17841400000000001_17841400000000002_n.jpg",
            ("17841400000000001", "17841400000000002"),
        ),
        ("https://a.example/1_1784140000001_n.jpg", ()),
        ("https://a.example/17841400000000001.jpg", ()),
        ("https://a.example/?x=_17841400000000001_", ()),
        ("http://[", ()),
    ],
)
def test_asset_ids_stand_in_the_path(url, ids):
    assert asset_ids(url) == ids


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("/a.jpg", MediaKind.IMAGE),
        ("img/a.JPEG?x=1#y", MediaKind.IMAGE),
        ("//cdn.example/a.webp", MediaKind.IMAGE),
        ("https://cdn.example/a.jpg!w640", MediaKind.IMAGE),
        ("https://cdn.example/a?format=png&w=1", MediaKind.IMAGE),
        ("/get?url=https%3A%2F%2Fb.example%2Fa.jpg", MediaKind.IMAGE),
        (f"/i?o={encoded(PLAIN)}", MediaKind.IMAGE),
        ("data:image/png;base64,AA==", MediaKind.IMAGE),
        ("data:video/mp4;base64,AA==", MediaKind.VIDEO),
        ("https://cdn.example/a.m3u8", MediaKind.VIDEO),
        ("/p/CxHarbour01/", None),
        ("photo", None),
        ("see photo.jpg", None),
        ("https://cdn.example/", None),
        ("https://cdn.example/app.js", None),
        ("/redirect?to=https%3A%2F%2Fb.example%2Fpost", None),
        ("mailto:a@b.jpg", None),
        ("#a.jpg", None),
        ("http://[/a", None),
        (".jpg", None),
    ],
)  # fmt: skip
def test_an_address_looks_like_media(value, kind):
    assert looks_like_media(value) is kind


PATHS = st.from_regex(
    r"[a-z0-9_]{1,12}(/[a-z0-9_]{1,12}){0,3}\.jpg(\?[a-z]{1,3}=[A-Za-z0-9]{1,8})?", fullmatch=True
)


@given(PATHS)
def test_whatever_a_proxy_encodes_is_recovered(path):
    url = f"https://cdn.platform.example/{path}"
    assert unwrap(f"https://m.example/get?url={quote(url, safe='')}") == url
    assert unwrap(f"https://m.example/?o={encoded(url)}") == url
    assert unwrap(f"https://m.example/x/{url.replace('/', '||')}") == url


@given(st.text(max_size=120))
def test_any_text_is_answered(text):
    for value in (text, f"https://a.example/{text}", f"https://a.example/?url=http{text}"):
        looks_like_media(value)
        asset_ids(value)
        inner = unwrap(value)
        assert inner is None or inner.startswith(("http://", "https://"))
        address = absolute("https://a.example/b", value)
        assert address is None or address.startswith(("http://", "https://"))
