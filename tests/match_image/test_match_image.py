from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from clonedetect.match.candidates import hash_candidates, image_candidates, match_image
from clonedetect.match.mask import MaskCache, template_mask
from clonedetect.models.match import Kind, Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

THRESHOLDS = ImageThresholds()

COPIES = (
    "jpeg-30",
    "thumbnail-150",
    "thumbnail-320",
    "mark-diagonal",
    "mark-handle",
    "mirror",
    "crop-random-70",
    "border-white-5",
    "border-black-15",
)


def png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def index(ours, memory_index):
    """The ten photographs, each of an account of its own."""
    held = memory_index()
    for name, path in ours.items():
        held.add(name, image_signals(path.read_bytes()), f"account of {name}")
    return held


@pytest.fixture(scope="session")
def masks():
    return MaskCache()


def ask(data: bytes, index, masks=None, **options):
    return match_image(query_image(data), index, THRESHOLDS, masks=masks, **options)


def verdicts(outcome) -> dict[str, Verdict]:
    return {str(match.item_id): match.verdict for match in outcome.matches}


# What the photographs of the installed packages must give ----------------------------------------------

NAMES = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "hubble_deep_field.jpg",
    "retina.jpg",
    "motorcycle_left.png",
    "coins.png",
    "china.jpg",
    "flower.jpg",
)


@pytest.mark.parametrize("name", NAMES[::4])
def test_the_very_bytes_are_an_exact_copy(name, ours, index, masks):
    outcome = ask(ours[name].read_bytes(), index, masks)
    assert verdicts(outcome) == {name: Verdict.CONFIRMED}
    assert outcome.matches[0].kinds == (Kind.EXACT, Kind.IMAGE)
    assert outcome.matches[0].score == 1.0


@pytest.mark.parametrize("number", range(len(COPIES)), ids=COPIES)
def test_altered_copies_are_confirmed_and_nothing_else_is(number, photographs, transforms, index, masks):
    for name in NAMES[number % 5 :: 5]:
        outcome = ask(transforms.transformed(COPIES[number], photographs[name], name), index, masks)
        assert verdicts(outcome) == {name: Verdict.CONFIRMED}, (name, outcome)


@pytest.mark.slow
@pytest.mark.parametrize("transform", [*COPIES, "identity", "crop-centre-70", "white-square", "phone-screen"])
def test_every_altered_copy_of_every_photograph_is_confirmed(
    transform, photographs, transforms, index, masks
):
    for name in NAMES:
        outcome = ask(transforms.transformed(transform, photographs[name], name), index, masks)
        assert verdicts(outcome) == {name: Verdict.CONFIRMED}, (name, outcome)


FRAMES_OF_STRANGERS = {
    "camera.png": ["phone-screen"],
    "moon.png": ["meme-frame"],
    "ihc.png": ["desktop-screen"],
    "brick.png": ["meme-frame"],
    "grass.png": ["phone-screen"],
    "gravel.png": [],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "frame", ["phone-screen", "meme-frame", "desktop-screen", "thumbnail-150", "size-0.5"]
)
def test_no_stranger_in_any_frame_is_confirmed(frame, strangers, transforms, index, masks):
    for name, path in strangers.items():
        outcome = ask(transforms.transformed(frame, Image.open(path).convert("RGB"), name), index, masks)
        assert Verdict.CONFIRMED not in verdicts(outcome).values(), (name, outcome)


@pytest.mark.parametrize("name", list(FRAMES_OF_STRANGERS))
def test_strangers_are_never_confirmed_alone_or_in_a_frame(name, strangers, transforms, index, masks):
    picture = Image.open(strangers[name]).convert("RGB")
    data = strangers[name].read_bytes()
    assert Verdict.CONFIRMED not in verdicts(ask(data, index, masks)).values()
    for form in FRAMES_OF_STRANGERS[name]:
        outcome = ask(transforms.transformed(form, picture, name), index, masks)
        assert Verdict.CONFIRMED not in verdicts(outcome).values(), (form, outcome)


