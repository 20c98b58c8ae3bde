import hashlib
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.analysis.sampling import draw, frame_of, order_of
from clonedetect.errors import InputError
from clonedetect.models.ids import digest_of

NOW = datetime(2026, 11, 3, tzinfo=UTC)
URLS = [f"https://clone{n % 3}.example/p/{n}" for n in range(30)]


def test_the_frame_holds_each_address_once_and_counts_the_rest() -> None:
    named = [
        "HTTPS://Clone.example:443/a",
        "https://clone.example/a",
        "https://clone.example/b",
        "ftp://x/",
        "x",
    ]
    frame = frame_of(named)
    assert frame.urls == ("https://clone.example/a", "https://clone.example/b")
    assert (frame.duplicates, frame.unusable) == (1, 2)
    assert frame.digest == digest_of(b"https://clone.example/a\nhttps://clone.example/b\n")


def test_a_sample_says_all_that_it_takes_to_draw_it_again() -> None:
    sample, lines = draw(URLS, "2026-11", 7, now=NOW)
    assert (sample.seed, sample.size, sample.frame_size, sample.drawn_at) == ("2026-11", 7, 30, NOW)
    assert sample.sites == (("clone0.example", 10), ("clone1.example", 10), ("clone2.example", 10))
    assert sample.frame_digest == digest_of(lines)
    again = sorted(
        lines.decode().splitlines(), key=lambda url: hashlib.sha256(f"2026-11\n{url}".encode()).hexdigest()
    )
    assert list(sample.drawn) == again[:7]


def test_the_order_is_that_of_common_tools() -> None:
    command = 'printf \'%s\\n%s\' "$0" "$1" | sha256sum | cut -c-64'
    told = subprocess.run(["sh", "-c", command, "7", URLS[0]], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == order_of("7", URLS[0])


@given(st.permutations(URLS), st.integers(1, 30))
def test_the_draw_does_not_depend_on_the_order_of_the_list_and_a_longer_one_begins_with_it(
    urls: list[str], size: int
) -> None:
    whole, _ = draw(URLS, "s", 30, now=NOW)
    part, _ = draw(urls, "s", size, now=NOW)
    assert part.drawn == whole.drawn[:size]
    assert part.frame_digest == whole.frame_digest


def test_another_seed_draws_others() -> None:
    assert draw(URLS, "1", 10, now=NOW)[0].drawn != draw(URLS, "2", 10, now=NOW)[0].drawn


def test_each_address_is_drawn_as_often_as_any_other() -> None:
    counts = dict.fromkeys(frame_of(URLS).urls, 0)
    for seed in range(600):
        for url in draw(URLS, str(seed), 10, now=NOW)[0].drawn:
            counts[url] += 1
    # 600 draws of 10 of 30: 200 each, with a standard deviation of 11.5
    assert all(140 < count < 260 for count in counts.values())


def test_a_list_shorter_than_the_sample_is_drawn_whole() -> None:
    assert len(draw(URLS[:4], "s", 10, now=NOW)[0].drawn) == 4


@pytest.mark.parametrize("seed", ["", "  ", "a\nb", "a\rb", "a\x00"])
def test_a_seed_is_one_line_of_text(seed: str) -> None:
    with pytest.raises(InputError, match="one line of text"):
        draw(URLS, seed, 1, now=NOW)


def test_nothing_is_drawn_from_nothing() -> None:
    with pytest.raises(InputError, match="no address to draw a sample from"):
        draw(["nonsense"], "s", 1, now=NOW)
