"""Small runs over photographs that come with packages: what is asked, hidden, counted, and shown."""

import re

import pytest
from msgspec.structs import replace

from accuracy import calibrate, scenes, split
from accuracy.bench import Bench, build_indexes
from accuracy.gallery import FALSE, MISSED, write_gallery, wrong_cases
from accuracy.records import BACKGROUND, COPY, RECALL, STRANGER, TEMPLATE, Others, Seen, Task
from accuracy.split import Part, name_of, part_of, read_pictures


def _named(part: Part, start: str) -> str:
    """Return a file name of a part: what is done with a picture hangs on its name alone."""
    return next(f"{start}{n}.jpg" for n in range(1000) if part_of(f"{start}{n}.jpg") is part)


@pytest.fixture(scope="module")
def bench(tmp_path_factory, photographs):
    base = tmp_path_factory.mktemp("bench")
    originals = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png")
    (base / "originals").mkdir()
    (base / "distractors").mkdir()
    for name in originals:
        (base / "originals" / _named(Part.TABLE, name[:4])).write_bytes(photographs[name])
    for number, name in enumerate(("brick.png", "gravel.png", "grass.png", "ihc.png")):
        part = Part.DEVELOPMENT if number < 3 else Part.TABLE
        (base / "distractors" / _named(part, name[:4])).write_bytes(photographs[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "DRAWN_FRAMES", ("meme-frame",))
        patch.setattr(scenes, "SLOTS", {"corner": (450, 450, 450, 450)})
        patch.setattr(split, "SEEN", 0)
        patch.setattr(scenes, "FRAMED", 2)
        patch.setattr(scenes, "COUNTS", (1, 2))
        patch.setattr(scenes, "SHARES", (25,))
        made = scenes.Scenes(read_pictures(base))
        build_indexes(base / "work", made)
        opened = Bench.open(base / "work", base)
        yield opened
        opened.close()


def test_a_copy_is_found_and_not_where_it_is_taken_out(bench) -> None:
    name = name_of(bench.scenes.pictures.originals[0])
    result = bench.measure(Task(RECALL, "jpeg-50", name))
    assert result.is_confirmed
    assert result.true is not None
    assert result.true.item == name
    assert result.hidden is not None
    assert result.hidden.confirmed == result.others.confirmed == ()
    assert result.pairs == len(bench.scenes.pictures.indexed) - 1
    own, nearest = result.peers["PDQ"]
    assert own <= 10 < nearest


def test_a_picture_asked_as_a_stranger_does_not_find_itself(bench) -> None:
    result = bench.measure(Task(STRANGER, "taken out", name_of(bench.scenes.pictures.distractors[0])))
    assert result.true is None
    assert result.others.confirmed == ()


def test_a_frame_shows_as_many_pictures_as_the_task_says(bench) -> None:
    tasks = bench.scenes.hardest_tasks()
    asked = [task for task in tasks if task.kind == TEMPLATE and task.group == "meme-frame"]
    assert {task.indexed: bench.measure(task).pairs for task in asked} == {1: 1, 2: 2}
    copy = next(task for task in tasks if task.kind == COPY)
    assert bench.measure(copy).is_confirmed


def test_another_object_is_another_picture_before_the_same_background(bench) -> None:
    tasks = [task for task in bench.scenes.hardest_tasks() if task.kind == BACKGROUND]
    assert {task.group for task in tasks} == {"25 %, same shape", "25 %, another shape"}
    queries = {bench.scenes.query(task) for task in tasks}
    assert len(queries) == len(tasks)
    assert bench.measure(tasks[0]).pairs == 1


def test_queries_are_the_same_whenever_they_are_made(bench) -> None:
    name = name_of(bench.scenes.pictures.originals[0])
    for task in (Task(RECALL, "collage-3x3", name), *bench.scenes.hardest_tasks()[:3]):
        assert bench.scenes.query(task) == bench.scenes.query(task)


def test_the_gallery_opens_every_wrong_verdict(bench, tmp_path) -> None:
    task = Task(RECALL, "jpeg-50", name_of(bench.scenes.pictures.originals[0]))
    other = name_of(bench.scenes.pictures.originals[1])
    right = bench.measure(task)
    wrong = replace(right, true=None, reasons=("a <reason>",), others=Others(1, (Seen(other, "confirmed"),)))
    assert wrong_cases([right]) == ()
    assert [case.kind for case in wrong_cases([wrong])] == [MISSED, FALSE]
    overview = write_gallery(tmp_path / "gallery", bench.scenes, [wrong], "run")
    (page,) = (path for path in overview.parent.glob("*.html") if path != overview)
    assert f'href="{page.name}#missed"' in overview.read_text("utf-8")
    text = page.read_text("utf-8")
    assert "a &lt;reason&gt;" in text
    pictures = re.findall(r'src="([^"]+)"', text)
    assert len(pictures) == 4
    assert all((overview.parent / picture).is_file() for picture in pictures)


def test_a_threshold_is_changed_for_a_while_only(bench) -> None:
    def state():
        constants = (getattr(module, name) for name, module in calibrate.CONSTANTS.items())
        return (bench.thresholds, *constants)

    shipped = state()
    assert {name for name, _ in calibrate.tried()} >= set(calibrate.CONSTANTS)
    for name, value in calibrate.tried()[1:]:
        with calibrate.setting(bench, name, value):
            assert state() != shipped
        assert state() == shipped


def test_stricter_thresholds_confirm_fewer(bench, monkeypatch) -> None:
    monkeypatch.setattr(calibrate, "VALUES", {"block_ncc": (0.9999,)})
    task = Task(RECALL, "jpeg-10", name_of(bench.scenes.pictures.originals[0]))
    shipped, strict = calibrate.moved(bench, (task,))
    assert (shipped.copies, shipped.confirmed) == (1, 1)
    assert (strict.copies, strict.confirmed) == (1, 0)
