"""Killable workers: real processes, really killed."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sandbox_workloads as work

from clonedetect.errors import DependencyError, MediaError, UsageError
from clonedetect.extract.page import PageLimits, read_page
from clonedetect.extract.sandbox import Killed, KillReason, Sandbox
from clonedetect.extract.walls import classify
from clonedetect.models.capture import Outcome

GIB = 1 << 30


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def workers_of(sandbox: Sandbox) -> list[int]:
    return [slot._process.pid for slot in sandbox._slots if slot._process is not None]


def test_a_call_returns_what_the_function_returns(sandbox):
    assert sandbox.call(work.double, 21) == 42


def test_calls_run_in_another_process_that_is_kept(sandbox):
    first = sandbox.call(work.process_id)
    assert first == sandbox.call(work.process_id)
    assert first != os.getpid()


def test_arrays_enums_and_dataclasses_cross_unchanged(sandbox):
    value = sandbox.call(work.measure, "name", 6)
    assert isinstance(value, work.Measured)
    assert (value.name, value.outcome, value.extra) == ("name", Outcome.OK, None)
    assert value.values.dtype == np.float32
    assert np.array_equal(value.values, np.arange(6, dtype=np.float32).reshape(2, 3))


def test_arrays_cross_as_arguments(sandbox):
    assert sandbox.call(work.echo_array, np.array([1, 2, 3], np.uint8)).tolist() == [3, 2, 1]


def test_a_page_read_in_a_worker_is_the_page_read_here(sandbox):
    page = Path(__file__).parents[2] / "fixtures" / "pages" / "viewer_profile.html"
    arguments = (page.read_bytes(), "https://picpeek.example/profile/lena.fischt", "text/html")
    assert sandbox.call(read_page, *arguments) == read_page(*arguments)


def test_limits_and_walls_cross_as_arguments(sandbox):
    page = b"<img src=/a.jpg><img src=/b.jpg>"
    content = sandbox.call(read_page, page, "https://a.example/", "text/html", PageLimits(media=1))
    assert content.omitted == (("too many media", 1),)
    url, headers = "https://a.example/", (("Content-Type", "text/html"),)
    assert sandbox.call(classify, 401, headers, b"", url, url)[0] is Outcome.LOGIN_WALL
    assert sandbox.call(classify, 200, headers, page, url, url) is None


def test_an_endless_loop_is_killed_when_its_time_is_over(sandbox):
    assert sandbox.call(work.spin_forever, timeout_s=0.2) == Killed(
        KillReason.TIMEOUT, "not done after 0.2 s"
    )
    assert sandbox.call(work.double, 1) == 2


def test_a_killed_process_is_gone(sandbox):
    with Sandbox(1, preload=("sandbox_workloads",)) as single:
        victim = single.call(work.process_id)
        single.call(work.spin_forever, timeout_s=0.1)
        assert not is_running(victim)
        assert single.call(work.process_id) != victim


def test_nested_elements_that_hang_the_parser_are_killed(sandbox):
    killed = sandbox.call(read_page, b"<div>" * 200_000, "https://a.example/", "text/html", timeout_s=0.5)
    assert isinstance(killed, Killed)
    assert killed.reason is KillReason.TIMEOUT


def test_attributes_that_hang_the_parser_are_killed(sandbox):
    page = b"<p " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">"
    killed = sandbox.call(read_page, page, "https://a.example/", "text/html", timeout_s=0.5)
    assert isinstance(killed, Killed)
    assert killed.reason is KillReason.TIMEOUT


def test_memory_beyond_the_limit_is_refused(sandbox):
    killed = sandbox.call(work.take_memory, 2 * GIB)
    assert killed == Killed(KillReason.MEMORY, f"needs more than {GIB} bytes of address space")
    assert sandbox.call(work.double, 4) == 8


def test_the_memory_limit_can_be_set_for_one_call(sandbox):
    assert sandbox.call(work.take_memory, GIB + 1, memory_bytes=3 * GIB) == GIB + 1
    assert isinstance(sandbox.call(work.take_memory, GIB + 1), Killed)


def test_memory_that_earlier_calls_kept_does_not_refuse_a_later_one():
    with Sandbox(1, preload=("sandbox_workloads",)) as single:
        assert single.call(work.keep_memory, GIB // 2) == GIB // 2
        assert single.call(work.keep_memory, GIB // 2) == GIB // 2


def test_a_crash_names_the_signal(sandbox):
    killed = sandbox.call(work.segfault)
    assert killed == Killed(KillReason.CRASH, "the worker was ended by SIGSEGV")
    assert sandbox.call(work.double, 2) == 4


def test_a_worker_that_exits_is_a_crash_with_its_status(sandbox):
    assert sandbox.call(work.exit_silently) == Killed(KillReason.CRASH, "the worker ended with 3: EOFError")


def test_errors_of_our_tree_are_raised_here(sandbox):
    with pytest.raises(MediaError, match="no picture: 17 bytes"):
        sandbox.call(work.raise_media_error, "no picture: 17 bytes")


def test_other_exceptions_are_reported_and_the_worker_goes_on(sandbox):
    killed = sandbox.call(work.raise_defect)
    assert killed == Killed(KillReason.CRASH, "raise_defect failed with KeyError: 'who'")


def test_errors_that_only_claim_to_be_ours_are_a_crash(sandbox):
    killed = sandbox.call(work.raise_foreign)
    assert isinstance(killed, Killed)
    assert "ForeignError is no error of this program" in killed.detail


def test_an_answer_of_another_type_is_a_crash(sandbox):
    killed = sandbox.call(work.lie_about_type)
    assert isinstance(killed, Killed)
    assert killed.reason is KillReason.CRASH
    assert "Expected `int`" in killed.detail


@pytest.mark.parametrize("function", [lambda: 1, work.unannotated], ids=["lambda", "unannotated"])
def test_functions_that_cannot_be_called_elsewhere_are_refused(sandbox, function):
    with pytest.raises(TypeError):
        sandbox.call(function)


def test_several_threads_share_the_workers(sandbox):
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda number: sandbox.call(work.double, number), range(64))) == [
            2 * number for number in range(64)
        ]
    assert len(workers_of(sandbox)) <= 2


def test_a_kill_does_not_disturb_the_call_beside_it(sandbox):
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(sandbox.call, work.wait_for, 0.4)
        killed = threads.submit(sandbox.call, work.spin_forever, timeout_s=0.1)
        assert isinstance(killed.result(), Killed)
        assert waiting.result() == "waited"


def test_awaiting_a_call_does_not_block_the_event_loop(sandbox):
    async def both() -> tuple[object, list[str]]:
        order: list[str] = []
        task = asyncio.create_task(sandbox.acall(work.wait_for, 0.2))
        task.add_done_callback(lambda _: order.append("call"))
        await asyncio.sleep(0)
        order.append("loop")
        return await task, order

    assert asyncio.run(both()) == ("waited", ["loop", "call"])


def test_closing_ends_all_workers():
    with Sandbox(2, preload=("sandbox_workloads",)) as pool:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: pool.call(work.wait_for, 0.1), range(2)))
        processes = workers_of(pool)
        assert len(processes) == 2
    assert not any(is_running(process) for process in processes)


def test_closing_ends_a_call_that_runs():
    pool = Sandbox(1, preload=("sandbox_workloads",))
    pool.call(work.double, 1)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(pool.call, work.spin_forever, timeout_s=60)
        while not pool._free.empty():
            pass
        pool.close()
        with pytest.raises(UsageError, match="closed"):
            running.result()


@pytest.mark.parametrize("workers", [1, 2])
def test_closing_does_not_wait_for_tasks_that_were_cancelled_in_the_queue(workers):
    async def go():
        with Sandbox(workers, preload=("sandbox_workloads",)) as one:
            calls = [asyncio.create_task(one.acall(work.spin_forever, timeout_s=30.0)) for _ in range(16)]
            await asyncio.sleep(0.3)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls, timeout=0.01)

    asyncio.run(asyncio.wait_for(go(), 30))


def test_a_closed_sandbox_runs_nothing():
    pool = Sandbox(1)
    pool.close()
    with pytest.raises(UsageError, match="closed"):
        pool.call(work.double, 1)


def test_a_sandbox_without_workers_is_refused():
    with pytest.raises(UsageError, match="at least one"):
        Sandbox(0)


def test_a_module_that_cannot_be_imported_is_named():
    with (
        Sandbox(1, preload=("no_such_module_anywhere",)) as pool,
        pytest.raises(DependencyError, match="no_such"),
    ):
        pool.call(work.double, 1)


def test_a_worker_that_cannot_start_is_an_error_not_a_hang(monkeypatch):
    monkeypatch.setattr("clonedetect.extract.sandbox._BOOT", "raise SystemExit(9)")
    with Sandbox(1) as pool, pytest.raises(DependencyError, match="while starting"):
        pool.call(work.double, 1)


def test_workers_ignore_interrupts_and_leave_the_terminal_s_group(sandbox):
    ignores, group = sandbox.call(work.signal_state)
    assert ignores
    assert group != os.getpgid(0)


def test_workers_write_nothing_of_their_own(sandbox, capfd):
    assert sandbox.call(work.write_noise) == len(b"noise on standard error")
    assert capfd.readouterr() == ("", "")


def test_workers_die_with_a_parent_that_is_killed():
    script = textwrap.dedent("""
        import sys, sandbox_workloads as work
        from clonedetect.extract.sandbox import Sandbox
        pool = Sandbox(1, preload=("sandbox_workloads",))
        print(pool.call(work.process_id), flush=True)
        sys.stdin.read()
    """)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        worker = int(parent.stdout.readline())
        descriptor = os.pidfd_open(worker)
        parent.send_signal(signal.SIGKILL)
    # The descriptor becomes readable when the process has ended.
    assert select.select([descriptor], [], [], 30)[0] == [descriptor]
    os.close(descriptor)


def test_a_busy_worker_whose_parent_died_is_ended_by_its_own_alarm():
    script = textwrap.dedent("""
        import threading, sys, sandbox_workloads as work
        from clonedetect.extract.sandbox import Sandbox
        pool = Sandbox(1, preload=("sandbox_workloads",))
        worker = pool.call(work.process_id)
        call = lambda: pool.call(work.spin_forever, timeout_s=0.5)
        threading.Thread(target=call, daemon=True).start()
        while not pool._free.empty():
            pass
        print(worker, flush=True)
        sys.stdin.read()
    """)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        worker = int(parent.stdout.readline())
        descriptor = os.pidfd_open(worker)
        parent.send_signal(signal.SIGKILL)
    assert select.select([descriptor], [], [], 30)[0] == [descriptor]
    os.close(descriptor)
