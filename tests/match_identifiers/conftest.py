"""An index of made-up posts of a platform whose ids carry their time, and pages to compare with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from clonedetect.extract.page import read_page
from clonedetect.index.reference import OpenIndex, open_index
from clonedetect.index.store import IndexStore
from clonedetect.jobs.opening import CharModels
from clonedetect.match.identify import identify
from clonedetect.match.native import NativeIds
from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.item import Item, Media
from clonedetect.models.match import Match
from clonedetect.models.page import PageContent
from clonedetect.settings.document import parse_settings
from clonedetect.settings.template import platform_example

MADE = datetime(2023, 9, 2, 10, 15, tzinfo=UTC)
UNNUMBERED = "https://cdn-1.photos.example/f/no-number-1-here.jpg"
VIEWER = "https://viewer.example/x"

ITEMS = (
    Item(
        ItemId("boat"),
        account_id=AccountId("a-1"),
        handle="lena.fischt",
        permalink="https://photos.example/p/Cwr4rddlKTB/",
        native_ids=("3182886838844302529",),
        hashtags=("Kutterpullen", "Husumerhafen", "sea"),
        location="Krabbenbude am Außenhafen",
        published_at=MADE,
        media=(Media(0, asset_id="17841400000001001", hashes=(("pdq", "0f" * 32),)),),
    ),
    Item(
        ItemId("late"),
        account_id=AccountId("a-1"),
        handle="lena.fischt",
        permalink="https://photos.example/p/Cwr4rddlKTC/",
        published_at=datetime(2024, 3, 1, tzinfo=UTC),
    ),
    Item(
        ItemId("word"),
        account_id=AccountId("a-2"),
        handle="maria",
        native_ids=("summer-2023", "12345678", "12345"),
    ),
    *(Item(ItemId(f"export-{n}"), handle="Only_Handle", native_ids=(f"Ab{n}cD9eFgH",)) for n in range(3)),
    Item(
        ItemId("filed"),
        account_id=AccountId("a-6"),
        media=(Media(0, url=f"{UNNUMBERED}?x=1", hashes=(("pdq", "1e" * 32),)),),
    ),
    Item(ItemId("short"), account_id=AccountId("a-3"), handle="jo"),
    Item(ItemId("twin-1"), account_id=AccountId("a-4"), native_ids=("3182886838844302600",)),
    Item(ItemId("twin-2"), account_id=AccountId("a-5"), native_ids=("3182886838844302600",)),
    *(
        Item(
            ItemId(f"many-{n}"),
            account_id=AccountId("17841499999"),
            handle="busy_bee",
            native_ids=("Xy1Zz2Ww3Qq",),
        )
        for n in range(12)
    ),
)

Compare = Callable[..., tuple[Match, ...]]


@pytest.fixture(scope="session")
def ids() -> NativeIds:
    """The shipped example of an Instagram-like platform, with a mark."""
    text = platform_example("instagram-like").replace("# marks = []", 'marks = ["photogram"]')
    return NativeIds.of(parse_settings(text.encode(), name="s")[0].platform)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIndex]:
    folder = tmp_path_factory.mktemp("identified") / "index"
    with IndexStore.open_or_create(folder, algorithms={}) as store:
        for item in ITEMS:
            store.add_item(item, (None,) * len(item.media))
    with open_index(folder, votes=lambda _: None, model=CharModels()) as opened:
        yield opened


@pytest.fixture(scope="session")
def compare(index: OpenIndex, ids: NativeIds) -> Compare:
    def run(
        html: str, url: str = "https://viewer.example/x", others: tuple[Match, ...] = ()
    ) -> tuple[Match, ...]:
        content: PageContent = read_page(html.encode(), url, "text/html")
        return identify(content, index, ids, others)

    return run
