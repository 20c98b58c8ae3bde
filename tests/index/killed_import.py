"""What the kill tests of whole imports run and kill: says how far it is, and waits for a line."""

from __future__ import annotations

import sys
from pathlib import Path

from clonedetect.index import store as store_module
from clonedetect.jobs import indexing
from clonedetect.jobs.indexing import Progress, add_sources


def tell(progress: Progress) -> None:
    """Say how many rows are done, and go on when a line comes."""
    sys.stdout.write(f"{progress.rows}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main(folder: Path, source: Path, chunk: int, commit_every: int) -> None:
    """Import `source` in chunks of captions of this size."""
    store_module.COMMIT_EVERY = commit_every
    store_module.COMMIT_AFTER_S = 0
    indexing.CHUNK = chunk
    result = add_sources(folder, [source], on_progress=tell, workers=1)
    sys.stdout.write(f"{result.added} {result.unchanged}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
