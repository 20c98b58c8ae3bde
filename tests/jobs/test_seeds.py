from pathlib import Path

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
