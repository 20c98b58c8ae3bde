"""The examples that help shows are a whole job that works."""

from __future__ import annotations

import pytest

from tests.jobs.playground import command


@pytest.mark.parametrize("words", [(), ("scan",)], ids=["clonedetect", "scan"])
def test_the_examples_of_help_name_the_approvers(words: tuple[str, ...]) -> None:
    shown = command(*words, "--help").out
    example = shown[: shown.index("Options:")]
    assert "--approvers approver.pem.pub.pem" in example
    if not words:
        assert example.index("key new") < example.index("grant sign") < example.index("scan --grant")
