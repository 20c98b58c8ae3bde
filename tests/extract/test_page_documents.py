"""What a document is, is told by its content; hostile ones end in a value or one of our errors."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.errors import ClonedetectError, InputError
from clonedetect.extract.page import PageLimits, read_page
from clonedetect.extract.scripts import TooDeep, find_json, flight_text, literals, unquoted
from clonedetect.models.page import BlockKind, PageContent

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
URL = "https://clone.example/v/name"
ITEM = '{"image": "/a", "caption": "A caption of some length"}'


def texts(content: str | bytes, content_type: str = "text/html") -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    return [block.text for block in read_page(data, URL, content_type).blocks]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (ITEM, "application/json"),
        (ITEM, "text/html"),
        (ITEM, ""),
        (f"[{ITEM}]", "text/plain"),
        (f")]}}',\n{ITEM}", "application/json"),
        (f"for (;;);{ITEM}", "text/javascript"),
        (f"callback123({ITEM});", "text/javascript"),
        (f"window.x = {ITEM};", "application/javascript"),
        (f"{ITEM}\n{ITEM}", "application/x-ndjson"),
        (f'{{"items": [{ITEM}, {{"cut', "application/json"),
        ("\ufeff" + ITEM, "application/json"),
        (json.dumps("<p><img src=/a>A caption of some length</p>"), "application/json"),
        (json.dumps({"payload": ITEM}), "application/json"),
    ],
)  # fmt: skip
def test_json_is_read_as_json(content, content_type):
    page = read_page(content.encode(), URL, content_type)
    assert {block.text for block in page.blocks} == {"A caption of some length"}
    assert {ref.url for ref in page.media} == {"https://clone.example/a"}


def test_json_that_is_none_is_read_as_html():
    assert texts("{ not json <p>A caption of some length</p>") == ["{ not json", "A caption of some length"]


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\x89PNG\r\n\x1a\n\x00\x00", b"GIF89a\x01\x00",
     b"RIFF\x00\x00\x00\x00WEBP", b"PK\x03\x04\x14\x00"],
    ids=["jpeg", "png", "gif", "webp", "zip"],
)  # fmt: skip
def test_the_bytes_of_a_picture_are_no_page(content):
    with pytest.raises(InputError, match="is no page"):
        read_page(content, URL, "text/html")


def test_a_polyglot_without_binary_is_read():
    assert texts(b"GIF89a/*<p>A caption of some length</p>")[-1] == "A caption of some length"


@pytest.mark.parametrize("content", [b"", b" \n", b"\x00", b"<", b"</", b"<!--", b"<!doctype html>"])
def test_next_to_nothing_is_an_empty_page(content):
    page = read_page(content, URL, "text/html")
    assert (page.links, page.media, page.is_script_only) == ((), (), False)


def test_the_title_of_a_drawing_is_not_the_page_s():
    page = read_page(b"<svg><title>Menu</title></svg><p>text", URL, "text/html")
    assert page.title == ""


def test_the_encoding_and_what_decided_it_are_told():
    page = read_page("<title>Fähre</title>".encode("cp1252"), URL, "text/html; charset=latin1")
    assert (page.title, page.encoding, page.encoding_source) == ("Fähre", "cp1252", "http")


@pytest.mark.parametrize("depth", [250, 100_000])
def test_json_nested_too_deep_is_counted(depth):
    text = '{"a":' * depth + "1" + "}" * depth
    for content in (
        text,
        f"<script type=application/json>{text}</script>",
        f"<script>var a = {text}</script>",
    ):
        page = read_page(content.encode(), URL, "application/json" if content is text else "text/html")
        assert page.omitted == (("JSON nested too deep", 1),)


def test_json_with_too_many_values_is_counted():
    page = read_page(
        json.dumps(list(range(50))).encode(), URL, "application/json", PageLimits(json_values=20)
    )
    assert page.omitted == (("JSON too large", 31),)


def test_numbers_of_any_length_are_survived():
    assert (
        texts('{"a": ' + "9" * 10_000 + ', "caption": "A caption of some length"}', "application/json")
        is not None
    )


def test_lone_surrogates_become_replacement_characters():
    (text,) = texts('{"caption": "half \\ud83c of a pair"}', "application/json")
    assert text == "half \ufffd of a pair"
    assert text.encode("utf-8")


def test_elements_deeper_than_browsers_nest_are_still_read():
    html = "<div>" * 600 + "A caption of some length" + "<img src=/a.jpg>"
    page = read_page(html.encode(), URL, "text/html")
    assert [block.text for block in page.blocks] == ["A caption of some length"]
    assert page.media[0].locator.count("/") <= 515


def test_broken_json_does_not_cost_its_square():
    script = '{"a":' * 20_000
    assert list(find_json("[" + '{"a":1,' * 20_000)) == []
    with pytest.raises(TooDeep):
        list(find_json(script))


def test_values_are_found_amid_a_program():
    found = list(find_json('var a = {"x": 1}, b = [1, 2]; if (a) { call([{"y": []}]) }'))
    assert [one.value for one in found] == [{"x": 1}, [1, 2], [{"y": []}]]


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"\u0041\x42\u{1F30A}"', "AB🌊"),
        (r"'it\'s \"quoted\"\n'", 'it\'s "quoted"\n'),
        (r'"https:\/\/a.example\/"', "https://a.example/"),
        (r'"\u{FFFFFF}"', "\ufffd"),
        ('"\\\nline"', "line"),
    ],
)
def test_literals_are_unescaped(literal, text):
    assert unquoted(literal) == text


def test_literals_know_their_property():
    found = [(one.key, one.text) for one in literals("{caption:'one', $b : \"two\", c: d('three')}")]
    assert found == [("caption", "one"), ("$b", "two"), ("", "three")]


def test_flight_rows_are_joined_across_pushes():
    scripts = (
        'self.__next_f.push([1,"ab"])\n(self.__next_f=self.__next_f||[]).push([1,"c\\"d"]);x.push([1,"no"])'
    )
    assert flight_text(scripts) == 'abc"d'


def test_an_encoded_state_is_opened():
    state = json.dumps({"caption": "A caption of some length"}).replace('"', "%22").replace("{", "%7B")
    assert texts(f"<script>var s = JSON.parse(decodeURIComponent('{state}'))</script>") == [
        "A caption of some length"
    ]


def test_the_words_of_a_program_are_no_text():
    assert texts("<script>alert('Please choose a file before you go')</script>") == []


def test_a_shell_is_script_only_and_a_page_is_not():
    def is_shell(body: str) -> bool:
        return read_page(f"<body><div id=app></div>{body}".encode(), URL, "text/html").is_script_only

    script = "<script src=/a.js></script>"
    assert is_shell(script)
    assert is_shell(script + "<noscript>" + "please enable scripts " * 30 + "</noscript>")
    assert is_shell(script + "<meta property=og:image content=/share.png>")
    assert not is_shell(script + "<img src=/a.jpg>")
    assert not is_shell(script + "<p>" + "readable words " * 30)
    assert not is_shell("<p>short")
    caption = "a caption in the data of the page " * 10
    assert not is_shell(f'<script>window.__DATA__ = {{"caption": "{caption}"}}</script>')


def check(page: PageContent) -> None:
    for link in page.links:
        assert link.url.startswith(("http://", "https://"))
    for ref in page.media:
        assert ref.url.startswith(("http://", "https://")) or ref.url[:5].lower() == "data:"
        assert ref.locator
    for block in page.blocks:
        assert block.text == block.text.strip() != ""
        assert block.locator
        block.text.encode("utf-8")
        assert block.kind is not BlockKind.ENTRY or block.entry
    assert all(count > 0 for _, count in page.omitted)


@given(
    st.binary(max_size=600), st.sampled_from(["", "text/html", "application/json", "text/javascript", "x/y"])
)
def test_any_bytes_give_a_page_or_an_error_of_ours(content, content_type):
    try:
        check(read_page(content, URL, content_type))
    except ClonedetectError:
        return


FRAGMENTS = st.sampled_from(
    [
        "<div>",
        "</div>",
        "<li class=a>",
        "<a href=",
        "'",
        '"',
        ">",
        "<img data-src=",
        "/a.jpg",
        "<script>",
        "</script>",
        "<script type=application/json>",
        '{"caption":',
        "[",
        "]",
        "}",
        ",",
        "<iframe srcdoc=",
        "<template>",
        "</template>",
        "<style>",
        "url(",
        ")",
        "http://",
        "//",
        "?url=",
        "%68",
        "||",
        "\\u",
        "&#xD800;",
        "&lt;",
        "self.__next_f.push([1,",
        "<noscript>",
        "<table>",
        "<select>",
        "<svg>",
        "<base href=",
        "data-next=",
        "srcset=",
        " 2x,",
        "text ",
        "\x00",
        "🌊",
    ]
)


@given(st.lists(FRAGMENTS, max_size=60).map("".join))
def test_any_soup_of_markup_gives_a_page(html):
    check(read_page(html.encode("utf-8", "surrogatepass"), URL, "text/html; charset=utf-8"))


SHAPES = sorted(path for path in PAGES.iterdir() if "expected" not in path.name)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SHAPES), st.data())
def test_a_damaged_page_gives_a_page(path, data):
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(start + data.draw(st.integers(0, 40)), len(content))
        content[start:end] = data.draw(st.binary(max_size=12))
    check(read_page(bytes(content), URL, "text/html"))


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.name)
def test_reading_twice_gives_the_same(path):
    assert read_page(path.read_bytes(), URL) == read_page(path.read_bytes(), URL)


def test_a_row_of_escaped_quotes_is_read_in_one_pass():
    """Looked at from each quote anew, these 400 KB took minutes, and the page could not be seen."""
    hostile = "'\\" * 200_000
    html = f"<p>Seen all the same</p><script>{hostile}</script><script>var a = '/a.jpg';</script>"
    content = read_page(html.encode(), URL, "text/html")
    assert [ref.url for ref in content.media] == ["https://clone.example/a.jpg"]
    assert [block.text for block in content.blocks] == ["Seen all the same"]