def framed(transforms, frame: str, picture: Image.Image) -> bytes:
    frames = {"phone": transforms.phone_screen, "meme": transforms.meme, "desktop": transforms.desktop_screen}
    return transforms.jpeg(frames[frame](picture), 85)


@pytest.mark.parametrize(
    ("frame", "held"),
    [
        ("phone", 1),
        ("meme", 4),
        ("desktop", 1),
        pytest.param("phone", 4, marks=pytest.mark.slow),
        pytest.param("meme", 1, marks=pytest.mark.slow),
        pytest.param("desktop", 4, marks=pytest.mark.slow),
    ],
)
def test_another_photograph_in_the_same_frame_is_not_confirmed(  # noqa: PLR0917  fixtures
    frame, held, photographs, strangers, transforms, memory_index
):
    index = memory_index()
    for name in NAMES[:held]:
        index.add(name, image_signals(framed(transforms, frame, photographs[name])), name)
    others = [Image.open(strangers[n]).convert("RGB") for n in ("camera.png", "moon.png")]
    for picture in (*others, photographs["flower.jpg"]):
        outcome = ask(framed(transforms, frame, picture), index)
        assert Verdict.CONFIRMED not in verdicts(outcome).values(), outcome


@pytest.mark.parametrize("frame", ["phone", "meme"])
def test_a_true_copy_of_a_framed_picture_is_still_confirmed(frame, photographs, transforms, memory_index):
    index = memory_index()
    for name in NAMES[:4]:
        index.add(name, image_signals(framed(transforms, frame, photographs[name])), name)
    again = Image.open(BytesIO(framed(transforms, frame, photographs["coffee.png"])))
    outcome = ask(transforms.jpeg(transforms.resized(again, 500), 70), index)
    assert verdicts(outcome)["coffee.png"] is Verdict.CONFIRMED
    assert list(verdicts(outcome).values()).count(Verdict.CONFIRMED) == 1


# Templates ---------------------------------------------------------------------------------------------


def in_scene(photographs, name: str, side: int = 380, seed: int = 5) -> bytes:
    """A photograph in a textured frame: nothing about the frame looks drawn."""
    small = np.random.default_rng(seed).normal(128, 45, (60, 60, 3)).astype(np.float32)
    page = cv2.resize(small, (900, 900), interpolation=cv2.INTER_CUBIC)
    picture = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))
    start = (900 - side) // 2
    picture.paste(ImageOps.fit(photographs[name], (side, side)), (start, start))
    out = BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def test_one_picture_in_a_photographic_frame_does_not_accuse_another(photographs, memory_index):
    index = memory_index()
    index.add("coffee", image_signals(in_scene(photographs, "coffee.png")), "a")
    for name in ("astronaut.png", "coins.png"):
        outcome = ask(in_scene(photographs, name), index)
        assert verdicts(outcome) == {"coffee": Verdict.POSSIBLE}
        assert "share a frame" in " ".join(outcome.matches[0].reasons)


def test_what_three_others_share_is_masked_and_said(photographs, memory_index):
    index = memory_index()
    for name in NAMES[:5]:
        index.add(name, image_signals(in_scene(photographs, name, 290)), "one account")
    reference = index.images([1])[0]
    mask = template_mask(reference, index, THRESHOLDS)
    assert mask.hidden[0].all()
    assert not mask.hidden[8, 8]
    assert len(mask.items) == 4
    outcome = ask(in_scene(photographs, "china.jpg", 290), index)
    assert Verdict.CONFIRMED not in verdicts(outcome).values()
    assert any("shared with other pictures" in r for m in outcome.matches for r in m.reasons)


def test_a_change_of_three_to_eight_per_cent_is_asked_of_the_mask_too(photographs, memory_index):
    index, side = memory_index(), 220
    index.add("alone", image_signals(in_scene(photographs, NAMES[0], side)), "a")
    before = ask(in_scene(photographs, "china.jpg", side), index).matches[0]
    assert before.verdict is Verdict.POSSIBLE
    assert before.image is not None
    assert 0.03 < before.image.largest_disagreement <= 0.08
    for name in NAMES[1:5]:
        index.add(name, image_signals(in_scene(photographs, name, side)), "a")
    outcome = ask(in_scene(photographs, "china.jpg", side), index)
    assert Verdict.CONFIRMED not in verdicts(outcome).values()
    assert any("shared with other pictures" in r for m in outcome.matches for r in m.reasons)


