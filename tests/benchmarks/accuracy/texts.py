"""The corpus of short texts: which are indexed, which are asked, and which no index holds."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clonedetect.signals.normalise import normalise

__all__ = ["Corpus", "Post", "read_corpus", "write_items"]

SEED: Final = 20_261
_GROWING: Final = 0.06
"""How likely an account is to end after each of its posts."""


@dataclass(frozen=True, slots=True)
class Post:
    """A text of the corpus; `is_development` where rules were made on texts of its half."""

    key: str
    language: str
    source: str
    text: str
    account: str
    is_development: bool


@dataclass(frozen=True, slots=True)
class Corpus:
    """`indexed` posts, of which those of the other half are asked; `strangers` no index holds.

    `context` are texts that stand beside a copy (development, not indexed), `phrases` the
    common ones, which are indexed too, each by an account of its own.
    """

    indexed: tuple[Post, ...]
    strangers: tuple[Post, ...]
    context: tuple[str, ...]
    phrases: tuple[str, ...]
    digest: str

    def asked(self) -> list[Post]:
        """Return the indexed posts of the half on which no rule was made."""
        return [post for post in self.indexed if not post.is_development]


def read_corpus(folder: Path) -> Corpus:
    """Read ``text/dev.jsonl.gz`` and ``text/common_phrases.txt`` below `folder`; FileNotFoundError without.

    The half is the lowest bit of SHA-256 of a text's id, the quarter within it the next two:
    three quarters of the half that was kept and one of the development half are indexed, the
    last quarter kept is the strangers. Each normalised text is read once.
    """
    data = (folder / "text" / "dev.jsonl.gz").read_bytes()
    phrases = (folder / "text" / "common_phrases.txt").read_text("utf-8")
    indexed, strangers, context = [], [], []
    seen = set()
    rng = random.Random(SEED)
    accounts: dict[tuple[str, str], int] = {}
    for line in gzip.decompress(data).splitlines():
        row = json.loads(line)
        plain = normalise(row["text"]).text
        if not plain or plain in seen:
            continue
        seen.add(plain)
        bits = hashlib.sha256(row["id"].encode()).digest()[0]
        is_development, quarter = bits % 2 == 0, (bits >> 1) % 4
        place = (row["lang"], row["src"])
        if rng.random() < _GROWING or place not in accounts:
            accounts[place] = len(accounts) + rng.randrange(10**9)
        account = f"{row['lang']}-{accounts[place]}"
        post = Post(row["id"], row["lang"], row["src"], row["text"], account, is_development)
        if is_development and quarter:
            context.append(row["text"])
        elif quarter == 3:
            strangers.append(post)
        else:
            indexed.append(post)
    return Corpus(
        tuple(indexed),
        tuple(strangers),
        tuple(context),
        tuple(line for line in phrases.splitlines() if line.strip()),
        hashlib.sha256(data + phrases.encode()).hexdigest(),
    )


def write_items(path: Path, posts: Iterable[Post], phrases: Sequence[str]) -> None:
    """Write posts, and each phrase as the post of an account of its own, as JSON lines of items."""
    with path.open("w", encoding="utf-8") as lines:
        for post in posts:
            row = {
                "item_id": post.key,
                "account_id": post.account,
                "caption": post.text,
                "lang": post.language,
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        for number, phrase in enumerate(phrases):
            row = {"item_id": f"phrase-{number}", "account_id": f"greeter-{number}", "caption": phrase}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
