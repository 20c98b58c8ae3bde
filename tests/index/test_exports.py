"""Exports of platforms, feeds and lists of hashes, and what is refused of broken ones."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import InputError
from clonedetect.index.importers import (
    RefusedRow,
    SkippedRow,
    SourceFormat,
    SourceRow,
    check_source,
    json_array,
    read_source,
    recognise,
    source_size,
    xml_records,
)
from clonedetect.index.importers.assembly import asset_in, below, caption_of, time_of
from clonedetect.index.importers.markup import html_text, repaired
from clonedetect.index.store import IndexStore
from clonedetect.jobs.handing_over import export_hashes
from clonedetect.jobs.indexing import add_sources, index_stats, verify_index
from clonedetect.models.item import Item, MediaKind, Visibility

FIXTURES = Path(__file__).parents[2] / "fixtures" / "imports"


def rows(name: str, **values: object) -> list[SourceRow | RefusedRow | SkippedRow]:
    path = FIXTURES / name
    return list(read_source(path, recognise(path), **values))


def items(name: str, **values: object) -> list[Item]:
    return [row.item for row in rows(name, **values) if isinstance(row, SourceRow)]


def refused(name: str, **values: object) -> list[tuple[int | None, str]]:
    return [(row.line, row.reason) for row in rows(name, **values) if isinstance(row, RefusedRow)]


def skipped(name: str) -> list[tuple[int, str]]:
    return [(row.count, row.reason) for row in rows(name) if isinstance(row, SkippedRow)]


FORMATS = {
    "instagram/export": SourceFormat.INSTAGRAM,
    "instagram/export_2025": SourceFormat.INSTAGRAM,
    "instagram/broken": SourceFormat.INSTAGRAM,
    "mastodon/archive": SourceFormat.MASTODON,
    "mastodon/archive/outbox.json": SourceFormat.MASTODON,
    "pixelfed/statuses.json": SourceFormat.PIXELFED,
    "pixelfed/pixelfed-statuses.json": SourceFormat.PIXELFED,
    "wordpress/export.xml": SourceFormat.WORDPRESS,
    "wordpress/entities.xml": SourceFormat.WORDPRESS,
    "feed/rss.xml": SourceFormat.FEED,
    "feed/atom.xml": SourceFormat.FEED,
    "sitemap/sitemap.xml": SourceFormat.SITEMAP,
    "pdq/table.csv": SourceFormat.PDQ_TABLE,
    "pdq/bare.csv": SourceFormat.PDQ_TABLE,
    "pdq/local_file.txt": SourceFormat.PDQ_LINES,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_by_content_under_any_name(name: str, tmp_path: Path) -> None:
    assert recognise(FIXTURES / name) is FORMATS[name]
    if (FIXTURES / name).is_file():
        (tmp_path / "source").write_bytes((FIXTURES / name).read_bytes())
        assert recognise(tmp_path / "source") is FORMATS[name]


def test_a_name_alone_makes_no_export(tmp_path: Path) -> None:
    (tmp_path / "outbox.json").write_text('{"item_id": "1", "caption": "\\"orderedItems\\": ["}')
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "posts_1.json").write_text('[{"title": "a list of something else"}]')
    assert recognise(tmp_path) is SourceFormat.DIRECTORY
    assert recognise(tmp_path / "outbox.json") is SourceFormat.JSONL


def test_one_file_of_an_instagram_export_names_the_way_out() -> None:
    with pytest.raises(InputError, match="name the folder of the export"):
        recognise(FIXTURES / "instagram/export/your_instagram_activity/content/posts_1.json")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_progress_never_goes_back_nor_beyond_the_end(name: str) -> None:
    places = [row.position for row in rows(name)]
    assert places == sorted(places)
    assert places[-1] <= source_size(FIXTURES / name, FORMATS[name])


# -- Instagram ----------------------------------------------------------------------------------------------


def test_an_instagram_export_gives_posts_stories_and_reels_with_repaired_text() -> None:
    single, carousel, story, reel = items("instagram/export")
    assert single.caption == "Früh am Hafen von Pärnu 🌊"
    assert single.handle == "käthe.by.the.sea"
    assert single.item_id == "käthe.by.the.sea/media/posts/202405/448100001_n_1.jpg"
    assert str(single.published_at) == "2024-05-01 11:00:00+00:00"
    assert single.media[0].path == str(FIXTURES / "instagram/export/media/posts/202405/448100001_n_1.jpg")
    assert single.visibility[0].assumed
    assert (carousel.caption, len(carousel.media)) == ("Zwei Boote, ein Sturm – naïve café", 2)
    assert (story.caption, str(story.expires_at)) == (None, "2024-05-03 11:40:00+00:00")
    assert reel.caption == "A reel's cover"


def test_archived_posts_and_posts_of_a_private_account_are_refused_unless_admitted(tmp_path: Path) -> None:
    ((line, reason),) = refused("instagram/export")
    assert line == 3
    assert "never public (private)" in reason
    assert len(items("instagram/export", admit={Visibility.PRIVATE})) == 5
    (tmp_path / "content").mkdir()
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    (tmp_path / "content" / "posts_1.json").write_text('[{"media": [{"uri": "a.png"}]}]')
    (tmp_path / "personal_information").mkdir()
    profile = {"profile_user": [{"string_map_data": {"Private Account": {"value": "True"}}}]}
    (tmp_path / "personal_information" / "personal_information.json").write_text(json.dumps(profile))
    (row,) = read_source(tmp_path, recognise(tmp_path))
    assert isinstance(row, RefusedRow)
    assert "never public (followers)" in row.reason


def test_bad_posts_of_an_instagram_export_are_refused_by_line_and_path() -> None:
    found = refused("instagram/broken")
    assert [item.caption for item in items("instagram/broken")] == ["good"]
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7]
    for (_, reason), expected in zip(
        found,
        ["no such file", "leads out of", "without files", "media[0].uri", "malformed", "the file ends"],
        strict=True,
    ):
        assert expected in reason
    assert all(
        f"`$[{number}]`" in reason for number, (_, reason) in zip((0, 1, 2, 3, 4, 6), found, strict=True)
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_repair_undoes_the_wrong_decoding_of_any_text(text: str) -> None:
    assert repaired(text.encode().decode("latin-1")) == text


@given(st.text(st.characters(min_codepoint=0x100, exclude_categories=["Cs"]), min_size=1))
def test_repair_leaves_text_that_was_decoded_rightly(text: str) -> None:
    assert repaired(text) == text
    assert repaired("Früh am Hafen") == "Früh am Hafen"


def test_the_newer_folder_has_posts_without_a_number_and_drafts_that_stay_out() -> None:
    first, second = items("instagram/export_2025")
    assert (first.caption, first.item_id) == (
        "Grüße vom Hafen 🌊",
        "kaethe/media/posts/202505/500000001.jpg",
    )
    assert (second.caption, str(second.published_at)) == (
        "Déjà vu – and 🌊 as it is",
        "2025-05-02 12:00:00+00:00",
    )
    ((_, reason),) = refused("instagram/export_2025")
    assert "never public (private)" in reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PrÃ³xima parada 🌊", "Próxima parada 🌊"),
        ("ð\x9f\x8c\x8a and 🌊", "🌊 and 🌊"),
        ("cut within a sign: cafÃ© Ã", "cut within a sign: café Ã"),
        ("Å\x9fehir – right", "şehir – right"),
        ("«CAFÉ» – right", "«CAFÉ» – right"),
        ("weiß» → right", "weiß» → right"),
        ("naïve café, ½ price", "naïve café, ½ price"),
        ("ÃÂ no sign follows —", "ÃÂ no sign follows —"),
    ],
)
def test_repair_of_mixed_and_right_text(text: str, expected: str) -> None:
    assert repaired(text) == expected


@pytest.mark.parametrize("mark", ["your_instagram_activity", "personal_information"])
def test_an_export_in_html_is_refused_and_its_messages_pictures_stay_out(tmp_path: Path, mark: str) -> None:
    photos = tmp_path / "export" / mark / "messages" / "inbox" / "friend" / "photos"
    photos.mkdir(parents=True)
    (photos / "a.jpg").write_bytes(b"\xff\xd8\xff" + bytes(60))
    (tmp_path / "export" / mark / "posts_1.html").write_text("<html></html>")
    with pytest.raises(InputError, match="in JSON, not HTML"):
        recognise(tmp_path / "export")


def test_an_older_export_is_refused_and_its_messages_pictures_stay_out(tmp_path: Path) -> None:
    (tmp_path / "direct").mkdir()
    (tmp_path / "direct" / "a.jpg").write_bytes(b"\xff\xd8\xff" + bytes(60))
    (tmp_path / "media.json").write_text(
        '{"direct": [{"taken_at": "2018-01-01T00:00:00", "path": "direct/a.jpg"}]}'
    )
    assert recognise(tmp_path) is SourceFormat.DIRECTORY
    (tmp_path / "messages.json").write_text("[]")
    with pytest.raises(InputError, match="looks like an export of Instagram"):
        recognise(tmp_path)


# -- Mastodon and Pixelfed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mastodon/archive", "mastodon/archive/outbox.json"])
def test_a_mastodon_archive_gives_public_and_unlisted_posts(name: str) -> None:
    first, second = items(name)
    assert first.caption == "Early at the harbour\nof Pärnu\n\n#sea"
    assert (first.handle, first.hashtags, first.lang) == ("kaethe", ("sea",), "en")
    assert first.permalink == "https://social.example/@kaethe/1"
    (medium,) = first.media
    expected = FIXTURES / "mastodon/archive/media_attachments/files/112/000/001/original/a1.jpg"
    assert (medium.path, medium.width, medium.kind) == (str(expected), 160, MediaKind.IMAGE)
    assert [item.visibility[0].visibility for item in (first, second)] == [Visibility.PUBLIC] * 2
    assert second.caption == "Unlisted words"
    assert skipped(name) == [(2, "2 passed over: Announce, a post of somebody else's")]


def test_posts_for_followers_and_direct_ones_are_refused_unless_admitted() -> None:
    reasons = [reason for _, reason in refused("mastodon/archive")]
    assert ["(followers)" in reasons[0], "(private)" in reasons[1], len(reasons)] == [True, True, 2]
    assert len(items("mastodon/archive", admit={Visibility.FOLLOWERS})) == 3
    reasons = [reason for _, reason in refused("pixelfed/statuses.json")]
    assert ["(followers)" in reasons[0], "(private)" in reasons[1], len(reasons)] == [True, True, 2]


def test_bad_posts_of_an_outbox_are_refused_by_line_and_path() -> None:
    assert [item.caption for item in items("mastodon/broken")] == ["good"]
    found = refused("mastodon/broken")
    for (line, reason), expected in zip(
        found, ["is no time", "leads out", "needs a caption", "the file ends"], strict=True
    ):
        assert expected in reason
        assert line is not None
        assert line > 1
        assert "`$.orderedItems[" in reason


def test_pixelfed_statuses_find_their_files_below_media_and_else_keep_the_url() -> None:
    first, second = items("pixelfed/statuses.json", media=FIXTURES / "pixelfed/media")
    assert (first.item_id, first.account_id, first.handle) == ("1", "77", "kaethe")
    assert first.caption == "Post 1 & its sea"
    assert first.media[0].path == str(FIXTURES / "pixelfed/media/m/_v2/77/a1.jpg")
    assert second.media == ()
    (bare, _) = items("pixelfed/statuses.json")
    assert (bare.media[0].path, bare.media[0].url) == (None, "https://pix.example/storage/m/_v2/77/a1.jpg")
    assert skipped("pixelfed/statuses.json")[0][0] == 1


def test_pixelfed_statuses_come_in_pages_as_its_exporter_writes_them() -> None:
    first, second, third = items("pixelfed/pixelfed-statuses.json", media=FIXTURES / "pixelfed/media")
    assert [item.item_id for item in (first, second, third)] == ["1", "2", "7"]
    assert first.media[0].path == str(FIXTURES / "pixelfed/media/m/_v2/77/a1.jpg")
    assert (third.account_id, third.media) == (None, ())
    found = refused("pixelfed/pixelfed-statuses.json")
    assert ["(followers)" in found[0][1], "(private)" in found[1][1], "(private)" in found[2][1]] == [
        True
    ] * 3
    assert [line for line, _ in found] == sorted(line for line, _ in found if line)


def test_pixelfed_statuses_under_data_are_those_of_the_bare_list(tmp_path: Path) -> None:
    bare = json.loads((FIXTURES / "pixelfed/statuses.json").read_text("utf-8"))
    (tmp_path / "s.json").write_text(json.dumps({"data": bare, "meta": {"data": [1]}}))
    (tmp_path / "p.json").write_text(
        json.dumps([{"data": bare[:1]}, {"data": []}, {"x": [1], "data": bare[1:]}])
    )
    expected = items("pixelfed/statuses.json")
    for name in ("s.json", "p.json"):
        found = list(read_source(tmp_path / name, recognise(tmp_path / name)))
        assert [row.item for row in found if isinstance(row, SourceRow)][: len(expected)] == expected
    (tmp_path / "b.json").write_text(
        json.dumps([{"data": bare[:1]}, {"data": [{**bare[0], "visibility": "x"}]}])
    )
    (bad,) = (r for r in read_source(tmp_path / "b.json", SourceFormat.PIXELFED) if isinstance(r, RefusedRow))
    assert "x" in bad.reason
    assert "`$[1].data[0]`" in bad.reason


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/bucket/media_attachments/files/1/a.png", "media_attachments/files/1/a.png"),
        ("media_attachments/files/1/a.png", "media_attachments/files/1/a.png"),
        ("media/a.png", "media/a.png"),
        ([{"type": "Link", "href": "media/a.png", "mediaType": "image/png"}], "media/a.png"),
    ],
    ids=["in a bucket", "now", "first releases", "list of links"],
)
def test_files_of_an_archive_are_found_as_every_release_names_them(
    tmp_path: Path, url: object, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    note = {"id": "1", "type": "Note", "to": "as:Public"}
    note["attachment"] = {"type": "Document", "mediaType": "image/png", "url": url}
    told = {"type": "OrderedCollection", "orderedItems": [{"type": "Create", "object": note}]}
    (tmp_path / "outbox.json").write_text(json.dumps(told))
    (row,) = read_source(tmp_path, recognise(tmp_path))
    assert isinstance(row, SourceRow)
    assert row.item.media[0].path == str(tmp_path / name)


def test_bad_statuses_are_refused_one_by_one() -> None:
    assert [item.item_id for item in items("pixelfed/broken.json")] == ["1"]
    reasons = [reason for _, reason in refused("pixelfed/broken.json")]
    expected = ["'friends' is not known", "`visibility`", "no time", "neither a caption nor a file", "`$[5]`"]
    assert [part in reason for part, reason in zip(expected, reasons, strict=True)] == [True] * 5


# -- WordPress ----------------------------------------------------------------------------------------------


def test_a_wordpress_export_gives_what_was_published() -> None:
    attachment, post, page = items("wordpress/export.xml", media=FIXTURES / "wordpress/uploads")
    assert (attachment.item_id, attachment.caption) == ("11", "Boats at dawn")
    assert attachment.media[0].path == str(FIXTURES / "wordpress/uploads/2024/05/a1.jpg")
    assert attachment.media[0].url == "https://blog.example/wp-content/uploads/2024/05/a1.jpg"
    assert post.caption == "Title 20\n\nEarly at the harbour\n\nBoats"
    assert (post.hashtags, post.handle, str(post.published_at)) == (
        ("sea",),
        "kaethe",
        "2024-05-01 12:00:00+00:00",
    )
    assert page.permalink == "https://blog.example/?p=22"


def test_what_wordpress_never_published_is_refused_with_its_attachments() -> None:
    found = dict(refused("wordpress/export.xml", media=FIXTURES / "wordpress/uploads"))
    assert list(found) == [6, 7, 9, 11, 12]
    assert found[6] == "attachment 12 is not published (status draft)"
    assert "neither a picture nor a video" in found[7]
    assert found[9] == "post 21 is not published (status draft)"
    assert "item 23 was never public (private)" in found[11]
    assert "item 24 was never public (private)" in found[12]
    assert skipped("wordpress/export.xml")[0][1].startswith("1 passed over: nav_menu_item")


def test_an_attachment_of_a_post_that_is_not_there_counts_as_private(tmp_path: Path) -> None:
    text = (FIXTURES / "wordpress/export.xml").read_text("utf-8")
    path = tmp_path / "cut.xml"
    path.write_text(text[: text.index("<item><title><![CDATA[Title 20]]>")], "utf-8")
    reasons = [row.reason for row in read_source(path, recognise(path)) if isinstance(row, RefusedRow)]
    assert "item 11 was never public (private)" in reasons[0]
    assert "no well-formed XML" in reasons[-1]


def test_entities_are_refused_before_one_is_expanded() -> None:
    assert items("wordpress/entities.xml") == []
    ((line, reason),) = refused("wordpress/entities.xml")
    assert line == 3
    assert "document type declaration" in reason


def test_a_broken_export_gives_what_stands_before_the_break() -> None:
    assert [item.caption for item in items("wordpress/broken.xml")] == ["Title 1\n\ngood"]
    (bad_time, cut) = refused("wordpress/broken.xml")
    assert bad_time == (6, "'noon' is no time")
    assert "the rest is not read" in cut[1]


# -- feeds and sitemaps -------------------------------------------------------------------------------------


def test_rss_entries_become_captions_and_their_media_urls_are_kept() -> None:
    first, second = items("feed/rss.xml")
    assert (first.item_id, first.permalink, first.handle) == ("k-1", "https://k.example/1", "kaethe")
    assert first.caption == "Boats & lamps\n\nEarly at the harbour"
    assert [(medium.url, str(medium.kind), medium.path) for medium in first.media] == [
        ("https://cdn.example/1.jpg", "image", None),
        ("https://cdn.example/1.mp4", "video", None),
    ]
    assert str(first.published_at) == "2024-05-01 12:00:00+00:00"
    assert (second.item_id, second.caption) == ("https://k.example/2", "No guid")


def test_atom_entries_keep_plain_signs_and_read_xhtml() -> None:
    (entry,) = items("feed/atom.xml")
    assert (entry.item_id, entry.caption) == ("urn:k:1", "1 < 2 boats\n\nEarly\nand late")
    assert (str(entry.edited_at), entry.handle) == ("2024-05-02 12:00:00+00:00", "kaethe")
    assert entry.media[0].url == "https://cdn.example/1.png"


def test_bad_entries_of_a_feed_are_refused_by_line() -> None:
    assert [item.item_id for item in items("feed/broken.xml")] == ["g"]
    found = dict(refused("feed/broken.xml"))
    assert list(found) == [3, 4, 5, 6]
    for line, expected in {
        3: "`item_id`",
        4: "'soon'",
        5: "needs a caption",
        6: "no well-formed XML",
    }.items():
        assert expected in found[line]


def test_a_sitemap_gives_news_titles_and_captions() -> None:
    news, picture = items("sitemap/sitemap.xml")
    assert (news.item_id, news.caption, news.lang) == ("https://n.example/a", "Boats came home", "en")
    assert str(news.published_at) == "2024-05-01 12:00:00+00:00"
    assert (picture.caption, picture.media[0].url) == ("Dawn\n\nBoats at dawn", "https://cdn.example/b.jpg")
    assert skipped("sitemap/sitemap.xml") == [(1, "1 passed over: an address without caption or title")]


def test_bad_addresses_of_a_sitemap_are_refused_and_a_bare_date_is_no_time(tmp_path: Path) -> None:
    (good,) = items("sitemap/broken.xml")
    assert (good.item_id, good.published_at) == ("https://n.example/g", None)
    assert [line for line, _ in refused("sitemap/broken.xml")] == [2, 3, 5]
    path = tmp_path / "sitemaps.xml"
    path.write_text("<sitemapindex><sitemap><loc>https://n.example/s.xml</loc></sitemap></sitemapindex>")
    (row,) = read_source(path, recognise(path))
    assert isinstance(row, RefusedRow)
    assert "https://n.example/s.xml is another sitemap" in row.reason


# -- hashes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pdq/table.csv", "pdq/bare.csv", "pdq/local_file.txt"])
def test_hash_lists_give_items_known_by_their_hash(name: str) -> None:
    first, second = items(name)
    assert first.media[0].hashes[0][1] == "5a" * 32
    assert second.media[0].hashes[0][1] == "3c" * 32
    assert refused(name) == []


def test_bare_hashes_are_read_only_if_their_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("5a" * 32 + "\npdq\t" + "3C" * 32 + "\nnot one\n")
    with path.open("a") as file:
        file.write("5a" * 31)
    assert recognise(path) is SourceFormat.PDQ_LINES
    first, second, *bad = read_source(path, SourceFormat.PDQ_LINES)
    assert isinstance(first, SourceRow)
    assert isinstance(second, SourceRow)
    assert [row.line for row in bad] == [3, 4]
    path.write_text("5a" * 32 + "\n")
    with pytest.raises(InputError, match="none of the formats"):
        recognise(path)


def test_bad_hashes_are_refused_by_line() -> None:
    assert [item.item_id for item in items("pdq/broken.csv")] == ["good.jpg"]
    assert [line for line, _ in refused("pdq/broken.csv")] == [2, 3, 4, 6]
    assert "quality 31 is under 50" in refused("pdq/broken.csv")[0][1]
    assert len(items("pdq/broken.txt")) == 2
    assert [line for line, _ in refused("pdq/broken.txt")] == [2, 3, 6]


# -- whole imports ------------------------------------------------------------------------------------------

COUNTS = {  # source: media, items, pictures, hash only, captions, refused
    "instagram/export": (None, 4, 5, 0, 3, 1),
    "instagram/export_2025": (None, 2, 2, 0, 2, 1),
    "mastodon/archive": (None, 2, 1, 0, 2, 2),
    "pixelfed/statuses.json": ("pixelfed/media", 2, 1, 0, 2, 2),
    "pixelfed/pixelfed-statuses.json": ("pixelfed/media", 3, 1, 0, 3, 3),
    "wordpress/export.xml": ("wordpress/uploads", 3, 1, 0, 3, 5),
    "feed/rss.xml": (None, 2, 0, 0, 2, 0),
    "sitemap/sitemap.xml": (None, 2, 0, 0, 2, 0),
    "pdq/table.csv": (None, 2, 0, 2, 0, 0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_an_import_counts_twice_the_same_and_is_sound(name: str, tmp_path: Path) -> None:
    media, *expected = COUNTS[name]
    folder = FIXTURES / media if media else None
    add_sources(tmp_path / "index", [FIXTURES / name], media=folder, workers=1)
    stats = index_stats(tmp_path / "index")
    assert [stats.items, stats.pictures, stats.hash_only, stats.captions, stats.refused] == expected
    assert stats.digest_only == 0
    again = add_sources(tmp_path / "index", [FIXTURES / name], media=folder, workers=1)
    assert (again.added, again.updated, again.unchanged) == (0, 0, stats.items)
    assert verify_index(tmp_path / "index").faults == ()


def stored(index: Path) -> dict[str, Item]:
    with IndexStore.open(index) as store:
        return {item_id: item for item_id in store.item_ids() if (item := store.item(item_id)) is not None}


def views_of(index: Path) -> dict[str, list[bytes]]:
    with IndexStore.open(index) as store:
        rows = store.db.execute(
            "SELECT item_id, bits FROM hashes JOIN media USING (media_id) ORDER BY item_id, position"
        ).fetchall()
    return {item_id: [bits for name, bits in rows if name == item_id] for item_id, _ in rows}


@pytest.mark.parametrize("name", COUNTS)
def test_what_a_source_says_is_in_the_index_and_its_pictures_go_round_as_hashes(
    name: str, tmp_path: Path
) -> None:
    media, index, other = COUNTS[name][0], tmp_path / "index", tmp_path / "other"
    folder = FIXTURES / media if media else None
    add_sources(index, [FIXTURES / name], media=folder, workers=1)
    expected = {item.item_id: item for item in items(name, media=folder)}
    found = stored(index)
    assert set(found) == set(expected)
    for item_id, item in found.items():
        whole = replace(expected[item_id], first_indexed_at=item.first_indexed_at)
        assert replace(item, media=()) == replace(whole, media=())
        assert [(m.path, m.url, m.kind) for m in item.media] == [(m.path, m.url, m.kind) for m in whole.media]
    export_hashes(index, tmp_path / "hashes.jsonl")
    done = add_sources(other, [tmp_path / "hashes.jsonl"], workers=1)
    assert done.refused == 0
    assert views_of(other) == views_of(index)
    again = stored(other)
    assert set(views_of(index)) <= set(again)
    for item_id, item in again.items():
        assert (item.visibility[0].visibility, item.caption) == (
            found[item_id].visibility[0].visibility,
            None,
        )


FLAGGED = [
    {"item_id": "minor", "caption": "c", "minor": True, "canary": False},
    {"item_id": "canary", "caption": "c", "minor": False, "canary": True},
    {"item_id": "neither", "caption": "c", "minor": False, "canary": False},
]


@pytest.mark.parametrize("written", ["jsonl", "csv", "parquet"])
def test_minors_and_canaries_stay_so_from_any_source_and_through_a_handover(
    written: str, tmp_path: Path
) -> None:
    told = [row | {"media_pdq": f"{number}a" * 32} for number, row in enumerate(FLAGGED, 1)]
    source = tmp_path / "source"
    if written == "csv":
        with source.open("w", newline="") as file:
            table = csv.DictWriter(file, list(told[0]))
            table.writeheader()
            table.writerows(told)
    elif written == "parquet":
        pq.write_table(pa.Table.from_pylist(told), source)
    else:
        lines = [row | {"media": [{"pdq": row.pop("media_pdq")}]} for row in told]
        source.write_text("\n".join(map(json.dumps, lines)))
    assert recognise(source) == written
    add_sources(tmp_path / "index", [source], workers=1)
    export_hashes(tmp_path / "index", tmp_path / "hashes.jsonl")
    add_sources(tmp_path / "other", [tmp_path / "hashes.jsonl"], workers=1)
    for index in ("index", "other"):
        flags = {name: (item.minor, item.canary) for name, item in stored(tmp_path / index).items()}
        assert flags == {"minor": (True, False), "canary": (False, True), "neither": (False, False)}


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_an_id_that_comes_again_in_another_file_is_refused_with_its_first_place(
    name: str, tmp_path: Path
) -> None:
    media = COUNTS[name][0]
    source, copy = FIXTURES / name, tmp_path / "copy"
    shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    folder = FIXTURES / media if media else None
    done = add_sources(tmp_path / "index", [source, copy], media=folder, workers=1)
    again = [one.reason for one in done.refusals if "was already given by" in one.reason]
    assert (done.added, len(again)) == (COUNTS[name][1], COUNTS[name][1])


def test_a_zip_is_told_to_be_unpacked_whatever_is_in_it(tmp_path: Path) -> None:
    for name in ("instagram/export", "mastodon/archive"):
        path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", FIXTURES / name))
        with pytest.raises(InputError, match="is compressed: unpack it first"):
            recognise(path)
        with pytest.raises(InputError, match="not a source of format instagram"):
            check_source(path, SourceFormat.INSTAGRAM)


def test_media_is_for_formats_that_name_files_they_do_not_hold(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--media is for mastodon, pixelfed, wordpress"):
        check_source(FIXTURES / "feed/rss.xml", SourceFormat.FEED, media=tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        check_source(FIXTURES / "pixelfed/statuses.json", SourceFormat.PIXELFED, media=tmp_path / "none")
    with pytest.raises(InputError, match="not a source of format instagram"):
        check_source(FIXTURES / "feed/rss.xml", SourceFormat.INSTAGRAM)


# -- the parts ----------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(values), st.sampled_from([None, 1]), st.integers(1, 40))
def test_an_array_is_cut_into_what_it_was_made_of_wherever_reads_end(
    tmp_path_factory: pytest.TempPathFactory, array: list[object], indent: int | None, size: int
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "_CHUNK_BYTES", size)
        for whole, keys in (
            (array, ()),
            ({"x": [[1]], "y": "wanted", "wanted": array, "z": {}}, ("wanted",)),
        ):
            path.write_text(json.dumps(whole, indent=indent))
            found = list(json_array.elements(path, keys))
            assert [json.loads(element.data) for element in found] == array
            lines = path.read_bytes().split(b"\n")
            for element in found:
                assert lines[element.line - 1].strip().find(element.data.split(b"\n")[0]) >= 0


def test_an_element_too_long_is_refused_by_its_line_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "MAX_ELEMENT_BYTES", 50)
    path = tmp_path / "a.json"
    path.write_text('[\n1,\n"' + "x" * 100 + '",\n2]')
    first, long, last = json_array.elements(path)
    assert isinstance(long, RefusedRow)
    assert (first.data, long.line, last.data, last.line) == (b"1", 2, b"2", 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r>" * 300, "nested more than"),
        ("<r><item>" + "x" * 300_000, "one record of more"),
        ("<r a='" + "x" * 300_000, "one tag"),
    ],
    ids=["deep", "long record", "long tag"],
)
def test_xml_that_never_ends_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.setattr(xml_records, "MAX_RECORD_CHARACTERS", 100_000)
    (tmp_path / "a.xml").write_text(text)
    (row,) = xml_records.records(tmp_path / "a.xml", {"item"})
    assert isinstance(row, RefusedRow)
    assert expected in row.reason


def test_paths_of_an_export_stay_in_it(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    assert below(tmp_path / "root", "/a/../b.jpg") == str(tmp_path / "root" / "b.jpg")
    for address in ("../x", "/../x", "link/x", "a\0b"):
        with pytest.raises(InputError):
            below(tmp_path / "root", address)


def test_words_and_times() -> None:
    assert html_text("a<script>b</script> &amp; <p>c<br/>d</p>") == "a & \n\nc\nd".replace(" \n", "\n")
    assert html_text(" plain ") == "plain"
    assert caption_of(None, " a ", "", "a", "b") == "a\n\nb"
    assert caption_of("", None) is None
    assert time_of("2024-05-01") is None
    assert str(time_of("Wed, 01 May 2024 12:00:00 -0000")) == "2024-05-01 12:00:00+00:00"
    with pytest.raises(InputError, match="no time"):
        time_of("noon")


HOSTILE = {
    "id that is a list": {"id": ["x"]},
    "time before the first year": {"published": "0001-01-01T00:00:00+14:00"},
    "time of five digits": {"published": "1 Jan 99999 00:00:00"},
    "address that is none": {
        "attachment": [{"type": "Image", "mediaType": "image/png", "url": "//[x/a.png"}]
    },
    "name too long": {"attachment": [{"type": "Image", "mediaType": "image/png", "url": "/" + "x" * 5000}]},
    "attachment that is text": {"attachment": ["x"]},
    "content that is a list": {"content": ["x"]},
    "width that is text": {"attachment": [{"mediaType": "image/png", "url": "https://x/a", "width": "x"}]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_post_falls_alone(name: str, tmp_path: Path) -> None:
    post = {"id": "1", "type": "Note", "content": "c", "to": "as:Public"}
    told = [
        {"type": "Create", "object": post | HOSTILE[name]},
        {"type": "Create", "object": post | {"id": "2"}},
    ]
    (tmp_path / "outbox.json").write_text(json.dumps({"type": "OrderedCollection", "orderedItems": told}))
    bad, good = read_source(tmp_path, recognise(tmp_path))
    assert isinstance(bad, RefusedRow)
    assert isinstance(good, SourceRow)
    assert "$.orderedItems[0]" in bad.reason


def test_a_url_too_long_for_a_file_is_refused(tmp_path: Path) -> None:
    status = {
        "id": 1,
        "visibility": "public",
        "content": "c",
        "media_attachments": [{"url": "https://x/storage/" + "x" * 5000, "type": "image"}],
    }
    (tmp_path / "s.json").write_text(json.dumps([status]))
    (row,) = read_source(tmp_path / "s.json", recognise(tmp_path / "s.json"), media=tmp_path)
    assert isinstance(row, RefusedRow)


DEEP = "[" * 200_000 + "]" * 200_000
NESTED = {
    "mastodon": (
        '{"type": "OrderedCollection", "orderedItems": [{"type": "Create", "x": %s}, '
        '{"type": "Create", "object": {"id": "2", "type": "Note", "content": "c", "to": "as:Public"}}]}'
    ),
    "pixelfed": (
        '[{"id": 1, "visibility": "public", "media_attachments": [], "x": %s}, '
        '{"id": 2, "visibility": "public", "content": "c", "media_attachments": []}]'
    ),
    "jsonl": '{"item_id": "1", "caption": "c", "visibility": %s}\n{"item_id": "2", "caption": "c"}\n',
    "hashes": '{"schema":"clonedetect.hashes/1","x":%s}\n',
}


@pytest.mark.parametrize("name", NESTED)
def test_json_nested_without_end_falls_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_text(NESTED[name] % DEEP)
    bad, *good = read_source(tmp_path / "source", SourceFormat(name))
    assert isinstance(bad, RefusedRow)
    assert [row.item.item_id for row in good if isinstance(row, SourceRow)] == (
        [] if name == "hashes" else ["2"]
    )


def test_a_profile_nested_without_end_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "actor.json").write_text(DEEP)
    note = {"id": "1", "type": "Note", "content": "c", "to": "as:Public"}
    told = {"type": "OrderedCollection", "orderedItems": [{"type": "Create", "object": note}]}
    (tmp_path / "outbox.json").write_text(json.dumps(told))
    (row,) = read_source(tmp_path, recognise(tmp_path))
    assert isinstance(row, SourceRow)
    assert row.item.handle is None


@pytest.mark.parametrize("name", [*FORMATS, "instagram/broken"])
def test_no_cut_of_an_export_ends_an_import_with_an_error(name: str, tmp_path: Path) -> None:
    """Each fixture cut at many places, and with NULs or stray bytes within, gives rows and refusals only."""
    source = FIXTURES / name
    if source.is_dir():
        source = next(
            path
            for path in sorted(source.rglob("*.json"))
            if path.name in {"posts_1.json", "posts.json", "outbox.json"}
        )
    data = source.read_bytes()
    folder = tmp_path / "your_instagram_activity" / "content"
    folder.mkdir(parents=True)
    for number in range(24):
        at = len(data) * number // 24
        for damage in (data[:at], data[:at] + b"\0" + data[at:], data[:at] + b"\xff\xc3(" + data[at + 2 :]):
            target = (
                folder / "posts_1.json"
                if FORMATS[name] is SourceFormat.INSTAGRAM
                else tmp_path / "outbox.json"
            )
            target.write_bytes(damage)
            path = tmp_path if FORMATS[name] is SourceFormat.INSTAGRAM else target
            for row in read_source(path, FORMATS[name]):
                assert isinstance(row, SourceRow | RefusedRow | SkippedRow)
                if isinstance(row, RefusedRow):
                    assert row.reason


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("/media_attachments/files/110/995/026/771/980/345/original/0a1b.jpg", "110995026771980345"),
        ("https://files.social.example/cache/media_attachments/files/112/000/001/small/a1.jpg", "112000001"),
        ("media/posts/202405/363312345_17841400000001001_512_n.jpg", "17841400000001001"),
        ("media/posts/202405/17895695668004550.jpg", "17895695668004550"),
        ("media/posts/202405/448100001_n_1.jpg", None),
        ("media/2024/05/11/photo.jpg", None),
        ("photo_20240511_101500.jpg", None),
    ],
)
def test_the_platforms_number_of_a_file_is_read_out_of_its_address(address: str, number: str | None) -> None:
    assert asset_in(address) == number


def test_an_archive_keeps_the_numbers_of_its_files() -> None:
    first, *_ = items("mastodon/archive")
    assert [media.asset_id for media in first.media] == ["112000001"]
