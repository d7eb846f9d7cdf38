"""An asyncio event loop in its own thread, for the servers of the sandbox."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any

Run = Callable[[Coroutine[Any, Any, None]], None]


@contextmanager
def event_loop_thread(name: str) -> Iterator[Run]:
    """Yield a function that runs a coroutine in the thread's event loop and waits for it."""
    loop = asyncio.new_event_loop()
    ended: Future[None] = Future()

    def run_forever() -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_others())
        finally:
            ended.set_result(None)

    def run(work: Coroutine[Any, Any, None]) -> None:
        future = asyncio.run_coroutine_threadsafe(work, loop)
        wait([future, ended], return_when=FIRST_COMPLETED)
        if not future.done():  # SystemExit in a request handler ends the loop and its thread
            loop.run_until_complete(asyncio.wrap_future(future, loop=loop))
        future.result()

    # A daemon, so that a second Ctrl-C ends the process while a server shuts down.
    thread = threading.Thread(target=run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_others() -> None:
    """End what still runs, such as a connection that its browser left a moment ago, and let transports close."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=1)
    await asyncio.sleep(0)
