"""Style sheets and srcset as browsers split them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.css import css_images, parse_srcset


@pytest.mark.parametrize(
    ("css", "urls"),
    [
        ("background:url(a.jpg)", ["a.jpg"]),
        ("background: URL( 'a b.jpg' )", ["a b.jpg"]),
        ('background:url("a(1).jpg")', ["a(1).jpg"]),
        (r"background:url(a\2f b.jpg)", ["a/b.jpg"]),
        (r"background:url(a\).jpg)", ["a).jpg"]),
        (r"background:url('\0.jpg')", ["\ufffd.jpg"]),
        ("background:url('a\\\n.jpg')", ["a.jpg"]),
        ("background:url(a.jpg),url(b.jpg)", ["a.jpg", "b.jpg"]),
        ("background:url(data:image/png;base64,AA==)", ["data:image/png;base64,AA=="]),
        ("background:image-set('a.avif' type('image/avif') 1x, \"b.png\" 2x)", ["a.avif", "b.png"]),
        ("background:-webkit-image-set(url(a.png) 1x, url(b.png) 2x)", ["a.png", "b.png"]),
        ("src:url(f.woff2)", []),
        ("src:url(data:font/woff2;base64,AA==)", []),
        ("fill:url(#gradient)", []),
        ("@import url(a.css); @import 'b.css';", []),
        ("/* url(a.jpg) */", []),
        ("/* url(a.jpg)", []),
        ("background:url()", []),
        ("background:url(a.jpg", []),
        ("color:red", []),
    ],
)
def test_a_style_sheet_names(css, urls):
    assert list(css_images(css)) == urls


@pytest.mark.parametrize(
    ("value", "urls", "largest"),
    [
        ("a.jpg", ["a.jpg"], "a.jpg"),
        ("a.jpg 1x, b.jpg 2x", ["a.jpg", "b.jpg"], "b.jpg"),
        ("a.jpg 1x,b.jpg 2x", ["a.jpg", "b.jpg"], "b.jpg"),
        ("a.jpg, b.jpg 1.5x", ["a.jpg", "b.jpg"], "b.jpg"),
        ("a.jpg 320w, b.jpg 1080w, c.jpg 640w", ["a.jpg", "b.jpg", "c.jpg"], "b.jpg"),
        ("w_1,h_2/a.jpg 320w, w_3,h_4/b.jpg 640w", ["w_1,h_2/a.jpg", "w_3,h_4/b.jpg"], "w_3,h_4/b.jpg"),
        ("data:image/png;base64,AA== 1x, b.jpg 2x", ["data:image/png;base64,AA==", "b.jpg"], "b.jpg"),
        ("a.jpg 100w 50h, b.jpg 200w", ["a.jpg", "b.jpg"], "b.jpg"),
        ("a.jpg calc(1, 2) 1x, b.jpg", ["a.jpg", "b.jpg"], "a.jpg"),
        ("a.jpg 1x, a.jpg 3x, b.jpg 2x", ["a.jpg", "b.jpg"], "a.jpg"),
        ("\n\t a.jpg\n\t 1x ,\n b.jpg 2x\n,", ["a.jpg", "b.jpg"], "b.jpg"),
        (",,,", [], None),
        ("", [], None),
    ],
)
def test_a_srcset_holds(value, urls, largest):
    candidates = parse_srcset(value)
    assert [one.url for one in candidates] == urls
    assert next((one.url for one in candidates if one.is_largest), None) == largest


@given(st.text(st.sampled_from("ab.,/ ()12xw\n'\"\\;:url{}@-"), max_size=80))
def test_any_text_is_split(text):
    candidates = parse_srcset(text)
    assert len({one.url for one in candidates}) == len(candidates)
    assert sum(one.is_largest for one in candidates) == (1 if candidates else 0)
    assert all(one.url and one.url[-1] != "," for one in candidates)
    assert all(url.strip() for url in css_images(text))


def test_escapes_without_an_end_are_given_up_at_once():
    assert list(css_images("background:url(" + "\\a" * 5_000)) == []