def test_whole_copies_mask_only_where_they_are_other_accounts(photographs, memory_index):
    for accounts, is_hidden in ((["a"] * 5, False), (["a", "b", "c", "d", "e"], True), ([None] * 5, False)):
        index = memory_index()
        for number, account in enumerate(accounts):
            data = BytesIO()
            photographs["chelsea.png"].save(data, "JPEG", quality=60 + 5 * number)
            index.add(f"item {number}", image_signals(data.getvalue()), account)
        mask = template_mask(index.images([1])[0], index, THRESHOLDS)
        assert bool(mask.hidden.mean() > 0.5) is is_hidden, accounts


def test_masks_are_computed_once_for_a_state_of_the_index(photographs, memory_index):
    index = memory_index()
    index.add("coffee", image_signals(in_scene(photographs, "coffee.png")), "a")
    masks = MaskCache()
    reference = index.images([1])[0]
    first = masks.mask(reference, index, THRESHOLDS)
    assert masks.mask(reference, index, THRESHOLDS) is first
    for name in ("china.jpg", "flower.jpg", "chelsea.png"):
        index.add(name, image_signals(in_scene(photographs, name)), "a")
    assert masks.mask(reference, index, THRESHOLDS).hidden.any()


def test_a_site_is_recognised_by_its_own_frame(photographs, transforms, memory_index):
    """A white disc in the place of a photograph looks like a sticker; the site's other pictures tell."""
    index = memory_index()
    index.add("coffee", image_signals(in_scene(photographs, "coffee.png", 300)), "a")
    blank = Image.open(BytesIO(in_scene(photographs, "coffee.png", 300)))
    ImageDraw.Draw(blank).ellipse((260, 260, 640, 640), (250, 250, 250))
    asked = query_image(transforms.jpeg(blank, 85))
    alone = match_image(asked, index, THRESHOLDS)
    assert verdicts(alone) == {"coffee": Verdict.CONFIRMED}
    sibling = query_image(in_scene(photographs, "china.jpg", 300))
    beside = match_image(asked, index, THRESHOLDS, siblings=(sibling,))
    assert verdicts(beside) == {"coffee": Verdict.POSSIBLE}
    again = query_image(transforms.jpeg(blank.resize((600, 600)), 85))
    assert verdicts(match_image(asked, index, THRESHOLDS, siblings=(again, asked))) == {
        "coffee": Verdict.CONFIRMED
    }


def test_a_small_picture_in_another_is_found_by_its_rectangle(photographs, index, masks, transforms):
    page = photographs["rocket.jpg"].resize((1000, 800))
    page.paste(ImageOps.fit(photographs["chelsea.png"], (240, 240)), (620, 90))
    query = query_image(transforms.jpeg(page, 85))
    outcome = match_image(query, index, THRESHOLDS, masks=masks)
    match = next(match for match in outcome.matches if match.item_id == "chelsea.png")
    assert match.verdict is Verdict.CONFIRMED
    assert match.image is not None
    assert match.image.hash_view.startswith("panel 396,57,549,210 on square")
    polygon = np.array(match.regions[0].polygon)
    # Only the square that is shown: our picture as a whole would reach beyond it on both sides.
    assert np.allclose(polygon.min(axis=0), (620, 90), atol=4)
    assert np.allclose(polygon.max(axis=0), (860, 330), atol=4)


# Evidence ----------------------------------------------------------------------------------------------


