"""How the thread of the sandbox's servers ends."""

import asyncio

from sandbox.event_loop import event_loop_thread


def test_a_task_that_still_runs_when_the_block_ends_is_cancelled_and_finished() -> None:
    finished: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            finished.append("waiting")

    async def begin() -> None:
        tasks.append(asyncio.create_task(wait()))
        await asyncio.sleep(0)

    with event_loop_thread("waits") as run:
        run(begin())
    assert finished == ["waiting"]
