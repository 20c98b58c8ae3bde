"""Every wrong verdict as a page of pictures: what was asked, what it was laid on, and what was said.

The pages lie in the work folder. They show pictures of the data set and are published nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import jinja2
from PIL import Image

from accuracy.records import COPY, RECALL, Result, Seen, Task
from accuracy.scenes import Scenes, framed_item

SIDE: Final = 420
MISSED: Final = "missed"
ONLY_POSSIBLE: Final = "only possible"
FALSE: Final = "false confirmation"
KINDS: Final = (FALSE, MISSED, ONLY_POSSIBLE)

_PAGES: Final = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse }
td, th { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums }
article { border-top: 2px solid #bbb; padding: 1rem 0; display: flex; flex-wrap: wrap; gap: 1.2rem }
article > div { flex: 1 1 16rem } figure { margin: 0 } img { display: block; max-width: 100% }
figcaption { color: #555 } h2 { margin: 0 0 .4rem; font-size: 1.05rem } .is-false { color: #a40000 }
"""
_OVERVIEW: Final = _PAGES.from_string(
    """<!doctype html><html lang="en"><meta charset="utf-8"><title>Wrong verdicts</title>
<style>{{ style }}</style><h1>Wrong verdicts of run {{ run }}</h1>
<p>{{ total }} in {{ asked }} queries. Each number opens its pictures; all else was right.</p>
<table><tr><th>asked<th>group{% for kind in kinds %}<th>{{ kind }}{% endfor %}</tr>
{% for row in rows %}<tr><td>{{ row.kind }}<td>{{ row.group }}{% for kind in kinds %}<td class="number">
{%- if row.counts[kind] %}<a href="{{ row.file }}#{{ kind | replace(' ', '-') }}">
{{- row.counts[kind] }}</a>{% else %}0{% endif %}
{%- endfor %}</tr>
{% endfor %}</table></html>
"""
)
_GROUP: Final = _PAGES.from_string(
    """<!doctype html><html lang="en"><meta charset="utf-8"><title>{{ title }}</title>
<style>{{ style }}</style><p><a href="index.html">All wrong verdicts</a></p><h1>{{ title }}</h1>
{% for kind, cases in kinds %}<section id="{{ kind | replace(' ', '-') }}">
{% for case in cases %}<article>
<figure><img src="{{ case.query }}" alt="the query"><figcaption>asked: {{ case.name }}</figcaption></figure>
<figure>{% if case.reference %}<img src="{{ case.reference }}" alt="ours">{% endif %}
<figcaption>ours: {{ case.item }}</figcaption></figure>
<div><h2{% if kind == "false confirmation" %} class="is-false"{% endif %}>{{ kind }}</h2>
{% if case.seen %}<p>rule “{{ case.seen.rule or "none" }}”, {{ case.seen.inliers }} keypoints,
{{ "%.0f" | format(100 * case.seen.agree) }} % agree,
largest difference {{ "%.0f" | format(100 * case.seen.differing) }} %,
hash {{ case.seen.distance if case.seen.distance is not none else "not near" }}</p>{% endif %}
<ul>{% for reason in case.reasons %}<li>{{ reason }}</li>{% endfor %}</ul></div></article>
{% endfor %}</section>{% endfor %}</html>
"""
)


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong verdict: `seen` is what was said of `item`, None where it was missed."""

    result: Result
    kind: str
    item: str
    seen: Seen | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that came with it."""
        return self.result.reasons if self.seen is None else self.seen.reasons


def wrong_cases(results: Iterable[Result]) -> tuple[Case, ...]:
    """Return every wrong verdict: true items missed or only possible, and other items confirmed."""
    cases = []
    for result in results:
        if result.task.kind in {RECALL, COPY} and not result.is_confirmed:
            kind = ONLY_POSSIBLE if result.is_possible else MISSED
            cases.append(Case(result, kind, _true_item(result.task), result.true))
        hidden = () if result.hidden is None else result.hidden.confirmed
        wrong = (*result.others.confirmed, *hidden)
        cases += [Case(result, FALSE, other.item, other) for other in wrong]
    return tuple(cases)


def write_gallery(folder: Path, scenes: Scenes, results: Iterable[Result], run_id: str) -> Path:
    """Write the pages of all wrong verdicts below `folder` and return the one that lists them."""
    every = tuple(results)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    made = _Pictures(folder, scenes)
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in wrong_cases(every):
        groups.setdefault((case.result.task.kind, case.result.task.group), []).append(case)
    rows = []
    for (kind, group), cases in groups.items():
        file = f"{kind}-{re.sub(r'[^a-z0-9]+', '-', group.lower()).strip('-')}.html"
        by_kind = {name: [case for case in cases if case.kind == name] for name in KINDS}
        shown = [(name, [made.shown(case) for case in some]) for name, some in by_kind.items()]
        page = _GROUP.render(style=_STYLE, title=f"{kind}: {group}", kinds=shown)
        (folder / file).write_text(page, encoding="utf-8")
        counts = {name: len(some) for name, some in by_kind.items()}
        rows.append({"kind": kind, "group": group, "file": file, "counts": counts})
    overview = folder / "index.html"
    told = {"total": sum(map(len, groups.values())), "asked": len(every)}
    overview.write_text(
        _OVERVIEW.render(style=_STYLE, run=run_id, rows=rows, kinds=KINDS, **told), encoding="utf-8"
    )
    return overview


class _Pictures:
    """Small JPEGs beside the pages, each made once."""

    def __init__(self, folder: Path, scenes: Scenes) -> None:
        self._folder = folder
        self._scenes = scenes
        self._references = scenes.references()

    def shown(self, case: Case) -> dict[str, object]:
        task = case.result.task
        return {
            "name": f"{task.picture}{f', {task.indexed} in the index' if task.indexed else ''}",
            "query": self._file(task.key, lambda: self._scenes.query(task)),
            "reference": self._file(case.item, lambda: self._reference(case.item)),
            "item": case.item,
            "seen": case.seen,
            "reasons": case.reasons,
        }

    def _reference(self, item: str) -> bytes:
        make = self._references.get(item)
        return make() if make is not None else self._scenes.pictures.named(item).read_bytes()

    def _file(self, name: str, make: Callable[[], bytes]) -> str:
        path = self._folder / "pictures" / f"{hashlib.sha256(name.encode()).hexdigest()[:20]}.jpg"
        if not path.exists():
            with Image.open(BytesIO(make())) as picture:
                small = picture.convert("RGB")
            small.thumbnail((SIDE, SIDE))
            small.save(path, "JPEG", quality=80)
        return f"pictures/{path.name}"


def _true_item(task: Task) -> str:
    return framed_item(task.group, int(task.picture)) if task.kind == COPY else task.picture
