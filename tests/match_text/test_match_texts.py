import random

import pytest

from clonedetect.match.text import block_digest, is_too_short, match_texts
from clonedetect.models.match import Kind, RegionKind, Verdict
from clonedetect.models.page import BlockKind
from clonedetect.models.settings import TextThresholds
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import CommonPhrases, shipped_phrases

THRESHOLDS = TextThresholds()
LANGUAGES = ["en", "es", "tr", "ar", "ru", "hi", "ja", "th", "zh", "ko"]


def find(index, *blocks, phrases=None, repeated=()):
    return match_texts(blocks, index, THRESHOLDS, phrases or shipped_phrases(), repeated)


@pytest.fixture(scope="module")
def everyone(memory_index, flat_model, captions):
    index = memory_index([(f"account-{language}", caption) for language, caption in captions.items()])
    index.model = flat_model()
    return index


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_verbatim_caption_is_confirmed_and_its_span_is_exactly_the_copied_passage(
    everyone, captions, block, language
):
    caption = captions[language]
    words = caption.split(" #")[0].rstrip("。")
    raw = f"user_1 · 3 w {words} ♥ 12"
    (found,) = find(everyone, block(raw, "body/p[7]"))
    assert found.verdict is Verdict.CONFIRMED
    assert found.account_id == f"account-{language}"
    assert found.kinds == (Kind.TEXT,)
    (region,) = found.regions
    assert (region.kind, region.block) == (RegionKind.TEXT, "body/p[7]")
    start, end = region.span
    assert raw[start:end] == words
    assert [raw[a:b] for a, b in found.text.query_spans] == [words]
    assert [caption[a:b] for a, b in found.text.reference_spans] == [words]


@pytest.mark.parametrize(
    "name",
    [
        "cut to 60 %",
        "tags and emoji stripped",
        "foreign tags added",
        "upper case",
        "homoglyphs",
        "zero-width",
        "no punctuation",
        "escaped twice",
        "wrapped in interface",
        "10 % edits",
        "joined",
    ],
)
def test_transformed_captions_are_still_confirmed(everyone, captions, block, transforms, name):
    for language, caption in captions.items():
        others = [other for other in captions.values() if other != caption]
        raw = transforms[name](caption, random.Random(11), others)
        found = [match for match in find(everyone, block(raw)) if match.account_id == f"account-{language}"]
        assert [match.verdict for match in found] == [Verdict.CONFIRMED], language


def test_spans_stay_exact_through_hidden_characters_and_entities(everyone, captions, block, transforms):
    words = captions["en"].split(" #")[0]
    hidden = transforms["zero-width"](words, random.Random(2), []).rstrip("\u200b\u200c\u200d\u2060\ufeff")
    raw = f"&lt;b&gt; {hidden} &amp;amp; more"
    (found,) = find(everyone, block(raw))
    start, end = found.regions[0].span
    assert raw[start:end] == hidden


def test_unrelated_text_finds_nothing(everyone, block):
    text = "The municipal library extends its opening hours; readers may return atlases at the side door."
    assert find(everyone, block(text)) == ()


def test_an_edited_copy_has_one_span_a_run(index_of, captions, block):
    words = captions["en"].split(" #")[0]
    raw = words.replace("tarpaulin", "bedsheet").replace("four o'clock", "noon")
    (found,) = find(index_of(("ana", captions["en"])), block(raw))
    assert len(found.text.query_spans) == 3
    assert all(
        normalise(raw[a:b]).text == normalise(captions["en"][c:d]).text
        for (a, b), (c, d) in zip(found.text.query_spans, found.text.reference_spans, strict=True)
    )


def test_a_caption_in_a_leaf_and_in_its_entry_gives_one_match_in_the_leaf(index_of, captions, block):
    words = captions["es"].split(" #")[0]
    entry = block(f"mar_y_sol hace 2 horas {words} 45 likes ver comentarios", "li[2]", BlockKind.ENTRY)
    leaf = block(words, "li[2]/p", BlockKind.LEAF, entry="li[2]")
    for blocks in ([entry, leaf], [leaf, entry]):
        (found,) = find(index_of(("ana", captions["es"])), *blocks)
        assert found.regions[0].block == "li[2]/p"


