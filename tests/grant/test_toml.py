"""Strict tables: lines of every key, however TOML spells it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import InputError
from clonedetect.toml import load_toml, toml_value
from clonedetect.toml_lines import line_numbers


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("\n\n# c = 1\n  a=1", ("a",), 4),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), 4),
        ("a = '''\nb = 1\n'''\nb = 2", ("b",), 4),
        ('a = """x\\"""\nb = 1 """\nb = 2', ("b",), 3),
        ('a = """x"""""\nb = 2', ("b",), 2),
        ("a = [ # ]\n 1,\n '[',\n]\nb = 2", ("b",), 5),
        ("[t]\na = 1\n[t.u]\nb = 2", ("t", "u", "b"), 4),
        ("[ t . 'u.v' ]\nb = 2", ("t", "u.v", "b"), 2),
        ('[t]\n"x\\ty" . z = 1', ("t", "x\ty", "z"), 2),
        ("[[t]]\na = 1\n[[t]]\na = 2", ("t", 1, "a"), 4),
        ("[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\nb = 1", ("t", 1, "u", 1, "b"), 6),
        ("[[t]]\n[t.u]\nb = 1", ("t", 0, "u", "b"), 3),
        ("a.b.c = 1\na.d = 2", ("a", "d"), 2),
        ("a = { b = 1, c = '}' }\nd = 1", ("d",), 2),
        ("a = 2026-01-01T00:00:00Z # b = 1\nb = 1", ("b",), 2),
        ("a = '#' # '\nb = 1", ("b",), 2),
    ],
)
def test_a_key_is_found_on_its_line(text: str, path: tuple[str | int, ...], line: int) -> None:
    value: Any = tomllib.loads(text)
    for part in path:
        value = value[part]
    assert line_numbers(text)[path] == line


keys = st.text("abcé .\"'=#[]{}\\", min_size=1, max_size=5)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False) | texts
values = scalars | st.lists(texts, max_size=3).map(tuple)


@given(table=st.dictionaries(keys, values, max_size=6))
def test_what_is_written_reads_back_and_stands_on_its_line(table: dict[str, Any]) -> None:
    text = "".join(f"{toml_value(key)} = {toml_value(value)}\n" for key, value in table.items())
    read = tomllib.loads(text)
    assert {key: tuple(value) if isinstance(value, list) else value for key, value in read.items()} == table
    lines = line_numbers(text)
    assert [lines[(key,)] for key in table] == list(range(1, len(table) + 1))


def test_there_is_no_toml_for_other_values() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml_value(None)


@given(text=st.text("ab=[]{}\"'#\n.,1 \\", max_size=60) | st.binary(max_size=40))
def test_any_bytes_give_a_table_or_one_error_with_a_line(text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    try:
        load_toml(data, name="f", error=InputError, known=("a", "b", "ab", "1"))
    except InputError as error:
        name, line, _ = str(error).split(":", 2)
        assert name == "f"
        assert 1 <= int(line) <= data.count(b"\n") + 1


def test_an_unknown_key_without_likeness_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"f:2: zzz: unknown key; known here: alpha, beta"):
        load_toml(b"\nzzz = 1", name="f", error=InputError, known=("alpha", "beta"))
