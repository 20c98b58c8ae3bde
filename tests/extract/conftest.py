import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clonedetect.extract.sandbox import Sandbox

WORKLOADS = str(Path(__file__).parent / "workloads")
if WORKLOADS not in sys.path:
    sys.path.insert(0, WORKLOADS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(2, preload=("sandbox_workloads", "clonedetect.extract.page")) as one:
        yield one
