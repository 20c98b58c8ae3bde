"""Run everything and rewrite docs/accuracy.md.

    PYTHONPATH=tests/benchmarks python -m accuracy [texts | pictures]

CLONEDETECT_BENCH_DATA is the folder with ``images/originals``, ``images/distractors`` and ``text``;
CLONEDETECT_ACCURACY_QUERIES (48) the number of table pictures that are altered. Results lie in
``.bench/accuracy``; interrupted, the same command goes on with the pictures.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import image_transforms as transforms
from accuracy import text_document
from accuracy.bench import PICTURES_INDEX
from accuracy.document import Provenance, block, rewrite
from accuracy.gallery import write_gallery
from accuracy.run import (
    DATA,
    FULL_QUERIES,
    ROOT,
    WORK,
    commit,
    identity,
    is_dirty,
    pictures_here,
    run,
    tasks_of,
)
from accuracy.scenes import Scenes
from accuracy.summary import summary
from accuracy.text_document import TextProvenance, text_block
from accuracy.text_run import run_id, run_texts
from accuracy.texts import read_corpus
from clonedetect.index.counts import bytes_by_tier

DOCUMENT = ROOT / "docs" / "accuracy.md"


def main() -> int:
    """Return 0 where the runs were made or there is nothing to make them on, which is said."""
    wanted = sys.argv[1:] or ["texts", "pictures"]
    if "texts" in wanted:
        _texts()
    if "pictures" in wanted:
        _pictures()
    return 0


def _texts() -> None:
    folder = DATA.parent
    try:
        corpus = read_corpus(folder)
    except FileNotFoundError as error:
        print(f"skipped: no texts to measure on ({error}); set CLONEDETECT_BENCH_DATA", file=sys.stderr)
        return
    name = run_id(corpus)
    work = WORK / f"texts-{name}"
    print(f"run {name} of texts; results in {work}")
    results = run_texts(corpus, work)
    provenance = TextProvenance(
        name, commit(), is_dirty(), corpus.digest, datetime.now(UTC).date().isoformat(), _machine()
    )
    rewrite(DOCUMENT, text_block(results, provenance), begin=text_document.BEGIN, end=text_document.END)
    print(f"{DOCUMENT} is rewritten")


def _pictures() -> None:
    pictures = pictures_here()
    if pictures is None:
        return
    queries = int(os.environ.get("CLONEDETECT_ACCURACY_QUERIES", FULL_QUERIES))
    named, scenes = identity(pictures), Scenes(pictures)
    work = WORK / named.run_id
    print(f"run {named.run_id}; results in {work}")
    results = run(DATA, work, scenes, tasks_of(scenes, queries)).values()
    provenance = Provenance(
        run_id=named.run_id,
        commit=named.commit,
        is_dirty=named.is_dirty,
        settings=named.settings,
        data=named.data,
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(),
        is_full=queries >= FULL_QUERIES,
        indexed=len(pictures.indexed),
        bytes_by_tier=bytes_by_tier(work / PICTURES_INDEX),
    )
    rewrite(DOCUMENT, block(summary(results, tuple(transforms.TRANSFORMS), pictures.drawn), provenance))
    overview = write_gallery(work / "gallery", scenes, results, named.run_id)
    print(f"{DOCUMENT} is rewritten; every wrong verdict as a picture: {overview.as_uri()}")


def _machine() -> str:
    """Return the processor's name and the number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
