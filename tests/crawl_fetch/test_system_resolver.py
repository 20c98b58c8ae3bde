"""Names are looked up by the system, and no lookup keeps anything waiting."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from clonedetect.crawl.resolver import SystemResolver


def resolve(host: str):
    return asyncio.run(SystemResolver().resolve(host, 8080))


def test_localhost_has_loopback_addresses_on_the_port_asked_for():
    answers = resolve("localhost")
    assert {answer["host"] for answer in answers} <= {"127.0.0.1", "::1"}
    assert {answer["port"] for answer in answers} == {8080}


@pytest.mark.parametrize(
    ("host", "error"), [("no-such-name.invalid", OSError), (f"{'a' * 70}.invalid", UnicodeError)]
)
def test_a_name_without_address_raises(host: str, error: type[Exception]):
    with pytest.raises(error):
        resolve(host)


def test_a_lookup_that_hangs_holds_up_neither_its_caller_nor_the_end_of_the_loop(monkeypatch):
    released, ended = threading.Event(), threading.Event()

    def hang(*arguments, **options):
        released.wait(30)
        ended.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def run():
        async with asyncio.timeout(0.05):
            await SystemResolver().resolve("dead.example")

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert not ended.is_set()
    released.set()
    assert ended.wait(10)


def test_an_answer_that_comes_too_late_is_dropped(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **o: released.wait(30) and [])

    async def run():
        task = asyncio.create_task(SystemResolver().resolve("slow.example"))
        await asyncio.sleep(0)
        task.cancel()
        released.set()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert asyncio.run(run())
