"""A small index knows little: nothing common is confirmed on it, and what is distinctive is still found."""

import random

import pytest

from clonedetect.match.text import match_texts
from clonedetect.models.match import Verdict
from clonedetect.models.settings import TextThresholds
from clonedetect.signals.phrases import shipped_phrases

INVENTED = """
Sending everyone a gentle and peaceful start into the new week full of good surprises
May this evening bring you calm, warmth and the company of the people you love the most
Three cheers for the sweetest grandparents anybody could ever wish for, we adore you both
Whoever sees this first has to buy the pizza for the whole group, no excuses accepted
The journey of a thousand laughs begins with a single silly joke among old friends
Please rotate your device and wait a moment while we prepare the gallery for you
Que la semana les traiga paz, trabajo y muchas sonrisas a todos los que pasan por aquí
Um abraço apertado em todo mundo que lembrou de mim neste dia tão especial e feliz
Un grand merci à toutes les personnes qui ont pensé à moi pendant cette belle semaine
Ich wünsche euch allen einen ruhigen Abend und morgen einen guten Start in die Woche
Rabbim herkese sağlıklı, huzurlu ve bereketli bir hafta nasip etsin inşallah
Пусть этот вечер принесёт вам тепло, покой и хорошие новости от близких людей
نتمنى لكم أسبوعا مليئا بالخير والبركة والراحة والسعادة مع كل من تحبون
आप सभी को आने वाले सप्ताह के लिए ढेर सारी शुभकामनाएं और प्यार
ขอให้ทุกคนมีความสุขกับวันหยุดยาวและเดินทางกลับบ้านอย่างปลอดภัยนะคะ
皆さんにとって穏やかで笑顔あふれる一週間になりますように心から願っています
愿新的一周给每一位朋友带来好运健康和满满的笑容大家一起加油吧
이번 한 주도 모두에게 웃음과 행복이 가득하기를 진심으로 바랍니다
Semoga minggu ini membawa rezeki, kesehatan dan kebahagiaan untuk kita semua
Nawatakia nyote wiki njema yenye baraka, amani na furaha tele pamoja na familia zenu
""".strip().splitlines()


WORDS = [
    "river",
    "stone",
    "amber",
    "lantern",
    "copper",
    "violin",
    "meadow",
    "harbour",
    "winter",
    "orchard",
    "silver",
]


@pytest.fixture(scope="module")
def small(memory_index, captions):
    posts = [(f"account-{language}", caption) for language, caption in captions.items()]
    posts += [(f"greeter-{number}", phrase) for number, phrase in enumerate(INVENTED)]
    return memory_index(posts)


def find(index, block, raw):
    return match_texts([block(raw)], index, TextThresholds(), shipped_phrases())


@pytest.mark.parametrize("phrase", INVENTED)
def test_a_common_phrase_planted_once_is_not_confirmed_on_an_innocent_page(small, block, phrase):
    for raw in (phrase, f"Hello friends! {phrase} See you soon."):
        assert all(match.verdict is not Verdict.CONFIRMED for match in find(small, block, raw))


@pytest.mark.parametrize(
    "name", ["verbatim", "cut to 60 %", "tags and emoji stripped", "wrapped in interface"]
)
def test_distinctive_captions_are_found_on_an_index_of_thirty_posts(small, captions, block, transforms, name):
    for language, caption in captions.items():
        raw = transforms[name](caption, random.Random(5), list(captions.values()))
        (found,) = [m for m in find(small, block, raw) if m.account_id == f"account-{language}"]
        assert found.verdict is Verdict.POSSIBLE
        assert "model too small" in found.text.gates
        assert any("too little text in this language" in reason for reason in found.reasons)


def test_a_caption_its_author_posts_again_does_not_become_common(memory_index, captions, block):
    once = memory_index([("ana", captions["en"]), ("ben", captions["es"])])
    often = memory_index([("ana", captions["en"])] * 4 + [("ben", captions["es"])])
    (single,) = find(once, block, captions["en"])
    repeated = find(often, block, captions["en"])
    assert len(repeated) == 4
    assert {match.text.total_bits for match in repeated} == {single.text.total_bits}


def test_a_model_that_has_read_enough_confirms(memory_index, block):
    rng = random.Random(1)
    posts = [(f"a{n}", " ".join(rng.choice(WORDS) for _ in range(60))) for n in range(400)]
    index = memory_index(posts)
    (found,) = [m for m in find(index, block, f"3 w ago {posts[17][1]} 9 likes") if m.item_id == "post-17"]
    assert found.verdict is Verdict.CONFIRMED
    assert found.text.bits > 100
