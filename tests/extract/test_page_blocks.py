"""Text blocks: raw text, in leaves and entries, and nothing that only programs read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.page import BlockKind, TextBlock

URL = "https://clone.example/v/name"


def blocks_of(html: str, *kinds: BlockKind, **limits: int) -> list[TextBlock]:
    page = read_page(html.encode(), URL, "text/html; charset=utf-8", PageLimits(**limits))
    return [block for block in page.blocks if not kinds or block.kind in kinds]


def texts_of(html: str, *kinds: BlockKind) -> list[str]:
    return [block.text for block in blocks_of(html, *kinds)]


def test_inline_elements_are_merged_and_breaks_are_spaces():
    html = "<p>One <b>bold <i>and</i></b> <a href=/x>linked</a><br>line, <span>spanned</span>.</p>"
    assert texts_of(html) == ["One bold and linked line, spanned."]


def test_block_elements_end_a_leaf_even_within_inline_ones():
    assert texts_of("<div>a<p>b</p>c<a href=/x><div>d</div></a></div>") == ["a", "b", "c", "d"]


def test_characters_stay_as_they_are():
    text = "Za\u0308hlt\u200b  \u0391\u00ad\ufe0f\U0001f30a\n\tnext"
    assert texts_of(f"<p>  {text}\n</p>") == [text]


def test_entities_are_undone_once():
    assert texts_of("<p>fish &amp;amp; chips &lt;b&gt;</p>") == ["fish &amp; chips <b>"]


def test_scripts_and_style_sheets_are_no_text():
    style = "<style>.caption { content: 'not a caption at all' }</style>"
    html = f"{style}<script>alert('nothing to read in here')</script>"
    assert texts_of(html) == []


def test_repeated_siblings_are_entries_with_their_leaves_joined():
    html = (
        "<div>"
        + "".join(f"<div class='card c{n}'><h3>t{n}</h3><p>p{n}</p></div>" for n in range(3))
        + "</div>"
    )
    entries = blocks_of(html, BlockKind.ENTRY)
    assert [entry.text for entry in entries] == ["t0\np0", "t1\np1", "t2\np2"]
    assert [entry.entry for entry in entries] == [entry.locator for entry in entries]


def test_two_siblings_are_no_entries():
    assert blocks_of("<ul><li><p>a</p><p>b</p></li><li><p>c</p><p>d</p></li></ul>", BlockKind.ENTRY) == []


def test_header_main_and_footer_are_no_entries():
    html = (
        "<div><img src=/l.png><p>top</p></div><div><h1>t</h1><p>main</p></div><div><ul></ul><p>end</p></div>"
    )
    assert blocks_of(html, BlockKind.ENTRY) == []


def test_links_around_cards_are_entries():
    html = "".join(f"<a class=card href=/{n}><img src=/{n}.jpg><div>t{n}</div></a>" for n in range(3))
    page = read_page(html.encode(), URL, "text/html")
    assert [ref.entry for ref in page.media] == [block.entry for block in page.blocks]
    assert len({ref.entry for ref in page.media}) == 3


def test_words_in_a_row_are_no_entries():
    html = "<p>" + "".join(f"<span class=word>word{n} </span>" for n in range(5)) + "</p>"
    assert texts_of(html) == ["word0 word1 word2 word3 word4"]


def test_the_pictures_of_one_post_share_its_caption_s_entry():
    slides = "".join(f"<div class=s><img src=/{{0}}{letter}.jpg></div>" for letter in "abc")
    post = f"<article>{slides}<p>caption {{0}}</p></article>"
    page = read_page("".join(post.format(n) for n in range(3)).encode(), URL, "text/html")
    for number in range(3):
        (caption,) = [block for block in page.blocks if block.text == f"caption {number}"]
        assert {ref.entry for ref in page.media if f"/{number}" in ref.url} == {caption.entry}


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<img src=/a.jpg alt='A caption in alt'>", BlockKind.ALT),
        ("<a title='A caption in alt' href=/x></a>", BlockKind.ALT),
        ("<div data-caption='A caption in alt'></div>", BlockKind.ALT),
        ("<div data-caption='[Ad] A caption in alt'></div>", BlockKind.JSON),
        ("<meta name=description content='A caption in alt'>", BlockKind.META),
        ("<meta property=og:description content='A caption in alt'>", BlockKind.META),
        ("<title>A caption in alt</title>", BlockKind.META),
        ('<script type=application/ld+json>{"caption": "A caption in alt"}</script>', BlockKind.JSON),
        ('<script>window.__DATA__={"node":{"text":"A caption in alt"}}</script>', BlockKind.JSON),
        ("<noscript><p>A caption in alt</p></noscript>", BlockKind.LEAF),
        ("<textarea>A caption in alt</textarea>", BlockKind.LEAF),
        ("<table><tr><td>A caption in alt</td></tr></table>", BlockKind.LEAF),
    ],
)
def test_a_caption_is_found_in(html, kind):
    (block,) = blocks_of(html)
    assert "A caption in alt" in block.text
    assert block.kind is kind


@pytest.mark.parametrize(
    "value",
    ["a1b2c3d4e5f6a7b8", "https://clone.example/x", "GraphImage", "2026-01-01T00:00:00Z", "en_US", "12 345",
     "function(){ return 1; }", ".a{color:red;margin:0}"],
)  # fmt: skip
def test_json_strings_that_nobody_reads_are_no_text(value):
    html = f'<script type=application/json>{{"field": "{value}"}}</script>'
    assert texts_of(html, BlockKind.JSON) == []


def test_json_objects_in_a_list_are_entries():
    items = '[{"image":"/a","caption":"first one"},{"image":"/b","caption":"second one"}]'
    page = read_page(f"<script type=application/json>{items}</script>".encode(), URL, "text/html")
    assert [ref.entry for ref in page.media] == [block.entry for block in page.blocks]
    assert len({ref.entry for ref in page.media}) == 2
    assert [ref.alt for ref in page.media] == ["first one", "second one"]


def test_a_long_text_is_cut_into_overlapping_pieces():
    text = " ".join(str(number) for number in range(9_000))
    pieces = texts_of(f"<p>{text}</p>")
    assert len(pieces) == 3
    assert all(len(piece) <= 20_000 for piece in pieces)
    assert all(before[-2_500:] == after[:2_500] for before, after in pairwise(pieces))
    assert pieces[0] + "".join(piece[2_500:] for piece in pieces[1:]) == text


def test_blocks_beyond_the_limits_are_counted():
    html = "".join(f"<p>{number}</p>" for number in range(10))
    page = read_page(html.encode(), URL, "text/html", PageLimits(blocks=4))
    assert (len(page.blocks), page.omitted) == (4, (("too many text blocks", 6),))
    page = read_page(b"<p>12345</p><p>67890</p>", URL, "text/html", PageLimits(text_chars=8))
    assert ([block.text for block in page.blocks], page.omitted) == (["12345"], (("too much text", 1),))


def test_a_list_within_an_entry_is_taken_by_its_leaves_only():
    comments = "".join(f"<div><p>{'c' * 2_000}{n}</p></div>" for n in range(12))
    html = "".join(f"<article>{comments}<p>{n}</p></article>" for n in range(3))
    assert all(len(block.text) <= 20_000 for block in blocks_of(html, BlockKind.ENTRY))


# NUL and carriage returns are replaced by the HTML standard before any text exists.
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=60)


@given(PLAIN)
def test_any_text_between_tags_is_a_block_as_it_is(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    assert texts_of(f"<div><p>{escaped}</p></div>") == [text]


@given(st.lists(PLAIN, min_size=3, max_size=6, unique=True))
def test_the_text_and_the_picture_of_any_entry_share_its_locator(texts):
    items = "".join(
        f"<li><img src=/{number}.jpg><p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p></li>"
        for number, text in enumerate(texts)
    )
    page = read_page(f"<ul>{items}</ul>".encode(), URL, "text/html; charset=utf-8")
    entries = {block.text: block.entry for block in page.blocks}
    assert [entries[text] for text in texts] == [ref.entry for ref in page.media]
    assert len(set(entries.values())) == len(texts)


def _nested(times: int) -> str:
    return f"<p>The same words.</p><div>{_nested(times - 1)}</div>" if times else ""


def test_a_text_that_an_entry_has_again_is_one_block_that_knows_both_places():
    (block,) = blocks_of(
        "<p>The same words.</p><blockquote><p>The same words.</p></blockquote>", BlockKind.LEAF
    )
    assert (block.locator, block.repeats) == ("/html/body/p[1]", ("/html/body/blockquote[1]/p[1]",))


@pytest.mark.parametrize(("times", "listed"), [(1, 0), (3, 2), (9, 8)])
def test_repetitions_are_listed(times, listed):
    (block,) = blocks_of(_nested(times), BlockKind.LEAF)
    assert len(block.repeats) == listed
    assert all(block.repeats)


def test_of_many_repetitions_the_first_are_listed_and_more_are_noted():
    (block,) = blocks_of(_nested(20), BlockKind.LEAF)
    assert [bool(path) for path in block.repeats] == [True] * 8 + [False]