def test_the_region_is_where_the_picture_stands(photographs, index, masks, transforms):
    page = Image.fromarray(np.asarray(transforms.scenery(np.random.default_rng(1), (1200, 900))))
    page.paste(photographs["coffee.png"].resize((480, 320)), (600, 400))
    outcome = ask(transforms.jpeg(page, 85), index, masks)
    assert verdicts(outcome) == {"coffee.png": Verdict.CONFIRMED}
    match = outcome.matches[0]
    polygon = np.array(match.regions[0].polygon)
    assert np.allclose(polygon.min(axis=0), (600, 400), atol=4)
    assert np.allclose(polygon.max(axis=0), (1080, 720), atol=4)
    assert match.image is not None
    scale = np.array(match.image.homography).reshape(3, 3)
    assert np.allclose(scale[:2, 2], (600, 400), atol=4)
    assert scale[0, 0] == pytest.approx(0.8, abs=0.01)
    for x, y, u, v in match.image.points:
        assert np.allclose((600 + 0.8 * x, 400 + 0.8 * y), (u, v), atol=6)


def test_a_mirrored_copy_says_so_and_keeps_its_place(photographs, index, masks):
    flipped = ImageOps.expand(ImageOps.mirror(photographs["astronaut.png"]), (100, 0, 0, 0), (255, 255, 255))
    match = ask(png(flipped), index, masks).matches[0]
    assert match.image is not None
    assert match.image.mirrored
    assert any("mirrored" in reason for reason in match.reasons)
    polygon = np.array(match.regions[0].polygon)
    assert np.allclose((polygon.min(axis=0), polygon.max(axis=0)), ((100, 0), (612, 512)), atol=3)


def test_an_inverted_copy_is_confirmed(photographs, index, masks):
    outcome = ask(png(ImageOps.invert(photographs["china.jpg"])), index, masks)
    assert verdicts(outcome) == {"china.jpg": Verdict.CONFIRMED}
    assert outcome.matches[0].image.hash_form == "complement"


def test_the_block_map_shows_what_was_covered(photographs, index, masks):
    covered = photographs["chelsea.png"].copy()
    covered.paste((255, 255, 255), (0, 0, 451, 45))
    rows = ask(png(covered), index, masks).matches[0].image.blocks
    assert "+" not in rows[0]
    assert rows[-3].count("+") > 10


def test_the_same_values_give_the_same_outcome(photographs, index, transforms):
    data = transforms.transformed("chain-crop-rotate-caption", photographs["flower.jpg"], "x")
    assert ask(data, index) == ask(data, index)


# What cannot be confirmed is said ----------------------------------------------------------------------


def test_a_reference_known_by_its_hash_alone_is_possible(photographs, memory_index):
    index = memory_index()
    index.add("coffee", image_signals(png(photographs["coffee.png"])), hash_only=True)
    data = BytesIO()
    photographs["coffee.png"].save(data, "JPEG", quality=70)
    outcome = ask(data.getvalue(), index)
    assert verdicts(outcome) == {"coffee": Verdict.POSSIBLE}
    assert "only a hash is known" in " ".join(outcome.matches[0].reasons)
    assert outcome.matches[0].distance is not None


def test_a_reference_without_features_is_compared_through_its_thumbnail(photographs, memory_index):
    index = memory_index()
    index.add("coffee", image_signals(png(photographs["coffee.png"]), features=False))
    data = BytesIO()
    photographs["coffee.png"].save(data, "JPEG", quality=70)
    assert verdicts(ask(data.getvalue(), index)) == {"coffee": Verdict.CONFIRMED}


def dunes(seed: int) -> Image.Image:
    """A picture of soft shapes: much for a hash, nothing for keypoints."""
    small = np.random.default_rng(seed).normal(128, 50, (6, 6)).astype(np.float32)
    large = cv2.GaussianBlur(cv2.resize(small, (400, 400), interpolation=cv2.INTER_CUBIC), (0, 0), 25)
    return Image.fromarray(np.clip(large, 0, 255).astype(np.uint8))


