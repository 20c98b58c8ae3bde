from clonedetect.signals.background import background_model, background_phrases, read_background
from clonedetect.signals.normalise import normalise
from clonedetect.signals.phrases import CommonPhrases, shipped_phrases


def covered(phrases, raw):
    text = normalise(raw).text
    return "".join(char for char, is_common in zip(text, phrases.covered(text), strict=True) if is_common)


def test_the_background_speaks_many_languages_and_normalises_to_something():
    sections = read_background()
    assert len(sections) >= 50
    assert sum(map(len, sections.values())) >= 1500
    assert all(background_phrases())


def test_the_background_is_built_once():
    assert background_model() is background_model()
    assert shipped_phrases() is shipped_phrases()


def test_a_phrase_is_covered_within_other_words():
    phrases = CommonPhrases.of(["Have a lovely weekend everyone"])
    assert (
        covered(phrases, "Zebra! Have a LOVELY weekend, everyone... crossing") == "havealovelyweekendeveryone"
    )


def test_what_is_left_of_a_shortened_phrase_is_covered():
    phrases = CommonPhrases.of(["Have a lovely weekend everyone"])
    assert covered(phrases, "a lovely weekend") == "alovelyweekend"
    assert covered(phrases, "a lovely day") == ""


def test_cjk_phrases_are_covered_by_runs_of_four():
    phrases = CommonPhrases.of(["お誕生日おめでとうございます", "晚安"])
    assert covered(phrases, "花子さんお誕生日おめでとう") == "お誕生日おめでとう"
    assert covered(phrases, "大家晚安") == "晚安"


def test_short_phrases_count_as_a_whole_and_single_letters_not_at_all():
    phrases = CommonPhrases.of(["likes", "ok", "花"])
    assert covered(phrases, "250 likes and more") == "likes"
    assert covered(phrases, "ok 花") == ""


def test_no_phrases_cover_nothing():
    assert not CommonPhrases([]).covered("goodmorning").any()
