"""Settings: strict, complete, one digest, and the source of every value."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import InputError
from clonedetect.models.ids import digest_of
from clonedetect.models.settings import ImageThresholds, TextThresholds
from clonedetect.settings.document import (
    Allow,
    Banks,
    Claimant,
    Platform,
    Settings,
    Signals,
    Signing,
    Thresholds,
    Timestamp,
    parse_settings,
    settings_values,
)
from clonedetect.settings.file import read_settings
from clonedetect.settings.template import settings_template

WHOLE = r"""
[platform]
name = "Example"
hosts = ["Platform.example", "cdn.platform.example."]
media_hosts = ["Pictures.example"]
asset_id_patterns = ['/a/(\d+)']
shortcode_patterns = ['/p/(\w{11})', '/s/(\w{8})']
numeric_id_patterns = ['/id/(\d+)']
handle_patterns = ['/@(\w+)']
shortcode_is_id = true
id_time_shift = 23
id_epoch_ms = 1_314_220_021_721
expiry_parameters = ["until:seconds"]
marks = ["example", "xmpl"]
[allow]
domains = ["partner.example"]
federation = true
[banks]
negative_images = ["logos", "memes/1.png"]
common_phrases = ["phrases.txt"]
background = ["how-people-write.txt"]
blocked_digests = ["blocked.txt"]
[signals]
active = ["own-network", "block-mean"]
[thresholds.image]
candidate_radius = 40
exact_radius = 20
strong_inliers = 50
strong_agree = 0.5
inliers = 20
agree = 0.9
largest_disagreement = 0.05
possible_inliers = 14
possible_agree = 0.6
block_ncc = 0.6
[thresholds.text]
possible_bits = 70
confirmed_bits = 120.5
coverage = 0.6
density = 0.75
confirmed_coverage = 0.65
account_posts = 4
[claimant]
name = "Example Inc."
address = '''
1 Example Street
Example'''
email = "legal@platform.example"
rights_basis = "authorised by the owners"
[signing]
key = "seal.pem"
actor = "analyst"
approvers = ["approver.pub.pem"]
[timestamp]
authorities = ["http://tsa.example/tsr", "https://tsa.example:8443"]
roots = "roots.pem"
"""


def test_a_whole_file_is_read_key_by_key() -> None:
    settings, sources = parse_settings(WHOLE.encode(), name="s.toml")
    assert settings == Settings(
        platform=Platform(
            "Example",
            ("platform.example", "cdn.platform.example"),
            ("pictures.example",),
            (r"/a/(\d+)",),
            (r"/p/(\w{11})", r"/s/(\w{8})"),
            (r"/id/(\d+)",),
            (r"/@(\w+)",),
            True,
            23,
            1_314_220_021_721,
            ("until:seconds",),
            ("example", "xmpl"),
        ),
        allow=Allow(("partner.example",), federation=True),
        banks=Banks(("logos", "memes/1.png"), ("phrases.txt",), ("how-people-write.txt",), ("blocked.txt",)),
        signals=Signals(("own-network", "block-mean")),
        thresholds=Thresholds(
            ImageThresholds(40, 20, 50, 0.5, 20, 0.9, 0.05, 14, 0.6, 0.6),
            TextThresholds(70, 120.5, 0.6, 0.75, 0.65, 4),
        ),
        claimant=Claimant(
            "Example Inc.", "1 Example Street\nExample", "legal@platform.example", "authorised by the owners"
        ),
        signing=Signing("seal.pem", "analyst", ("approver.pub.pem",)),
        timestamp=Timestamp(("http://tsa.example/tsr", "https://tsa.example:8443"), "roots.pem"),
    )
    assert "built-in" not in sources.values()
    assert sources["platform.name"] == "s.toml:3"
    assert sources["thresholds.text.account_posts"] == "s.toml:42"


def test_the_built_in_thresholds_are_the_measured_ones() -> None:
    assert Settings().thresholds.image == ImageThresholds(
        candidate_radius=48,
        exact_radius=31,
        strong_inliers=40,
        strong_agree=0.4,
        inliers=15,
        agree=0.8,
        largest_disagreement=0.08,
        possible_inliers=12,
        possible_agree=0.5,
        block_ncc=0.55,
    )
    assert Settings().thresholds.text == TextThresholds(
        possible_bits=60,
        confirmed_bits=100,
        coverage=0.5,
        density=0.7,
        confirmed_coverage=0.6,
        account_posts=3,
    )


def test_an_empty_file_gives_the_built_in_values() -> None:
    settings, sources = parse_settings(b"", name="s")
    assert settings == Settings()
    assert set(sources.values()) == {"built-in"}
    assert list(sources) == [key for key, _ in settings_values(settings)]


def test_each_value_says_where_it_comes_from() -> None:
    text = b"[thresholds]\nimage = { agree = 0.9 }\n\n[thresholds.text]\n# why\ndensity = 0.8\n"
    _, sources = parse_settings(text, name="s")
    given_here = {key: source for key, source in sources.items() if source != "built-in"}
    assert given_here == {"thresholds.image.agree": "s:2", "thresholds.text.density": "s:6"}


def test_the_digest_is_of_the_values_and_not_of_their_spelling() -> None:
    settings, _ = parse_settings(b"[thresholds.text]\npossible_bits = 60\n# a comment\n", name="s")
    assert settings.digest == Settings().digest == digest_of(Settings().to_toml().encode())
    whole_numbers = replace(
        Settings(), thresholds=Thresholds(text=TextThresholds(possible_bits=60, confirmed_bits=100))
    )
    assert whole_numbers.digest == Settings().digest
    changed, _ = parse_settings(b"[thresholds.text]\npossible_bits = 61\n", name="s")
    assert changed.digest != settings.digest


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
many = st.lists(words, max_size=3).map(tuple)
share = st.floats(0, 1)


@given(
    settings=st.builds(
        Settings,
        platform=st.builds(Platform, name=words, marks=many),
        banks=st.builds(Banks, many, many, many),
        thresholds=st.builds(
            Thresholds,
            st.builds(
                ImageThresholds,
                candidate_radius=st.integers(31, 128),
                strong_agree=share,
                agree=st.floats(0.5, 1),
                largest_disagreement=share,
                block_ncc=share,
            ),
            st.builds(
                TextThresholds,
                possible_bits=st.floats(0, 100),
                confirmed_bits=st.floats(100, 10_000),
                coverage=st.floats(0, 0.5),
                density=share,
                confirmed_coverage=st.floats(0.5, 1),
                account_posts=st.integers(1, 9),
            ),
        ),
        claimant=st.builds(Claimant, words, words.map(lambda word: f"{word}\n{word}"), words, words),
        signing=st.builds(Signing, words, words, many),
    )
)
def test_settings_written_and_read_again_are_the_same_settings(settings: Settings) -> None:
    text = settings.to_toml()
    again, _ = parse_settings(text.encode(), name="s")
    assert again == settings
    assert again.to_toml() == text
    assert again.digest == settings.digest


def test_the_template_holds_every_setting_at_its_built_in_value() -> None:
    template = settings_template()
    assert parse_settings(template.encode(), name="s")[0] == Settings()
    opened = "\n".join(line.removeprefix("# ") if " = " in line else line for line in template.split("\n"))
    settings, sources = parse_settings(opened.encode(), name="s")
    assert settings == Settings()
    assert "built-in" not in sources.values()


def test_every_section_and_key_of_the_values_is_in_the_document() -> None:
    keys = [key for key, _ in settings_values(Settings())]
    assert len(keys) == len(set(keys))
    assert {key.partition(".")[0] for key in keys} == {part.name for part in fields(Settings)}
    for key in keys:
        assert f"{key.rpartition('.')[2]} = " in WHOLE


FAULTS: dict[str, tuple[str, str]] = {
    "no TOML": ("[platform", "s:1: "),
    "unknown section": ("[platforms]", "s:1: platforms: unknown key; did you mean platform?"),
    "unknown key": ("[platform]\nhost = []", "s:2: platform.host: unknown key; did you mean hosts?"),
    "unknown signal": ("[thresholds.sound]", "s:1: thresholds.sound: unknown key"),
    "unknown threshold": (
        "[thresholds.image]\nagreement = 1",
        "s:2: thresholds.image.agreement: unknown key",
    ),
    "text as array": ("[platform]\nmarks = 'x'", "s:2: platform.marks: must be an array of strings"),
    "host with path": (
        "[platform]\nhosts = ['a.example/x']",
        "s:2: platform.hosts[0]: 'a.example/x': not a host",
    ),
    "domain with spaces": ("[allow]\ndomains = ['a b']", "s:2: allow.domains[0]: 'a b': not a host"),
    "broken pattern": (
        "[platform]\nasset_id_patterns = ['(']",
        "s:2: platform.asset_id_patterns[0]: '(': not a",
    ),
    "pattern without group": (
        "[platform]\nshortcode_patterns = ['a']",
        "s:2: platform.shortcode_patterns[0]:",
    ),
    "pattern with two groups": (
        "[platform]\nshortcode_patterns = ['(a)(b)']",
        "s:2: platform.shortcode_patterns[0]:",
    ),
    "shift too far": ("[platform]\nid_time_shift = 64", "s:2: platform.id_time_shift: 64 is outside 0 to 63"),
    "shift as flag": ("[platform]\nid_time_shift = true", "s:2: platform.id_time_shift: must be a whole"),
    "epoch below zero": ("[platform]\nid_epoch_ms = -1", "s:2: platform.id_epoch_ms: -1 is outside"),
    "flag as text": ("[platform]\nshortcode_is_id = 'yes'", "s:2: platform.shortcode_is_id: must be true"),
    "expiry without base": (
        "[platform]\nexpiry_parameters = ['oe']",
        "s:2: platform.expiry_parameters[0]: 'oe': must be NAME:hex",
    ),
    "expiry after nothing": (
        "[platform]\nexpiry_parameters = ['a:after ']",
        "s:2: platform.expiry_parameters[0]: 'a:after ':",
    ),
    "radius too wide": (
        "[thresholds.image]\ncandidate_radius = 129",
        "s:2: thresholds.image.candidate_radius: 129",
    ),
    "radius as float": (
        "[thresholds.image]\ncandidate_radius = 4.5",
        "s:2: thresholds.image.candidate_radius:",
    ),
    "too few inliers": ("[thresholds.image]\ninliers = 3", "s:2: thresholds.image.inliers: 3 is outside 4"),
    "share over one": ("[thresholds.image]\nagree = 1.1", "s:2: thresholds.image.agree: 1.1 is outside"),
    "share not a number": (
        "[thresholds.text]\ncoverage = nan",
        "s:2: thresholds.text.coverage: nan is outside",
    ),
    "flag as number": ("[thresholds.text]\ndensity = true", "s:2: thresholds.text.density: must be a number"),
    "negative bits": (
        "[thresholds.text]\npossible_bits = -1",
        "s:2: thresholds.text.possible_bits: -1 is outside",
    ),
    "no posts": ("[thresholds.text]\naccount_posts = 0", "s:2: thresholds.text.account_posts: 0 is outside"),
    "radii crossed": (
        "[thresholds.image]\ncandidate_radius = 30",
        "s:2: thresholds.image.candidate_radius: exact_r",
    ),
    "bits crossed": (
        "[thresholds.text]\npossible_bits = 101",
        "s:2: thresholds.text.possible_bits: possible_bits",
    ),
    "inliers crossed": (
        "[thresholds.image]\npossible_inliers = 16",
        "s:2: thresholds.image.possible_inliers: ",
    ),
    "authority without scheme": (
        "[timestamp]\nauthorities = ['tsa.example']",
        "s:2: timestamp.authorities[0]: ",
    ),
    "authority with password": (
        "[timestamp]\nauthorities = ['http://a:b@c/']",
        "s:2: timestamp.authorities[0]: ",
    ),
    "line break in name": (
        "[claimant]\nname = 'a'\nemail = \"a\\nb\"",
        "s:3: claimant.email: must be one line",
    ),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_is_named_by_file_line_and_key(text: str, message: str) -> None:
    with pytest.raises(InputError) as fault:
        parse_settings(text.encode(), name="s")
    assert str(fault.value).startswith(message), fault.value


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "settings.toml").write_text("[platform]\nname = 'from the index'\n")
    return folder


def test_a_named_file_speaks_before_the_index_and_the_index_before_built_in_values(
    tmp_path: Path, index: Path
) -> None:
    named = tmp_path / "named.toml"
    named.write_text("[claimant]\nname = 'named'\n")
    first, second, third = read_settings(named, index), read_settings(None, index), read_settings(None)
    assert (first.path, first.settings.platform.name, first.settings.claimant.name) == (named, "", "named")
    assert dict(first.sources)["claimant.name"] == f"{named}:2"
    assert (second.path, second.settings.platform.name) == (index / "settings.toml", "from the index")
    assert (third.path, third.settings) == (None, Settings())
    assert {source for _, source in third.sources} == {"built-in"}


def test_an_index_without_settings_leaves_the_built_in_values(tmp_path: Path) -> None:
    assert read_settings(None, tmp_path).path is None


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path, index: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "absent.toml", index)


def test_paths_are_relative_to_the_file_that_names_them(index: Path) -> None:
    found = read_settings(None, index)
    assert found.located("keys/a.pem") == index / "keys" / "a.pem"
    assert found.located("/etc/a.pem") == Path("/etc/a.pem")
    assert read_settings(None).located("a.pem") == Path("a.pem")


def test_settings_are_values(tmp_path: Path) -> None:
    value: Any = Settings()
    with pytest.raises(AttributeError):
        value.platform = Platform("x")
    assert hash(Settings()) == hash(Settings())
