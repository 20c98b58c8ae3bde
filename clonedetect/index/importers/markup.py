"""The words of HTML that exports keep their captions in, and of text that was decoded wrongly."""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser

__all__ = ["html_text", "repaired"]

_UNSEEN: Final = ["script", "style", "template", "noscript", "iframe", "head"]
_BLOCKS: Final = "p,div,li,h1,h2,h3,h4,h5,h6,blockquote,figure,figcaption,pre,tr,ul,ol"
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
    """Undo UTF-8 that was read as Latin-1, as Instagram's exports have it; other text stays as it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
