import pytest

from accuracy import run
from accuracy.records import RECALL, Others, Result, ResultFile, Seen, Task
from accuracy.run import _is_asked, without_words


def _result(group: str, picture: str = "p") -> Result:
    return Result(
        Task(RECALL, group, picture),
        "confirmed",
        Others(3),
        9,
        1.5,
        20.25,
        true=Seen("p", "confirmed", "close copy"),
    )


TASKS = tuple(Task(RECALL, group, "p") for group in ("identity", "mirror", "grey"))


def test_what_is_kept_is_not_asked_again(tmp_path) -> None:
    path = tmp_path / "work" / "results.jsonl"
    with ResultFile(path) as kept:
        assert kept.left(TASKS) == TASKS
        kept.append(_result("identity"))
        kept.append(_result("grey"))
    with ResultFile(path) as again:
        assert again.left(TASKS) == (TASKS[1],)
        assert again.results[TASKS[0].key] == _result("identity")


@pytest.mark.parametrize("kept_bytes", [1, 40, -1], ids=["a byte", "a part", "all but the line's end"])
def test_a_torn_line_is_asked_again_and_the_rest_stays(tmp_path, kept_bytes) -> None:
    path = tmp_path / "results.jsonl"
    with ResultFile(path) as kept:
        kept.append(_result("identity"))
        whole = path.stat().st_size
        kept.append(_result("mirror"))
    data = path.read_bytes()
    path.write_bytes(data[:whole] + data[whole:][:kept_bytes])
    with ResultFile(path) as again:
        assert again.left(TASKS) == TASKS[1:]
        again.append(_result("mirror"))
    with ResultFile(path) as third:
        assert third.left(TASKS) == (TASKS[2],)


def test_a_smaller_run_is_part_of_a_larger_one() -> None:
    tasks = [Task(RECALL, str(number), "p") for number in range(2000)]
    small, large = ([task for task in tasks if _is_asked(task, share)] for share in (0.1, 0.5))
    assert set(small) < set(large)
    assert 150 < len(small) < 250
    assert all(_is_asked(task, 1.0) for task in tasks)


def test_every_task_is_handed_to_one_worker_beside_those_of_its_picture() -> None:
    tasks = tuple(
        Task(RECALL, str(number), picture) for picture in "ab" for number in range(run.TOGETHER + 5)
    )
    chunks = list(run._chunks(tasks))
    assert [task for chunk in chunks for task in chunk] == list(tasks)
    assert all(len(chunk) <= run.TOGETHER and len({t.picture for t in chunk}) == 1 for chunk in chunks)


def test_without_pictures_the_run_says_so_and_measures_nothing(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(run, "DATA", tmp_path)
    assert run.pictures_here() is None
    assert "skipped: benchmark data is not here" in capsys.readouterr().err


def test_words_make_no_other_run_and_code_does() -> None:
    source = (
        '"""About."""\nBOUND = 3\n"""Of what."""\ndef f(x):\n    """Say."""\n    return x + BOUND  # why\n'
    )
    told = without_words(source)
    other = source.replace("About", "Otherwise").replace("# why", "").replace("Say", "Tell")
    assert without_words(other) == told
    assert without_words(source.replace("BOUND = 3", "BOUND = 4")) != told
    assert without_words(source.replace("x + BOUND", "x - BOUND")) != told
