"""A platform of a few posts, pages about it, and what the whole way from bytes to verdict says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from pydoc_data.topics import topics

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.extract.walls import classify
from clonedetect.jobs.analysing import analyse_case
from clonedetect.jobs.banks import Banks, read_banks
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.models.capture import Outcome
from clonedetect.models.match import Verdict
from clonedetect.models.platform import Platform
from clonedetect.models.verdict import AccountVerdict, ItemVerdict, PageClass, PageVerdict
from clonedetect.settings.document import Allow, Settings
from clonedetect.settings.file import SettingsFile, read_settings
from tests.jobs.playground import HTML, NOW, record

HOST = "https://lumigram.example"
PARTNER = "partner.example"


@dataclass(frozen=True)
class Post:
    """One post of the platform; `code` is the shortcode in its permalink."""

    item_id: str
    account: str
    code: str
    caption: str
    picture: str = ""
    allowed: tuple[str, ...] = ()

    @property
    def permalink(self) -> str:
        return f"{HOST}/p/{self.code}/"


PANTRY = Post(
    "m-1",
    "marta",
    "Ca1bXyz0001",
    "Found this print behind my grandmother's pantry shelf. She hand-stitched mission patches in Huntsville"
    " for nineteen years and never once told the neighbours what they were for.",
    "astronaut",
)
LAUNCH = Post(
    "m-2",
    "marta",
    "Ca1bXyz0002",
    "We reached the barrier with two thermos flasks and a broken folding chair; at ten past five the whole"
    " marsh turned orange and my father forgot the names of all his children.",
    "rocket",
)
FITTING = Post(
    "m-3",
    "marta",
    "Ca1bXyz0003",
    "Workshop confession: the brass fitting I machined for the planetarium lamp was a quarter of a millimetre"
    " too wide, so I sanded the lamp instead and nobody has noticed since March.",
    "coffee",
)
WINTERS = Post(
    "l-1",
    "luis",
    "Ca1bXyz0004",
    "Chelsea turns nine winters old today. We pulled her out of a tram engine with a shoehorn and a tin of"
    " sardines, and she has supervised every bolt in this workshop ever since.",
    "chelsea",
)
SPOONS = Post("s-1", "sofia", "Ca1bXyz0005", "Eleven crooked spoons for a wedding.")
"""Too short to be confirmed by its text alone."""
LADLE = Post("x-1", "friend-0", "Ca1bXyz0006", "A dented ladle for nineteen neighbours.")
"""Short too, of an account of which other posts may be shown on the partner's domain."""
ALLOWED = tuple(
    Post(f"f-{number}", f"friend-{number % 2}", f"Ca1bXyz001{number}", caption, picture, (PARTNER,))
    for number, (picture, caption) in enumerate(
        (
            (
                "coins",
                "Twenty-seven copper coins in a button tin, and nobody in the valley remembers the king.",
            ),
            (
                "flower",
                "The dahlia my mother raised in a paste bucket has opened three years after the freight van.",
            ),
            (
                "motorcycle_left",
                "He traded half a tractor for this motorcycle and rode it home without any brakes.",
            ),
        )
    )
)
_CHAINED = (
    "If you love your grandmother copy this onto your page for an hour, most of you will not, but the true"
    " ones will, and may the kettle be always on in heaven where she keeps a chair for each of us.",
    "I hereby declare that none of my pictures, neither past nor future ones, may be used without my written"
    " consent under the statute of Rome; whoever does not copy this notice agrees to everything.",
    "Ninety-three percent of people will not repost this candle for the miners; I know which seven percent of"
    " my friends have a heart, so leave the candle burning below and pass it on before midnight.",
)
CHAINED = tuple(
    Post(f"c-{text}{owner}", f"owner-{owner}", f"Ca1bXyz1{text}{owner}0", caption)
    for text, caption in enumerate(_CHAINED)
    for owner in range(4)
)
POSTS = (PANTRY, LAUNCH, FITTING, WINTERS, SPOONS, LADLE, *ALLOWED, *CHAINED)

SETTINGS = Settings(
    platform=Platform("Lumigram", ("lumigram.example",), ("cdn.lumigram.example",)),
)