def test_low_texture_goes_to_people_or_is_inconclusive(memory_index):
    index = memory_index()
    index.add("dunes", image_signals(png(dunes(1))))
    near = dunes(1).resize((300, 300), Image.Resampling.LANCZOS)
    outcome = ask(png(near), index)
    assert verdicts(outcome) == {"dunes": Verdict.POSSIBLE}
    assert "too little texture" in " ".join(outcome.matches[0].reasons)
    other = ask(png(dunes(2)), index)
    assert other.verdict is Verdict.INCONCLUSIVE
    assert "too little" in other.reasons[0]


def test_an_even_picture_is_inconclusive(index):
    outcome = ask(png(Image.new("RGB", (300, 200), (200, 180, 90))), index)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.matches == ()
    assert outcome.reasons


def test_a_truncated_stranger_is_inconclusive(strangers, index):
    data = BytesIO()
    Image.open(strangers["brick.png"]).convert("RGB").save(data, "JPEG", quality=90)
    outcome = ask(data.getvalue()[: len(data.getvalue()) // 2], index)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "the file is truncated" in outcome.reasons[0]


def test_a_stranger_is_none(strangers, index):
    outcome = ask(strangers["grass.png"].read_bytes(), index)
    assert outcome.verdict is Verdict.NONE
    assert outcome.reasons


def test_bytes_that_many_accounts_publish_are_only_possible(photographs, memory_index):
    data = png(photographs["coins.png"])
    index = memory_index()
    for account in "abc":
        index.add(f"item of {account}", image_signals(data), account)
    outcome = ask(data, index)
    assert set(verdicts(outcome).values()) == {Verdict.POSSIBLE}
    assert "3 accounts publish these bytes" in outcome.matches[0].reasons
    assert {match.image.other_accounts for match in outcome.matches} == {2}


def test_the_bytes_of_a_spacer_prove_nothing(memory_index):
    data = png(Image.new("RGB", (40, 40), (250, 250, 250)))
    index = memory_index()
    index.add("spacer", image_signals(data), "a")
    assert verdicts(ask(data, index)) == {"spacer": Verdict.POSSIBLE}


def test_exact_bytes_of_soft_shapes_are_confirmed_without_a_transform(memory_index):
    index = memory_index()
    index.add("dunes", image_signals(png(dunes(1))), "a")
    outcome = ask(png(dunes(1)), index)
    assert verdicts(outcome) == {"dunes": Verdict.CONFIRMED}
    assert outcome.matches[0].reasons == ("exactly the bytes we hold",)


def test_a_picture_that_other_accounts_publish_too_is_said_to_be(photographs, memory_index, transforms):
    index = memory_index()
    for number, account in enumerate("abc"):
        data = transforms.jpeg(photographs["chelsea.png"], 60 + 10 * number)
        index.add(f"item of {account}", image_signals(data), account)
    outcome = ask(transforms.jpeg(photographs["chelsea.png"], 50), index)
    assert set(verdicts(outcome).values()) == {Verdict.CONFIRMED}
    assert all("other accounts publish this picture too (2)" in m.reasons for m in outcome.matches)
    assert {match.image.other_accounts for match in outcome.matches} == {2}


def test_near_hashes_that_were_not_compared_are_counted(memory_index, transforms):
    small = Image.fromarray(np.random.default_rng(3).integers(0, 255, (64, 64), dtype=np.uint8))
    signals = image_signals(png(small.resize((256, 256))), features=False)
    index = memory_index()
    for number in range(60):
        index.add(f"item {number}", signals, hash_only=True)
    outcome = ask(transforms.jpeg(small.resize((256, 256)), 80), index)
    assert len(outcome.matches) == 48
    assert outcome.reasons == ("12 further pictures with near hashes were not compared",)


def test_a_picture_with_near_hashes_that_were_not_compared_is_not_cleared(photographs, index, monkeypatch):
    monkeypatch.setattr("clonedetect.match.candidates.HASH_CANDIDATES", 0)
    smaller = ImageOps.scale(next(iter(photographs.values())), 0.8)
    outcome = ask(png(smaller), index)
    assert (outcome.verdict, outcome.matches) == (Verdict.INCONCLUSIVE, ())
    assert "were not compared" in outcome.reasons[0]


def test_one_item_with_two_pictures_gives_one_match(photographs, memory_index):
    index = memory_index()
    index.add("album", image_signals(png(photographs["coffee.png"])), "a")
    index.add("album", image_signals(png(photographs["chelsea.png"])), "a")
    page = Image.new("RGB", (1100, 420), "white")
    page.paste(photographs["coffee.png"], (10, 10))
    page.paste(photographs["chelsea.png"], (630, 60))
    assert verdicts(ask(png(page), index)) == {"album": Verdict.CONFIRMED}


# Candidates --------------------------------------------------------------------------------------------


def test_hash_candidates_come_nearest_first_and_name_their_route(photographs, index, transforms):
    query = query_image(transforms.transformed("mirror", photographs["rocket.jpg"], "x"))
    first = hash_candidates(query, index, THRESHOLDS)[0]
    assert index.images([first.media_id])[0].item_id == "rocket.jpg"
    assert first.route is not None
    assert first.route.form == "flip-horizontal"
    assert first.route.distance <= THRESHOLDS.exact_radius
    nothing = replace(query, hashes=tuple(replace(h, quality=0) for h in query.hashes))
    assert hash_candidates(nothing, index, THRESHOLDS) == ()


def test_features_propose_what_hashes_miss(photographs, index, transforms):
    data = transforms.transformed("pasted-40", photographs["motorcycle_left.png"], "x")
    candidates = image_candidates(query_image(data), index, THRESHOLDS)
    voted = [c for c in candidates if c.route is None]
    assert index.images([voted[0].media_id])[0].item_id == "motorcycle_left.png"
    assert voted[0].votes >= 3


def test_each_picture_of_a_collage_is_found_with_its_own_region(photographs, memory_index, transforms):
    index = memory_index()
    names = NAMES[:4]
    for name in names:
        index.add(name, image_signals(png(photographs[name])), name)
    page = Image.new("RGB", (1080, 1080), "white")
    places = [(0, 0), (544, 0), (0, 544)]
    for name, place in zip(names[:3], places, strict=True):
        page.paste(ImageOps.fit(photographs[name], (536, 536)), place)
    page.paste(transforms.scenery(np.random.default_rng(8), (536, 536)), (544, 544))
    outcome = ask(transforms.jpeg(page, 85), index)
    assert verdicts(outcome) == dict.fromkeys(names[:3], Verdict.CONFIRMED)
    for name, place in zip(names[:3], places, strict=True):
        match = next(match for match in outcome.matches if match.item_id == name)
        middle = np.array(match.regions[0].polygon).mean(axis=0)
        assert np.abs(middle - np.array(place) - 268).max() < 100


def test_a_small_picture_on_a_large_page_is_looked_at_from_nearer(photographs, memory_index, transforms):
    index = memory_index()
    index.add("coffee", image_signals(png(photographs["coffee.png"])), "a")
    page = transforms.scenery(np.random.default_rng(3), (1080, 1080))
    page.paste(photographs["coffee.png"].resize((330, 220)), (700, 180))
    query = query_image(transforms.jpeg(page, 88))
    assert query.detail.shape == (1080, 1080)
    match = match_image(query, index, THRESHOLDS).matches[0]
    assert match.verdict is Verdict.CONFIRMED
    assert match.image is not None
    polygon = np.array(match.regions[0].polygon)
    assert np.allclose(polygon.min(axis=0), (700, 180), atol=5)
    assert np.allclose(polygon.max(axis=0), (1030, 400), atol=5)
    assert match.image.calibration


def test_stripes_over_a_picture_do_not_hide_it(photographs, memory_index, transforms):
    index = memory_index()
    index.add("china", image_signals(png(photographs["china.jpg"])), "a")
    striped = transforms.TRANSFORMS["stripes"](photographs["china.jpg"], transforms.Random(1))
    outcome = ask(transforms.jpeg(striped, 85), index)
    assert verdicts(outcome) == {"china": Verdict.CONFIRMED}
    assert not any("share a frame" in reason for reason in outcome.matches[0].reasons)
    assert any("x" in row for row in outcome.matches[0].image.blocks)
