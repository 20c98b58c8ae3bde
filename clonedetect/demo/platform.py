"""The made-up platform whose posts are copied: pictures and posts.jsonl, as an export would hold them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from clonedetect.demo.captions import POSTS, Post
from clonedetect.demo.pictures import TEMPLATES, jpeg, photograph

__all__ = ["asset_id", "posted_picture", "write_platform"]


def asset_id(post: Post) -> str:
    """Return the platform's asset number of a post's picture."""
    return f"{17_841_400_000_000_000 + int(post.item_id.removeprefix('p-')):d}"


def posted_picture(post: Post) -> bytes:
    """Return the JPEG of a post as the platform published it."""
    picture = photograph(post.picture)
    if post.template:
        picture = TEMPLATES[post.template](picture)
    return jpeg(picture)


def write_platform(folder: Path) -> Path:
    """Write pictures and ``posts.jsonl`` below `folder`; return the latter's path."""
    (folder / "pictures").mkdir(parents=True)
    lines = []
    for number, post in enumerate(POSTS):
        row: dict[str, object] = {
            "item_id": post.item_id,
            "account_id": post.account_id,
            "handle": post.handle,
            "permalink": f"https://lumigram.example/p/{post.item_id}/",
            "caption": post.caption,
            "lang": post.lang,
            "published_at": f"2026-0{1 + number % 9}-1{number % 10}T08:30:00Z",
            "visibility": "public",
        }
        if post.picture:
            name = f"pictures/{post.item_id}.jpg"
            (folder / name).write_bytes(posted_picture(post))
            row["media"] = [{"path": name, "kind": "image", "asset_id": asset_id(post)}]
        lines.append(msgspec.json.encode(row))
    listing = folder / "posts.jsonl"
    listing.write_bytes(b"\n".join(lines) + b"\n")
    return listing