@dataclass(frozen=True)
class Page:
    """One page as it was received; `pictures` by address, `headers` beside the content type."""

    url: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Told:
    """What was said of one page."""

    page: PageVerdict

    @property
    def verdict(self) -> Verdict:
        return self.page.verdict

    def require_sense(self) -> None:
        """What holds of every verdict, whatever the story."""
        said = self.page
        parts = (*said.item_verdicts, *said.account_verdicts)
        if said.page_class not in (PageClass.UNCLASSED, PageClass.REPUBLICATION):
            assert said.verdict is not Verdict.CONFIRMED
            assert all(one.verdict is not Verdict.CONFIRMED for one in parts)
        if said.verdict is Verdict.NONE:
            assert not said.not_examined
        assert bool(said.page_class_reason) == (said.page_class is not PageClass.UNCLASSED)
        assert all(one.reasons and one.grounds for one in parts)
        assert said.reasons
        confirmed = {one.account_id for one in said.account_verdicts if one.verdict is Verdict.CONFIRMED}
        accused = {one.account_id for one in said.item_verdicts if one.verdict is Verdict.CONFIRMED}
        assert confirmed <= accused

    def item(self, post: Post) -> ItemVerdict:
        (found,) = [one for one in self.page.item_verdicts if one.item_id == post.item_id]
        return found

    def account(self, name: str) -> AccountVerdict:
        (found,) = [one for one in self.page.account_verdicts if one.account_id == name]
        return found


def _prose() -> list[str]:
    """Enough English for the character model to tell rare wording from common: Python's own manual."""
    text = " ".join(" ".join(topic.split()) for _, topic in sorted(topics.items()))
    return [text[start : start + 400] for start in range(0, 120_000, 400)]


@dataclass(frozen=True)
class World:
    """The platform's pictures below `folder`, and the index made of its posts."""

    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @classmethod
    def make(cls, folder: Path) -> World:
        rows = []
        for post in POSTS:
            row = {
                "item_id": post.item_id,
                "account_id": post.account,
                "handle": f"{post.account}.lumi",
                "permalink": post.permalink,
                "caption": post.caption,
                "allowed_domains": list(post.allowed),
            }
            if post.picture:
                picture = photograph(post.picture)
                picture.thumbnail((640, 640))
                (folder / f"{post.item_id}.jpg").write_bytes(jpeg(picture))
                row["media"] = [{"path": f"{post.item_id}.jpg", "kind": "image"}]
            rows.append(row)
        rows += [
            {"item_id": f"t-{n}", "account_id": f"t-{n}", "caption": text} for n, text in enumerate(_prose())
        ]
        listing = folder / "posts.jsonl"
        listing.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        assert add_sources(folder / "index", [listing], workers=1).refused == 0
        return cls(folder)

    def picture(self, post: Post) -> bytes:
        return (self.folder / f"{post.item_id}.jpg").read_bytes()

    def copied(self, post: Post) -> bytes:
        """The picture as a clone serves it: packed again."""
        picture = photograph(post.picture)
        picture.thumbnail((600, 600))
        return jpeg(picture, 70)


def own_picture(name: str) -> bytes:
    """A picture that the platform has not."""
    picture = photograph(name)
    picture.thumbnail((600, 600))
    return jpeg(picture, 80)


def told_of(world: World, folder: Path, *pages: Page, allow: Allow | None = None) -> dict[str, Told]:
    """Capture the pages into a case, analyse it, and return what is said of each."""
    case = captured(folder, *pages)
    settings = replace(SETTINGS, allow=allow or Allow())
    chosen = replace(read_settings(None), settings=settings)
    return {verdict.page_url: Told(verdict) for verdict in analysed(case, world, chosen)}


def captured(folder: Path, *pages: Page) -> Path:
    with CaseStore.create(folder, "CASE-1", custody=CustodyLog.open, now=NOW, actor="test") as store:
        archive = WarcArchive.open(folder, "CASE-1", known={}, custody=store.custody, now=NOW)
        for page in pages:
            body = page.html.encode()
            answered = (("Content-Type", HTML), *page.headers)
            ended = classify(200, answered, body, page.url, page.url) or (Outcome.OK, "")
            record(store, archive, page.url, body, HTML, headers=page.headers, ended=ended)
            for url, data in page.pictures.items():
                record(store, archive, url, data, "image/jpeg")
    return folder


def analysed(case: Path, world: World, chosen: SettingsFile) -> tuple[PageVerdict, ...]:
    banks: Banks = read_banks(chosen)
    with (
        CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
        open_reference(world.index) as reference,
        Examiner(reference, chosen.settings, banks.phrases, workers=1) as examiner,
    ):
        list(analyse_case(store, reference, examiner, banks, now=lambda: NOW))
        return tuple(store.verdicts())