def test_the_surer_of_two_blocks_wins_even_if_it_is_longer(index_of, captions, block):
    words = captions["es"].split(" #")[0]
    cut = block(words[: int(len(words) * 0.4)], "meta")
    whole = block(f"hace 2 horas {words}", "li[2]")
    (found,) = find(index_of(("ana", captions["es"])), cut, whole)
    assert found.regions[0].block == "li[2]"


def test_two_captions_in_one_block_are_two_matches(everyone, captions, block):
    found = find(everyone, block(f"{captions['en']}\n\n{captions['ru']}"))
    assert {match.account_id for match in found} == {"account-en", "account-ru"}


def test_a_text_that_several_accounts_hold_is_shared_and_not_confirmed(index_of, captions, block):
    index = index_of(("ana", captions["en"]), ("ben", captions["en"]))
    found = find(index, block(captions["en"]))
    assert len(found) == 2
    assert all(match.verdict is Verdict.POSSIBLE and match.text.gates == ("shared",) for match in found)


def test_a_passage_that_several_accounts_have_in_different_captions_is_shared(index_of, block):
    forecast = (
        "the forecast for the next four and twenty hours begins at three bells tonight for the whole coast"
    )
    index = index_of(
        ("ana", f"{forecast}, on Monday"), ("ben", f"Fishermen! {forecast}, on Friday the ninth")
    )
    found = find(index, block(f"{forecast}, on Sunday"))
    assert len(found) == 2
    assert all(match.verdict is Verdict.POSSIBLE and match.text.gates == ("shared",) for match in found)
    assert all(match.text.owners == 2 for match in found)


def test_a_text_of_one_account_posted_twice_is_not_shared(index_of, captions, block):
    index = index_of(("ana", captions["en"]), ("ana", captions["en"]))
    assert {match.verdict for match in find(index, block(captions["en"]))} == {Verdict.CONFIRMED}


def test_the_operators_own_phrases_are_no_evidence(index_of, captions, block):
    index = index_of(("ana", captions["en"]))
    phrases = CommonPhrases.of([captions["en"]])
    (found,) = find(index, block(captions["en"]), phrases=phrases)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.text.gates == ("common phrases",)


def test_a_shipped_phrase_around_ones_own_words_is_only_taken_off(index_of, block):
    own = "the tide took my left sandal and the crab returned it polished, rinsed and facing north"
    caption = f"Happy birthday to the love of my life! {own}"
    (found,) = find(index_of(("ana", caption)), block(caption))
    assert found.verdict is Verdict.CONFIRMED
    greeting = "Happy birthday to the love of my life! Thank you all for the birthday wishes"
    (greeted,) = find(index_of(("ana", greeting)), block(greeting))
    assert greeted.verdict is Verdict.INCONCLUSIVE


def test_interface_text_repeated_across_the_site_is_not_confirmed(index_of, captions, block):
    page_block = block(captions["en"])
    (found,) = find(index_of(("ana", captions["en"])), page_block, repeated={block_digest(page_block)})
    assert (found.verdict, found.text.gates) == (Verdict.POSSIBLE, ("repeated",))


@pytest.mark.parametrize(
    "shown", ["{}…", "{} …", "{}... more", '{}"…', "{}&hellip; 14 likes", "{} #boats @ana… 3 comments"]
)
def test_a_preview_that_breaks_off_is_confirmed_by_its_beginning(index_of, captions, block, shown):
    preview = captions["en"][:80]
    (found,) = find(index_of(("ana", captions["en"])), block(shown.format(preview)))
    assert (found.verdict, found.text.rule) == (Verdict.CONFIRMED, "cut")
    assert "it begins where the caption begins and breaks off with an ellipsis" in found.reasons
    (whole,) = find(index_of(("ana", captions["en"])), block(f"{preview}, and then we all went home"))
    assert whole.verdict is Verdict.POSSIBLE


