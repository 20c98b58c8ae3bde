"""Files against an index, without a crawl: pictures, pages and texts from disk."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from clonedetect.crawl.sniff import media_kind
from clonedetect.errors import InputError
from clonedetect.extract.charset import decode
from clonedetect.jobs.examining import WITHHELD, Examiner, Unexamined
from clonedetect.jobs.visualising import NotDrawn, Visualiser
from clonedetect.match.text import is_too_short
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.item import MediaKind
from clonedetect.models.match import Match, Verdict
from clonedetect.models.page import BlockKind, PageContent, TextBlock

__all__ = ["FileResult", "QueryKind", "list_files", "match_files"]

_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|div|p|meta|script)\b", re.IGNORECASE)
_LOOK_BYTES = 4096
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd]")
"""What prose in any charset has next to none of; next line (U+0085) is none of them."""
_MOST_CONTROLS = 0.01
_MOST_BYTES = 50_000_000


class QueryKind(StrEnum):
    """What a file is, told by its content."""

    IMAGE = "image"
    VIDEO = "video"
    TEXT = "text"
    HTML = "html"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileResult:
    """What comparing one file gave; without `matches` the verdict is `none` or `inconclusive`.

    `pictures` are what was drawn of the matches, one for each, where that was asked for.
    """

    query: str
    query_kind: QueryKind
    verdict: Verdict
    matches: tuple[Match, ...]
    reasons: tuple[str, ...]
    pictures: tuple[Path | NotDrawn, ...] = ()


def list_files(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the files named: a directory is walked in order, ``@LIST`` holds one path a line.

    Raises InputError for what does not exist, and where there is no file at all.
    """
    files: list[str] = []
    for argument in arguments:
        paths = _lines(Path(argument[1:])) if argument.startswith("@") else [argument]
        for path in paths:
            files += _walked(path)
    if not files:
        raise InputError("no file to match: name files, a directory that holds some, or @LIST")
    return tuple(files)


def _walked(path: str) -> Iterator[str]:
    """Yield `path`, or the files below it; pipes and devices would be waited for, and are passed over."""
    if Path(path).is_file():
        yield path
    elif Path(path).is_dir():
        for folder, _, names in sorted(os.walk(path, onerror=_refuse_unreadable)):
            yield from (str(file) for file in map(Path(folder).joinpath, sorted(names)) if file.is_file())
    else:
        raise InputError(f"there is no file {path}")


def match_files(
    examiner: Examiner,
    files: Iterable[str],
    blocked: Collection[Digest] = (),
    visualiser: Visualiser | None = None,
) -> Iterator[FileResult]:
    """Compare each file with the index, one result a file, in order.

    What is in `blocked` is neither decoded nor read. With a `visualiser` the
    matches of pictures are drawn. Raises InputError for a file that cannot be read.
    """
    for name in files:
        try:
            with Path(name).open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}") from error
        if not data:
            yield _unseen(name, QueryKind.OTHER, "the file is empty")
        elif digest_of(data) in blocked:
            yield _unseen(name, _kind(data), WITHHELD)
        else:
            yield _drawn(_match(examiner, name, data), data, visualiser)


def _drawn(result: FileResult, data: bytes, visualiser: Visualiser | None) -> FileResult:
    if visualiser is None or result.query_kind is not QueryKind.IMAGE:
        return result
    return replace(
        result, pictures=tuple(visualiser.draw(result.query, data, match) for match in result.matches)
    )


def _match(examiner: Examiner, name: str, data: bytes) -> FileResult:
    kind = _kind(data)
    if len(data) > _MOST_BYTES:
        return _unseen(name, kind, f"larger than {_MOST_BYTES // 1_000_000} MB")
    if kind is QueryKind.VIDEO:
        return _unseen(name, kind, "videos are not compared by this version")
    if kind is QueryKind.IMAGE:
        return _picture(examiner, name, data)
    if kind is QueryKind.HTML:
        return _page(examiner, name, data)
    return _text(examiner, name, data)


def _kind(data: bytes) -> QueryKind:
    found = media_kind(data)
    if found is not None:
        return QueryKind.VIDEO if found is MediaKind.VIDEO else QueryKind.IMAGE
    return QueryKind.HTML if _MARKUP.search(data[:_LOOK_BYTES]) else QueryKind.TEXT


def _is_binary(data: bytes, text: str) -> bool:
    """Whether what was decoded is no writing: formats that begin like text, or control characters in it."""
    sample = text[: 16 * _LOOK_BYTES]
    controls = sum(1 for _ in _CONTROLS.finditer(sample))
    return data.startswith(b"%PDF-") or controls > _MOST_CONTROLS * len(sample)


def _unseen(name: str, kind: QueryKind, reason: str) -> FileResult:
    return FileResult(name, kind, Verdict.INCONCLUSIVE, (), (reason,))


def _picture(examiner: Examiner, name: str, data: bytes) -> FileResult:
    query = examiner.query(data)
    if isinstance(query, Unexamined):
        return _unseen(name, QueryKind.IMAGE, query.reason)
    outcome = examiner.picture(query)
    return _result(name, QueryKind.IMAGE, outcome.matches, outcome.verdict, outcome.reasons)


def _page(examiner: Examiner, name: str, data: bytes) -> FileResult:
    content = examiner.page(data, Path(name).resolve().as_uri(), "")
    if isinstance(content, Unexamined):
        return _unseen(name, QueryKind.HTML, content.reason)
    unseen = [f"not examined: {count} x {reason}" for reason, count in content.omitted]
    if content.media:
        unseen.append(f"not examined: {len(content.media)} x picture or video the page refers to")
    return _texts(examiner, name, QueryKind.HTML, content, tuple(unseen))


def _text(examiner: Examiner, name: str, data: bytes) -> FileResult:
    text = decode(data, "text/plain").text
    if _is_binary(data, text):
        return _unseen(name, QueryKind.OTHER, "neither a picture, a page nor a text")
    content = PageContent("", blocks=(TextBlock(text, BlockKind.LEAF, "file"),))
    return _texts(examiner, name, QueryKind.TEXT, content, ())


def _texts(
    examiner: Examiner, name: str, kind: QueryKind, content: PageContent, unseen: tuple[str, ...]
) -> FileResult:
    matches = examiner.texts(content.blocks)
    matches += examiner.identifiers(content, matches)
    if is_too_short(content.blocks, examiner.index.model, examiner.settings.thresholds.text):
        unseen = (*unseen, "the text is too short to prove anything")
    verdict = Verdict.INCONCLUSIVE if unseen else Verdict.NONE
    return _result(name, kind, matches, verdict, unseen or ("compared, and nothing of the index was found",))


def _result(
    name: str, kind: QueryKind, matches: tuple[Match, ...], otherwise: Verdict, reasons: tuple[str, ...]
) -> FileResult:
    told = tuple(match for match in matches if match.verdict in (Verdict.CONFIRMED, Verdict.POSSIBLE))
    if told:
        return FileResult(name, kind, told[0].verdict, told, ())
    if matches:
        doubts = tuple(f"{match.item_id}: {reason}" for match in matches for reason in match.reasons)
        return FileResult(name, kind, Verdict.INCONCLUSIVE, (), doubts)
    return FileResult(name, kind, otherwise, (), reasons or ("compared, and nothing of the index was found",))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise InputError(f"the list {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"the list {path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error


def _refuse_unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename} cannot be read: {error.strerror}") from error
