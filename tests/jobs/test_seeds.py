from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from clonedetect.errors import InputError
from clonedetect.jobs.seeds import read_seeds

URLS = ("http://a.example/x,y;z", "https://b.example/p/1/")


def _txt(path: Path) -> Path:
    path.write_text(f"# told by the hotline\n{URLS[0]}\n\n  {URLS[1]}  \n{URLS[0]}\n", encoding="utf-8-sig")
    return path


def _csv(path: Path) -> Path:
    path.write_text(f'site;url;note\na;"{URLS[0]}";first\nb;{URLS[1]};not a url: http\n', encoding="utf-8")
    return path


def _jsonl(path: Path) -> Path:
    path.write_text("".join(f'{{"url": "{url}", "seen": 1}}\n' for url in URLS), encoding="utf-8")
    return path


def _xlsx(path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["nr", "url"])
    for number, url in enumerate(URLS):
        sheet.append([number, url])
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("u.txt", _txt), ("u.csv", _csv), ("u.jsonl", _jsonl), ("u.xlsx", _xlsx)]
)
def test_urls_are_read_in_order_each_once(tmp_path: Path, name: str, write) -> None:
    assert read_seeds([f"@{write(tmp_path / name)}"]) == URLS


def test_arguments_and_files_mix(tmp_path: Path) -> None:
    listed = _txt(tmp_path / "u.txt")
    assert read_seeds([URLS[1], f"@{listed}"]) == (URLS[1], URLS[0])


@pytest.mark.parametrize(
    "content", [b"", b"nothing of use\n", b"\xff\xfe\x00h", b"PK\x03\x04 no workbook", b'{"u": 1}']
)
def test_a_list_without_urls_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"list\.txt"):
        read_seeds([f"@{path}"])


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_seeds([f"@{tmp_path / 'none.txt'}"])


@pytest.mark.parametrize(
    "line", ["not a url", "clone.example/without-scheme", "ftp://x.example/", '{"url": "ftp://x.example/"}']
)
def test_a_line_of_a_plain_list_that_is_no_url_is_refused_by_name_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "u3.txt"
    path.write_text(f"  # why\n{URLS[0]}\n  {line}\n{URLS[1]}\n")
    with pytest.raises(InputError) as refused:
        read_seeds([f"@{path}"])
    assert str(refused.value).startswith(f"{path}:3: not an absolute http(s) URL")


def test_a_table_with_a_cell_beyond_measure_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text(f"url\n{URLS[0]}\n" + "x" * 200_000)
    with pytest.raises(InputError, match=r"u\.csv, line 3"):
        read_seeds([f"@{path}"])


@pytest.mark.parametrize("damage", ["sheet", "zip", "names"])
def test_a_damaged_workbook_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    whole, path = _xlsx(tmp_path / "whole.xlsx"), tmp_path / "u.xlsx"
    if damage == "zip":
        data = bytearray(whole.read_bytes())
        data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
        path.write_bytes(data)
    else:
        with ZipFile(whole) as old, ZipFile(path, "w") as new:
            for name in old.namelist():
                is_sheet = name.endswith("sheet1.xml")
                if is_sheet and damage == "names":
                    continue
                content = old.read(name)
                new.writestr(name, content[: len(content) // 2] if is_sheet else content)
    with pytest.raises(InputError, match=r"u\.xlsx"):
        read_seeds([f"@{path}"])