def test_an_ellipsis_of_the_captions_own_is_no_cut(index_of, block):
    series = "You know that the harbour has taken over your whole life and that of your neighbours when..."
    ours = f"{series} you count the buoys in your sleep, and the eels, and every lamp on the far side twice"
    other = f"{series} the gulls greet you by name"
    assert [one.verdict for one in find(index_of(("ana", ours)), block(other))] in ([], [Verdict.POSSIBLE])


def test_the_end_of_a_caption_alone_is_not_its_beginning(index_of, captions, block):
    end = captions["en"].split(" #")[0][-60:]
    assert [one.verdict for one in find(index_of(("ana", captions["en"])), block(f"{end}…"))] in (
        [],
        [Verdict.POSSIBLE],
    )


def test_a_quotation_is_confirmed_with_a_caution(index_of, block):
    quote = "A smooth sea never made a skilful sailor, nor did a full larder teach anyone to cook"
    (found,) = find(index_of(("ana", f"{quote} -- Old Harbour Almanac")), block(quote))
    assert (found.verdict, found.text.gates) == (Verdict.CONFIRMED, ())
    assert found.text.cautions == ("quotation",)


def test_a_shared_attribution_does_not_confirm_another_quotation(index_of, block):
    author = "-- Eusebio Larrañaga Quirós (1871-1949), naturalist and lighthouse keeper of the northern capes"
    ours = f"A tide table is a poem with the rhymes taken out {author}"
    other = f"Whoever feeds gulls has already decided to feed all of them {author}"
    assert [one.verdict for one in find(index_of(("ana", ours)), block(other))] in ([], [Verdict.POSSIBLE])


def test_a_model_that_is_too_small_caps_at_possible(index_of, captions, block):
    (found,) = find(index_of(("ana", captions["en"]), is_sufficient=False), block(captions["en"]))
    assert (found.verdict, found.text.gates) == (Verdict.POSSIBLE, ("model too small",))


def test_a_short_caption_is_inconclusive(index_of, block):
    (found,) = find(index_of(("ana", "Blue heron, low tide!")), block("ana: Blue heron, low tide! 12 likes"))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert any("too short" in reason for reason in found.reasons)


def test_a_page_that_says_too_little_is_told(index_of, block, captions, flat_model):
    assert is_too_short([block("Blue heron"), block("12")], flat_model(), THRESHOLDS)
    assert is_too_short([], flat_model(), THRESHOLDS)
    assert not is_too_short([block("Blue heron"), block(captions["en"])], flat_model(), THRESHOLDS)


def test_half_a_caption_inside_other_text_is_an_excerpt_at_most(index_of, captions, block):
    words = captions["en"].split(" #")[0]
    raw = (
        f"Somebody wrote: {words[: int(len(words) * 0.45)]} and then we all went home for soup and rye bread."
    )
    (found,) = find(index_of(("ana", captions["en"])), block(raw))
    assert (found.verdict, found.text.rule) == (Verdict.POSSIBLE, "excerpt")


def test_measures_name_the_model_the_figures_and_the_rule(index_of, captions, block):
    (found,) = find(index_of(("ana", captions["en"])), block(captions["en"]))
    assert found.text.model == "flat/1(2.0)"
    assert found.text.rule == "bits"
    assert found.text.bits == found.text.total_bits == 2.0 * len(normalise(captions["en"]).text)
    assert (found.text.coverage, found.text.density, found.text.owners) == (1.0, 1.0, 1)
    assert found.permalink == "https://platform.example/p/0"
    assert found.reasons[0] == "the whole caption stands in the text, letter for letter"


def test_blocks_without_letters_and_empty_indexes_find_nothing(index_of, captions, block):
    assert find(index_of(("ana", captions["en"])), block("♥ ♥ ♥"), block("")) == ()
    assert find(index_of(), block(captions["en"])) == ()


def test_the_result_does_not_depend_on_the_order_of_blocks(everyone, captions, block):
    blocks = [block(caption, language) for language, caption in captions.items()]
    assert find(everyone, *blocks) == find(everyone, *reversed(blocks))
