"""What a worker sends is data of a known type, or nothing."""

import resource
import signal
import socket
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

import msgspec
import numpy as np
import pytest
import sandbox_workloads as work
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from clonedetect.errors import MediaError
from clonedetect.extract import transport, worker
from clonedetect.extract.transport import Reply


@pytest.fixture
def served() -> Iterator[tuple[Connection, list[tuple[float, int]]]]:
    """A worker's loop in a thread, with the limits it asked for."""
    ours, theirs = socket.socketpair()
    limits: list[tuple[float, int]] = []
    with Connection(ours.detach()) as connection, Connection(theirs.detach()) as other:
        thread = threading.Thread(target=worker.serve, args=(other, lambda *limit: limits.append(limit)))
        thread.start()
        yield connection, limits
        connection.close()
        thread.join()


def ask(connection: Connection, function, *arguments) -> transport.Answer:
    signature = transport.signature_of(function)
    connection.send_bytes(transport.encode_request(signature, arguments, 2.0, 1 << 30))
    return transport.decode_answer(connection.recv_bytes())


def test_a_loop_answers_until_the_other_side_closes(served):
    connection, limits = served
    answer = ask(connection, work.double, 4)
    assert (answer.reply, msgspec.msgpack.decode(answer.body)) == (Reply.VALUE, 8)
    assert limits[0] == (2.0 + worker.GRACE_S, 1 << 30)


def test_the_alarm_is_off_between_calls(served):
    connection, limits = served
    ask(connection, work.double, 1)
    ask(connection, work.double, 2)
    assert [time for time, _ in limits][:3] == [4.0, 0, 4.0]


def test_errors_and_defects_are_told_apart(served):
    connection, _ = served
    error = transport.error_from(ask(connection, work.raise_media_error, "why"))
    assert isinstance(error, MediaError)
    assert str(error) == "why"
    assert ask(connection, work.raise_defect).reply is Reply.DEFECT


def test_wrong_arguments_are_a_defect_of_the_caller(served):
    connection, _ = served
    answer = ask(connection, work.double, "four")
    assert answer.reply is Reply.DEFECT
    assert b"Expected `int`" in bytes(answer.body)


@pytest.mark.parametrize("function", [work.take_memory, work.raise_cv_error], ids=["python", "opencv"])
def test_a_worker_out_of_memory_says_so_and_ends(function):
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as connection, Connection(theirs.detach()) as other:
        thread = threading.Thread(target=worker.serve, args=(other, lambda *limit: None))
        thread.start()
        arguments = (1 << 62,) if function is work.take_memory else ()
        assert ask(connection, function, *arguments).reply is Reply.MEMORY
        thread.join(timeout=10)
        assert not thread.is_alive()


@given(
    numpy_strategies.arrays(
        st.sampled_from([np.uint8, np.int64, np.float32, np.bool_, np.uint64]),
        numpy_strategies.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
    )
)
def test_arrays_survive_the_journey(values):
    restored = transport.array_from(
        msgspec.msgpack.decode(msgspec.msgpack.encode(transport._flatten(values)))
    )
    assert restored.dtype == values.dtype
    assert restored.shape == values.shape
    assert restored.tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", ["|O", "|V8", "<M8[s]", "|S4"])
def test_arrays_that_are_no_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match="do not cross"):
        transport.array_from((dtype, (1,), b"\0" * 8))


def test_values_that_are_no_data_are_refused():
    with pytest.raises(TypeError, match="does not cross"):
        transport.encode_answer(Reply.VALUE, object())


@given(st.binary(max_size=200))
def test_any_bytes_from_a_worker_are_an_answer_or_an_error(data):
    try:
        answer = transport.decode_answer(data)
    except msgspec.MsgspecError:
        return
    assert isinstance(answer.reply, Reply)


def test_a_reply_that_is_no_text_is_no_answer():
    with pytest.raises(msgspec.MsgspecError):
        transport.decode_answer(b"\x92\xa3\x00\x00\x80")


def test_limits_are_set_for_the_process():
    before = resource.getrlimit(resource.RLIMIT_AS)
    try:
        worker.limit_process(60.0, 1 << 40)
        assert resource.getrlimit(resource.RLIMIT_AS)[0] == 1 << 40
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
