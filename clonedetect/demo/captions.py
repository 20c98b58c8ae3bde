"""The platform's posts and its neighbours' texts: ten languages, seven scripts, written for the rehearsal."""

from __future__ import annotations

from importlib.resources import files

import msgspec

__all__ = ["COMMON", "INNOCENT", "POSTS", "Post"]


class Post(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One post of the made-up platform; `picture` names a photograph of the wheels, "" for text alone.

    `template` puts the photograph into a screenshot or meme frame before it is posted.
    """

    item_id: str
    account_id: str
    handle: str
    lang: str
    caption: str
    picture: str = ""
    template: str = ""


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    posts: tuple[Post, ...]
    innocent: tuple[str, ...]
    common: tuple[str, ...]


_TEXTS = msgspec.toml.decode((files("clonedetect.demo") / "texts.toml").read_bytes(), type=_Texts)

POSTS = _TEXTS.posts
INNOCENT = _TEXTS.innocent
COMMON = _TEXTS.common
