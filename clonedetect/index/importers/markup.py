"""The words of HTML that exports keep their captions in, and of text that was decoded wrongly."""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser

__all__ = ["html_text", "repaired"]

_UNSEEN: Final = ["script", "style", "template", "noscript", "iframe", "head"]
_BLOCKS: Final = "p,div,li,h1,h2,h3,h4,h5,h6,blockquote,figure,figcaption,pre,tr,ul,ol"
_MISREAD: Final = re.compile(
    "[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3}"
)
_GAPS: Final = re.compile(r"\n{3,}")


def html_text(markup: str) -> str:
    """Return what a reader of `markup` sees, a line for each break and an empty one between paragraphs."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    tree = LexborHTMLParser(f"<!doctype html><html><body>{markup}</body></html>")
    tree.strip_tags(_UNSEEN)
    for node in tree.css("br"):
        node.replace_with("\n")
    for node in tree.css(_BLOCKS):
        gap = "\n\n" if node.tag == "p" else "\n"
        node.insert_before(gap)
        node.insert_after(gap)
    text = tree.body.text() if tree.body is not None else ""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


def repaired(text: str) -> str:
    """Undo UTF-8 that was read as Latin-1, as Instagram's exports have it; other text stays as it is.

    A text that is wholly of that kind is undone as a whole. Where it is mixed
    with signs that were decoded rightly, or cut within a sign, only runs are
    undone that no right text has: of three bytes and more, with a control
    character, or beginning with the signs that stand before most of Latin-1.
    """
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return _MISREAD.sub(_undone, text)


def _undone(found: re.Match[str]) -> str:
    run = found.group()
    if len(run) == 2 and run[0] not in "\u00c2\u00c3" and run[1] >= "\u00a0":
        return run
    try:
        return run.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return run
