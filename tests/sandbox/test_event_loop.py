"""The thread in which the sandbox's servers run."""

import asyncio
import sys
import threading

import pytest

from sandbox.event_loop import event_loop_thread


def test_an_error_of_a_coroutine_reaches_the_caller_and_the_thread_ends() -> None:
    async def fail() -> None:
        raise ValueError

    before = threading.active_count()
    with pytest.raises(ValueError), event_loop_thread("loop") as run:  # noqa: PT011 - the one above
        run(fail())
    assert threading.active_count() == before


@pytest.mark.timeout(20)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_coroutine_that_waits_when_system_exit_ends_the_loop_still_runs() -> None:
    busy, leave = threading.Event(), threading.Event()
    closed: list[bool] = []

    def exit_when_told() -> None:
        busy.set()
        leave.wait(30)
        sys.exit()

    async def exit_later() -> None:
        asyncio.get_running_loop().call_later(0.01, exit_when_told)

    async def close() -> None:
        closed.append(True)

    with event_loop_thread("loop") as run:
        run(exit_later())
        busy.wait(30)
        threading.Timer(0.1, leave.set).start()
        run(close())
    assert closed == [True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_ended_by_system_exit_still_closes_its_servers() -> None:
    threads: list[threading.Thread] = []
    closed: list[bool] = []

    async def exit_soon() -> None:
        threads.append(threading.current_thread())
        asyncio.get_running_loop().call_later(0.1, sys.exit)  # after this coroutine has returned

    async def close() -> None:
        closed.append(True)

    with event_loop_thread("loop") as run:
        run(exit_soon())
        threads[0].join(30)
        run(close())
    assert closed == [True]
